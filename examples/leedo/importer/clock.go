package importer

import (
	"net/http"
	"sync"
	"time"
)

// skew is how far apart the clocks of the server's machines may be.
const skew = time.Minute

// clock is the server's clock as the Dates of its responses show it. A moment of this
// process is how long after start it was by the monotonic clock, so that it makes no
// difference when somebody sets the local clock.
type clock struct {
	start time.Time // of this process, by the local clock

	mu         sync.Mutex
	slow, fast time.Time // what time it was then, by the slowest and the fastest of the server's machines; zero: no Date came
}

// now is this moment.
func (c *clock) now() time.Duration { return time.Since(c.start) }

// set takes the Date of a response that came now.
func (c *clock) set(resp *http.Response) {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	date = date.Add(-c.now())
	if c.slow.IsZero() || date.Before(c.slow) {
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
func (c *clock) at(moment time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slow.IsZero() {
		return c.start.Add(moment)
	}
	server := c.slow
	if oldest := c.fast.Add(-skew); server.Before(oldest) {
		server = oldest
	}
	return server.Add(moment)
}
