package quota

import (
	"math"
	"testing"
	"time"
)

// refillingAccount believes that a request is restored every 10 s. What the newest
// response reported is left; all is restored in an hour.
func refillingAccount(o Options, left int) *testAccount {
	d := newTestAccount(o)
	d.hears(left, time.Hour)
	d.belief = refilling{perSecond: 0.1}
	d.mirror(d.now)
	return d
}

// The estimated wait is the time in which the request is restored, and a margin.
func TestARestoredRequestIsWaitedFor(t *testing.T) {
	for name, tt := range map[string]struct {
		o      Options
		left   int
		others float64
		want   time.Duration
	}{
		"nothing left":   {Options{}, 0, 0, 13 * time.Second},
		"half a share":   {Options{Share: 0.5}, 0, 0, 26 * time.Second},
		"a guess is all": {Options{}, 1, 0.1, 3 * time.Second},
	} {
		d := refillingAccount(tt.o, tt.left)
		d.others = tt.others
		if v, until := d.asks(Interactive); v.pass || v.look.Sub(d.now).Round(time.Millisecond) != tt.want || until.Sub(v.look).Abs() > time.Millisecond {
			t.Errorf("%s: look again in %v, expect it in %v", name, v.look.Sub(d.now), until.Sub(d.now))
		}
	}
	d := refillingAccount(Options{}, 1)
	d.others = 0.1
	d.now = d.now.Add(3 * time.Second)
	if v, _ := d.asks(Interactive); v.pass || v.look.Sub(d.now) != time.Second {
		t.Errorf("with more than enough, but for a guess about others: look again in %v", v.look.Sub(d.now))
	}
}

// Each place in the queue costs the time to restore a request, but all are restored
// at the reset.
func TestTheLineOfARefillingServer(t *testing.T) {
	d := refillingAccount(Options{}, 0)
	v, _ := d.asks(Interactive)
	if got := d.estimate(v, 10, d.now).Sub(d.now); got != 117*time.Second {
		t.Errorf("with 10 ahead: %v", got)
	}
	if got := d.estimate(v, 500, d.now).Sub(d.opens); got != 5*d.length {
		t.Errorf("with 500 ahead: %v after the reset", got)
	}
	d = refillingAccount(Options{}, 50)
	d.sends(coldStart)
	if v, until := d.asks(Interactive); !v.pass || !until.Equal(d.now) {
		t.Errorf("with enough left: %+v", v)
	}
}

// At most four requests are in flight that are only estimated to have been
// restored.
func TestReckoningIsGoodForFour(t *testing.T) {
	d := refillingAccount(Options{}, 2)
	d.now = d.now.Add(5 * time.Minute) // in which 30 are restored
	n := 0
	for ; d.gate(Interactive, d.now).pass; n++ {
		d.sends(1)
	}
	if v, until := d.asks(Interactive); n != coldStart || !v.look.IsZero() || !until.Equal(d.now) {
		t.Errorf("%d sent, then %+v", n, v)
	}
}

// At the reset all is restored: a probe finds out. A server whose reset is that of
// the next request is not probed.
func TestTheResetOfARefillingServer(t *testing.T) {
	for reset, probes := range map[time.Duration]bool{time.Hour: true, 5 * time.Minute: false} {
		d := newTestAccount(Options{Reserve: 1})
		d.hears(0, time.Hour)
		d.hears(0, reset)
		d.belief = refilling{perSecond: 0.0001}
		d.mirror(d.now)
		d.reset, d.opens = d.now.Add(reset), d.now.Add(reset)
		d.now = d.opens
		if v, _ := d.asks(Interactive); v.pass != probes {
			t.Errorf("a reset in %v: %+v", reset, v)
		}
	}
}

// A server with everything restored and a reset a window ahead has a fixed window.
func TestAFixedWindowIsRecognizedByItsReset(t *testing.T) {
	for _, tt := range []struct {
		after     time.Duration
		remaining int
		reset     time.Duration
		want      string
	}{
		{10 * time.Minute, 99, time.Hour, "fixed"},
		{10 * time.Minute, 90, time.Hour, "refilling"},
		{40 * time.Minute, 99, 29 * time.Minute, "refilling"}, // later, but near
		{40 * time.Minute, 99, 31 * time.Minute, "fixed"},
	} {
		d := refillingAccount(Options{}, 80)
		d.now = d.now.Add(tt.after)
		d.hears(tt.remaining, tt.reset)
		if got := kind(d.belief); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
		if tt.want == "fixed" && !d.mark.at.Equal(d.now) {
			t.Errorf("%+v: compares with %v before", tt, d.now.Sub(d.mark.at))
		}
	}
	d := refillingAccount(Options{}, 80)
	d.now = d.now.Add(10 * time.Minute)
	d.hears(99, 50*time.Minute) // the same reset as before
	if kind(d.belief) != "refilling" {
		t.Error("a reset that is not later is taken for that of a new window")
	}
}

