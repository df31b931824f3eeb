package quota

import "time"

// refilling believes that the server restores requests continuously, as a token
// bucket or a sliding counter does. The pace is estimated from the requests that
// have been restored.
type refilling struct {
	perSecond float64
}

// refillingAfter returns the belief after gain requests have been restored since
// the mark.
func (a *account) refillingAfter(gain int, o observation) refilling {
	a.others = 0
	most := maxRefill * documented(o.Limit)
	return refilling{min(float64(gain)/o.now.Sub(a.mark.at).Seconds(), most)}
}

// documented returns how many requests per second are restored if all are restored
// within an hour. How far ahead the reset is does not matter: it may be that of the
// next request.
func documented(limit int) float64 { return float64(limit) / hour.Seconds() }

func (b refilling) gate(a *account, c Class, now time.Time) verdict {
	q := a.request(c, now)
	if q.lacks() && b.ends(a) && a.windowOver(now) {
		return a.probeShare(now)
	}
	v, decided := a.spend(q, now)
	switch {
	case !decided:
		v.look = later(b.turn(a), b.restored(a, max(q.need+refillMargin-q.left, leastRefill), now))
	case !v.pass || float64(a.left-a.inFlight) >= q.need:
	case a.inFlight >= coldStart:
		v = waitCarefully // not by estimate alone
	case now.Before(b.turn(a)):
		v = verdict{look: b.turn(a)}
	}
	if c == Bulk && q.lacks() {
		v.kept = a.opens
	}
	return v
}

func (b refilling) estimate(a *account, v verdict, ahead int, now time.Time) time.Time {
	if v.soon {
		return a.inLine(v.likely(now), ahead, now)
	}
	until := b.restored(a, float64(ahead)*behindMargin, v.look)
	if !b.ends(a) || until.Before(a.opens) {
		return until
	}
	return a.inLine(later(v.look, a.opens), ahead, now)
}

// restored returns when n more requests will be restored. At the reset all are.
func (b refilling) restored(a *account, n float64, now time.Time) time.Time {
	wait := time.Duration(min(n/(b.perSecond*a.Share), horizon.Seconds()) * float64(time.Second))
	at := now.Add(max(wait, time.Millisecond)) // some time must pass, however fast the pace is
	if b.ends(a) && a.opens.After(now) && a.opens.Before(at) {
		return a.opens
	}
	return at
}

// turn returns when a request may be sent by estimate alone. If there are signs of
// others, they have the same estimate, so each takes turns.
func (b refilling) turn(a *account) time.Time {
	if a.part == 1 {
		return a.observed
	}
	return a.observed.Add(b.one(a))
}

// one returns how long the server takes to restore one request for this process.
func (b refilling) one(a *account) time.Duration {
	return time.Duration(min(1/(b.perSecond*a.part), maxBackoff.Seconds()) * float64(time.Second))
}

// nearReset reports whether every reset so far may have been that of the next
// request only.
func (a *account) nearReset() bool { return a.length > 0 && a.length <= nextReset }

// ends reports whether all requests are restored at the reset. A server that
// restores them continuously may report when the next one is restored, or when all
// are.
func (refilling) ends(a *account) bool {
	return !a.opens.IsZero() && a.opens.Sub(a.observed) > nextReset
}

func (refilling) reserve(a *account, w window, now time.Time) float64 {
	return min(a.standingReserve(w, now), maxReserve*w.limit)
}

func (b refilling) observe(a *account, o observation) belief {
	if o.later && float64(o.Remaining) > allBack*float64(o.Limit) && o.Reset.Sub(o.now) > a.length/2 {
		// All requests are restored and the reset is a window ahead: the server has
		// windows.
		a.mark = mark{}
		return fixedWindow{}
	}
	if o.later && o.atOnce && !o.now.Before(a.reset) {
		a.mark, a.whole = mark{}, true
		return fixedWindow{} // so many are restored only at the end of a window
	}
	if o.newer && !a.mark.at.IsZero() && o.now.After(a.mark.at) {
		if gain := a.gain(o); gain >= leastGain {
			return a.refillingAfter(gain, o)
		}
	}
	return b
}

func (b refilling) rejected(a *account, r Reading) belief {
	if a.strikes > 1 && r.Limit > 0 && b.ends(a) && !a.sooner {
		a.mark = mark{}
		return fixedWindow{} // otherwise requests would have been restored by now
	}
	b.perSecond = max(b.perSecond*slower, documented(a.limit)/slowest)
	return b
}

func (b refilling) backoff(a *account, _ Reading, now time.Time) time.Time {
	return now.Add(min(b.one(a)<<min(a.strikes-1, maxDoublings), maxBackoff))
}

func (b refilling) refill() float64 { return b.perSecond }

func (b refilling) pace(*account) float64 { return b.perSecond }
