package quota

import (
	"math"
	"time"
)

// closure is how long a server must have refused for its next service to be
// the beginning of a window.
const closure = time.Minute

// blind is what is learned of a server that tells no figures, by being refused.
type blind struct {
	silent   int           // answers without figures, in a row
	served   int           // requests served of this window, or since the last refusal
	capacity int           // what was served before it refused; 0: not known
	opened   time.Time     // when it was last seen to begin serving; zero: never
	closed   time.Time     // since when it refuses; zero: it does not
	length   time.Duration // from one opening to the next, an hour at most; 0: not known
	since    time.Time     // the beginning of the window, as reckoned
}

// serve notes that a request sent at the given time was served.
func (b *blind) serve(sent, now time.Time) {
	switch {
	case b.opened.IsZero():
		b.opened, b.since = now, now
	case sent.Before(b.closed):
		b.capacity++ // it belongs to those before the refusal
		return
	case !b.closed.IsZero():
		b.reopen(now)
	case b.length > 0 && !sent.Before(b.end()):
		b.served, b.since = 0, now
	}
	b.served++
	if b.served > b.capacity+b.capacity/10 {
		b.capacity = 0 // it serves more than it did
	}
}

// reopen notes that the server serves again.
func (b *blind) reopen(now time.Time) {
	switch {
	case now.Sub(b.closed) > closure, b.length > 0 && now.Sub(b.since) > b.length*9/10:
		b.length = min(now.Sub(b.opened), hour)
		b.opened, b.since = now, now
	default:
		b.length = 0 // something else than the end of a window
	}
	b.closed = time.Time{}
}

// refuse notes the first of the refusals that close a window.
func (b *blind) refuse(now time.Time) {
	b.capacity, b.served = max(b.served, 1), 0
	b.closed = now
}

// end returns when the window ends.
func (b *blind) end() time.Time { return b.since.Add(b.length) }

// left returns how much of the window is left if it is like those before.
func (b *blind) left() int { return b.capacity - b.served }

// windowed tells whether the server is known to have windows, and is in one.
func (b *blind) windowed(now time.Time) bool {
	return b.capacity > 0 && b.length > 0 && now.Before(b.end())
}

// blindGate is the gate of a server that has told nothing.
func (a *account) blindGate(c Class, now time.Time) (bool, time.Time) {
	most := math.MaxInt
	switch left := a.blind.left() - a.inFlight; {
	case a.blind.silent < cold:
		most = cold // it may tell yet
	case a.blind.capacity == 0:
	case a.keeps(c, now):
		return false, a.melting(a.blind.end(), now)
	case left <= a.blind.capacity/10:
		most = 1 // it refused about here the last time
	}
	return a.inFlight < most, time.Time{}
}

// keeps tells whether what is left of a window without figures is kept from
// the class.
func (a *account) keeps(c Class, now time.Time) bool {
	held := 0.0
	if c == Bulk && a.blind.windowed(now) {
		held = a.held(now)
	}
	return held > 0 && float64(a.blind.left()-a.inFlight) < 1+held
}
