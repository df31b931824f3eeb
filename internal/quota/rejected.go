package quota

import (
	"math/rand/v2"
	"time"
)

// backoff returns the longest wait after the present number of consecutive 429s.
func (a *account) backoff() time.Duration {
	return min(minBackoff<<min(max(a.strikes-1, 0), maxDoublings), maxBackoff)
}

// block delays all requests after a 429: for as long as Retry-After says, otherwise
// until the reset, otherwise for longer each time. The 429s of requests that were
// in flight together count as one.
func (a *account) block(p Permit, r Reading, now time.Time) {
	first, dated := p.tick > a.struck, r.RetryAfter.After(now)
	if first {
		a.strikes++
		if a.blind.silent > 0 && a.strikes == 1 {
			a.blind.reject(now)
		}
		a.sooner = sooner(r, now)
		a.belief = a.belief.rejected(a, r)
	}
	var until time.Time
	switch {
	case dated:
		until = a.doubt(r, now)
	case !first:
		return // the first of them has set the delay
	default:
		until = a.belief.backoff(a, r, now)
	}
	a.struck, a.dated = a.ticks, dated
	a.blocked = later(a.blocked, until.Add(rand.N(spread)))
	if a.limit == 0 {
		return
	}
	a.left = 0
	if a.belief.refill() == 0 {
		a.opens = a.blocked // more requests will be available at the time that the 429 names
	}
}

// sooner reports whether a 429 says that nothing is left, and has a Retry-After
// that ends long before the reset.
func sooner(r Reading, now time.Time) bool {
	wait := r.RetryAfter.Sub(now)
	return r.Limit > 0 && r.Remaining == 0 && wait > 0 && r.Reset.Sub(now) > 2*(wait+resetMargin)
}

// doubt returns the time of Retry-After. If consecutive 429s have one that ends
// before the reset, it returns a later time.
func (a *account) doubt(r Reading, now time.Time) time.Time {
	again := now.Add(a.backoff())
	if a.strikes > 1 && again.After(r.RetryAfter) && r.Reset.After(r.RetryAfter) {
		return earlier(again, r.Reset)
	}
	return r.RetryAfter
}
