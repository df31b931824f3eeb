package leedotest

import "time"

// clock is the server's clock. What it asks may be a function of the user's, so
// it is never called with the server's lock held.
type clock struct {
	source func() time.Time // nil: time.Now
	skew   time.Duration    // how far it is ahead
}

func (c *clock) now() time.Time {
	if c.source != nil {
		return c.source().Add(c.skew)
	}
	return time.Now().Add(c.skew)
}

// stamp is a time as records keep it, with the precision of a usual database.
func stamp(now time.Time) time.Time { return now.UTC().Truncate(time.Microsecond) }
