package quota

import (
	"math"
	"time"
)

// demand is how many interactive requests per second there are.
type demand struct {
	lately, often float64   // over the short and the long memory
	last          time.Time // when the last one came; zero: never
	watched       time.Time // since when: the first request of any class; zero: there was none
}

// arrive notes an interactive request.
func (d *demand) arrive(now time.Time) {
	idle := now.Sub(d.last)
	d.lately = faded(d.lately, idle, shortMemory) + 1/shortMemory.Seconds()
	d.often = faded(d.often, idle, longMemory) + 1/longMemory.Seconds()
	d.last = now
}

// rate returns the demand: what the memory says that remembers more.
func (d *demand) rate(now time.Time) float64 {
	idle := now.Sub(d.last)
	return max(faded(d.lately, idle, shortMemory), faded(d.often, idle, longMemory))
}

// faded returns what is left of a rate after a time without news.
func faded(perSecond float64, idle, memory time.Duration) float64 {
	return perSecond * math.Exp(-max(idle, 0).Seconds()/memory.Seconds())
}

// window is a window of the server, as far as is known.
type window struct {
	limit  float64 // how many of its requests may be sent here
	end    time.Time
	length time.Duration
}

// reserved returns how many requests bulk leaves to interactive callers.
func (a *account) reserved(now time.Time) float64 {
	return math.Floor(a.reserveOf(a.window(), now))
}

// reserveOf returns how many requests of a window bulk leaves to interactive
// callers at the given time; what is not a whole request is left to bulk.
func (a *account) reserveOf(w window, at time.Time) float64 {
	if a.Reserve < 0 {
		return 0
	}
	return a.belief.reserve(a, w, at)
}

// window returns the window of the newest response, or of what was learned without
// headers.
func (a *account) window() window {
	if a.limit == 0 {
		return window{a.Share * float64(a.blind.capacity), a.blind.end(), a.blind.length}
	}
	return window{a.Share * float64(a.limit), a.reset, a.length}
}

// configured returns how many requests of a window the options leave to
// interactive callers, whatever they were seen to need. The default is forgotten
// if none is seen.
func (a *account) configured(w window, now time.Time) float64 {
	if a.Reserve > 0 {
		return a.Reserve * w.limit
	}
	n := max(defaultReserve*w.limit, min(minReserve, minReservePart*w.limit))
	if a.demand.last.IsZero() {
		n = faded(n, now.Sub(a.demand.watched), neverSeen)
	}
	return n
}

// standingReserve returns a reserve for servers without a reset by which it could
// be spent. It is never nothing, or nothing could be learned when all else is
// spent.
func (a *account) standingReserve(w window, now time.Time) float64 {
	return max(a.configured(w, now)*standingPart, min(minReserve, w.limit*minStandingPart), 1)
}

// shrinkingReserve returns a reserve that shrinks to the least as the end of the
// window approaches, so that none of it is lost, and is more if interactive
// callers were seen to need more.
func (a *account) shrinkingReserve(w window, least float64, now time.Time) float64 {
	left := min(max(w.end.Sub(now), 0), w.length)
	configured := a.configured(w, now) * left.Seconds() / w.length.Seconds()
	need := demandMargin * a.demand.rate(now) * left.Seconds()
	others := min(a.others*left.Seconds(), maxOthers*w.limit)
	// Each of the others sees the same reserve shrink and sends, too.
	others += min(1/a.part-1, w.limit*maxProcesses) * left.Seconds() / w.length.Seconds()
	return min(max(configured, need, least)+others, maxReserve*w.limit)
}
