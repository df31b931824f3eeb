package quota

import (
	"container/list"
	"time"
)

// outcome is what becomes of a waiter: it gets a permit, or is refused.
type outcome struct {
	permit  Permit
	refused time.Time // when a permit would have come; zero: it is not refused
}

// waiter is a caller in the queue.
type waiter struct {
	class  Class
	latest time.Time // it does not wait longer; zero: no bound
	until  time.Time // when it is likely to have its permit
	ready  chan outcome
	done   bool           // it has its outcome
	worse  chan time.Time // gets a later time than the one it was notified of; nil: it does not
	said   time.Time      // the latest that it was notified of
	place  *list.Element
}

func (w *waiter) finish(o outcome) {
	w.done = true
	w.ready <- o
}

// latest returns until when a caller waits; zero: no bound.
func latest(deadline time.Time, bounded bool, budget time.Duration, now time.Time) time.Time {
	if budget == Forever {
		return deadline
	}
	if own := now.Add(budget); !bounded || own.Before(deadline) {
		return own
	}
	return deadline
}

// line is the waiters of one class, in the order they came.
type line struct {
	list    list.List
	bounded int // how many of them do not wait for ever
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

// queue is all waiters.
type queue struct {
	interactive, bulk line
	passed            int       // interactive waiters since the last one of bulk
	outlook           time.Time // for the first waiter when refuse was called last
	fresh             *waiter   // the one that came last, if it was not judged yet
	tells             bool      // those that wait for ever are judged, too: they are notified
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
	if !w.latest.IsZero() {
		l.bounded++
	}
	q.fresh = w
}

func (q *queue) remove(w *waiter) {
	l := q.line(w.class)
	l.list.Remove(w.place)
	if !w.latest.IsZero() {
		l.bounded--
	}
}

// front returns the waiter that is to pass before all others. There must be one.
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

// forecast is what the gate has decided on the classes that wait, from which
// follows when each waiter is likely to have its permit.
type forecast struct {
	keeper   keeper
	verdicts [2]verdict
	now      time.Time
}

func (f *forecast) until(c Class, ahead int) time.Time {
	return f.keeper.estimate(f.verdicts[c], ahead, f.now)
}

// held reports whether nothing that is known of the quota delays a waiter: how
// long that may take is for overdue to judge.
func (f *forecast) held(c Class, until time.Time) bool {
	return (f.verdicts[c].pass || f.verdicts[c].careful) && !until.After(f.now)
}

// refuse ends the wait of those who would have to wait longer than they want. All
// are judged when the outlook is worse than it was, else only the one that came
// last: it takes the same time however many wait.
func (q *queue) refuse(now time.Time, k keeper) {
	f := &forecast{keeper: k, now: now}
	for _, c := range []Class{Interactive, Bulk} {
		if q.line(c).list.Len() > 0 {
			f.verdicts[c] = k.gate(c, now)
		}
	}
	outlook := f.until(q.front().class, 0)
	if q.fresh != nil && !q.fresh.done {
		q.judgeArrival(q.fresh, f)
	}
	q.fresh = nil
	worse := outlook.Sub(q.outlook) >= estimateSlack
	q.outlook = outlook
	if worse {
		q.judgeAll(f)
	}
}

// judgeArrival judges the waiter that came last.
func (q *queue) judgeArrival(fresh *waiter, f *forecast) {
	if fresh.class == Bulk {
		q.judge(fresh, f.until(Bulk, q.len()-1), f)
		return
	}
	q.judge(fresh, f.until(Interactive, q.interactive.list.Len()-1), f)
	// An interactive arrival pushes every bulk waiter back by one; only the last
	// can newly exceed its deadline, and then the one before it.
	for w := q.bulk.last(); w != nil && q.judge(w, f.until(Bulk, q.len()-1), f); {
		w = q.bulk.last()
	}
}

// judgeAll judges all waiters, but for a class that waits for ever, if nobody is
// to be told.
func (q *queue) judgeAll(f *forecast) {
	ahead := 0
	for _, l := range []*line{&q.interactive, &q.bulk} {
		if l.bounded == 0 && !q.tells {
			ahead += l.list.Len()
			continue
		}
		for e := l.list.Front(); e != nil; {
			w := e.Value.(*waiter)
			e = e.Next()
			if !q.judge(w, f.until(w.class, ahead), f) {
				ahead++
			}
		}
	}
}

// judge refuses w if its permit would come too late, and reports whether it does.
func (q *queue) judge(w *waiter, until time.Time, f *forecast) bool {
	if w.worse != nil && until.Sub(w.said) > time.Second {
		select {
		case w.worse <- until:
			w.said = until
		default: // it has not taken the last one yet
		}
	}
	w.until = until
	if w.latest.IsZero() || !until.After(w.latest) || f.held(w.class, until) {
		return false
	}
	q.remove(w)
	w.finish(outcome{refused: until})
	return true
}
