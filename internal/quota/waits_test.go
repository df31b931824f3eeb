package quota

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A bulk request with others before it passes at the estimated time and not before.
func TestWhenTheReserveIsFreedIsFound(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	freed := 0
	for range 5000 {
		o := Options{Reserve: dice.Float64(), Share: []float64{0, 0.3, 0.35, 0.8}[dice.IntN(4)]}
		if dice.IntN(2) == 0 {
			o.Reserve = DefaultReserve
		}
		d := newTestAccount(o)
		d.quota = []int{10, 100, 500, 5000}[dice.IntN(4)]
		d.hears(d.quota-1, time.Hour)
		d.now = d.now.Add(time.Duration(dice.IntN(3500)) * time.Second)
		for range dice.IntN(20) {
			d.demand.arrive(d.now.Add(-time.Duration(dice.IntN(3600)) * time.Second))
		}
		d.hears(1+dice.IntN(d.quota-1), d.reset.Sub(d.now))
		d.others, d.part = 0, 1 // otherwise some would be left to others, too
		ahead := dice.IntN(6)
		v := d.gate(Bulk, d.now)
		until := d.estimate(v, ahead, d.now)
		if v.pass || !until.After(d.now) || !until.Before(d.reset) {
			continue
		}
		freed++
		at := d.account
		for range ahead {
			at.grant(Bulk, d.now)
		}
		if !at.gate(Bulk, until).pass || at.gate(Bulk, until.Add(-precision-time.Millisecond)).pass {
			t.Fatalf("%+v, limit %d, %d left, %d ahead, %v before the reset: freed in %v", o, d.limit, d.left, ahead, d.reset.Sub(d.now), until.Sub(d.now))
		}
	}
	if freed < 200 {
		t.Errorf("only %d cases", freed)
	}
}

// A reserve at its maximum is constant for a while: bulk that has used everything
// else waits until it begins to shrink, not for the reset.
func TestALevelReserveIsFreedWhenItShrinks(t *testing.T) {
	for _, tt := range []struct {
		share, reserve float64
		quota          int
		left           float64 // maxReserve of what this process may use
	}{
		{1, 0.7, 500, 300},
		{1, 0.9, 500, 300},
		{1, 1, 500, 300},
		{1. / 33, 1, 385, 7}, // less than the reserve by a rounding error
	} {
		d := newTestAccount(Options{Share: tt.share, Reserve: tt.reserve})
		d.quota = tt.quota
		d.hears(300, time.Hour)
		shrinks := time.Duration((1 - maxReserve/tt.reserve) * float64(time.Hour))
		if in := d.freed(tt.left, d.window(), d.now).Sub(d.now); in < shrinks || in > shrinks+time.Minute {
			t.Errorf("%+v: freed in %v, want soon after %v", tt, in, shrinks)
		}
		if part := d.freed(tt.left+0.9, d.window(), d.now); !part.Equal(d.freed(tt.left, d.window(), d.now)) {
			t.Errorf("%+v: with a part of one more freed in %v", tt, part.Sub(d.now))
		}
	}
	d := newTestAccount(Options{Reserve: 0.7})
	d.quota = 500
	d.hears(300, time.Hour)
	if until := d.estimate(d.gate(Bulk, d.now), 0, d.now); !until.Equal(d.freed(300, d.window(), d.now)) {
		t.Errorf("waits until %v from now", until.Sub(d.now))
	}
}

// Until the reset is less than a window ahead, none of the reserve is released;
// soon after that a part is.
func TestWhenTheReserveIsFreedBeforeItShrinks(t *testing.T) {
	d := newTestAccount(Options{Reserve: 0.1})
	d.quota = 100
	d.hears(10, hour+time.Second)
	v := d.gate(Bulk, d.now)
	if until := d.estimate(v, 0, d.now).Sub(d.now); v.pass || until < time.Second || until > time.Second+2*precision {
		t.Errorf("freed in %v", until)
	}
	d.hears(10, hour+5*time.Millisecond)
	if v := d.gate(Bulk, d.now); v.pass || v.look.Sub(d.now) != minLook {
		t.Errorf("freed almost at once, but %+v", v)
	}
	d.hears(10, hour)
	d.others = 0.5
	if v := d.gate(Bulk, d.now); v.pass || v.look.Sub(d.now) != maxLook {
		t.Errorf("others spend, but %+v", v)
	}
}

