// Package walk reads a list page by page while the list changes. It drops
// duplicates, goes back for items that would be missed, and determines where the
// list ends even if the figures on its pages are wrong.
//
// # Items that move
//
// Pages are numbered, so inserting or removing an item moves all items after it. An
// insertion pushes items on to the next page, where they are seen again; duplicates
// are dropped. A removal pulls items back on to a page that has already been read,
// where they would never be seen. So when the total falls, the iteration reads
// back, page by page, until it meets an item that it has seen, and continues from
// there.
//
// This is sufficient if new items come first and pages are read one after the
// other. Then, new items aside, the items seen are always the first ones of the
// list; unread items move back only if removals outnumber insertions, which the
// total shows; and on a page with a seen item, no unread item precedes that one.
//
// Pages that are read ahead are not read in order. A total that falls from one page
// to the next reveals removals there, too, but not if as many items were inserted
// in between.
//
// # Totals that are wrong
//
// A total may come from an index, a replica or an estimate, so a smaller total does
// not prove a removal. The iteration therefore reads the previous page again. If it
// is unchanged, no item has moved back over its end, unless insertions have pushed
// that item on again. Inserted items come first in the list. So if page 1 has no
// new item at its front, and the total has not fallen between the two readings, as
// it would if inserted items had been removed again, the iteration continues, with
// the largest of these totals. Otherwise it reads the page with the smaller total
// again, until the total no longer falls or several attempts have found no page
// changed.
//
// Reading back that finds nothing is limited to one request for each page read so
// far; the count starts again when items are seen to move. When that is used up,
// only the previous page is read again, and the pages after it are in doubt. As soon as a request can be spared, or at the end, page 1 is read. If
// items were inserted in the meantime, the iteration goes back to the first page in
// doubt, and does not rely on items that came since then until they come again. One
// case is not detected: an item that is inserted and removed again while pages are
// in doubt may hide another that a removal before it has moved.
//
// # The end
//
// The page size is the number of items that pages have; the per_page that they
// report is used until that is known. Received items are counted by position, page
// by page, so items that moved and come again do not distort the count. The
// positions before the first page are computed from the page size, or from the
// requested page size if that explains the total. A first page that has others
// before it is taken for a full one, whatever it reports, because those may be as
// small.
//
// A page that is not full ends the list if all items that the newest total counts
// have come, unless more have come than any total counted. Otherwise the next page
// must prove the end: it is empty, repeats seen items, or does not exist. So a full
// last page costs one more request. That request can only add items: however it
// fails, the iteration has ended. While items are missing, every failure is an
// error, up to three consecutive empty pages are skipped, and at the end a [Broken]
// error reports how many items are missing. Only items by which the total grew
// during the iteration may be missing without an error: they are new, and may
// precede those that were read.
package walk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

const (
	// maxLooks is how many consecutive times the iteration reads back without
	// finding anything. If items move and the total falls each time it is read,
	// there is no way to find out whether items were missed.
	maxLooks = 8
	// maxIdle is how many consecutive pages may bring nothing new while the list
	// grows faster than it is read, or reports that it does.
	maxIdle = 100
	// maxEmpty is how many consecutive pages may be empty although items are missing.
	maxEmpty = 3
)

// Meta is what a page reports about itself and the list.
type Meta struct{ Total, Page, PerPage int }

// Result is the outcome of reading a page. [Iteration.Last] returns Source.
type Result[T, S any] struct {
	Items  []T
	Meta   Meta
	Err    error
	Source S
	// Absent means that, according to Err, the page does not exist.
	Absent bool
	// Waited is how long the page waited, if Err may result from that; zero if
	// not. If most of that was before the page was needed, it is read again.
	Waited time.Duration
}

// Fetch reads a page. It is called concurrently if pages are read ahead.
type Fetch[T, S any] func(ctx context.Context) Result[T, S]

// Chunk is the new items of one page, at least one.
type Chunk[T any] struct {
	Items []T
	Meta  Meta
}

var errShrinks = &Broken{"the list shrinks faster than it can be read"}

