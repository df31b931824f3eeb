package walk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// script is a list whose items the test changes between fetches.
type script struct {
	rows    []string
	per     int
	after   map[int]func(*script) // by the number of fetches before
	fetched []int                 // the pages, in order
}

// numbered returns n items, newest first: "n" to "1".
func numbered(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = strconv.Itoa(n - i)
	}
	return rows
}

func (s *script) fetch(page int) ([]string, Meta, error) {
	s.fetched = append(s.fetched, page)
	from := min((page-1)*s.per, len(s.rows))
	rows := slices.Clone(s.rows[from:min(from+s.per, len(s.rows))])
	meta := Meta{len(s.rows), page, s.per}
	if change := s.after[len(s.fetched)]; change != nil {
		change(s)
	}
	return rows, meta, nil
}

func (s *script) remove(rows ...string) {
	s.rows = slices.DeleteFunc(s.rows, func(row string) bool { return slices.Contains(rows, row) })
}

func (s *script) insert(n int) {
	for range n {
		s.rows = slices.Insert(s.rows, 0, fmt.Sprintf("new%d", len(s.rows)))
	}
}

func same(s *string) string { return *s }

func number(n *int) string { return strconv.Itoa(*n) }

// none is the source of pages in tests.
type none = struct{}

// plain converts a function that returns pages to fetches.
func plain[T any](fetch func(int) ([]T, Meta, error)) func(int) Fetch[T, none] {
	return func(number int) Fetch[T, none] {
		return func(context.Context) Result[T, none] {
			rows, meta, err := fetch(number)
			return Result[T, none]{Items: rows, Meta: meta, Err: err}
		}
	}
}

// oneByOne iterates without reading ahead.
func oneByOne[T any](start int, fetch func(int) ([]T, Meta, error), key func(*T) string) iter.Seq2[Chunk[T], error] {
	return New(context.Background(), Plan{Start: start}, plain(fetch), key).All()
}

// collect iterates to the end, or to the error.
func collect(t *testing.T, start int, fetch func(int) ([]string, Meta, error)) ([]string, error) {
	t.Helper()
	var rows []string
	var failed error
	for chunk, err := range oneByOne(start, fetch, same) {
		if failed != nil {
			t.Fatalf("the walk goes on after its error: %v, %v", chunk, err)
		}
		if failed = err; err == nil && len(chunk.Items) == 0 {
			t.Error("a page without rows was handed out")
		}
		rows = append(rows, chunk.Items...)
	}
	return rows, failed
}

func broken(err error) string {
	if b, ok := errors.AsType[*Broken](err); ok {
		return b.Reason
	}
	return ""
}

func TestAQuietListCostsOneFetchAPage(t *testing.T) {
	t.Parallel()
	for _, per := range []int{1, 2, 3, 7, 100} {
		for n := range 25 {
			s := &script{rows: numbered(n), per: per}
			rows, err := collect(t, 1, s.fetch)
			if err != nil || !slices.Equal(rows, numbered(n)) {
				t.Errorf("%d rows, %d a page: %v, %v", n, per, rows, err)
			}
			if want := n/per + 1; len(s.fetched) != want {
				t.Errorf("%d rows, %d a page: fetched %v, want %d pages", n, per, s.fetched, want)
			}
		}
	}
}

func TestAWalkStartsWhereItIsTold(t *testing.T) {
	t.Parallel()
	s := &script{rows: numbered(10), per: 3}
	rows, err := collect(t, 3, s.fetch)
	if want := []string{"4", "3", "2", "1"}; err != nil || !slices.Equal(rows, want) {
		t.Errorf("got %v, %v, want %v", rows, err, want)
	}
	if !slices.Equal(s.fetched, []int{3, 4}) {
		t.Errorf("fetched pages %v", s.fetched)
	}

	for _, start := range []int{5, 9, math.MaxInt/2 + 2, math.MaxInt - 1} {
		beyond := &script{rows: numbered(10), per: 3}
		fetch := func(page int) ([]string, Meta, error) {
			beyond.fetched = append(beyond.fetched, page)
			return nil, Meta{10, page, 3}, nil
		}
		if rows, err := collect(t, start, fetch); err != nil || len(rows) > 0 || len(beyond.fetched) != 1 {
			t.Errorf("beyond the end: %v, %v, fetched %v", rows, err, beyond.fetched)
		}
	}
}

