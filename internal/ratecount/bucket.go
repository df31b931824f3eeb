package ratecount

import (
	"cmp"
	"time"
)

type tokenBucket struct {
	full  time.Time     // when the bucket is full again
	every time.Duration // time to restore one token
}

// NewTokenBucket returns a counter with a bucket of tokens. A full bucket has as
// many tokens as the limit; a request takes one, and one is restored every
// window/limit.
func NewTokenBucket() Counter { return &tokenBucket{} }

// Settle keeps the number of missing tokens if the rate of restoring them has
// changed.
func (b *tokenBucket) Settle(a Allowance, now time.Time) {
	every := cmp.Or(b.every, a.Window)
	if a.Limit > 0 {
		every = max(1, a.Window/time.Duration(a.Limit))
	}
	if missing := b.full.Sub(now); missing > 0 && every != b.every {
		b.full = now.Add(time.Duration(float64(missing) / float64(b.every) * float64(every)))
	}
	b.every = every
}

// capacity returns how long an empty bucket takes to fill.
func (b *tokenBucket) capacity(a Allowance) time.Duration {
	return time.Duration(a.Limit) * b.every
}

func (b *tokenBucket) Left(a Allowance, now time.Time) int {
	missing := max(0, b.full.Sub(now))
	return int(max(0, b.capacity(a)-missing) / b.every)
}

func (b *tokenBucket) Count(_ Allowance, now time.Time, _ bool) {
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(b.every)
}

func (b *tokenBucket) Reset(a Allowance, now time.Time) time.Time {
	switch {
	case a.Limit == 0:
		return now.Add(a.Window)
	case b.full.Before(now):
		return now
	default:
		return b.full
	}
}

func (b *tokenBucket) Next(a Allowance, now time.Time) time.Time {
	if a.Limit == 0 {
		return now.Add(a.Window)
	}
	if next := b.full.Add(b.every - b.capacity(a)); next.After(now) {
		return next
	}
	return now
}
