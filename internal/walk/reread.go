package walk

import "slices"

// looking is the state of reading back.
type looking struct {
	moving  bool     // items have been seen to move
	looks   int      // consecutive attempts that found nothing
	rereads int      // pages read again since items last moved
	returns int      // how often the iteration has returned to a page in doubt
	front   []string // the keys of page 1 when it was last read; nil if unknown
	doubt   doubt
}

// doubt records that pages were accepted although unread items may precede them:
// the pages before them were unchanged, but items inserted in the meantime may have
// pushed on again what removals had pulled back.
type doubt struct {
	page  int // the page before the first of them; zero means that nothing is in doubt
	since int // the time, in the clock of recent, since when items came that missed ones may precede
	total int // the largest total of an unchanged page
}

// verdict is the decision about a page that was read.
type verdict[T any] struct {
	page  *page[T] // the page to accept; nil means that the requested one is to be read again
	total int      // the length of the list according to page
}

// moved records that items have moved.
func (l *looking) moved() { l.moving, l.rereads = true, 0 }

// spare returns how many more pages may be read again without finding that items
// moved: one for each page with items that has been read, minus those read again.
func (w *Iteration[T, S]) spare() int { return w.counted.filled - w.back.rereads }

// fell reports whether unread items may have moved to pages before p: the total
// fell while items were missing, and no item of p has been seen.
func (w *Iteration[T, S]) fell(p *page[T]) bool {
	if w.last == nil || p.meta.Total >= w.counted.total {
		return false
	}
	w.reader.stop()
	return !w.enough && w.counted.empty == 0 && w.sound(p) == 0
}

// lookBack finds out whether unread items have moved back over the end of the last
// page, so that they would be missed before next.
func (w *Iteration[T, S]) lookBack(next *page[T]) (verdict[T], error) {
	if w.back.looks++; w.back.looks > maxLooks {
		return verdict[T]{}, errShrinks
	}
	spare := w.spare()
	last, err := w.look(w.last.meta.Page)
	if err != nil {
		return verdict[T]{}, err
	}
	if !slices.Equal(last.keys, w.last.keys) {
		w.back.moved()
		return w.goBack(last, next)
	}
	v := verdict[T]{next, max(next.meta.Total, last.meta.Total)} // the two totals contradict each other
	switch {
	case last.meta.Page == 1: // nothing can have been inserted before it
		return v, nil
	case w.counted.missingOf(last.meta.Total) <= 0: // no item is left after it
		return v, nil
	case spare < 2 && w.back.front != nil:
		w.raiseDoubt(last)
		return v, nil
	}
	return w.lookFurther(last, v, spare)
}

// lookFurther decides on v.page when last, the page before it, is unchanged. If no
// items were inserted in the meantime, none have moved back. Otherwise v.page is to
// be read again: if the total does not fall again, nothing has moved since last was
// read.
func (w *Iteration[T, S]) lookFurther(last *page[T], v verdict[T], spare int) (verdict[T], error) {
	total, pushed, err := w.lookFirst()
	if err != nil {
		return verdict[T]{}, err
	}
	d := &w.back.doubt
	switch {
	case pushed && d.page > 0:
		return w.returnToDoubt()
	case !pushed && total >= max(d.total, last.meta.Total):
		*d = doubt{}
	case !pushed && (spare < 4 || w.back.looks > 2):
		w.raiseDoubt(last)
	default:
		w.back.rereads++
		w.counted.total = last.meta.Total
		return verdict[T]{}, nil
	}
	return verdict[T]{v.page, max(v.total, total)}, nil
}

// look reads a page again, at the expense of spare.
func (w *Iteration[T, S]) look(number int) (*page[T], error) {
	w.back.rereads++
	return w.read(number)
}

// lookFirst reads page 1. It returns the total, and whether items may have been
// inserted since page 1 was last read and are still there: new items come first.
func (w *Iteration[T, S]) lookFirst() (total int, pushed bool, err error) {
	p, err := w.look(1)
	if err != nil {
		return 0, false, err
	}
	front := w.back.front
	w.back.front = p.keys
	if front == nil {
		return p.meta.Total, true, nil
	}
	if !slices.Equal(p.keys, front) {
		w.back.moved()
	}
	return p.meta.Total, len(p.keys) > 0 && !slices.Contains(front, p.keys[0]), nil
}