// Broken is the error of a page that breaks the rules of paging.
type Broken struct{ Reason string }

func (e *Broken) Error() string { return e.Reason }

// New returns an iteration. fetch returns the function that reads a page; one
// goroutine calls it, in the order in which the pages are to be read.
func New[T, S any](ctx context.Context, plan Plan, fetch func(number int) Fetch[T, S], key func(*T) string) *Iteration[T, S] {
	w := &Iteration[T, S]{left: plan.MaxItems, key: key}
	w.counted = tally{start: plan.Start, asked: plan.PerPage}
	w.reader = reader[T, S]{ctx: ctx, fetch: fetch, size: min(plan.Prefetch, mostEarly)}
	w.seen.keys = map[string]int{}
	return w
}

// All iterates over the pages, once. An error is yielded once and ends the
// iteration. When the loop has ended or has received the error, no fetch is in
// flight.
func (w *Iteration[T, S]) All() iter.Seq2[Chunk[T], error] {
	return func(yield func(Chunk[T], error) bool) {
		w.yield = yield
		if err := w.run(); err != nil && err != errStopped {
			yield(Chunk[T]{}, err)
		}
	}
}

// Last returns the Source of the page read last, or the zero value before the
// first. A failed request for the page after the last one does not count.
func (w *Iteration[T, S]) Last() S { return w.source }

// errStopped means that the caller left the loop, or has all items it wants.
var errStopped = errors.New("stopped")

// Iteration reads one list page by page.
type Iteration[T, S any] struct {
	left   int // items that are still wanted; zero means all
	key    func(*T) string
	yield  func(Chunk[T], error) bool
	reader reader[T, S]
	source S // of the page read last

	seen    recent
	counted tally
	last    *page[T] // the last one with items; everything up to its end has been seen
	top     int      // the highest page accepted; pages up to it may repeat items

	enough bool // all that the total counts had come by the last page with new items
	sure   bool // enough holds whatever the page size is

	idle     int // consecutive pages that brought nothing new
	grown    int // sum of all increases of the total
	repeated int // items that came again on pages after top

	back looking
}

// page is a page as it was read.
type page[T any] struct {
	items []T // nil once they have been yielded
	keys  []string
	meta  Meta

	// Set when the page is accepted:
	beyond bool // it is a higher page than any accepted before
	full   bool // it has as many items as pages before it
}

// ended stands for the number of the next page at the end of the list.
const ended = 0

