package transport

import (
	"context"
	"sync"
)

// Line makes concurrent calls wait for permits in the order in which they got their
// places. The zero Line is empty.
type Line struct{ last *Place }

// Next returns a place after the last one.
func (l *Line) Next() *Place {
	p := &Place{before: l.last, taken: make(chan struct{})}
	l.last = p
	return p
}

// Place is the place of one call in a Line.
type Place struct {
	before *Place // nil for the first place
	taken  chan struct{}
	once   sync.Once
}

// Wait waits until the call before has a permit, or is queued for one.
func (p *Place) Wait(ctx context.Context) {
	if p.before == nil {
		return
	}
	select {
	case <-p.before.taken:
	case <-ctx.Done():
	}
	p.before = nil // so that earlier places can be garbage collected
}

// Release lets the next call queue.
func (p *Place) Release() { p.once.Do(func() { close(p.taken) }) }
