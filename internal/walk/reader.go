package walk

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// mostEarly is the largest number of pages read ahead: each may be large, and all
// are discarded when the caller leaves the loop.
const mostEarly = 100

// reader reads pages when they are needed, and some ahead of that. Only the
// iteration adds and takes pages. A page after which no other will be needed
// cancels the pages after it.
type reader[T, S any] struct {
	ctx     context.Context
	fetch   func(number int) Fetch[T, S]
	size    int // the largest number of pages read ahead; zero means no reading ahead
	running sync.WaitGroup

	mu    sync.Mutex
	early []*slot[T, S] // consecutive pages
	total int           // of the page before them
}

// slot is a page that is read ahead.
type slot[T, S any] struct {
	number int
	cancel context.CancelFunc
	done   chan struct{}

	result   *Result[T, S] // nil if the fetch did not return
	panicked any           // the value with which the fetch panicked

	end      bool // no page after it is to be read ahead
	canceled bool // by a page before it, or because it was discarded
}

// take returns a page, which may have been read ahead.
func (f *reader[T, S]) take(number int) Result[T, S] {
	if len(f.early) == 0 {
		return f.fetch(number)(f.ctx)
	}
	s := f.early[0]
	// If the context has ended, no page is used any more that was read ahead, as if
	// it had to be read now.
	if f.ctx.Err() != nil || s.number != number {
		f.clear()
		return f.fetch(number)(f.ctx)
	}
	f.mu.Lock()
	f.early = slices.Delete(f.early, 0, 1)
	f.mu.Unlock()
	needed := time.Now()
	<-s.done
	s.cancel()
	switch {
	case s.panicked != nil:
		panic(s.panicked)
	case s.result == nil: // for example, a transport has called testing.T.FailNow
		runtime.Goexit()
	case s.canceled, f.ctx.Err() == nil && s.result.Waited/2 > time.Since(needed):
		f.clear()
		return f.fetch(number)(f.ctx)
	}
	return *s.result
}

// fill reads up to so many pages ahead, from next on. total is that of the page
// before them.
func (f *reader[T, S]) fill(next, pages, total int) {
	f.mu.Lock()
	f.total = total
	f.mu.Unlock()
	for len(f.early) < min(f.size, pages) {
		if !f.add(next + len(f.early)) {
			return
		}
	}
}

// add begins to read a page, unless a page before it is the end.
func (f *reader[T, S]) add(number int) bool {
	ctx, cancel := context.WithCancel(f.ctx)
	s := &slot[T, S]{number: number, cancel: cancel, done: make(chan struct{})}
	f.mu.Lock()
	if slices.ContainsFunc(f.early, func(s *slot[T, S]) bool { return s.end }) {
		f.mu.Unlock()
		cancel()
		return false
	}
	f.early = append(f.early, s)
	f.mu.Unlock()
	fetch := f.fetch(number)
	f.running.Go(func() { f.read(ctx, s, fetch) })
	return true
}

// read reads the page of s. If the fetch panics or ends the goroutine, it records
// that.
func (f *reader[T, S]) read(ctx context.Context, s *slot[T, S], fetch Fetch[T, S]) {
	defer func() {
		s.panicked = recover()
		f.settle(s)
		close(s.done)
	}()
	result := fetch(ctx)
	s.result = &result
}

// settle cancels the pages after s if they will not be needed: after an error, or
// if the list shrank, because they cannot be relied on then. After an empty page no
// more are read ahead. A page that was discarded is settled late, and the pages that
// are there by then are not its own.
func (f *reader[T, S]) settle(s *slot[T, S]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := s.result
	sound := r != nil && r.Err == nil && r.Meta.Total >= f.total
	if sound && len(r.Items) > 0 {
		return
	}
	s.end = true
	for _, later := range f.early {
		if !sound && !s.canceled && later.number > s.number {
			later.canceled = true
			later.cancel()
		}
	}
}

// clear discards the pages that were read ahead.
func (f *reader[T, S]) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.early {
		s.canceled = true
		s.cancel()
	}
	f.early = nil
}

// stop ends reading ahead for good.
func (f *reader[T, S]) stop() {
	f.clear()
	f.size = 0
}

// close cancels the fetches in flight and waits for their end.
func (f *reader[T, S]) close() {
	f.clear()
	f.running.Wait()
}
