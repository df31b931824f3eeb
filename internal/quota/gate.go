package quota

import (
	"math"
	"time"
)

// held returns how many requests bulk leaves to interactive callers: a share
// that melts towards the reset, so that none of it is lost, and more if they
// were seen to need more.
func (a *account) held(now time.Time) float64 {
	limit, end, length := float64(a.limit), a.reset, a.length
	if a.limit == 0 {
		limit, end, length = float64(a.blind.capacity), a.blind.end(), a.blind.length
	}
	limit *= a.Share
	if a.Reserve == 0 {
		return 0
	}
	floor := a.Reserve * limit
	if a.Reserve == DefaultReserve {
		floor = max(floor, min(10, limit/10))
	}
	least := 0.0
	if a.refill || a.rolling {
		least = max(floor/5, min(10, limit/50), 1)
	}
	if a.refill {
		return math.Floor(min(least, 0.6*limit))
	}
	if a.rolling { // what was spent together comes back together, a window later
		end = a.turned.Add(length)
	}
	left := min(max(end.Sub(now), 0), length)
	// Who has not been seen for long needs less.
	half := longMemory
	if a.lastAsk.IsZero() {
		half = 2 * time.Minute
	}
	idle := max(now.Sub(a.lastAsk), 0)
	if a.lastAsk.IsZero() {
		idle = length - left
	}
	floor *= left.Seconds() / length.Seconds() * math.Exp2(-idle.Seconds()/half.Seconds())
	need := 1.5 * a.demand(now) * left.Seconds()
	others := min(a.others*left.Seconds(), 0.4*limit)
	// Who else there is sees the same share melt and sends, too.
	others += min(1/a.part-1, limit/10) * left.Seconds() / length.Seconds()
	return math.Floor(min(max(floor, need, least)+others, 0.6*limit))
}

// gate decides on the next request of the class.
func (a *account) gate(c Class, now time.Time) verdict {
	ok, at := a.quotaGate(c, now)
	v := verdict{pass: ok, look: at, likely: at}
	v.soon = ok || at.IsZero() || a.ends() && a.inFlight > 0 && !now.Before(a.opens) && !now.Before(a.blocked)
	if v.soon {
		v.likely = now
	}
	switch { // the held part melts, but not for many
	case a.refill && !v.soon:
	case a.limit == 0 && a.keeps(c, now):
		v.likely = later(v.likely, a.blind.end())
	case a.limit > 0 && c == Bulk && a.tokens(now) < 1+a.held(now):
		v.likely = later(v.likely, a.opens)
	}
	if v.pass {
		v.pass, v.look = a.paced(now)
	}
	return v
}

// paced reports whether the client-side limit allows a request, else from when
// on it does.
func (a *account) paced(now time.Time) (bool, time.Time) {
	if a.ceiling == nil {
		return true, time.Time{}
	}
	if lack := 1 - a.ceiling.TokensAt(now); lack > 0 {
		return false, now.Add(time.Duration(lack/a.PerSecond*float64(time.Second)) + 1)
	}
	return true, time.Time{}
}

