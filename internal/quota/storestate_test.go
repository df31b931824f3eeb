package quota

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// alone returns the shared state of a ledger whose store grants nothing, and the time.
func alone(t *testing.T) (*shared, time.Time) {
	return with(t, &counter{}).shared, time.Now()
}

// What is asked for, and what is returned: permits of which none was used since the last
// exchange, if nobody waits for them. Bulk gets at least 32, minus those that it has.
func TestWhatIsAskedForAndReturned(t *testing.T) {
	for _, tt := range []struct {
		used              bool
		interactive, bulk int // waiting
		held              int // of two interactive and three bulk permits
		asks, asksBulk    int
	}{
		{false, 0, 0, 0, 0, 0},
		{true, 0, 0, 5, 0, 0},
		{false, 1, 0, 5, 0, 0},
		{false, 3, 0, 5, 1, 0},
		{false, 1, 1, 5, 0, bulkLease - 3},
		{false, 0, 1, 3, 0, bulkLease - 3},
		{true, 0, 1, 5, 0, bulkLease - 3},
		{true, 0, 40, 5, 0, 37},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, now := alone(t)
			s.leases, s.used, s.news = [2]int{2, 3}, tt.used, true
			ask := s.ask(tt.interactive, tt.bulk, true, now)
			if ask.Held != tt.held || ask.Interactive != tt.asks || ask.Bulk != tt.asksBulk {
				t.Errorf("%+v: holds %d and asks for %d and %d", tt, ask.Held, ask.Interactive, ask.Bulk)
			}
			if s.leases[Interactive]+s.leases[Bulk] != tt.held || !s.asking || s.used || s.news {
				t.Errorf("%+v: %+v", tt, s)
			}
		})
	}
}

// Permits that cannot be used soon are not asked for: none if no request may be sent, and
// those of a second if there is a client-side limit.
func TestNoMoreIsAskedForThanCanBeSent(t *testing.T) {
	for _, tt := range []struct {
		perSecond   float64
		open        bool
		interactive int // waiting; and as many in bulk
		want        [2]int
	}{
		{0, true, 9, [2]int{9, bulkLease}},
		{0, true, 90, [2]int{90, 90}},
		{0, false, 9, [2]int{}},
		{2.5, true, 9, [2]int{3, 3}},
		{2.5, true, 1, [2]int{1, 3}},
		{2.5, false, 9, [2]int{}},
		{0.5, true, 9, [2]int{1, 1}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Options{Store: &counter{}, PerSecond: tt.perSecond}).shared
			if ask := s.ask(tt.interactive, tt.interactive, tt.open, time.Now()); ask.Interactive != tt.want[Interactive] || ask.Bulk != tt.want[Bulk] {
				t.Errorf("%+v: %d and %d", tt, ask.Interactive, ask.Bulk)
			}
		})
	}
}

// An idle process reports that it holds nothing: the next call may come much later.
func TestAnIdleProcessHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 100}
		d := with(t, c)
		d.come(t.Context(), "a", Bulk, time.Minute)
		d.respond("a", false, headers(100, 99, time.Hour))
		d.Report(nil)
		if left, asks := c.seen(); left != 99 || len(asks) != 2 || asks[1].Held != 0 || asks[1].Interactive+asks[1].Bulk != 0 {
			t.Errorf("%d left, %+v", left, asks)
		}
	})
}

// A process that is about to end does not wait for a first exchange that hangs.
func TestAReportIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{delay: time.Minute}
		d := with(t, c)
		p, _, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet})
		if err != nil {
			t.Fatal(err)
		}
		d.Cancel(p, true)
		start := time.Now()
		if d.Report(nil); time.Since(start) != storeTimeout {
			t.Errorf("waited %v", time.Since(start))
		}
		time.Sleep(time.Minute)
	})
}

// Nothing is reported to a store that has just failed.
func TestAFailedStoreGetsNoReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{err: errors.New("down")}
		d := with(t, c)
		learn(t, d.Ledger, headers(100, 99, time.Hour))
		for range 2 {
			d.Report(nil)
		}
		if _, asks := c.seen(); len(asks) != 1 {
			t.Errorf("%d exchanges", len(asks))
		}
	})
}

