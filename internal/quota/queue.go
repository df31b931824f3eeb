package quota

import (
	"container/list"
	"time"
)

// outcome is how a wait ends: with a permit, or with an error because it would be
// too long.
type outcome struct {
	permit Permit
	late   *WaitError // nil if there is a permit
}

func (o outcome) err() error {
	if o.late != nil {
		return o.late
	}
	return nil
}

// waiter is a caller in the queue.
type waiter struct {
	class    Class
	latest   time.Time // when its wait must end; zero means no bound
	never    bool      // it does not wait, except for a store
	deadline time.Time // of its context; zero means no deadline
	until    time.Time // when it is likely to get its permit
	why      Reason    // what it waits for
	outcome  outcome
	done     bool          // it has its outcome
	ready    chan struct{} // closed when done
	later    chan Wait     // the wait has a new end, of which the caller is to be notified
	said     time.Time     // the end that the caller was notified of; zero before the first
	near     bool          // said was too near to be reported
	place    *list.Element
}

func (w *waiter) finish(o outcome) {
	w.outcome, w.done = o, true
	close(w.ready)
}

// moved reports whether the caller is to be notified of a new end of its wait: the
// first that is not near, and then each that is later by over minMove and over a tenth of
// the remaining wait.
func (w *waiter) moved(until, now time.Time) bool {
	if w.near {
		return Wait{Until: until}.Long(now)
	}
	later := until.Sub(w.said)
	return later > minMove && later > until.Sub(now)/10
}

// latest returns when a caller's wait must end; zero means no bound.
func latest(deadline time.Time, bounded bool, budget time.Duration, now time.Time) time.Time {
	if budget == Forever {
		return deadline
	}
	if own := now.Add(budget); !bounded || own.Before(deadline) {
		return own
	}
	return deadline
}

// line is the waiters of one class, in order of arrival.
type line struct {
	list  list.List
	never int // how many do not wait, except for a store
}

func (l *line) first() *waiter {
	if e := l.list.Front(); e != nil {
		return e.Value.(*waiter)
	}
	return nil
}

func (l *line) last() *waiter {
	if e := l.list.Back(); e != nil {
		return e.Value.(*waiter)
	}
	return nil
}

// queue is the waiters of both classes.
type queue struct {
	interactive, bulk line
	passed            int          // consecutive interactive waiters that got permits before bulk
	outlook           [2]time.Time // by class: the estimate for its first waiter when all were last judged, or a better one since
	fresh             *waiter      // the newest waiter, if it has not been judged yet
}

func (q *queue) len() int { return q.interactive.list.Len() + q.bulk.list.Len() }

func (q *queue) line(c Class) *line {
	if c == Bulk {
		return &q.bulk
	}
	return &q.interactive
}

func (q *queue) push(w *waiter) {
	l := q.line(w.class)
	w.place = l.list.PushBack(w)
	if w.never {
		l.never++
	}
	q.fresh = w
}

func (q *queue) remove(w *waiter) {
	l := q.line(w.class)
	l.list.Remove(w.place)
	if w.never {
		l.never--
	}
}

// front returns the waiter that is next. The queue must not be empty.
func (q *queue) front() *waiter {
	i, b := q.interactive.first(), q.bulk.first()
	if i == nil || b != nil && q.passed >= maxPassed {
		return b
	}
	return i
}

func (q *queue) grant(w *waiter, p Permit) {
	q.remove(w)
	if w.class == Bulk {
		q.passed = 0
	} else {
		q.passed++
	}
	w.finish(outcome{permit: p})
}

// forecast is the gate's decisions on both classes. From them follows when each
// waiter is likely to get its permit.
type forecast struct {
	keeper   keeper
	verdicts [2]verdict
	now      time.Time
}

func (f *forecast) until(c Class, ahead int) time.Time {
	return f.keeper.estimate(f.verdicts[c], ahead, f.now)
}

// held reports whether nothing known about the quota delays a waiter. How long it
// waits in that case is decided in overdue.
func (f *forecast) held(c Class, until time.Time) bool {
	return (f.verdicts[c].pass || f.verdicts[c].careful) && !until.After(f.now)
}

// ahead returns how many waiters pass before the first one of the class.
func (q *queue) ahead(c Class) int {
	if c == Bulk {
		return q.interactive.list.Len()
	}
	return 0
}

// failLate fails the waiters that would have to wait longer than they want. All of
// a class are judged when the estimate for it has worsened, otherwise only the
// newest one, so that the usual cost does not depend on the number of waiters.
func (q *queue) failLate(now time.Time, k keeper) {
	f := &forecast{keeper: k, now: now}
	var worse [2]bool
	for _, c := range []Class{Interactive, Bulk} {
		if q.line(c).list.Len() == 0 {
			continue
		}
		f.verdicts[c] = k.gate(c, now)
		outlook := f.until(c, q.ahead(c))
		by := outlook.Sub(q.outlook[c])
		if worse[c] = by >= max(estimateSlack, outlook.Sub(now)/estimatePart); worse[c] || by < 0 {
			q.outlook[c] = outlook
		}
	}
	if q.fresh != nil && !q.fresh.done {
		q.judgeArrival(q.fresh, f)
	}
	q.fresh = nil
	for _, c := range []Class{Interactive, Bulk} {
		if worse[c] || q.line(c).never > 0 {
			q.judgeAll(c, f)
		}
	}
}

// judgeArrival judges the newest waiter.
func (q *queue) judgeArrival(fresh *waiter, f *forecast) {
	if fresh.class == Bulk {
		q.judge(fresh, q.len()-1, f)
		return
	}
	q.judge(fresh, q.interactive.list.Len()-1, f)
	// An interactive arrival pushes every bulk waiter back by one, so only the last
	// can newly exceed its bound, and then the one before it.
	for w := q.bulk.last(); w != nil && q.judge(w, q.len()-1, f); {
		w = q.bulk.last()
	}
}

// judgeAll judges all waiters of a class.
func (q *queue) judgeAll(c Class, f *forecast) {
	ahead := q.ahead(c)
	for e := q.line(c).list.Front(); e != nil; {
		w := e.Value.(*waiter)
		e = e.Next()
		if !q.judge(w, ahead, f) {
			ahead++
		}
	}
}

// judge fails w, which has ahead others before it, if its permit would come too
// late, and reports whether it did.
func (q *queue) judge(w *waiter, ahead int, f *forecast) bool {
	w.until = f.until(w.class, ahead)
	w.why = f.keeper.reason(f.verdicts[w.class], w.until, ahead, f.now)
	late := !w.latest.IsZero() && w.until.After(w.latest) && !f.held(w.class, w.until)
	if w.never {
		late = w.why != ""
	}
	if late {
		q.remove(w)
		w.finish(outcome{late: w.tooLate(f)})
		return true
	}
	if !w.said.IsZero() && w.moved(w.until, f.now) {
		select {
		case <-w.later: // replace one that has not been received yet
		default:
		}
		w.later <- f.wait(w)
		w.said, w.near = w.until, false
	}
	return false
}

// tooLate returns the error for w. If responses in flight decide, its call may be
// repeated when they are likely to have come.
func (w *waiter) tooLate(f *forecast) *WaitError {
	r := WaitError(f.wait(w))
	if !r.Until.After(f.now) {
		r.Until = f.now.Add(longWait)
	}
	return &r
}

func (f *forecast) wait(w *waiter) Wait {
	return Wait{Until: w.until, Reason: w.why, Figures: f.keeper.figures(w.why, f.now)}
}
