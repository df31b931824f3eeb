package ratecount

import (
	"math/bits"
	"time"
)

type slidingLog struct {
	log []time.Time // oldest first
}

// NewSlidingLog returns a counter of the requests in the window that ends now. It
// records when each of them arrived.
func NewSlidingLog() Counter { return &slidingLog{} }

func (l *slidingLog) Settle(a Allowance, now time.Time) {
	gone := 0
	for gone < len(l.log) && now.Sub(l.log[gone]) >= a.Window {
		gone++
	}
	l.log = l.log[gone:]
}

func (l *slidingLog) Left(a Allowance, _ time.Time) int {
	return max(0, a.Limit-len(l.log))
}

func (l *slidingLog) Count(_ Allowance, now time.Time, _ bool) {
	l.log = append(l.log, now)
}

// Reset returns when one more request than now is left.
func (l *slidingLog) Reset(a Allowance, now time.Time) time.Time {
	switch {
	case a.Limit == 0:
		return now.Add(a.Window)
	case len(l.log) == 0:
		return now
	default:
		return l.log[max(0, len(l.log)-a.Limit)].Add(a.Window)
	}
}

func (l *slidingLog) Next(a Allowance, now time.Time) time.Time {
	if l.Left(a, now) > 0 {
		return now
	}
	return l.Reset(a, now)
}

type slidingCounter struct {
	start    time.Time // of the current window; zero before the first request
	length   time.Duration
	previous int
	current  int
}

// NewSlidingCounter returns a counter that estimates a sliding log from the counts
// of two fixed windows, aligned to the clock. It assumes that the requests of the
// previous window arrived evenly.
func NewSlidingCounter() Counter { return &slidingCounter{} }

func (c *slidingCounter) Settle(a Allowance, now time.Time) {
	start := now.Truncate(a.Window)
	switch {
	case c.length != a.Window: // another plan, or the first request
		if now.Sub(c.start) >= c.length {
			c.current = 0
		}
		c.previous = 0
	case !start.After(c.start): // the same window
	case start.Sub(c.start) == a.Window:
		c.previous, c.current = c.current, 0
	default:
		c.previous, c.current = 0, 0
	}
	c.start, c.length = start, a.Window
}

func (c *slidingCounter) Left(a Allowance, now time.Time) int {
	return max(0, a.Limit-c.used(a, now))
}

// used returns the estimated count.
func (c *slidingCounter) used(a Allowance, now time.Time) int {
	overlap := a.Window - now.Sub(c.start)
	return scale(c.previous, overlap, a.Window) + c.current
}

// scale returns n*d/of, rounded down; d is at most of.
func scale(n int, d, of time.Duration) int {
	hi, lo := bits.Mul64(uint64(n), uint64(d))
	quotient, _ := bits.Div64(hi, lo, uint64(of))
	return int(quotient)
}

func (c *slidingCounter) Count(Allowance, time.Time, bool) { c.current++ }

func (c *slidingCounter) Reset(a Allowance, _ time.Time) time.Time {
	return c.start.Add(a.Window)
}

func (c *slidingCounter) Next(a Allowance, now time.Time) time.Time {
	switch {
	case a.Limit == 0:
		return now.Add(a.Window)
	case c.Left(a, now) > 0:
		return now
	case c.current < a.Limit:
		return c.start.Add(fades(c.previous, a.Limit-c.current, a.Window))
	default:
		return c.start.Add(a.Window + fades(c.current, a.Limit, a.Window))
	}
}

// fades returns how far into a window the n requests of the previous one count for
// fewer than allowed, which is from 1 to n.
func fades(n, allowed int, window time.Duration) time.Duration {
	// The longest overlap with n*overlap < allowed*window.
	hi, lo := bits.Mul64(uint64(allowed), uint64(window))
	overlap, rest := bits.Div64(hi, lo, uint64(n))
	if rest == 0 {
		overlap--
	}
	return window - time.Duration(overlap)
}
