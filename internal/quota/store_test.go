package quota

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// counter is a store that only counts the permits that are left.
type counter struct {
	mu     sync.Mutex
	left   int
	again  time.Duration
	opens  time.Duration
	reset  time.Time // used instead of opens if set
	delay  time.Duration
	err    error
	panics bool
	deaf   bool // ignores the context
	hints  StoreReply
	taken  map[string]int
	asks   []StoreAsk
}

func (c *counter) Exchange(ctx context.Context, ask StoreAsk) (StoreReply, error) {
	c.mu.Lock()
	delay, deaf, err, panics := c.delay, c.deaf, c.err, c.panics
	c.asks = append(c.asks, ask)
	c.mu.Unlock()
	if deaf {
		ctx = context.WithoutCancel(ctx)
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return StoreReply{}, ctx.Err()
		}
	}
	switch {
	case panics:
		panic("out of order")
	case err != nil:
		return StoreReply{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// What a process holds, or held and spent, is not available to others.
	if c.taken == nil {
		c.taken = map[string]int{}
	}
	taken := ask.Held + int(ask.Served+ask.Lost+ask.Refused)
	c.left += c.taken[ask.Process] - taken
	a := StoreReply{AskAgain: c.again, Opens: c.opens, Turn: int64(len(c.asks)), Probing: c.hints.Probing, Mixed: c.hints.Mixed}
	if !c.reset.IsZero() {
		a.Opens = max(time.Until(c.reset), 0)
	}
	a.Interactive = min(ask.Interactive, max(c.left, 0))
	a.Bulk = min(ask.Bulk, max(c.left-a.Interactive, 0))
	c.left -= a.Interactive + a.Bulk
	c.taken[ask.Process] = taken + a.Interactive + a.Bulk
	return a, nil
}

// set changes the store while it is in use.
func (c *counter) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// seen returns what is left, and the asks so far.
func (c *counter) seen() (int, []StoreAsk) {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left, c.asks
}

// with returns callers of a ledger with a store.
func with(t *testing.T, c *counter) *callers {
	o := usual
	o.Store = c
	return &callers{Ledger: New(o), t: t, permits: map[string]Permit{}, errs: map[string]error{}}
}

// The store decides who may send, and gets a report of the outcome.
func TestAStoreDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 2, again: time.Second, opens: time.Hour}
		d := with(t, c)
		d.come(t.Context(), "a", Interactive, time.Minute)
		d.come(t.Context(), "b", Interactive, time.Minute)
		if got := d.passed(); got != "a b" {
			t.Fatalf("passed: %s", got)
		}
		start := time.Now()
		d.come(t.Context(), "c", Interactive, time.Minute)
		if until := d.failedUntil("c"); until.Sub(start) != time.Hour {
			t.Errorf("failed until %v from now", until.Sub(start))
		}
		// The ledger's own account would grant many.
		d.respond("a", false, headers(100, 98, time.Hour))
		d.respond("b", false, headers(100, 97, time.Hour))
		<-time.After(reportDelay + 1)
		_, asks := c.seen()
		last := asks[len(asks)-1]
		if last.Served != 2 || last.Held != 0 || last.Calls != 3 || last.Limit != 100 || last.Remaining != 97 || last.Sent != 1 && last.Sent != 2 {
			t.Errorf("reported %+v", last)
		}
		if n := len(asks); n > 5 {
			t.Errorf("%d exchanges for three calls", n)
		}
		<-time.After(time.Hour)
		if _, asks := c.seen(); len(asks) > 5 {
			n := len(asks)
			t.Errorf("%d exchanges though nobody wants anything", n)
		}
	})
}

// Bulk permits are granted in batches. Those that are not used are returned.
func TestLeasesAreSpentAndReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 100, again: time.Second}
		d := with(t, c)
		r := headers(1000, 500, time.Hour)
		for range 20 {
			p, waited, err := d.Acquire(t.Context(), Ask{Class: Bulk, Budget: 0, Notify: quiet})
			if err != nil || waited != 0 {
				t.Fatal(err, waited)
			}
			d.Settle(p, false, r, time.Now())
		}
		if _, asks := c.seen(); len(asks) != 1 {
			t.Errorf("%d exchanges for twenty calls", len(asks))
		}
		d.come(t.Context(), "an interactive caller", Interactive, 0)
		if _, asks := c.seen(); d.passed() == "" || len(asks) != 1 {
			t.Errorf("passed %q after %d exchanges", d.passed(), len(asks))
		}
		d.respond("an interactive caller", false, r)
		<-time.After(3*reportDelay + 1)
		if left, _ := c.seen(); left != 100-21 {
			t.Errorf("%d left of 100 after 21 requests", left)
		}
	})
}

