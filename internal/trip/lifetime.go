package trip

import (
	"context"
	"sync"
	"time"
)

// lifetime is the context of an attempt: it ends with its deadline, the reading
// of the body included, or with the attempt. The timer that this takes, and the
// trace by which the witness sees what net/http does, are made when the
// transport looks at it for the first time: they are dear, and not every
// transport is net/http's.
type lifetime struct {
	parent   context.Context
	deadline time.Time // zero: none
	witness  *witness

	mu     sync.Mutex
	ctx    context.Context // nil: nobody has looked yet
	cancel context.CancelFunc
	over   bool
}

func (l *lifetime) Deadline() (time.Time, bool) { return l.live().Deadline() }
func (l *lifetime) Done() <-chan struct{}       { return l.live().Done() }
func (l *lifetime) Err() error                  { return l.live().Err() }
func (l *lifetime) Value(key any) any           { return l.live().Value(key) }

func (l *lifetime) live() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx != nil {
		return l.ctx
	}
	var ctx context.Context
	if l.deadline.IsZero() {
		ctx, l.cancel = context.WithCancel(l.parent)
	} else {
		ctx, l.cancel = context.WithDeadline(l.parent, l.deadline)
	}
	l.ctx = l.witness.watch(ctx, l.cancel)
	if l.over {
		l.cancel()
	}
	return l.ctx
}

// end ends it.
func (l *lifetime) end() {
	l.mu.Lock()
	l.over = true
	cancel := l.cancel
	l.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}
