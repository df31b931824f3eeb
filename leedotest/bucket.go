package leedotest

import (
	"cmp"
	"time"
)

// tokenBucket counts by tokens. A full bucket has as many as the limit, a
// request takes one, and one comes back every window/limit.
type tokenBucket struct {
	full  time.Time     // when it is full again; past: it is full
	every time.Duration // how long a token takes to come back
}

func newTokenBucket() counting { return &tokenBucket{} }

// settle keeps the number of missing tokens when they come back at another
// rate than before.
func (b *tokenBucket) settle(a allowance, now time.Time) {
	every := cmp.Or(b.every, a.window)
	if a.limit > 0 {
		every = max(1, a.window/time.Duration(a.limit))
	}
	if missing := b.full.Sub(now); missing > 0 && every != b.every {
		b.full = now.Add(time.Duration(float64(missing) / float64(b.every) * float64(every)))
	}
	b.every = every
}

// capacity is how long an empty bucket takes to be full.
func (b *tokenBucket) capacity(a allowance) time.Duration {
	return time.Duration(a.limit) * b.every
}

func (b *tokenBucket) left(a allowance, now time.Time) int {
	missing := max(0, b.full.Sub(now))
	return int(max(0, b.capacity(a)-missing) / b.every)
}

func (b *tokenBucket) count(_ allowance, now time.Time, _ bool) {
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(b.every)
}

func (b *tokenBucket) reset(a allowance, now time.Time) time.Time {
	switch {
	case a.limit == 0:
		return now.Add(a.window)
	case b.full.Before(now):
		return now
	default:
		return b.full
	}
}

func (b *tokenBucket) next(a allowance, now time.Time) time.Time {
	if a.limit == 0 {
		return now.Add(a.window)
	}
	if next := b.full.Add(b.every - b.capacity(a)); next.After(now) {
		return next
	}
	return now
}