// Permits in use are reported from time to time, otherwise the store would assume
// that the process has ended and count them as spent.
func TestALongCallShowsThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 10, again: time.Second}
		d := with(t, c)
		d.come(t.Context(), "a", Interactive, time.Minute)
		<-time.After(time.Minute)
		_, asks := c.seen()
		if n := len(asks); n < 28 || n > 32 || asks[n-1].Held != 1 {
			t.Errorf("%d exchanges in a minute, the last %+v", n, asks[n-1])
		}
		d.respond("a", false, headers(10, 9, time.Hour))
	})
}

// Others may use what was asked for by callers that gave up, so that is reported
// soon.
func TestWhoGivesUpWantsNothingOfAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{again: time.Minute}
		d := with(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		d.come(ctx, "a", Interactive, time.Hour)
		<-time.After(time.Second)
		if _, asks := c.seen(); asks[len(asks)-1].Interactive != 1 {
			t.Fatalf("asked for %+v", asks)
		}
		cancel()
		<-time.After(time.Second)
		_, asks := c.seen()
		if n := len(asks); asks[n-1].Interactive != 0 {
			t.Errorf("a second later the store knows of %d who wait", asks[n-1].Interactive)
		}
		<-time.After(time.Minute)
		if _, later := c.seen(); len(later) != len(asks) {
			t.Errorf("%d more exchanges for nothing", len(later)-len(asks))
		}
	})
}

// A process that was suspended for long has no permits any more: the store assumes
// that it has ended. Perhaps only the wall clock continued.
func TestPermitsDoNotOutliveAStop(t *testing.T) {
	for name, clock := range map[string]func(time.Time) time.Time{
		"a process": func(last time.Time) time.Time { return last.Add(-time.Minute) },
		"a machine": func(last time.Time) time.Time { return last.Add(-time.Minute).Round(0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &counter{left: 40, again: time.Minute}
				d := with(t, c)
				d.come(t.Context(), "a", Bulk, time.Minute)
				if got := d.passed(); got != "a" {
					t.Fatalf("passed: %s", got)
				}
				d.mu.Lock()
				d.keeper.(*shared).heard = clock(d.keeper.(*shared).heard)
				d.mu.Unlock()
				c.set(func() { c.left = -32 }) // others have got what it had
				d.come(t.Context(), "b", Bulk, time.Minute)
				if got := d.passed(); got != "a" {
					t.Errorf("passed: %s", got)
				}
				if _, asks := c.seen(); asks[len(asks)-1].Held != 1 {
					t.Errorf("it says that it holds %d", asks[len(asks)-1].Held)
				}
				d.respond("a", false, headers(100, 9, time.Hour))
				c.set(func() { c.left = 10 })
				<-time.After(2 * time.Minute)
				d.respond("b", false, headers(100, 8, time.Hour))
			})
		})
	}
}

