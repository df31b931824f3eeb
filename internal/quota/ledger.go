// Package quota keeps the account of a quota of requests that a server
// enforces: how many are left, when there will be more, and who has to wait
// until then. It knows nothing of HTTP requests; answers go in as readings of
// their headers, permits come out.
package quota

import (
	"context"
	"sync"
	"time"
)

// Forever is the budget of a caller who waits as long as the context allows.
const Forever = time.Duration(1<<63 - 1)

// Class is the urgency of a request.
type Class int

// Interactive requests pass before those in Bulk, which leave them a share.
const (
	Interactive Class = iota
	Bulk
)

// Options sets up a ledger.
type Options struct {
	Share     float64 // the part of the quota that may be used here; 0: all
	Reserve   float64 // the part that bulk leaves to interactive requests
	PerSecond float64 // a ceiling on the requests per second; 0: none
	Store     Store   // shares the quota with other processes; nil: none
}

// patience is for how long answers that are under way are waited for.
const patience = 5 * time.Second

// DefaultReserve is the part that bulk leaves unless told.
const DefaultReserve = 0.05

// Figures is what a ledger knows. Times are of the local clock.
type Figures struct {
	Limit     int       // requests per window; 0: unknown
	Remaining int       // requests left, less those in flight
	Reset     time.Time // end of the window; zero: unknown
	Observed  time.Time // when the newest figures came; zero: never
	Waiting   int       // callers waiting for a permit
	InFlight  int       // permits granted and not settled
}

// Refusal is the error of a caller for whom the wait would be too long.
type Refusal struct {
	Until time.Time // when a permit is expected
}

func (r *Refusal) Error() string { return "quota used up" }

// Ledger is the account of one quota. It is safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex
	account account
	queue   queue
	shared  *shared     // nil: there is no store
	timer   *time.Timer // looks at the queue again; nil: nothing to wait for but answers
}

// New returns a ledger that knows nothing yet.
func New(o Options) *Ledger {
	l := &Ledger{account: newAccount(o), shared: newShared(o.Store)}
	l.queue.tells = l.shared != nil
	return l
}

// Ask is what a caller of Acquire wants.
type Ask struct {
	Class  Class
	Budget time.Duration         // the longest wait
	Notify func(until time.Time) // called before a wait with its likely end
}

// Acquire waits for a permit and tells how long it waited. A wait for the quota
// that is likely to exceed the budget or the deadline of ctx is refused with a
// [*Refusal], on arrival or as soon as that is known; a context that ends while
// waiting returns its error. Answers that are under way and will tell what is
// left are waited for whatever the budget, for a few seconds.
func (l *Ledger) Acquire(ctx context.Context, ask Ask) (Permit, time.Duration, error) {
	deadline, bounded := ctx.Deadline() // the caller's code, so not under the lock
	l.mu.Lock()
	now := time.Now()
	l.arrive(ask.Class, now)
	if l.queue.len() == 0 && !l.shared.fails() {
		if ok, _ := l.gate(ask.Class, now); ok {
			defer l.mu.Unlock()
			return l.grant(ask.Class, now), 0, nil
		}
	}
	w := &waiter{class: ask.Class, latest: latest(deadline, bounded, ask.Budget, now), ready: make(chan outcome, 1)}
	l.queue.push(w)
	l.dispatch(now)
	if l.shared != nil {
		w.worse, w.said = make(chan time.Time, 1), w.until // what the store will say is not known yet
	}
	waits, until := !w.done, w.until
	l.mu.Unlock()
	return l.await(ctx, w, now, ask, waits, until)
}

// await waits for what becomes of w, but no longer than the budget, and tells
// the caller if it has to wait, until when. Should the caller not come back from
// that or its context end, w leaves the queue.
func (l *Ledger) await(ctx context.Context, w *waiter, since time.Time, ask Ask, waits bool, until time.Time) (Permit, time.Duration, error) {
	left := true
	defer func() {
		if left {
			l.leave(w)
		}
	}()
	if waits {
		ask.Notify(until)
	}
	timer := time.NewTimer(max(ask.Budget, patience))
	defer timer.Stop()
	for {
		select {
		case until := <-w.worse:
			ask.Notify(until)
		case <-timer.C:
			// The answers that were to tell what is left did not come.
			return Permit{}, time.Since(since), &Refusal{Until: time.Now().Add(time.Second)}
		case o := <-w.ready:
			left = false
			if !o.refused.IsZero() {
				return Permit{}, time.Since(since), &Refusal{Until: o.refused}
			}
			return o.permit, time.Since(since), nil
		case <-ctx.Done():
			return Permit{}, time.Since(since), ctx.Err()
		}
	}
}

