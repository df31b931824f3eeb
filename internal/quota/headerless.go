package quota

import (
	"math"
	"time"
)

// blind is what is learned from the 429s of a server without headers.
type blind struct {
	garbled  bool          // the newest response has headers that cannot be read
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
	if b.served > b.capacity+b.capacity/10 {
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

// nearly returns nine tenths of a time: of a window, what may be all of it.
func nearly(d time.Duration) time.Duration { return d * 9 / 10 }

// end returns when the window ends.
func (b *blind) end() time.Time { return b.since.Add(b.length) }

// headerless believes that the server says nothing of its quota. Its first 429
// shows how much it serves, and the next response after that how long a window
// is, so that bulk can leave a reserve.
//
// Before that, and if the server has stopped sending headers, it is taken to
// restore requests as the embedded belief says.
type headerless struct{ belief }

func (headerless) gate(a *account, c Class, now time.Time) verdict {
	left := a.blind.capacity - a.blind.served - a.inFlight // if this window is like those before
	var kept time.Time                                     // until when that is kept from bulk; zero: it is not
	if c == Bulk && a.blind.capacity > 0 && a.blind.length > 0 && now.Before(a.blind.end()) {
		if reserved := a.reserved(now); reserved > 0 && float64(left) < 1+reserved {
			kept = a.blind.end()
		}
	}
	most := math.MaxInt // in flight at a time
	switch {
	case a.blind.silent < cold:
		most = cold // the responses in flight may still say what is left
	case !kept.IsZero():
		v := a.waitForReserve(float64(left), kept, now)
		v.kept = kept
		return v
	case a.blind.capacity > 0 && left <= a.blind.capacity/10:
		most = 1 // it sent a 429 about here the last time
	case a.blind.garbled:
		most = cold // there is a quota, but what is left of it cannot be read
	}
	v := waitCarefully
	if a.inFlight < most {
		v = sendNow
	}
	v.kept = kept
	return v
}

// observe is called with the first response that says what is left.
func (headerless) observe(*account, observation) belief { return fixedWindow{} }

func (b headerless) rejected(a *account, r Reading) belief {
	return headerless{b.belief.rejected(a, r)}
}

func (headerless) pace(*account) float64 { return 0 }
