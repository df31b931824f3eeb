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
				if c.Settle(a, now); !c.Next(a, now).Equal(now) {
					t.Fatalf("request %d of %d at %v: the next one at %v", i+1, a.Limit, now, c.Next(a, now))
				}
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

// A sliding counter keeps the requests of its window when the plan changes, unless that
// window has ended, and none of the window before.
func TestAnotherWindowOfASlidingCounter(t *testing.T) {
	hourly, daily := ratecount.Allowance{Limit: 60, Window: time.Hour}, ratecount.Allowance{Limit: 60, Window: 24 * time.Hour}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for after, left := range map[time.Duration]int{0: 40, time.Hour - 1: 40, time.Hour: 60, 2 * time.Hour: 60} {
		c := ratecount.NewSlidingCounter()
		for range 10 {
			take(c, hourly, start.Add(-time.Hour))
		}
		for range 20 {
			take(c, hourly, start)
		}
		now := start.Add(after)
		if c.Settle(daily, now); c.Left(daily, now) != left {
			t.Errorf("after %v: %d left, want %d", after, c.Left(daily, now), left)
		}
	}
}

// A 429 that counts takes a request of the next window. As many as the limit take all of
// it: the window after that is the first that serves again. If no request comes for long,
// they have taken those of windows without one.
func TestCounted429sTakeFromLaterWindows(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ limit, served, rejected, windows, left int }{
		{limit: 3, served: 3, rejected: 0, windows: 1, left: 3},
		{limit: 3, served: 3, rejected: 2, windows: 1, left: 1},
		{limit: 3, served: 3, rejected: 3, windows: 2, left: 3},
		{limit: 3, served: 3, rejected: 5, windows: 2, left: 1},
		{limit: 3, served: 3, rejected: 6, windows: 3, left: 3},
		{limit: 1, served: 1, rejected: 1, windows: 2, left: 1},
		{limit: 3, served: 0, rejected: 2, windows: 1, left: 3}, // they take what the first window has left
		{limit: 3, served: 2, rejected: 3, windows: 1, left: 1},
	} {
		a := ratecount.Allowance{Limit: tt.limit, Window: time.Hour}
		end := start.Add(time.Duration(tt.windows) * a.Window)
		after := map[time.Time]int{end: tt.left, end.Add(-1): max(tt.limit-tt.served-tt.rejected, 0), start.Add(10 * a.Window): tt.limit}
		for at, left := range after {
			c := ratecount.NewFixedWindow()
			for range tt.served {
				if !take(c, a, start) {
					t.Fatalf("%+v: not served", tt)
				}
			}
			for range tt.rejected {
				c.Count(a, start, false)
			}
			next := start
			if tt.served+tt.rejected >= tt.limit {
				next = end
			}
			if got, reset := c.Next(a, start), c.Reset(a, start); !got.Equal(next) || !reset.Equal(end) {
				t.Errorf("%+v: served in %v, reset in %v", tt, got.Sub(start), reset.Sub(start))
			}
			if c.Settle(a, at); c.Left(a, at) != left {
				t.Errorf("%+v: %d left after %v, want %d", tt, c.Left(a, at), at.Sub(start), left)
			}
		}
	}
}
