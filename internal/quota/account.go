package quota

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	// hour is the window of the documented plans, believed until seen to be
	// another.
	hour = time.Hour
	// cold is how many requests may be in flight before anything is known.
	cold = 4
	// guesswork is for how long what others may have spent is only guessed.
	guesswork = 5 * time.Minute
	// forgetful is after how many answers without figures old ones mean nothing.
	forgetful = 20
	// reprobe is how long the answer to a probe is waited for before the next.
	reprobe = 3 * time.Second
	// prompt is how soon after a reset an answer tells what came back.
	prompt = 30 * time.Second
	// margin is how much earlier than reckoned a reset may be.
	margin = 5 * time.Second
	// spread is the longest of the random delays after a reset, which keep
	// the processes of one token from returning all at once.
	spread = 500 * time.Millisecond
	// blindBackoff and blindBackoffMax bound the waits after refusals that
	// tell no time: 1, 2, 4 … 300 seconds.
	blindBackoff    = time.Second
	blindBackoffMax = 300 * time.Second
	// Demand is remembered over a short and a long time, whichever says more.
	shortMemory = 10 * time.Minute
	longMemory  = time.Hour
)

// Check tells what is wrong with the options.
func (o Options) Check() error {
	switch { // a NaN is in no range
	case !(o.Share >= 0 && o.Share <= 1):
		return fmt.Errorf("a Share of %v is not from 0 to 1", o.Share)
	case !(o.Reserve >= 0 && o.Reserve <= 1):
		return fmt.Errorf("a Reserve of %v is not from 0 to 1", o.Reserve)
	case o.PerSecond != 0 && !(o.PerSecond >= 1e-5 && o.PerSecond <= 1e6):
		return fmt.Errorf("a ceiling of %v requests per second is not from 0.00001 to a million", o.PerSecond)
	}
	return nil
}

// account is what is known of the quota. It has no lock and no clock of its
// own.
type account struct {
	Options
	ceiling *rate.Limiter // of Options.PerSecond; nil: none

	limit    int           // 0: not known
	left     int           // what the newest answer said, less what was spent since without a word
	reset    time.Time     // end of the window at the latest; zero: not known
	opens    time.Time     // when there will be more; zero: not known
	length   time.Duration // of a window, as far as one was seen
	observed time.Time     // when the newest answer came; zero: never
	bucket   *rate.Limiter // the mirror of the server's count: left, and what came back since
	lost     []uint64      // when requests were spent without a word, that the newest answer has not counted
	fraction float64       // of Share: what was spent here of this window
	counting time.Time     // since when
	own      *rate.Limiter // of Share, while there are no windows; nil: not needed yet
	jitter   time.Duration

	inFlight int
	probed   time.Time // when the last probe of a new window was sent
	blind    blind     // what stands in for figures

	refill  bool      // the server gives back all the time, not at the reset
	pace    float64   // how much, in requests per second
	rolling bool      // at the reset one request comes back, not all
	turned  time.Time // while rolling: when they began to come back the last time
	mark    mark      // what is compared with to find that out
	seen    mark      // and what with to find out what others spend
	others  float64   // what others spend, in requests per second
	part    float64   // of all that is spent of late what is spent here

	blocked       time.Time // nothing may be sent before
	strikes       int       // refusals in a row
	lately, often float64   // interactive requests per second, over the short and the long memory
	lastAsk       time.Time // the last of them; zero: never

	// Answers come out of order. ticks counts grants and answers, so that what
	// happened first can be told without a clock.
	ticks, booked, struck uint64
	granted, counted      int    // requests granted, and those that may have been counted of them, so far
	sure                  int    // those whose answers showed that they were counted
	began                 uint64 // when the window did
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
	a := account{Options: o, part: 1}
	if o.PerSecond > 0 {
		a.ceiling = rate.NewLimiter(rate.Limit(o.PerSecond), 1)
	}
	return a
}

// arrive notes that a caller came.
func (a *account) arrive(c Class, now time.Time) bool {
	if c == Interactive {
		idle := now.Sub(a.lastAsk)
		a.lately = faded(a.lately, idle, shortMemory) + 1/shortMemory.Seconds()
		a.often = faded(a.often, idle, longMemory) + 1/longMemory.Seconds()
		a.lastAsk = now
	}
	return true
}

// refresh has nothing to do: time alone changes nothing here.
func (a *account) refresh(time.Time) {}

// next has nothing to wait for but the gate.
func (a *account) next(_, _ int, gate, _ time.Time) time.Time { return gate }

// demand returns how many interactive requests per second there were of late.
func (a *account) demand(now time.Time) float64 {
	idle := now.Sub(a.lastAsk)
	return max(faded(a.lately, idle, shortMemory), faded(a.often, idle, longMemory))
}

// faded returns what is left of a rate after a time without news.
func faded(perSecond float64, idle, memory time.Duration) float64 {
	return perSecond * math.Exp(-max(idle, 0).Seconds()/memory.Seconds())
}

// tokens returns how many requests are left to be sent.
func (a *account) tokens(now time.Time) float64 {
	if a.bucket == nil {
		return 0
	}
	tokens := a.bucket.TokensAt(now) - float64(a.inFlight)
	if a.Share == 1 {
		return tokens
	}
	return min(tokens, a.room(now))
}

// grant gives a permit.
func (a *account) grant(_ Class, now time.Time) Permit {
	if !a.opens.IsZero() && !now.Before(a.opens) {
		a.probed = now
	}
	if a.counting.IsZero() {
		a.counting = now
	}
	a.inFlight++
	a.ticks++
	a.granted++
	a.fraction++
	if a.Share < 1 && (a.refill || a.rolling) {
		a.ownBucket(now).ReserveN(now, 1)
	}
	if a.ceiling != nil {
		a.ceiling.ReserveN(now, 1)
	}
	return Permit{tick: a.ticks, counted: a.counted, sure: a.sure, at: now}
}

// cancel ends a permit without an answer.
func (a *account) cancel(_ Permit, sent bool, now time.Time) {
	a.inFlight--
	if sent {
		a.lose(now)
		a.counted++
	} else {
		a.granted--
		a.unspend(now)
	}
	a.mirror(now)
}

// settle ends a permit with an answer.
func (a *account) settle(p Permit, refused bool, r Reading, now time.Time) {
	a.inFlight--
	a.ticks++
	old := p.tick < a.began // of the window before
	if !refused {
		a.counted++
		a.blind.serve(p.at, now)
		if p.tick > a.struck {
			a.strikes = 0
		}
	}
	if r.Limit < 0 || r.Remaining < 0 {
		a.blind.silent++
		if !refused {
			a.lose(now) // without a word, but counted
		}
		if a.blind.silent > forgetful && !now.Before(a.opens) {
			a.limit, a.reset, a.opens = 0, time.Time{}, time.Time{} // it has stopped telling
		}
	} else {
		a.blind.silent = 0
		if !refused {
			a.sure++
		}
		a.book(p, r, now)
	}
	if refused && !old {
		a.block(p, r, now)
	}
	a.mirror(now)
}

// lose counts a request that no answer has counted.
func (a *account) lose(now time.Time) {
	if a.limit > len(a.lost) { // more cannot be spent of a window
		a.ticks++
		a.lost = append(a.lost, a.ticks)
		a.left = max(a.left-1, 0)
		if a.bucket != nil {
			a.bucket.ReserveN(now, 1)
		}
	}
}
