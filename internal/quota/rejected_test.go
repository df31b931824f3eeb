package quota

import (
	"testing"
	"time"
)

// A Retry-After is trusted the first time, and later if it is longer than the
// back-off or no later reset is known. Otherwise the wait is the back-off, up to
// the reset.
func TestHowLongARetryAfterIsBelieved(t *testing.T) {
	const second, hour = time.Second, time.Hour
	for _, tt := range []struct {
		strikes           int // before this 429
		retryAfter, reset time.Duration
		want              time.Duration
	}{
		{0, second, hour, second},
		{0, second / 4, hour, second / 4},
		{1, second, hour, 2 * second},
		{5, second, hour, 32 * second},
		{5, second, 10 * second, 10 * second},
		{5, 40 * second, hour, 40 * second},
		{5, second, 0, second},
	} {
		d := newTestAccount(Options{})
		d.strikes = tt.strikes
		d.sends(1)
		r := Reading{Limit: -1, Remaining: -1, RetryAfter: d.now.Add(tt.retryAfter)}
		if tt.reset > 0 {
			r.Reset = d.now.Add(tt.reset)
		}
		d.settle(d.sends(1)[0], true, r, d.now)
		if wait := d.blocked.Sub(d.now); wait < tt.want || wait > tt.want+spread {
			t.Errorf("%+v: blocked for %v", tt, wait)
		}
	}
}

// After a 429 nothing is left, and there is more when its delay is over. It belongs
// to a burst if its request was sent before the first 429 of the burst came; a
// response to such a request does not end the series.
func TestWhatA429Changes(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(50, time.Hour)
	p := d.sends(4)
	r := d.reading(7, time.Hour)
	r.RetryAfter = d.now.Add(10 * time.Second)
	d.settle(p[0], true, r, d.now)
	if d.left != 0 || !d.opens.Equal(d.blocked) || d.strikes != 1 || d.remaining(d.now) > 0 {
		t.Errorf("%d left, opens %v after it is over, %d strikes", d.left, d.opens.Sub(d.blocked), d.strikes)
	}
	if !d.blind.closed.IsZero() {
		t.Error("a 429 with headers is taken for one of a server without")
	}
	r.RetryAfter = d.now.Add(20 * time.Second)
	d.settle(p[1], true, r, d.now)
	if wait := d.blocked.Sub(d.now); d.strikes != 1 || wait < 20*time.Second {
		t.Errorf("another of the same burst: %d strikes, blocked for %v", d.strikes, wait)
	}
	r.RetryAfter = time.Time{}
	d.settle(p[2], true, r, d.now)
	if wait := d.blocked.Sub(d.now); wait > 21*time.Second {
		t.Errorf("one of them without a time: blocked for %v", wait)
	}
	if v, _ := d.asks(Interactive); v.why != WaitRetryAfter {
		t.Errorf("one of them without a time: %+v", v)
	}
	d.settle(p[3], false, d.reading(0, time.Hour), d.now)
	if d.strikes != 1 {
		t.Error("a response to an older request ends the series of 429s")
	}
	d.settle(d.sends(1)[0], false, d.reading(0, time.Hour), d.now)
	if d.strikes != 0 {
		t.Error("a response to a newer request does not end the series of 429s")
	}
}

// A back-off is half of its longest plus a random part of the other half, so that
// processes that get 429s together do not return together.
func TestABackOffIsRandom(t *testing.T) {
	shortest, longest := time.Hour, time.Duration(0)
	for range 100 {
		d := newTestAccount(Options{})
		d.strikes = 6
		d.settle(d.sends(1)[0], true, Reading{Limit: -1, Remaining: -1}, d.now)
		wait := d.blocked.Sub(d.now)
		shortest, longest = min(shortest, wait), max(longest, wait)
	}
	if shortest < 32*time.Second || shortest > 40*time.Second || longest < 56*time.Second || longest > 64*time.Second+spread {
		t.Errorf("waits from %v to %v after the seventh 429 in a row", shortest, longest)
	}
	waits := map[time.Duration]bool{}
	for range 100 {
		d := newTestAccount(Options{})
		d.rejects(time.Minute)
		waits[d.blocked.Sub(d.now)] = true
	}
	if len(waits) < 90 {
		t.Errorf("%d different waits of 100 after a Retry-After", len(waits))
	}
}

// A Retry-After of zero does not show when requests are restored.
func TestARetryAfterOfZeroShowsNothing(t *testing.T) {
	now := time.Now()
	for after, want := range map[time.Duration]bool{0: false, 1: true} {
		if got := sooner(Reading{Limit: 100, RetryAfter: now.Add(after), Reset: now.Add(time.Hour)}, now); got != want {
			t.Errorf("%v: %v", after, got)
		}
	}
}
