package quota

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// fail ends a request with a failure of the server.
func fail(l *Ledger, permits ...Permit) {
	for _, p := range permits {
		l.Note(true)
		l.Cancel(p, false)
	}
}

// afterFailures returns a ledger that has received a response with the reading, and then
// failures of the server until it allows one request in flight.
func afterFailures(t *testing.T, r Reading) *Ledger {
	l := New(usual)
	learn(t, l, r)
	for range maxFailures {
		fail(l, l.Grant())
	}
	return l
}

// hold starts callers with a Hold of 30 seconds and returns the channel of their
// results.
func hold(t *testing.T, l *Ledger, n int, ask Ask) chan Permit {
	granted := make(chan Permit, n)
	ask.Notify, ask.Hold = quiet, 30*time.Second
	for range n {
		go func() {
			p, _, err := l.Acquire(t.Context(), ask)
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			granted <- p
		}()
		synctest.Wait()
	}
	return granted
}

func inFlight(t *testing.T, l *Ledger, want int) {
	t.Helper()
	synctest.Wait()
	if f := l.Figures(); f.InFlight != want {
		t.Errorf("%d in flight, want %d", f.InFlight, want)
	}
}

func TestFewAreInFlightAfterFiveFailures(t *testing.T) {
	for _, failures := range []int{4, 5} {
		synctest.Test(t, func(t *testing.T) {
			l := New(usual)
			learn(t, l, headers(5000, 4999, time.Hour))
			for range 3 {
				fail(l, l.Grant()) // not consecutive with those after
			}
			l.Note(false)
			for range failures {
				fail(l, l.Grant())
			}
			granted := hold(t, l, 40, Ask{Budget: time.Minute})
			if failures < 5 {
				inFlight(t, l, 40)
				return
			}
			left := 4999
			respond := func() {
				l.Note(false)
				left--
				l.Settle(<-granted, false, headers(5000, left, time.Hour), time.Now())
				synctest.Wait()
			}
			inFlight(t, l, 1)
			fail(l, <-granted)
			inFlight(t, l, 1) // the next one
			for _, want := range []int{2, 4, 8, 16, 32} {
				respond()
				inFlight(t, l, want)
			}
			for range 70 { // the bound does not overflow
				l.Note(false)
			}
			for range 10 {
				go func() { l.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet}) }()
			}
			respond()
			inFlight(t, l, 33+10)
		})
	}
}

// Requests that time out are failures while the server does not respond to others.
func TestLittleTimeIsNoFailure(t *testing.T) {
	for silent, want := range map[time.Duration]int{minSilence - 1: 10, minSilence: 1} {
		synctest.Test(t, func(t *testing.T) {
			l := New(usual)
			learn(t, l, headers(5000, 4999, time.Hour))
			l.Note(false)
			time.Sleep(silent)
			for range maxFailures {
				p := l.Grant()
				l.GaveUp()
				l.Cancel(p, true)
			}
			hold(t, l, 10, Ask{Budget: Forever})
			inFlight(t, l, want)
		})
	}
}

// A server that hangs delays callers for no longer than an attempt timeout, or than
// they wait at all.
func TestACallerIsHeldForAnAttemptTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		ask  Ask
		held time.Duration
	}{
		"a minute":         {Ask{Budget: time.Minute}, 30 * time.Second},
		"bulk":             {Ask{Budget: time.Minute, Class: Bulk}, 30 * time.Second},
		"for ever":         {Ask{Budget: Forever}, 30 * time.Second},
		"half of it":       {Ask{Budget: 15 * time.Second}, 15 * time.Second},
		"hardly":           {Ask{Budget: time.Second}, time.Second},
		"not at all":       {Ask{}, 0},
		"bulk, not at all": {Ask{Class: Bulk}, 0},
	} {
		for _, known := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				l := New(usual)
				if known {
					learn(t, l, headers(5000, 4999, time.Hour))
				}
				for range maxFailures {
					fail(l, l.Grant())
				}
				hold(t, l, 2, Ask{Budget: Forever, Class: Bulk})
				hold(t, l, 10, test.ask)
				if test.held > 0 {
					inFlight(t, l, 1)
					<-time.After(test.held - 1)
					inFlight(t, l, 1)
					<-time.After(1)
				}
				most := 12
				if test.held < 30*time.Second {
					most = 11 // the second of those before still waits
				}
				inFlight(t, l, most)
				if t.Failed() {
					t.Fatal(name, known)
				}
			})
		}
	}
}

