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

func (c *clock) now() time.Time {
	ahead := c.skew + time.Duration(c.advanced.Load())
	if c.source != nil {
		return c.source().Add(ahead)
	}
	return time.Now().Add(ahead)
}

// stamp returns a time as records store it: in UTC, in microseconds, like a typical
// database.
func stamp(now time.Time) time.Time { return now.UTC().Truncate(time.Microsecond) }
