package quota

import (
	"math"
	"time"
)

// spending is what was spent here of the part of the quota that may be used here.
type spending struct {
	fraction float64   // requests of this window
	counting time.Time // since when
	own      *level    // what is left while there are no windows; nil: not needed yet
}

// share returns how many requests of a window may be sent here: one at least.
func (a *account) share() float64 { return max(a.Share*float64(a.limit), 1) }

// shareLeft returns how much of the share is left.
func (a *account) shareLeft(now time.Time) float64 {
	if a.belief.pace(a) > 0 { // there are no windows to count in
		return a.ownLevel(now).tokens(now)
	}
	return a.share() - a.fraction
}

// countedStill returns which part of what was spent counts still. A share is one of
// an hour's quota: on a server that restores requests all the time, what looks like
// a new window comes more often.
func (a *account) countedStill(now time.Time) float64 {
	return max(1-now.Sub(a.counting).Hours(), 0)
}

// shareOpens returns from when on so little of what was spent counts still that a new
// window may be begun with a request.
func (a *account) shareOpens() time.Time {
	if a.Share == 1 || a.fraction <= a.share()-1 {
		return time.Time{}
	}
	return a.counting.Add(time.Duration(float64(time.Hour)*(1-(a.share()-1)/a.fraction)) + 1)
}

// spendShare counts a request.
func (a *account) spendShare(now time.Time) {
	if a.counting.IsZero() {
		a.counting = now
	}
	a.fraction++
	if a.Share < 1 && a.belief.pace(a) > 0 {
		a.ownLevel(now).take(1, now)
	}
}

// unspendShare takes back a request that was not sent.
func (a *account) unspendShare(now time.Time) {
	a.fraction = max(a.fraction-1, 0)
	if a.own != nil {
		whole := math.Trunc(a.own.tokens(now))
		a.own.set(min(max(whole+1, 0), a.own.most), now)
	}
}

// ownLevel returns what may be spent here of a quota without windows.
func (a *account) ownLevel(now time.Time) *level {
	pace := a.Share * a.belief.pace(a)
	if a.own == nil {
		most := math.Floor(a.share())
		a.own = &level{most: most, pace: pace}
		a.own.set(most-min(math.Floor(a.fraction), most), now)
	}
	a.own.setPace(pace, now)
	return a.own
}

// level is a number of requests that are restored evenly: a mirror of what a
// server counts. A rate.Limiter could be neither set nor given back to.
type level struct {
	most   float64
	pace   float64 // requests restored per second; 0: none
	amount float64
	at     time.Time // of the amount
}

// tokens returns how many requests there are.
func (l *level) tokens(now time.Time) float64 {
	restored := 0.0
	if l.pace > 0 && now.After(l.at) {
		restored = now.Sub(l.at).Seconds() * l.pace
	}
	return min(l.amount+restored, l.most)
}

func (l *level) set(amount float64, now time.Time) { l.amount, l.at = amount, now }

func (l *level) take(n float64, now time.Time) { l.set(l.tokens(now)-n, now) }

func (l *level) setPace(pace float64, now time.Time) {
	if pace != l.pace {
		l.set(l.tokens(now), now)
		l.pace = pace
	}
}
