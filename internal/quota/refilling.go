package quota

import "time"

// refilling believes that the server restores requests all the time, as a token
// bucket does, or a window that slides. How fast is seen by what comes back.
type refilling struct {
	perSecond float64
}

// refillingAfter believes in a server that was seen to restore so many requests
// since the mark.
func (a *account) refillingAfter(gain int, o observation) refilling {
	a.others = 0
	most := maxRefill * float64(o.Limit) / a.length.Seconds()
	return refilling{min(float64(gain)/o.now.Sub(a.mark.at).Seconds(), most)}
}

func (b refilling) gate(a *account, c Class, now time.Time) verdict {
	q := a.request(c, now)
	if q.lacks() && b.ends(a) && a.windowOver(now) {
		return a.probeShare(now)
	}
	v, decided := a.spend(q, now)
	switch {
	case !decided:
		v.look = b.restored(a, max(q.need+refillMargin-q.left, leastRefill), now)
	case v.pass && a.inFlight >= cold && float64(a.left-a.inFlight) < q.need:
		v = waitCarefully // not on reckoning alone
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

// restored returns when so many more requests will be restored. All are at the
// reset.
func (b refilling) restored(a *account, n float64, now time.Time) time.Time {
	wait := time.Duration(min(n/(b.perSecond*a.Share), horizon.Seconds()) * float64(time.Second))
	at := now.Add(max(wait, time.Millisecond)) // however fast it is: time has to pass
	if b.ends(a) && a.opens.After(now) && a.opens.Before(at) {
		return a.opens
	}
	return at
}

// ends reports whether all requests are restored at the reset. A server that
// restores them all the time may say when the next one is, or when all are.
func (refilling) ends(a *account) bool {
	return !a.opens.IsZero() && a.opens.Sub(a.observed) > a.length/10
}

func (refilling) reserve(a *account, w window, _ time.Time) float64 {
	return min(a.standingReserve(w), maxReserve*w.limit)
}

func (b refilling) observe(a *account, o observation) belief {
	if o.later && float64(o.Remaining) > allBack*float64(o.Limit) && o.Reset.Sub(o.now) > a.length/2 {
		// All is restored, and the reset is a window ahead: it was one all along.
		a.mark = mark{}
		return fixedWindow{}
	}
	if o.newer && !a.mark.at.IsZero() && o.now.After(a.mark.at) {
		if gain := a.gain(o); gain >= leastGain {
			return a.refillingAfter(gain, o)
		}
	}
	return b
}

func (b refilling) rejected(a *account, r Reading, dated bool) belief {
	switch {
	case a.strikes > 1 && r.Limit > 0:
		a.mark = mark{}
		return fixedWindow{} // or requests would have been restored by now
	case !dated:
		b.perSecond = max(b.perSecond*slower, float64(a.limit)/hour.Seconds()/slowest)
	}
	return b
}

func (b refilling) backoff(a *account, _ Reading, now time.Time) time.Time {
	one := time.Duration(float64(time.Second) / b.perSecond)
	return now.Add(min(one<<min(a.strikes-1, maxDoublings), maxBackoff))
}

func (b refilling) refill() float64 { return b.perSecond }

func (b refilling) pace(*account) float64 { return b.perSecond }
