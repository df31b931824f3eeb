// Package quota keeps the account of a quota of requests that a server
// enforces: how many are left, when there will be more, and who has to wait
// until then. It knows nothing of HTTP requests; answers go in as headers and
// times, permits come out.
package quota

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Forever is the budget of a caller who waits as long as the context allows.
const Forever = time.Duration(1<<63 - 1)

const (
	// blindBackoff and blindBackoffMax bound the waits after refusals that
	// tell no time: 1, 2, 4 … 300 seconds.
	blindBackoff    = time.Second
	blindBackoffMax = 300 * time.Second
	// spread is the longest of the random delays after a reset, which keep
	// the processes of one token from returning all at once.
	spread = 500 * time.Millisecond
)

// Figures is what a ledger knows. Times are of the local clock.
type Figures struct {
	Limit     int       // requests per window; 0: unknown
	Remaining int       // requests left, less those in flight
	Reset     time.Time // end of the window; zero: unknown
	Observed  time.Time // when the newest figures came; zero: never
	Waiting   int       // callers waiting for a permit
	InFlight  int       // permits granted and not settled
}

// Refusal is the error of a caller for whom the wait would be too long. Nothing
// was waited for.
type Refusal struct {
	Until time.Time // when a permit is expected
}

func (r *Refusal) Error() string { return "quota used up" }

// Ledger is the account of one quota. It is safe for concurrent use.
type Ledger struct {
	mu       sync.Mutex
	limit    int           // 0: not known, or none at all
	left     int           // what the newest answer said, less what was spent since without a word
	reset    time.Time     // zero: not known
	observed time.Time     // when the newest answer came; zero: never
	bucket   *rate.Limiter // what is left to spend: a mirror of the server's count, never refilled here
	opens    time.Time     // when there will be more; zero: not known, so nobody waits
	blocked  time.Time     // nothing may be sent before
	strikes  int           // refusals in a row that told no time
	waiting  int
	inFlight int
	changed  chan struct{} // closed when the waiters should look again; nil: nobody waits

	// Answers come out of order. ticks counts grants and bookings, so that
	// what happened first can be told without a clock.
	ticks, booked, struck uint64
}

// NewLedger returns a ledger that knows nothing yet and so refuses nobody.
func NewLedger() *Ledger { return &Ledger{} }

// Permit is the right to send one request. It must be settled or cancelled,
// once.
type Permit struct{ tick uint64 }

// Acquire waits for a permit and tells how long it waited. A wait that would
// exceed budget or the deadline of ctx is refused at once with a [*Refusal]; a
// context that ends while waiting returns its error. notify is called before
// each wait with its end.
func (l *Ledger) Acquire(ctx context.Context, budget time.Duration, notify func(until time.Time)) (Permit, time.Duration, error) {
	start := time.Now()
	var told time.Time
	for {
		l.mu.Lock()
		now := time.Now()
		until := l.gate(now)
		if until.IsZero() {
			p := l.grant()
			l.mu.Unlock()
			return p, now.Sub(start), nil
		}
		waited := now.Sub(start)
		if deadline, ok := ctx.Deadline(); until.Sub(now) > budget-waited || ok && until.After(deadline) {
			l.mu.Unlock()
			return Permit{}, waited, &Refusal{Until: until}
		}
		l.waiting++
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		err := l.wait(ctx, until, changed, func() {
			if !until.Equal(told) {
				told = until
				notify(until)
			}
		})
		if err != nil {
			return Permit{}, time.Since(start), err
		}
	}
}

// wait tells of a wait and waits until the given time, or until changed is
// closed or ctx ends.
func (l *Ledger) wait(ctx context.Context, until time.Time, changed <-chan struct{}, tell func()) error {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.waiting--; l.waiting == 0 {
			l.changed = nil // the next to wait may do so in another synctest bubble
		}
	}()
	tell()
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Grant gives a permit without asking whether there is one.
func (l *Ledger) Grant() Permit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grant()
}

