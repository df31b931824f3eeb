package quota

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// mark is an observation with which later ones are compared.
type mark struct {
	at      time.Time // zero: none
	left    int
	granted int       // requests granted until then, without those of which nothing is known
	counted int       // requests that may have been counted before its own was granted
	until   time.Time // the reset it promised
}

// book takes in what an answer says, if that is news. An answer that was asked
// for before the newest one came may only lower what is left, or be of a later
// window.
func (a *account) book(p Permit, r Reading, now time.Time) {
	newer := a.observed.IsZero() || p.tick > a.booked
	slack := tolerance + now.Sub(p.at)
	later := !r.Reset.IsZero() && (newer || !a.reset.IsZero()) && r.Reset.Sub(a.reset) > slack
	earlier := !r.Reset.IsZero() && a.reset.Sub(r.Reset) > slack
	turned := later && !a.reset.IsZero() && !a.refill && (r.Remaining > a.left || !now.Before(a.opens))
	switch {
	case newer && r.Limit != a.limit:
		// Another plan.
		a.mark, a.seen, a.refill, a.rolling, a.length, a.own = mark{}, mark{}, false, false, 0, nil
	case !newer && (r.Limit != a.limit || earlier || !later && r.Remaining-len(a.lost) >= a.left):
		return
	}
	if turned {
		a.turn(r, now)
	}
	if a.refill && later && r.Remaining*10 > r.Limit*9 && r.Reset.Sub(now) > a.length/2 {
		// All is back, and the reset is a window ahead: it was one all along.
		a.refill, a.mark = false, mark{}
	} else if newer && !turned {
		a.compare(p, r, now)
	}
	if !turned {
		a.divide(p, r)
	}
	a.lost = slices.DeleteFunc(a.lost, func(tick uint64) bool { return tick < p.tick })
	a.limit, a.left = r.Limit, max(r.Remaining-len(a.lost), 0)
	switch {
	case r.Reset.IsZero():
	case a.refill, later, earlier, a.reset.IsZero():
		if a.reset.IsZero() || turned {
			a.jitter = rand.N(spread)
		}
		a.reset = r.Reset
	case r.Reset.Before(a.reset):
		a.reset = r.Reset // the same window, more exactly
	}
	if !a.reset.IsZero() {
		// A reset further ahead than any window is a slip: look in an hour.
		a.opens = a.reset.Add(a.jitter)
		if latest := now.Add(hour + prompt); a.opens.After(latest) {
			a.opens = latest
		}
	} else {
		a.opens = time.Time{} // it was what a refusal had told
	}
	a.length = max(a.length, min(r.Reset.Sub(now), hour), time.Second)
	a.observed, a.booked = now, a.ticks
	if a.mark.at.IsZero() || !now.Before(a.mark.until) {
		a.mark = mark{now, a.left, a.granted - (a.counted - a.sure), p.counted, a.reset}
	}
	if a.seen.at.IsZero() {
		a.seen = mark{at: now, left: r.Remaining, counted: p.counted + 1}
	}
}

// turn begins a new window.
func (a *account) turn(r Reading, now time.Time) {
	a.mark, a.seen, a.lost, a.began = mark{}, mark{}, nil, a.ticks
	a.fraction, a.counting = a.fraction*a.rest(now)+float64(a.inFlight+1), now
	back := float64(r.Remaining+1) / float64(max(r.Limit, 1))
	switch {
	case back > 0.9:
		a.rolling, a.own = false, nil
	case now.Sub(a.reset) > prompt: // others may have spent the rest
	case r.Reset.Sub(now) < a.length/2: // the next reset is near: each gives back a few
		if !a.rolling || now.Sub(a.turned) > a.length*9/10 {
			a.turned = now
		}
		a.rolling = true
	case back < 0.5 && !a.rolling && a.length > 0 && now.Sub(a.reset) < reprobe+spread: // a window turned, but it slides
		a.refill, a.pace = true, float64(r.Limit)/a.length.Seconds()
	}
}

// compare finds out whether the server gives back all the time, and what
// others spend.
func (a *account) compare(p Permit, r Reading, now time.Time) {
	m := a.mark
	if m.at.IsZero() || a.rolling || m.until.Sub(now) < margin && !a.refill {
		return
	}
	elapsed := now.Sub(m.at).Seconds()
	if elapsed <= 0 {
		return
	}
	// Of the requests since the mark some were surely counted before this
	// answer, and no more than those may have been that were not before it.
	surely := max(p.sure-m.granted, 0) + 1
	if gain := r.Remaining - m.left + surely; gain >= 3 {
		a.refill = true
		a.pace = min(float64(gain)/elapsed, 1.25*float64(r.Limit)/a.length.Seconds())
		a.others = 0
		return
	}
	if a.refill {
		return
	}
	a.drift(r, now)
}

// drift reckons what others spend. Faster than the quota comes nobody can go
// on for long: that much at most is expected of them after a burst.
func (a *account) drift(r Reading, now time.Time) {
	elapsed := now.Sub(a.seen.at).Seconds()
	if elapsed < time.Minute.Seconds() {
		return // too short to tell others from what is in flight
	}
	spent := float64(max(a.seen.left-r.Remaining-(a.granted-a.seen.counted), 0))
	pace := min(spent/elapsed, float64(r.Limit)/a.length.Seconds())
	a.others += (pace - a.others) * (1 - math.Exp(-elapsed/shortMemory.Seconds()))
	a.seen = mark{}
}

// divide reckons which part of what all have spent since the mark was spent
// here: what was counted before p was granted, or more, but not more than was
// granted.
func (a *account) divide(p Permit, r Reading) {
	if a.mark.at.IsZero() || a.refill || a.rolling {
		return
	}
	all, least, most := a.mark.left-r.Remaining, max(p.sure-a.mark.granted, 0)+1, a.granted-a.mark.counted
	switch {
	case all > most: // others are about for sure
		a.part = float64(least+most) / 2 / float64(all)
	case (most-least)*4 <= all: // so few are in flight that there would be a sign of them
		a.part = 1
	}
}

// mirror sets the bucket to what is left.
func (a *account) mirror(now time.Time) {
	if a.limit == 0 {
		a.bucket = nil
		return
	}
	pace := rate.Limit(0)
	if a.refill {
		pace = rate.Limit(a.pace)
	}
	want := float64(a.left)
	if a.bucket != nil && a.bucket.Burst() == a.limit && a.bucket.Limit() == pace {
		have := a.bucket.TokensAt(now)
		if a.observed.Before(now) && a.refill && have > want {
			want = have // what came back since the answer is not in it
		}
		if lack := math.Floor(have - want); lack >= 1 {
			a.bucket.ReserveN(now, int(lack))
		}
		if have >= want-0.5 {
			return
		}
	}
	a.bucket = rate.NewLimiter(pace, a.limit)
	a.bucket.ReserveN(now, a.limit-a.left)
}
