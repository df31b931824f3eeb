package quota

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// try asks for a permit and returns how long that took and how it ended.
func try(ctx context.Context, l *Ledger, ask Ask) (time.Duration, error) {
	start := time.Now()
	ask.Notify = quiet
	p, _, err := l.Acquire(ctx, ask)
	if err == nil {
		defer l.Cancel(p, true)
	}
	return time.Since(start), err
}

// probing is a store that has nothing to grant because nothing is known.
func probing() *counter {
	return &counter{again: 100 * time.Millisecond, hints: StoreReply{Probing: true}}
}

// A caller that does not wait is sent unless something known to the store or to
// this process forbids it.
func TestWhoDoesNotWaitIsSentUnlessTheStoreForbidsIt(t *testing.T) {
	for name, tt := range map[string]struct {
		probing bool
		known   int // left as far as this process knows; negative if unknown
		sent    bool
	}{
		"nothing is known":           {true, -1, true},
		"the store knows better":     {false, -1, false},
		"this process knows better":  {true, 0, false},
		"this process knows of some": {true, 50, true},
	} {
		for _, class := range []Class{Interactive, Bulk} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := probing()
					c.hints.Probing, c.delay, c.left = tt.probing, time.Millisecond, 1
					d := with(t, c)
					if tt.known >= 0 {
						learn(t, d.Ledger, headers(100, tt.known, time.Hour))
					}
					c.set(func() { c.left = 0 })
					d.Report(nil)
					for i := range 10 {
						took, err := try(t.Context(), d.Ledger, Ask{Class: class})
						if _, failed := errors.AsType[*WaitError](err); failed == tt.sent || took > storeTimeout {
							t.Fatalf("call %d: %v after %v", i, err, took)
						}
					}
					<-time.After(time.Minute)
				})
			})
		}
	}
}

// Responses that never come, because their processes are gone, delay a caller for
// no longer than it wants to wait, or half of the time to its deadline.
func TestNobodyWaitsForFiguresThatAreGone(t *testing.T) {
	for name, tt := range map[string]struct {
		deadline, budget, hold, want time.Duration
	}{
		"a deadline":             {2 * time.Second, time.Minute, 30 * time.Second, time.Second},
		"a short maximum wait":   {0, time.Second, 30 * time.Second, time.Second},
		"a short attempt":        {0, time.Minute, 3 * time.Second, 3 * time.Second},
		"a deadline that is far": {time.Hour, 2 * time.Second, 0, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, ctx, cancel := with(t, probing()), t.Context(), context.CancelFunc(func() {})
				if tt.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
				}
				defer cancel()
				took, err := try(ctx, d.Ledger, Ask{Budget: tt.budget, Hold: tt.hold})
				if err != nil || took < tt.want || took > tt.want+storeTimeout {
					t.Errorf("%v after %v, want a permit after %v", err, took, tt.want)
				}
				<-time.After(time.Minute)
			})
		})
	}
}

// A caller that has less time than an exchange may take is sent or fails by the
// state known to this process.
func TestAShortTimeIsDecidedHere(t *testing.T) {
	for name, tt := range map[string]struct {
		class            Class
		deadline, budget time.Duration
		known            int // negative if unknown
		within           time.Duration
		why              Reason // empty if it is sent
		until            time.Duration
	}{
		"a deadline":                     {Interactive, 50 * time.Millisecond, time.Minute, -1, 25 * time.Millisecond, "", 0},
		"a maximum wait":                 {Interactive, 0, 30 * time.Millisecond, -1, 30 * time.Millisecond, "", 0},
		"a deadline, with some left":     {Interactive, 50 * time.Millisecond, time.Minute, 50, 25 * time.Millisecond, "", 0},
		"a deadline, with nothing left":  {Interactive, 50 * time.Millisecond, time.Minute, 0, 25 * time.Millisecond, WaitQuota, time.Hour},
		"bulk, with what others may use": {Bulk, 50 * time.Millisecond, time.Minute, 1, 25 * time.Millisecond, WaitReserve, 54 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &counter{left: 1}
				d := with(t, c)
				if tt.known >= 0 {
					learn(t, d.Ledger, headers(100, tt.known, time.Hour))
				}
				<-time.After(time.Second)
				c.set(func() { c.delay = time.Minute })
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if tt.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
				}
				defer cancel()
				took, err := try(ctx, d.Ledger, Ask{Class: tt.class, Budget: tt.budget})
				if took > tt.within {
					t.Errorf("after %v", took)
				}
				late, failed := errors.AsType[*WaitError](err)
				if failed != (tt.why != "") || !failed && err != nil {
					t.Error(err)
				}
				if failed && ((time.Until(late.Until)-tt.until).Abs() > time.Minute || late.Reason != tt.why) {
					t.Errorf("%+v, in %v", late, time.Until(late.Until))
				}
				<-time.After(time.Minute)
			})
		})
	}
}

// That two limits are reported in turn is logged once.
func TestTwoLimitsAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 100, hints: StoreReply{Mixed: true}}
		d := with(t, c)
		var news newsList
		for range 5 {
			try(t.Context(), d.Ledger, Ask{StoreNews: news.take})
			d.Report(news.take)
		}
		if news.String() != "mixed" {
			t.Errorf("logged: %v", news)
		}
		<-time.After(time.Minute)
	})
}

// All permits that a process has are reported to the store: in flight, and unused ones of
// both classes.
func TestAllPermitsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := with(t, &counter{})
		s, now := d.shared, time.Now()
		s.own.grant(Interactive, now)
		s.leases, s.used = [2]int{2, 3}, true
		if ask := s.ask(4, 0, true, now); ask.Held != 6 || ask.Interactive != 2 {
			t.Errorf("holds %d and asks for %d, want 6 and 2", ask.Held, ask.Interactive)
		}
	})
}

// A store that grants any permits is not asked less often after that.
func TestAnyPermitEndsTheIdling(t *testing.T) {
	for reply, want := range map[StoreReply]int{{}: 4, {Interactive: 1}: 0, {Bulk: 1}: 0, {Interactive: 1, Bulk: 1}: 0} {
		synctest.Test(t, func(t *testing.T) {
			s, now := with(t, &counter{}).shared, time.Now()
			s.idle = 3
			if s.apply(StoreAsk{Interactive: 2, Bulk: 2}, reply, now, now); s.idle != want {
				t.Errorf("%+v: %d exchanges without a permit, want %d", reply, s.idle, want)
			}
		})
	}
}