// A caller with a deadline is sent in time for a response, whether the server
// failed or has not responded yet.
func TestACallerWithADeadlineIsSentInTime(t *testing.T) {
	for _, known := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			l := New(usual)
			if known {
				learn(t, l, headers(5000, 4999, time.Hour))
				for range maxFailures {
					fail(l, l.Grant())
				}
				l.Grant()
			} else {
				for range coldStart {
					l.Grant()
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			for _, in := range []time.Duration{2 * time.Second, time.Second, 500 * time.Millisecond} {
				start := time.Now()
				var notified Wait
				_, waited, err := l.Acquire(ctx, Ask{Budget: time.Minute, Hold: 30 * time.Second, Notify: func(w Wait) { notified = w }})
				if err != nil || waited != in || known && notified.Until.Sub(start) != in {
					t.Fatalf("known %v: %v after %v, notified %+v", known, err, waited, notified)
				}
			}
		})
	}
}

// A delayed caller still respects what is known: the quota, a 429, the client-side
// limit.
func TestWhoIsHeldObeysWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(100, 3, time.Hour))
		for range maxFailures {
			fail(d.Ledger, d.Grant())
		}
		for i := range 6 {
			d.come(t.Context(), fmt.Sprint(i), Interactive, 40*time.Second)
		}
		<-time.After(time.Minute)
		d.counts(0, 3)
		failed := 0
		for i := range 6 {
			if !d.failedUntil(fmt.Sprint(i)).IsZero() {
				failed++
			}
		}
		if failed != 3 {
			t.Errorf("%d failed, want 3", failed)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{PerSecond: 0.5})
		learn(t, l, headers(100, 99, time.Hour))
		for range maxFailures {
			fail(l, l.Grant())
		}
		<-time.After(time.Minute)
		hold(t, l, 5, Ask{Budget: Forever})
		<-time.After(30*time.Second - 1)
		inFlight(t, l, 1)
		for _, want := range []int{2, 3, 4, 5} {
			<-time.After(2 * time.Second)
			inFlight(t, l, want)
		}
	})
}

// A caller that does not wait is not delayed with a store either, whether the store
// works or fails.
func TestAnOutageHoldsNobodyWhoDoesNotWait(t *testing.T) {
	for _, err := range []error{nil, errors.New("down")} {
		for _, class := range []Class{Interactive, Bulk} {
			synctest.Test(t, func(t *testing.T) {
				l := New(Options{Store: &counter{left: 100, err: err}})
				learn(t, l, headers(5000, 4999, time.Hour))
				for range maxFailures {
					fail(l, l.Grant())
				}
				hold(t, l, 2, Ask{Budget: Forever})
				for range 10 {
					_, waited, err := l.Acquire(t.Context(), Ask{Class: class, Notify: quiet})
					if err != nil || waited > storeTimeout {
						t.Fatalf("class %v: %v after %v", class, err, waited)
					}
				}
				inFlight(t, l, 1+10)
				time.Sleep(time.Minute)
			})
		}
	}
}

// A call is notified of the latest end of its delay.
func TestAHeldCallerIsNotified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := afterFailures(t, headers(100, 99, time.Hour))
		p := l.Grant()
		for _, class := range []Class{Interactive, Bulk} {
			var notified, waited Wait
			start := time.Now()
			held, _, _ := l.Acquire(t.Context(), Ask{
				Class: class, Budget: time.Minute, Hold: 20 * time.Second,
				Notify: func(w Wait) { notified = w }, Waited: func(w Wait, _ time.Duration) { waited = w },
			})
			if took := time.Since(start); took != 20*time.Second || notified.Until.Sub(start) != took || notified.Reason != WaitProbe || waited != notified {
				t.Errorf("held for %v, notified %+v, then %+v", took, notified, waited)
			}
			l.Cancel(held, false)
		}
		l.Note(false)
		l.Cancel(p, false)
		l.Acquire(t.Context(), Ask{Budget: time.Minute, Hold: 20 * time.Second, Notify: func(w Wait) { t.Errorf("still held: %+v", w) }})
	})
}

