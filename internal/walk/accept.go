package walk

import "slices"

// accept yields the page after the last one, up to whose end everything has been
// seen. The list has total items.
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
	return w.yieldItems(p, fresh)
}

// reaches reports whether some of the last items of a page, but not all, are the
// first items of the next one: insertions have pushed them on.
func reaches(page, next []string) bool {
	if len(next) == 0 {
		return false
	}
	i := slices.Index(page, next[0])
	return i > 0 && slices.Equal(page[i:], next[:min(len(page)-i, len(next))])
}

// yieldItems yields the items of p that have not been seen. They belong to the caller
// then, so the items of p are not used any more.
func (w *Iteration[T, S]) yieldItems(p *page[T], fresh []T) error {
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

// readEarly begins to read the pages after p: as many as are needed for the missing
// items, or for those still wanted.
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

// fresh returns the items that have not been seen, and marks them as seen. Usually
// these are all, and no copy is made.
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
