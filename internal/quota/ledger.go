package quota

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// Forever is the budget of a caller that waits as long as its context allows.
const Forever = time.Duration(1<<63 - 1)

// Class is the urgency of a request.
type Class int

// Interactive requests pass before bulk requests, which leave them a reserve.
const (
	Interactive Class = iota
	Bulk
)

// Figures is the current rate limit state. Times are those of the local clock.
type Figures struct {
	Limit     int       // requests per window; zero if unknown
	Remaining int       // requests left, minus those in flight; after the reset, those of a new window
	Reset     time.Time // end of the window; zero if unknown, as after the reset
	Observed  time.Time // when the newest figures came; zero means never
	Waiting   int       // callers waiting for a permit
	InFlight  int       // permits granted and not yet settled or canceled
}

// WaitError is the error of a caller that would have to wait too long.
type WaitError Wait

func (r *WaitError) Error() string { return "quota used up" }

// Ledger keeps account of one quota and grants permits. It is safe for concurrent
// use.
type Ledger struct {
	mu      sync.Mutex
	account account
	shared  *shared // nil without a store
	keeper  keeper  // shared, or account without a store
	queue   queue
	retries retryBudget
	outage  outage
	timer   *time.Timer // calls dispatch; nil if only a response can change anything
}

// A keeper decides who may send a request, and keeps count. The ledger's lock
// guards it.
type keeper interface {
	// gate decides on the next request of a class.
	gate(c Class, now time.Time) verdict
	// estimate returns when a caller with ahead others before it is likely to get
	// its permit, given what gate decided. reason returns what it waits for.
	estimate(v verdict, ahead int, now time.Time) time.Time
	reason(v verdict, at time.Time, ahead int, now time.Time) Reason
	// figures returns the rate limit state for a caller that waits for the given
	// reason.
	figures(why Reason, now time.Time) Figures
	// grant grants a permit that gate allows.
	grant(c Class, now time.Time) Permit
	// settle ends a permit with a response, cancel without one.
	settle(p Permit, rejected bool, r Reading, now time.Time)
	cancel(p Permit, sent bool, now time.Time)
}

// New returns a ledger without any figures.
func New(o Options) *Ledger {
	l := &Ledger{account: newAccount(o)}
	l.keeper = &l.account
	if o.Store != nil {
		l.shared = newShared(o.Store, &l.account, &l.mu, l.dispatch)
		l.keeper = l.shared
	}
	return l
}

// Ask is the request of a caller of Acquire.
type Ask struct {
	Class Class
	// Budget is the longest wait. With zero the caller does not wait: it gets a
	// permit unless something known forbids it.
	Budget time.Duration
	// Hold is the longest wait for a server that does not respond, in addition to
	// the bounds by Budget and by half of the time to the deadline of ctx; zero
	// means no bound.
	Hold time.Duration
	// Notify is called before a wait with its likely end, and again when the end is
	// first over a second away or has moved considerably later. While the caller waits
	// only for the store, the wait has no Reason.
	Notify func(Wait)
	// Waited is called after a wait, however it ended, with the last argument of
	// Notify and the duration of the wait; not after a wait for the store alone. It
	// may be nil.
	Waited func(Wait, time.Duration)
	// StoreNews is called when Acquire returns, if there is something to log about
	// the store. It may be nil.
	StoreNews func(StoreNews)
}

// Acquire waits for a permit and returns how long it waited. If the wait for the
// quota is likely to exceed the budget or the deadline of ctx, it returns a
// [*WaitError], on arrival or as soon as that is known. If ctx ends during the
// wait, it returns the error of ctx.
//
// A caller with a budget, however small, waits a few seconds for responses in
// flight that will say what is left. If they do not come, or the server fails, and
// nothing known forbids the request, the caller gets its permit after the shortest
// of the budget, ask.Hold, and half of the time to the deadline.
func (l *Ledger) Acquire(ctx context.Context, ask Ask) (Permit, time.Duration, error) {
	deadline, bounded := ctx.Deadline() // may be the caller's code, so not under the lock
	l.mu.Lock()
	now := time.Now()
	if ask.Class == Interactive {
		l.account.demand.arrive(now)
	}
	atOnce := l.queue.len() == 0 && !l.full()
	if l.shared != nil {
		defer l.shared.deliver(ask.StoreNews)
		l.shared.arrive(ask.Class, now)
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

// await waits for the outcome of w and notifies the caller of the wait. If Notify
// panics, or ctx ends, w leaves the queue.
func (l *Ledger) await(ctx context.Context, w *waiter, since time.Time, ask Ask, wait Wait) (p Permit, took time.Duration, err error) {
	out := false // w has left the queue
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
			out = true // before Waited, which may take long
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

// reason returns what w has waited for if no reason was notified; empty means the
// store.
func (l *Ledger) reason(w *waiter, took time.Duration) Reason {
	l.mu.Lock()
	defer l.mu.Unlock()
	if took <= storeTimeout {
		return ""
	}
	return cmp.Or(w.why, WaitQuota)
}

// leave removes w from the queue. If it has got a permit in the meantime, that is
// returned.
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

// Grant grants a permit unconditionally.
func (l *Ledger) Grant() Permit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.account.grant(Interactive, time.Now())
}

// Settle ends a permit with a response; rejected reports whether that was a 429.
func (l *Ledger) Settle(p Permit, rejected bool, r Reading, received time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keeper.settle(p, rejected, r, received)
	l.dispatch(received)
}

// Cancel ends a permit without a response. Whether the server counted the request
// is unknown; if it was sent, it is assumed to be counted.
func (l *Ledger) Cancel(p Permit, sent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.keeper.cancel(p, sent, now)
	l.dispatch(now)
}

// dispatch grants permits, fails those that would wait too long, and sets the timer
// for the next dispatch.
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

// admit grants permits to the first waiters until the gate closes, and fails those
// that would wait too long. It returns when to ask the gate again; zero if only a
// response can change its decision, or if the queue is empty.
func (l *Ledger) admit(now time.Time) time.Time {
	for l.queue.len() > 0 {
		w := l.queue.front()
		v := l.keeper.gate(w.class, now)
		if !v.pass && w.class == Bulk && l.queue.interactive.list.Len() > 0 {
			// It is bulk's turn, but what is left is reserved for interactive
			// callers.
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

// Known returns the rate limit state, without Waiting and InFlight.
func (l *Ledger) Known() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keeper.figures("", time.Now())
}

// Figures returns the rate limit state.
func (l *Ledger) Figures() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.keeper.figures("", time.Now())
	f.Waiting, f.InFlight = l.queue.len(), l.account.inFlight
	return f
}
