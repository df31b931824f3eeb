package walk

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// ends reports whether an iteration may end with this error while its list changes.
func ends(err error) bool {
	b, ok := errors.AsType[*Broken](err)
	return ok && (strings.Contains(b.Reason, "shrinks faster") || strings.Contains(b.Reason, "repeats items"))
}

func isBroken(err error) bool {
	_, ok := errors.AsType[*Broken](err)
	return ok
}

// TestWalksAreHonestWhileTheListMoves: whatever the order of a list is, and however
// many pages are fetched ahead, no item is yielded twice. An iteration that reads
// one page at a time, newest first, misses no item that was there from beginning to
// end. What other iterations miss is counted.
func TestWalksAreHonestWhileTheListMoves(t *testing.T) {
	t.Parallel()
	most := map[order]float64{newestFirst: 0.0005, oldestFirst: 0.01, byName: 0.005} // the share that may be missed
	for _, o := range []order{newestFirst, oldestFirst, byName} {
		for _, n := range []int{0, 1, 2, 3, 8, 32} {
			t.Run(fmt.Sprintf("%v, %d ahead", o, n), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					if share := honest(t, o, n); share > most[o] {
						t.Errorf("%.3f %% of the rows were missed", 100*share)
					}
				})
			})
		}
	}
}

// honest iterates over many small scenes and returns the share of items that were
// missed.
func honest(t *testing.T, o order, n int) float64 {
	walks := some(1500)
	var clean, broken, stayed, missed, fetches, needed int
	for seed := range uint64(walks) {
		s := small(seed, o, n)
		r := s.walk(false)
		fail := func(format string, args ...any) {
			again := small(seed, o, n)
			again.walk(true)
			t.Fatalf("seed %d: %s\n%s", seed, fmt.Sprintf(format, args...), strings.Join(again.history, "\n"))
		}
		switch {
		case len(r.twice) > 0:
			fail("rows %v were yielded twice", r.twice)
		case s.most > max(n, 1):
			fail("%d pages were fetched at a time", s.most)
		case s.changes == 0 && (r.err != nil || len(r.missed) > 0 || r.fetches != r.needed):
			fail("%d fetches for %d pages of a quiet list, %v, missed %v", r.fetches, r.needed, r.err, r.missed)
		case ends(r.err):
			broken++
			continue
		case r.err != nil:
			fail("%v", r.err)
		case o == newestFirst && n < 2 && len(r.missed) > 0:
			fail("rows %v were there all the time and are missed", r.missed)
		}
		clean++
		stayed += r.stayed
		missed += len(r.missed)
		fetches += r.fetches
		needed += r.needed
	}
	share := float64(missed) / float64(stayed)
	t.Logf("%d walks ended clean, %d as broken; missed %d of %d rows: %.4f %%; %d fetches, of quiet lists %d", clean, broken, missed, stayed, 100*share, fetches, needed)
	if clean < walks*9/10 {
		t.Errorf("only %d of %d walks ended clean", clean, walks)
	}
	return share
}

// TestTheShareOfRowsThatAWalkMisses measures the figures in the documentation: for
// lists of 2,000 items, 100 to a page, one of which is removed and one added, on
// average, in the time that a page takes.
func TestTheShareOfRowsThatAWalkMisses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		order    order
		prefetch int
		walks    int
		changes  float64
		pairs    bool
		most     float64 // the share that may be missed
	}{
		{newestFirst, 0, 50, 1, false, 0},
		{newestFirst, 0, 50, 1, true, 0},
		{newestFirst, 1, 50, 1, false, 0},
		{newestFirst, 8, 300, 1, false, 0.0001},
		{newestFirst, 8, 100, 1, true, 0.01},
		{newestFirst, 8, 50, 0.1, false, 0.00001},
		{newestFirst, 8, 100, 0.1, true, 0.001},
		{oldestFirst, 0, 50, 1, false, 0.005},
		{oldestFirst, 0, 50, 1, true, 0.01},
		{oldestFirst, 8, 50, 1, false, 0.005},
		{oldestFirst, 8, 50, 1, true, 0.01},
		{byName, 0, 50, 1, false, 0.002},
		{byName, 8, 50, 1, false, 0.002},
	} {
		t.Run(fmt.Sprintf("%v, %d ahead, %v changes, pairs %v", tt.order, tt.prefetch, tt.changes, tt.pairs), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var stayed, missed, with, fetches int
				walks := some(tt.walks)
				for seed := range uint64(walks) {
					r := large(seed, tt.order, tt.prefetch, tt.changes, tt.pairs).walk(false)
					if r.err != nil || len(r.twice) > 0 {
						t.Fatalf("seed %d: %v, rows %v were yielded twice", seed, r.err, r.twice)
					}
					stayed += r.stayed
					missed += len(r.missed)
					with += min(len(r.missed), 1)
					fetches += r.fetches
				}
				share := float64(missed) / float64(stayed)
				t.Logf("missed %d of %d rows: %.4f %%, in %d of %d walks; %d fetches", missed, stayed, 100*share, with, walks, fetches)
				if share > tt.most {
					t.Errorf("%.4f %% of the rows were missed", 100*share)
				}
			})
		})
	}
}

// TestNoRowIsYieldedTwiceWhenCountAndRowsDisagree: a list may change between
// counting and reading a page. Nothing can be promised then about missed items, but
// the iteration ends and repeats nothing.
func TestNoRowIsYieldedTwiceWhenCountAndRowsDisagree(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 2, 8} {
		synctest.Test(t, func(t *testing.T) {
			for seed := range uint64(some(500)) {
				s := small(seed, newestFirst, n)
				s.torn = true
				if r := s.walk(false); r.err != nil && !isBroken(r.err) || len(r.twice) > 0 {
					t.Fatalf("seed %d, %d ahead: %v, rows %v were yielded twice", seed, n, r.err, r.twice)
				}
			}
		})
	}
}
