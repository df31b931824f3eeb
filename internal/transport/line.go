package transport

import (
	"context"
	"sync"
)

// Line lets calls that are made concurrently wait for permits in the order in
// which they got their places. The zero Line is empty.
type Line struct{ last *Place }

// Next returns the place behind the last one.
func (l *Line) Next() *Place {
	p := &Place{before: l.last, taken: make(chan struct{})}
	l.last = p
	return p
}

// Place is the place of one call in a Line.
type Place struct {
	before *Place // nil: it is the first
	taken  chan struct{}
	once   sync.Once
}

// Wait waits until the call before has its permit, or waits for it.
func (p *Place) Wait(ctx context.Context) {
	if p.before == nil {
		return
	}
	select {
	case <-p.before.taken:
	case <-ctx.Done():
	}
	p.before = nil // or the line would never be forgotten
}

// Release lets the next call go on.
func (p *Place) Release() { p.once.Do(func() { close(p.taken) }) }
