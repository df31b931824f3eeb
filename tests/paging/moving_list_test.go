package paging_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// movingList is a list of leads that changes in the course of virtual time. Its
// seed alone decides how.
type movingList struct {
	*support.SlowList
	rng    *rand.Rand
	order  string
	asks   int             // items per page
	always map[string]bool // items that were there all the time
	quiet  bool            // it does not change
	start  time.Time
	next   time.Duration // when it changes the next time
	pace   time.Duration // from one change to the next, on average
}

func newMovingList(seed uint64, order string, clamped bool) *movingList {
	rng := rand.New(rand.NewPCG(seed, 5))
	m := &movingList{SlowList: support.NewSlowList(rng.IntN(50)), rng: rng, order: order, asks: 1 + rng.IntN(7), always: map[string]bool{}, start: time.Now()}
	if clamped {
		m.asks, m.MaxPerPage = 500, m.asks
	}
	for _, id := range m.IDs {
		m.always[id] = true
	}
	m.quiet = rng.IntN(6) == 0
	m.pace = time.Duration((0.5 + 3*rng.Float64()) * float64(support.RoundTripTime))
	m.next = m.wait()
	visits := map[int]uint64{}
	m.Latency = func(page int) time.Duration {
		visits[page]++
		return time.Duration(rand.New(rand.NewPCG(seed<<32|visits[page], uint64(page))).Float64() * float64(2*support.RoundTripTime))
	}
	m.OnRead = func(int) { m.pass() }
	return m
}

func (m *movingList) wait() time.Duration { return time.Duration(m.rng.ExpFloat64() * float64(m.pace)) }

// pass makes the changes that were due up to now; the lock must be held.
func (m *movingList) pass() {
	for ; !m.quiet && m.next <= time.Since(m.start); m.next += m.wait() {
		for range 1 + m.rng.IntN(2) {
			m.change()
		}
	}
}

func (m *movingList) change() {
	if n := len(m.IDs); m.rng.IntN(2) == 0 && n > 0 {
		gone := m.IDs[m.rng.IntN(n)]
		delete(m.always, gone)
		m.Remove(gone)
		return
	}
	at := map[string]int{"newest first": 0, "oldest first": len(m.IDs), "by name": m.rng.IntN(len(m.IDs) + 1)}[m.order]
	m.IDs = slices.Insert(slices.Clone(m.IDs), at, fmt.Sprint("new", m.rng.Uint64()))
}

// needed is how many pages the list has.
func (m *movingList) needed() int {
	per := cmp.Or(m.MaxPerPage, m.asks)
	return len(m.IDs)/per + 1 // a full last page is looked behind
}

var pagingAll = flag.Bool("paging.all", false, "iterate over four times as many lists that change")

// While a list changes no item is yielded twice, by each way to iterate,
// whatever the order, with full pages or smaller ones, and with any number of
// pages ahead. With one page at a time, newest first, none is missed either.
func TestNoRowComesTwiceWhileTheListMoves(t *testing.T) {
	t.Parallel()
	walksEach := 10 // by each of several ways to iterate
	if *pagingAll {
		walksEach = 40
	}
	for _, order := range []string{"newest first", "oldest first", "by name"} {
		for _, n := range []int{0, 1, 3, 8} {
			for _, clamped := range []bool{false, true} {
				eachIterationNamed(t, fmt.Sprintf("%s, %d ahead, clamped %v", order, n, clamped), func(t *testing.T, walk support.Iterate) {
					stayed, missed, broken := 0, 0, 0
					for seed := range uint64(walksEach) {
						m := newMovingList(seed, order, clamped)
						left, err := m.walk(t, walk, n)
						stayed += len(m.always)
						missed += len(left)
						if err != nil {
							broken++
						}
						if len(left) > 0 && (m.quiet || order == "newest first" && n < 2) {
							t.Errorf("seed %d: rows %v were there all the time and are missed", seed, left)
						}
						if t.Failed() {
							t.Fatalf("seed %d", seed)
						}
					}
					t.Logf("missed %d of %d rows, %d walks ended as broken", missed, stayed, broken)
					if missed*50 > stayed || broken*5 > walksEach {
						t.Errorf("missed %d of %d rows, %d of %d walks ended as broken", missed, stayed, broken, walksEach)
					}
				})
			}
		}
	}
}

// walk iterates over the list and returns the items that were there all the time and
// were missed, unless the iteration ended with an error.
func (m *movingList) walk(t *testing.T, walk support.Iterate, n int) (missed []string, err error) {
	t.Helper()
	client, needed := m.Client(t), m.needed()
	ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: m.asks}, leedo.WithPrefetch(n)))
	m.SlowList.CheckIdle(t, client)
	m.pass()
	times := map[string]int{}
	for _, id := range ids {
		if times[id]++; times[id] > 1 {
			t.Errorf("row %s came twice: %v", id, ids)
		}
	}
	if m.MostInFlight > max(n, 1) || m.quiet && (err != nil || m.Count() != needed) {
		t.Errorf("%d requests, up to %d at a time, want %d, %v", m.Count(), m.MostInFlight, needed, err)
	}
	if err != nil {
		if !support.Is[*leedo.DecodeError](err) {
			t.Error(err)
		}
		return nil, err
	}
	for id := range m.always {
		if times[id] == 0 {
			missed = append(missed, id)
		}
	}
	return missed, nil
}