// Interactive requests use their own permits before those for bulk, bulk only its own.
func TestWhichPermitIsUsed(t *testing.T) {
	for _, tt := range []struct {
		class      Class
		have, want [2]int
		used       bool
	}{
		{Interactive, [2]int{1, 1}, [2]int{0, 1}, true},
		{Interactive, [2]int{0, 1}, [2]int{0, 0}, true},
		{Bulk, [2]int{1, 1}, [2]int{1, 0}, true},
		{Bulk, [2]int{1, 0}, [2]int{1, 0}, false},
		{Interactive, [2]int{0, 0}, [2]int{0, 0}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, now := alone(t)
			s.leases, s.turn = tt.have, 7
			if v := s.gate(tt.class, now); v.pass != tt.used {
				t.Errorf("%+v: %+v", tt, v)
			}
			if p := s.grant(tt.class, now); s.leases != tt.want || s.used != tt.used || p.turn != 7 {
				t.Errorf("%+v: %v are left, used %v, turn %d", tt, s.leases, s.used, p.turn)
			}
		})
	}
}

// When the next report is due: soon if there is news, or unused permits; later if a call
// in flight may be followed by another; from time to time while permits are held.
func TestWhenAReportIsDue(t *testing.T) {
	for _, tt := range []struct {
		interactive, bulk, inFlight int
		leases                      [2]int
		news, local                 bool
		want                        time.Duration // since the last exchange; negative if none is due
	}{
		{0, 0, 0, [2]int{}, false, false, -1},
		{0, 0, 0, [2]int{}, true, false, reportDelay},
		{0, 0, 0, [2]int{}, true, true, -1},
		{0, 0, 0, [2]int{1, 0}, false, false, reportDelay},
		{0, 0, 0, [2]int{0, 1}, false, false, reportDelay},
		{0, 0, 1, [2]int{1, 0}, false, false, idleLease},
		{0, 0, 1, [2]int{0, 1}, true, false, idleLease},
		{0, 0, 1, [2]int{}, false, false, heartbeat},
		{0, 0, 1, [2]int{}, true, false, reportDelay},
		{0, 0, 1, [2]int{}, false, true, storeRest},
		{1, 0, 0, [2]int{}, false, true, storeRest},
		{0, 1, 0, [2]int{0, 1}, false, false, heartbeat},
		{1, 0, 0, [2]int{0, 1}, false, false, heartbeat},
		{0, 1, 0, [2]int{1, 0}, false, false, 5 * time.Millisecond},
		{0, 1, 1, [2]int{}, false, false, 5 * time.Millisecond},
		{1, 0, 1, [2]int{}, false, false, 3 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, now := alone(t)
			s.last, s.leases, s.news, s.local, s.own.inFlight = now, tt.leases, tt.news, tt.local, tt.inFlight
			s.again = [2]time.Time{now.Add(3 * time.Millisecond), now.Add(5 * time.Millisecond)}
			at := s.due(tt.interactive, tt.bulk, true, now)
			if at.IsZero() != (tt.want < 0) || !at.IsZero() && at.Sub(now) != tt.want {
				t.Errorf("%+v: due in %v", tt, at.Sub(now))
			}
			s.asking = true
			if at := s.due(tt.interactive, tt.bulk, true, now); !at.IsZero() {
				t.Errorf("%+v: due in %v while one is pending", tt, at.Sub(now))
			}
		})
	}
}

// Waiters that will not pass within half a second need nothing of the store.
func TestWhoWillNotPassSoonAsksForNothing(t *testing.T) {
	for pause, asks := range map[time.Duration]bool{idleLease: true, idleLease + 1: false} {
		synctest.Test(t, func(t *testing.T) {
			d := with(t, &counter{})
			s, now := d.shared, time.Now()
			d.Ledger.mu.Lock()
			s.pause, s.last, s.wants = now.Add(pause), now, 1
			s.poll(1, 0, time.Time{}, now)
			if s.news == asks {
				t.Errorf("open in %v: %v that nobody waits is news", pause, s.news)
			}
			d.Ledger.mu.Unlock()
		})
	}
}

