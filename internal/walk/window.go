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

// window is the pages that are read before their turn comes. Only the walk
// adds and takes pages; a page that is of no use to go on from calls off those
// behind it by itself.
type window[T any] struct {
	ctx     context.Context
	fetch   Fetch[T]
	size    int // pages at most; 0: each is read when it is asked for
	running sync.WaitGroup

	mu    sync.Mutex
	ahead []*slot[T] // one after the other
	total int        // of the page before them
}

// slot is the place of a page in the window.
type slot[T any] struct {
	number int
	cancel context.CancelFunc
	placed chan struct{} // closed when the next page may stand in line
	done   chan struct{}

	answer   *Answer[T] // nil: the fetch did not come back
	panicked any        // nor will it
	end      bool       // the pages behind it will not be asked for
}

// take returns a page, from the window if it is there.
func (w *window[T]) take(number int) Answer[T] {
	if len(w.ahead) == 0 {
		return w.fetch(w.ctx, number, func() {})
	}
	s := w.ahead[0]
	// When the context has ended nothing more is handed out, as if the page was
	// to be read now.
	if w.ctx.Err() != nil || s.number != number {
		w.clear()
		return w.fetch(w.ctx, number, func() {})
	}
	w.mu.Lock()
	w.ahead = slices.Delete(w.ahead, 0, 1)
	w.mu.Unlock()
	<-s.done
	s.cancel()
	switch {
	case s.panicked != nil:
		panic(s.panicked)
	case s.answer == nil: // as by testing.T.FailNow in a transport
		runtime.Goexit()
	case s.answer.Unsent:
		// It had to wait longer than it would have to now.
		w.clear()
		return w.fetch(w.ctx, number, func() {})
	}
	return *s.answer
}

// fill reads ahead behind a page: no further than the list goes by its total,
// and no more pages than it takes for the rows that are wanted; 0: all.
func (w *window[T]) fill(last Meta, wanted int) {
	if w.size < 1 {
		return
	}
	most := min(w.size, last.pages()-last.Page)
	if wanted > 0 {
		most = min(most, (wanted-1)/last.PerPage+1)
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
func (w *window[T]) add(number int) bool {
	ctx, cancel := context.WithCancel(w.ctx)
	s := &slot[T]{number: number, cancel: cancel, placed: make(chan struct{}), done: make(chan struct{})}
	w.mu.Lock()
	if slices.ContainsFunc(w.ahead, func(s *slot[T]) bool { return s.end }) {
		w.mu.Unlock()
		cancel()
		return false
	}
	var before chan struct{} // nil: nobody stands in line before it
	if n := len(w.ahead); n > 0 {
		before = w.ahead[n-1].placed
	}
	w.ahead = append(w.ahead, s)
	w.mu.Unlock()
	w.running.Go(func() { w.read(ctx, s, before) })
	return true
}

// read reads the page of s, and returns even if the fetch does not.
func (w *window[T]) read(ctx context.Context, s *slot[T], before <-chan struct{}) {
	placed := sync.OnceFunc(func() { close(s.placed) })
	defer func() {
		s.panicked = recover()
		w.settle(s)
		placed()
		close(s.done)
	}()
	if before != nil {
		select {
		case <-before:
		case <-ctx.Done():
		}
	}
	answer := w.fetch(ctx, s.number, placed)
	s.answer = &answer
}

// settle calls off the pages behind s if they will not be asked for: because
// of an error, because the list ends there, or because it shrank, after which
// they are not to be relied on.
func (w *window[T]) settle(s *slot[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := s.answer
	if a != nil && a.Err == nil && a.Meta.Total >= w.total && len(a.Rows) > 0 {
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
func (w *window[T]) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.ahead {
		s.cancel()
	}
	w.ahead = nil
}

// stop ends the reading ahead for good.
func (w *window[T]) stop() {
	w.clear()
	w.size = 0
}

// close ends what is under way and waits for its end.
func (w *window[T]) close() {
	w.clear()
	w.running.Wait()
}
