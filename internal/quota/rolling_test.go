package quota

import (
	"testing"
	"time"
)

// rollingAccount is of a server that has been restoring its requests one by one for
// half an hour, one every 36 s. The next is restored in a minute.
func rollingAccount(o Options) *testAccount {
	d := newTestAccount(o)
	d.hears(0, time.Hour)
	d.now = d.now.Add(time.Hour + 2*logMargin)
	d.hears(0, time.Minute)
	d.belief = rolling{since: d.now.Add(-30 * time.Minute)}
	return d
}

// Bulk waits until enough is restored that it leaves the reserve, and tries then.
// Interactive callers probe when the next request is restored.
func TestBulkWaitsForARollingWindow(t *testing.T) {
	d := rollingAccount(Options{Reserve: 0.1})
	d.demand.last = d.now
	held := d.reserved(d.now)
	if held < 2 || held > 6 {
		t.Fatalf("bulk leaves %v", held)
	}
	v, until := d.asks(Bulk)
	want := time.Minute + time.Duration(d.reserved(v.look)+1)*36*time.Second
	if by := v.look.Sub(d.now) - want; v.pass || by.Abs() > 5*time.Second || !until.Equal(v.look) {
		t.Errorf("bulk: look again in %v, want %v, expect it in %v", v.look.Sub(d.now), want, until.Sub(d.now))
	}
	enough := v.look
	if v, _ := d.asks(Interactive); v.pass || !v.look.Equal(d.opens) {
		t.Errorf("interactive: %+v", v)
	}
	d.blocked = d.now.Add(10 * time.Second) // after a 429, which ends sooner
	if v, until := d.asks(Bulk); !v.look.Equal(d.blocked) || until.Sub(enough).Abs() > precision {
		t.Errorf("bulk, blocked: look again in %v, expect it in %v", v.look.Sub(d.now), until.Sub(d.now))
	}
	d.blocked = time.Time{}
	d.now = d.opens
	if v, _ := d.asks(Interactive); !v.pass {
		t.Errorf("interactive, at the reset: %+v", v)
	}
	d.sends(1)
	if v, until := d.asks(Bulk); v.pass || v.look.IsZero() || !until.Equal(d.now) {
		t.Errorf("bulk, with a probe in flight: %+v, expect it in %v", v, until.Sub(d.now))
	}
	d.opens = d.now.Add(2 * time.Hour)
	if v, until := d.asks(Bulk); !v.look.Equal(d.opens) || !until.Equal(d.opens) {
		t.Errorf("bulk, before the reset: look again in %v", v.look.Sub(d.now))
	}
}

// A window that begins with almost all requests is fixed. One that begins when
// almost a window has passed since requests last began to be restored is the next
// window.
func TestTheTurnsOfARollingWindow(t *testing.T) {
	for _, tt := range []struct {
		late      time.Duration // after the reset
		since     time.Duration // since requests began to be restored
		remaining int
		want      string
		turned    bool
	}{
		{time.Second, 50 * time.Minute, 3, "rolling", false},
		{time.Second, 54 * time.Minute, 3, "rolling", false},
		{time.Second, 55 * time.Minute, 3, "rolling", true},
		{promptReset, 55 * time.Minute, 3, "rolling", true},
		{31 * time.Second, 55 * time.Minute, 3, "rolling", false}, // not prompt: others may have spent some
		{time.Second, 55 * time.Minute, 92, "fixed", false},
		{31 * time.Second, 55 * time.Minute, 92, "fixed", false},
	} {
		d := rollingAccount(Options{Share: 0.5})
		d.now = d.opens.Add(-d.jitter).Add(tt.late)
		since := d.now.Add(-tt.since)
		d.belief = rolling{since: since}
		d.ownLevel(d.now)
		d.hears(tt.remaining, 5*time.Minute)
		if got := kind(d.belief); got != tt.want || (got == "fixed") != (d.own == nil) {
			t.Errorf("%+v: %s, own %v", tt, got, d.own)
		}
		if r, ok := d.belief.(rolling); ok && r.since.Equal(d.now) != tt.turned {
			t.Errorf("%+v: they began to be restored %v ago", tt, d.now.Sub(r.since))
		}
	}
}

// After its reset a rolling window is probed if nothing is left, again if the response
// is late. What is left is spent.
func TestARollingWindowIsProbed(t *testing.T) {
	for _, left := range []int{0, 3} {
		d := rollingAccount(Options{})
		d.hears(left, time.Minute)
		d.now = d.opens
		for range max(left, 1) {
			if v, _ := d.asks(Interactive); !v.pass {
				t.Errorf("%d left: %+v", left, v)
			}
			d.sends(1)
		}
		if v, until := d.asks(Interactive); v.pass || !v.careful || !until.Equal(d.now) {
			t.Errorf("%d left and sent: %+v", left, v)
		}
		d.now = d.now.Add(reprobe)
		if v, _ := d.asks(Interactive); !v.pass {
			t.Errorf("%d left and sent, no response: %+v", left, v)
		}
	}
}

