package quota

import (
	"math"
	"time"
)

// gate decides on the next request of the class.
func (a *account) gate(c Class, now time.Time) verdict {
	v := a.belief.gate(a, c, now)
	v.class = c
	switch {
	case now.Before(a.blocked):
		v.pass, v.soon, v.careful, v.look = false, false, false, a.blocked
		if a.dated {
			v.why = WaitRetryAfter
		}
	case a.strikes > 0 && a.inFlight > 0 && (a.belief.refill() > 0 || a.blind.silent > 0):
		v.careful = v.careful || v.pass
		v.pass, v.soon, v.look = false, true, time.Time{} // one at a time until one is not rejected
	}
	if open, at := a.paced(now); !open {
		if v.careful = false; v.pass {
			v.look = at
		}
		v.pass = false
	}
	return v
}

// paced reports whether the client-side limit allows a request now, and if not,
// when it will.
func (a *account) paced(now time.Time) (bool, time.Time) {
	if a.pacer == nil {
		return true, time.Time{}
	}
	if at := a.inPace(0, now); at.After(now) {
		return false, at
	}
	return true, time.Time{}
}

// request is the next request of a class, with the numbers that decide on it.
type request struct {
	class Class
	need  float64 // how many requests must be left: one, and for bulk also the reserve
	left  float64 // how many are left
}

func (a *account) request(c Class, now time.Time) request {
	q := request{class: c, need: 1, left: a.remaining(now)}
	if c == Bulk {
		q.need += a.reserved(now)
	}
	return q
}

// lacks reports whether fewer are left than the request needs.
func (q request) lacks() bool { return q.left < q.need }

// spend decides on a request if, as far as is known, enough is left for it.
func (a *account) spend(q request, now time.Time) (v verdict, decided bool) {
	// Requests that others may have spent since the last response are not spent
	// again. Nor is the last request of a window that others spend, too.
	spent := a.spentByOthers(now)
	if q.left-spent >= q.need {
		if a.part < 1 && float64(a.inFlight) >= max((q.left-spent-q.need+1)*a.part, 1) {
			return waitCarefully, true // others see the same number and send, too
		}
		return sendNow, true
	}
	if q.class == Interactive && q.left >= max(q.need, float64(a.limit)*minLeftPart) && now.Sub(a.observed) > maxGuessAge {
		return a.alone(), true // its response shows what others spent; a few are not worth a 429
	}
	return verdict{}, false
}

// spentByOthers returns how many requests others may have spent since the newest
// response, and one more that is left to them.
func (a *account) spentByOthers(now time.Time) float64 {
	if now.Before(a.opens) && a.others > 1/maxGuessAge.Seconds() {
		return math.Round(a.others*now.Sub(a.observed).Seconds()) + 1
	}
	return 0
}

// alone lets a request pass if none is in flight.
func (a *account) alone() verdict {
	if a.inFlight == 0 {
		return sendNow
	}
	return waitCarefully
}

// oneFrom lets one request at a time pass from the given time on.
func (a *account) oneFrom(at, now time.Time) verdict {
	if now.Before(at) {
		return verdict{look: at}
	}
	return a.alone()
}

// windowOver reports whether the window has ended, as far as is known.
func (a *account) windowOver(now time.Time) bool { return !a.opens.IsZero() && !now.Before(a.opens) }

// probe begins a new window with one request, and lets another pass if the response
// is late: the window may contain fewer requests than hoped.
func (a *account) probe(now time.Time) verdict {
	switch {
	case a.inFlight == 0 || now.Sub(a.probed) >= reprobe && a.inFlight < a.limit:
		return sendNow
	case a.inFlight >= a.limit:
		return waitForResponse
	}
	return verdict{look: a.probed.Add(reprobe), soon: true, careful: true}
}

// probeShare is probe for a server with windows, in which the share is counted.
func (a *account) probeShare(now time.Time) verdict {
	if at := a.shareOpens(); now.Before(at) {
		return verdict{look: at, soon: a.inFlight > 0}
	}
	return a.probe(now)
}

func later(t, u time.Time) time.Time {
	if u.After(t) {
		return u
	}
	return t
}

func earlier(t, u time.Time) time.Time {
	if u.Before(t) {
		return u
	}
	return t
}
