// Package walk reads a list page by page while the list changes.
//
// Pages are numbered, so a row that is inserted or removed meanwhile moves all
// rows behind it. Inserted rows push rows on to the next page, where they are
// seen again: what was seen is dropped. Removed rows pull rows back on to a
// page that was read already, where they would never be seen: when the total
// shrinks the walk goes back, page by page, until it meets a row that it has
// seen, and on from there.
//
// That is enough when new rows come first. Then the rows seen are always the
// first of those that were there, new ones aside; the unread ones move back
// only by removals that outnumber insertions, which the total shows; and a page
// on which a seen row stands has no unread row before it.
package walk

import (
	"fmt"
	"iter"
)

const (
	// memory is how many keys of rows are remembered.
	memory = 10_000
	// patience is how many pages in a row may bring nothing while the walk goes
	// back and forth: a total that shrinks with every look at it leaves no way
	// to tell whether rows were missed.
	patience = 8
	// endless is how many pages in a row may bring nothing at all, while the
	// list grows faster than it is read or says so.
	endless = 100
)

// Meta is what a page says of itself and of the list.
type Meta struct{ Total, Page, PerPage int }

// Chunk is the new rows of one page, at least one.
type Chunk[T any] struct {
	Rows []T
	Meta Meta
}

// Broken is the error of a page that breaks the rules of paging.
type Broken struct{ Reason string }

func (e *Broken) Error() string { return e.Reason }

// Pages walks the pages from start on. An error is yielded once and ends the
// walk.
func Pages[T any](start int, fetch func(page int) ([]T, Meta, error), key func(T) string) iter.Seq2[Chunk[T], error] {
	return func(yield func(Chunk[T], error) bool) {
		w := &walker[T]{start: start, fetch: fetch, key: key, yield: yield}
		w.seen.keys = map[string]struct{}{}
		if err := w.run(); err != nil && err != errStopped {
			yield(Chunk[T]{}, err)
		}
	}
}

// errStopped says that the caller broke off.
var errStopped = fmt.Errorf("stopped")

type walker[T any] struct {
	start int
	fetch func(page int) ([]T, Meta, error)
	key   func(T) string
	yield func(Chunk[T], error) bool
	per   int // rows per page; 0: not known yet
	seen  recent
	idle  int // pages in a row that brought nothing

	top      int // the last page read going forward; those up to it may repeat
	total    int // of the page read last
	grown    int // by how much the total grew so far, step by step
	repeated int // rows that came again on pages beyond top
}

// page is one page as it was read.
type page[T any] struct {
	rows []T
	meta Meta
}

func (w *walker[T]) run() error {
	var last *page[T] // up to its end everything has been seen
	for next := w.start; ; next = last.meta.Page + 1 {
		p, err := w.read(next)
		if err != nil {
			return err
		}
		switch {
		case last != nil && p.meta.Total < last.meta.Total && !w.meets(p.rows):
			if w.idle > patience {
				return &Broken{"the list shrinks faster than it can be read"}
			}
			last, err = w.goBack(last, p)
		default:
			last, err = p, w.accept(p)
		}
		if err != nil {
			return err
		}
		if !last.promisesMore() {
			return nil
		}
	}
}

// read fetches a page and checks that it is the page asked for.
func (w *walker[T]) read(number int) (*page[T], error) {
	rows, meta, err := w.fetch(number)
	switch {
	case err != nil:
		return nil, err
	case meta.Page != number:
		return nil, &Broken{fmt.Sprintf("asked for page %d, meta.page is %d", number, meta.Page)}
	case meta.PerPage < 1 || meta.Total < 0:
		return nil, &Broken{fmt.Sprintf("meta.per_page is %d, meta.total %d", meta.PerPage, meta.Total)}
	case w.per != 0 && meta.PerPage != w.per:
		return nil, &Broken{fmt.Sprintf("meta.per_page changed from %d to %d during the walk", w.per, meta.PerPage)}
	}
	if w.per != 0 {
		w.grown += max(meta.Total-w.total, 0)
	}
	w.per, w.total = meta.PerPage, meta.Total
	return &page[T]{rows, meta}, nil
}

// promisesMore tells whether there is a page after p. A full page that brings
// more rows than the total counts is not believed to be the last.
func (p *page[T]) promisesMore() bool {
	n, per := p.meta.Page, p.meta.PerPage
	if len(p.rows) == 0 {
		return false
	}
	if n <= (p.meta.Total-1)/per && p.meta.Total > 0 {
		return true
	}
	return len(p.rows) >= per && n > p.meta.Total/per
}

// accept hands out the page after the one up to which everything was seen.
// Rows that come again there were pushed on by insertions, so there are no more
// of them than the total grew by; else the server repeats itself.
func (w *walker[T]) accept(p *page[T]) error {
	beyond := p.meta.Page > w.top
	if beyond {
		w.top = p.meta.Page
		for _, row := range p.rows {
			if w.seen.has(w.key(row)) {
				w.repeated++
			}
		}
	}
	if err := w.hand(p); err != nil {
		return err
	}
	if w.idle > endless {
		return &Broken{fmt.Sprintf("%d pages in a row brought nothing new", w.idle)}
	}
	if full := len(p.rows) >= w.per; beyond && w.idle > 0 && w.repeated > w.grown && (full || p.promisesMore()) {
		return &Broken{fmt.Sprintf("page %d repeats rows of the pages before it", p.meta.Page)}
	}
	return nil
}

// goBack makes good what removals may have hidden: ahead, the page after last,
// has a smaller total and no row that was seen, so unread rows may stand on
// last or before. It returns the page up to whose end everything has been seen
// then.
func (w *walker[T]) goBack(last, ahead *page[T]) (*page[T], error) {
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

// adjacent tells whether surely no unread row stands between p and ahead, the
// next page as it was read before p: because p reaches into ahead, or because
// behind a seen row it has as many unread ones as can have moved back.
func (w *walker[T]) adjacent(p, ahead *page[T], gone int) bool {
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

// meets tells whether a row among rows was seen.
func (w *walker[T]) meets(rows []T) bool {
	for _, row := range rows {
		if w.seen.has(w.key(row)) {
			return true
		}
	}
	return false
}

// hand yields the rows of p that were not seen. The rows of p stay as they are.
func (w *walker[T]) hand(p *page[T]) error {
	fresh := make([]T, 0, len(p.rows))
	for _, row := range p.rows {
		if w.seen.add(w.key(row)) {
			fresh = append(fresh, row)
		}
	}
	w.idle++
	if len(fresh) == 0 {
		return nil
	}
	w.idle = 0
	if !w.yield(Chunk[T]{fresh, p.meta}, nil) {
		return errStopped
	}
	return nil
}

// recent remembers the last keys it was given.
type recent struct {
	keys map[string]struct{}
	ring []string
	next int
}

func (r *recent) has(key string) bool {
	_, ok := r.keys[key]
	return ok
}

// add remembers key and tells whether it is new.
func (r *recent) add(key string) bool {
	if r.has(key) {
		return false
	}
	r.keys[key] = struct{}{}
	if len(r.ring) < memory {
		r.ring = append(r.ring, key)
		return true
	}
	delete(r.keys, r.ring[r.next])
	r.ring[r.next] = key
	r.next = (r.next + 1) % memory
	return true
}
