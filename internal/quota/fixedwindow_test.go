package quota

import (
	"testing"
	"time"
)

// testAccount is an account with a clock that the test sets, of a server with a
// limit of 100 unless stated otherwise.
type testAccount struct {
	account
	quota int
	now   time.Time
}

func newTestAccount(o Options) *testAccount {
	return &testAccount{account: newAccount(o), quota: 100, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

// reading returns what a response reports now; without a reset if that is zero.
func (d *testAccount) reading(remaining int, reset time.Duration) Reading {
	r := Reading{Limit: d.quota, Remaining: remaining}
	if reset != 0 {
		r.Reset = d.now.Add(reset)
	}
	return r
}

// hears sends a request and receives its response at once.
func (d *testAccount) hears(remaining int, reset time.Duration) {
	d.settle(d.grant(Interactive, d.now), false, d.reading(remaining, reset), d.now)
}

// sends puts n requests in flight.
func (d *testAccount) sends(n int) (permits []Permit) {
	for range n {
		permits = append(permits, d.grant(Interactive, d.now))
	}
	return permits
}

// asks returns the gate's decision, and when the first in line is likely to pass.
func (d *testAccount) asks(c Class) (v verdict, until time.Time) {
	v = d.gate(c, d.now)
	return v, d.estimate(v, 0, d.now)
}

// Requests that others may have spent since the newest response are not spent
// again, nor is the last request. After five minutes that is only a guess; then an
// interactive request may find out, if more than a few are left.
func TestWhatOthersMayHaveSpentIsLeftAlone(t *testing.T) {
	for _, tt := range []struct {
		left  int
		after time.Duration
		class Class
		pass  bool
	}{
		{5, 0, Interactive, true},
		{1, 0, Interactive, false},
		{5, 30 * time.Second, Interactive, true},
		{5, time.Minute, Interactive, false},
		{5, 5 * time.Minute, Interactive, false},
		{5, 6 * time.Minute, Interactive, true},
		{2, 6 * time.Minute, Interactive, true},
		{1, 6 * time.Minute, Interactive, false},
		{5, 6 * time.Minute, Bulk, false},
		{5, time.Hour, Interactive, true}, // a new window
	} {
		d := newTestAccount(Options{})
		d.hears(tt.left, time.Hour)
		d.others = 0.1
		d.now = d.now.Add(tt.after)
		if v, until := d.asks(tt.class); v.pass != tt.pass || !v.pass && !until.After(d.now) {
			t.Errorf("%+v: %+v, expect it in %v", tt, v, until.Sub(d.now))
		}
	}
}

// Others who spend less than a request in five minutes are none.
func TestRareOthersAreNone(t *testing.T) {
	for others, pass := range map[float64]bool{1. / 310: true, 1. / 290: false} {
		d := newTestAccount(Options{})
		d.hears(1, time.Hour)
		d.others = others
		d.now = d.now.Add(time.Minute)
		if v, _ := d.asks(Interactive); v.pass != pass {
			t.Errorf("one in %v s: the last request is sent: %v", 1/others, v.pass)
		}
	}
}

// Each process sends its part of what is left before it has seen what others sent.
func TestOtherProcessesSendTheirPart(t *testing.T) {
	for part, want := range map[float64]int{1: 42, 0.25: 9, 0.001: 1} {
		d := newTestAccount(Options{})
		d.hears(42, time.Hour)
		d.part = part
		n := 0
		for ; d.gate(Interactive, d.now).pass; n++ {
			d.sends(1)
		}
		if v, until := d.asks(Interactive); n != want || !v.look.IsZero() || !until.Equal(d.now) && part < 1 {
			t.Errorf("part %v: %d sent, want %d; then %+v", part, n, want, v)
		}
	}
	d := newTestAccount(Options{})
	d.hears(42, time.Hour)
	d.part, d.others = 0.25, 0.1
	d.now = d.now.Add(100 * time.Second) // in which others may have spent eleven
	n := 0
	for ; d.gate(Interactive, d.now).pass; n++ {
		d.sends(1)
	}
	if n != 7 {
		t.Errorf("%d sent of the 31 that others may have left, want 7", n)
	}
}

// A response in flight is waited for if it may give back the request that is lacking, or
// says what nothing else does.
func TestOneResponseIsWaitedFor(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(1, time.Hour)
	d.sends(1)
	if v, _ := d.asks(Interactive); v != waitForResponse {
		t.Errorf("the last request is in flight: %+v", v)
	}
	d = newTestAccount(Options{})
	d.hears(0, 0)
	d.now = d.now.Add(time.Hour)
	d.sends(1)
	if v, _ := d.asks(Interactive); v != waitCarefully {
		t.Errorf("without a reset: %+v", v)
	}
}

// A probe of a new window that is in flight keeps no request back that cannot wait.
func TestAProbeIsAwaitedCarefully(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(0, time.Minute)
	d.now = d.now.Add(time.Minute + spread)
	d.sends(1)
	if v, _ := d.asks(Interactive); v != (verdict{look: d.now.Add(reprobe), soon: true, careful: true}) {
		t.Errorf("%+v", v)
	}
}

// A probe is never followed by more requests than the limit, however late its
// response is.
func TestProbesAreNoMoreThanTheLimit(t *testing.T) {
	d := newTestAccount(Options{})
	d.quota = 2
	d.hears(0, time.Minute)
	d.now = d.now.Add(time.Minute + spread)
	for range 2 {
		if v, _ := d.asks(Interactive); !v.pass {
			t.Fatalf("%+v", v)
		}
		d.sends(1)
		d.now = d.now.Add(reprobe)
	}
	if v, until := d.asks(Interactive); v.pass || !v.look.IsZero() || !until.Equal(d.now) {
		t.Errorf("%+v, expect it in %v", v, until.Sub(d.now))
	}
}

// If a response has no reset, one request is tried as often as requests would be
// restored one by one, and less often after each 429.
func TestFiguresWithoutAReset(t *testing.T) {
	for _, tt := range []struct {
		share   float64
		quota   int
		strikes int
		want    time.Duration
	}{
		{1, 100, 0, 36 * time.Second},
		{0.5, 100, 0, 72 * time.Second},
		{1, 100, 2, 144 * time.Second},
		{1, 100, 20, time.Hour},
		{1, 5000, 20, 720 * time.Millisecond << maxDoublings},
	} {
		d := newTestAccount(Options{Share: tt.share})
		d.quota = tt.quota
		d.hears(0, 0)
		d.strikes = tt.strikes
		v, until := d.asks(Interactive)
		if v.pass || v.look.Sub(d.now) != tt.want || !until.Equal(v.look) {
			t.Errorf("%+v: look again in %v", tt, v.look.Sub(d.now))
		}
		d.now = d.now.Add(tt.want)
		if v, _ := d.asks(Interactive); !v.pass {
			t.Errorf("%+v: %+v", tt, v)
		}
		d.sends(1)
		if v, _ := d.asks(Interactive); v.pass || !v.look.IsZero() {
			t.Errorf("%+v, with one in flight: %+v", tt, v)
		}
	}
}

// Bulk checks often what the shrinking reserve has released. The estimate for it is
// the reset, because little is left for many.
func TestBulkLooksForTheReserve(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		time.Hour: 5 * time.Second, 100 * time.Second: 2 * time.Second, time.Second: 50 * time.Millisecond,
	} {
		d := newTestAccount(Options{Reserve: 1})
		d.hears(5, time.Hour)
		d.hears(4, time.Hour)
		d.now = d.now.Add(time.Hour - left)
		d.demand.arrive(d.now)
		d.others = 6 // otherwise nothing would be reserved so near to the reset
		d.observed = d.now
		v, until := d.asks(Bulk)
		if v.pass || v.look.Sub(d.now) != want || !until.Equal(d.opens) {
			t.Errorf("%v before the reset: look again in %v, expect it in %v", left, v.look.Sub(d.now), until.Sub(d.now))
		}
	}
}

// Requests restored within seconds of the reset were restored by the reset,
// allowing for clocks; earlier ones show that the server refills continuously.
func TestAResetMayBeSecondsEarly(t *testing.T) {
	for early, refills := range map[time.Duration]bool{6 * time.Second: true, 4 * time.Second: false} {
		d := newTestAccount(Options{})
		d.hears(50, time.Hour)
		end := d.reset
		d.now = end.Add(-early)
		d.hears(60, early)
		if got := d.belief.refill() > 0; got != refills {
			t.Errorf("%v before the reset: %#v", early, d.belief)
		}
	}
}

// Two requests more than expected may be due to a lost response; three are not.
func TestThreeThatComeBackAreRefill(t *testing.T) {
	for remaining, refills := range map[int]bool{51: false, 52: true} {
		d := newTestAccount(Options{})
		d.hears(50, time.Hour)
		d.now = d.now.Add(10 * time.Minute)
		d.hears(remaining, 50*time.Minute) // one of them spent
		if got := d.belief.refill() > 0; got != refills {
			t.Errorf("%d left after 50: %#v", remaining, d.belief)
		}
	}
}

// The first response after a reset shows how the server counts, if it is prompt:
// later, others may have spent what was restored.
func TestTheFirstResponseOfAWindowShowsTheBelief(t *testing.T) {
	const near, far = 10 * time.Minute, time.Hour
	for _, tt := range []struct {
		late      time.Duration // after the reset
		remaining int
		reset     time.Duration
		want      string
	}{
		{time.Second, 99, far, "fixed"},
		{time.Second, 91, near, "fixed"},
		{time.Second, 89, near, "rolling"},
		{time.Second, 60, far, "fixed"},
		{time.Second, 49, far, "fixed"},
		{time.Second, 48, far, "refilling"},
		{time.Second, 30, far, "refilling"},
		{10 * time.Second, 30, far, "fixed"}, // not so prompt
		{time.Second, 60, near, "rolling"},
		{10 * time.Second, 60, near, "rolling"},
		{promptReset, 60, near, "rolling"},
		{31 * time.Second, 60, near, "fixed"},
		{31 * time.Second, 30, far, "fixed"},
	} {
		d := newTestAccount(Options{})
		d.hears(5, time.Hour)
		d.now = d.now.Add(time.Hour + tt.late)
		d.own = &level{} // of a time when there were no windows
		d.hears(tt.remaining, tt.reset)
		if got := kind(d.belief); got != tt.want || (d.own == nil) != (tt.remaining > 90) {
			t.Errorf("%+v: %s, own %v", tt, got, d.own)
		}
		if r, ok := d.belief.(rolling); ok && !r.since.Equal(d.now) {
			t.Errorf("%+v: requests are restored since %v", tt, r.since)
		}
	}
}

func kind(b belief) string {
	switch b.(type) {
	case fixedWindow:
		return "fixed"
	case refilling:
		return "refilling"
	case rolling:
		return "rolling"
	}
	return "headerless"
}

// After a 429 without a time, the reset is waited for if nothing is left and
// Retry-After is missing, not if it is past.
func TestAfterA429WithoutATime(t *testing.T) {
	for name, tt := range map[string]struct {
		remaining  int
		retryAfter time.Duration
		long       bool
	}{"nothing left": {0, 0, true}, "something left": {5, 0, false}, "one left": {1, 0, false}, "a Retry-After of now": {0, -time.Second, false}} {
		d := newTestAccount(Options{})
		d.hears(50, time.Hour)
		r := d.reading(tt.remaining, time.Hour)
		if tt.retryAfter != 0 {
			r.RetryAfter = d.now.Add(tt.retryAfter)
		}
		d.settle(d.grant(Interactive, d.now), true, r, d.now)
		wait := d.blocked.Sub(d.now)
		if long := wait >= time.Hour; long != tt.long || wait < minBackoff/2 || !long && wait > minBackoff+spread {
			t.Errorf("%s: blocked for %v", name, wait)
		}
	}
}

// If a reset was seen to restore many requests at once, and little of a window is
// left when its first response comes, others have spent it: the next reset restores
// all again. A window whose reset restores a few may slide.
func TestOthersWereFasterAfterAReset(t *testing.T) {
	const window = 4 * time.Second
	for _, tt := range []struct {
		before, after int // left after the first and the second reset
		want          string
	}{
		{400, 20, "fixed"},
		{400, 0, "fixed"},
		{20, 0, "fixed"},
		{0, 20, "fixed"}, // 20 requests are not restored one by one in 4 s
		{0, 1, "refilling"},
	} {
		d := newTestAccount(Options{})
		d.quota = 500
		d.hears(0, window)
		for _, left := range []int{tt.before, tt.after} {
			d.part = 0.04 // others spend most of it
			d.now = d.opens.Add(time.Second)
			d.hears(left, window)
			d.now = d.now.Add(time.Second)
			d.hears(0, window-time.Second)
		}
		if got := kind(d.belief); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
		if _, until := d.asks(Interactive); tt.want == "fixed" && until.After(d.opens) {
			t.Errorf("%+v: the next request in %v, the reset in %v", tt, until.Sub(d.now), d.opens.Sub(d.now))
		}
	}
}

// A server that was believed to restore requests one by one has windows after all
// if one of its resets restores many at once.
func TestAResetThatRestoresManyAtOnceEndsAWindow(t *testing.T) {
	d := newTestAccount(Options{})
	d.quota = 500
	d.hears(0, 4*time.Second)
	d.belief = refilling{documented(500)}
	d.now = d.now.Add(10 * time.Second)
	d.hears(200, 2*time.Second)
	if got := kind(d.belief); got != "fixed" || !d.whole {
		t.Errorf("%s", got)
	}
}

// After the end of a window nothing of the reserve is kept, whatever others spent.
func TestNoReserveIsWaitedForAfterTheEnd(t *testing.T) {
	for _, others := range []float64{0, 10} {
		d := newTestAccount(Options{Reserve: 0.2})
		d.hears(5, time.Hour)
		d.others = others
		from := d.reset.Add(10 * time.Minute)
		if at := d.freed(1, d.window(), from); !at.Equal(from) {
			t.Errorf("others spend %v a second: freed %v later", others, at.Sub(from))
		}
		if at := d.freed(0, d.window(), from); !at.IsZero() {
			t.Errorf("others spend %v a second, nothing is left: freed %v later", others, at.Sub(from))
		}
	}
}

// After a 429 without headers nothing is left until the time that it names; then one
// request finds out.
func TestA429WithoutHeadersUsesUpWhatWasLeft(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(50, time.Hour)
	d.now = d.now.Add(time.Second)
	d.rejects(time.Minute)
	if n := d.remaining(d.now); n != 0 {
		t.Errorf("%v are left", n)
	}
	d.now = d.blocked
	if v, _ := d.asks(Interactive); !v.pass {
		t.Errorf("%+v", v)
	}
	d.sends(1)
	if v, _ := d.asks(Interactive); v.pass || !v.careful {
		t.Errorf("a second one: %+v", v)
	}
}
