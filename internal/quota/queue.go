package quota

import (
	"container/list"
	"time"
)

const (
	// turns is how many interactive callers in a row pass before one of bulk.
	turns = 20
	// estimateSlack is by how much the outlook must have grown worse for all
	// waiters to be judged anew.
	estimateSlack = 100 * time.Millisecond
)

// outcome is what a waiter is told: a permit, or that it is refused.
type outcome struct {
	permit  Permit
	refused time.Time // when a permit would have come; zero: not refused
}

// waiter is a caller in the queue.
type waiter struct {
	class  Class
	latest time.Time // it will not wait longer; zero: no bound
	until  time.Time // when it is likely to have its permit
	ready  chan outcome
	done   bool           // it was told
	worse  chan time.Time // told when that is later than it seemed; nil: not
	said   time.Time      // the latest that it was told
	place  *list.Element
}

func (w *waiter) finish(o outcome) {
	w.done = true
	w.ready <- o
}

// latest returns until when a caller is willing to wait.
func latest(deadline time.Time, bounded bool, budget time.Duration, now time.Time) time.Time {
	if budget == Forever {
		return deadline
	}
	if own := now.Add(budget); !bounded || own.Before(deadline) {
		return own
	}
	return deadline
}

// line is the callers of one class, in the order they came.
type line struct {
	list    list.List
	bounded int // how many of them will not wait for ever
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

// queue is all callers that wait.
type queue struct {
	interactive, bulk line
	row               int       // interactive callers that passed in a row
	base              time.Time // the outlook by which all were judged last
	fresh             *waiter   // who came last and was not judged
	tells             bool      // judge those, too, who wait for ever: they may be told
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

// next returns who is to pass next, nil if nobody waits.
func (q *queue) next() *waiter {
	i, b := q.interactive.first(), q.bulk.first()
	if i == nil || b != nil && q.row >= turns {
		return b
	}
	return i
}

// turn tells whether w is a caller of bulk before whom interactive ones wait.
func (q *queue) turn(w *waiter) bool { return w.class == Bulk && q.interactive.list.Len() > 0 }

func (q *queue) grant(w *waiter, p Permit) {
	q.remove(w)
	if w.class == Bulk {
		q.row = 0
	} else {
		q.row++
	}
	w.finish(outcome{permit: p})
}

// refuse turns those away who would have to wait longer than they want. All are
// judged when the outlook is worse than it was, else only the one who came last.
func (q *queue) refuse(now time.Time, k keeper) {
	verdicts := [2]verdict{k.gate(Interactive, now), k.gate(Bulk, now)}
	judge := func(w *waiter, ahead int) bool {
		return q.judge(w, k.estimate(verdicts[w.class], ahead, now))
	}
	base := k.estimate(verdicts[q.next().class], 0, now)
	if fresh := q.fresh; fresh != nil && !fresh.done {
		ahead := q.len() - 1
		if fresh.class == Interactive {
			ahead = q.interactive.list.Len() - 1
		}
		judge(fresh, ahead)
		// An interactive arrival pushes every bulk waiter back by one; only the
		// last can newly exceed its deadline.
		for w := q.bulk.last(); fresh.class == Interactive && w != nil && judge(w, q.len()-1); {
			w = q.bulk.last()
		}
	}
	q.fresh = nil
	worse := base.Sub(q.base) >= estimateSlack
	q.base = base
	if !worse {
		return
	}
	ahead := 0
	for _, l := range []*line{&q.interactive, &q.bulk} {
		if l.bounded == 0 && !q.tells {
			ahead += l.list.Len()
			continue
		}
		for e := l.list.Front(); e != nil; ahead++ {
			w := e.Value.(*waiter)
			e = e.Next()
			if judge(w, ahead) {
				ahead--
			}
		}
	}
}

// judge refuses w if its permit would come too late.
func (q *queue) judge(w *waiter, until time.Time) bool {
	if w.worse != nil && until.Sub(w.said) > time.Second {
		select {
		case w.worse <- until:
			w.said = until
		default: // it has not heard the last word yet
		}
	}
	w.until = until
	if w.latest.IsZero() || !until.After(w.latest) {
		return false
	}
	q.remove(w)
	w.finish(outcome{refused: until})
	return true
}