// The newest figures are reported: of the latest window, and the lowest of those
// that came together.
func TestTheNewestFiguresAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(usual)
		s := newShared(&counter{}, &a, nil, nil)
		now := time.Now()
		report := func() (int, time.Duration) {
			ask := s.ask(0, 0, true, now)
			return ask.Remaining, ask.Reset
		}
		for _, tt := range []struct {
			name      string
			turn      int64
			remaining int
			reset     time.Duration
			want      int
		}{
			{"the first", 1, 50, time.Hour, 50},
			{"of an earlier window", 2, 10, time.Minute, 50},
			{"fewer", 2, 41, time.Hour, 41},
			{"fewer, the reset is a bit earlier", 2, 40, time.Hour - tolerance, 40},
			{"fewer, the reset is earlier", 2, 3, time.Hour - 2*tolerance - 1, 40},
			{"more, asked for no later", 2, 45, time.Hour, 40},
			{"more, the reset is a bit later", 2, 45, time.Hour, 40},
			{"more, asked for later", 3, 60, time.Hour, 60}, // the server refills
			{"of a later window, by seconds", 1, 90, time.Hour + tolerance + 1, 90},
			{"of a later window", 1, 99, 2 * time.Hour, 99},
		} {
			s.note(Permit{turn: tt.turn}, true, false, headers(100, tt.remaining, tt.reset), now)
			if got, _ := report(); got != tt.want {
				t.Errorf("%s: %d reported, want %d", tt.name, got, tt.want)
			}
		}
		if s.note(Permit{turn: 0}, true, false, headers(100, 99, 2*time.Hour), now); s.report.Sent != 1 {
			t.Errorf("the same again, asked for earlier: reported as of turn %d", s.report.Sent)
		}
		s.note(Permit{turn: 4}, true, false, headers(100, 70, 2*time.Hour), now)
		s.note(Permit{turn: 5}, true, false, headers(100, 80, 2*time.Hour), now)
		if got, _ := report(); got != 70 {
			t.Errorf("of two that came together %d is reported", got)
		}
		s.note(Permit{turn: 6}, true, false, headers(50, 49, 2*time.Hour), now)
		if got, _ := report(); got != 49 {
			t.Errorf("with another plan %d is reported", got)
		}
		s.note(Permit{turn: 5}, true, false, headers(100, 99, 2*time.Hour), now)
		if got, _ := report(); got != 49 {
			t.Errorf("an older response, with the plan before: %d is reported", got)
		}
		s.note(Permit{turn: 6}, true, false, headers(500, 499, 2*time.Hour), now)
		if got, _ := report(); got != 499 {
			t.Errorf("with a larger plan %d is reported", got)
		}
		s.note(Permit{turn: 6}, true, false, headers(50, 49, 2*time.Hour), now)
		s.note(Permit{turn: 5}, true, false, Reading{Limit: 50, Remaining: 50}, now)
		if got, _ := report(); got != 49 {
			t.Errorf("an older response without a reset: %d is reported", got)
		}
		s.note(Permit{turn: 5}, true, false, Reading{Limit: 50, Remaining: 48}, now)
		if got, reset := report(); got != 48 || reset != 0 {
			t.Errorf("fewer, without a reset: %d is reported, a reset in %v", got, reset)
		}
		s.note(Permit{turn: 5}, true, false, headers(50, 49, 2*time.Hour), now)
		if got, _ := report(); got != 48 {
			t.Errorf("an older response, after one without a reset: %d is reported", got)
		}
		s.note(Permit{turn: 7}, true, true, Reading{Limit: 50, Remaining: 0, RetryAfter: now.Add(time.Minute)}, now)
		if ask := s.ask(0, 0, true, now.Add(time.Second)); ask.Refused != 1 || ask.RetryAfter != 59*time.Second || ask.RefusedSent != 7 || ask.Age != time.Second {
			t.Errorf("a 429 is reported as %+v", ask)
		}
	})
}

// A 429 revokes granted permits: the quota does not cover them.
func TestARefusalEndsLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 50, again: time.Second}
		d := with(t, c)
		d.come(t.Context(), "a", Bulk, time.Minute)
		d.respond("a", true, Reading{Limit: 100, Remaining: 0, RetryAfter: time.Now().Add(time.Minute)})
		c.set(func() { c.left = -50 })
		d.come(t.Context(), "b", Bulk, Forever)
		if got := d.passed(); got != "a" {
			t.Errorf("passed: %s", got)
		}
		c.set(func() { c.left = 1 })
		<-time.After(59 * time.Second)
		if got := d.passed(); got != "a" {
			t.Errorf("passed before the time that the 429 named: %s", got)
		}
		<-time.After(3 * time.Second)
		if got := d.passed(); got != "a b" {
			t.Errorf("passed: %s", got)
		}
	})
}

// A caller that gives up, before or after the store has granted a permit, holds
// nothing.
func TestWhoGivesUpHoldsNothingOfAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 10, again: time.Second, delay: 50 * time.Millisecond}
		d := with(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		d.come(ctx, "a", Interactive, Forever)
		cancel()
		synctest.Wait()
		if d.err("a") == nil {
			t.Fatal("no error")
		}
		<-time.After(time.Second)
		if left, _ := c.seen(); left != 10 {
			t.Errorf("%d left of 10", left)
		}
		p, _, err := d.Acquire(t.Context(), Ask{Budget: 0, Notify: quiet})
		if err != nil {
			t.Fatal(err)
		}
		d.Cancel(p, false)
		<-time.After(time.Second)
		if left, _ := c.seen(); left != 10 {
			t.Errorf("%d left of 10 after a request that was not sent", left)
		}
	})
}

