package quota

import "time"

// rolling believes that the server remembers each request for the length of a
// window, as a sliding log does, so that the reset restores the oldest requests,
// not all. Or the reset, which each request moves, is that of all requests; then
// spent shows when the oldest are restored.
type rolling struct {
	fixedWindow
	since time.Time // when requests last began to be restored
	all   bool      // the reset is that of all requests
}

func (b rolling) gate(a *account, c Class, now time.Time) verdict {
	q := a.request(c, now)
	switch {
	case c == Bulk && q.lacks():
		// By then enough should be restored; this request finds out.
		v := a.oneFrom(later(a.enough(c, 0, now), a.opens), now)
		v.careful = v.careful || a.inFlight > 0 && a.windowOver(now)
		v.soon = v.soon || v.careful
		return v
	case q.lacks() && a.windowOver(now):
		return a.probe(now)
	}
	return a.windowGate(q, now)
}

// reserve treats the requests that were spent together as a window: they are
// restored together, one window later.
func (b rolling) reserve(a *account, w window, now time.Time) float64 {
	w.end = b.since.Add(w.length)
	return a.shrinkingReserve(w, a.standingReserve(w, now), now)
}

func (b rolling) observe(a *account, o observation) belief {
	if !o.newWindow {
		if o.newer {
			a.updateOthers(o)
		}
		return b
	}
	switch back := o.back(); {
	case b.all && o.now.Sub(b.since) > nearly(a.length):
		b.since = o.now
	case b.all:
	case back > allBack:
		a.own = nil
		return fixedWindow{}
	case o.now.Sub(a.reset) > promptReset: // others may have spent some
	case o.Reset.Sub(o.now) < a.length/2 && o.now.Sub(b.since) > nearly(a.length):
		b.since = o.now
	}
	return b
}

func (b rolling) rejected(*account, Reading) belief { return b }

func (rolling) pace(a *account) float64 { return float64(a.limit) / a.length.Seconds() }