// A response whose reset is far ahead does not show that the next turn has begun.
func TestAFarResetIsNoTurnOfARollingWindow(t *testing.T) {
	for reset, turned := range map[time.Duration]bool{29 * time.Minute: true, 30 * time.Minute: false, 50 * time.Minute: false} {
		d := rollingAccount(Options{})
		d.now = d.opens
		d.belief = rolling{since: d.now.Add(-55 * time.Minute)}
		d.hears(3, reset)
		if r, ok := d.belief.(rolling); !ok || r.since.Equal(d.now) != turned {
			t.Errorf("a reset in %v: %#v", reset, d.belief)
		}
	}
}

// A share of a quota without windows is a level of its own, restored like the
// quota. What was spent before that was known counts.
func TestAShareWithoutWindows(t *testing.T) {
	for name, b := range map[string]belief{"rolling": rolling{}, "refilling": refilling{100.0 / 3600}} {
		d := newTestAccount(Options{Share: 0.5})
		d.hears(99, time.Hour)
		d.sends(19)
		d.belief = b
		if got := d.shareLeft(d.now); got != 30 {
			t.Errorf("%s: %v of 50 left, 20 are spent", name, got)
		}
		p := d.sends(1)[0]
		if got := d.shareLeft(d.now); got != 29 {
			t.Errorf("%s: %v left", name, got)
		}
		d.cancel(p, false, d.now)
		if got := d.shareLeft(d.now); got != 30 || d.fraction != 20 {
			t.Errorf("%s: %v left after one that was not sent; %v spent", name, got, d.fraction)
		}
		d.now = d.now.Add(12 * time.Minute)
		if got := d.shareLeft(d.now); got < 39.9 || got > 40.1 {
			t.Errorf("%s: %v left after 12 minutes", name, got)
		}
	}
	d := refillingAccount(Options{Share: 0.5}, 50)
	d.sends(50)
	d.now = d.now.Add(10 * time.Second)
	d.shareLeft(d.now)
	d.belief = refilling{0.01}
	d.now = d.now.Add(100 * time.Second)
	before := d.shareLeft(d.now)
	d.now = d.now.Add(100 * time.Second)
	if got := d.shareLeft(d.now) - before; got < 0.49 || got > 0.51 {
		t.Errorf("%v restored in 100 s at 0.005 a second", got)
	}
}

// A share is a part of an hour's quota. At an earlier reset, what was spent still
// counts, minus the part that an hour takes off. If a response is in flight, it
// decides.
func TestAShareOfAnHour(t *testing.T) {
	d := newTestAccount(Options{Share: 0.5})
	d.hears(60, 30*time.Minute)
	d.sends(1)
	d.fraction = 100
	d.now = d.now.Add(30*time.Minute + spread)
	d.inFlight, d.left = 0, 0
	d.mirror(d.now)
	v, until := d.asks(Interactive)
	// All but 49 are taken off after 51 hundredths of an hour.
	if want := time.Hour*51/100 - 30*time.Minute - spread; v.pass || v.look.Sub(d.now).Round(time.Millisecond) != want || !until.Equal(v.look) {
		t.Errorf("look again in %v, want %v", v.look.Sub(d.now), want)
	}
	if later := d.account; !later.gate(Interactive, v.look).pass || later.gate(Interactive, v.look.Add(-time.Second)).pass {
		t.Error("a request does not pass then, or passes sooner")
	}
	d.inFlight = 1
	if v, until := d.asks(Interactive); v.pass || !until.Equal(d.now) {
		t.Errorf("with a response in flight: %+v, expect it in %v", v, until.Sub(d.now))
	}
	d.inFlight = 0
	d.hears(99, 30*time.Minute)
	if d.fraction < 49 || d.fraction > 52 {
		t.Errorf("%v of 100 count on after half an hour", d.fraction)
	}
}

// A request may begin a new window when an hour has taken off so much of what was spent
// that the share has one left.
func TestWhenAShareBeginsAnew(t *testing.T) {
	for spent, want := range map[float64]time.Duration{0: 0, 49: 0, 50: time.Hour / 50, 100: time.Hour * 51 / 100} {
		d := newTestAccount(Options{Share: 0.5})
		d.hears(99, time.Hour)
		d.fraction, d.counting = spent, d.now
		at := d.shareOpens()
		if at.IsZero() != (want == 0) || want > 0 && (at.Sub(d.now)-want).Abs() > time.Microsecond {
			t.Errorf("%v are spent: in %v, want %v", spent, at.Sub(d.now), want)
		}
		if want > 0 && d.share()-d.fraction*d.countedStill(at) < 1 {
			t.Errorf("%v are spent: %v count then", spent, d.fraction*d.countedStill(at))
		}
	}
}