// leave takes w out of the queue; a permit that it got meanwhile goes back.
func (l *Ledger) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !w.done {
		l.queue.remove(w)
	} else if o := <-w.ready; o.refused.IsZero() {
		l.account.cancel(false, now)
		l.shared.back()
	}
	l.dispatch(now)
}

// Grant gives a permit without asking whether there is one.
func (l *Ledger) Grant() Permit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.account.grant(time.Now())
}

// arrive notes that a caller came.
func (l *Ledger) arrive(c Class, now time.Time) {
	l.account.arrive(c, now)
	l.shared.expire(now)
	if l.shared != nil && c == Interactive {
		l.shared.report.Calls++
	}
}

// gate tells whether a request of the class may be sent now, else when to look
// again; the zero time means when an answer comes, of a server or the store.
func (l *Ledger) gate(c Class, now time.Time) (bool, time.Time) {
	if !l.shared.decides() {
		return l.account.gate(c, now)
	}
	if ok, at := l.sharedGate(now); !ok {
		return false, at
	}
	return l.shared.leases[c] > 0 || l.shared.leases[Bulk] > 0, time.Time{}
}

// grant gives a permit for which there is leave.
func (l *Ledger) grant(c Class, now time.Time) Permit {
	p := l.account.grant(now)
	if l.shared.decides() {
		l.shared.lease(c)
		p.turn = l.shared.turn
	}
	return p
}

// estimate returns when a caller with so many others ahead is likely to have
// its permit.
func (l *Ledger) estimate(c Class, ahead int, now time.Time) time.Time {
	if !l.shared.decides() {
		return l.account.estimate(c, ahead, now)
	}
	at := l.shared.outlook(c, now)
	if ok, own := l.sharedGate(now); !ok {
		at = later(at, own)
	}
	return l.account.inLine(at, ahead, now)
}

// Settle ends a permit with the answer that came for it; refused tells that
// the answer was a refusal for want of quota, a 429.
func (l *Ledger) Settle(p Permit, refused bool, r Reading, received time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account.settle(p, refused, r, received)
	l.shared.settle(p, true, refused, r, received)
	l.dispatch(received)
}

// Cancel ends a permit for which no answer came. Whether the server counted
// the request is not known, so it is taken to have done so, if it was sent.
func (l *Ledger) Cancel(p Permit, sent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.account.cancel(sent, now)
	if l.shared.back(); sent {
		l.shared.settle(p, false, false, Reading{Limit: -1, Remaining: -1}, now)
	}
	l.dispatch(now)
}

// dispatch grants what can be granted, refuses whom it would take too long,
// and sets the timer for the next look.
func (l *Ledger) dispatch(now time.Time) {
	var next time.Time
	l.shared.expire(now)
	for {
		w := l.queue.next()
		if w == nil {
			break
		}
		ok, at := l.gate(w.class, now)
		if !ok && l.queue.turn(w) { // bulk's turn, but it has to leave the rest
			w = l.queue.interactive.first()
			ok, at = l.gate(w.class, now)
		}
		if !ok {
			next = at
			break
		}
		l.queue.grant(w, l.grant(w.class, now))
	}
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if l.queue.len() > 0 {
		l.queue.refuse(now, l.estimate)
	}
	if l.queue.len() == 0 {
		next = time.Time{}
	}
	if l.shared != nil {
		next = l.consult(next, now)
	}
	if !next.IsZero() {
		l.timer = time.AfterFunc(next.Sub(now), l.look)
	}
}

func (l *Ledger) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatch(time.Now())
}

// Figures returns what is known now.
func (l *Ledger) Figures() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &l.account
	return Figures{
		Limit:     a.limit,
		Remaining: max(int(a.tokens(time.Now())), 0),
		Reset:     a.reset,
		Observed:  a.observed,
		Waiting:   l.queue.len(),
		InFlight:  a.inFlight,
	}
}
