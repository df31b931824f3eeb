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
	keeper  keeper // the account itself, or the store that shares it
	queue   queue
	timer   *time.Timer // dispatches again; nil: there is nothing to wait for but responses
}

// A keeper decides who may send a request, and keeps count. The lock of the
// ledger guards it.
type keeper interface {
	// arrive notes that a caller came, and reports whether it may be granted
	// a permit at once if nobody waits.
	arrive(c Class, now time.Time) bool
	// gate decides on the next request of a class.
	gate(c Class, now time.Time) verdict
	// estimate returns when a caller with so many others ahead is likely to
	// have its permit, given what gate decided.
	estimate(v verdict, ahead int, now time.Time) time.Time
	// grant gives a permit that gate allows.
	grant(c Class, now time.Time) Permit
	// settle ends a permit with a response, cancel without one.
	settle(p Permit, rejected bool, r Reading, now time.Time)
	cancel(p Permit, sent bool, now time.Time)
	// refresh is called before each dispatch, and next after it: with how many
	// callers wait, and when the gate is to be asked again (zero: when a
	// response comes). It returns when the ledger is to dispatch again.
	refresh(now time.Time)
	next(interactive, bulk int, gate, now time.Time) time.Time
}

// New returns a ledger that knows nothing yet.
func New(o Options) *Ledger {
	l := &Ledger{account: newAccount(o)}
	l.keeper = &l.account
	if o.Store != nil {
		l.keeper = newShared(o.Store, &l.account, &l.mu, l.dispatch)
		l.queue.tells = true
	}
	return l
}

// Ask is what a caller of Acquire wants.
type Ask struct {
	Class  Class
	Budget time.Duration         // the longest wait
	Notify func(until time.Time) // called before a wait with its likely end
}

// Acquire waits for a permit and returns how long it waited. If the wait for the
// quota is likely to exceed the budget or the deadline of ctx, it returns a
// [*Refusal], on arrival or as soon as that is known; if ctx ends while it waits,
// it returns the error of ctx. Whatever the budget, it waits a few seconds for
// responses in flight that will say what is left.
func (l *Ledger) Acquire(ctx context.Context, ask Ask) (Permit, time.Duration, error) {
	deadline, bounded := ctx.Deadline() // the caller's code, so not under the lock
	l.mu.Lock()
	now := time.Now()
	if l.keeper.arrive(ask.Class, now) && l.queue.len() == 0 && l.keeper.gate(ask.Class, now).pass {
		defer l.mu.Unlock()
		return l.keeper.grant(ask.Class, now), 0, nil
	}
	w := &waiter{class: ask.Class, latest: latest(deadline, bounded, ask.Budget, now), ready: make(chan outcome, 1)}
	l.queue.push(w)
	l.dispatch(now)
	if l.queue.tells {
		w.worse, w.said = make(chan time.Time, 1), w.until // what the store will say is not known yet
	}
	waits, until := !w.done, w.until
	l.mu.Unlock()
	return l.await(ctx, w, now, ask, waits, until)
}

// await waits for what becomes of w, but no longer than the budget, and notifies
// the caller if it has to wait. If the caller does not return from that, or its
// context ends, w leaves the queue.
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
	timer := time.NewTimer(max(ask.Budget, answerTimeout))
	defer timer.Stop()
	for {
		select {
		case until := <-w.worse:
			ask.Notify(until)
		case <-timer.C:
			// The responses that were to say what is left did not come.
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

// leave takes w out of the queue. A permit that it got in the meantime goes back.
func (l *Ledger) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !w.done {
		l.queue.remove(w)
	} else if o := <-w.ready; o.refused.IsZero() {
		l.keeper.cancel(o.permit, false, now)
	}
	l.dispatch(now)
}

// Grant gives a permit without asking whether there is one.
func (l *Ledger) Grant() Permit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.account.grant(Interactive, time.Now())
}

// Settle ends a permit with the response that came for it; rejected reports
// whether that was a 429.
func (l *Ledger) Settle(p Permit, rejected bool, r Reading, received time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keeper.settle(p, rejected, r, received)
	l.dispatch(received)
}

// Cancel ends a permit for which no response came. Whether the server counted
// the request is not known; if it was sent, it is assumed to be counted.
func (l *Ledger) Cancel(p Permit, sent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.keeper.cancel(p, sent, now)
	l.dispatch(now)
}

// dispatch grants what can be granted, turns away those for whom it would take
// too long, and sets the timer for the next time.
func (l *Ledger) dispatch(now time.Time) {
	l.keeper.refresh(now)
	next := l.admit(now)
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if l.queue.len() > 0 {
		l.queue.refuse(now, l.keeper)
	}
	if l.queue.len() == 0 {
		next = time.Time{}
	}
	next = l.keeper.next(l.queue.interactive.list.Len(), l.queue.bulk.list.Len(), next, now)
	if !next.IsZero() {
		l.timer = time.AfterFunc(next.Sub(now), l.look)
	}
}

// admit grants permits to those first in line until the gate closes, and returns
// when to ask it again; zero: when a response comes.
func (l *Ledger) admit(now time.Time) time.Time {
	for {
		w := l.queue.next()
		if w == nil {
			return time.Time{}
		}
		v := l.keeper.gate(w.class, now)
		if !v.pass && l.queue.turn(w) { // it is bulk's turn, but bulk has to leave the rest
			w = l.queue.interactive.first()
			v = l.keeper.gate(w.class, now)
		}
		if !v.pass {
			return v.look
		}
		l.queue.grant(w, l.keeper.grant(w.class, now))
	}
}

func (l *Ledger) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatch(time.Now())
}

// Trouble returns why the store failed, once for each time that it began to.
func (l *Ledger) Trouble() error {
	s, ok := l.keeper.(*shared)
	if !ok {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := s.trouble
	s.trouble = nil
	return err
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