// A reset that stays an hour ahead, further than that of a server that refills
// continuously, is that of all requests. What was spent first is restored first.
func TestAResetOfAll(t *testing.T) {
	for name, tt := range map[string]struct {
		first     time.Duration // the first reset
		remaining int
		reset     time.Duration
		after     time.Duration
		want      string
	}{
		"of all":                         {time.Hour, 400, time.Hour, 4 * time.Minute, "rolling"},
		"of all, nearly all is spent":    {time.Hour, 3, time.Hour, 4 * time.Minute, "rolling"},
		"of all, or where 500 refill":    {time.Hour, 0, time.Hour, 4 * time.Minute, "fixed"},
		"where 500 refill":               {50 * time.Minute, 50, 54*time.Minute + 12*time.Second, 4 * time.Minute, "fixed"},
		"where requests refill slowly":   {20 * time.Minute, 400, 40 * time.Minute, 4 * time.Minute, "fixed"},
		"too soon to see any refill":     {time.Hour, 400, time.Hour, 40 * time.Second, "fixed"},
		"of a window":                    {time.Hour, 400, 56 * time.Minute, 4 * time.Minute, "fixed"},
		"of a window, two seconds later": {time.Hour, 400, 56*time.Minute + 2100*time.Millisecond, 4 * time.Minute, "fixed"},
	} {
		d := newTestAccount(Options{})
		d.quota = 500
		start := d.now
		d.hears(499, tt.first)
		d.now = d.now.Add(tt.after)
		d.sends(499 - tt.remaining - 1)
		d.inFlight = 0
		d.hears(tt.remaining, tt.reset)
		if got := kind(d.belief); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
		if restored := start.Add(time.Hour + logMargin + d.jitter); tt.want == "rolling" && !d.opens.Equal(restored) {
			t.Errorf("%s: restored in %v, want %v", name, d.opens.Sub(d.now), restored.Sub(d.now))
		}
	}
}

// If the reset is that of all requests, the reserve is a part of what is restored
// next, and the spending of others is measured.
func TestTheTurnsOfAResetOfAll(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(50, time.Hour)
	since := d.now
	d.belief = rolling{since: since, all: true}
	d.now = d.now.Add(10 * time.Minute)
	d.hears(19, time.Hour)
	if r := d.belief.(rolling); !r.since.Equal(since) || d.others == 0 {
		t.Errorf("within the window: since %v, %v others", r.since.Sub(since), d.others)
	}
	d.now = d.opens.Add(time.Second)
	d.hears(95, time.Hour)
	if r, ok := d.belief.(rolling); !ok || !r.all || !r.since.Equal(d.now) {
		t.Errorf("after an hour: %#v", d.belief)
	}
	d.now = d.opens.Add(time.Second)
	d.belief = rolling{since: d.now.Add(-time.Minute), all: true}
	d.hears(96, time.Hour)
	if r, ok := d.belief.(rolling); !ok || !r.all || r.since.Equal(d.now) {
		t.Errorf("nearly all is restored: %#v", d.belief)
	}
}

// A response that is older than the newest shows what others spent, not that a
// window slides.
func TestAnOlderResponseShowsNoSlidingWindow(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(99, time.Hour)
	old := d.sends(1)[0]
	d.hears(30, time.Hour)
	d.now = d.now.Add(time.Second)
	d.settle(old, false, d.reading(31, time.Hour+3*time.Second), d.now)
	if got := kind(d.belief); got != "fixed" {
		t.Error(got)
	}
}

// As many interactive callers as requests are left pass at once. The others wait until
// more are restored, each for one more.
func TestTheLineOfARollingWindow(t *testing.T) {
	d := rollingAccount(Options{})
	d.hears(3, time.Minute)
	v, _ := d.asks(Interactive)
	for ahead := range 3 {
		if until := d.estimate(v, ahead, d.now); !until.Equal(d.now) {
			t.Errorf("3 left, %d ahead: expect it in %v", ahead, until.Sub(d.now))
		}
	}
	before := d.opens.Add(-1)
	for ahead := 3; ahead < 10; ahead++ {
		until := d.estimate(v, ahead, d.now)
		if !until.After(before) || until.Sub(d.now) > time.Duration(ahead+2)*time.Minute {
			t.Errorf("3 left, %d ahead: expect it in %v, and the one before in %v", ahead, until.Sub(d.now), before.Sub(d.now))
		}
		before = until.Add(-1)
	}
}