// raiseDoubt records that the page after last, which is unchanged, is accepted
// although unread items may have moved back before it.
func (w *Iteration[T, S]) raiseDoubt(last *page[T]) {
	d := &w.back.doubt
	if d.page == 0 {
		d.page, d.since = last.meta.Page, w.seen.clock
	}
	d.total = max(d.total, last.meta.Total)
}

// settle checks whether items were inserted while pages were in doubt, at the end
// or when a request can be spared. If none were, except for some that were removed
// again, which the total shows, nothing is in doubt any more. If some were, the
// iteration goes back. settle returns the page to read next.
func (w *Iteration[T, S]) settle(next int) (int, error) {
	d := &w.back.doubt
	if d.page == 0 || next != ended && (w.spare() < 2 || w.counted.newest < d.total) {
		return next, nil
	}
	total, pushed, err := w.lookFirst()
	switch {
	case err != nil:
		return ended, err
	case pushed:
		v, err := w.returnToDoubt()
		if err != nil {
			return ended, err
		}
		return w.proceed(v)
	case total >= d.total:
		*d = doubt{}
	}
	return next, nil
}

// returnToDoubt goes back to the page in doubt, or further to a page up to which no
// item has been missed.
func (w *Iteration[T, S]) returnToDoubt() (verdict[T], error) {
	if w.back.returns++; w.back.returns > maxLooks {
		return verdict[T]{}, errShrinks
	}
	from := w.back.doubt
	w.back.doubt, w.enough = doubt{}, false
	w.seen.distrust(from.since)
	p, err := w.read(min(from.page, w.counted.next())) // the iteration may have gone back further since
	for err == nil && p.meta.Page > w.counted.start && w.sound(p) == 0 {
		p, err = w.read(p.meta.Page - 1)
	}
	if err != nil {
		return verdict[T]{}, err
	}
	return verdict[T]{p, p.meta.Total}, nil
}

// goBack recovers what removals have hidden. It reads back from p, the last page as
// it is now, to a page with a seen item. If p is adjacent to next, it yields p and
// continues with next.
func (w *Iteration[T, S]) goBack(p, next *page[T]) (verdict[T], error) {
	gone := w.counted.total - next.meta.Total
	size, _ := w.counted.size()
	for back := gone / size; p.meta.Page > w.counted.start && w.sound(p) == 0; back = 0 {
		var err error
		if p, err = w.read(max(p.meta.Page-max(back, 1), w.counted.start)); err != nil {
			return verdict[T]{}, err
		}
	}
	if n := w.sound(p); 0 < n && n < len(p.keys) {
		w.back.looks = 0
	}
	if p.meta.Page < w.last.meta.Page || !w.adjacent(p, next, gone) {
		return verdict[T]{p, p.meta.Total}, nil
	}
	if err := w.accept(p, p.meta.Total); err != nil {
		return verdict[T]{}, err
	}
	w.top = max(w.top, next.meta.Page) // items that are also on p were not pushed on
	return verdict[T]{next, next.meta.Total}, nil
}

// adjacent reports whether it is certain that no unread item lies between p and
// next, the page after it, which was read before p: either p contains the first
// item of next, or after the seen items p has exactly as many unread ones as can
// have moved back.
func (w *Iteration[T, S]) adjacent(p, next *page[T], gone int) bool {
	if next.meta.Page != p.meta.Page+1 || len(next.keys) == 0 {
		return false
	}
	met, moved := false, 0
	for _, key := range p.keys {
		switch {
		case key == next.keys[0]:
			return true
		case w.seen.sound(key):
			met, moved = true, 0
		case met:
			moved++
		}
	}
	return moved == gone
}

// sound returns how many items of p have been seen such that no unread item can
// precede them.
func (w *Iteration[T, S]) sound(p *page[T]) int { return count(p.keys, w.seen.sound) }

// known returns how many items of p have been seen.
func (w *Iteration[T, S]) known(p *page[T]) int { return count(p.keys, w.seen.has) }

func count(keys []string, has func(string) bool) int {
	n := 0
	for _, key := range keys {
		if has(key) {
			n++
		}
	}
	return n
}