// It is not notified of an earlier end if the quota is used up in the meantime.
func TestAHeldCallerIsToldNoEarlierEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := afterFailures(t, headers(100, 2, 20*time.Second))
		p := l.Grant()
		var reports []Wait
		go l.Acquire(t.Context(), Ask{Budget: Forever, Hold: 30 * time.Second, Notify: func(w Wait) { reports = append(reports, w) }})
		synctest.Wait()
		l.Note(true)
		l.Settle(p, false, headers(100, 0, 20*time.Second), time.Now())
		synctest.Wait()
		if len(reports) != 1 || reports[0].Reason != WaitProbe {
			t.Errorf("%+v", reports)
		}
	})
}

// A server that responds, if slowly, is not taken for one that hangs: callers that
// wait for responses continue to wait.
func TestAServerThatRespondsIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // after the reset one request is sent
		l := New(usual)
		learn(t, l, headers(100, 0, time.Hour))
		<-time.After(time.Hour - 29*time.Second)
		hold(t, l, 5, Ask{Budget: Forever})
		<-time.After(29*time.Second + reprobe - 1)
		inFlight(t, l, 1)
	})
	synctest.Test(t, func(t *testing.T) { // with headers that cannot be parsed
		l := New(usual)
		unreadable := Reading{Limit: -1, Remaining: -1, Garbled: true}
		for range coldStart {
			learn(t, l, unreadable)
		}
		granted := hold(t, l, 20, Ask{Budget: Forever})
		for range 10 {
			inFlight(t, l, coldStart)
			<-time.After(10 * time.Second)
			l.Note(false)
			l.Settle(<-granted, false, unreadable, time.Now())
		}
	})
}

// Permits of a store are used by one call at a time while the server fails.
func TestAnOutageCountsWithAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 1000}
		d := with(t, c)
		d.come(t.Context(), "first", Bulk, Forever) // brings permits for more
		d.respond("first", false, headers(1000, 999, time.Hour))
		for range maxFailures {
			d.Note(true)
		}
		for _, name := range []string{"a", "b", "c"} {
			d.come(t.Context(), name, Bulk, Forever)
		}
		if got := d.passed(); got != "first a" {
			t.Errorf("passed: %s", got)
		}
		d.Note(false)
		d.respond("a", false, headers(1000, 998, time.Hour))
		if got := d.passed(); got != "first a b c" {
			t.Errorf("passed after a response: %s", got)
		}
	})
}

// A call that waits for a server that failed, with no bound, is told no end.
func TestAHeldCallerWithoutABoundIsToldNoEnd(t *testing.T) {
	for hold, want := range map[time.Duration]time.Duration{0: 0, 30 * time.Second: 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := afterFailures(t, headers(5000, 4999, time.Hour))
			p, _, err := l.Acquire(t.Context(), Ask{Budget: time.Hour, Notify: quiet})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			start, told := time.Now(), make(chan Wait, 1)
			go l.Acquire(ctx, Ask{Budget: time.Hour, Hold: hold, Notify: func(w Wait) { told <- w }})
			if w := <-told; w.Reason != WaitProbe || w.Until.Sub(start) != want {
				t.Errorf("a hold of %v: until %v from now, %s", hold, w.Until.Sub(start), w.Reason)
			}
			cancel()
			synctest.Wait()
			l.Cancel(p, false)
		})
	}
}

