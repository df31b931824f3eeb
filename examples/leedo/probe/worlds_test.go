package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/leedoapp/leedo-go"
)

var (
	seed   = flag.Uint64("seed", 1, "the seed of the first fake")
	worlds = flag.Int("worlds", 50, "how many fakes are probed")
)

// score counts findings.
type score struct{ settle, right, open, wrong, beyond int }

// check compares findings with the truth. kinds are the takes of the questions that
// could be settled.
func (s *score) check(t *testing.T, w *world, report *Report, kinds ...int) {
	t.Helper()
	for i, f := range report.Findings {
		truth, settleable := w.truth[f.Question]
		settleable = settleable && slices.Contains(kinds, questions[i].takes) && !(w.hard && f.Question == askLargest)
		right := slices.Contains(truth, f.Result)
		if settleable {
			s.settle++
		}
		switch {
		case f.Result == Open:
			if settleable {
				s.open++
				t.Logf("open: %s (%s) in %s", f.Question, f.How, strings.Join(w.describe, "; "))
			}
		case len(truth) > 0 && right && settleable:
			s.right++
		case len(truth) > 0 && right:
			s.beyond++
		default:
			s.wrong++
			t.Errorf("wrong: %s is %q (%s), not %q in %s", f.Question, f.Result, f.How, truth, strings.Join(w.describe, "; "))
		}
	}
}

// Of the questions that 40 reads can settle at least 95 % are, and nothing is wrong,
// with random options, differences from the fake, faults and other users.
func TestWorlds(t *testing.T) {
	var all score
	largest, sum, refused := 0, 0, 0
	for i := range *worlds {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(*seed+uint64(i), i%2 == 1)
			report, err := Run(t.Context(), Options{Client: w.client(), Target: "fake"})
			if errors.Is(err, ErrQuota) {
				refused++
				return
			}
			if err != nil {
				t.Fatalf("seed %d: %v in %s", *seed+uint64(i), err, strings.Join(w.describe, "; "))
			}
			all.check(t, w, report, byReading)
			largest, sum = max(largest, report.Requests), sum+report.Requests
			if report.Requests > MaxRequests {
				t.Errorf("seed %d: %d requests", *seed+uint64(i), report.Requests)
			}
			if text, _ := json.Marshal(report); bytes.Contains(bytes.ToLower(text), []byte("secret")) {
				t.Errorf("seed %d: the report has personal data: %s", *seed+uint64(i), text)
			}
		})
	}
	probed := *worlds - refused
	t.Logf("seeds from %d: %d fakes, %d of them without 40 requests left; %d questions could be settled: %d right (%.1f %%), %d open, %d wrong; %d more right; requests: at most %d, mean %.1f",
		*seed, *worlds, refused, all.settle, all.right, 100*float64(all.right)/float64(all.settle), all.open, all.wrong, all.beyond, largest, float64(sum)/float64(probed))
	if all.right*100 < all.settle*95 {
		t.Error("too few")
	}
}

// With --write and --exhaust nothing is wrong either, and most is settled if the probe
// may wait for the reset.
func TestWorldsExhausted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, wait := range []bool{false, true} {
		var all score
		largest := 0
		for i := range *worlds / 2 {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(*seed+1000+uint64(i), false)
				if w.limit > 200 && *worlds < 200 {
					return // takes long
				}
				report, err := Run(t.Context(), Options{Client: w.client(), Exhaust: true, Wait: wait, Write: i%4 == 0})
				if w.limit == 0 {
					if err == nil {
						t.Errorf("seed %d: no bound", *seed+1000+uint64(i))
					}
					return
				}
				if err != nil && leedo.OutcomeOf(err) != leedo.OutcomeUnknown {
					t.Fatalf("seed %d: %v in %s", *seed+1000+uint64(i), err, strings.Join(w.describe, "; "))
				}
				all.check(t, w, report, byExhausting)
				largest = max(largest, report.Requests-w.limit)
			})
		}
		t.Logf("seeds from %d, wait %v: %d questions: %d right, %d open, %d wrong; at most %d requests more than the limit",
			*seed+1000, wait, all.settle, all.right, all.open, all.wrong, largest)
		if wait && all.right*100 < all.settle*75 {
			t.Error("too few")
		}
	}
}
