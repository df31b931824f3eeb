// Package walk reads a list page by page while the list changes, and finds out
// where it ends although what its pages say of it may be wrong.
//
// # Items that move
//
// Pages are numbered, so a row that is inserted or removed meanwhile moves all
// rows behind it. Inserted rows push rows on to the next page, where they are
// seen again: what was seen is dropped. Removed rows pull rows back on to a
// page that was read already, where they would never be seen: when the total
// falls the iteration reads back, page by page, until it meets a row that it has
// seen, and on from there.
//
// That is enough when new rows come first and pages are read one after the
// other. Then the rows seen are always the first of those that were there, new
// ones aside; the unread ones move back only by removals that outnumber
// insertions, which the total shows; and a page on which a seen row stands has
// no unread row before it.
//
// Pages that are read ahead are not read in their order. A total that falls
// from one page to the next shows that, too, but not if as many rows were
// inserted as were removed in between.
//
// # Totals that are wrong
//
// A total may come from an index, a replica or an estimate, so a smaller one is
// no proof that rows were removed. If the page before, read again, is as it was,
// no row has moved back over its end unless inserted rows have pushed it on again.
// Those come first: if page 1 has no new row in front, and the total did not fall
// from the one reading to the other, as it would if inserted rows were removed
// again, the iteration goes on, with the largest of these totals. Else it reads
// the page again that may have missed some, until the total no longer falls or
// no page has changed for several looks.
//
// What such reading back costs is bounded by the number of pages. Where it would
// be more, only the page before is read again, and the pages behind it are in
// doubt: as soon as there is a page to spare for it, or at the end, page 1 is
// looked at. If rows were inserted since, the iteration goes back to the first
// page in doubt, and does not rely on rows that came since then until they come
// again. What is left is a row that is inserted and removed again while pages are
// in doubt: it may hide one that a removal before it has moved.
//
// # The end
//
// The page size is what pages bring; what they say it is counts until that is
// known. What has come is counted by places, page by page, so rows that moved and
// come again do not disturb it; the places before the first page are reckoned by
// the page size, or by the one that was asked for if it explains the total. A first
// page that has others before it is taken for a full one, whatever it says: they
// may be as small. The list has ended with a page that is not full if all that the
// newest total counts has come, unless more came than any total counted. Else the
// next page must prove it: it is empty, repeats what was seen, or does not exist.
// So a full last page costs one request more. That look behind it can only add
// rows: however it fails, the iteration has ended. While rows are missing all
// failures are errors, up to three empty pages in a row are passed over, and in the
// end [Broken] tells how many rows are missing. Only rows that the total came to
// count during the iteration may be missing: they are new, and may stand before
// those that were read.
package walk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

const (
	// patience is how many times in a row the iteration reads back and finds
	// nothing: a total that falls with every look at it, in a list whose rows
	// move, leaves no way to tell whether rows were missed.
	patience = 8
	// endless is how many pages in a row may bring nothing new, while the list
	// grows faster than it is read or says so.
	endless = 100
	// gap is how many pages in a row may be empty though rows are missing.
	gap = 3
)

// Meta is what a page says of itself and of the list.
type Meta struct{ Total, Page, PerPage int }

// Result is a page as it was read, or why it was not. Source is what
// [Walk.Last] returns.
type Result[T, S any] struct {
	Items  []T
	Meta   Meta
	Err    error
	Source S
	// Absent says that, by Err, there is no such page.
	Absent bool
	// Outwaited says that Err may be due to the time that the page has waited
	// already: if it was read ahead, it is read again when it is needed.
	Outwaited bool
}

// Fetch reads a page. It is called concurrently if pages are read ahead.
type Fetch[T, S any] func(ctx context.Context) Result[T, S]

// Chunk is the new rows of one page, at least one.
type Chunk[T any] struct {
	Items []T
	Meta  Meta
}

var errShrinks = &Broken{"the list shrinks faster than it can be read"}

// Broken is the error of a page that breaks the rules of paging.
type Broken struct{ Reason string }

func (e *Broken) Error() string { return e.Reason }

// New returns a walk. fetch returns the function that reads a page; it is
// called in the order in which the pages are to be read, and by one goroutine.
func New[T, S any](ctx context.Context, plan Plan, fetch func(number int) Fetch[T, S], key func(*T) string) *Iteration[T, S] {
	w := &Iteration[T, S]{left: plan.MaxItems, key: key}
	w.counted = tally{start: plan.Start, asked: plan.PerPage}
	w.reader = reader[T, S]{ctx: ctx, fetch: fetch, size: min(plan.Prefetch, mostEarly)}
	w.seen.keys = map[string]int{}
	return w
}

// All goes over the pages, once. An error is yielded once and ends the walk.
// When the loop has ended, or has its error, no fetch is in flight any more.
func (w *Iteration[T, S]) All() iter.Seq2[Chunk[T], error] {
	return func(yield func(Chunk[T], error) bool) {
		w.yield = yield
		if err := w.run(); err != nil && err != errStopped {
			yield(Chunk[T]{}, err)
		}
	}
}

// Last returns the Source of the page that was read last, the zero value before
// the first. A look behind the last page that failed does not count.
func (w *Iteration[T, S]) Last() S { return w.source }

