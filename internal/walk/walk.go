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

// Answer is a page as it was read, or why it was not.
type Answer[T any] struct {
	Rows []T
	Meta Meta
	Err  error
	// Unsent tells that Err cost nothing and another try may do: there was no
	// quota for a page read ahead.
	Unsent bool
	// Taken is called when it is the page's turn, in the goroutine that walks;
	// nil: it is not.
	Taken func()
}

// Fetch reads a page. It is called concurrently if pages are read ahead. placed
// is to be called once the page has its place among those that wait for the
// quota: the next one does not stand in line before it.
type Fetch[T any] func(ctx context.Context, number int, placed func()) Answer[T]

// Chunk is the new rows of one page, at least one.
type Chunk[T any] struct {
	Rows []T
	Meta Meta
}

// Broken is the error of a page that breaks the rules of paging.
type Broken struct{ Reason string }

func (e *Broken) Error() string { return e.Reason }

// Pages walks the pages of a list. An error is yielded once and ends the walk.
// When the loop has ended, or has its error, no fetch is under way any more.
func Pages[T any](ctx context.Context, plan Plan, fetch Fetch[T], key func(T) string) iter.Seq2[Chunk[T], error] {
	return func(yield func(Chunk[T], error) bool) {
		w := &walker[T]{start: plan.Start, left: plan.MaxItems, key: key, yield: yield}
		w.ahead = window[T]{ctx: ctx, fetch: fetch, size: min(plan.Prefetch, mostAhead)}
		w.seen.keys = map[string]struct{}{}
		if err := w.run(); err != nil && err != errStopped {
			yield(Chunk[T]{}, err)
		}
	}
}

// errStopped says that the caller broke off, or has what was wanted.
var errStopped = fmt.Errorf("stopped")

type walker[T any] struct {
	start int
	left  int // rows that are still wanted; 0: all
	key   func(T) string
	yield func(Chunk[T], error) bool
	ahead window[T]
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
		w.ahead.fill(last.meta, w.left)
	}
}

// read reads a page and checks that it is the page asked for.
func (w *walker[T]) read(number int) (*page[T], error) {
	a := w.ahead.take(number)
	if a.Taken != nil {
		a.Taken()
	}
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

// promisesMore tells whether there is a page after p. A full page that brings
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

// hand yields the rows of p that were not seen. They are the caller's then:
// nobody looks at the rows of p afterwards.
func (w *walker[T]) hand(p *page[T]) error {
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
	w.ahead.fill(p.meta, w.left)
	if !w.yield(Chunk[T]{fresh, p.meta}, nil) {
		return errStopped
	}
	return nil
}

// fresh returns the rows that were not seen, and has seen them then. Mostly
// that is all of them.
func (w *walker[T]) fresh(rows []T) []T {
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