// After a late reply the store is told which permits are not held any more.
func TestALateReplyIsFollowedByAReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, now := alone(t)
		s.leases = [2]int{0, 5}
		ask := s.ask(0, 1, true, now)
		s.rest(now) // it is late
		if !s.local || s.leases != [2]int{} {
			t.Errorf("%+v", s)
		}
		s.asking = false
		s.apply(ask, StoreReply{}, now, now)
		if at := s.due(0, 0, true, now); at.Sub(now) != reportDelay || s.local {
			t.Errorf("the next report in %v, local %v", at.Sub(now), s.local)
		}
	})
}

// An eighth of the time until the store is asked again is random, up to half a second.
func TestThePauseOfAStoreIsRandom(t *testing.T) {
	for again, most := range map[time.Duration]time.Duration{800 * time.Millisecond: 100 * time.Millisecond, time.Minute: spread} {
		synctest.Test(t, func(t *testing.T) {
			s, now := alone(t)
			shortest, longest := time.Hour, time.Duration(0)
			for range 300 {
				s.apply(StoreAsk{Interactive: 1}, StoreReply{AskAgain: again}, now, now)
				random := s.again[Interactive].Sub(now) - again
				shortest, longest = min(shortest, random), max(longest, random)
			}
			if shortest < 0 || shortest > most/4 || longest > most || longest < most*3/4 {
				t.Errorf("asked again after %v and %v to %v", again, shortest, longest)
			}
		})
	}
}

// What a call waits for if the store has nothing for it: bulk for the reserve if this
// process knows of a request that is left.
func TestWhatAStoreIsWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		class   Class
		left    int
		careful bool
		want    Reason
	}{
		{Bulk, 1, false, WaitReserve}, {Bulk, 0, false, WaitQuota}, {Bulk, 5, true, WaitProbe},
		{Interactive, 1, false, WaitQuota}, {Interactive, 0, true, WaitProbe},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, now := alone(t)
			s.own.settle(s.own.grant(Interactive, now), false, headers(100, tt.left, time.Hour), now)
			s.again = [2]time.Time{now.Add(time.Second), now.Add(time.Second)}
			if why := s.reason(verdict{class: tt.class, careful: tt.careful}, now.Add(time.Minute), 0, now); why != tt.want {
				t.Errorf("%+v: %s", tt, why)
			}
			s.again = [2]time.Time{}
			if why := s.reason(verdict{class: tt.class, careful: tt.careful}, now, 0, now); why != "" {
				t.Errorf("%+v, while an exchange is due: %s", tt, why)
			}
		})
	}
}

// A store is asked again within an hour, whatever it says.
func TestAStoreIsAskedAgainWithinAnHour(t *testing.T) {
	for again, want := range map[time.Duration]time.Duration{0: 2 * reportDelay, 59 * time.Minute: 59 * time.Minute, 3 * time.Hour: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s, now := alone(t)
			s.apply(StoreAsk{Interactive: 1, Bulk: 1}, StoreReply{AskAgain: again}, now, now)
			for c, at := range s.again {
				if in := at.Sub(now); in < want || in > want+want/8 || in > want+spread {
					t.Errorf("after %v: class %d in %v", again, c, in)
				}
			}
		})
	}
}

// Who has the whole quota is not delayed by what it spent: the store counts that.
func TestTheWholeShareIsNoBound(t *testing.T) {
	for _, tt := range []struct {
		share, spent float64
		want         bool
	}{{1, 100, true}, {0.99, 100, false}, {0.5, 50, false}, {0.5, 49.5, false}, {0.5, 49, true}} {
		synctest.Test(t, func(t *testing.T) {
			s, now := alone(t)
			s.own.Share, s.own.limit, s.own.fraction, s.own.opens = tt.share, 100, tt.spent, now.Add(time.Hour)
			if open, at := s.open(now); open != tt.want || !open && !at.Equal(s.own.opens) {
				t.Errorf("%+v: open %v, or in %v", tt, open, at.Sub(now))
			}
		})
	}
}

