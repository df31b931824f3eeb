package quota

import (
	"testing"
	"testing/synctest"
	"time"
)

// 429s without a time, of requests that were in flight together, count as one, and
// the last of them does not prolong the wait that the first began.
func TestRefusalsOfOneBurstAreOneStrike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		silent := Reading{Limit: -1, Remaining: -1}
		burst := func() (waited time.Duration) {
			var permits []Permit
			for range 20 {
				permits = append(permits, l.Grant())
			}
			start := time.Now()
			for _, p := range permits {
				l.Settle(p, true, silent, time.Now())
				<-time.After(20 * time.Millisecond)
			}
			p, _, err := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
			if err != nil {
				t.Fatal(err)
			}
			l.Cancel(p, false)
			return time.Since(start)
		}
		for i, top := range []time.Duration{minBackoff, 2 * minBackoff, 4 * minBackoff} {
			if waited := burst(); waited < top/2 || waited > top+spread {
				t.Errorf("burst %d: waited %v, at most %v", i+1, waited, top+spread)
			}
		}
	})
}