// If the newest response may have counted requests in flight, so that enough is left for
// bulk, their responses decide.
func TestResponsesInFlightDecideOnBulk(t *testing.T) {
	for left, decide := range map[int]bool{9: false, 10: false, 11: true, 15: true} {
		d := newTestAccount(Options{Reserve: 0.1})
		d.sends(5)
		d.hears(left, time.Hour) // ten are reserved
		d.part = 1
		d.demand = demand{last: d.now}
		v, until := d.asks(Bulk)
		if v.pass || until.Equal(d.now) != decide {
			t.Errorf("%d left: %+v, expect it in %v", left, v, until.Sub(d.now))
		}
	}
}

// If responses in flight may have been counted, the reset is not reported as the
// end of a wait before they have come.
func TestABurstOfBulkIsNotToldTheReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(usual)
		first := []Permit{l.Grant(), l.Grant(), l.Grant(), l.Grant()}
		var mu sync.Mutex
		reports, granted := 0, 0
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 14 {
			wg.Go(func() {
				_, _, err := l.Acquire(ctx, Ask{Class: Bulk, Budget: time.Minute, Notify: func(w Wait) {
					mu.Lock()
					defer mu.Unlock()
					if w.Until.After(time.Now().Add(time.Second)) {
						reports++
					}
				}})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					granted++
				} else if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		// The server has counted all four; the newest response comes first.
		for i := range first {
			l.Settle(first[3-i], false, headers(20, 16+i, time.Hour), time.Now())
			synctest.Wait()
		}
		mu.Lock()
		if granted != 14 || reports != 0 {
			t.Errorf("%d granted, %d reports", granted, reports)
		}
		mu.Unlock()
		cancel()
		wg.Wait()
	})
}

// watch makes a call that waits without a bound and returns what Notify was called
// with.
func watch(t *testing.T, l *Ledger, c Class) *[]Wait {
	var notified []Wait
	go l.Acquire(t.Context(), Ask{Class: c, Budget: Forever, Notify: func(w Wait) { notified = append(notified, w) }})
	synctest.Wait()
	return &notified
}

func TestAWaitIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(usual)
		learn(t, l, headers(100, 0, 10*time.Minute))
		for _, c := range []Class{Interactive, Bulk} {
			notified := watch(t, l, c)
			time.Sleep(time.Minute)
			watch(t, l, c) // a later caller changes nothing
			synctest.Wait()
			if len(*notified) != 1 || (*notified)[0].Reason != WaitQuota || (*notified)[0].Figures.Limit != 100 {
				t.Errorf("class %d: %+v", c, *notified)
			}
		}
	})
}