// With a client-side limit, callers are in line for it, too; without the store, as the
// account of this process says.
func TestWhenACallerIsLikelyToGetItsPermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		s := New(Options{Store: &counter{}, PerSecond: 0.5}).shared
		if at := s.estimate(verdict{pass: true}, 3, now); at.Sub(now).Round(time.Microsecond) != 6*time.Second {
			t.Errorf("in %v, want 6 s after three others", at.Sub(now))
		}
		d := with(t, &counter{left: 1})
		learn(t, d.Ledger, headers(100, 0, time.Hour))
		s = d.shared
		s.local = true
		if at := s.estimate(s.gate(Interactive, now), 0, now); at.Sub(now) < time.Hour {
			t.Errorf("in %v, want an hour", at.Sub(now))
		}
	})
}

// However close the deadline is, a caller waits a millisecond for responses.
func TestPatienceEndsBeforeTheDeadline(t *testing.T) {
	now := time.Now()
	for left, want := range map[time.Duration]time.Duration{0: time.Millisecond, time.Millisecond: time.Millisecond, 4 * time.Second: 2 * time.Second, 2 * time.Hour: responseTimeout} {
		w := &waiter{deadline: now.Add(left)}
		if got := w.patience(now, Ask{}); got != want {
			t.Errorf("%v before the deadline: %v, want %v", left, got, want)
		}
	}
}

// A failure after a return that was not logged leaves nothing to log.
func TestAReturnThatWasNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := alone(t)
		s.unlogged.Returned = true
		if s.failed(errors.New("down")); s.unlogged.Returned || s.unlogged.Failed != nil {
			t.Errorf("%+v", s.unlogged)
		}
	})
}

// However far ahead the store expects permits, no wait is beyond the horizon.
func TestWhenPermitsAreExpectedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, now := alone(t)
		s.apply(StoreAsk{Interactive: 1}, StoreReply{Opens: math.MaxInt64, AskAgain: time.Minute}, now, now)
		if at := s.outlook(Interactive, now); !at.Equal(now.Add(horizon)) {
			t.Errorf("expected in %v", at.Sub(now))
		}
	})
}

// With a store, too, the wait after a 429 is one for Retry-After.
func TestTheWaitAfterA429OfASharedQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, now := alone(t)
		s.pause = now.Add(time.Minute)
		for after, why := range map[time.Duration]Reason{0: WaitRetryAfter, time.Minute: ""} {
			if v := s.gate(Interactive, now.Add(after)); v.pass || v.why != why {
				t.Errorf("after %v: %+v", after, v)
			}
		}
	})
}

// Permits that are too old are not used when the ledger's timer fires, either: the
// machine may have been suspended.
func TestATimerUsesNoOldPermits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := with(t, &counter{}).Ledger
		l.mu.Lock()
		defer l.mu.Unlock()
		now := time.Now()
		l.shared.leases, l.shared.last, l.shared.heard = [2]int{1, 1}, now, now.Add(-leaseTTL-1)
		if l.dispatch(now); l.shared.leases != [2]int{} {
			t.Errorf("%v are left", l.shared.leases)
		}
	})
}

// Permits that the store granted before it knew of a 429 are not used.
func TestPermitsFromBeforeA429AreNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for refused, want := range []int{1, 0} {
			s, now := alone(t)
			s.report.Refused = int64(refused)
			if s.apply(StoreAsk{Interactive: 1}, StoreReply{Interactive: 1}, now, now); s.leases[Interactive] != want {
				t.Errorf("%d 429s since: %d permits, want %d", refused, s.leases[Interactive], want)
			}
		}
	})
}

// With a store, too, a wait for the client-side limit is one.
func TestTheWaitForThePaceOfASharedQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, now := New(Options{Store: &counter{}, PerSecond: 1}).shared, time.Now()
		s.leases = [2]int{2, 0}
		s.grant(Interactive, now)
		v := s.gate(Interactive, now)
		at := s.estimate(v, 0, now)
		if why := s.reason(v, at, 0, now); v.pass || at.Sub(now).Round(time.Microsecond) != time.Second || why != WaitPace {
			t.Errorf("%+v, in %v, for %q", v, at.Sub(now), why)
		}
	})
}
