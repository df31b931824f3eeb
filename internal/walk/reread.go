package walk

import "slices"

// looking is what reading back has come to.
type looking struct {
	moving  bool     // items were seen to move
	looks   int      // back, in a item, that found nothing
	vain    int      // pages read to look back since items moved last
	returns int      // to a page in doubt
	front   []string // the items of page 1 when it was looked at last; nil: not known
	doubt   doubt
}

// doubt says that pages were accepted although unread rows may stand before
// them: those before them were as they had been, but rows inserted meanwhile
// may have pushed back what removals had moved.
type doubt struct {
	page  int // the page before the first of them; 0: nothing is in doubt
	since int // when their items came: items that are missed may belong before them
	total int // the largest total with which such a page was as it had been
}

// verdict is what a page that was read leads to.
type verdict[T any] struct {
	page  *page[T] // the page to accept; nil: the one that was asked for is to be read again
	total int      // how many items the list has as far as page tells
}

// moved takes note that rows moved.
func (l *looking) moved() { l.moving, l.vain = true, 0 }

// spare is how many more pages may be read to look back in vain: one for each
// page of the list.
func (w *Iteration[T, S]) spare() int { return w.counted.filled - w.back.vain }

// fell reports whether unread rows may have moved back before p: the total fell
// while rows were missing, and no row of p was seen before.
func (w *Iteration[T, S]) fell(p *page[T]) bool {
	if w.last == nil || p.meta.Total >= w.counted.total {
		return false
	}
	w.reader.stop()
	return !w.enough && w.counted.empty == 0 && w.sound(p) == 0
}

// lookBack finds out whether unread rows moved back over the end of the last
// page, so that they are missing before next.
func (w *Iteration[T, S]) lookBack(next *page[T]) (verdict[T], error) {
	if w.back.looks++; w.back.looks > patience {
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
	v := verdict[T]{next, max(next.meta.Total, last.meta.Total)} // they contradict each other
	switch {
	case last.meta.Page == 1: // no item was inserted before it
		return v, nil
	case w.counted.missingOf(last.meta.Total) <= 0: // no item is left behind it
		return v, nil
	case spare < 2 && w.back.front != nil:
		w.raiseDoubt(last)
		return v, nil
	}
	return w.lookFurther(last, v, spare)
}

// lookFurther decides on v.page while last, the page before it, is as it was: if
// no row was inserted meanwhile, that is proof that none moved back. Else v.page
// is to be read again: if the total does not fall again, nothing has moved since
// last was read.
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
		w.back.vain++
		w.counted.total = last.meta.Total
		return verdict[T]{}, nil
	}
	return verdict[T]{v.page, max(v.total, total)}, nil
}

// look reads a page once more to look back.
func (w *Iteration[T, S]) look(number int) (*page[T], error) {
	w.back.vain++
	return w.read(number)
}

// lookFirst looks at page 1. It returns the total, and whether rows may have been
// inserted since it was looked at last that were not removed again by now: new
// rows come first.
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

// raiseDoubt takes note that the page behind last is accepted though unread rows
// may have moved back before it, while last is as it was.
func (w *Iteration[T, S]) raiseDoubt(last *page[T]) {
	d := &w.back.doubt
	if d.page == 0 {
		d.page, d.since = last.meta.Page, w.seen.clock
	}
	d.total = max(d.total, last.meta.Total)
}

// settle looks whether rows were inserted while pages were in doubt, at the end
// or when there is a page to spare for it. If none was, unless it was removed
// again, which the total shows, there is no doubt. If some were, the iteration
// goes back. It returns the page to read next.
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

// returnToDoubt goes back to the page in doubt, or to one before it up to which
// no row is missed.
func (w *Iteration[T, S]) returnToDoubt() (verdict[T], error) {
	if w.back.returns++; w.back.returns > patience {
		return verdict[T]{}, errShrinks
	}
	from := w.back.doubt
	w.back.doubt, w.enough = doubt{}, false
	w.seen.distrust(from.since)
	p, err := w.read(from.page)
	for err == nil && p.meta.Page > w.counted.start && w.sound(p) == 0 {
		p, err = w.read(p.meta.Page - 1)
	}
	if err != nil {
		return verdict[T]{}, err
	}
	return verdict[T]{p, p.meta.Total}, nil
}

// goBack makes good what removals have hidden: it reads back from p, the last
// page as it is now, to a page that was seen. If p joins next, it hands out p
// and goes on with next.
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
	w.top = max(w.top, next.meta.Page) // its items were not pushed on if p has them, too
	return verdict[T]{next, next.meta.Total}, nil
}

// adjacent reports whether surely no unread row stands between p and next, the
// page behind it as it was read before p: because p reaches into next, or because
// behind the seen rows it has as many unread ones as can have moved back.
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

// sound returns how many rows of p were seen so that no unread one can stand
// before them.
func (w *Iteration[T, S]) sound(p *page[T]) int { return count(p.keys, w.seen.sound) }

// known returns how many rows of p were seen.
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
