package quota

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A caller that arrives while the probe of a new window is in flight waits for the
// probe's response. A caller that never waits is not delayed by it.
func TestTheAnswerOfAProbeIsWaitedFor(t *testing.T) {
	for _, budget := range []time.Duration{0, time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{Reserve: DefaultReserve})
			learn(t, l, headers(10, 0, time.Minute))
			<-time.After(time.Minute + time.Second)
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					p, _, err := l.Acquire(t.Context(), Ask{Budget: budget, Notify: quiet})
					if err != nil {
						t.Errorf("budget %v: %v", budget, err)
						return
					}
					<-time.After(200 * time.Millisecond)
					l.Settle(p, false, headers(10, 9, time.Hour), time.Now())
				})
			}
			wg.Wait()
		})
	}
}

// An estimate of what others have spent blocks no caller for good: an interactive
// request is sent, and its response shows what is left.
func TestAGuessAboutOthersLocksNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		reset := time.Now().Add(time.Hour)
		left := 100
		ask := func() error {
			p, _, err := l.Acquire(t.Context(), Ask{Budget: time.Second, Notify: quiet})
			if err == nil {
				left--
				l.Settle(p, false, Reading{Limit: 100, Remaining: left, Reset: reset}, time.Now())
			}
			return err
		}
		for range 17 { // for twenty minutes others spend three times as much
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			left -= 3
			<-time.After(70 * time.Second)
		}
		<-time.After(30 * time.Minute) // then they stop
		if err := ask(); err != nil || left < 20 {
			t.Errorf("%d left: %v", left, err)
		}
	})
}

// deadlineful is a context whose Deadline method calls the limiter.
type deadlineful struct {
	context.Context
	ledger *Ledger
}

func (c deadlineful) Deadline() (time.Time, bool) {
	c.ledger.Figures()
	return time.Time{}, false
}

func TestTheCallersContextIsNotAskedUnderTheLock(t *testing.T) {
	l := New(Options{})
	if _, _, err := l.Acquire(deadlineful{t.Context(), l}, Ask{Notify: quiet}); err != nil {
		t.Error(err)
	}
}

func TestLostAnswersAreRememberedByTheLimit(t *testing.T) {
	l := New(Options{})
	l.Settle(l.Grant(), false, headers(100, 99, time.Hour), time.Now())
	for range 100_000 {
		l.Cancel(l.Grant(), true)
	}
	if n := len(l.account.lost); n > 100 {
		t.Errorf("%d remembered", n)
	}
}

func TestAServerThatStopsTellingIsNotAskedOneAtATimeForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		learn(t, l, headers(100, 99, time.Minute))
		<-time.After(2 * time.Minute)
		start := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				p, _, err := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
				if err != nil {
					t.Error(err)
				}
				<-time.After(time.Second)
				l.Settle(p, false, Reading{Limit: -1, Remaining: -1}, time.Now())
			})
		}
		wg.Wait()
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("1,000 requests of a second took %v", took)
		}
	})
}

func TestTheClockMayBeSetBack(t *testing.T) {
	a := newAccount(Options{Reserve: DefaultReserve})
	now := time.Now()
	a.settle(a.grant(Interactive, now), false, Reading{Limit: 100, Remaining: 99, Reset: now.Add(time.Hour)}, now)
	a.demand.arrive(now)
	if held := a.reserved(now.Add(-24 * time.Hour)); !(held >= 0 && held <= 60) {
		t.Errorf("%v held back", held)
	}
}

// A single response with an absurd reset does not delay requests for a day.
func TestAResetFurtherThanAWindowIsProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		learn(t, l, headers(100, 0, 24*time.Hour))
		_, waited, err := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
		if err != nil || waited > hour+promptReset {
			t.Errorf("waited %v, %v", waited, err)
		}
	})
}

// Another process may spend most of a window as it begins, which looks like a
// sliding window. The next reset corrects that.
func TestAFixedWindowIsNotTakenForARefillingServerForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(Options{Reserve: DefaultReserve})
		respond := func(remaining int, reset time.Duration) {
			now := time.Now()
			a.settle(a.grant(Interactive, now), false, Reading{Limit: 100, Remaining: remaining, Reset: now.Add(reset)}, now)
		}
		respond(0, time.Hour)
		<-time.After(time.Hour + time.Second)
		respond(38, time.Hour)
		if a.belief.refill() == 0 {
			t.Fatal("the test does not begin as it should")
		}
		<-time.After(time.Hour + time.Second)
		respond(99, time.Hour)
		if a.belief.refill() > 0 {
			t.Error("still taken for a server that gives back all the time")
		}
	})
}

// A response in flight that decides is waited for, however small the budget is, but
// for no longer than most responses take.
func TestResponsesAreWaitedForFiveSeconds(t *testing.T) {
	for took, served := range map[time.Duration]bool{4900 * time.Millisecond: true, 5100 * time.Millisecond: false} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{})
			p := l.Grant() // the newest response may have counted it
			learn(t, l, headers(100, 1, time.Hour))
			time.AfterFunc(took, func() { l.Settle(p, false, headers(100, 1, time.Hour), time.Now()) })
			if _, waited, err := l.Acquire(t.Context(), Ask{Budget: time.Second, Notify: quiet}); (err == nil) != served {
				t.Errorf("%v after %v", err, waited)
			}
			time.Sleep(time.Second)
		})
	}
}
