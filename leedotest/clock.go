package leedotest

import "time"

// clock is the server's clock.
type clock struct {
	skew time.Duration // how far it is ahead
}

func (c *clock) now() time.Time { return time.Now().Add(c.skew) }

// stamp is the time as records keep it, with the precision of a usual database.
func (c *clock) stamp() time.Time { return c.now().UTC().Truncate(time.Microsecond) }
