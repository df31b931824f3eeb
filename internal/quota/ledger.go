package quota

import (
	"cmp"
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
	Limit     int       // requests per window; 0: nothing is known
	Remaining int       // requests left, less those in flight; after the reset, of a new window
	Reset     time.Time // end of the window; zero: unknown, as after the reset
	Observed  time.Time // when the newest figures came; zero: never
	Waiting   int       // callers waiting for a permit
	InFlight  int       // permits granted and not settled
}

// WaitError is the error of a caller for whom the wait would be too long.
type WaitError Wait

func (r *WaitError) Error() string { return "quota used up" }

// Ledger is the account of one quota. It is safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex
	account account
	shared  *shared // what a store knows of the account; nil: there is no store
	keeper  keeper  // shared, or the account if that is nil
	queue   queue
	retries retryBudget
	outage  outage
	timer   *time.Timer // dispatches again; nil: there is nothing to wait for but responses
}

// A keeper decides who may send a request, and keeps count. The lock of the
// ledger guards it.
type keeper interface {
	// gate decides on the next request of a class.
	gate(c Class, now time.Time) verdict
	// estimate returns when a caller with so many others ahead is likely to
	// have its permit, given what gate decided, and reason what it waits for.
	estimate(v verdict, ahead int, now time.Time) time.Time
	reason(v verdict, at time.Time, ahead int, now time.Time) Reason
	// figures returns what is known to one who waits for the given reason.
	figures(why Reason, now time.Time) Figures
	// grant gives a permit that gate allows.
	grant(c Class, now time.Time) Permit
	// settle ends a permit with a response, cancel without one.
	settle(p Permit, rejected bool, r Reading, now time.Time)
	cancel(p Permit, sent bool, now time.Time)
}

// New returns a ledger that knows nothing yet.
func New(o Options) *Ledger {
	l := &Ledger{account: newAccount(o)}
	l.keeper = &l.account
	if o.Store != nil {
		l.shared = newShared(o.Store, &l.account, &l.mu, l.dispatch)
		l.keeper = l.shared
	}
	return l
}

// Ask is what a caller of Acquire wants.
type Ask struct {
	Class Class
	// Budget is the longest wait. With 0 the caller does not wait: it gets a permit
	// unless something known forbids it.
	Budget time.Duration
	// Hold is the longest wait for a server that does not respond, within Budget and
	// half of the time to the deadline of ctx; 0 means no bound.
	Hold time.Duration
	// Notify is called before a wait with its likely end, and again when that is
	// first a second away or has moved considerably. While the caller waits for
	// the store alone the wait has no Reason.
	Notify func(Wait)
	// Waited is called after a wait, whatever its end, with what Notify was called
	// with last and how long it took; not after one for the store alone. It may be
	// nil.
	Waited func(Wait, time.Duration)
	// StoreNews is called when Acquire returns, if there is something to be logged of
	// the store. It may be nil.
	StoreNews func(StoreNews)
}

// Acquire waits for a permit and returns how long it waited. If the wait for the
// quota is likely to exceed the budget or the deadline of ctx, it returns a
// [*WaitError], on arrival or as soon as that is known; if ctx ends while it waits,
// it returns the error of ctx. With a budget it waits a few seconds for responses in
// flight that will say what is left, however small the budget is. If they do not
// come, or the server fails, and nothing that is known forbids the request, it gets
// its permit after the budget, after ask.Hold, or after half of the time to the
// deadline, whichever is shortest.
func (l *Ledger) Acquire(ctx context.Context, ask Ask) (Permit, time.Duration, error) {
	deadline, bounded := ctx.Deadline() // the caller's code, so not under the lock
	l.mu.Lock()
	now := time.Now()
	if ask.Class == Interactive {
		l.account.demand.arrive(now)
	}
	atOnce := l.queue.len() == 0
	if l.full() {
		atOnce = ask.Budget <= 0 // others may wait for the server, it does not
	}
	if l.shared != nil {
		defer l.shared.deliver(ask.StoreNews)
		l.shared.arrive(ask.Class, now)
		// While the store fails, it is for a dispatch to ask it again.
		atOnce = atOnce && !l.shared.local
	}
	if atOnce && l.keeper.gate(ask.Class, now).pass {
		defer l.mu.Unlock()
		return l.keeper.grant(ask.Class, now), 0, nil
	}
	w := &waiter{
		class: ask.Class, latest: latest(deadline, bounded, ask.Budget, now), never: ask.Budget == 0, deadline: deadline,
		ready: make(chan struct{}), later: make(chan Wait, 1),
	}
	l.queue.push(w)
	l.dispatch(now)
	if w.done {
		defer l.mu.Unlock()
		return w.outcome.permit, 0, w.outcome.err()
	}
	first := Wait{Until: w.until, Reason: w.why, Figures: l.keeper.figures(w.why, now)}
	if l.probing(w.class, now) {
		first.Reason = WaitProbe
		if ask.Hold > 0 || bounded {
			first.Until = now.Add(w.patience(now, ask))
		}
	}
	w.said, w.near = first.Until, !first.Long(now)
	l.mu.Unlock()
	return l.await(ctx, w, now, ask, first)
}

