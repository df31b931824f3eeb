package walk

// goBack makes good what removals may have hidden: ahead, the page after last,
// has a smaller total and no row that was seen, so unread rows may stand on
// last or before. It returns the page up to whose end everything has been seen
// then.
func (w *Walk[T]) goBack(last, ahead *page[T]) (*page[T], error) {
	gone := last.meta.Total - ahead.meta.Total
	for number := max(last.meta.Page-gone/w.per, w.start); ; number-- {
		p, err := w.read(number)
		if err != nil {
			return nil, err
		}
		if number > w.start && !w.meets(p.rows) {
			continue
		}
		adjacent := number == last.meta.Page && w.adjacent(p, ahead, gone)
		if err := w.hand(p); err != nil || !adjacent {
			return p, err
		}
		w.top = max(w.top, ahead.meta.Page)
		return ahead, w.hand(ahead)
	}
}

// adjacent reports whether surely no unread row stands between p and ahead, the
// next page as it was read before p: because p reaches into ahead, or because
// behind a seen row it has as many unread ones as can have moved back.
func (w *Walk[T]) adjacent(p, ahead *page[T], gone int) bool {
	met, moved := false, 0
	for _, row := range p.rows {
		key := w.key(row)
		switch {
		case len(ahead.rows) > 0 && key == w.key(ahead.rows[0]):
			return true
		case w.seen.has(key):
			met = true
		case met:
			moved++
		}
	}
	return moved == gone
}

// meets reports whether a row among rows was seen.
func (w *Walk[T]) meets(rows []T) bool {
	for _, row := range rows {
		if w.seen.has(w.key(row)) {
			return true
		}
	}
	return false
}
