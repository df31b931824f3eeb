package quota

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever responses come, and whichever callers give up: no waiter is forgotten,
// nothing is left when there are no waiters, and all get permits in the end.
func TestNobodyIsForgotten(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) { newRandomCallers(t, seed).run() })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// randomCallers is callers of a ledger that act at random.
type randomCallers struct {
	*rand.Rand
	t       *testing.T
	l       *Ledger
	limit   int
	permits chan Permit
	have    []Permit
	store   *erraticStore // may be nil
}

// erraticStore is a store that fails, is late, and grants much or little at random.
// Once it is kind it grants all that is asked for. A ledger calls it once at a
// time.
type erraticStore struct {
	*rand.Rand
	turn int64
	kind atomic.Bool
}

func (m *erraticStore) Exchange(_ context.Context, ask StoreAsk) (StoreReply, error) {
	m.turn++
	a := StoreReply{Interactive: ask.Interactive, Bulk: ask.Bulk, Turn: m.turn}
	if m.kind.Load() {
		return a, nil
	}
	if m.IntN(4) == 0 {
		<-time.After(time.Duration(m.IntN(300)) * time.Millisecond)
	}
	if m.IntN(6) == 0 {
		return StoreReply{}, errHangs
	}
	a.Interactive, a.Bulk = m.IntN(ask.Interactive+1), m.IntN(ask.Bulk+1)*m.IntN(2)
	a.AskAgain = time.Duration(m.Int64N(int64(20 * time.Second)))
	a.Opens = time.Duration(m.Int64N(int64(2 * time.Hour)))
	a.Probing, a.Mixed = m.IntN(3) == 0, m.IntN(50) == 0
	return a, nil
}

func newRandomCallers(t *testing.T, seed uint64) *randomCallers {
	c := &randomCallers{Rand: rand.New(rand.NewPCG(seed, 7)), t: t, permits: make(chan Permit, 10000)}
	c.limit = c.count()
	o := Options{
		Share: c.pick(0, 0, 0, 1, 0.5, 0.1), Reserve: c.pick(-1, DefaultReserve, DefaultReserve, 0.2, 1), PerSecond: c.pick(0, 0, 0, 0.01, 1, 100),
	}
	if seed%3 == 0 {
		c.store = &erraticStore{Rand: rand.New(rand.NewPCG(seed, 8))}
		o.Store = c.store
	}
	c.l = New(o)
	return c
}

func (c *randomCallers) pick(of ...float64) float64 { return of[c.IntN(len(of))] }

func (c *randomCallers) count() int { return int(c.pick(1, 2, 3, 10, 100, 500, 5000, 1<<31-1)) }

func (c *randomCallers) seconds(of ...float64) time.Duration {
	return time.Duration(c.pick(of...) * float64(time.Second))
}

func (c *randomCallers) run() {
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	for range 150 {
		switch c.IntN(9) {
		case 0, 1, 2:
			for range 1 + c.IntN(4) {
				c.come(ctx)
			}
		case 3, 4, 5, 6:
			if len(c.have) > 0 {
				c.l.Settle(c.take(), c.IntN(4) == 0, c.reading(), time.Now())
			}
		case 7:
			if len(c.have) > 0 {
				c.l.Cancel(c.take(), c.IntN(2) == 0)
			}
		case 8:
			<-time.After(c.seconds(0.01, 1, 5, 60, 1000, 4000))
		}
		c.check()
	}
	c.drain()
}

// come adds a caller that may give up.
func (c *randomCallers) come(ctx context.Context) {
	class, budget := Class(c.IntN(2)), []time.Duration{0, time.Minute, 2 * time.Hour, Forever, Forever}[c.IntN(5)]
	patience := 1000 * time.Hour
	if c.IntN(6) == 0 {
		patience = time.Duration(c.IntN(100)) * time.Second
	}
	go func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if p, _, err := c.l.Acquire(ctx, Ask{Class: class, Budget: budget, Notify: quiet}); err == nil {
			c.permits <- p
		}
	}()
}

func (c *randomCallers) take() Permit {
	i := c.IntN(len(c.have))
	p := c.have[i]
	c.have = append(c.have[:i], c.have[i+1:]...)
	return p
}

// reading returns a random reading.
func (c *randomCallers) reading() Reading {
	now := time.Now()
	r := Reading{Limit: -1, Remaining: -1}
	if c.IntN(10) == 0 {
		c.limit = c.count()
	}
	if c.IntN(4) > 0 {
		r.Limit = c.limit
		r.Remaining = min(int(c.pick(0, 0, 1, float64(c.limit/20), float64(c.limit), float64(c.IntN(c.limit)))), c.limit)
		if c.IntN(5) > 0 {
			r.Reset = now.Add(c.seconds(-59, -10, 0, 1, 60, 1800, 3600, 3600, 80000) + time.Duration(c.IntN(1e9)))
		}
	}
	if c.IntN(4) == 0 {
		r.RetryAfter = now.Add(c.seconds(0, -1, 1, 10, 60, 3600, 90000))
	}
	return r
}

// check fails the test if a waiter is forgotten.
func (c *randomCallers) check() {
	synctest.Wait()
	for len(c.permits) > 0 {
		c.have = append(c.have, <-c.permits)
	}
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	q, a := &c.l.queue, &c.l.account
	if a.inFlight != len(c.have) {
		c.t.Fatalf("%d in flight, %d permits out", a.inFlight, len(c.have))
	}
	s, ok := c.l.keeper.(*shared)
	asking := ok && s.asking
	if q.len() > 0 && c.l.timer == nil && a.inFlight == 0 && !asking {
		c.t.Fatalf("%d wait for nothing: %+v", q.len(), *a)
	}
	if q.len() == 0 && c.l.timer != nil && c.store == nil {
		c.t.Fatal("a timer is armed, though nobody waits")
	}
	if a.PerSecond > 0 && a.PerSecond < 1 {
		return // that may take any time
	}
	now := time.Now()
	for _, class := range []Class{Interactive, Bulk} {
		v := a.gate(class, now)
		if wait := v.look.Sub(now); !v.pass && !v.look.IsZero() && (wait > horizon+time.Minute || wait <= 0) {
			c.t.Fatalf("class %d: to look again in %v: %+v", class, wait, *a)
		}
	}
}

// drain serves all remaining waiters.
func (c *randomCallers) drain() {
	if c.store != nil {
		c.store.kind.Store(true)
	}
	for _, p := range c.have {
		c.l.Cancel(p, true)
	}
	deadline := time.Now().Add(60 * time.Hour)
	for served := 0; c.l.Figures().Waiting > 0; {
		if time.Now().After(deadline) {
			c.t.Fatalf("%d still wait: %+v", c.l.Figures().Waiting, c.l.account)
		}
		select {
		case p := <-c.permits:
			served++
			<-time.After(50 * time.Millisecond)
			now := time.Now()
			c.l.Settle(p, false, Reading{Limit: 500, Remaining: 499 - served%400, Reset: now.Truncate(time.Hour).Add(time.Hour)}, now)
		case <-time.After(time.Minute):
		}
		synctest.Wait()
	}
	for len(c.permits) > 0 {
		c.l.Cancel(<-c.permits, false)
	}
	<-time.After(time.Second) // until the store has replied
}