// TestAWalkThatStartsLateDoesNotReadBackBeyondItsStart: items before the start were
// not requested.
func TestAWalkThatStartsLateDoesNotReadBackBeyondItsStart(t *testing.T) {
	t.Parallel()
	s := &script{rows: numbered(12), per: 2, after: map[int]func(*script){
		2: func(s *script) { s.remove("12", "11", "10", "9", "8", "7", "6", "5") },
	}}
	_, err := collect(t, 3, s.fetch)
	if err != nil || slices.Min(s.fetched) < 3 {
		t.Errorf("err %v, fetched %v", err, s.fetched)
	}
}

func TestRemovedRowsAreMadeGood(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		rows   int
		per    int
		after  int
		change func(*script)
		extra  int // fetches beyond those that the list at its end needs
	}{
		{"one read row", 10, 3, 1, func(s *script) { s.remove("9") }, 2},
		{"one unread row", 10, 3, 1, func(s *script) { s.remove("2") }, 2},
		{"the newest row", 10, 3, 2, func(s *script) { s.remove("10") }, 2},
		{"the last row", 10, 3, 3, func(s *script) { s.remove("1") }, 2},
		{"a whole read page", 12, 3, 2, func(s *script) { s.remove("9", "8", "7") }, 5},
		{"all but the last row", 12, 3, 2, func(s *script) { s.remove("12", "11", "10", "9", "8", "7", "6", "5", "4", "3", "2") }, 3},
		{"everything", 12, 3, 2, func(s *script) { s.rows = nil }, 3},
		{"one of ten pages of a hundred", 1000, 100, 5, func(s *script) { s.remove("900") }, 1},
		{"one removed, one inserted", 10, 3, 1, func(s *script) { s.insert(1); s.remove("9") }, 0},
		{"two removed, one inserted", 10, 3, 1, func(s *script) { s.insert(1); s.remove("9", "8") }, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &script{rows: numbered(tt.rows), per: tt.per, after: map[int]func(*script){tt.after: tt.change}}
			rows, err := collect(t, 1, s.fetch)
			if err != nil {
				t.Fatalf("%v after %v", err, s.fetched)
			}
			for _, row := range s.rows {
				if !slices.Contains(rows, row) && !strings.HasPrefix(row, "new") {
					t.Errorf("row %s is missed: %v", row, rows)
				}
			}
			slices.Sort(rows)
			if len(slices.Compact(slices.Clone(rows))) != len(rows) {
				t.Errorf("rows come twice: %v", rows)
			}
			extra := len(s.fetched) - max((len(s.rows)+tt.per-1)/tt.per, tt.after)
			t.Logf("%d extra fetches: pages %v", extra, s.fetched)
			if extra > tt.extra {
				t.Errorf("%d extra fetches, want at most %d: pages %v", extra, tt.extra, s.fetched)
			}
		})
	}
}

// TestManyRemovalsAtOnceDoNotEndTheWalk: the iteration has to go back over pages
// that it has seen, which repeat.
func TestManyRemovalsAtOnceDoNotEndTheWalk(t *testing.T) {
	t.Parallel()
	for _, gone := range []int{99, 100, 101, 150, 200, 350} {
		s := &script{rows: numbered(1000), per: 100}
		s.after = map[int]func(*script){5: func(s *script) { s.rows = s.rows[:1000-gone] }}
		rows, err := collect(t, 1, s.fetch)
		if err != nil || !slices.Equal(rows, numbered(1000)[:1000-gone]) {
			t.Errorf("%d of the oldest rows removed: %d rows, %v, pages %v", gone, len(rows), err, s.fetched)
		}
	}
}

// TestTheEndIsFoundByThePageBehind: a page behind the last one that repeats items ends
// the iteration if all have come, and no further page is read.
func TestTheEndIsFoundByThePageBehind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		pages  [][]string
		totals []int
	}{
		{"other items", [][]string{{"a", "b"}, {"c", "d"}, {"b", "c"}}, []int{4, 4, 4}},
		{"the last page", [][]string{{"a", "b"}, {"c", "d"}, {"c", "d"}}, []int{4, 4, 4}},
		{"the last page, after a total that was too large", [][]string{{"a", "b"}, {"c", "d"}, {"c", "d"}}, []int{5, 5, 4}},
	} {
		fetched := 0
		rows, err := collect(t, 1, func(page int) ([]string, Meta, error) {
			fetched++
			return tt.pages[page-1], Meta{tt.totals[page-1], page, 2}, nil
		})
		if err != nil || strings.Join(rows, "") != "abcd" || fetched != 3 {
			t.Errorf("%s: %v, %v after %d pages", tt.name, rows, err, fetched)
		}
	}
}

