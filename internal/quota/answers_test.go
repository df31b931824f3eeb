package quota

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever comes while the probe of a new window is under way waits for its
// answer, whatever the budget.
func TestTheAnswerOfAProbeIsWaitedFor(t *testing.T) {
	for _, budget := range []time.Duration{0, time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{Reserve: DefaultReserve})
			learn(t, l, told(10, 0, time.Minute))
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
					l.Settle(p, false, told(10, 9, time.Hour), time.Now())
				})
			}
			wg.Wait()
		})
	}
}

// What others are thought to have spent locks nobody out: an interactive
// request goes and its answer tells.
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
		for range 17 { // twenty minutes in which others spend thrice as much
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			left -= 3
			<-time.After(70 * time.Second)
		}
		<-time.After(15 * time.Minute) // then they stop
		if err := ask(); err != nil || left < 20 {
			t.Errorf("%d left: %v", left, err)
		}
	})
}
