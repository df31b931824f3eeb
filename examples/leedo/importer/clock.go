package importer

import (
	"net/http"
	"sync"
	"time"
)

// skew is how far apart the clocks of the server's machines may be.
const skew = time.Minute

// clock is the server's clock as the Dates of its responses show it. From a Date on
// it counts the local time that passes, by the monotonic clock: it makes no
// difference when somebody sets the local clock.
type clock struct {
	mu         sync.Mutex
	start      time.Time // when the first Date came, by the local clock
	slow, fast time.Time // what time it was then, by the slowest and the fastest of the server's machines
}

// set takes the Date of a response that came now.
func (c *clock) set(resp *http.Response, now time.Time) {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.start.IsZero() {
		c.start, c.slow, c.fast = now, date, date
		return
	}
	date = date.Add(-now.Sub(c.start))
	if date.Before(c.slow) {
		c.slow = date
	}
	if date.After(c.fast) {
		c.fast = date
	}
}

// at returns the server's time at a moment of this process. It is that of the
// slowest machine, or earlier by at most a second and the time that a response
// took: a record is not created before it, by the clock of any. A Date that is
// more than skew behind another one is old, from a cache say, and does not count.
// Without any Date it is the local time.
func (c *clock) at(moment time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.start.IsZero() {
		return moment
	}
	server := c.slow
	if oldest := c.fast.Add(-skew); server.Before(oldest) {
		server = oldest
	}
	return server.Add(moment.Sub(c.start))
}