func (w *Iteration[T, S]) run() error {
	defer w.reader.close()
	for next := w.counted.start; next != ended; {
		var err error
		if next, err = w.step(next); err == nil {
			next, err = w.settle(next)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// step reads a page and returns the number of the page to read next.
func (w *Iteration[T, S]) step(number int) (next int, err error) {
	r := w.reader.take(number)
	p, err := w.open(number, r)
	if err != nil && w.pastEnd(r) {
		return ended, nil
	}
	w.source = r.Source
	if err != nil {
		return ended, err
	}
	v := verdict[T]{p, w.totalBy(p)}
	if w.fell(p) {
		v, err = w.lookBack(p)
	}
	switch {
	case err != nil:
		return ended, err
	case v.page == nil:
		return number, nil
	case !w.repeats(v.page):
		return w.proceed(v)
	case w.enough || w.counted.missingOf(v.page.meta.Total) <= 0:
		return ended, nil
	}
	return ended, w.repeating(number)
}

// proceed accepts a page and returns the number of the page to read next.
func (w *Iteration[T, S]) proceed(v verdict[T]) (next int, err error) {
	if err := w.accept(v.page, v.total); err != nil {
		return ended, err
	}
	if more, err := w.goesOn(v.page); !more {
		return ended, err
	}
	return v.page.meta.Page + 1, nil
}

// pastEnd reports whether r is a failed request for the page after the last one:
// all items that the total counts have come. Only the end of the context is an
// error then. If the number of items before the first page is uncertain, the
// response must say that there is no such page.
func (w *Iteration[T, S]) pastEnd(r Result[T, S]) bool {
	if !w.enough {
		return false
	}
	if ended := w.reader.ctx.Err(); ended != nil && errors.Is(r.Err, ended) {
		return false
	}
	return w.sure || r.Absent || r.Err == nil
}

// read reads a page again.
func (w *Iteration[T, S]) read(number int) (*page[T], error) {
	r := w.reader.take(number)
	w.source = r.Source
	return w.open(number, r)
}

// open returns the page of r if it is the page that was requested.
func (w *Iteration[T, S]) open(number int, r Result[T, S]) (*page[T], error) {
	meta := r.Meta
	switch {
	case r.Err != nil:
		return nil, r.Err
	case meta.Page != number:
		return nil, &Broken{fmt.Sprintf("requested page %d, but meta.page is %d", number, meta.Page)}
	case meta.PerPage < 1 || meta.Total < 0:
		return nil, &Broken{fmt.Sprintf("meta.per_page is %d, meta.total %d", meta.PerPage, meta.Total)}
	}
	w.grown += w.counted.hear(meta.Total)
	p := &page[T]{items: r.Items, keys: make([]string, len(r.Items)), meta: meta}
	for i := range r.Items {
		p.keys[i] = w.key(&r.Items[i])
	}
	return p, nil
}

// totalBy returns the length of the list according to p. The total of an empty
// page may be about the page, not the list.
func (w *Iteration[T, S]) totalBy(p *page[T]) int {
	if len(p.keys) == 0 {
		return max(p.meta.Total, w.counted.total)
	}
	return p.meta.Total
}

// goesOn reports whether there may be items after p, which has been accepted.
func (w *Iteration[T, S]) goesOn(p *page[T]) (bool, error) {
	switch {
	case p.beyond && w.idle > maxIdle:
		return false, &Broken{fmt.Sprintf("%d pages in a row had no new items", w.idle)}
	case len(p.keys) == 0:
		return w.afterEmpty()
	}
	return w.afterItems(p)
}

// afterEmpty is goesOn for an empty page: it is the end unless items are missing.
func (w *Iteration[T, S]) afterEmpty() (bool, error) {
	missing := w.counted.missing()
	switch {
	case missing > 0 && w.counted.empty <= maxEmpty:
		return true, nil
	case w.enough || missing <= w.inserted():
		return false, nil
	}
	return false, w.incomplete("")
}

// afterItems is goesOn for a page with items. Items that come again were pushed on
// by insertions, so there are at most as many as the total grew by; otherwise the
// server repeats itself.
func (w *Iteration[T, S]) afterItems(p *page[T]) (bool, error) {
	missing := w.counted.missing()
	if w.idle > 0 && p.beyond {
		if w.enough {
			return false, nil
		}
		if w.repeated > w.grown && (p.full || missing > 0) {
			return false, w.repeating(p.meta.Page)
		}
	}
	return missing > 0 || p.full || w.counted.doubtful(), nil
}

// repeats reports whether p is a copy of the page before it, in a list whose items
// have not moved. If the whole page was pushed on by insertions, the total counts
// them.
func (w *Iteration[T, S]) repeats(p *page[T]) bool {
	return w.last != nil && !w.back.moving && p.meta.Page > w.top && slices.Equal(p.keys, w.last.keys) &&
		p.meta.Total-w.counted.total != len(p.keys)
}

// repeating returns the error for a page that brings no new items while items are
// missing.
func (w *Iteration[T, S]) repeating(number int) error {
	return w.incomplete(fmt.Sprintf("page %d repeats items of earlier pages: ", number))
}

// inserted returns how many of the items that the total counts may be new, so that
// they may precede those that were read.
func (w *Iteration[T, S]) inserted() int {
	switch {
	case w.back.moving:
		return w.grown
	case w.counted.filled == 0:
		return 0
	}
	return max(w.counted.total-w.counted.lowest, 0)
}

// incomplete returns the error for a list that ended before all its items came.
func (w *Iteration[T, S]) incomplete(why string) error {
	c := &w.counted
	return &Broken{fmt.Sprintf("%s%d items expected, %d received", why, c.counted(c.total), max(c.came()-w.repeated, 0))}
}
