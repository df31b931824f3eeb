// Package walk reads a list page by page while the list changes.
//
// Pages are numbered, so a row that is inserted or removed meanwhile moves all
// rows behind it. Inserted rows push rows on to the next page, where they are
// seen again: what was seen is dropped. Removed rows pull rows back on to a
// page that was read already, where they would never be seen: when the total
// shrinks the walk goes back, page by page, until it meets a row that it has
// seen, and on from there.
//
// That is enough when new rows come first and pages are read one after the
// other. Then the rows seen are always the first of those that were there, new
// ones aside; the unread ones move back only by removals that outnumber
// insertions, which the total shows; and a page on which a seen row stands has
// no unread row before it.
//
// Pages that are read ahead are not read in their order. A total that shrinks
// from one page to the next shows that, too, but not if as many rows were
// inserted as were removed in between.
package walk

import (
	"context"
	"fmt"
	"iter"
)

const (
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

// Result is a page as it was read, or why it was not.
type Result[T any] struct {
	Rows   []T
	Meta   Meta
	Err    error
	Source any // what [Walk.Last] returns
	// Outwaited says that Err may be due to the time that the page has waited
	// already: if it was read ahead, it is read again when it is needed.
	Outwaited bool
}

// Fetch reads a page. It is called concurrently if pages are read ahead.
type Fetch[T any] func(ctx context.Context) Result[T]

// Chunk is the new rows of one page, at least one.
type Chunk[T any] struct {
	Rows []T
	Meta Meta
}

// Broken is the error of a page that breaks the rules of paging.
type Broken struct{ Reason string }

func (e *Broken) Error() string { return e.Reason }

// New returns a walk. fetch returns the function that reads a page; it is
// called in the order in which the pages are to be read, and by one goroutine.
func New[T any](ctx context.Context, plan Plan, fetch func(number int) Fetch[T], key func(T) string) *Walk[T] {
	w := &Walk[T]{start: plan.Start, left: plan.MaxItems, key: key}
	w.ahead = prefetch[T]{ctx: ctx, fetch: fetch, size: min(plan.Prefetch, mostAhead)}
	w.seen.keys = map[string]struct{}{}
	return w
}

// All goes over the pages, once. An error is yielded once and ends the walk.
// When the loop has ended, or has its error, no fetch is in flight any more.
func (w *Walk[T]) All() iter.Seq2[Chunk[T], error] {
	return func(yield func(Chunk[T], error) bool) {
		w.yield = yield
		if err := w.run(); err != nil && err != errStopped {
			yield(Chunk[T]{}, err)
		}
	}
}

// Last returns the Source of the page that was looked at last, nil before the
// first.
func (w *Walk[T]) Last() any { return w.source }

// errStopped says that the caller broke off, or has what was wanted.
var errStopped = fmt.Errorf("stopped")

// Walk is a list that is read page by page.
type Walk[T any] struct {
	start int
	left  int // rows that are still wanted; 0: all
	key   func(T) string
	yield func(Chunk[T], error) bool
	ahead prefetch[T]
	per   int // rows per page; 0: not known yet
	seen  recent
	idle  int // pages in a row that brought nothing

	source any // of the page read last

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

func (w *Walk[T]) run() error {
	defer w.ahead.close()
	var last *page[T] // up to its end everything has been seen
	for next := w.start; ; next = last.meta.Page + 1 {
		p, err := w.read(next)
		if err != nil {
			return err
		}
		shrunk := last != nil && p.meta.Total < last.meta.Total
		if shrunk {
			w.ahead.stop()
		}
		switch {
		case shrunk && !w.meets(p.rows):
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
		w.ahead.fill(last.meta, len(last.rows), w.left)
	}
}

// read reads a page and checks that it is the page asked for.
func (w *Walk[T]) read(number int) (*page[T], error) {
	a := w.ahead.take(number)
	w.source = a.Source
	meta := a.Meta
	switch {
	case a.Err != nil:
		return nil, a.Err
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
	return &page[T]{a.Rows, meta}, nil
}

// promisesMore reports whether there is a page after p. A full page that brings
// more rows than the total counts is not believed to be the last.
func (p *page[T]) promisesMore() bool {
	n, per := p.meta.Page, p.meta.PerPage
	if len(p.rows) == 0 {
		return false
	}
	if n < p.meta.pages() {
		return true
	}
	return len(p.rows) >= per && n > p.meta.Total/per
}

// pages is how many pages the list has by its total.
func (m Meta) pages() int {
	if m.Total == 0 {
		return 0
	}
	return (m.Total-1)/m.PerPage + 1
}

// accept hands out the page after the one up to which everything was seen.
// Rows that come again there were pushed on by insertions, so there are no more
// of them than the total grew by; else the server repeats itself.
func (w *Walk[T]) accept(p *page[T]) error {
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

// hand yields the rows of p that were not seen. They are the caller's then:
// nobody looks at the rows of p afterwards.
func (w *Walk[T]) hand(p *page[T]) error {
	fresh := w.fresh(p.rows)
	w.idle++
	if len(fresh) == 0 {
		return nil
	}
	w.idle = 0
	if w.left > 0 && len(fresh) >= w.left {
		w.yield(Chunk[T]{fresh[:w.left:w.left], p.meta}, nil)
		return errStopped
	}
	w.left = max(w.left-len(fresh), 0)
	w.ahead.fill(p.meta, len(p.rows), w.left)
	if !w.yield(Chunk[T]{fresh, p.meta}, nil) {
		return errStopped
	}
	return nil
}

// fresh returns the rows that were not seen, and has seen them then. Mostly
// that is all of them.
func (w *Walk[T]) fresh(rows []T) []T {
	fresh, same := rows, true
	for i, row := range rows {
		switch isNew := w.seen.add(w.key(row)); {
		case same && !isNew:
			fresh, same = append(make([]T, 0, len(rows)), rows[:i]...), false
		case !same && isNew:
			fresh = append(fresh, row)
		}
	}
	return fresh[:len(fresh):len(fresh)]
}