// A wait is reported again if its end moves by more than a tenth of the remaining
// wait and by more than two seconds, or is no longer near.
func TestAWaitIsReportedAgainWhenItsEndMoves(t *testing.T) {
	for _, tt := range []struct {
		first, then time.Duration
		reports     int
	}{
		{10 * time.Minute, 10*time.Minute + 50*time.Second, 1},
		{10 * time.Minute, 12 * time.Minute, 2},
		{10 * time.Minute, 5 * time.Minute, 1},
		{5 * time.Second, 6400 * time.Millisecond, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(usual)
			learn(t, l, headers(100, 50, time.Hour))
			p, another := l.Grant(), l.Grant()
			block := func(d time.Duration, p Permit) {
				l.Settle(p, true, Reading{Limit: 100, Remaining: 50, RetryAfter: time.Now().Add(d), Reset: time.Now().Add(time.Hour)}, time.Now())
			}
			block(tt.first, l.Grant())
			l.mu.Lock()
			l.account.blocked = time.Now().Add(tt.first)
			l.account.opens = l.account.blocked
			l.mu.Unlock()
			notified := watch(t, l, Interactive)
			block(tt.then, p)
			synctest.Wait()
			if len(*notified) != tt.reports || (*notified)[0].Reason != WaitRetryAfter {
				t.Errorf("%v, then %v: %+v", tt.first, tt.then, *notified)
			}
			block(tt.then+tt.then/15, another) // hardly later than reported
			synctest.Wait()
			if tt.reports == 2 && len(*notified) != 2 {
				t.Errorf("%v, then a bit more than %v: %+v", tt.first, tt.then, *notified)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		l := New(usual)
		first := []Permit{l.Grant(), l.Grant(), l.Grant(), l.Grant()}
		notified := watch(t, l, Interactive)
		if len(*notified) != 1 || (*notified)[0].Reason != WaitProbe || (*notified)[0].Until.After(time.Now()) {
			t.Errorf("at a cold start: %+v", *notified)
		}
		l.Settle(first[0], false, Reading{Limit: 4, Remaining: 0, Reset: time.Now().Add(3 * time.Second)}, time.Now())
		synctest.Wait()
		if len(*notified) != 2 || (*notified)[1].Reason != WaitQuota {
			t.Errorf("when the quota is known: %+v", *notified)
		}
	})
}

// A caller that never waits is sent unless something known forbids it, and is
// notified at once of what does.
func TestWhoNeverWaitsIsSentOrRefusedAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		o     Options
		class Class
		play  func(l *Ledger)
		sent  int // of ten calls
		why   Reason
		until time.Duration
	}{
		"nothing is known":       {usual, Interactive, func(*Ledger) {}, 10, "", 0},
		"a probe is in flight":   {usual, Bulk, func(l *Ledger) { settle(l, headers(100, 0, time.Minute)); time.Sleep(time.Minute + time.Second) }, 10, "", 0},
		"used up":                {usual, Interactive, func(l *Ledger) { settle(l, headers(100, 3, time.Hour)) }, 3, WaitQuota, time.Hour},
		"in flight, all of them": {usual, Interactive, func(l *Ledger) { settle(l, headers(100, 2, time.Hour)); l.Grant(); l.Grant() }, 0, WaitQuota, time.Hour},
		"a new window, all in flight": {usual, Interactive, func(l *Ledger) {
			settle(l, headers(4, 0, time.Minute))
			time.Sleep(time.Minute + time.Second)
		}, 4, WaitProbe, time.Second},
		"reserved": {usual, Bulk, func(l *Ledger) { settle(l, headers(100, 8, time.Hour)) }, 0, WaitReserve, 26 * time.Second},
		"after a 429": {usual, Interactive, func(l *Ledger) {
			l.Settle(l.Grant(), true, Reading{Limit: -1, Remaining: -1, RetryAfter: time.Now().Add(time.Minute)}, time.Now())
		}, 0, WaitRetryAfter, time.Minute},
		"client-side limit": {Options{PerSecond: 0.1}, Interactive, func(l *Ledger) { settle(l, headers(100, 99, time.Hour)) }, 1, WaitPace, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New(tt.o)
				if tt.o.PerSecond > 0 {
					defer time.Sleep(time.Minute)
				}
				tt.play(l)
				if tt.o.PerSecond > 0 {
					time.Sleep(time.Minute)
				}
				start, sent := time.Now(), 0
				for range 10 {
					_, waited, err := l.Acquire(t.Context(), Ask{Class: tt.class, Notify: func(w Wait) { t.Errorf("waits: %+v", w) }})
					if err == nil {
						sent++
					} else if r, ok := errors.AsType[*WaitError](err); !ok || r.Reason != tt.why || r.Until.Sub(start) < tt.until*8/10 || r.Until.Sub(start) > tt.until+spread+time.Second {
						t.Fatalf("%v, %+v", err, r)
					}
					if waited != 0 || time.Since(start) != 0 {
						t.Errorf("waited %v", waited)
					}
				}
				if f := l.Figures(); sent != tt.sent || f.Waiting != 0 {
					t.Errorf("%d sent, %+v", sent, f)
				}
			})
		})
	}
}

func settle(l *Ledger, r Reading) { l.Settle(l.Grant(), false, r, time.Now()) }

// Waited is called after each wait, however it ends, and a permit is not lost if it
// panics.
func TestTheEndOfAWaitIsReported(t *testing.T) {
	for name, tt := range map[string]struct {
		budget time.Duration
		end    func(l *Ledger, cancel func())
		took   time.Duration
	}{
		"granted":       {Forever, func(*Ledger, func()) {}, time.Minute},
		"canceled":      {Forever, func(_ *Ledger, cancel func()) { cancel() }, 10 * time.Second},
		"longer, after": {2 * time.Minute, func(l *Ledger, _ func()) { settle(l, headers(100, 0, time.Hour)) }, 10 * time.Second},
	} {
		for _, panics := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				l := New(usual)
				settle(l, headers(100, 0, time.Minute))
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(10*time.Second, func() { tt.end(l, cancel) })
				var waits []string
				func() {
					defer func() { recover() }()
					p, _, err := l.Acquire(ctx, Ask{Budget: tt.budget, Notify: quiet, Waited: func(w Wait, took time.Duration) {
						waits = append(waits, fmt.Sprint(w.Reason, took.Truncate(time.Second)))
						if panics {
							panic("hook")
						}
					}})
					if err == nil {
						l.Cancel(p, false)
					}
				}()
				if want := fmt.Sprint(WaitQuota, tt.took); len(waits) != 1 || waits[0] != want {
					t.Errorf("%s: %v, want %s", name, waits, want)
				}
				if f := l.Figures(); f.Waiting != 0 || f.InFlight != 0 {
					t.Errorf("%s, panic %v: %+v", name, panics, f)
				}
				cancel()
			})
		}
	}
}