// A process that may not send more for its own reasons asks for no more, and leaves
// to others what it cannot use.
func TestAStoreIsNotAskedForWhatCannotBeSent(t *testing.T) {
	for name, o := range map[string]Options{
		"a ceiling": {Reserve: DefaultReserve, PerSecond: 0.01},
		"a share":   {Reserve: DefaultReserve, Share: 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &counter{left: 1000, again: time.Second}
				o.Store = c
				d := &callers{Ledger: New(o), t: t, permits: map[string]Permit{}, errs: map[string]error{}}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				d.come(ctx, "a", Bulk, Forever)
				d.respond("a", false, headers(100, 99, time.Hour))
				d.come(ctx, "b", Bulk, Forever)
				<-time.After(80 * time.Second)
				left, asks := c.seen()
				if d.passed() != "a" || left < 990 || len(asks) > 30 {
					t.Errorf("passed: %s; %d of 1,000 left, after %d exchanges", d.passed(), left, len(asks))
				}
				<-time.After(time.Hour)
				if d.passed() != "a b" {
					t.Errorf("passed: %s", d.passed())
				}
				d.respond("b", false, headers(100, 98, time.Hour))
			})
		})
	}
}

// Calls fail at once when the share is spent, as they do without a store.
func TestASpentShareRefusesWithAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := usual
		o.Share, o.Store = 0.01, &counter{left: 1000, again: time.Second}
		l := New(o)
		learn(t, l, headers(100, 99, time.Hour))
		_, waited, err := l.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet})
		late, ok := errors.AsType[*WaitError](err)
		if !ok || waited != 0 || time.Until(late.Until) < 59*time.Minute {
			t.Errorf("%v after %v", err, waited)
		}
		<-time.After(time.Second)
	})
}

// Consecutive bulk calls, as of an iteration, keep their permits in between.
func TestAWalkKeepsItsPermits(t *testing.T) {
	for name, o := range map[string]Options{"as fast as it goes": usual, "with a ceiling": {Reserve: DefaultReserve, PerSecond: 5}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &counter{left: 1000, again: time.Second}
				o.Store = c
				l := New(o)
				for i := range 100 {
					p, _, err := l.Acquire(t.Context(), Ask{Class: Bulk, Budget: time.Minute, Notify: quiet})
					if err != nil {
						t.Fatal(err)
					}
					<-time.After(100 * time.Millisecond)
					l.Settle(p, false, headers(1000, 999-i, time.Hour), time.Now())
				}
				<-time.After(time.Second)
				if left, asks := c.seen(); left != 900 || len(asks) > 150 {
					t.Errorf("%d of 1,000 left, %d exchanges for 100 calls", left, len(asks))
				}
			})
		})
	}
}

// A waiter is notified of the end of its wait as soon as the store has reported it.
func TestALongWaitForAStoreIsTold(t *testing.T) {
	for _, budget := range []time.Duration{time.Hour, Forever} {
		synctest.Test(t, func(t *testing.T) {
			c := &counter{again: 5 * time.Second, reset: time.Now().Add(50 * time.Minute), delay: 10 * time.Millisecond}
			d := with(t, c)
			time.AfterFunc(50*time.Minute, func() { c.set(func() { c.left = 5 }) })
			start := time.Now()
			var notified []time.Duration
			p, waited, err := d.Acquire(t.Context(), Ask{Budget: budget, Notify: func(w Wait) {
				if time.Until(w.Until) > time.Second {
					notified = append(notified, w.Until.Sub(start).Round(time.Minute))
				}
			}})
			if err != nil || waited < 50*time.Minute || waited > 51*time.Minute || len(notified) != 1 || notified[0] != 50*time.Minute {
				t.Errorf("%v after %v, notified %v", err, waited, notified)
			}
			d.Cancel(p, false)
			<-time.After(time.Second)
		})
	}
}

// Lost requests are reported separately from responses without figures: only the
// latter show how the server behaves.
func TestWhatGotLostIsToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 10, again: time.Second}
		d := with(t, c)
		for _, name := range []string{"a", "b", "c"} {
			d.come(t.Context(), name, Interactive, time.Minute)
		}
		d.Cancel(d.permit("a"), true)
		d.Cancel(d.permit("b"), false)
		d.respond("c", false, Reading{Limit: -1, Remaining: -1})
		<-time.After(time.Second)
		if _, asks := c.seen(); asks[len(asks)-1].Lost != 2 || asks[len(asks)-1].Silent != 1 || asks[len(asks)-1].Held != 0 {
			t.Errorf("reported %+v", asks[len(asks)-1])
		}
	})
}

