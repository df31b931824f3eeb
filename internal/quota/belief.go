package quota

import "time"

// A belief is what the limiter takes the server to do: when it restores the
// requests that it has counted. There are four: [headerless], [fixedWindow],
// [refilling] and [rolling]. A response or a 429 that contradicts a belief ends
// it; the methods that take one in return what is believed after it.
type belief interface {
	// gate decides on the next request of a class, as far as it is a matter of
	// what is left.
	gate(a *account, c Class, now time.Time) verdict
	// estimate returns when a caller with so many others ahead is likely to have
	// its permit, given the verdict on the first of them.
	estimate(a *account, v verdict, ahead int, now time.Time) time.Time
	// reserve returns how many requests of a window bulk leaves to interactive
	// callers.
	reserve(a *account, w window, now time.Time) float64
	// observe takes in a response that says what is left.
	observe(a *account, o observation) belief
	// rejected takes in the first 429 of those that were in flight together.
	rejected(a *account, r Reading) belief
	// backoff returns until when nothing is sent after a 429 that is not dated.
	backoff(a *account, r Reading, now time.Time) time.Time
	// refill returns how many requests per second the server restores before
	// the reset; zero means none.
	refill() float64
	// pace returns how many requests per second the server restores on
	// average, if it has no windows to count in; zero means that it has.
	pace(a *account) float64
}

// verdict is what a gate decides on the next request of a class. What a waiting
// caller is told comes from the same decision.
type verdict struct {
	pass bool      // the request may be sent now
	look time.Time // else when to ask again; zero: when a response comes
	soon bool      // it is sent now, or a response in flight decides
	kept time.Time // what is left is kept for others until then; zero: it is not
	// careful reports that nothing known forbids the request: it waits only
	// because a response in flight will say what is left, and no longer than the
	// attempt timeout. A caller that never waits is not held by that.
	careful bool

	class Class
	why   Reason // for the wait; empty: that follows from the estimate
}

var (
	sendNow         = verdict{pass: true, soon: true}
	waitForResponse = verdict{soon: true}                // that is in flight
	waitCarefully   = verdict{soon: true, careful: true} // the same, and nothing known forbids the request
)

// likely returns when the request is likely to be sent.
func (v verdict) likely(now time.Time) time.Time {
	if v.soon {
		return later(now, v.kept)
	}
	return later(v.look, v.kept)
}

// observation is a response that says what is left, and how it relates to those
// before it.
type observation struct {
	Reading
	permit    Permit
	now       time.Time
	newer     bool // its request was sent after the newest response came
	later     bool // its reset is later than the known one
	earlier   bool // its reset is earlier
	newWindow bool // it is of a window that is new
	atOnce    bool // more was restored than by a server that refills all the time
}
