package quota

import (
	"cmp"
	"time"
)

// outage is the state of a failing server: after maxFailures consecutive failures
// one request may be in flight, and twice as many with each response that is not a
// failure.
type outage struct {
	failures int       // consecutive ones
	most     uint      // how many requests may be in flight; zero means no bound
	heard    time.Time // when a response last came that was not a failure
}

// note takes into account the end of a request.
func (o *outage) note(failed bool, now time.Time) {
	if !failed {
		o.failures, o.heard = 0, now
		o.most *= 2 // it eventually overflows to 0, which means no bound
		return
	}
	if o.failures++; o.failures >= maxFailures {
		o.most = 1
	}
}

// Note records whether a request failed: no response came, or one that says that
// the server fails. It is called before Settle or Cancel ends the permit.
func (l *Ledger) Note(failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outage.note(failed, time.Now())
}

// GaveUp records that a request timed out before a response came. It is called
// before Cancel ends the permit. The timeout may have been short, so it counts as a
// failure of the server only if others have not had a response for a while either.
func (l *Ledger) GaveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.outage.heard) >= minSilence {
		l.outage.note(true, now)
	}
}

// probing reports whether requests of the class wait only for a response of a
// server that failed.
func (l *Ledger) probing(c Class, now time.Time) bool {
	return l.full() && l.keeper.gate(c, now).pass
}

// full reports whether as many requests are in flight as the outage allows.
func (l *Ledger) full() bool {
	return l.outage.most > 0 && uint(max(l.account.inFlight, 0)) >= l.outage.most
}

// admitNever grants permits to callers that do not wait if only responses in flight
// delay them, after failures or because those responses will say what is left.
func (l *Ledger) admitNever(now time.Time) {
	for _, q := range []*line{&l.queue.interactive, &l.queue.bulk} {
		for e := q.list.Front(); e != nil && q.never > 0; {
			w := e.Value.(*waiter)
			e = e.Next()
			if !w.never {
				continue
			}
			if v := l.keeper.gate(w.class, now); v.careful || v.pass && l.full() {
				l.queue.grant(w, l.keeper.grant(w.class, now))
			}
		}
	}
}

// patience returns how long w waits, from the given time on, for responses that may
// never come. Half of the time to the deadline is left for its own request.
func (w *waiter) patience(since time.Time, ask Ask) time.Duration {
	most := cmp.Or(ask.Budget, responseTimeout)
	most = min(most, cmp.Or(ask.Hold, most))
	if !w.deadline.IsZero() {
		most = min(most, max(w.deadline.Sub(since)/2, time.Millisecond))
	}
	return most
}

// overdue is called when w has waited for as long as patience says. If only
// responses that may never come delay it, it is sent now. Otherwise it continues to
// wait, unless its budget is used up. overdue returns when it is to be called
// again.
func (l *Ledger) overdue(w *waiter, since time.Time, ask Ask) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	left := max(ask.Budget, responseTimeout) - now.Sub(since)
	if w.done {
		return left
	}
	if opens := l.account.opens; l.account.windowOver(now) && opens.After(since) {
		since = opens // until then it waited for the window to end
	}
	again := min(w.patience(since, ask)-now.Sub(since), left)
	switch v := l.keeper.gate(w.class, now); {
	case again > 0:
	case l.shared != nil && !l.shared.local && now.Sub(since) < storeTimeout && l.shared.pending(w.class, now):
		l.decide(w, now)
	case v.careful && !l.outage.heard.After(since), v.pass && l.full():
		l.queue.grant(w, l.keeper.grant(w.class, now))
		l.dispatch(now)
	case left <= 0: // the responses that were to say what is left did not come
		l.queue.remove(w)
		w.finish(outcome{late: &WaitError{Until: now.Add(longWait), Reason: cmp.Or(w.why, WaitQuota), Figures: l.keeper.figures(w.why, now)}})
		l.dispatch(now)
	case l.full() && v.soon && !v.look.IsZero(): // the client-side limit delays it
		again = v.look.Sub(now)
	default:
		again = min(w.patience(since, ask), left)
	}
	return again
}

// decide decides on w without the store, for which it cannot wait.
func (l *Ledger) decide(w *waiter, now time.Time) {
	v := l.account.gate(w.class, now)
	if v.pass || v.careful {
		l.queue.grant(w, l.keeper.grant(w.class, now))
	} else {
		l.queue.remove(w)
		until := l.account.estimate(v, 0, now)
		why := l.account.reason(v, until, 0, now)
		w.finish(outcome{late: &WaitError{Until: until, Reason: why, Figures: l.account.figures(why, now)}})
	}
	l.dispatch(now)
}
