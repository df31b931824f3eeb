package quota

import (
	"math"
	"time"
)

// spending is what this process has spent of its share of the quota.
type spending struct {
	fraction float64   // number of requests in this window; a part of older ones counts, too
	counting time.Time // since when they are counted
	own      *level    // what is left if there are no windows; nil until needed
}

// share returns how many requests of a window this process may send, at least one.
func (a *account) share() float64 { return max(a.Share*float64(a.limit), 1) }

// shareLeft returns how much of the share is left.
func (a *account) shareLeft(now time.Time) float64 {
	if a.belief.pace(a) > 0 { // there are no windows in which to count
		return a.ownLevel(now).tokens(now)
	}
	return a.share() - a.fraction
}

// countedStill returns which part of the spent requests still counts. A share is a
// part of an hour's quota: on a server that restores requests continuously, what
// looks like a new window comes more often than that.
func (a *account) countedStill(now time.Time) float64 {
	return max(1-now.Sub(a.counting).Hours(), 0)
}

// shareOpens returns when so little of the spent requests still counts that a
// request may begin a new window.
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
	if a.belief.pace(a) > 0 {
		a.ownLevel(now).take(1, now) // the level may be new: fraction does not contain this request yet
	}
	a.fraction++
}

// unspendShare removes a request that was not sent.
func (a *account) unspendShare(now time.Time) {
	a.fraction--
	if a.own != nil {
		a.own.set(min(math.Trunc(a.own.tokens(now))+1, a.own.most), now)
	}
}

// ownLevel returns what this process may spend of a quota without windows.
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

// level is a number of requests that are restored at a constant pace: an estimate
// of the server's count. A rate.Limiter cannot be set to a value, nor given
// requests back.
type level struct {
	most   float64
	pace   float64 // requests restored per second; zero means no continuous restoration
	amount float64
	at     time.Time // when amount was set
}

// tokens returns the number of requests at the given time.
func (l *level) tokens(now time.Time) float64 {
	restored := max(now.Sub(l.at), 0).Seconds() * l.pace
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
