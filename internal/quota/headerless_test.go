package quota

import (
	"testing"
	"time"
)

// serves sends n requests that are served without headers.
func (d *testAccount) serves(n int) {
	for range n {
		d.settle(d.grant(Interactive, d.now), false, Reading{Limit: -1, Remaining: -1}, d.now)
	}
}

// rejects sends a request that gets a 429 without headers except Retry-After.
func (d *testAccount) rejects(retryAfter time.Duration) {
	r := Reading{Limit: -1, Remaining: -1, RetryAfter: d.now.Add(retryAfter)}
	d.settle(d.grant(Interactive, d.now), true, r, d.now)
}

// seasonedAccount has seen a server without headers serve 100 requests in a window
// of an hour. A new window has begun with one request.
func seasonedAccount(o Options) *testAccount {
	d := newTestAccount(o)
	d.serves(100)
	d.rejects(time.Hour)
	d.now = d.now.Add(time.Hour)
	d.serves(1)
	d.now = d.now.Add(spread)
	return d
}

// Until four responses without headers have come, the next may have some.
func TestFourResponsesMaySaySomething(t *testing.T) {
	for served, want := range map[int]int{0: coldStart, 3: coldStart, 4: 20} {
		d := newTestAccount(Options{})
		d.serves(served)
		n := 0
		for ; n < 20 && d.gate(Interactive, d.now).pass; n++ {
			d.sends(1)
		}
		if n != want {
			t.Errorf("after %d responses %d are in flight", served, n)
		}
	}
}

// The requests served before the first 429 are those of a window; the time until
// the server serves again shows its length.
func TestAWindowWithoutHeadersIsLearned(t *testing.T) {
	d := seasonedAccount(Options{Reserve: 0.2})
	if b := d.blind; b.capacity != 100 || b.length != time.Hour || b.capacity-b.served != 99 || kind(d.belief) != "headerless" {
		t.Fatalf("%+v", b)
	}
	d.demand.last = d.now // otherwise the reserve would soon be halved
	n := 0
	for ; d.gate(Bulk, d.now).pass; n++ {
		d.serves(1)
		d.inFlight = 0
	}
	v, until := d.asks(Bulk)
	if why := d.reason(v, until, 0, d.now); n != 80 || v.pass || !until.Equal(v.look) || !until.Before(d.blind.end()) || why != WaitReserve {
		t.Errorf("bulk has %d, then %+v, for %q", n, v, why)
	}
	at := *d
	for after, pass := range map[time.Duration]bool{0: true, -precision - 1: false} {
		at.now = until.Add(after)
		if at.gate(Bulk, at.now).pass != pass {
			t.Errorf("bulk at the estimated time and %v: %v", after, !pass)
		}
	}
	d.serves(11)
	if v, _ := d.asks(Interactive); d.blind.capacity-d.blind.served != 8 || !v.pass {
		t.Errorf("%d left: %+v", d.blind.capacity-d.blind.served, v)
	}
	d.sends(1)
	if v, _ := d.asks(Interactive); v.pass || !v.look.IsZero() {
		t.Errorf("near to where it sent a 429, more than one at a time: %+v", v)
	}
	d.inFlight = 0
	d.now = d.blind.end()
	d.serves(1)
	if d.blind.capacity-d.blind.served != 99 {
		t.Errorf("%d left in a new window", d.blind.capacity-d.blind.served)
	}
}

// Responses that contradict the learned window end the belief in it.
func TestAWindowWithoutHeadersIsUnlearned(t *testing.T) {
	d := seasonedAccount(Options{})
	d.serves(109)
	if d.blind.capacity != 100 {
		t.Errorf("110 served make it %d", d.blind.capacity)
	}
	d.serves(1)
	if d.blind.capacity != 0 {
		t.Errorf("it serves more than it did: %+v", d.blind)
	}

	for after, length := range map[time.Duration]time.Duration{
		minOutage: 0, minOutage + 1: 10*time.Minute + minOutage + 1 + spread,
	} {
		d = seasonedAccount(Options{})
		d.serves(50)
		d.now = d.now.Add(10 * time.Minute)
		d.rejects(time.Second)
		d.now = d.now.Add(after)
		d.serves(1)
		if d.blind.length != length {
			t.Errorf("it serves again after %v: windows of %v", after, d.blind.length)
		}
	}
	d = seasonedAccount(Options{})
	d.now = d.blind.end().Add(-10 * time.Second)
	d.rejects(time.Second)
	d.now = d.now.Add(20 * time.Second)
	d.serves(1)
	if d.blind.length < 59*time.Minute {
		t.Errorf("a 429 shortly before the end: windows of %v", d.blind.length)
	}
	d = newTestAccount(Options{})
	d.serves(10)
	d.rejects(time.Hour)
	d.now = d.now.Add(3 * time.Hour)
	d.serves(1)
	if d.blind.length != hour {
		t.Errorf("nobody asked for three hours: windows of %v", d.blind.length)
	}
}

