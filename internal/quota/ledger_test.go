package quota

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func quiet(Wait) {}

// headers returns the reading of a response with a limit, what remains, and a
// reset.
func headers(limit, remaining int, reset time.Duration) Reading {
	return Reading{Limit: limit, Remaining: remaining, Reset: time.Now().Add(reset)}
}

// learn settles a request with a response.
func learn(t *testing.T, l *Ledger, r Reading) {
	t.Helper()
	p, _, err := l.Acquire(t.Context(), Ask{Budget: 0, Notify: quiet})
	if err != nil {
		t.Fatal(err)
	}
	l.Settle(p, false, r, time.Now())
}

func TestNothingKnownRefusesNobody(t *testing.T) {
	l := New(Options{Reserve: DefaultReserve})
	for range coldStart {
		if _, _, err := l.Acquire(t.Context(), Ask{Budget: 0, Notify: quiet}); err != nil {
			t.Fatal(err)
		}
	}
	if f := l.Figures(); f.InFlight != coldStart || f.Limit != 0 || !f.Observed.IsZero() {
		t.Errorf("figures %+v", f)
	}
}

func TestWhatIsLeftIsSpentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		learn(t, l, headers(100, 3, time.Hour))
		var permits []Permit
		for i := range 3 {
			p, _, err := l.Acquire(t.Context(), Ask{Budget: 0, Notify: quiet})
			if err != nil {
				t.Fatalf("permit %d of 3: %v", i+1, err)
			}
			permits = append(permits, p)
		}
		// All three are in flight, and were sent after the response: nothing is
		// left. A fourth caller fails at once.
		time.AfterFunc(time.Second, func() {
			for _, p := range permits {
				l.Settle(p, false, headers(100, 0, time.Hour-time.Second), time.Now())
			}
		})
		start := time.Now()
		_, waited, err := l.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet})
		late, ok := errors.AsType[*WaitError](err)
		if !ok || late.Until.Sub(start) < time.Hour || waited != 0 {
			t.Fatalf("fourth: %v after %v", err, waited)
		}
		time.Sleep(time.Second)
		synctest.Wait() // for the responses
		if f := l.Figures(); f.Remaining != 0 || f.InFlight != 0 || f.Waiting != 0 {
			t.Errorf("figures %+v", f)
		}
	})
}

func TestWaitsForTheReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		learn(t, l, headers(100, 0, 50*time.Second))
		start := time.Now()
		var notified time.Time
		p, waited, err := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: func(w Wait) { notified = w.Until }})
		if err != nil || waited < 50*time.Second || waited > 50*time.Second+spread || time.Since(start) != waited {
			t.Errorf("waited %v (really %v), %v", waited, time.Since(start), err)
		}
		if !notified.Equal(start.Add(waited)) {
			t.Errorf("notified of a wait until %v", notified)
		}
		l.Settle(p, false, headers(100, 99, time.Hour), time.Now())
		if f := l.Figures(); f.Remaining != 99 || f.Waiting != 0 || f.InFlight != 0 {
			t.Errorf("figures %+v", f)
		}
	})
}

func TestWaitThatIsTooLongIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		learn(t, l, headers(100, 0, time.Hour))
		short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		for name, try := range map[string]func() error{
			"budget": func() error {
				_, _, err := l.Acquire(t.Context(), Ask{Budget: time.Hour - 1, Notify: quiet})
				return err
			},
			"no wait":  func() error { _, _, err := l.Acquire(t.Context(), Ask{Budget: 0, Notify: quiet}); return err },
			"deadline": func() error { _, _, err := l.Acquire(short, Ask{Budget: Forever, Notify: quiet}); return err },
			"deadline before the budget": func() error {
				_, _, err := l.Acquire(short, Ask{Budget: 2 * time.Hour, Notify: quiet})
				return err
			},
		} {
			late, ok := errors.AsType[*WaitError](try())
			if !ok || late.Until.Sub(start) < time.Hour || late.Until.Sub(start) > time.Hour+spread {
				t.Errorf("%s: %v", name, late)
			}
		}
		if time.Since(start) != 0 {
			t.Errorf("failed after %v", time.Since(start))
		}
	})
}

func TestContextEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		learn(t, l, headers(100, 0, time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		_, waited, err := l.Acquire(ctx, Ask{Budget: Forever, Notify: quiet})
		if !errors.Is(err, context.Canceled) || waited != time.Minute {
			t.Errorf("%v after %v", err, waited)
		}
		if f := l.Figures(); f.Waiting != 0 || f.InFlight != 0 {
			t.Errorf("figures %+v", f)
		}
	})
}

func TestAnswersOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		reset := time.Now().Add(time.Hour)
		early, late := l.Grant(), l.Grant()
		settle := func(p Permit, limit, remaining int, reset time.Time) {
			l.Settle(p, false, Reading{Limit: limit, Remaining: remaining, Reset: reset}, time.Now())
		}
		settle(late, 100, 50, reset)
		settle(early, 100, 51, reset) // sent earlier, so it may not raise what is left
		if got := l.Figures().Remaining; got != 50 {
			t.Errorf("an older response raised what is left to %d", got)
		}

		older, newest := l.Grant(), l.Grant()
		settle(newest, 100, 48, reset)
		settle(older, 100, 40, reset) // but it may lower it: others spend, too
		if got := l.Figures().Remaining; got != 40 {
			t.Errorf("left %d, want 40", got)
		}

		stale, turn := l.Grant(), l.Grant()
		settle(turn, 100, 99, reset.Add(time.Hour)) // a new window
		settle(stale, 100, 0, reset)                // of the old window
		if f := l.Figures(); f.Remaining != 99 || !f.Reset.Equal(reset.Add(time.Hour)) {
			t.Errorf("a response of an old window left %+v", f)
		}
	})
}

func TestAnswersWithoutAWordAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		learn(t, l, headers(100, 10, time.Hour))
		learn(t, l, Reading{Limit: -1, Remaining: -1})
		lost, _, _ := l.Acquire(t.Context(), Ask{Budget: 0, Notify: quiet})
		l.Cancel(lost, true)
		unsent, _, _ := l.Acquire(t.Context(), Ask{Budget: 0, Notify: quiet})
		l.Cancel(unsent, false)
		if f := l.Figures(); f.Remaining != 8 || f.InFlight != 0 {
			t.Errorf("figures %+v, want 8 left", f)
		}
	})
}

func TestARefusalHoldsAllBack(t *testing.T) {
	const none, long, short = 0, time.Hour, 7 * time.Second
	for name, tt := range map[string]struct {
		limit             int
		reset, retryAfter time.Duration // from now; zero if there is none
		wait, spread      time.Duration
	}{
		"Retry-After before the reset": {100, long, short, short, spread},
		"the reset":                    {100, long, none, long, spread},
		"only the reset":               {-1, long, none, long, spread},
		"only Retry-After":             {-1, none, long, long, spread},
		"nothing":                      {-1, none, none, minBackoff / 2, minBackoff/2 + spread},
		"times that are over":          {-1, -short, -short, minBackoff / 2, minBackoff/2 + spread},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := Reading{Limit: tt.limit, Remaining: min(tt.limit, 0)}
				if tt.reset != none {
					r.Reset = time.Now().Add(tt.reset)
				}
				if tt.retryAfter != none {
					r.RetryAfter = time.Now().Add(tt.retryAfter)
				}
				l := New(Options{Reserve: DefaultReserve})
				l.Settle(l.Grant(), true, r, time.Now())
				_, waited, err := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
				if err != nil || waited < tt.wait || waited > tt.wait+tt.spread {
					t.Errorf("waited %v, %v; want %v to %v", waited, err, tt.wait, tt.wait+tt.spread)
				}
			})
		})
	}
}

func TestBlindBackOffGrowsAndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		var longest time.Duration
		for i := range 20 {
			p, waited, err := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
			if err != nil {
				t.Fatal(err)
			}
			if top := min(minBackoff<<max(i-1, 0), maxBackoff) + spread; i > 0 && (waited < top/4 || waited > top) {
				t.Errorf("wait %d: %v, at most %v", i, waited, top)
			}
			longest = max(longest, waited)
			l.Settle(p, true, Reading{Limit: -1, Remaining: -1}, time.Now())
		}
		if longest > maxBackoff+spread || longest < maxBackoff/2 {
			t.Errorf("longest wait %v", longest)
		}
		p, _, _ := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
		l.Settle(p, false, Reading{Limit: -1, Remaining: -1}, time.Now())
		p, _, _ = l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
		l.Settle(p, true, Reading{Limit: -1, Remaining: -1}, time.Now())
		if _, waited, _ := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet}); waited > minBackoff+spread {
			t.Errorf("after a success the back-off begins anew, not at %v", waited)
		}
	})
}

func TestPanicInNotifyLeavesNoWaiter(t *testing.T) {
	l := New(Options{Reserve: DefaultReserve})
	learn(t, l, headers(1, 0, time.Hour))
	func() {
		defer func() { recover() }()
		l.Acquire(t.Context(), Ask{Budget: Forever, Notify: func(Wait) { panic("hook") }})
	}()
	if f := l.Figures(); f.Waiting != 0 {
		t.Errorf("%d waiting", f.Waiting)
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, callers = 10, 64
		l := New(Options{Reserve: DefaultReserve})
		learn(t, l, headers(limit, limit, time.Minute))
		var mu sync.Mutex
		sent := map[time.Duration]int{}
		start := time.Now()
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				p, _, err := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sent[time.Since(start).Truncate(time.Minute)]++
				mu.Unlock()
				l.Settle(p, false, Reading{Limit: -1, Remaining: -1}, time.Now())
			})
		}
		wg.Wait()
		if sent[0] != limit {
			t.Errorf("%d sent before the reset, want %d", sent[0], limit)
		}
	})
}

func BenchmarkPermit(b *testing.B) {
	l := New(Options{Reserve: DefaultReserve})
	h := http.Header{"X-Ratelimit-Limit": {"2000000000"}, "X-Ratelimit-Remaining": {"1999999999"},
		"X-Ratelimit-Reset": {strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)}}
	b.ReportAllocs()
	for b.Loop() {
		p, _, err := l.Acquire(b.Context(), Ask{Budget: 0, Notify: quiet})
		if err != nil {
			b.Fatal(err)
		}
		now := time.Now()
		l.Settle(p, false, Read(h, now), now)
	}
}

// What a caller has waited for, if it was not told: by default the quota, unless it waited for
// no longer than an exchange with the store takes.
func TestTheReasonOfAWaitThatHasEnded(t *testing.T) {
	l := New(usual)
	for _, tt := range []struct {
		why  Reason
		took time.Duration
		want Reason
	}{
		{"", time.Second, WaitQuota}, {WaitReserve, time.Second, WaitReserve}, {WaitReserve, storeTimeout, ""}, {WaitReserve, storeTimeout + 1, WaitReserve},
	} {
		if got := l.reason(&waiter{why: tt.why}, tt.took); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

// Known is the rate limit state of the account, without what this process is doing.
func TestWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(usual)
		learn(t, l, headers(100, 50, time.Hour))
		l.Grant()
		want := l.Figures()
		if want.InFlight != 1 || want.Remaining != 49 {
			t.Fatalf("%+v", want)
		}
		want.InFlight = 0
		if got := l.Known(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// The bounds of the options are possible themselves; what is beyond is not.
func TestTheBoundsOfOptions(t *testing.T) {
	for _, ok := range []Options{
		{}, {Share: 1}, {Reserve: 1}, {Reserve: -1e9}, {RetryBudget: 1}, {RetryBudget: -1e9}, {PerSecond: 1e-5}, {PerSecond: 1e6},
	} {
		if err := ok.Check(); err != nil {
			t.Errorf("%+v: %v", ok, err)
		}
	}
	nan := math.NaN()
	for _, bad := range []Options{
		{Share: 1.001}, {Share: -0.001}, {Share: nan}, {Reserve: 1.001}, {Reserve: nan}, {RetryBudget: 1.001}, {RetryBudget: nan},
		{PerSecond: 0.99e-5}, {PerSecond: 1.001e6}, {PerSecond: -1}, {PerSecond: nan},
	} {
		if err := bad.Check(); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}
