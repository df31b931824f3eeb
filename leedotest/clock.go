package leedotest

import (
	"sync/atomic"
	"time"
)

// clock is the server's clock. Its source may be a function of the user's, so now
// is never called with the server's lock held.
type clock struct {
	source func() time.Time // nil means time.Now
	skew   time.Duration    // how far it is ahead of source
	// advanced is how far the control interface has set it ahead besides, in
	// nanoseconds.
	advanced atomic.Int64
}

func (c *clock) now() time.Time { return c.at(c.read()) }

// read returns the time of the source, for at.
func (c *clock) read() time.Time {
	if c.source != nil {
		return c.source()
	}
	return time.Now()
}

// at returns the server's time when that of the source is t. What is executed with the
// lock held reads the source before it takes the lock and calls at then, as a reset may
// set the clock back in between.
func (c *clock) at(t time.Time) time.Time {
	return t.Add(c.skew + time.Duration(c.advanced.Load()))
}

// stamp returns a time as records store it: in UTC, in microseconds, like a typical
// database.
func stamp(now time.Time) time.Time { return now.UTC().Truncate(time.Microsecond) }