func (a *account) quotaGate(c Class, now time.Time) (bool, time.Time) {
	switch {
	case now.Before(a.blocked):
		return false, a.blocked
	case a.strikes > 0 && a.inFlight > 0 && (a.refill || a.blind.silent > 0):
		return false, time.Time{} // one at a time until one is served
	case a.limit == 0 && a.opens.IsZero():
		return a.blindGate(c, now)
	}
	need := 1.0
	if c == Bulk {
		need += a.held(now)
	}
	tokens := a.tokens(now)
	if a.rolling && c == Bulk && tokens < need {
		// By then there should be enough again; this request tells.
		at := a.observed.Add(time.Duration((need - tokens + 1) * float64(a.length) / float64(a.limit)))
		if at.Before(a.opens) {
			at = a.opens
		}
		return a.due(at, now)
	}
	if a.ends() && !now.Before(a.opens) && tokens < need {
		if a.Share < 1 && !a.rolling && a.fraction*a.rest(now) > a.share()-1 {
			return false, now.Add(time.Duration(float64(time.Hour)/a.share()) + 1)
		}
		// A new window begins with a probe: there may be less in it than hoped.
		switch {
		case a.inFlight == 0 || now.Sub(a.probed) >= reprobe && a.inFlight < a.limit:
			return true, time.Time{}
		case a.inFlight >= a.limit:
			return false, time.Time{}
		}
		return false, a.probed.Add(reprobe)
	}
	// What others may have spent since the last answer is to be left alone,
	// and so is the last request of a window that others spend, too.
	spent := 0.0
	if now.Before(a.opens) && a.others > 1/guesswork.Seconds() {
		spent = math.Round(a.others*now.Sub(a.observed).Seconds()) + 1
	}
	switch {
	case tokens-spent >= need:
		if a.refill && a.inFlight >= cold && float64(a.left-a.inFlight) < need {
			return false, time.Time{} // not on reckoning alone
		}
		if a.part < 1 && float64(a.inFlight) >= max((tokens-spent-need+1)*a.part, 1) {
			return false, time.Time{} // others see the same and send, too
		}
		return true, time.Time{}
	case tokens >= max(need, float64(a.limit)/50) && c == Interactive && now.Sub(a.observed) > guesswork:
		return a.inFlight == 0, time.Time{} // its answer tells what others spent; a few are not worth a refusal
	case a.refill:
		return false, a.refilled(max(need+0.3-tokens, 0.1), now)
	case c == Bulk && tokens >= 1:
		return false, a.melting(a.reset, now)
	case a.inFlight > 0 && float64(a.left) >= need:
		return false, time.Time{}
	case a.opens.IsZero(): // figures without a reset
		wait := min(hour/time.Duration(a.share())<<min(a.strikes, 10), hour)
		return a.due(a.observed.Add(wait), now)
	}
	return a.due(a.opens, now)
}

// ends tells whether there is a reset at which all is back. A server that
// gives back all the time may tell when the next one is, or when all are.
func (a *account) ends() bool {
	return !a.opens.IsZero() && (!a.refill || a.opens.Sub(a.observed) > a.length/10)
}

// refilled returns when so many requests more will have come back, and all
// have at the reset.
func (a *account) refilled(n float64, now time.Time) time.Time {
	wait := time.Duration(min(n/(a.pace*a.Share), horizon.Seconds()) * float64(time.Second))
	at := now.Add(max(wait, time.Millisecond)) // however fast it is: time has to pass
	if a.ends() && a.opens.After(now) && a.opens.Before(at) {
		return a.opens
	}
	return at
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

// due lets one request at a time pass from the given time on.
func (a *account) due(at, now time.Time) (bool, time.Time) {
	if now.Before(at) {
		return false, at
	}
	return a.inFlight == 0, time.Time{}
}

// melting returns when to look again for what is held back until end.
func (a *account) melting(end, now time.Time) time.Time {
	return now.Add(min(max(end.Sub(now)/50, 50*time.Millisecond), 5*time.Second))
}

// estimate returns when a caller with so many others ahead is likely to have
// its permit.
func (a *account) estimate(v verdict, ahead int, now time.Time) time.Time {
	if a.refill && !v.soon {
		until := a.refilled(float64(ahead), v.likely)
		if !a.ends() || until.Before(a.opens) {
			return until
		}
		return a.inLine(later(v.likely, a.opens), ahead, now)
	}
	return a.inLine(v.likely, ahead, now)
}

// inLine returns when a caller is likely to have its permit if there are some
// again at the given time, and so many others are ahead.
func (a *account) inLine(at time.Time, ahead int, now time.Time) time.Time {
	if a.limit > 0 && at.After(now) {
		at = at.Add(time.Duration(ahead/a.limit) * a.length)
	}
	if a.PerSecond > 0 {
		turns := float64(ahead) + 1 - a.ceiling.TokensAt(now)
		if own := now.Add(time.Duration(turns / a.PerSecond * float64(time.Second))); own.After(at) {
			at = own
		}
	}
	return at
}
