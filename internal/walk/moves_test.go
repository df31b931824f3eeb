package walk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// moves is a list, newest first, in which items are inserted ("+") and removed ("-"
// and the item) before certain fetches.
type moves struct {
	rows    []string
	per     int
	start   int
	before  map[int][]string
	new     int
	fetches int
	replica bool            // every other total is one too few
	inside  map[string]bool // items that were never before the start page, nor removed
	history []string
}

func newMoves(rows, per, start int) *moves {
	m := &moves{per: per, start: start, before: map[int][]string{}, inside: map[string]bool{}}
	for i := range rows {
		m.rows = append(m.rows, fmt.Sprint("A", i+1))
		if i >= (start-1)*per {
			m.inside[m.rows[i]] = true
		}
	}
	return m
}

func (m *moves) change(what string) {
	if what == "+" {
		m.new++
		m.rows = slices.Insert(m.rows, 0, fmt.Sprint("N", m.new))
	} else if i := slices.Index(m.rows, what[1:]); i >= 0 {
		m.rows = slices.Delete(m.rows, i, i+1)
	}
	for row := range m.inside {
		if slices.Index(m.rows, row) < (m.start-1)*m.per {
			delete(m.inside, row)
		}
	}
}

func (m *moves) fetch(page int) ([]string, Meta, error) {
	m.fetches++
	for _, what := range m.before[m.fetches] {
		m.change(what)
	}
	from := min((page-1)*m.per, len(m.rows))
	rows := slices.Clone(m.rows[from:min(from+m.per, len(m.rows))])
	m.history = append(m.history, fmt.Sprintf("%v, page %d of %d rows: %v", m.before[m.fetches], page, len(m.rows), rows))
	total := len(m.rows)
	if m.replica {
		total = max(total-m.fetches%2, 0)
	}
	return rows, Meta{total, page, m.per}, nil
}

// walk reports what is wrong with an iteration, and whether it ended with an error.
func (m *moves) walk() (wrong string, failed bool) {
	seen := map[string]int{}
	changes := 0
	for _, what := range m.before {
		changes += len(what)
	}
	pages := len(m.rows)/m.per + 1
	var got error
	for chunk, err := range New(context.Background(), Plan{Start: m.start, PerPage: m.per}, plain(m.fetch), same).All() {
		got = err
		for _, row := range chunk.Items {
			if seen[row]++; seen[row] > 1 {
				wrong = fmt.Sprintf("row %s was yielded twice", row)
			}
		}
		if m.fetches > 10_000 {
			return "the walk does not end", false
		}
	}
	bound := 2*pages + 4*changes + maxLooks
	if m.replica { // every total differs from the one before
		bound *= 2
	}
	switch {
	case wrong != "":
	case got != nil && !isBroken(got):
		wrong = got.Error()
	case m.fetches > bound:
		wrong = fmt.Sprintf("%d fetches, more than %d", m.fetches, bound)
	case got == nil:
		for row := range m.inside {
			if seen[row] == 0 {
				wrong = fmt.Sprintf("row %s was there all the time and is missed", row)
			}
		}
	}
	return wrong, got != nil
}

// TestAnInsertionHidesNoRemoval: a removal that only the total shows is found even
// if an item is inserted before the iteration checks.
func TestAnInsertionHidesNoRemoval(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		rows, per, start int
		before           map[int][]string
	}{
		{"behind removals of unread rows", 40, 2, 1, map[int][]string{2: {"-A40"}, 4: {"-A39"}, 7: {"-A38"}, 10: {"-A37"}, 12: {"-A1"}, 13: {"+"}}},
		{"at the first page, started late", 13, 3, 3, map[int][]string{2: {"-A3"}, 3: {"+"}}},
	}
	for _, tt := range tests {
		m := newMoves(tt.rows, tt.per, tt.start)
		m.before = tt.before
		if wrong, failed := m.walk(); wrong != "" || failed {
			t.Errorf("%s: %s, an error: %v\n%s", tt.name, wrong, failed, strings.Join(m.history, "\n"))
		}
	}
}