// TestACopyOfAPageThatWasPushedOnIsNoRepetition: once an insertion has pushed items on,
// a page may be all those of the page before it, whatever the total says.
func TestACopyOfAPageThatWasPushedOnIsNoRepetition(t *testing.T) {
	t.Parallel()
	s := &script{rows: numbered(12), per: 3, after: map[int]func(*script){
		1: func(s *script) { s.insert(1); s.rows = append(s.rows, "0") },
		2: func(s *script) { s.insert(3); s.remove("1") },
	}}
	rows, err := collect(t, 1, s.fetch)
	if want := append(numbered(12)[:11], "0"); err != nil || !slices.Equal(rows, want) {
		t.Errorf("%v, %v, fetched %v", rows, err, s.fetched)
	}
}

// TestABulkImportDoesNotEndTheWalk: several pages come again.
func TestABulkImportDoesNotEndTheWalk(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 99, 100, 101, 200, 350, 1000} {
		for _, after := range []int{1, 3} {
			s := &script{rows: numbered(500), per: 100, after: map[int]func(*script){after: func(s *script) { s.insert(n) }}}
			rows, err := collect(t, 1, s.fetch)
			rows = slices.DeleteFunc(rows, func(row string) bool { return strings.HasPrefix(row, "new") })
			if err != nil || !slices.Equal(rows, numbered(500)) {
				t.Errorf("%d rows inserted after page %d: %d rows, %v, pages %v", n, after, len(rows), err, s.fetched)
			}
			if want := (500+n)/100 + 1; len(s.fetched) != want {
				t.Errorf("%d rows inserted after page %d: pages %v, want %d", n, after, s.fetched, want)
			}
		}
	}
}

// TestAdjacentPagesAreNotReadTwice: if the page read back is adjacent to the page
// ahead, that one need not be fetched again.
func TestAdjacentPagesAreNotReadTwice(t *testing.T) {
	t.Parallel()
	s := &script{rows: numbered(9), per: 3, after: map[int]func(*script){1: func(s *script) { s.remove("8") }}}
	rows, err := collect(t, 1, s.fetch)
	if want := []string{"9", "8", "7", "6", "5", "4", "3", "2", "1"}; err != nil || !slices.Equal(rows, want) {
		t.Errorf("got %v, %v, want %v", rows, err, want)
	}
	if want := []int{1, 2, 1, 3}; !slices.Equal(s.fetched, want) {
		t.Errorf("fetched pages %v, want %v", s.fetched, want)
	}
}

func TestBrokenPagingEndsTheWalk(t *testing.T) {
	t.Parallel()
	first := func(total, page, per int, rows ...string) func(int) ([]string, Meta, error) {
		return func(int) ([]string, Meta, error) { return rows, Meta{total, page, per}, nil }
	}
	then := func(a, b func(int) ([]string, Meta, error)) func(int) ([]string, Meta, error) {
		n := 0
		return func(page int) ([]string, Meta, error) {
			if n++; n == 1 {
				return a(page)
			}
			return b(page)
		}
	}
	tests := []struct {
		name   string
		fetch  func(int) ([]string, Meta, error)
		reason string
		rows   int
	}{
		{"another page", first(4, 7, 2, "a", "b"), "requested page 1, but meta.page is 7", 0},
		{"no meta", first(0, 0, 0, "a", "b"), "requested page 1, but meta.page is 0", 0},
		{"per_page 0", first(4, 1, 0, "a", "b"), "meta.per_page is 0, meta.total 4", 0},
		{"per_page negative", first(4, 1, -2, "a", "b"), "meta.per_page is -2, meta.total 4", 0},
		{"total negative", first(-1, 1, 2, "a", "b"), "meta.per_page is 2, meta.total -1", 0},
		{"the first page again", then(first(6, 1, 2, "a", "b"), first(6, 1, 2, "a", "b")), "requested page 2, but meta.page is 1", 2},
		{"the rows again", then(first(6, 1, 2, "a", "b"), first(6, 2, 2, "a", "b")), "page 2 repeats items", 2},
		{"the rows again, fewer of them", then(first(6, 1, 2, "a", "b"), first(6, 2, 2, "b")), "page 2 repeats items", 2},
		{"empty pages", then(first(6, 1, 2, "a", "b"), func(page int) ([]string, Meta, error) { return nil, Meta{6, page, 2}, nil }), "6 items expected, 2 received", 2},
		{"empty from the start", func(page int) ([]string, Meta, error) { return nil, Meta{6, page, 2}, nil }, "6 items expected, 0 received", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows, err := collect(t, 1, tt.fetch)
			if !strings.Contains(broken(err), tt.reason) || broken(err) == "" {
				t.Errorf("error %v, want Broken %q", err, tt.reason)
			}
			if len(rows) != tt.rows {
				t.Errorf("rows %v, want %d", rows, tt.rows)
			}
		})
	}
}

