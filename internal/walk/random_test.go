package walk

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var walkAll = flag.Bool("walk.all", false, "read all random lists, not a third of them")

// some returns how many of n random lists are read: all of them with -walk.all, else a
// third, or a sixth with the race detector, under which everything takes six times as
// long. They are the same code again.
func some(n int) int {
	switch {
	case *walkAll:
		return n
	case race:
		return n / 6
	}
	return n / 3
}

// moving is a list, newest first, that changes while it is read.
type moving struct {
	rng  *rand.Rand
	rows []int
	next int // the number of the next new item

	inserts, removes float64 // the probability of each before and after a fetch
	burst            int     // the largest number of changes at once
	budget           int     // changes left: no list changes forever
	torn             bool    // it also changes between counting and reading
	wrong            func(total int) int

	per, fetches      int
	inserted, removed int
	always            map[int]bool // items that were there all the time
	verbose           bool
	history           []string // recorded if verbose
}

func newMoving(seed, stream uint64) *moving {
	rng := rand.New(rand.NewPCG(seed, stream))
	m := &moving{rng: rng, per: 1 + rng.IntN(7), burst: 1 + rng.IntN(4), budget: rng.IntN(60), always: map[int]bool{}}
	for range rng.IntN(40) {
		m.insert()
		m.always[m.next-1] = true
	}
	m.inserted = 0
	switch rng.IntN(6) {
	case 0: // quiet
	case 1:
		m.inserts = rng.Float64()
	case 2:
		m.removes = rng.Float64()
	default:
		m.inserts, m.removes = rng.Float64(), rng.Float64()
	}
	return m
}

func (m *moving) insert() {
	m.rows = slices.Insert(m.rows, 0, m.next)
	m.next++
	m.inserted++
}

func (m *moving) remove(i int) {
	delete(m.always, m.rows[i])
	m.rows = slices.Delete(m.rows, i, i+1)
	m.removed++
}

// change makes random changes.
func (m *moving) change() {
	if m.budget > 0 && m.rng.Float64() < m.inserts {
		for range 1 + m.rng.IntN(m.burst) {
			m.insert()
			m.note("+")
			m.budget--
		}
	}
	if m.budget > 0 && m.rng.Float64() < m.removes {
		for range min(1+m.rng.IntN(m.burst), len(m.rows)) {
			i := m.rng.IntN(len(m.rows))
			m.note("-%d", m.rows[i])
			m.remove(i)
			m.budget--
		}
	}
}

func (m *moving) note(format string, args ...any) {
	if m.verbose {
		m.history = append(m.history, fmt.Sprintf(format, args...))
	}
}

func (m *moving) fetch(page int) ([]int, Meta, error) {
	m.change()
	m.fetches++
	total := len(m.rows)
	if m.torn {
		m.change()
	}
	from := min((page-1)*m.per, len(m.rows))
	rows := slices.Clone(m.rows[from:min(from+m.per, len(m.rows))])
	m.note("page %d of %d: %v", page, total, rows)
	m.change()
	if m.wrong != nil {
		total = m.wrong(total)
	}
	return rows, Meta{total, page, m.per}, nil
}

// outcome is the outcome of an iteration over a moving list.
type outcome struct {
	seen   map[int]int
	missed []int
	err    error
}

func (m *moving) walk() outcome {
	o := outcome{seen: map[int]int{}}
	for chunk, err := range oneByOne(1, m.fetch, func(row *int) string { return strconv.Itoa(*row) }) {
		if err != nil {
			o.err = err
			continue
		}
		for _, row := range chunk.Items {
			o.seen[row]++
		}
		if m.fetches > 10_000 {
			o.err = errors.New("the walk does not end")
			break
		}
	}
	for row := range m.always {
		if o.seen[row] == 0 {
			o.missed = append(o.missed, row)
		}
	}
	slices.Sort(o.missed)
	return o
}

// report repeats an iteration and logs what happened.
func report(seed, stream uint64, torn bool) string {
	m := newMoving(seed, stream)
	m.verbose, m.torn = true, torn
	m.walk()
	return strings.Join(m.history, "\n")
}

// TestNoRowIsMissedOrRepeatedWhileTheListMoves iterates over lists that
// change before and after every fetch.
func TestNoRowIsMissedOrRepeatedWhileTheListMoves(t *testing.T) {
	t.Parallel()
	var clean, shrinking, repeating, extra, failures int
	for seed := range uint64(some(20_000)) {
		m := newMoving(seed, 1)
		initial := len(m.rows)
		o := m.walk()
		for row, times := range o.seen {
			if times > 1 {
				t.Errorf("seed %d: row %d was yielded %d times\n%s", seed, row, times, report(seed, 1, false))
				failures++
			}
		}
		broken, isBroken := errors.AsType[*Broken](o.err)
		switch {
		case o.err == nil:
			clean++
			if len(o.missed) > 0 {
				t.Errorf("seed %d: rows %v were there all the time and are missed\n%s", seed, o.missed, report(seed, 1, false))
				failures++
			}
		case isBroken && strings.Contains(broken.Reason, "shrinks faster"):
			shrinking++
		case isBroken && strings.Contains(broken.Reason, "repeats items") && m.inserted > 0 && m.removed > 0:
			// Insertions pushed a whole page on to the next, and removals hid that
			// from the total.
			repeating++
		default:
			t.Errorf("seed %d: %v\n%s", seed, o.err, report(seed, 1, false))
			failures++
		}
		needed := initial/m.per + 1 // after a full last page one more is read
		if m.inserted+m.removed == 0 && m.fetches != needed {
			t.Errorf("seed %d: %d fetches for %d quiet rows, %d a page", seed, m.fetches, initial, m.per)
			failures++
		}
		if bound := needed + 4*(m.inserted+m.removed) + maxLooks; m.fetches > bound {
			t.Errorf("seed %d: %d fetches, more than %d\n%s", seed, m.fetches, bound, report(seed, 1, false))
			failures++
		}
		extra += m.fetches - needed
		if failures > 3 {
			t.FailNow()
		}
	}
	t.Logf("%d walks ended clean, %d as shrinking too fast, %d as repeating; %d fetches beyond those of a quiet list", clean, shrinking, repeating, extra)
	if clean < some(15_000) {
		t.Errorf("only %d walks ended clean", clean)
	}
}

// TestNoRowIsRepeatedWhenCountAndRowsDisagree: a list may change between counting
// and reading a page. Nothing can be promised then about missed items, but the
// iteration ends and repeats nothing.
func TestNoRowIsRepeatedWhenCountAndRowsDisagree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(some(2_000)) {
		m := newMoving(seed, 2)
		m.torn = true
		o := m.walk()
		if _, ok := errors.AsType[*Broken](o.err); o.err != nil && !ok {
			t.Fatalf("seed %d: %v\n%s", seed, o.err, report(seed, 2, true))
		}
		for row, times := range o.seen {
			if times > 1 {
				t.Fatalf("seed %d: row %d was yielded %d times\n%s", seed, row, times, report(seed, 2, true))
			}
		}
	}
}
