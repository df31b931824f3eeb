package walk

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// mostEarly is how many pages are read ahead at most: each of them may be
// large, and all are lost when the walk breaks off.
const mostEarly = 100

// reader reads pages when they are asked for, and some of them before. Only the
// walk fills it and takes pages; a page behind which no other will be needed
// cancels the pages behind it by itself.
type reader[T, S any] struct {
	ctx     context.Context
	fetch   func(number int) Fetch[T, S]
	size    int // pages at most; 0: each is read when it is asked for
	running sync.WaitGroup

	mu    sync.Mutex
	early []*slot[T, S] // one after the other
	total int           // of the page before them
}

// slot is a page that is read ahead.
type slot[T, S any] struct {
	number int
	cancel context.CancelFunc
	done   chan struct{}

	result   *Result[T, S] // nil: the fetch did not come back
	panicked any           // nor will it

	end       bool // no page behind it is to be read ahead
	calledOff bool // by a page before it
}

// take returns a page, one that was read ahead if it is there.
func (f *reader[T, S]) take(number int) Result[T, S] {
	if len(f.early) == 0 {
		return f.fetch(number)(f.ctx)
	}
	s := f.early[0]
	// When the context has ended nothing more is handed out, as if the page was
	// to be read now.
	if f.ctx.Err() != nil || s.number != number {
		f.clear()
		return f.fetch(number)(f.ctx)
	}
	f.mu.Lock()
	f.early = slices.Delete(f.early, 0, 1)
	f.mu.Unlock()
	<-s.done
	s.cancel()
	switch {
	case s.panicked != nil:
		panic(s.panicked)
	case s.result == nil: // as by testing.T.FailNow in a transport
		runtime.Goexit()
	case s.result.Outwaited, s.calledOff:
		f.clear()
		return f.fetch(number)(f.ctx)
	}
	return *s.result
}

// fill reads ahead up to so many pages from next on, which stands behind a page
// with that total.
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

// add begins to read a page, unless one before it is the end.
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

// read reads the page of s, and returns even if the fetch does not.
func (f *reader[T, S]) read(ctx context.Context, s *slot[T, S], fetch Fetch[T, S]) {
	defer func() {
		s.panicked = recover()
		f.settle(s)
		close(s.done)
	}()
	result := fetch(ctx)
	s.result = &result
}

// settle calls off the pages behind s if they will not be asked for: because
// of an error, or because the list shrank, after which they are not to be relied
// on. Behind an empty page no more are read ahead.
func (f *reader[T, S]) settle(s *slot[T, S]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := s.result
	sound := r != nil && r.Err == nil && r.Meta.Total >= f.total
	if sound && len(r.Items) > 0 {
		return
	}
	s.end = true
	for _, behind := range f.early {
		if !sound && behind.number > s.number {
			behind.calledOff = true
			behind.cancel()
		}
	}
}

// clear throws away what was read ahead.
func (f *reader[T, S]) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.early {
		s.cancel()
	}
	f.early = nil
}

// stop ends the reading ahead for good.
func (f *reader[T, S]) stop() {
	f.clear()
	f.size = 0
}

// close ends what is under way and waits for its end.
func (f *reader[T, S]) close() {
	f.clear()
	f.running.Wait()
}
