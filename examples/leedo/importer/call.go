package importer

import (
	"context"
	"net/http"
	"sync"

	"github.com/leedoapp/leedo-go/examples/leedo/journal"
)

// call is the call that creates the record of a row. It sees each of its
// requests leave and each response come.
type call struct {
	engine *engine
	row    *row
	caller context.Context // when it ends, the call is not to begin another request
	cancel context.CancelFunc

	mu       sync.Mutex
	inFlight bool
	broken   error // of the journal
}

// before commits that the row is being sent. It is called after all waits for
// the quota, which can take hours: a process that is killed meanwhile has not
// sent it, and the journal says so.
func (c *call) before() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.caller.Err()
	if err == nil {
		c.row.sent = c.engine.clock.now()
		err = c.engine.put(c.row, journal.Row{
			Line: c.row.Line, State: journal.Sending, SentAt: c.engine.clock.at(c.row.sent), Timeout: c.engine.opts.AttemptTimeout,
		})
		c.broken = err
	}
	if err != nil {
		c.cancel() // or the call tries again
		return err
	}
	c.inFlight = true
	return nil
}

// after sees the response. A 429 is followed by a wait, perhaps a long one, in
// which the row is not being sent. A request without a response may be followed by
// one, too, if it is known not to have been processed: the row is then taken for one
// that may have been sent.
func (c *call) after(resp *http.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case resp == nil: // the call ends, or waits for another attempt
		c.inFlight = false
		return
	case resp.StatusCode == http.StatusTooManyRequests:
		c.engine.clock.set(resp)
		c.inFlight = false
		c.broken = c.engine.delete(c.row)
	default:
		c.engine.clock.set(resp)
		return
	}
	if c.broken != nil || c.caller.Err() != nil {
		c.cancel()
	}
}

// interrupt ends the call unless a request is in flight.
func (c *call) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.inFlight {
		c.cancel()
	}
}

// reader watches the calls that change nothing.
type reader struct{ engine *engine }

func (r reader) before() error {
	r.engine.watched = true
	return nil
}

func (r reader) after(resp *http.Response) {
	if resp != nil {
		r.engine.clock.set(resp)
	}
}