// Requests that were in flight when the first 429 came were served before it.
func TestServedBeforeThe429(t *testing.T) {
	d := newTestAccount(Options{})
	d.serves(10)
	p := d.sends(5)
	d.now = d.now.Add(time.Second)
	d.rejects(time.Hour)
	for _, p := range p {
		d.settle(p, false, Reading{Limit: -1, Remaining: -1}, d.now)
	}
	if d.blind.capacity != 15 || d.blind.closed.IsZero() {
		t.Errorf("%+v", d.blind)
	}
	d.now = d.blocked
	d.strikes = 1 // of another burst
	capacity := d.blind.capacity
	d.rejects(time.Hour)
	if d.blind.capacity != capacity {
		t.Errorf("a second 429 makes it %d", d.blind.capacity)
	}
}

// A server that has stopped sending headers is believed to restore requests as
// before.
func TestAServerThatStopsTellingStaysWhatItWas(t *testing.T) {
	d := refillingAccount(Options{Reserve: 0.2}, 50)
	d.now = d.now.Add(time.Hour + spread)
	d.serves(maxSilent)
	if kind(d.belief) != "refilling" {
		t.Fatalf("%#v after %d responses without headers", d.belief, maxSilent)
	}
	d.serves(1)
	if kind(d.belief) != "headerless" || d.limit != 0 || !d.reset.IsZero() || !d.opens.IsZero() || d.belief.refill() != 0.1 {
		t.Fatalf("%#v after %d responses without headers", d.belief, maxSilent+1)
	}
	if f := d.figures("", d.now); f != (Figures{Observed: d.observed}) {
		t.Errorf("nothing is known, but %+v", f)
	}
	if d.serves(1); d.belief != (headerless{refilling{0.1}}) {
		t.Errorf("%#v after one more", d.belief)
	}
	d.blind.capacity, d.blind.length, d.blind.since = 100, time.Hour, d.now
	if held := d.reserved(d.now); held != 4 {
		t.Errorf("bulk leaves %v, want what it leaves to a server that refills", held)
	}
	d.settle(d.grant(Interactive, d.now), true, Reading{Limit: -1, Remaining: -1}, d.now)
	if wait := d.blocked.Sub(d.now); wait < 14*time.Second || wait > 15*time.Second {
		t.Errorf("blocked for %v", wait)
	}
	v, _ := d.asks(Interactive)
	if got := d.estimate(v, 7, d.now).Sub(d.blocked).Round(time.Second); got != 104*time.Second {
		t.Errorf("with 7 ahead: %v after the 429 is over", got)
	}
	d.now = d.blocked
	d.hears(99, time.Hour)
	if kind(d.belief) != "fixed" {
		t.Errorf("with headers again: %#v", d.belief)
	}
}

// Responses without headers do not count while a reset is ahead: what is left is
// spent.
func TestOldFiguresHoldUntilTheReset(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(99, time.Hour)
	d.serves(2 * maxSilent)
	if d.limit != 100 || d.left != 99-2*maxSilent {
		t.Errorf("limit %d, %d left", d.limit, d.left)
	}
}

// A reserve of a single request is one, too, on a server without headers.
func TestOneRequestIsReservedWithoutHeaders(t *testing.T) {
	d := seasonedAccount(Options{Reserve: 0.02})
	d.demand.last = d.now // otherwise the reserve would soon be gone
	d.serves(97)
	for left, pass := range map[int]bool{2: true, 1: false} {
		at := *d
		at.blind.served = 100 - left
		if held := at.reserved(at.now); held != 1 {
			t.Fatalf("bulk leaves %v", held)
		}
		if v, _ := at.asks(Bulk); v.pass != pass {
			t.Errorf("bulk with %d left: %+v", left, v)
		}
		if v, _ := at.asks(Interactive); !v.pass {
			t.Errorf("interactive with %d left: %+v", left, v)
		}
	}
}

// A server that stops sending headers is forgotten even if its limit was one.
func TestALimitOfOneIsForgotten(t *testing.T) {
	d := newTestAccount(Options{})
	d.quota = 1
	d.hears(0, time.Second)
	d.now = d.now.Add(time.Second + spread)
	d.serves(maxSilent + 1)
	if kind(d.belief) != "headerless" || d.limit != 0 {
		t.Errorf("%#v, limit %d", d.belief, d.limit)
	}
}

