package quota

import (
	"math/rand/v2"
	"slices"
	"time"
)

// book takes into account the figures of a response, if they are news. If its
// request was sent before the newest response came, it may only lower what is left,
// or belong to a later window.
func (a *account) book(p Permit, r Reading, now time.Time) {
	o := a.compare(p, r, now)
	switch {
	case o.newer && r.Limit != a.limit: // another plan, or the first response
		a.mark, a.seen, a.length, a.own, a.whole = mark{}, mark{}, 0, nil, false
		a.belief = fixedWindow{}
	case !o.newer && (r.Limit != a.limit || o.earlier || !o.later && r.Remaining-len(a.lost) >= a.left):
		return
	}
	if o.newWindow {
		a.beginWindow(now)
	}
	a.belief = a.belief.observe(a, o)
	a.lost = slices.DeleteFunc(a.lost, func(tick uint64) bool { return tick < p.tick })
	a.limit, a.left = r.Limit, max(r.Remaining-len(a.lost), 0)
	a.moveReset(o)
	a.length = max(a.length, min(r.Reset.Sub(now), hour), time.Second)
	if o.newer {
		a.spent.forget(a.spent.until(now.Add(-a.length - logMargin)))
		a.spent.match(r.Limit-r.Remaining, a.inFlight, later(a.observed, r.Reset.Add(-hour)), now)
	}
	if b, ok := a.belief.(rolling); ok && b.all {
		a.opens = a.spent.first(now).Add(a.length + logMargin + a.jitter)
	}
	a.observed, a.booked, a.doubtful = now, a.ticks, a.inFlight
	a.setMarks(o)
}

// compare returns how a response relates to earlier ones.
func (a *account) compare(p Permit, r Reading, now time.Time) observation {
	o := observation{Reading: r, permit: p, now: now}
	o.newer = a.observed.IsZero() || p.tick > a.booked
	slack := tolerance + now.Sub(p.at)
	if !r.Reset.IsZero() {
		o.later = (o.newer || !a.reset.IsZero()) && r.Reset.Sub(a.reset) > slack
		o.earlier = a.reset.Sub(r.Reset) > slack
	}
	o.newWindow = o.later && !a.reset.IsZero() && a.belief.refill() == 0 && (r.Remaining > a.left || !now.Before(a.opens))
	most := maxRefill*documented(r.Limit)*now.Sub(a.observed).Seconds() + leastGain
	o.atOnce = o.newer && r.Limit == a.limit && float64(r.Remaining+1-a.left-len(a.lost)) > most
	return o
}

// beginWindow resets everything that is counted by window.
func (a *account) beginWindow(now time.Time) {
	a.mark, a.seen, a.lost, a.began = mark{}, mark{}, nil, a.ticks
	a.fraction, a.counting = a.fraction*a.countedStill(now)+float64(a.inFlight+1), now
}

// moveReset takes into account the reset of a response.
func (a *account) moveReset(o observation) {
	switch first := a.reset.IsZero(); {
	case o.Reset.IsZero():
	case first, o.later, o.earlier, a.belief.refill() > 0:
		if first || o.newWindow {
			a.jitter = rand.N(spread)
		}
		a.reset = o.Reset
	case o.Reset.Before(a.reset):
		a.reset = o.Reset // the same window, known more exactly
	}
	if a.reset.IsZero() {
		a.opens = time.Time{} // what was there came from a 429
		return
	}
	// A reset further ahead than any window is a mistake: probe in an hour.
	a.opens = earlier(a.reset.Add(a.jitter), o.now.Add(hour+promptReset))
}
