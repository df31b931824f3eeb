package quota

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// account is the state of the quota, as far as it is known, and what this process
// has spent of it. It has neither a lock nor a clock.
type account struct {
	Options
	pacer *rate.Limiter // the client-side limit, Options.PerSecond; nil means no limit

	belief   belief        // how the server is assumed to count
	limit    int           // zero if unknown
	left     int           // what the newest response reported, minus requests since then whose outcome reported nothing
	reset    time.Time     // the latest possible end of the window; zero if unknown
	opens    time.Time     // when more requests will be available; zero if unknown
	length   time.Duration // of a window, as far as is known
	observed time.Time     // when the newest response came; zero if none has
	level    level         // an estimate of the server's count: left, plus what has been restored since
	lost     []uint64      // the ticks of spent requests that the newest response has not counted
	jitter   time.Duration // how long after the reset the first request is sent

	inFlight int
	doubtful int       // how many of those in flight the newest response may have counted
	probed   time.Time // when the last probe of a new window was sent
	blind    blind     // what replaces figures if there are no headers

	evidence
	spending
	spent  spent // when requests were spent, for the belief rolling
	demand demand

	blocked time.Time // nothing is sent before this time
	dated   bool      // blocked follows from the Retry-After of the newest 429
	strikes int       // consecutive 429s
	sooner  bool      // the last of them had a Retry-After that ends long before the reset

	// Responses come out of order. ticks counts grants and responses, which shows
	// what happened first without a clock. booked is the tick of the newest
	// response, struck that of the newest 429, and began that of the beginning of
	// the window.
	ticks, booked, struck, began uint64
	// The number of requests that the server has counted is only known within
	// bounds: granted is the number of permits granted; counted is how many of
	// those may have been counted; sure is how many a response has shown to be
	// counted.
	granted, counted, sure int
}

// Permit is the right to send one request. It must be settled or canceled, once.
type Permit struct {
	tick    uint64
	counted int // account.counted when it was granted
	sure    int // account.sure when it was granted
	at      time.Time
	turn    int64 // the turn of the store's newest reply when it was granted
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

// remaining returns how many more requests may be sent.
func (a *account) remaining(now time.Time) float64 {
	n := a.level.tokens(now) - float64(a.inFlight)
	if a.Share == 1 {
		return n
	}
	return min(n, a.shareLeft(now))
}

// grant grants a permit.
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

// land records that a request is no longer in flight.
func (a *account) land(p Permit) {
	a.inFlight--
	if p.tick < a.booked {
		a.doubtful--
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
	old := p.tick < a.began // the request was sent in the previous window
	if !rejected {
		a.counted++
		a.blind.serve(p.at, now)
		if p.tick > a.struck {
			if a.sooner && now.Before(a.reset) && a.belief == (fixedWindow{}) {
				a.belief, a.mark = refilling{documented(a.limit)}, mark{} // a request has been restored before the reset
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
		a.unspendShare(now) // a 429 uses none of the share
	}
	if rejected && !old {
		a.block(p, r, now)
	}
	a.mirror(now)
}

// figures returns the rate limit state, without Waiting and InFlight, for a caller
// that waits for the given reason. After the reset it is the state of a new window,
// except for a caller that still waits for the quota.
func (a *account) figures(why Reason, now time.Time) Figures {
	f := Figures{Limit: a.limit, Remaining: max(int(a.remaining(now)), 0), Reset: a.reset, Observed: a.observed}
	if !a.reset.IsZero() && !now.Before(a.reset) && !now.Before(a.blocked) && why != WaitQuota {
		f.Reset, f.Remaining = time.Time{}, a.afterReset(f.Remaining, now)
	}
	return f
}

// afterReset returns how many requests are left after the reset if left were left
// before it: all but those in flight, or at least one if the server restores them
// one by one.
func (a *account) afterReset(left int, now time.Time) int {
	all := int(a.share()) - a.inFlight
	switch {
	case a.belief.pace(a) == 0, now.Sub(a.observed) >= a.length:
		return max(all, left)
	}
	return max(left, min(all, 1))
}

// lose counts a request that no response has counted.
func (a *account) lose(now time.Time) {
	if a.limit > len(a.lost) { // no more than the limit can be spent in a window
		a.lost = append(a.lost, a.ticks)
		a.left = max(a.left-1, 0)
		a.level.take(1, now)
	}
}

// forget discards the figures of a server that has stopped sending headers.
func (a *account) forget() {
	if a.limit > 0 {
		a.belief = headerless{a.belief}
	}
	a.limit, a.reset, a.opens = 0, time.Time{}, time.Time{}
}

// mirror updates level from left.
func (a *account) mirror(now time.Time) {
	left, pace := float64(a.left), a.belief.refill()
	have := a.level.tokens(now)
	switch {
	case a.limit == 0:
		a.level = level{}
	case a.level.pace != pace || have < left-0.5:
		a.level = level{most: float64(a.limit), pace: pace, amount: left, at: now}
	case pace > 0 && a.observed.Before(now): // left does not include what was restored since the response
	case have >= left+1:
		a.level.take(math.Floor(have-left), now)
	}
}
