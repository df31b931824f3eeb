package quota

import "time"

// A belief is how the limiter assumes the server to count: when requests that were
// spent are restored. There are four: [headerless], [fixedWindow], [refilling] and
// [rolling]. A response or 429 that contradicts the belief replaces it: the methods
// that take one return the next belief.
type belief interface {
	// gate decides on the next request of a class, as far as the quota is
	// concerned.
	gate(a *account, c Class, now time.Time) verdict
	// estimate returns when a caller with ahead others before it is likely to get
	// its permit, given the verdict on the first of them.
	estimate(a *account, v verdict, ahead int, now time.Time) time.Time
	// reserve returns how many requests of a window bulk leaves to interactive
	// callers.
	reserve(a *account, w window, now time.Time) float64
	// observe takes into account a response that says what is left.
	observe(a *account, o observation) belief
	// rejected takes into account the first 429 of the requests that were in flight
	// together.
	rejected(a *account, r Reading) belief
	// backoff returns until when nothing is sent after a 429 without Retry-After.
	backoff(a *account, r Reading, now time.Time) time.Time
	// refill returns how many requests per second are restored before the reset;
	// zero means no continuous restoration.
	refill() float64
	// pace returns how many requests per second are restored on average by a server
	// without windows in which requests could be counted; zero means that it has
	// windows.
	pace(a *account) float64
}

// verdict is the decision of a gate on the next request of a class. The estimate
// that a waiting caller gets is based on the same decision.
type verdict struct {
	pass bool      // the request may be sent now
	look time.Time // otherwise, when to ask again; zero means when a response comes
	soon bool      // the request is sent now, or a response in flight decides
	kept time.Time // until when what is left is reserved for others; zero if it is not
	// careful reports that nothing known forbids the request: it waits only because
	// a response in flight will say what is left, and no longer than the attempt
	// timeout. A caller that never waits is sent nevertheless.
	careful bool

	class Class
	why   Reason // for the wait; if empty, it follows from the estimate
}

var (
	sendNow         = verdict{pass: true, soon: true}
	waitForResponse = verdict{soon: true}                // wait for a response in flight
	waitCarefully   = verdict{soon: true, careful: true} // the same, but nothing known forbids the request
)

// likely returns when the request is likely to be sent.
func (v verdict) likely(now time.Time) time.Time {
	if v.soon {
		return later(now, v.kept)
	}
	return later(v.look, v.kept)
}

// observation is a response that says what is left, and its relation to earlier
// ones.
type observation struct {
	Reading
	permit    Permit
	now       time.Time
	newer     bool // its request was sent after the newest response had come
	later     bool // its reset is later than the known one
	earlier   bool // its reset is earlier
	newWindow bool // it is the first one of a new window
	atOnce    bool // more was restored than by a server that refills continuously
}
