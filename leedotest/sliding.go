package leedotest

import (
	"math/bits"
	"time"
)

// slidingLog counts the requests of the window that ends now: it knows when
// each of them came.
type slidingLog struct {
	log []time.Time // oldest first
}

func newSlidingLog() counting { return &slidingLog{} }

func (l *slidingLog) settle(a allowance, now time.Time) {
	gone := 0
	for gone < len(l.log) && now.Sub(l.log[gone]) >= a.window {
		gone++
	}
	l.log = l.log[gone:]
}

func (l *slidingLog) left(a allowance, _ time.Time) int {
	return max(0, a.limit-len(l.log))
}

func (l *slidingLog) count(_ allowance, now time.Time, _ bool) {
	l.log = append(l.log, now)
}

// reset is when one request more is left than now.
func (l *slidingLog) reset(a allowance, now time.Time) time.Time {
	switch {
	case a.limit == 0:
		return now.Add(a.window)
	case len(l.log) == 0:
		return now
	default:
		return l.log[max(0, len(l.log)-a.limit)].Add(a.window)
	}
}

func (l *slidingLog) next(a allowance, now time.Time) time.Time {
	if l.left(a, now) > 0 {
		return now
	}
	return l.reset(a, now)
}

// slidingCounter estimates what a slidingLog would count from the counts of
// two fixed windows, which are those of the clock: it takes the requests of the
// window before this one to have come evenly.
type slidingCounter struct {
	start    time.Time // of this window; zero: nothing has been counted
	length   time.Duration
	previous int
	current  int
}

func newSlidingCounter() counting { return &slidingCounter{} }

func (c *slidingCounter) settle(a allowance, now time.Time) {
	start := now.Truncate(a.window)
	switch {
	case c.length != a.window: // another plan, or none before
		if now.Sub(c.start) >= c.length {
			c.current = 0
		}
		c.previous = 0
	case !start.After(c.start):
		return
	case start.Sub(c.start) == a.window:
		c.previous, c.current = c.current, 0
	default:
		c.previous, c.current = 0, 0
	}
	c.start, c.length = start, a.window
}

func (c *slidingCounter) left(a allowance, now time.Time) int {
	return max(0, a.limit-c.used(a, now))
}

// used is the estimate.
func (c *slidingCounter) used(a allowance, now time.Time) int {
	overlap := a.window - now.Sub(c.start)
	return scale(c.previous, overlap, a.window) + c.current
}

// scale is n*d/of, rounded down; d is at most of.
func scale(n int, d, of time.Duration) int {
	hi, lo := bits.Mul64(uint64(n), uint64(d))
	quotient, _ := bits.Div64(hi, lo, uint64(of))
	return int(quotient)
}

func (c *slidingCounter) count(allowance, time.Time, bool) { c.current++ }

func (c *slidingCounter) reset(a allowance, _ time.Time) time.Time {
	return c.start.Add(a.window)
}

func (c *slidingCounter) next(a allowance, now time.Time) time.Time {
	switch {
	case a.limit == 0:
		return now.Add(a.window)
	case c.left(a, now) > 0:
		return now
	case c.current < a.limit:
		return c.start.Add(fades(c.previous, a.limit-c.current, a.window))
	default:
		return c.start.Add(a.window + fades(c.current, a.limit, a.window))
	}
}

// fades returns how far into a window the n requests of the one before count
// for less than room, which is 1 to n.
func fades(n, room int, window time.Duration) time.Duration {
	// The longest overlap with n*overlap < room*window.
	hi, lo := bits.Mul64(uint64(room), uint64(window))
	overlap, rest := bits.Div64(hi, lo, uint64(n))
	if rest == 0 {
		overlap--
	}
	return window - time.Duration(overlap)
}