// An idle process has reported before its call returns, but waits no longer than
// for any exchange. A process that is not idle makes no additional exchange.
func TestAnIdleProcessReportsBeforeItReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 10, again: time.Second, delay: 10 * time.Millisecond}
		d := with(t, c)
		d.come(t.Context(), "a", Interactive, time.Minute)
		d.come(t.Context(), "b", Interactive, time.Minute)
		<-time.After(100 * time.Millisecond)
		d.respond("a", false, headers(100, 99, time.Hour))
		_, asks := c.seen()
		n := len(asks) // the report that is due anyway has begun
		start := time.Now()
		d.Report(nil)
		if _, asks = c.seen(); len(asks) != n || time.Since(start) != 0 {
			t.Errorf("a process that is not idle made %d exchanges more, or waited %v", len(asks)-n, time.Since(start))
		}
		d.respond("b", false, headers(100, 98, time.Hour))
		start = time.Now()
		d.Report(nil)
		_, asks = c.seen()
		if last := asks[len(asks)-1]; last.Served != 2 || last.Held != 0 || time.Since(start) > storeTimeout {
			t.Errorf("after %v reported %+v", time.Since(start), last)
		}
		d.come(t.Context(), "c", Interactive, time.Minute)
		<-time.After(100 * time.Millisecond)
		c.set(func() { c.delay = time.Minute })
		d.respond("c", false, headers(100, 97, time.Hour))
		start = time.Now()
		if d.Report(nil); time.Since(start) != storeTimeout {
			t.Errorf("waited %v for a store that hangs", time.Since(start))
		}
		synctest.Wait()
		start = time.Now()
		if d.Report(nil); time.Since(start) != 0 {
			t.Errorf("waited %v for a store that is known to hang", time.Since(start))
		}
		<-time.After(time.Minute)
	})
}

// A process whose first exchange is late, as its connection is new, reports
// nevertheless before its call returns: otherwise permits granted in the meantime
// would be withheld from others.
func TestTheFirstExchangeMayBeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 10, delay: storeTimeout + 10*time.Millisecond}
		d := with(t, c)
		p, waited, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet})
		if err != nil || waited != storeTimeout {
			t.Fatalf("%v after %v", err, waited)
		}
		d.Settle(p, false, headers(100, 99, time.Hour), time.Now())
		c.set(func() { c.delay = 0 })
		start := time.Now()
		d.Report(nil)
		if left, asks := c.seen(); left != 9 || len(asks) != 2 || time.Since(start) > storeTimeout {
			t.Errorf("%d left of 10 after %d exchanges, %v later", left, len(asks), time.Since(start))
		}
	})
}

// An isolated interactive call costs two exchanges. In a burst of bulk calls, with
// one in flight at any time, one exchange brings permits for 32.
func TestExchangesPerCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 1000, delay: time.Millisecond}
		d := with(t, c)
		call := func(class Class) {
			p, _, err := d.Acquire(t.Context(), Ask{Class: class, Budget: time.Minute, Notify: quiet})
			if err != nil {
				t.Error(err)
				return
			}
			<-time.After(50 * time.Millisecond)
			d.Settle(p, false, headers(1000, 900, time.Hour), time.Now())
			d.Report(nil)
		}
		for range 10 {
			call(Interactive)
			<-time.After(time.Minute)
		}
		_, asks := c.seen()
		if n := len(asks); n != 20 {
			t.Errorf("%d exchanges for ten isolated calls", n)
		}
		before := len(asks)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				<-time.After(time.Duration(i) * time.Millisecond)
				for range 50 {
					call(Bulk)
				}
			})
		}
		all.Wait()
		_, asks = c.seen()
		if n := len(asks) - before; n > 400/4 {
			t.Errorf("%d exchanges for 400 bulk calls", n)
		} else {
			t.Logf("%d exchanges for 400 bulk calls", n)
		}
	})
}

// The age of permits is counted from the beginning of the exchange that brought
// them, as the store may have heard nothing since.
func TestPermitsAgeFromTheAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(usual)
		s := newShared(&counter{}, &a, nil, nil)
		began := time.Now()
		for late, want := range map[time.Duration]int{0: 1, 1: 0} {
			s.apply(StoreAsk{Interactive: 1}, StoreReply{Interactive: 1}, began, began.Add(3*time.Second))
			s.news = false
			if s.refresh(began.Add(leaseTTL + late)); s.leases[Interactive] != want || s.news != (want == 0) {
				t.Errorf("%d permits after %v, news %v", s.leases[Interactive], leaseTTL+late, s.news)
			}
			s.leases = [2]int{}
		}
	})
}
