package ratecount_test

import (
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/internal/ratecount"
)

var counters = map[string]func() ratecount.Counter{
	"fixed window":    ratecount.NewFixedWindow,
	"sliding log":     ratecount.NewSlidingLog,
	"sliding counter": ratecount.NewSlidingCounter,
	"token bucket":    ratecount.NewTokenBucket,
}

// take reports whether a request that arrives now is served, and counts it if so.
func take(c ratecount.Counter, a ratecount.Allowance, now time.Time) bool {
	c.Settle(a, now)
	if c.Left(a, now) < 1 {
		return false
	}
	c.Count(a, now, true)
	return true
}

// All counters serve the limit at once and no more. Next is exact: nothing is
// served before it, and a request is served then.
func TestNextIsExact(t *testing.T) {
	a := ratecount.Allowance{Limit: 10, Window: time.Hour}
	for name, counter := range counters {
		t.Run(name, func(t *testing.T) {
			c := counter()
			now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			for i := range a.Limit {
				if !take(c, a, now) {
					t.Fatalf("request %d of %d was not served", i+1, a.Limit)
				}
				now = now.Add(time.Minute)
			}
			for range 30 {
				next := c.Next(a, now)
				if next.After(now) {
					if early := next.Add(-1); take(c, a, early) {
						t.Fatalf("served at %v, before %v", early, next)
					}
					now = next
				}
				if !take(c, a, now) {
					t.Fatalf("not served at %v", now)
				}
			}
		})
	}
}

// Each counter restores requests in its own way.
func TestWhatIsRestored(t *testing.T) {
	a := ratecount.Allowance{Limit: 60, Window: time.Hour}
	for name, want := range map[string][3]int{ // after half a window, at its end, half a window later
		"fixed window":    {0, 60, 60},
		"sliding log":     {0, 60, 60},
		"sliding counter": {0, 0, 30},
		"token bucket":    {30, 60, 60},
	} {
		t.Run(name, func(t *testing.T) {
			c := counters[name]()
			start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			for take(c, a, start) {
			}
			for i, left := range want {
				now := start.Add(time.Duration(i+1) * 30 * time.Minute)
				if c.Settle(a, now); c.Left(a, now) != left {
					t.Errorf("%d left after %v, want %d", c.Left(a, now), now.Sub(start), left)
				}
			}
		})
	}
}

// A token bucket keeps the number of missing tokens when the plan changes.
func TestAnotherPlan(t *testing.T) {
	c := ratecount.NewTokenBucket()
	small, large := ratecount.Allowance{Limit: 60, Window: time.Hour}, ratecount.Allowance{Limit: 600, Window: time.Hour}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for take(c, small, now) {
	}
	c.Settle(large, now)
	if left := c.Left(large, now); left != 540 {
		t.Errorf("%d left, want 540", left)
	}
}

// A 429 that counts takes a request of the next window. As many as the limit take all of
// it: the window after that is the first that serves again.
func TestCounted429sTakeFromLaterWindows(t *testing.T) {
	a := ratecount.Allowance{Limit: 3, Window: time.Hour}
	for rejected, want := range map[int]struct{ windows, left int }{0: {1, 3}, 2: {1, 1}, 3: {2, 3}, 5: {2, 1}, 6: {3, 3}} {
		c := ratecount.NewFixedWindow()
		start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for take(c, a, start) {
		}
		for range rejected {
			c.Count(a, start, false)
		}
		end := start.Add(time.Duration(want.windows) * a.Window)
		if reset, next := c.Reset(a, start), c.Next(a, start); !reset.Equal(end) || !next.Equal(end) {
			t.Errorf("%d rejected: reset in %v, served in %v, want %d windows", rejected, reset.Sub(start), next.Sub(start), want.windows)
		}
		if c.Settle(a, end); c.Left(a, end) != want.left {
			t.Errorf("%d rejected: %d left after %d windows, want %d", rejected, c.Left(a, end), want.windows, want.left)
		}
	}
}