// A caller that has given up holds no place and no permit while Waited runs.
func TestWhoGaveUpHoldsNothingInWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(usual)
		settle(l, headers(1, 0, time.Minute))
		ctx, cancel := context.WithCancel(t.Context())
		go l.Acquire(ctx, Ask{Budget: Forever, Notify: quiet, Waited: func(Wait, time.Duration) { time.Sleep(time.Hour) }})
		synctest.Wait()
		cancel()
		if _, took, err := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet}); err != nil || took > time.Minute+spread {
			t.Errorf("%v after %v", err, took)
		}
		time.Sleep(time.Hour)
	})
}

// After the reset the figures are those of a new window, minus the requests in
// flight.
func TestFiguresAfterTheReset(t *testing.T) {
	for name, tt := range map[string]struct {
		o      Options
		left   int
		belief belief
		length time.Duration // of a window
		after  time.Duration
		want   int
	}{
		"before":                     {usual, 4, nil, time.Hour, 59 * time.Minute, 3},
		"after":                      {usual, 4, nil, time.Hour, time.Hour, 99},
		"long after":                 {usual, 4, nil, time.Hour, 10 * time.Hour, 99},
		"a share":                    {Options{Share: 0.5}, 4, nil, time.Hour, 2 * time.Hour, 49},
		"requests come back by ones": {usual, 4, rolling{}, 2 * time.Hour, time.Hour, 3},
		"the first has come back":    {usual, 0, rolling{}, 2 * time.Hour, time.Hour, 1},
		"all, soon after a response": {usual, 4, fixedWindow{}, 2 * time.Hour, time.Hour, 99},
		"not yet all of them":        {usual, 4, rolling{}, 2 * time.Hour, 2*time.Hour - 1, 3},
		"all of them":                {usual, 4, rolling{}, 2 * time.Hour, 2 * time.Hour, 99},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(tt.o)
			settle(l, headers(100, tt.left, time.Hour))
			if tt.belief != nil {
				l.account.belief, l.account.length = tt.belief, tt.length
			}
			observed := time.Now()
			time.Sleep(tt.after)
			l.Grant()
			f := l.Figures()
			if f.Limit != 100 || f.Remaining != tt.want || f.Reset.IsZero() != (tt.after >= time.Hour) || !f.Observed.Equal(observed) || f.InFlight != 1 {
				t.Errorf("%s: %+v, want %d left", name, f, tt.want)
			}
		})
	}
}

// With a store, an exchange is not a wait: it decides on a caller that never waits,
// and is not reported.
func TestAnExchangeIsNoWait(t *testing.T) {
	for name, tt := range map[string]struct {
		store *counter
		why   Reason // in the error; empty if the call is sent
		took  time.Duration
		until time.Duration
	}{
		"grants":         {&counter{left: 5, again: time.Second, delay: 10 * time.Millisecond}, "", 10 * time.Millisecond, 0},
		"grants nothing": {&counter{again: time.Second, opens: time.Hour, delay: 10 * time.Millisecond}, WaitQuota, 10 * time.Millisecond, time.Hour},
		"has them soon":  {&counter{again: time.Second, delay: 10 * time.Millisecond}, WaitQuota, 10 * time.Millisecond, time.Second},
		"does not reply": {&counter{delay: time.Hour}, "", storeTimeout, 0},
	} {
		for _, c := range []Class{Interactive, Bulk} {
			synctest.Test(t, func(t *testing.T) {
				d := with(t, tt.store)
				start := time.Now()
				p, waited, err := d.Acquire(t.Context(), Ask{
					Class:  c,
					Notify: func(w Wait) { checkNoReason(t, name, w) },
					Waited: func(w Wait, took time.Duration) { t.Errorf("%s: waited %v for %+v", name, took, w) },
				})
				late, _ := errors.AsType[*WaitError](err)
				if (late == nil) != (tt.why == "") || late == nil && err != nil || waited != tt.took {
					t.Fatalf("%s, class %d: %v after %v", name, c, err, waited)
				}
				if until := tt.until; late != nil && (late.Reason != tt.why || late.Until.Sub(start) < until || late.Until.Sub(start) > until+2*time.Second) {
					t.Errorf("%s, class %d: %+v, in %v", name, c, late, late.Until.Sub(start))
				}
				if late == nil {
					d.Cancel(p, false)
				}
				time.Sleep(2 * storeRest)
			})
		}
	}
}

func checkNoReason(t *testing.T, name string, w Wait) {
	if w.Reason != "" {
		t.Errorf("%s: reported %+v", name, w)
	}
}
