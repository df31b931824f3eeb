package quota

import (
	"math"
	"testing"
	"time"
)

// idleAccount is half an hour into a window of which nothing is spent.
func idleAccount(reserve float64) *testAccount {
	d := newTestAccount(Options{Reserve: reserve})
	d.quota = 1000
	d.hears(999, time.Hour)
	d.now = d.now.Add(30 * time.Minute)
	return d
}

// DefaultReserve is the value of the option that means the default.
const DefaultReserve = 0

// The default reserve disappears within a quarter of an hour without interactive
// calls, in later windows, too. A reserve that was set, or that one call has used,
// shrinks with the time to the reset and no faster.
func TestTheDefaultReserveIsForgottenWithoutCalls(t *testing.T) {
	for _, tt := range []struct {
		reserve float64
		seen    bool
		after   time.Duration
		want    float64
	}{
		{DefaultReserve, false, 0, 500},
		{DefaultReserve, false, 2 * time.Minute, 500 * 58 / 60 / math.E},
		{DefaultReserve, false, 15 * time.Minute, 0},
		{DefaultReserve, false, time.Hour, 0},
		{DefaultReserve, true, 15 * time.Minute, 375},
		{DefaultReserve, true, 24 * time.Hour, 500},
		{0.05, false, 15 * time.Minute, 375},
		{0.05, false, 24 * time.Hour, 500},
	} {
		d := newTestAccount(Options{Reserve: tt.reserve})
		d.quota = 10000
		if d.hears(9999, time.Hour); tt.seen {
			d.demand.last = d.now
		}
		d.now = d.now.Add(tt.after)
		if tt.after >= time.Hour {
			d.hears(9999, time.Hour)
		}
		if got := d.reserved(d.now); math.Abs(got-tt.want) > 1 {
			t.Errorf("%+v: bulk leaves %v", tt, got)
		}
	}
}

// Demand is the average of the last ten minutes or of the last hour, whichever is
// larger.
func TestDemandIsRememberedForLongAndShort(t *testing.T) {
	for name, tt := range map[string]struct {
		calls      int
		every, ago time.Duration
		from, to   float64 // per hour
	}{
		"steady":             {600, time.Minute, 0, 55, 66},
		"twenty minutes ago": {600, time.Minute, 20 * time.Minute, 40, 47}, // the short average has decayed to 8
		"a burst, just now":  {120, time.Second, 0, 600, 700},              // the long average is 118
	} {
		var d demand
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for range tt.calls {
			now = now.Add(tt.every)
			d.arrive(now)
		}
		if got := d.rate(now.Add(tt.ago)) * 3600; got < tt.from || got > tt.to {
			t.Errorf("%s: %.0f an hour, want %v to %v", name, got, tt.from, tt.to)
		}
	}
}

// Bulk leaves one and a half times the demand of interactive callers, what others
// are expected to spend, one request for each other process, and never more than 60
// % in all.
func TestWhatTheReserveIsMadeOf(t *testing.T) {
	for name, tt := range map[string]struct {
		set  func(d *testAccount)
		want float64
	}{
		"demand":            {func(d *testAccount) { d.demand = demand{lately: 0.1, last: d.now} }, 1.5 * 0.1 * 1800},
		"others":            {func(d *testAccount) { d.others = 0.1 }, 0.1*1800 + 5},
		"many others":       {func(d *testAccount) { d.others = 10 }, 400 + 5},
		"three processes":   {func(d *testAccount) { d.part = 0.25 }, 3*0.5 + 5},
		"countless":         {func(d *testAccount) { d.part = 1e-6 }, 100*0.5 + 5},
		"more than all":     {func(d *testAccount) { d.others, d.demand = 10, demand{lately: 1, last: d.now} }, 600},
		"refilling":         {func(d *testAccount) { d.belief = refilling{0.1} }, 10},
		"refilling, little": {func(d *testAccount) { d.belief, d.limit = refilling{0.1}, 20 }, 1},
		"rolling":           {func(d *testAccount) { d.belief = rolling{since: d.now.Add(-time.Hour)} }, 10},
		"rolling, begun":    {func(d *testAccount) { d.belief = rolling{since: d.now} }, 10},
	} {
		d := idleAccount(0.01)
		d.demand.last = d.now
		tt.set(d)
		if got := d.reserved(d.now); math.Abs(got-math.Floor(tt.want)) > 1 {
			t.Errorf("%s: bulk leaves %v, want %v", name, got, tt.want)
		}
	}
	d := idleAccount(0.2)
	d.demand.last = d.now
	for turned, want := range map[time.Duration]float64{0: 200, 30 * time.Minute: 100, time.Hour: 40} {
		d.belief = rolling{since: d.now.Add(-turned)}
		if got := d.reserved(d.now); got != want {
			t.Errorf("%v after requests began to be restored bulk leaves %v, want %v", turned, got, want)
		}
	}
	d.belief = refilling{0.1}
	if got := d.reserved(d.now); got != 40 {
		t.Errorf("refilling: bulk leaves %v, want a fifth of 200", got)
	}
	if d.limit = 4; d.reserved(d.now) != 1 {
		t.Errorf("refilling, a limit of 4: bulk leaves %v, want one", d.reserved(d.now))
	}
	if d.limit = 1; d.reserved(d.now) != 0 {
		t.Error("refilling, a limit of 1: nothing is left to bulk")
	}
}
