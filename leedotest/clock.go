package leedotest

import "time"

// clock is the server's clock. Its source may be a function of the user's, so now
// is never called with the server's lock held.
type clock struct {
	source func() time.Time // nil means time.Now
	skew   time.Duration    // how far it is ahead of source
}

func (c *clock) now() time.Time {
	if c.source != nil {
		return c.source().Add(c.skew)
	}
	return time.Now().Add(c.skew)
}

// stamp returns a time as records store it: in UTC, in microseconds, like a typical
// database.
func stamp(now time.Time) time.Time { return now.UTC().Truncate(time.Microsecond) }
