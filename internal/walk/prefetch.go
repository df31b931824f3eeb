package walk

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// mostAhead is how many pages are read ahead at most: each of them may be
// large, and all are lost when the walk breaks off.
const mostAhead = 100

// prefetch holds the pages that are read before they are needed. Only the walk
// adds and takes pages; a page behind which no other will be needed cancels the
// pages behind it by itself.
type prefetch[T any] struct {
	ctx     context.Context
	fetch   func(number int) Fetch[T]
	size    int // pages at most; 0: each is read when it is asked for
	running sync.WaitGroup

	mu    sync.Mutex
	ahead []*slot[T] // one after the other
	total int        // of the page before them
}

// slot is a page that is read ahead.
type slot[T any] struct {
	number int
	cancel context.CancelFunc
	done   chan struct{}

	result   *Result[T] // nil: the fetch did not come back
	panicked any        // nor will it
	end      bool       // the pages behind it will not be asked for
}

// take returns a page, one that was read ahead if it is there.
func (w *prefetch[T]) take(number int) Result[T] {
	if len(w.ahead) == 0 {
		return w.fetch(number)(w.ctx)
	}
	s := w.ahead[0]
	// When the context has ended nothing more is handed out, as if the page was
	// to be read now.
	if w.ctx.Err() != nil || s.number != number {
		w.clear()
		return w.fetch(number)(w.ctx)
	}
	w.mu.Lock()
	w.ahead = slices.Delete(w.ahead, 0, 1)
	w.mu.Unlock()
	<-s.done
	s.cancel()
	switch {
	case s.panicked != nil:
		panic(s.panicked)
	case s.result == nil: // as by testing.T.FailNow in a transport
		runtime.Goexit()
	case s.result.Outwaited:
		w.clear()
		return w.fetch(number)(w.ctx)
	}
	return *s.result
}

// fill reads ahead behind a page of so many rows: no further than the list goes
// by its total, and no more pages than it takes for the rows that are wanted; 0:
// all.
func (w *prefetch[T]) fill(last Meta, rows, wanted int) {
	if w.size < 1 {
		return
	}
	most := min(w.size, last.pages()-last.Page)
	if wanted > 0 {
		most = min(most, (wanted-1)/max(last.PerPage, rows)+1)
	}
	w.mu.Lock()
	w.total = last.Total
	w.mu.Unlock()
	for len(w.ahead) < most {
		if !w.add(last.Page + 1 + len(w.ahead)) {
			return
		}
	}
}

// add begins to read a page, unless one before it is the end.
func (w *prefetch[T]) add(number int) bool {
	ctx, cancel := context.WithCancel(w.ctx)
	s := &slot[T]{number: number, cancel: cancel, done: make(chan struct{})}
	w.mu.Lock()
	if slices.ContainsFunc(w.ahead, func(s *slot[T]) bool { return s.end }) {
		w.mu.Unlock()
		cancel()
		return false
	}
	w.ahead = append(w.ahead, s)
	w.mu.Unlock()
	fetch := w.fetch(number)
	w.running.Go(func() { w.read(ctx, s, fetch) })
	return true
}

// read reads the page of s, and returns even if the fetch does not.
func (w *prefetch[T]) read(ctx context.Context, s *slot[T], fetch Fetch[T]) {
	defer func() {
		s.panicked = recover()
		w.settle(s)
		close(s.done)
	}()
	result := fetch(ctx)
	s.result = &result
}

// settle calls off the pages behind s if they will not be asked for: because
// of an error, because the list ends there, or because it shrank, after which
// they are not to be relied on.
func (w *prefetch[T]) settle(s *slot[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := s.result
	if r != nil && r.Err == nil && r.Meta.Total >= w.total && len(r.Rows) > 0 {
		return
	}
	s.end = true
	for _, behind := range w.ahead {
		if behind.number > s.number {
			behind.cancel()
		}
	}
}

// clear throws away what was read ahead.
func (w *prefetch[T]) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.ahead {
		s.cancel()
	}
	w.ahead = nil
}

// stop ends the reading ahead for good.
func (w *prefetch[T]) stop() {
	w.clear()
	w.size = 0
}

// close ends what is under way and waits for its end.
func (w *prefetch[T]) close() {
	w.clear()
	w.running.Wait()
}
