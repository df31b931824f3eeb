package quota

import (
	"math/rand/v2"
	"time"
)

// backoff returns the longest wait after so many refusals in a row.
func (a *account) backoff() time.Duration {
	return min(blindBackoff<<min(max(a.strikes-1, 0), 16), blindBackoffMax)
}

// block holds everything back after a refusal: as long as Retry-After says,
// else until the reset, else longer each time. Refusals of requests that were
// under way together count as one.
func (a *account) block(p Permit, r Reading, now time.Time) {
	first := p.tick > a.struck
	if first {
		a.strikes++
		if a.blind.silent > 0 && a.strikes == 1 {
			a.blind.refuse(now)
		}
		if a.refill && a.strikes > 1 && r.Limit > 0 {
			a.refill, a.mark = false, mark{} // or it would have given back by now
		}
	}
	var until time.Time
	switch {
	case r.RetryAfter.After(now):
		until = r.RetryAfter
		if again := now.Add(a.backoff()); a.strikes > 1 && again.After(until) && r.Reset.After(until) {
			until = earlier(again, r.Reset) // it says so every time, and that the reset is later
		}
	case !first:
		return // the first of them has said it
	case a.refill:
		a.pace = max(a.pace*0.7, float64(a.limit)/hour.Seconds()/20)
		until = now.Add(min(time.Duration(float64(time.Second)/a.pace)<<min(a.strikes-1, 10), blindBackoffMax))
	case r.RetryAfter.IsZero() && r.Reset.After(now) && r.Remaining <= 0:
		until = r.Reset
	default: // no time is told, or something else than the quota is at its end
		wait := a.backoff()
		until = now.Add(wait/2 + rand.N(wait/2))
	}
	a.struck = a.ticks
	until = until.Add(rand.N(spread))
	if until.After(a.blocked) {
		a.blocked = until
	}
	if a.limit == 0 {
		return
	}
	a.left = 0
	if !a.refill {
		a.opens = a.blocked // told when to come back, so there will be more by then
	}
}
