package quota

import (
	"math/rand/v2"
	"time"
)

// fixedWindow believes that the server counts in windows: all requests are restored
// at the reset, and none before. The API documents this, so it is the belief until
// something contradicts it.
type fixedWindow struct{}

func (fixedWindow) gate(a *account, c Class, now time.Time) verdict {
	q := a.request(c, now)
	if q.lacks() && a.windowOver(now) {
		return a.probeShare(now)
	}
	return a.windowGate(q, now)
}

// windowGate decides on a request while the window has not ended, or some of it is
// left.
func (a *account) windowGate(q request, now time.Time) verdict {
	v, decided := a.spend(q, now)
	switch {
	case decided:
	case q.class == Bulk && q.left >= 1:
		v = a.waitForReserve(q.left, a.reset, now)
	case a.inFlight > 0 && float64(a.left) >= q.need:
		v = waitForResponse
	case a.opens.IsZero(): // the response had no reset
		wait := min(hour/time.Duration(a.share())<<min(a.strikes, maxDoublings), hour)
		v = a.oneFrom(a.observed.Add(wait), now)
	default:
		v = a.oneFrom(a.opens, now)
	}
	return v
}

func (fixedWindow) estimate(a *account, v verdict, ahead int, now time.Time) time.Time {
	return a.inWindows(v, ahead, now)
}

func (fixedWindow) reserve(a *account, w window, now time.Time) float64 {
	least := 0.0
	if a.began == 0 && a.nearReset() { // the reset may not be the end of a window
		least = a.standingReserve(w, now)
	}
	return a.shrinkingReserve(w, least, now)
}

func (w fixedWindow) observe(a *account, o observation) belief {
	if o.newWindow {
		return w.afterReset(a, o)
	}
	if o.newer && o.now.After(a.mark.at) && a.mark.until.Sub(o.now) >= resetMargin {
		if gain := a.gain(o); gain >= leastGain {
			return a.refillingAfter(gain, o)
		}
		if a.resetIsOfAll(o) {
			return rolling{since: a.spent.first(o.now), all: true}
		}
		a.updateOthers(o)
	}
	a.updatePart(o)
	return w
}

// resetIsOfAll reports whether the reset is the time when the newest request will
// be forgotten. It has moved on with the time since the mark, so it does not end a
// window; and it is further ahead than that of a server that restores requests
// continuously, of which there is no sign either.
func (a *account) resetIsOfAll(o observation) bool {
	elapsed, ahead := o.now.Sub(a.mark.at), o.Reset.Sub(o.now)
	perSecond := documented(o.Limit)
	full := time.Duration(float64(o.Limit-o.Remaining+1) / perSecond * float64(time.Second))
	return elapsed > tolerance && o.Reset.Sub(a.mark.until) > nearly(elapsed) &&
		ahead > nearly(hour) && ahead > full+resetMargin && perSecond*elapsed.Seconds() >= 2*leastGain
}

// afterReset returns the next belief after the first response of what seems to be a
// new window.
func (w fixedWindow) afterReset(a *account, o observation) belief {
	back := o.back()
	a.whole = a.whole || o.atOnce
	// A window ended, but the window slides. If a window was seen to end before,
	// others were faster.
	slides := back < halfBack && o.newer && !a.whole && a.length > 0 && o.now.Sub(a.opens) < reprobe+spread
	switch {
	case back > allBack:
		a.own = nil
	case o.now.Sub(a.reset) > promptReset: // others may have spent some
	case slides && a.nearReset():
		return refilling{documented(o.Limit)}
	case o.Reset.Sub(o.now) < a.length/2: // the next reset is near: each restores some
		return rolling{since: o.now}
	case slides:
		return refilling{documented(o.Limit)}
	}
	return w
}

func (w fixedWindow) rejected(*account, Reading) belief { return w }

func (fixedWindow) backoff(a *account, r Reading, now time.Time) time.Time {
	if r.RetryAfter.IsZero() && r.Reset.After(now) && r.Remaining <= 0 {
		return r.Reset
	}
	// The 429 names no time, or something other than the quota is exhausted.
	wait := a.backoff()
	return now.Add(wait/2 + rand.N(wait/2))
}

func (fixedWindow) refill() float64 { return 0 }

func (fixedWindow) pace(*account) float64 { return 0 }
