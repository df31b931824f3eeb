package quota

import (
	"testing"
	"testing/synctest"
	"time"
)

// A reset or Retry-After in seconds from now is bounded by the horizon, up to the
// size from which numbers mean something else.
func TestSecondsBeyondTheHorizonAreNotTold(t *testing.T) {
	for value, valid := range map[string]bool{"89999": true, "90002": false, "95000": false, "99999": false, "99999.9": false} {
		r := Read(header(HeaderLimit, "100", HeaderRemaining, "0", HeaderReset, value, HeaderRetryAfter, value), received)
		if r.Reset.IsZero() == valid || r.RetryAfter.IsZero() == valid {
			t.Errorf("%q is read as a reset in %v, a retry in %v", value, r.Reset.Sub(received), r.RetryAfter.Sub(received))
		}
		if r.Reset.Sub(received) > horizon || r.RetryAfter.Sub(received) > horizon || (r.Limit == 100) != valid {
			t.Errorf("%q is read as %+v", value, r)
		}
	}
}

// The figures of a response with an absurd reset are ignored.
func TestAResetBeyondTheHorizonHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: DefaultReserve})
		now := time.Now()
		l.Settle(l.Grant(), false, Read(header(HeaderLimit, "100", HeaderRemaining, "0", HeaderReset, "95000"), now), now)
		if _, waited, err := l.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet}); err != nil || waited != 0 {
			t.Errorf("waited %v, %v", waited, err)
		}
	})
}