// A caller that never waits is delayed by neither the server nor responses; but what is
// known forbids its request, too, while the server fails.
func TestAnOutageAllowsNobodyWhatIsForbidden(t *testing.T) {
	for _, class := range []Class{Interactive, Bulk} {
		synctest.Test(t, func(t *testing.T) {
			l := afterFailures(t, headers(100, 1, time.Hour))
			l.Grant() // the last
			for range 3 {
				_, waited, err := l.Acquire(t.Context(), Ask{Class: class, Notify: quiet})
				late, ok := errors.AsType[*WaitError](err)
				if !ok || waited != 0 || late.Reason != WaitQuota {
					t.Errorf("class %v: %v after %v", class, err, waited)
				}
			}
			inFlight(t, l, 1)
		})
	}
}

// If the quota allows a request again while the server fails, its caller is delayed for
// no longer than an attempt timeout after that.
func TestAHeldCallerIsSentWhenTheQuotaAllowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := afterFailures(t, headers(100, 0, time.Hour))
		p := l.Grant()
		l.Grant()
		hold(t, l, 1, Ask{Budget: Forever})
		<-time.After(40 * time.Second)
		l.Note(true)
		l.Settle(p, false, headers(100, 90, 2*time.Hour), time.Now())
		inFlight(t, l, 1)
		<-time.After(30 * time.Second)
		inFlight(t, l, 2)
	})
}

// A caller that waits for responses is not failed before it has waited for those of five
// seconds, though its budget is used up and others respond in the meantime.
func TestABudgetThatIsUsedUpFailsNobodyWhoWaitsForResponses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(usual)
		silent := Reading{Limit: -1, Remaining: -1}
		permits := make([]Permit, coldStart+2)
		for i := range permits {
			permits[i] = l.Grant()
		}
		for i, after := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 2 * time.Second} {
			time.AfterFunc(after, func() {
				l.Note(false)
				l.Settle(permits[i], false, silent, time.Now())
			})
		}
		_, waited, err := l.Acquire(t.Context(), Ask{Budget: time.Second, Notify: quiet})
		if err != nil || waited != 2*time.Second {
			t.Errorf("%v after %v", err, waited)
		}
	})
}

// A caller is sent after its Hold if the response that is to show whether a 429 is over
// does not come, at a server without headers, too.
func TestACallerIsHeldAfterA429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(usual)
		p := l.Grant()
		l.Grant()
		l.Settle(p, true, Reading{Limit: -1, Remaining: -1, RetryAfter: time.Now().Add(10 * time.Second)}, time.Now())
		_, waited, err := l.Acquire(t.Context(), Ask{Budget: Forever, Hold: 30 * time.Second, Notify: quiet})
		if err != nil || waited != 30*time.Second {
			t.Errorf("%v after %v", err, waited)
		}
	})
}

// If all callers wait, none of them is looked at for one that does not: what that costs
// does not depend on their number.
func TestWaitersAreNotSearchedForNobody(t *testing.T) {
	l := New(usual)
	for _, q := range []*line{&l.queue.interactive, &l.queue.bulk} {
		q.list.PushBack(nil) // it panics if it is taken for a waiter
	}
	l.admitNever(time.Now())
}

// During an outage, too, who waits for the reset is told so, and fails at once if that is
// too late.
func TestAnOutageHidesNoReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := afterFailures(t, headers(100, 3, time.Hour))
		l.Grant()
		hold(t, l, 2, Ask{Budget: time.Minute})
		_, waited, err := l.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: func(w Wait) { t.Errorf("waits: %+v", w) }})
		if late, ok := errors.AsType[*WaitError](err); !ok || waited != 0 || late.Reason != WaitQuota || time.Until(late.Until) < time.Hour {
			t.Errorf("the third of two that are left: %v after %v", err, waited)
		}

		l = afterFailures(t, headers(100, 1, time.Hour))
		l.Grant() // the last one
		if notified := *watch(t, l, Interactive); len(notified) != 1 || notified[0].Reason != WaitQuota || time.Until(notified[0].Until) < time.Hour {
			t.Errorf("nothing is left: %+v", notified)
		}
	})
}
