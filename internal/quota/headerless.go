package quota

import (
	"math"
	"time"
)

// blind is what the 429s of a server without headers show.
type blind struct {
	garbled  bool          // the newest response has headers that cannot be parsed
	silent   int           // consecutive responses without headers
	served   int           // requests served in this window, or since the last 429
	capacity int           // how many were served before a 429; zero if unknown
	opened   time.Time     // when the server last began to serve; zero if unknown
	closed   time.Time     // when it began to send 429s; zero if it serves
	length   time.Duration // from one opening to the next, at most an hour; zero if unknown
	since    time.Time     // the estimated beginning of the window
}

// serve records that a request sent at the given time was served.
func (b *blind) serve(sent, now time.Time) {
	switch {
	case b.opened.IsZero():
		b.opened, b.since = now, now
	case sent.Before(b.closed):
		b.capacity++ // it was served before the 429
		return
	case !b.closed.IsZero():
		b.reopen(now)
	case b.length > 0 && !sent.Before(b.end()):
		b.served, b.since = 0, now
	}
	b.served++
	if b.served > b.capacity+b.capacity/10 {
		b.capacity = 0 // the server serves more than before
	}
}

// reopen records that the server serves again.
func (b *blind) reopen(now time.Time) {
	switch {
	case now.Sub(b.closed) > minOutage, b.length > 0 && now.Sub(b.since) > nearly(b.length):
		b.length = min(now.Sub(b.opened), hour)
		b.opened, b.since = now, now
	default:
		b.length = 0 // not the end of a window
	}
	b.closed = time.Time{}
}

// reject records the first of the 429s that close a window.
func (b *blind) reject(now time.Time) {
	b.capacity, b.served = max(b.served, 1), 0
	b.closed = now
}

// nearly returns nine tenths of a duration: what may already be a whole window.
func nearly(d time.Duration) time.Duration { return d * 9 / 10 }

// end returns when the window ends.
func (b *blind) end() time.Time { return b.since.Add(b.length) }

// headerless believes that the server reports nothing about its quota. The first
// 429 shows how many requests a window has, and the first response served after it
// how long a window is, so that bulk can leave a reserve.
//
// Before that, and if the server has stopped sending headers, requests are assumed
// to be restored as in the embedded belief.
type headerless struct{ belief }

func (headerless) gate(a *account, c Class, now time.Time) verdict {
	left := a.blind.capacity - a.blind.served - a.inFlight // if this window is like the previous ones
	var kept time.Time                                     // until when that is reserved; zero if it is not
	if c == Bulk && a.blind.length > 0 && now.Before(a.blind.end()) {
		if reserved := a.reserved(now); reserved > 0 && float64(left) < 1+reserved {
			kept = a.blind.end()
		}
	}
	most := math.MaxInt // how many may be in flight
	switch {
	case a.blind.silent < coldStart:
		most = coldStart // the responses in flight may say what is left
	case !kept.IsZero():
		v := a.waitForReserve(float64(left), kept, now)
		v.kept = kept
		return v
	case a.blind.capacity > 0 && left <= a.blind.capacity/10:
		most = 1 // the last 429 came at about this number
	case a.blind.garbled:
		most = coldStart // there is a quota, but what is left of it cannot be parsed
	}
	if a.inFlight < most {
		return sendNow
	}
	return waitCarefully
}

// observe takes into account the first response that says what is left.
func (headerless) observe(*account, observation) belief { return fixedWindow{} }

func (b headerless) rejected(a *account, r Reading) belief {
	return headerless{b.belief.rejected(a, r)}
}

func (headerless) pace(*account) float64 { return 0 }