// TestAListThatShrinksWithEveryLookEndsTheWalk: it is impossible to know whether
// items were missed.
func TestAListThatShrinksWithEveryLookEndsTheWalk(t *testing.T) {
	t.Parallel()
	fetches, total := 0, 1_000_000
	rows, err := collect(t, 1, func(page int) ([]string, Meta, error) {
		fetches++
		total--
		row := "first"
		if page > 1 {
			row = fmt.Sprint("row", fetches) // never overlaps what was seen
		}
		return []string{row}, Meta{total, page, 1}, nil
	})
	if want := "the list shrinks faster than it can be read"; broken(err) != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if fetches > 3*maxLooks || rows[0] != "first" {
		t.Errorf("%d fetches, rows %v", fetches, rows)
	}
}

// TestAListThatGrowsFasterThanItIsReadEndsTheWalk: the next page is always the one
// that was just read.
func TestAListThatGrowsFasterThanItIsReadEndsTheWalk(t *testing.T) {
	t.Parallel()
	const per = 2
	s := &script{rows: numbered(10), per: per}
	rows, err := collect(t, 1, func(page int) ([]string, Meta, error) {
		rows, meta, err := s.fetch(page)
		s.insert(per)
		return rows, meta, err
	})
	if want := "101 pages in a row had no new items"; broken(err) != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if want := []string{"10", "9"}; !slices.Equal(rows, want) || len(s.fetched) != 102 {
		t.Errorf("rows %v after %d fetches", rows, len(s.fetched))
	}
}

func TestAnErrorOfAFetchEndsTheWalk(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	s := &script{rows: numbered(9), per: 3}
	rows, err := collect(t, 1, func(page int) ([]string, Meta, error) {
		if page == 3 {
			return nil, Meta{}, cause
		}
		return s.fetch(page)
	})
	if err != cause || len(rows) != 6 {
		t.Errorf("got %v, %v", rows, err)
	}
}

// TestAnErrorIsTheEndOnlyIfAllHaveCome: how many items precede the first page depends on
// the page size. The only page that came does not show that if it is not full.
func TestAnErrorIsTheEndOnlyIfAllHaveCome(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, tt := range []struct {
		start, asked, total int
		want                error
	}{
		{2, 0, 2, nil},   // with pages of one item, this was the second of two
		{2, 0, 3, cause}, // with pages of one item, one is missing
		// If pages have as many items as were requested, what came is all of the total.
		{3, 100, 201, nil},
		{3, 100, 200, cause},
		{3, 100, 202, cause},
		{2, 100, 101, nil},
		{2, 99, 101, cause},
	} {
		var rows []string
		var failed error
		fetch := func(page int) ([]string, Meta, error) {
			if page > tt.start {
				return nil, Meta{}, cause
			}
			return []string{"a"}, Meta{tt.total, page, 4}, nil
		}
		for chunk, err := range New(t.Context(), Plan{Start: tt.start, PerPage: tt.asked}, plain(fetch), same).All() {
			rows, failed = append(rows, chunk.Items...), err
		}
		if failed != tt.want || len(rows) != 1 {
			t.Errorf("from page %d of %d items each, total %d: %v, %v", tt.start, tt.asked, tt.total, rows, failed)
		}
	}
}

func TestBreakingOffFetchesNothingMore(t *testing.T) {
	t.Parallel()
	s := &script{rows: numbered(9), per: 3}
	for range oneByOne(1, s.fetch, same) {
		break
	}
	if len(s.fetched) != 1 {
		t.Errorf("fetched pages %v", s.fetched)
	}
}

// TestAFullLastPageIsNotBelieved: it has more items than the total counts.
func TestAFullLastPageIsNotBelieved(t *testing.T) {
	t.Parallel()
	s := &script{rows: numbered(6), per: 2}
	rows, err := collect(t, 1, func(page int) ([]string, Meta, error) {
		rows, meta, err := s.fetch(page)
		meta.Total = 1
		return rows, meta, err
	})
	if err != nil || len(rows) != 6 {
		t.Errorf("got %v, %v: total 1 was believed", rows, err)
	}
}

// TestOneMoreThanTheTotalIsNotTheEnd: a total that counts too few says nothing about the
// end, even if the page is not full.
func TestOneMoreThanTheTotalIsNotTheEnd(t *testing.T) {
	t.Parallel()
	pages := [][]string{{"a", "b", "c"}, {"d"}, nil}
	rows, err := collect(t, 1, func(page int) ([]string, Meta, error) {
		return pages[page-1], Meta{2, page, 4}, nil
	})
	if err != nil || len(rows) != 4 {
		t.Errorf("got %v, %v: total 2 was believed", rows, err)
	}
}