func (l *Ledger) grant() Permit {
	l.inFlight++
	l.ticks++
	return Permit{tick: l.ticks}
}

// gate spends a permit and returns the zero time, or returns until when there
// is none.
func (l *Ledger) gate(now time.Time) time.Time {
	if now.Before(l.blocked) {
		return l.blocked
	}
	if !l.opens.IsZero() && !now.Before(l.opens) {
		// A new window: the whole quota is back, less what is under way. It
		// ends nobody knows when, until an answer tells.
		l.left, l.opens, l.reset = l.limit, time.Time{}, time.Time{}
		l.mirror(now)
	}
	if l.opens.IsZero() || l.bucket.AllowN(now, 1) {
		return time.Time{}
	}
	return l.opens
}

// mirror sets the bucket to what is left, less what is in flight: requests
// whose answers have yet to tell that they were counted.
func (l *Ledger) mirror(now time.Time) {
	l.bucket = rate.NewLimiter(0, l.limit)
	l.bucket.ReserveN(now, l.limit-max(l.left-l.inFlight, 0))
}

// Settle ends a permit with the answer that came for it; refused tells that
// the answer was a refusal for want of quota, a 429.
func (l *Ledger) Settle(p Permit, refused bool, r Reading, received time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	l.ticks++
	switch {
	case r.Limit < 0 || r.Remaining < 0:
		if !refused {
			l.left = max(l.left-1, 0) // without a word, but counted
		}
	case l.newer(p, r):
		l.limit, l.left, l.reset, l.opens = r.Limit, r.Remaining, r.Reset, r.Reset
		l.observed, l.booked = received, l.ticks
	}
	if refused {
		l.block(p, r, received)
	} else if p.tick > l.struck {
		l.strikes = 0
	}
	l.mirror(received)
	l.wake()
}

// Cancel ends a permit for which no answer came. Whether the server counted
// the request is not known, so it is taken to have done so, if it was sent.
func (l *Ledger) Cancel(_ Permit, sent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	if sent {
		l.left = max(l.left-1, 0)
	}
	l.mirror(time.Now())
	l.wake()
}

// newer tells whether a reading tells more than what is known. One that was
// asked for before the newest answer came may only lower what is left, or be
// of a later window.
func (l *Ledger) newer(p Permit, r Reading) bool {
	if l.observed.IsZero() || p.tick > l.booked {
		return true
	}
	if !r.Reset.IsZero() && r.Reset.After(l.reset.Add(tolerance)) {
		return true
	}
	return r.Limit == l.limit && r.Remaining < l.left && !r.Reset.Before(l.reset.Add(-tolerance))
}

// block holds everything back after a refusal: as long as Retry-After says,
// else until the reset, else longer each time. Refusals of requests that were
// under way together count as one.
func (l *Ledger) block(p Permit, r Reading, received time.Time) {
	var until time.Time
	switch {
	case r.RetryAfter.After(received):
		until = r.RetryAfter
	case r.RetryAfter.IsZero() && r.Reset.After(received):
		until = r.Reset
	case p.tick <= l.struck:
		return
	default:
		wait := min(blindBackoff<<min(l.strikes, 16), blindBackoffMax)
		until = received.Add(wait/2 + rand.N(wait/2))
		l.strikes++
	}
	l.struck = l.ticks
	until = until.Add(rand.N(spread))
	if until.After(l.blocked) {
		l.blocked = until
	}
	if !l.opens.IsZero() {
		l.opens = l.blocked // told when to come back, so there will be more by then
	}
}

// wake lets the waiters look again.
func (l *Ledger) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Figures returns what is known now.
func (l *Ledger) Figures() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Figures{
		Limit:     l.limit,
		Remaining: max(l.left-l.inFlight, 0),
		Reset:     l.reset,
		Observed:  l.observed,
		Waiting:   l.waiting,
		InFlight:  l.inFlight,
	}
}
