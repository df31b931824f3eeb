package quota

import (
	"math"
	"time"
)

// evidence is what responses are compared with, and what that has shown.
type evidence struct {
	mark   mark    // shows whether requests are restored before the reset
	seen   mark    // shows what others spend
	others float64 // how many requests per second others spend
	part   float64 // which part of what is spent lately is spent here
	whole  bool    // a reset restored more at once than a server that refills all the time would
}

// mark is an observation with which later ones are compared.
type mark struct {
	at      time.Time // zero: none
	left    int
	granted int       // requests granted until then, without those of which nothing is known
	counted int       // requests that may have been counted before its own was granted
	until   time.Time // the reset that its response gave
}

// setMarks makes an observation a mark where there was no mark, or an old one. What
// is left is what has been booked.
func (a *account) setMarks(o observation) {
	if a.mark.at.IsZero() || !o.now.Before(a.mark.until) {
		unknown := a.counted - a.sure
		a.mark = mark{o.now, a.left, a.granted - unknown, o.permit.counted, a.reset}
	}
	if a.seen.at.IsZero() {
		a.seen = mark{at: o.now, left: o.Remaining, counted: o.permit.counted + 1}
	}
}

// ours returns how many of the requests counted since the mark were sent here, at
// least and at most. At least those that were surely counted when the request of
// the response was granted, and itself, less all that had been granted when the
// mark was made; at most all that are granted, less those that may have been
// counted before the mark:
//
//	p.sure - mark.granted + 1 <= ours <= granted - mark.counted
func (a *account) ours(o observation) (least, most int) {
	return max(o.permit.sure-a.mark.granted, 0) + 1, a.granted - a.mark.counted
}

// gain returns how many requests were restored since the mark, at least.
func (a *account) gain(o observation) int {
	least, _ := a.ours(o)
	return o.Remaining - a.mark.left + least
}

// back returns which part of a window's requests is left after its first one.
func (o observation) back() float64 { return float64(o.Remaining+1) / float64(max(o.Limit, 1)) }

// updateOthers estimates what others spend. Nobody can spend faster than the quota
// is restored for long: after a burst no more than that is expected of them.
func (a *account) updateOthers(o observation) {
	elapsed := o.now.Sub(a.seen.at).Seconds()
	if elapsed < shortestMeasure.Seconds() {
		return // too short to tell others from what is in flight
	}
	spent := float64(max(a.seen.left-o.Remaining-(a.granted-a.seen.counted), 0))
	pace := min(spent/elapsed, float64(o.Limit)/a.length.Seconds())
	a.others += (pace - a.others) * (1 - math.Exp(-elapsed/shortMemory.Seconds()))
	a.seen = mark{}
}

// updatePart estimates which part of what all have spent since the mark was spent
// here.
func (a *account) updatePart(o observation) {
	if a.mark.at.IsZero() {
		return
	}
	all := a.mark.left - o.Remaining
	switch least, most := a.ours(o); {
	case all > most: // others must have spent the rest
		a.part = float64(least+most) / 2 / float64(all)
	case (most-least)*clearSign <= all: // so few are in flight that there would be a sign of them
		a.part = 1
	}
}
