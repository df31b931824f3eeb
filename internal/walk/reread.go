package walk

import "slices"

// fell reports whether unread rows may have moved back before p: the total fell
// while rows were missing, and no row of p was seen.
func (w *Walk[T, S]) fell(p *page[T]) bool {
	if w.last == nil || p.meta.Total >= w.counted.total {
		return false
	}
	w.reader.stop()
	return !w.enough && w.counted.empty == 0 && w.known(p) == 0
}

// lookBack finds out whether unread rows moved back over the end of the last
// page, so that they are missing before next. It returns the page to go on with:
// next itself if they did not, one before it if they did, or nil if next has to
// be read again.
func (w *Walk[T, S]) lookBack(next *page[T]) (*page[T], error) {
	// Reading back in vain costs a page for each page of the list, and two more.
	spare := w.counted.filled + 2 - w.vain
	if spare < 1 {
		next.total = w.counted.total
		return next, nil
	}
	if w.looks++; w.looks > patience {
		return nil, &Broken{"the list shrinks faster than it can be read"}
	}
	p, err := w.read(w.last.meta.Page)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(p.keys, w.last.keys) {
		w.moved()
		return w.goBack(p, next)
	}
	if w.moving && w.looks <= patience/2 { // rows inserted may have pushed on what had moved back
		w.counted.total = p.meta.Total
		return nil, nil
	}
	w.moving = false // or it would have shown by now
	w.vain++
	next.total = max(next.meta.Total, p.meta.Total) // they contradict each other
	if p.meta.Page != w.counted.start && spare > 1 && w.counted.missingOf(p.meta.Total) > 0 {
		first, err := w.read(w.counted.start)
		if err != nil {
			return nil, err
		}
		w.vain++
		if !slices.Equal(first.keys, w.front) {
			w.moved()
			w.front, w.counted.total = first.keys, p.meta.Total
			return nil, nil
		}
		next.total = max(next.total, first.meta.Total)
	}
	return next, nil
}

// goBack makes good what removals have hidden: it reads back from p, the last
// page as it is now, to a page that was seen. If p joins next, it hands out p
// and returns next.
func (w *Walk[T, S]) goBack(p, next *page[T]) (*page[T], error) {
	gone := w.counted.total - next.meta.Total
	for back := gone / w.counted.size(); p.meta.Page > w.counted.start && w.known(p) == 0; back = 0 {
		var err error
		if p, err = w.read(max(p.meta.Page-max(back, 1), w.counted.start)); err != nil {
			return nil, err
		}
	}
	p.total = p.meta.Total
	if n := w.known(p); 0 < n && n < len(p.keys) {
		w.looks = 0
	}
	if p.meta.Page < w.last.meta.Page || !w.adjacent(p, next, gone) {
		return p, nil
	}
	if err := w.accept(p); err != nil {
		return nil, err
	}
	next.total = next.meta.Total
	w.top = next.meta.Page // its rows were not pushed on if p has them, too
	return next, nil
}

// adjacent reports whether surely no unread row stands between p and next, the
// page behind it as it was read before p: because p reaches into next, or because
// behind the seen rows it has as many unread ones as can have moved back.
func (w *Walk[T, S]) adjacent(p, next *page[T], gone int) bool {
	if next.meta.Page != p.meta.Page+1 || len(next.keys) == 0 {
		return false
	}
	met, moved := false, 0
	for _, key := range p.keys {
		switch {
		case key == next.keys[0]:
			return true
		case w.seen.has(key):
			met, moved = true, 0
		case met:
			moved++
		}
	}
	return moved == gone
}