// await waits for what becomes of w, but no longer than the budget, and notifies
// the caller of the wait. If the caller does not return from that, or its context
// ends, w leaves the queue.
func (l *Ledger) await(ctx context.Context, w *waiter, since time.Time, ask Ask, wait Wait) (p Permit, took time.Duration, err error) {
	out := false // of the queue
	defer func() {
		if !out {
			l.leave(w)
		}
	}()
	ask.Notify(wait)
	timer := time.NewTimer(w.patience(since, ask))
	defer timer.Stop()
	for waits := true; waits; {
		select {
		case wait = <-w.later:
			ask.Notify(wait)
			continue
		case <-timer.C:
			timer.Reset(l.overdue(w, since, ask))
			continue
		case <-w.ready:
			p, err = w.outcome.permit, w.outcome.err()
		case <-ctx.Done():
			out = true // before Waited, which may take long: it holds no place
			l.leave(w)
			err = ctx.Err()
		}
		waits, took = false, time.Since(since)
		if wait.Reason == "" {
			wait.Reason = l.reason(w, took)
		}
		if ask.Waited != nil && wait.Reason != "" {
			ask.Waited(wait, took)
		}
	}
	out = true
	return p, took, err
}

// reason returns what w has waited for that was not notified; empty: an exchange
// with the store.
func (l *Ledger) reason(w *waiter, took time.Duration) Reason {
	l.mu.Lock()
	defer l.mu.Unlock()
	if took <= storeTimeout {
		return ""
	}
	return cmp.Or(w.why, WaitQuota)
}

// leave takes w out of the queue. A permit that it got in the meantime goes back.
func (l *Ledger) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !w.done {
		l.queue.remove(w)
	} else if w.outcome.late == nil {
		l.keeper.cancel(w.outcome.permit, false, now)
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

// dispatch grants what can be granted, refuses those for whom it would take too
// long, and sets the timer for the next time.
func (l *Ledger) dispatch(now time.Time) {
	if l.shared != nil {
		l.shared.refresh(now)
	}
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	again := l.admit(now)
	if l.shared != nil {
		again = l.shared.poll(l.queue.interactive.list.Len(), l.queue.bulk.list.Len(), again, now)
	}
	if !again.IsZero() {
		l.timer = time.AfterFunc(again.Sub(now), l.look)
	}
}

// admit grants permits to those first in line until the gate closes, and refuses
// those of the others for whom it would take too long. It returns when to ask the
// gate again; zero: when a response comes, or nobody waits.
func (l *Ledger) admit(now time.Time) time.Time {
	for l.queue.len() > 0 {
		w := l.queue.front()
		v := l.keeper.gate(w.class, now)
		if !v.pass && w.class == Bulk && l.queue.interactive.list.Len() > 0 {
			// Bulk would pass first this time, but has to leave what is left.
			w = l.queue.interactive.first()
			v = l.keeper.gate(w.class, now)
		}
		if v.pass && !l.full() {
			l.queue.grant(w, l.keeper.grant(w.class, now))
			continue
		}
		l.admitNever(now)
		if l.queue.failLate(now, l.keeper); !w.done {
			return v.look
		}
	}
	return time.Time{}
}

func (l *Ledger) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatch(time.Now())
}

// Known returns what is known now, without what waits and is in flight.
func (l *Ledger) Known() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keeper.figures("", time.Now())
}

// Figures returns what is known now.
func (l *Ledger) Figures() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.keeper.figures("", time.Now())
	f.Waiting, f.InFlight = l.queue.len(), l.account.inFlight
	return f
}
