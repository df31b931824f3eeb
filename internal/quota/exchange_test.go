package quota

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A store that has no permits and says no time is asked less and less often, and
// not at even times.
func TestAStoreWithoutPermitsIsAskedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		d := with(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		d.come(ctx, "a", Interactive, Forever)
		const most = 320 * time.Millisecond // and an eighth
		time.Sleep(time.Second)
		_, asks := c.seen()
		first := len(asks)
		time.Sleep(20 * time.Second)
		_, asks = c.seen()
		if n, least := len(asks)-first, int(20*time.Second/(most+most/8)); first < 4 || n < least || n >= int(20*time.Second/most) {
			t.Errorf("asked %d times in the first second and %d in 20 more", first, n)
		}
		cancel()
		time.Sleep(time.Second)
	})
}

// A store that failed is asked again after five seconds, and then decides.
func TestAStoreThatFailsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 100, err: errors.New("down")}
		d := with(t, c)
		learn(t, d.Ledger, told(100, 50, time.Hour))
		_, asks := c.seen()
		before := len(asks)
		c.set(func() { c.err = nil })
		time.Sleep(4 * time.Second)
		learn(t, d.Ledger, told(100, 49, time.Hour))
		if _, asks = c.seen(); len(asks) != before {
			t.Errorf("asked %d times more within 4 s", len(asks)-before)
		}
		time.Sleep(2 * time.Second)
		learn(t, d.Ledger, told(100, 48, time.Hour))
		synctest.Wait()
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.keeper.(*shared).local {
			t.Errorf("not asked again after 6 s")
		}
	})
}

// A store that fails while callers who do not wait ask it holds none of them: what is
// not known forbids nothing.
func TestAStoreThatFailsRefusesNobodyWhoDoesNotWait(t *testing.T) {
	for name, c := range map[string]*counter{
		"slow": {delay: 90 * time.Millisecond, err: errors.New("down")},
		"hung": {delay: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := with(t, c)
			for i := range 20 {
				go func() {
					_, waited, err := d.Acquire(t.Context(), Ask{Class: Class(i % 2), Notify: quiet})
					if err != nil || waited > storeTimeout {
						t.Errorf("%s, class %d: %v after %v", name, i%2, err, waited)
					}
				}()
			}
			time.Sleep(2 * storeTimeout)
			inFlight(t, d.Ledger, 20)
			time.Sleep(2 * storeRest)
		})
	}
}

// A failure is reported once until an answer comes in time. One that is late does not
// count as that: a store that is always slow is reported once.
func TestAFailureIsReportedAgainAfterAnAnswerInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 100, again: time.Second}
		d := with(t, c)
		troubles := 0
		call := func(delay time.Duration, want int) {
			t.Helper()
			c.set(func() { c.delay = delay })
			p, _, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet, StoreFailed: func(error) { troubles++ }})
			if err != nil {
				t.Fatal(err)
			}
			d.Settle(p, false, told(1000, 900, time.Hour), time.Now())
			<-time.After(20 * time.Second)
			if troubles != want {
				t.Errorf("after an answer in %v: reported %d times, want %d", delay, troubles, want)
			}
		}
		const late = storeTimeout + 50*time.Millisecond
		call(0, 0)
		call(late, 1)
		call(late, 1)
		call(0, 1)
		call(late, 2)
	})
}

// An answer that comes just as it would be late is in time or late, and not both.
func TestAnAnswerAtTheLastMoment(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			c := &counter{left: 10, again: time.Second, delay: storeTimeout}
			d := with(t, c)
			p, _, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			d.mu.Lock()
			if d.shared.local {
				t.Error("the store has answered and does not decide")
			}
			d.mu.Unlock()
			d.Settle(p, false, told(1000, 900, time.Hour), time.Now())
			<-time.After(time.Second)
		})
	}
}
