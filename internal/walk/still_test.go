package walk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// still is a list that does not change, on a server whose figures are unreliable.
type still struct {
	rng    *rand.Rand
	pages  [][]int // the last one has items
	rows   int
	size   int // items on a full page
	asked  int
	total  string // how the total is wrong; "true" if it is not
	claim  string // how per_page is wrong
	shape  string // of the pages
	beyond string // what comes after the last page
	start  int    // the first page to read
	twice  bool   // an item appears twice
	hidden bool   // there are too many empty pages
	swing  int    // how far the total varies
	period []int  // the values of a periodic total

	fetches int
	history []string
}

func newStill(seed uint64) *still {
	rng := rand.New(rand.NewPCG(seed, 6))
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	s := &still{rng: rng, size: 1 + rng.IntN(7), swing: 1 + rng.IntN(9)}
	s.shape = pick("full", "full", "short", "empty")
	s.beyond = pick("empty", "repeated", "clamped", "absent", "failing")
	s.claim = pick("true", "true", "large", "small", "changing")
	s.total = pick("true", "true", "alternating", "zero on empty pages")
	s.asked = s.size
	switch {
	case s.shape == "full" && s.claim == "large" && rng.IntN(2) == 0:
		s.asked = 100 // and gets fewer
	case s.shape == "full":
		s.total = pick("true", "capped", "lagging", "alternating", "estimated", "falling", "rest", "zero", "zero on empty pages")
	}
	if s.total != "true" && s.total != "zero on empty pages" && s.total != "alternating" && rng.IntN(4) > 0 {
		s.beyond = "empty"
	}
	for n := rng.IntN(60); s.rows < n; {
		rows := min(s.size, n-s.rows)
		switch {
		case s.shape == "short" && rng.IntN(3) == 0:
			rows = 1 + rng.IntN(rows)
		case s.shape == "empty" && len(s.pages) > 0 && rng.IntN(3) == 0:
			run := 1 + rng.IntN(maxEmpty)
			if s.hidden = s.hidden || s.total != "alternating" && rng.IntN(20) == 0; s.hidden {
				run = maxEmpty + 1 // more than are skipped
			}
			for range run {
				s.pages = append(s.pages, nil)
			}
		}
		var page []int
		for range rows {
			page = append(page, s.rows)
			s.rows++
		}
		s.pages = append(s.pages, page)
	}
	if s.start = 1; s.shape != "full" || len(s.pages) < 3 {
		return s
	}
	switch rng.IntN(4) {
	case 0: // the total goes through a few values over and over
		s.total = "periodic"
		for range 2 + rng.IntN(3) {
			s.period = append(s.period, rng.IntN(7)-2)
		}
		s.beyond = pick("empty", "repeated")
	case 1:
		s.start = 2 + rng.IntN(len(s.pages)-1)
		s.claim = pick(s.claim, "rows")
		s.asked = s.size + 95*rng.IntN(2)
	case 2:
		if last := s.pages[1+rng.IntN(len(s.pages)-1)]; s.size > 2 && len(last) > 2 {
			s.twice = true
			last[rng.IntN(len(last))] = rng.IntN(s.size)
		}
	}
	return s
}

// needed returns how many pages must be read, at least the first.
func (s *still) needed() int { return max(len(s.pages)-s.start+1, 1) }