// errStopped says that the caller broke off, or has what was wanted.
var errStopped = errors.New("stopped")

// Walk is a list that is read page by page.
type Iteration[T, S any] struct {
	left   int // items that are still wanted; 0: all
	key    func(*T) string
	yield  func(Chunk[T], error) bool
	reader reader[T, S]
	source S // of the page read last

	seen    recent
	counted tally
	last    *page[T] // the last one with items; up to its end everything has been seen
	top     int      // the last page accepted; those up to it may repeat

	enough bool // all that the total counts had come when a page brought items last
	sure   bool // whatever the page size is

	idle     int // pages in a item that brought nothing new
	grown    int // by how much the total grew so far, step by step
	repeated int // items that came again on pages beyond top

	back looking
}

// page is one page as it was read.
type page[T any] struct {
	items []T // nil once they are the caller's
	keys  []string
	meta  Meta

	// Since it was accepted:
	beyond bool // it had not been before
	full   bool // as those before it
}

// ended stands for the number of the next page at the end.
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

// step reads a page and returns the number of the one to read next.
func (w *Iteration[T, S]) step(number int) (next int, err error) {
	r := w.reader.take(number)
	p, err := w.open(number, r)
	if err != nil && w.onlyLooked(r) {
		return ended, nil
	}
	w.source = r.Source
	if err != nil {
		return ended, err
	}
	v := verdict[T]{p, w.reckoned(p)}
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

// proceed accepts a page and returns the number of the one to read next.
func (w *Iteration[T, S]) proceed(v verdict[T]) (next int, err error) {
	if err := w.accept(v.page, v.total); err != nil {
		return ended, err
	}
	if more, err := w.goesOn(v.page); !more {
		return ended, err
	}
	return v.page.meta.Page + 1, nil
}

// onlyLooked reports whether r is a look behind the last page that failed: all
// that was counted had come. Only the end of the context is an error then. If
// it is not known how many rows there are before the first page, the response
// must say that there is no such page.
func (w *Iteration[T, S]) onlyLooked(r Result[T, S]) bool {
	if !w.enough {
		return false
	}
	if ended := w.reader.ctx.Err(); ended != nil && errors.Is(r.Err, ended) {
		return false
	}
	return w.sure || r.Absent || r.Err == nil
}

// read reads a page once more.
func (w *Iteration[T, S]) read(number int) (*page[T], error) {
	r := w.reader.take(number)
	w.source = r.Source
	return w.open(number, r)
}

// open returns the page of r if it is the page asked for.
func (w *Iteration[T, S]) open(number int, r Result[T, S]) (*page[T], error) {
	meta := r.Meta
	switch {
	case r.Err != nil:
		return nil, r.Err
	case meta.Page != number:
		return nil, &Broken{fmt.Sprintf("asked for page %d, meta.page is %d", number, meta.Page)}
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

// reckoned is how many rows the list has by p. If p is empty its total may be
// about the page, not about the list.
func (w *Iteration[T, S]) reckoned(p *page[T]) int {
	if len(p.keys) == 0 {
		return max(p.meta.Total, w.counted.total)
	}
	return p.meta.Total
}

// goesOn reports whether there may be rows behind p, which was accepted.
func (w *Iteration[T, S]) goesOn(p *page[T]) (bool, error) {
	switch {
	case p.beyond && w.idle > endless:
		return false, &Broken{fmt.Sprintf("%d pages in a row brought nothing new", w.idle)}
	case len(p.keys) == 0:
		return w.afterEmpty()
	}
	return w.afterItems(p)
}

// afterEmpty is goesOn for an empty page: it is the end unless rows are missing.
func (w *Iteration[T, S]) afterEmpty() (bool, error) {
	missing := w.counted.missing()
	switch {
	case missing > 0 && w.counted.empty <= gap:
		return true, nil
	case w.enough || missing <= w.inserted():
		return false, nil
	}
	return false, w.incomplete("")
}

// afterItems is goesOn for a page with rows. Items that come again were pushed on
// by insertions, so there are no more of them than the total grew by; else the
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

// repeats reports whether p is the page before it once more, in a list whose rows
// have not moved: if so many came in that it was pushed on as a whole, the total
// counts them.
func (w *Iteration[T, S]) repeats(p *page[T]) bool {
	return w.last != nil && !w.back.moving && p.meta.Page > w.top && slices.Equal(p.keys, w.last.keys) &&
		p.meta.Total-w.counted.total != len(p.keys)
}

// repeating is the error of a page that brings no new rows while rows are missing.
func (w *Iteration[T, S]) repeating(number int) error {
	return w.incomplete(fmt.Sprintf("page %d repeats rows of the pages before it: ", number))
}

// inserted is how many of the rows that the total counts may be new, so that
// they may stand before those that were read.
func (w *Iteration[T, S]) inserted() int {
	switch {
	case w.back.moving:
		return w.grown
	case w.counted.filled == 0:
		return 0
	}
	return max(w.counted.total-w.counted.lowest, 0)
}

// incomplete is the error of a list that ended before all its rows came.
func (w *Iteration[T, S]) incomplete(why string) error {
	c := &w.counted
	return &Broken{fmt.Sprintf("%s%d items promised, %d arrived", why, c.counted(c.total), max(c.came()-w.repeated, 0))}
}
