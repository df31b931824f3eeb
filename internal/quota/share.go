package quota

import (
	"time"

	"golang.org/x/time/rate"
)

// room returns how much of the share is left.
func (a *account) room(now time.Time) float64 {
	if a.refill || a.rolling { // there are no windows to count in
		return a.ownBucket(now).TokensAt(now)
	}
	return a.share() - a.fraction
}

// share returns how many requests of a window's may be sent here, one at least.
func (a *account) share() float64 { return max(a.Share*float64(a.limit), 1) }

// rest returns how much of what was spent counts still. A share is one of an
// hour's quota: what looks like a new window comes oftener on a server that
// gives back all the time.
func (a *account) rest(now time.Time) float64 { return max(1-now.Sub(a.counting).Hours(), 0) }

// ownBucket returns what may be spent here of a quota without windows.
func (a *account) ownBucket(now time.Time) *rate.Limiter {
	pace := a.pace
	if a.rolling {
		pace = float64(a.limit) / a.length.Seconds()
	}
	limit, burst := rate.Limit(a.Share*pace), int(a.share())
	if a.own == nil {
		a.own = rate.NewLimiter(limit, burst)
		a.own.ReserveN(now, min(int(a.fraction), burst))
	}
	if a.own.Limit() != limit {
		a.own.SetLimitAt(now, limit)
	}
	return a.own
}

// unspend gives back to the share what was not sent.
func (a *account) unspend(now time.Time) {
	a.fraction = max(a.fraction-1, 0)
	if a.own != nil {
		limit, burst, tokens := a.own.Limit(), a.own.Burst(), int(a.own.TokensAt(now))
		a.own = rate.NewLimiter(limit, burst)
		a.own.ReserveN(now, min(max(burst-tokens-1, 0), burst))
	}
}
