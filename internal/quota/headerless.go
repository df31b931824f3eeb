package quota

import (
	"math"
	"time"
)

// blind is what is learned from the 429s of a server without headers.
type blind struct {
	silent   int           // consecutive responses without headers
	served   int           // requests served of this window, or since the last 429
	capacity int           // how many were served before a 429; 0: not known
	opened   time.Time     // when the server was last seen to begin serving; zero: never
	closed   time.Time     // since when it sends 429s; zero: it does not
	length   time.Duration // from one opening to the next, an hour at most; 0: not known
	since    time.Time     // the estimated beginning of the window
}

// serve notes that a request sent at the given time was served.
func (b *blind) serve(sent, now time.Time) {
	switch {
	case b.opened.IsZero():
		b.opened, b.since = now, now
	case sent.Before(b.closed):
		b.capacity++ // it belongs to those before the 429
		return
	case !b.closed.IsZero():
		b.reopen(now)
	case b.length > 0 && !sent.Before(b.end()):
		b.served, b.since = 0, now
	}
	b.served++
	if b.served > b.capacity+tenth(b.capacity) {
		b.capacity = 0 // it serves more than it did
	}
}

// reopen notes that the server serves again.
func (b *blind) reopen(now time.Time) {
	switch {
	case now.Sub(b.closed) > minOutage, b.length > 0 && now.Sub(b.since) > nearly(b.length):
		b.length = min(now.Sub(b.opened), hour)
		b.opened, b.since = now, now
	default:
		b.length = 0 // something else than the end of a window
	}
	b.closed = time.Time{}
}

// reject notes the first of the 429s that close a window.
func (b *blind) reject(now time.Time) {
	b.capacity, b.served = max(b.served, 1), 0
	b.closed = now
}

// end returns when the window ends.
func (b *blind) end() time.Time { return b.since.Add(b.length) }

// left returns how much of the window is left if it is like those before.
func (b *blind) left() int { return b.capacity - b.served }

// windowed reports whether the server is known to have windows, and is in one.
func (b *blind) windowed(now time.Time) bool {
	return b.capacity > 0 && b.length > 0 && now.Before(b.end())
}

// headerless believes that the server says nothing of its quota. Its first 429
// shows how much it serves, and the next response after that how long a window
// is, so that bulk can leave a reserve.
//
// A server that has stopped sending headers restores requests as it did before.
type headerless struct {
	was belief
}

func (b headerless) gate(a *account, c Class, now time.Time) verdict {
	most := math.MaxInt
	kept := c == Bulk && b.keeps(a, now)
	switch left := a.blind.left() - a.inFlight; {
	case a.blind.silent < cold:
		most = cold // the responses in flight may still say
	case a.blind.capacity == 0:
	case kept:
		most = 0
	case left <= tenth(a.blind.capacity):
		most = 1 // it sent a 429 about here the last time
	}
	v := onResponse()
	switch {
	case a.inFlight < most:
		v = pass()
	case most == 0:
		v = waitForReserve(a.blind.end(), now)
	}
	if kept {
		v.kept = a.blind.end()
	}
	return v
}

// tenth and nearly are what is small against a whole, and almost one.
func tenth(n int) int                      { return n / 10 }
func nearly(d time.Duration) time.Duration { return d * 9 / 10 }

// keeps reports whether what is left is kept from bulk.
func (headerless) keeps(a *account, now time.Time) bool {
	if !a.blind.windowed(now) {
		return false
	}
	held := a.held(now)
	return held > 0 && float64(a.blind.left()-a.inFlight) < 1+held
}

func (b headerless) next(a *account, v verdict, ahead int, now time.Time) time.Time {
	return b.was.next(a, v, ahead, now)
}

func (b headerless) reserve(a *account, w window, now time.Time) float64 {
	return b.was.reserve(a, w, now)
}

// observe is called with the first response that says what is left.
func (headerless) observe(*account, observation) belief { return fixedWindow{} }

func (b headerless) rejected(a *account, r Reading, dated bool) belief {
	return headerless{b.was.rejected(a, r, dated)}
}

func (b headerless) backoff(a *account, r Reading, now time.Time) time.Time {
	return b.was.backoff(a, r, now)
}

func (b headerless) refill() float64 { return b.was.refill() }

func (headerless) pace(*account) float64 { return 0 }
