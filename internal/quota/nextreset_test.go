package quota

import (
	"testing"
	"time"
)

// A reset may be that of the next request: if almost nothing is left after one has
// passed, the server refills, at the pace of an hour. Until then the reset may be
// the end of a window: bulk leaves a few requests with which to find out.
func TestTheResetOfTheNextRequest(t *testing.T) {
	for reset, want := range map[time.Duration]string{
		8 * time.Second: "refilling", nextReset: "refilling", nextReset + time.Second: "rolling",
	} {
		d := newTestAccount(Options{})
		d.hears(50, reset)
		if got := d.reserved(d.now); got < 2 {
			t.Errorf("a reset in %v: bulk leaves %v", reset, got)
		}
		d.now = d.now.Add(reset - time.Second)
		if got := d.reserved(d.now); (got >= 2) != (want == "refilling") {
			t.Errorf("a second before a reset in %v: bulk leaves %v", reset, got)
		}
		d.now = d.now.Add(time.Second + spread)
		d.hears(10, min(reset, 2*time.Minute))
		if got := kind(d.belief); got != want {
			t.Errorf("a reset in %v: %s", reset, got)
		}
		if want == "refilling" && d.belief.refill() != 100.0/3600 {
			t.Errorf("a reset in %v: %v a second", reset, d.belief.refill())
		}
	}
	d := newTestAccount(Options{})
	d.hears(50, 8*time.Second)
	d.now = d.now.Add(8*time.Second + spread)
	d.hears(99, 8*time.Second) // a short window after all
	d.now = d.now.Add(7 * time.Second)
	if got := d.reserved(d.now); kind(d.belief) != "fixed" || got > 1 {
		t.Errorf("%s, bulk leaves %v a second before the reset", kind(d.belief), got)
	}
}

// A 429 whose Retry-After ends long before the reset was right if a request is
// served then: the server refills.
func TestARetryAfterShowsRefill(t *testing.T) {
	for name, tt := range map[string]struct {
		remaining         int
		retryAfter, reset time.Duration
		want              string
	}{
		"sooner":            {0, 7 * time.Second, time.Hour, "refilling"},
		"a bit sooner":      {0, 7 * time.Second, 24 * time.Second, "fixed"},
		"not twice as soon": {0, 20 * time.Minute, 40 * time.Minute, "fixed"},
		"some are left":     {5, 7 * time.Second, time.Hour, "fixed"},
		"no time":           {0, 0, time.Hour, "fixed"},
	} {
		d := newTestAccount(Options{})
		d.hears(0, tt.reset)
		r := d.reading(tt.remaining, tt.reset)
		if tt.retryAfter > 0 {
			r.RetryAfter = d.now.Add(tt.retryAfter)
		}
		d.settle(d.grant(Interactive, d.now), true, r, d.now)
		if kind(d.belief) != "fixed" {
			t.Errorf("%s: the 429 alone makes it %#v", name, d.belief)
		}
		ends := d.reset
		d.now = d.now.Add(tt.retryAfter)
		d.hears(0, ends.Sub(d.now))
		if got := kind(d.belief); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// If there are signs of others with the same estimate, each sends by estimate alone
// only as often as its part of what is restored allows. What a response reported as
// left may be spent.
func TestEachHasItsTurn(t *testing.T) {
	for part, want := range map[float64]time.Duration{1: 13 * time.Second, 0.5: 20 * time.Second, 0.125: 80 * time.Second, 0.001: maxBackoff} {
		d := refillingAccount(Options{}, 0)
		d.part = part
		v, until := d.asks(Interactive)
		if got := v.look.Sub(d.now).Round(time.Millisecond); v.pass || got != want || until.Sub(d.now) < want-time.Millisecond {
			t.Errorf("part %v: look again in %v, expect it in %v", part, got, until.Sub(d.now))
		}
		d.now = d.now.Add(want * 3 / 4)
		if v, _ := d.asks(Interactive); v.pass {
			t.Errorf("part %v: it is sent early", part)
		}
		d.now = d.now.Add(want / 4)
		if v, _ := d.asks(Interactive); !v.pass {
			t.Errorf("part %v: %+v", part, v)
		}
	}
	d := refillingAccount(Options{}, 1)
	d.part = 0.125
	if v, _ := d.asks(Interactive); !v.pass {
		t.Errorf("with one left: %+v", v)
	}
}

// A 429 that names no limit, or one of zero, says nothing about the quota: its
// Retry-After does not show refill.
func TestARetryAfterWithoutALimitShowsNothing(t *testing.T) {
	for limit, want := range map[int]string{-1: "fixed", 0: "fixed", 1: "refilling", 100: "refilling"} {
		d := newTestAccount(Options{})
		if limit > 0 {
			d.quota = limit
		}
		d.hears(0, time.Hour)
		r := Reading{Limit: limit, Reset: d.now.Add(time.Hour), RetryAfter: d.now.Add(7 * time.Second)}
		d.settle(d.grant(Interactive, d.now), true, r, d.now)
		d.now = d.now.Add(7 * time.Second)
		d.hears(0, time.Hour-7*time.Second)
		if got := kind(d.belief); got != want {
			t.Errorf("a limit of %d: %s", limit, got)
		}
	}
}