// A server that has sent nothing but 429s is taken to serve one request of a window.
func TestAServerThatBeganWith429sIsAskedOneAtATime(t *testing.T) {
	d := newTestAccount(Options{})
	for range 3 {
		d.rejects(time.Second)
		d.now = d.blocked
	}
	d.serves(1)
	if v, _ := d.asks(Interactive); !v.pass {
		t.Errorf("none in flight: %+v", v)
	}
	d.sends(1)
	if v, _ := d.asks(Interactive); v.pass || !v.careful {
		t.Errorf("one in flight: %+v", v)
	}
	d.serves(1) // more than that
	if v, _ := d.asks(Interactive); !v.pass {
		t.Errorf("one in flight, two served: %+v", v)
	}
}

// After a 429 without headers all wait until it is over: nothing else is known.
func TestTheLineOfAServerWithoutHeaders(t *testing.T) {
	for name, d := range map[string]*testAccount{"a window is known": seasonedAccount(Options{}), "it had headers": newTestAccount(Options{})} {
		if name == "it had headers" {
			d.hears(0, time.Hour)
			d.now = d.opens
			d.serves(maxSilent + 1)
		}
		d.rejects(10 * time.Second)
		for _, ahead := range []int{0, 7, 150} {
			if until := d.estimate(d.gate(Interactive, d.now), ahead, d.now); !until.Equal(d.blocked) {
				t.Errorf("%s, %d ahead: %v after the 429 is over", name, ahead, until.Sub(d.blocked))
			}
		}
	}
}

// The estimate for bulk counts those in flight and those before it. Who does not find
// room in this window waits for the next one, and its reserve.
func TestTheEstimateOfBulkWithoutHeaders(t *testing.T) {
	d := seasonedAccount(Options{Reserve: 0.2})
	d.demand.last = d.now
	d.serves(80) // 19 are left
	busy := *d
	busy.sends(2)
	v, until := busy.asks(Bulk)
	if v.pass || until.Sub(d.blind.since)-9*time.Minute > precision+spread || until.Sub(d.blind.since) < 9*time.Minute {
		t.Errorf("%+v, expect it after %v", v, until.Sub(d.blind.since))
	}
	begins := d.blind.end().Add(grain + spread)
	for ahead, want := range map[int]time.Duration{20: 0, 30: 0, 99: 0, 104: 15 * time.Minute} {
		if by := d.estimate(d.gate(Bulk, d.now), ahead, d.now).Sub(begins) - want; by < 0 || by > precision {
			t.Errorf("%d ahead: %v after the beginning of the next window, want %v", ahead, want+by, want)
		}
	}
}

// Without headers, the last tenth of what was served in a window is sent one at a time.
func TestTheLastTenthIsSentOneAtATime(t *testing.T) {
	for served, want := range map[int]bool{88: true, 89: false, 90: false} { // and one is in flight: 11, 10 and 9 are left
		a := &newTestAccount(usual).account
		a.blind = blind{silent: coldStart, capacity: 100, served: served}
		a.inFlight = 1
		if v := (headerless{fixedWindow{}}).gate(a, Interactive, time.Now()); v.pass != want {
			t.Errorf("after %d requests: %+v", served, v)
		}
	}
}

// When the server serves again, a window has begun if the 429s lasted longer than any
// outage, or if a known length of a window has nearly passed. Otherwise the length is
// unknown.
func TestWhenAWindowOpensAgain(t *testing.T) {
	for _, tt := range []struct {
		length, open, closed time.Duration // of a window; before the 429s; while they came
		want                 time.Duration
	}{
		{0, 10 * time.Second, minOutage, 0},
		{0, 10 * time.Second, minOutage + 1, 10*time.Second + minOutage + 1},
		{0, 50 * time.Minute, 30 * time.Minute, hour},
		{time.Minute, 50 * time.Second, 4 * time.Second, 0}, // exactly nine tenths
		{time.Minute, 50 * time.Second, 5 * time.Second, 55 * time.Second},
	} {
		b := blind{length: tt.length, opened: noon, since: noon, closed: noon.Add(tt.open)}
		now := b.closed.Add(tt.closed)
		b.reopen(now)
		if b.length != tt.want || b.since.Equal(now) != (tt.want > 0) || !b.closed.IsZero() {
			t.Errorf("%+v: %+v", tt, b)
		}
	}
}

// Without a reserve, bulk may use the last requests of a window, too, one at a time.
func TestBulkWithoutAReserveUsesAllWithoutHeaders(t *testing.T) {
	d := seasonedAccount(Options{Reserve: -1})
	d.serves(99)
	if v := d.gate(Bulk, d.now); !v.pass {
		t.Errorf("none is in flight: %+v", v)
	}
	d.sends(1)
	if v := d.gate(Bulk, d.now); v.pass || !v.careful || !v.kept.IsZero() {
		t.Errorf("one is in flight: %+v", v)
	}
}