// want returns the items from the first page on, each once.
func (s *still) want() []int {
	var rows []int
	for i := s.start - 1; i < len(s.pages); i++ {
		for _, row := range s.pages[i] {
			if !slices.Contains(rows, row) {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// sized reports whether the page size, and so the number of items before the first
// page, can be known: from the claim, from the requested size, or from two pages.
func (s *still) sized() bool {
	return s.start == 1 || s.claim == "true" || s.asked == s.size || s.start < len(s.pages)
}

func (s *still) figures(page, rows int) Meta {
	m := Meta{s.rows, page, s.size}
	switch s.total {
	case "capped":
		m.Total = min(s.rows, s.swing)
	case "lagging":
		m.Total = max(s.rows-max(2*s.swing-s.fetches, 0), 0)
	case "alternating":
		m.Total = max(s.rows-(s.fetches+1)%2, 0)
	case "estimated":
		m.Total = max(s.rows+s.rng.IntN(2*s.swing+1)-s.swing, 0)
	case "falling":
		m.Total = max(s.rows+s.swing-s.fetches, 0)
	case "periodic":
		m.Total = max(s.rows+s.period[s.fetches%len(s.period)], 0)
	case "rest":
		m.Total = max(s.rows-(page-1)*s.size, 0)
	case "zero":
		m.Total = 0
	case "zero on empty pages":
		if rows == 0 {
			m.Total = 0
		}
	}
	switch s.claim {
	case "large":
		m.PerPage = 100
	case "small":
		m.PerPage = 1
	case "rows":
		m.PerPage = max(rows, 1)
	case "changing":
		m.PerPage = s.size + s.rng.IntN(3)
	}
	return m
}

var (
	errAbsent  = errors.New("no such page")
	errFailing = errors.New("a page that does not exist makes the server fail")
)

func (s *still) fetch(page int) Result[int, none] {
	s.fetches++
	var rows []int
	number := page
	switch {
	case page <= len(s.pages):
		rows = s.pages[page-1]
	case s.rows == 0 || s.beyond == "empty":
	case s.beyond == "absent":
		return Result[int, none]{Err: errAbsent, Absent: true}
	case s.beyond == "failing":
		return Result[int, none]{Err: errFailing}
	default:
		rows = s.pages[len(s.pages)-1]
		if s.beyond == "clamped" {
			number = len(s.pages)
		}
	}
	meta := s.figures(number, len(rows))
	s.history = append(s.history, fmt.Sprintf("page %d: %v %v", page, meta, rows))
	return Result[int, none]{Items: slices.Clone(rows), Meta: meta}
}

func (s *still) String() string {
	return fmt.Sprintf("%d rows from page %d, %d a page of %d asked for, total %s, per_page %s, pages %s, %s behind the last one:\n%s",
		s.rows, s.start, s.size, s.asked, s.total, s.claim, s.shape, s.beyond, strings.Join(s.history, "\n"))
}

// walk iterates over the list. It returns the items and the error at the end.
func (s *still) walk(t *testing.T) (got []int, failed error) {
	w := New(t.Context(), Plan{Start: s.start, PerPage: s.asked}, func(number int) Fetch[int, none] {
		return func(context.Context) Result[int, none] { return s.fetch(number) }
	}, number)
	for chunk, err := range w.All() {
		got, failed = append(got, chunk.Items...), err
		if s.fetches > 10_000 {
			t.Fatalf("does not end: %v", s)
		}
	}
	return got, failed
}

// TestAListThatStandsStillIsReadToItsEnd, whatever its pages report: lists
// with totals that are capped, late, estimated or of two replicas, with page sizes
// that are not those of the pages, with short and empty pages, and with all kinds
// of responses for a page that does not exist. No item is yielded twice, and
// missing items are an error. The cost is bounded.
func TestAListThatStandsStillIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	lists := some(20_000)
	type sum struct{ lists, failed, fetches, needed int }
	sums := map[string]*sum{}
	failures := 0
	for seed := range uint64(lists) {
		s := newStill(seed)
		got, failed := s.walk(t)
		want := s.want()
		whole := slices.Equal(got, want)
		bound := 2*s.needed() + 6
		if s.start > 1 {
			bound += 2 // page 1, and a page that is read again
		}
		if s.total == "true" && s.claim == "true" && s.shape == "full" {
			bound = s.needed() + 1
		}
		var wrong string
		switch {
		case !whole && (failed == nil || len(got) > len(want)):
			wrong = fmt.Sprintf("ended with rows %v", got)
		case failed != nil && s.total == "true" && !s.hidden && s.sized():
			wrong = fmt.Sprintf("failed: %v", failed)
		case s.fetches > bound && s.shape == "full":
			wrong = fmt.Sprintf("%d fetches, more than %d", s.fetches, bound)
		}
		if wrong != "" {
			t.Errorf("seed %d, %d pages: %s\n%v", seed, s.needed(), wrong, s)
			if failures++; failures > 3 {
				t.FailNow()
			}
		}
		name := "total " + s.total + ", pages " + s.shape
		if sums[name] == nil {
			sums[name] = &sum{}
		}
		c := sums[name]
		c.lists++
		c.fetches += s.fetches
		c.needed += s.needed()
		if failed != nil {
			c.failed++
		}
	}
	for name, c := range sums {
		t.Logf("%-44s %4d lists, %4d ended with an error; %.2f fetches a page", name, c.lists, c.failed, float64(c.fetches)/float64(c.needed))
	}
}

// TestWhatIsMissedWhenRowsMoveAndTotalsAreWrong: all that can be promised then is
// that no item is yielded twice and that the iteration ends.
func TestWhatIsMissedWhenRowsMoveAndTotalsAreWrong(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"alternating", "estimated", "lagging", "capped"} {
		clean, broken, missed, stayed := 0, 0, 0, 0
		for seed := range uint64(some(5000)) {
			m := newMoving(seed, 8)
			rng := rand.New(rand.NewPCG(seed, 9))
			m.wrong = func(total int) int {
				switch kind {
				case "alternating":
					return max(total-m.fetches%2, 0)
				case "estimated":
					return max(total+rng.IntN(7)-3, 0)
				case "lagging":
					return max(total-max(10-m.fetches, 0), 0)
				}
				return min(total, 10)
			}
			o := m.walk()
			for row, times := range o.seen {
				if times > 1 {
					t.Fatalf("%s, seed %d: row %d was yielded %d times", kind, seed, row, times)
				}
			}
			if o.err != nil {
				if !isBroken(o.err) {
					t.Fatalf("%s, seed %d: %v", kind, seed, o.err)
				}
				broken++
				continue
			}
			clean++
			missed += len(o.missed)
			stayed += len(m.always)
		}
		t.Logf("total %s: %d walks ended clean, %d as broken; missed %d of %d rows: %.3f %%", kind, clean, broken, missed, stayed, 100*float64(missed)/float64(stayed))
	}
}

// TestARowInsertedWhileTotalsAlternate does not end the iteration: earlier moves
// say nothing about the present.
func TestARowInsertedWhileTotalsAlternate(t *testing.T) {
	t.Parallel()
	for after := range 20 {
		s := &script{rows: numbered(1000), per: 50, after: map[int]func(*script){after: func(s *script) { s.insert(1) }}}
		rows, err := collect(t, 1, func(page int) ([]string, Meta, error) {
			rows, meta, err := s.fetch(page)
			meta.Total -= len(s.fetched) % 2
			return rows, meta, err
		})
		rows = slices.DeleteFunc(rows, func(row string) bool { return strings.HasPrefix(row, "new") })
		if err != nil || !slices.Equal(rows, numbered(1000)) || len(s.fetched) > 3*21 {
			t.Errorf("after %d fetches: %d rows, %v, %d fetches", after, len(rows), err, len(s.fetched))
		}
	}
}
