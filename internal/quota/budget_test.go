package quota

import (
	"testing"
	"testing/synctest"
	"time"
)

// retries takes all retries that there are, up to 1,000.
func retries(l *Ledger) (n int) {
	for n < 1000 && l.Retry() {
		n++
	}
	return n
}

func TestTheSizeOfTheRetryBudget(t *testing.T) {
	for _, test := range []struct {
		part, share  float64
		limit, wants int
	}{
		{0, 0, 0, 10}, {0, 0, 100, 10}, {0, 0, 500, 10}, {0, 0, 5000, 100}, {0, 0.5, 5000, 50}, {0, 0.01, 5000, 10},
		{0.1, 0, 500, 50}, {1, 0, 0, 10}, {1, 0, 100, 100}, {1e-9, 0, 5000, 10}, {-1, 0, 100, 1000},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{RetryBudget: test.part, Share: test.share})
			if test.limit > 0 {
				learn(t, l, headers(test.limit, test.limit-1, time.Hour))
			}
			if got := retries(l); got != test.wants {
				t.Errorf("%+v: %d retries", test, got)
			}
		})
	}
}

// Spent retries stay spent when the limit becomes known. An hour restores the
// budget, even if more was spent under a larger plan.
func TestTheRetryBudgetGrowsWithTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		if got := retries(l); got != 10 {
			t.Fatalf("%d retries", got)
		}
		learn(t, l, headers(5000, 4999, time.Hour))
		if got := retries(l); got != 90 {
			t.Errorf("%d more, want 90", got)
		}
		learn(t, l, headers(100, 99, time.Hour))
		<-time.After(30 * time.Minute)
		if got := retries(l); got != 5 {
			t.Errorf("%d of a plan that is smaller now, want half of 10", got)
		}
	})
}

func TestTheRetryBudgetIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		for range 100 {
			l.Succeeded() // the budget is never more than full
		}
		for _, back := range []struct {
			successes int
			after     time.Duration
			want      int
		}{
			{0, 0, 10}, {9, 0, 0}, {1, 0, 1}, {10, 0, 1}, {25, 0, 2}, {5, 0, 1},
			{0, 6*time.Minute - time.Millisecond, 0}, {0, time.Millisecond, 1}, {0, 30 * time.Minute, 5}, {0, time.Hour, 10}, {0, 24 * time.Hour, 10},
		} {
			for range back.successes {
				l.Succeeded()
			}
			<-time.After(back.after)
			if got := retries(l); got != back.want {
				t.Errorf("%d retries after %+v", got, back)
			}
		}
	})
}