// TestAnIterationGoesBackFurtherThanToADoubt: page 4 is in doubt when removals lead
// the iteration back to page 2, and insertions are found there.
func TestAnIterationGoesBackFurtherThanToADoubt(t *testing.T) {
	t.Parallel()
	m := newMoves(12, 1, 2)
	m.replica = true
	m.before = map[int][]string{2: {"-A12", "-A8", "-A10"}, 9: {"-A1"}, 11: {"+", "+", "+"}}
	if wrong, failed := m.walk(); wrong != "" || failed {
		t.Errorf("%s, an error: %v\n%s", wrong, failed, strings.Join(m.history, "\n"))
	}
	// Whatever changes, the iteration ends, and no item comes twice.
	for name, list := range map[string]func(uint64) *moves{"removing": removing, "mixed": mixed} {
		for seed := range uint64(some(5000)) {
			m := list(seed)
			m.replica = true
			if wrong, _ := m.walk(); wrong != "" && !strings.HasSuffix(wrong, "is missed") {
				t.Fatalf("%s, seed %d: %s\n%s", name, seed, wrong, strings.Join(m.history, "\n"))
			}
		}
	}
}

// removing makes a list that loses one or more unread items before each fetch, with
// some removals of read items and insertions in between.
func removing(seed uint64) *moves {
	rng := rand.New(rand.NewPCG(seed, 9))
	rows := 20 + rng.IntN(20)
	m := newMoves(rows, 1+rng.IntN(3), 1+max(rng.IntN(5)-2, 0))
	for k := range 8 + rng.IntN(10) {
		m.before[2+k] = []string{fmt.Sprint("-A", rows-k)}
	}
	for range 1 + rng.IntN(4) {
		at := 2 + rng.IntN(24)
		m.before[at] = append(m.before[at], "+")
		at -= rng.IntN(2)
		m.before[at] = append(m.before[at], fmt.Sprint("-A", 1+rng.IntN(6)))
	}
	return m
}

// mixed makes a short list with a few changes of all kinds.
func mixed(seed uint64) *moves {
	rng := rand.New(rand.NewPCG(seed, 77))
	rows := 1 + rng.IntN(14)
	m := newMoves(rows, 1+rng.IntN(3), 1+max(rng.IntN(5)-2, 0))
	for range rng.IntN(6 + 8*rng.IntN(2)) {
		at := 1 + rng.IntN(12)
		for range 1 + rng.IntN(3) {
			what := "+"
			if rng.IntN(2) == 0 {
				what = fmt.Sprint("-A", 1+rng.IntN(rows))
			}
			m.before[at] = append(m.before[at], what)
		}
	}
	return m
}

// TestNoRowIsMissedWhereverChangesFall iterates over lists of each kind,
// from the first page or a later one.
func TestNoRowIsMissedWhereverChangesFall(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]func(uint64) *moves{"removing": removing, "mixed": mixed} {
		failed, bad := 0, 0
		for seed := range uint64(some(20_000)) {
			m := list(seed)
			wrong, ended := m.walk()
			if ended {
				failed++
			}
			if wrong != "" {
				t.Errorf("%s, seed %d, %d a page from page %d: %s\n%s", name, seed, m.per, m.start, wrong, strings.Join(m.history, "\n"))
				if bad++; bad > 2 {
					t.FailNow()
				}
			}
		}
		t.Logf("%s: %d of %d lists ended with an error", name, failed, some(20_000))
	}
}

// TestWhatReadingBackCosts: some lists of the tests with random lists are read to their
// end without an error, and with no more requests than these. If reading back were given
// up earlier, or items that moved were not taken into account, they would not be.
func TestWhatReadingBackCosts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		list    func(uint64) *moves
		seed    uint64
		replica bool
		most    int
	}{
		{"items move", mixed, 5504, false, 7},
		{"items move, two replicas", mixed, 4535, true, 6},
		{"few pages to spare", mixed, 2782, false, 9},
		{"a total that is as large as before", mixed, 136, false, 9},
		{"back page by page", mixed, 854, false, 12},
		{"back page by page, two replicas", removing, 3293, true, 20},
		{"nothing in doubt any more", removing, 3430, false, 38},
		{"looks that find nothing", removing, 673, true, 26},
	} {
		m := tt.list(tt.seed)
		m.replica = tt.replica
		if wrong, failed := m.walk(); wrong != "" || failed || m.fetches > tt.most {
			t.Errorf("%s: %s, an error: %v, %d requests, want %d at most\n%s", tt.name, wrong, failed, m.fetches, tt.most, strings.Join(m.history, "\n"))
		}
	}
	for seed, most := range map[uint64]int{15267: 10, 3085: 7, 24387: 47, 11291: 103} {
		s := newStill(seed)
		got, failed := s.walk(t)
		if failed != nil || !slices.Equal(got, s.want()) || s.fetches > most {
			t.Errorf("seed %d: %v, %v, %d requests, want %d at most\n%v", seed, got, failed, s.fetches, most, s)
		}
	}
}
