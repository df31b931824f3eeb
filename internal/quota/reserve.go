package quota

import (
	"math"
	"time"
)

// demand is the rate of interactive requests.
type demand struct {
	lately, often float64   // per second, averaged over shortMemory and longMemory
	last          time.Time // when the last one came; zero if none has
	watched       time.Time // when the first request of any class was sent; zero if none was
}

// arrive records an interactive request.
func (d *demand) arrive(now time.Time) {
	idle := now.Sub(d.last)
	d.lately = faded(d.lately, idle, shortMemory) + 1/shortMemory.Seconds()
	d.often = faded(d.often, idle, longMemory) + 1/longMemory.Seconds()
	d.last = now
}

// rate returns the demand: the larger of the two averages.
func (d *demand) rate(now time.Time) float64 {
	idle := now.Sub(d.last)
	return max(faded(d.lately, idle, shortMemory), faded(d.often, idle, longMemory))
}

// faded returns an exponentially decaying rate after an idle time.
func faded(perSecond float64, idle, memory time.Duration) float64 {
	return perSecond * math.Exp(-max(idle, 0).Seconds()/memory.Seconds())
}

// window is a window of the server, as far as it is known.
type window struct {
	limit  float64 // how many of its requests this process may send
	end    time.Time
	length time.Duration
}

// reserved returns how many requests bulk leaves to interactive callers.
func (a *account) reserved(now time.Time) float64 {
	return math.Floor(a.reserveOf(a.window(), now))
}

// reserveOf returns how many requests of a window bulk leaves to interactive
// callers at the given time. Fractions of a request are left to bulk.
func (a *account) reserveOf(w window, at time.Time) float64 {
	if a.Reserve < 0 {
		return 0
	}
	return a.belief.reserve(a, w, at)
}

// window returns the window of the newest response, or the one learned without
// headers.
func (a *account) window() window {
	if a.limit == 0 {
		return window{a.Share * float64(a.blind.capacity), a.blind.end(), a.blind.length}
	}
	return window{a.Share * float64(a.limit), a.reset, a.length}
}

// configured returns how many requests of a window the options leave to interactive
// callers, whatever their demand. The default shrinks as long as no interactive request comes.
func (a *account) configured(w window, now time.Time) float64 {
	if a.Reserve > 0 {
		return a.Reserve * w.limit
	}
	n := max(defaultReserve*w.limit, min(minReserve, minReservePart*w.limit))
	if a.demand.last.IsZero() {
		n = faded(n, now.Sub(a.demand.watched), unusedDecay)
	}
	return n
}

// standingReserve returns a reserve for servers without a reset that would release
// it. It is at least 1, because nothing could be learned if everything else is
// spent.
func (a *account) standingReserve(w window, now time.Time) float64 {
	return max(a.configured(w, now)*standingPart, min(minReserve, w.limit*minStandingPart), 1)
}

// shrinkingReserve returns a reserve that shrinks to least as the end of the window
// approaches, so that none of it is lost. It is larger if the demand of interactive
// callers is.
func (a *account) shrinkingReserve(w window, least float64, now time.Time) float64 {
	left := min(max(w.end.Sub(now), 0), w.length)
	configured := a.configured(w, now) * left.Seconds() / w.length.Seconds()
	need := demandMargin * a.demand.rate(now) * left.Seconds()
	others := min(a.others*left.Seconds(), maxOthers*w.limit)
	// Each of the others sees the same reserve shrink, and sends, too.
	others += min(1/a.part-1, w.limit*maxProcesses) * left.Seconds() / w.length.Seconds()
	return min(max(configured, need, least)+others, maxReserve*w.limit)
}
