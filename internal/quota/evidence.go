package quota

import (
	"math"
	"time"
)

// evidence is the observations that responses are compared with, and what the
// comparisons have shown.
type evidence struct {
	mark   mark    // to detect requests that are restored before the reset
	seen   mark    // to measure what others spend
	others float64 // how many requests per second others spend
	part   float64 // the part of recent spending that is this process's
	whole  bool    // a reset has restored more at once than a server that refills continuously would
}

// mark is an observation that later ones are compared with.
type mark struct {
	at      time.Time // zero if there is no mark
	left    int
	granted int       // requests granted by then, without those that may have been counted and did not show it
	counted int       // requests that may have been counted before its own permit was granted
	until   time.Time // the reset in its response
}

// setMarks makes an observation a mark if no mark or only an old one exists. It is
// called when the figures have been booked.
func (a *account) setMarks(o observation) {
	if a.mark.at.IsZero() || !o.now.Before(a.mark.until) {
		unknown := a.counted - a.sure
		a.mark = mark{o.now, a.left, a.granted - unknown, o.permit.counted, a.reset}
	}
	if a.seen.at.IsZero() {
		a.seen = mark{at: o.now, left: o.Remaining, counted: o.permit.counted + 1}
	}
}

// ours returns the least and the most requests counted since the mark that this
// process may have sent. The least is those known to be counted when the permit of
// the response was granted, and that one itself, minus all that had been granted at
// the mark. The most is all granted, minus those that may have been counted before
// the mark:
//
//	p.sure - mark.granted + 1 <= ours <= granted - mark.counted
func (a *account) ours(o observation) (least, most int) {
	return max(o.permit.sure-a.mark.granted, 0) + 1, a.granted - a.mark.counted
}

// gain returns how many requests, at least, have been restored since the mark.
func (a *account) gain(o observation) int {
	least, _ := a.ours(o)
	return o.Remaining - a.mark.left + least
}

// back returns which part of a window's requests was restored if o is its first
// response.
func (o observation) back() float64 { return float64(o.Remaining+1) / float64(o.Limit) }

// updateOthers estimates what others spend. Over a long time they cannot spend
// faster than the quota is restored, so the estimate after a burst is bounded by
// that.
func (a *account) updateOthers(o observation) {
	elapsed := o.now.Sub(a.seen.at).Seconds()
	if elapsed < shortestMeasure.Seconds() {
		return // too short to distinguish others from what is in flight
	}
	spent := float64(max(a.seen.left-o.Remaining-(a.granted-a.seen.counted), 0))
	pace := min(spent/elapsed, float64(o.Limit)/a.length.Seconds())
	a.others += (pace - a.others) * (1 - math.Exp(-elapsed/shortMemory.Seconds()))
	a.seen = mark{}
}

// updatePart estimates which part of all spending since the mark is this process's.
func (a *account) updatePart(o observation) {
	if a.mark.at.IsZero() {
		return
	}
	all := a.mark.left - o.Remaining
	switch least, most := a.ours(o); {
	case all > most: // others must have spent the rest
		a.part = float64(least+most) / 2 / float64(all)
	case (most-least)*clearSign <= all: // the uncertainty is so small that others would have been noticed
		a.part = 1
	}
}
