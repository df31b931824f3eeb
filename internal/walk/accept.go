package walk

import "slices"

// accept hands out the page after those up to whose end everything was seen. The
// list has total rows.
func (w *Iteration[T, S]) accept(p *page[T], total int) error {
	p.full = w.counted.full(len(p.keys), p.meta.PerPage)
	p.beyond = p.meta.Page > w.top
	if p.beyond {
		w.top, w.back.looks = p.meta.Page, 0
		w.repeated += w.known(p)
		w.back.moving = w.back.moving || w.last != nil && reaches(w.last.keys, p.keys)
	}
	w.counted.add(p.meta, len(p.keys), total)
	if p.meta.Page == 1 && w.back.doubt.page == 0 {
		w.back.front = p.keys
	}
	if len(p.keys) > 0 {
		w.last = p
	}
	fresh := w.fresh(p)
	w.idle++
	if len(fresh) > 0 {
		w.idle = 0
	}
	if w.idle == 0 || !p.beyond {
		w.enough, w.sure = w.counted.missing() <= 0, w.counted.sure()
	}
	return w.hand(p, fresh)
}

// reaches reports whether some of the last rows of a page, not all, are the first
// ones of the next: they were pushed on by insertions.
func reaches(page, next []string) bool {
	if len(next) == 0 {
		return false
	}
	i := slices.Index(page, next[0])
	return i > 0 && slices.Equal(page[i:], next[:min(len(page)-i, len(next))])
}

// hand yields the rows of p that were not seen. They are the caller's then:
// nobody looks at the rows of p afterwards.
func (w *Iteration[T, S]) hand(p *page[T], fresh []T) error {
	p.items = nil
	if len(fresh) > 0 && w.left > 0 {
		if len(fresh) >= w.left {
			w.yield(Chunk[T]{fresh[:w.left:w.left], p.meta}, nil)
			return errStopped
		}
		w.left -= len(fresh)
	}
	w.readEarly(p)
	if len(fresh) > 0 && !w.yield(Chunk[T]{fresh, p.meta}, nil) {
		return errStopped
	}
	return nil
}

// readEarly begins to read the pages behind p: as many as it takes for the rows
// that are missing, or for those that are wanted.
func (w *Iteration[T, S]) readEarly(p *page[T]) {
	items := w.counted.missing()
	if w.left > 0 {
		items = min(items, w.left)
	}
	if len(p.keys) > 0 && items > 0 {
		size, _ := w.counted.size()
		w.reader.fill(p.meta.Page+1, (items-1)/size+1, p.meta.Total)
	}
}

// fresh returns the rows that were not seen, and has seen them then. Mostly
// that is all of them.
func (w *Iteration[T, S]) fresh(p *page[T]) []T {
	fresh, same := p.items, true
	for i, item := range p.items {
		switch isNew := w.seen.add(p.keys[i]); {
		case same && !isNew:
			fresh, same = append(make([]T, 0, len(p.items)), p.items[:i]...), false
		case !same && isNew:
			fresh = append(fresh, item)
		}
	}
	return fresh[:len(fresh):len(fresh)]
}