// Requests of an hour ago may still count for a moment, because they took time to reach
// the server: they are restored soon, not an hour after a response that counts them.
func TestRequestsOfAnHourAgoAreRestoredSoon(t *testing.T) {
	d := newTestAccount(Options{})
	d.quota = 11
	for left := 10; left > 0; left-- {
		d.hears(left, time.Hour)
	}
	d.belief = rolling{since: d.now}
	d.now = d.now.Add(time.Hour + time.Second)
	d.hears(0, time.Minute)
	if in := d.enough(Interactive, 0, d.now).Sub(d.now); in <= 0 || in > logMargin+spread {
		t.Errorf("restored in %v", in)
	}
}

// Within a window, many that are left do not show a fixed window.
func TestARollingWindowIsJudgedAtItsResets(t *testing.T) {
	d := rollingAccount(Options{Share: 0.5})
	d.ownLevel(d.now)
	d.hears(95, d.reset.Sub(d.now))
	if kind(d.belief) != "rolling" || d.own == nil {
		t.Errorf("%#v, own %v", d.belief, d.own)
	}
}

// Bulk that may not spend what is left waits for the next requests to be restored. Its
// estimate is when it will be sent.
func TestTheEstimateOfBulkInARollingWindow(t *testing.T) {
	for since, left := range map[time.Duration]int{35*time.Minute + 54*time.Second: 4, 30 * time.Minute: 3, time.Minute: 1} {
		d := rollingAccount(Options{Reserve: 0.1})
		d.hears(left, time.Minute)
		d.demand = demand{last: d.now}
		d.belief = rolling{since: d.now.Add(-since)}
		v, until := d.asks(Bulk)
		if v.pass || v.look.Before(d.opens) || !until.Equal(v.look) {
			t.Errorf("%d left, %v: look again in %v, expect it in %v", left, since, v.look.Sub(d.now), until.Sub(d.now))
		}
		d.now = v.look
		if v, until := d.asks(Bulk); !v.pass || !until.Equal(d.now) {
			t.Errorf("%d left, %v: %+v then, expect it in %v", left, since, v, until.Sub(d.now))
		}
	}
}

// If more wait than a window has requests, the last of them are sent in later ones.
func TestALineLongerThanARollingWindow(t *testing.T) {
	d := rollingAccount(Options{})
	for ahead, want := range map[int]time.Duration{100: 2, 199: 2, 200: 3} {
		if in := d.enough(Interactive, ahead, d.now).Sub(d.now); in != want*time.Hour {
			t.Errorf("%d ahead: in %v, want %d hours", ahead, in, want)
		}
	}
}

// Where the reset is that of all requests: what shows it, to the request and second.
func TestTheSignsOfAResetOfAll(t *testing.T) {
	for name, tt := range map[string]struct {
		first, after time.Duration // the first reset; the time to the second response
		remaining    int
		reset        time.Duration
		want         string
	}{
		"six could have been restored":            {hour, 6 * time.Second, 3590, hour, "rolling"},
		"hardly six":                              {hour, 6*time.Second - 1, 3590, hour, "fixed"},
		"it is nearly an hour ahead":              {54 * time.Minute, time.Minute, 3590, 54 * time.Minute, "fixed"},
		"it is a bit further ahead":               {54 * time.Minute, time.Minute, 3590, 54*time.Minute + 1, "rolling"},
		"it is as far as if they refill":          {hour, 6 * time.Second, 6, hour, "fixed"},
		"it is further than if they refill":       {hour, 6 * time.Second, 7, hour, "rolling"},
		"it has moved by nine tenths of the time": {hour, 10 * time.Second, 3580, hour - time.Second, "fixed"},
		"it has moved by a bit more of the time":  {hour, 10 * time.Second, 3580, hour - time.Second + 1, "rolling"},
	} {
		d := newTestAccount(Options{})
		d.quota = 3600 // one a second
		d.hears(3599, tt.first)
		d.now = d.now.Add(tt.after)
		d.hears(tt.remaining, tt.reset)
		if got := kind(d.belief); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// A request uses up one of the share, and one that was not sent none.
func TestARequestTakesOneOfTheShare(t *testing.T) {
	d := refillingAccount(Options{Share: 0.5}, 90)
	before := d.shareLeft(d.now)
	d.own = nil // as when the belief is new
	p := d.sends(1)[0]
	if left := d.shareLeft(d.now); left != before-1 {
		t.Errorf("%v of %v left", left, before)
	}
	d.cancel(p, false, d.now)
	if left := d.shareLeft(d.now); left != before {
		t.Errorf("%v of %v left of what was not sent", left, before)
	}
}

// What was restored at one pace stays restored when the pace changes.
func TestALevelKeepsWhatWasRestored(t *testing.T) {
	l := level{most: 10, pace: 1, at: noon}
	l.setPace(2, noon.Add(3*time.Second))
	if got := l.tokens(noon.Add(4 * time.Second)); got != 5 {
		t.Errorf("%v", got)
	}
}
