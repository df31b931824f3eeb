package quota

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// account is what is known of the quota, and what this process has spent of it.
// It has no lock and no clock of its own.
type account struct {
	Options
	pacer *rate.Limiter // of Options.PerSecond; nil: none

	belief   belief        // what the server is taken to do
	limit    int           // 0: not known
	left     int           // what the newest response said, minus requests since then whose response had no headers
	reset    time.Time     // end of the window at the latest; zero: not known
	opens    time.Time     // when there will be more; zero: not known
	length   time.Duration // of a window, as far as one was seen
	observed time.Time     // when the newest response came; zero: never
	level    level         // the mirror of the server's count: left, and what was restored since
	lost     []uint64      // when requests were spent that the newest response has not counted
	jitter   time.Duration // how long after the reset the first request is sent

	inFlight int
	doubtful int       // of those in flight, that the newest response may have counted
	probed   time.Time // when the last probe of a new window was sent
	blind    blind     // what stands in for figures

	evidence
	spending
	spent  spent // what a server that remembers each request counts
	demand demand

	blocked time.Time // nothing may be sent before
	dated   bool      // as the newest 429 said
	strikes int       // 429s in a row
	sooner  bool      // the last of them said that there is more long before the reset

	// Responses come out of order. ticks counts grants and responses, so that
	// what happened first is known without a clock: booked is the tick of the
	// newest response, struck of the newest 429, began of the window.
	ticks, booked, struck, began uint64
	// How many requests the server has counted is known within bounds only:
	// granted are those that were granted, counted those of them that may have
	// been counted, and sure those whose responses showed it.
	granted, counted, sure int
}

// Permit is the right to send one request. It must be settled or cancelled,
// once.
type Permit struct {
	tick    uint64
	counted int // how many may have been counted when it was granted
	sure    int // and how many were for sure
	at      time.Time
	turn    int64 // of the store's newest answer then
}

func newAccount(o Options) account {
	if o.Share == 0 {
		o.Share = 1
	}
	if o.RetryBudget == 0 {
		o.RetryBudget = DefaultRetryBudget
	}
	a := account{Options: o, belief: headerless{fixedWindow{}}, evidence: evidence{part: 1}}
	if o.PerSecond > 0 {
		a.pacer = rate.NewLimiter(rate.Limit(o.PerSecond), 1)
	}
	return a
}

// remaining returns how many requests are left to be sent.
func (a *account) remaining(now time.Time) float64 {
	n := a.level.tokens(now) - float64(a.inFlight)
	if a.Share == 1 {
		return n
	}
	return min(n, a.shareLeft(now))
}

// grant gives a permit.
func (a *account) grant(_ Class, now time.Time) Permit {
	if a.windowOver(now) {
		a.probed = now
	}
	a.inFlight++
	a.ticks++
	a.granted++
	a.spendShare(now)
	a.spent.add(1, now, now)
	if a.demand.watched.IsZero() {
		a.demand.watched = now
	}
	if a.pacer != nil {
		a.pacer.ReserveN(now, 1)
	}
	return Permit{tick: a.ticks, counted: a.counted, sure: a.sure, at: now}
}

// land ends the flight of a request.
func (a *account) land(p Permit) {
	a.inFlight--
	if p.tick < a.booked {
		a.doubtful = max(a.doubtful-1, 0)
	}
}

// cancel ends a permit without a response.
func (a *account) cancel(p Permit, sent bool, now time.Time) {
	a.land(p)
	if sent {
		a.lose(now)
		a.counted++
	} else {
		a.granted--
		a.unspendShare(now)
		a.spent.remove(p.at)
	}
	a.mirror(now)
}

// settle ends a permit with a response.
func (a *account) settle(p Permit, rejected bool, r Reading, now time.Time) {
	a.land(p)
	a.ticks++
	old := p.tick < a.began // of the window before
	if !rejected {
		a.counted++
		a.blind.serve(p.at, now)
		if p.tick > a.struck {
			if a.sooner && now.Before(a.reset) && a.belief == (fixedWindow{}) {
				a.belief, a.mark = refilling{documented(a.limit)}, mark{} // there was
			}
			a.strikes, a.sooner = 0, false
		}
	} else {
		a.spent.remove(p.at)
	}
	a.blind.garbled = r.Garbled
	if r.Valid() {
		a.blind.silent = 0
		if !rejected {
			a.sure++
		}
		a.book(p, r, now)
	} else {
		a.blind.silent++
		if !rejected {
			a.lose(now) // no headers, but counted
		}
		if a.blind.silent > maxSilent && !r.Garbled && !now.Before(a.opens) {
			a.forget()
		}
	}
	if rejected {
		a.unspendShare(now) // a 429 takes nothing from the share
	}
	if rejected && !old {
		a.block(p, r, now)
	}
	a.mirror(now)
}

// figures returns what is known, without what waits and is in flight, to one who
// waits for the given reason. After the reset they are those of a new window, but to
// one who still waits for that.
func (a *account) figures(why Reason, now time.Time) Figures {
	f := Figures{Limit: a.limit, Remaining: max(int(a.remaining(now)), 0), Reset: a.reset, Observed: a.observed}
	if a.limit > 0 && !a.reset.IsZero() && !now.Before(a.reset) && !now.Before(a.blocked) && why != WaitQuota {
		f.Reset, f.Remaining = time.Time{}, a.afterReset(f.Remaining, now)
	}
	return f
}

// afterReset returns how many requests are left after the reset, of so many that
// were left before: all, less those in flight, but at a server that restores them
// one by one.
func (a *account) afterReset(left int, now time.Time) int {
	all := max(int(a.share())-a.inFlight, 0)
	switch {
	case a.belief.pace(a) == 0, now.Sub(a.observed) >= a.length:
		return max(all, left)
	}
	return max(left, min(all, 1))
}

// lose counts a request that no response has counted.
func (a *account) lose(now time.Time) {
	if a.limit > len(a.lost) { // more cannot be spent of a window
		a.ticks++
		a.lost = append(a.lost, a.ticks)
		a.left = max(a.left-1, 0)
		a.level.take(1, now)
	}
}

// forget drops the figures of a server that has stopped sending headers.
func (a *account) forget() {
	if a.limit > 0 {
		a.belief = headerless{a.belief}
	}
	a.limit, a.reset, a.opens = 0, time.Time{}, time.Time{}
}

// mirror sets the level to what is left.
func (a *account) mirror(now time.Time) {
	left, pace := float64(a.left), a.belief.refill()
	have := a.level.tokens(now)
	switch {
	case a.limit == 0:
		a.level = level{}
	case a.level.most != float64(a.limit) || a.level.pace != pace || have < left-0.5:
		a.level = level{most: float64(a.limit), pace: pace, amount: left, at: now}
	case pace > 0 && a.observed.Before(now): // what was restored since the response is not in it
	case have >= left+1:
		a.level.take(math.Floor(have-left), now)
	}
}
