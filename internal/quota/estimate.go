package quota

import (
	"math"
	"sort"
	"time"
)

// Reason is what a caller waits for; leedo.WaitReason documents the values. The
// empty Reason is an exchange with the store, which does not count as a wait.
type Reason string

// The reasons for a wait.
const (
	WaitQuota      Reason = "quota"
	WaitReserve    Reason = "reserve"
	WaitRetryAfter Reason = "Retry-After"
	WaitProbe      Reason = "probe"
	WaitPace       Reason = "pace"
)

// Wait describes the wait of a caller.
type Wait struct {
	Until   time.Time // when it is likely to get its permit
	Reason  Reason
	Figures Figures // the current ones, without Waiting and InFlight
}

// Long reports whether the wait is long enough to be reported.
func (w Wait) Long(now time.Time) bool { return w.Until.Sub(now).Round(time.Microsecond) > longWait }

// estimate returns when a caller with ahead others before it is likely to get its
// permit, if no others come and each response in flight counts one request. The
// error of a caller that fails has the same estimate.
func (a *account) estimate(v verdict, ahead int, now time.Time) time.Time {
	at := a.belief.estimate(a, v, ahead, now)
	if a.PerSecond > 0 {
		at = later(at, a.inPace(ahead, now))
	}
	return at
}

// reason returns what a caller waits for until the estimated time.
func (a *account) reason(v verdict, at time.Time, ahead int, now time.Time) Reason {
	switch {
	case a.PerSecond > 0 && at.After(now) && !a.inPace(ahead, now).Before(at):
		return WaitPace
	case v.why != "":
		return v.why
	case v.careful || !at.After(now):
		return WaitProbe
	case v.class == Bulk && a.remaining(now)-float64(ahead) >= 1, a.limit == 0 && !v.kept.IsZero():
		return WaitReserve
	}
	return WaitQuota
}

// inPace returns when the client-side limit allows a caller with ahead others
// before it.
func (a *account) inPace(ahead int, now time.Time) time.Time {
	lack := float64(ahead) + 1 - a.pacer.TokensAt(now)
	if lack <= 0 {
		return now
	}
	return now.Add(time.Duration(lack/a.PerSecond*float64(time.Second)) + 1)
}

// inLine returns when a caller with ahead others before it is likely to get its
// permit if requests are restored at the given time.
func (a *account) inLine(at time.Time, ahead int, now time.Time) time.Time {
	if a.limit > 0 && at.After(now) {
		at = at.Add(time.Duration(ahead/int(a.share())) * a.length)
	}
	return at
}

// inWindows returns when a caller with ahead others before it is likely to get its
// permit from a server that counts in windows.
func (a *account) inWindows(v verdict, ahead int, now time.Time) time.Time {
	switch {
	case v.careful, v.soon && a.windowOver(now):
		return now
	case v.kept.IsZero() && a.limit == 0, a.windowOver(now):
		return a.inLine(v.likely(now), ahead, now)
	case v.class == Bulk && a.belief.pace(a) > 0:
		if v.soon {
			return now
		}
		return later(later(v.look, a.opens), a.enough(v.class, ahead, now))
	}
	from, need := later(now, a.blocked), float64(ahead)+1
	left, doubtful := a.sureLeft(now)
	switch {
	case v.class == Interactive && left+doubtful >= need, v.class == Bulk && left+doubtful >= need+a.reserved(from):
		return from
	case left >= need: // enough for bulk when the reserve has shrunk
		if at := a.freed(left-float64(ahead), a.window(), from); !at.IsZero() {
			return at
		}
	}
	if a.belief.pace(a) > 0 {
		return later(later(v.look, a.opens), a.enough(v.class, ahead, now))
	}
	return a.inNextWindows(v, ahead-max(int(left), 0), now)
}

// sureLeft returns how many requests are left if the newest response has counted
// none of those in flight, and how many more if it has counted all that it can have
// counted.
func (a *account) sureLeft(now time.Time) (left, doubtful float64) {
	if a.limit == 0 {
		return float64(a.blind.capacity - a.blind.served - a.inFlight), 0
	}
	return math.Floor(a.remaining(now) - a.spentByOthers(now)), float64(a.doubtful)
}

// inNextWindows returns when a caller is likely to get its permit if nothing is
// left of this window for it and ahead others before it.
func (a *account) inNextWindows(v verdict, ahead int, now time.Time) time.Time {
	w, at := a.window(), later(now, a.blocked)
	if a.limit == 0 {
		at = later(at, w.end.Add(grain+spread)) // it is not known more exactly
	} else {
		at = later(later(at, a.shareOpens()), later(a.opens, v.look))
	}
	each := max(int(w.limit), 1)
	at = at.Add(time.Duration(max(ahead, 0)/each) * w.length)
	if v.class == Bulk {
		w.end = at.Add(w.length)
		if open := a.freed(float64(each-max(ahead, 0)%each), w, at); !open.IsZero() {
			return open
		}
	}
	return at
}

// waitForReserve returns the verdict on a bulk request that may be sent when the
// reserve has shrunk far enough. By the end of the window all of it is released.
func (a *account) waitForReserve(left float64, end, now time.Time) verdict {
	if a.others > 0 { // what they may have spent grows in the meantime
		return verdict{look: now.Add(min(max(end.Sub(now)/looks, minLook), maxLook))}
	}
	look := end
	if at := a.freed(left, a.window(), now); !at.IsZero() {
		look = at
	}
	return verdict{look: later(look, now.Add(minLook))}
}

// freed returns when, from the given time on, a bulk request may use the last of
// left requests of a window; zero means not before its end.
func (a *account) freed(left float64, w window, from time.Time) time.Time {
	left = math.Floor(left)
	most := max(w.end.Sub(from), 0)
	others := 0.0 // what they are likely to spend in the meantime
	if a.others > 1/maxGuessAge.Seconds() {
		others = a.others
	}
	free := func(d time.Duration) bool { return a.reserveOf(w, from.Add(d))+others*d.Seconds() < left }
	switch {
	case free(0):
		return from
	case !free(most):
		return time.Time{}
	}
	n := sort.Search(int(most/precision), func(i int) bool { return free(time.Duration(i) * precision) })
	return from.Add(min(time.Duration(n)*precision, most))
}