// The pace of restored requests is measured, and never assumed to be much more than
// the limit in a window. Then no others are assumed to spend.
func TestHowFastRequestsAreRestored(t *testing.T) {
	for remaining, want := range map[int]float64{59: 10.0 / 600, 89: 40.0 / 3600 * 1.25 * 2.5} {
		d := newTestAccount(Options{})
		d.hears(50, time.Hour)
		d.others = 0.01
		d.now = d.now.Add(10 * time.Minute)
		d.hears(remaining, 50*time.Minute)
		if got := d.belief.refill(); math.Abs(got-want) > 1e-9 || d.others != 0 {
			t.Errorf("%d left: %v a second, want %v; others %v", remaining, got, want, d.others)
		}
		p := d.sends(2)
		d.now = d.now.Add(time.Minute)
		slow := d.belief.refill()
		d.settle(p[1], false, d.reading(remaining+20, 49*time.Minute), d.now)
		if got := d.belief.refill(); got == slow && remaining == 59 {
			t.Error("it is not measured again")
		}
	}
}

// After a 429 without a time the limiter waits for one request to be restored, at a
// slower pace. A second one with figures shows that the server does not refill at
// all.
func TestA429OfARefillingServer(t *testing.T) {
	reject := func(d *testAccount, r Reading) time.Duration {
		d.settle(d.grant(Interactive, d.now), true, r, d.now)
		return d.blocked.Sub(d.now)
	}
	bare := Reading{Limit: -1, Remaining: -1}

	d := refillingAccount(Options{}, 50)
	opens := d.opens
	if wait := reject(d, bare); math.Abs(d.belief.refill()-0.07) > 1e-9 || wait < 14*time.Second || wait > 15*time.Second || !d.opens.Equal(opens) {
		t.Errorf("%#v, blocked for %v, opens in %v", d.belief, wait, d.opens.Sub(d.now))
	}
	d.now = d.blocked
	if wait := reject(d, bare); wait < 40*time.Second || wait > 42*time.Second { // 1/0.049 s, twice
		t.Errorf("blocked for %v the second time", wait)
	}
	for range 15 {
		d.now = d.blocked
		reject(d, bare)
	}
	if got := d.belief.refill(); math.Abs(got-100.0/3600/20) > 1e-9 || d.blocked.Sub(d.now) > maxBackoff+spread {
		t.Errorf("in the end %v a second, blocked for %v", got, d.blocked.Sub(d.now))
	}

	d = refillingAccount(Options{}, 50)
	dated := bare
	dated.RetryAfter = d.now.Add(7 * time.Second)
	if wait := reject(d, dated); math.Abs(d.belief.refill()-0.07) > 1e-9 || wait > 8*time.Second {
		t.Errorf("dated: %#v, blocked for %v", d.belief, wait)
	}

	d = refillingAccount(Options{}, 50)
	reject(d, d.reading(0, time.Hour))
	if kind(d.belief) != "refilling" {
		t.Errorf("the first 429 makes it %#v", d.belief)
	}
	d.now = d.blocked
	reject(d, d.reading(0, time.Hour))
	if kind(d.belief) != "fixed" || !d.mark.at.IsZero() {
		t.Errorf("the second 429 makes it %#v, with a mark of %v", d.belief, d.mark.at)
	}

	for name, tt := range map[string]struct{ retryAfter, reset time.Duration }{
		"sooner": {7 * time.Second, time.Hour}, "a reset that is near": {0, nextReset - time.Second},
	} {
		d = refillingAccount(Options{}, 50)
		for range 3 {
			r := d.reading(0, tt.reset)
			if tt.retryAfter > 0 {
				r.RetryAfter = d.now.Add(tt.retryAfter)
			}
			reject(d, r)
			d.now = d.blocked
		}
		if kind(d.belief) != "refilling" {
			t.Errorf("%s: three 429s make it %#v", name, d.belief)
		}
	}

	d = refillingAccount(Options{}, 50)
	d.sends(1)
	d.strikes = 1
	if v, until := d.asks(Interactive); v.pass || !v.careful || !v.look.IsZero() || !until.Equal(d.now) {
		t.Errorf("after a 429 more than one at a time: %+v", v)
	}
	d = refillingAccount(Options{}, 0)
	d.sends(1)
	d.strikes = 1
	if v, _ := d.asks(Interactive); v.pass || v.careful {
		t.Errorf("after a 429, with nothing left: %+v", v)
	}
}

// Three that come back are refill, also if the server may not have counted others that
// are in flight: a response counts its own request.
func TestRefillIsSeenBesideRequestsInFlight(t *testing.T) {
	for remaining, want := range map[int]string{51: "fixed", 52: "refilling"} {
		d := newTestAccount(Options{})
		d.sends(4)
		d.hears(50, time.Hour)
		d.now = d.now.Add(10 * time.Minute)
		d.hears(remaining, 50*time.Minute)
		if got := kind(d.belief); got != want {
			t.Errorf("50, then %d left: %s", remaining, got)
		}
	}
}

// What is restored at a reset shows a window if it is more than is restored in that
// time, and three.
func TestSoManyAreRestoredOnlyByAWindow(t *testing.T) {
	for remaining, want := range map[int]string{4: "refilling", 5: "fixed"} {
		d := refillingAccount(Options{}, 0)
		d.hears(0, 59*time.Second)
		d.belief = refilling{perSecond: 0.1}
		d.now = d.now.Add(time.Minute) // in which two are restored
		d.hears(remaining, 25*time.Minute)
		if got := kind(d.belief); got != want {
			t.Errorf("%d left after a minute and a reset: %s", remaining, got)
		}
	}
}

// After a 429 one request is in flight at a time. Its response decides on the next
// interactive call; for bulk the reset does, if what is left is reserved.
func TestWhatDecidesAfterA429OfARefillingServer(t *testing.T) {
	d := refillingAccount(Options{Reserve: 0.2}, 0)
	d.sends(1)
	d.strikes = 1
	if _, until := d.asks(Interactive); !until.Equal(d.now) {
		t.Errorf("interactive: expect it in %v", until.Sub(d.now))
	}
	if _, until := d.asks(Bulk); !until.Equal(d.opens) {
		t.Errorf("bulk: expect it in %v, not at the reset in %v", until.Sub(d.now), d.opens.Sub(d.now))
	}
}

// Responses in flight decide on all that wait, however small the limit is: none is said
// to wait for hours.
func TestResponsesInFlightDecideOnTheWholeLine(t *testing.T) {
	d := newTestAccount(Options{})
	d.quota = 3
	d.hears(1, time.Hour)
	d.belief = refilling{perSecond: 0.001}
	d.mirror(d.now)
	d.sends(1)
	d.strikes = 1
	v, _ := d.asks(Interactive)
	for ahead := range 10 {
		if until := d.estimate(v, ahead, d.now); !until.Equal(d.now) {
			t.Errorf("%d ahead: expect it in %v", ahead, until.Sub(d.now))
		}
	}
}

// Three that come back change the estimated pace, fewer do not.
func TestThePaceIsMeasuredByThree(t *testing.T) {
	for remaining, want := range map[int]float64{51: 0.1, 52: 3. / 600} {
		d := refillingAccount(Options{}, 50)
		d.now = d.now.Add(10 * time.Minute)
		d.hears(remaining, 50*time.Minute)
		if got := d.belief.refill(); math.Abs(got-want) > 1e-9 {
			t.Errorf("50, then %d left: %v a second, want %v", remaining, got, want)
		}
	}
}

// A request that was not sent changes nothing: what was restored since the newest
// response is still there. Nor does a response that reports as many, rounded down.
func TestWhatWasRestoredIsKept(t *testing.T) {
	for _, after := range []time.Duration{3 * time.Second, 7 * time.Second, 303 * time.Second} {
		d := refillingAccount(Options{}, 0)
		d.now = d.now.Add(after)
		want := d.remaining(d.now)
		d.cancel(d.sends(1)[0], false, d.now)
		if got := d.remaining(d.now); math.Abs(got-want) > 1e-9 || math.Abs(got-after.Seconds()/10) > 1e-9 {
			t.Errorf("%v later: %v are left, before that %v", after, got, want)
		}
		d.cancel(d.sends(1)[0], true, d.now) // it may have been spent
		if got := d.remaining(d.now); math.Abs(got-want+1) > 1e-9 && want >= 1 {
			t.Errorf("%v later: %v are left after one that was lost, before that %v", after, got, want)
		}
	}
	d := refillingAccount(Options{}, 10)
	d.now = d.now.Add(13 * time.Second)
	d.hears(10, time.Hour-13*time.Second) // 11.3 minus its own
	if got := d.remaining(d.now); math.Abs(got-10.3) > 1e-9 {
		t.Errorf("%v are left", got)
	}
	later := refillingAccount(Options{}, 10)
	later.now = later.now.Add(17 * time.Second)
	later.hears(11, time.Hour-17*time.Second) // 11.7
	if got := later.remaining(later.now); math.Abs(got-11.7) > 1e-9 {
		t.Errorf("%v are left", got)
	}
	lost := refillingAccount(Options{}, 1)
	p := lost.sends(1)[0]
	lost.hears(0, time.Hour)
	if lost.cancel(p, true, lost.now); lost.remaining(lost.now) != 0 {
		t.Errorf("%v are left, one request may have been counted twice", lost.remaining(lost.now))
	}
	for reported, want := range map[int]float64{11: 11, 12: 12, 9: 9.3, 3: 3.3} {
		d := *d
		d.hears(reported, time.Hour-13*time.Second)
		if got := d.remaining(d.now); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v are left, %d were reported, want %v", got, reported, want)
		}
	}
}

// The delays after 429s grow to the longest one at every pace of the plans.
func TestDelaysOfARefillingServerGrow(t *testing.T) {
	d := newTestAccount(Options{})
	d.strikes = 20
	if wait := (refilling{maxRefill * documented(5000)}).backoff(&d.account, Reading{}, d.now).Sub(d.now); wait != maxBackoff {
		t.Errorf("%v", wait)
	}
}
