package quota

import (
	"context"
	"errors"
	"time"
)

// sharedGate is the part of the gate that a store does not see to: what a
// refusal told, the share and the local ceiling.
func (l *Ledger) sharedGate(now time.Time) (bool, time.Time) {
	if now.Before(l.shared.pause) {
		return false, l.shared.pause
	}
	return l.account.sharedGate(now)
}

// consult speaks to the store if that is due, and returns when to look again.
func (l *Ledger) consult(next, now time.Time) time.Time {
	interactive, bulk := l.queue.interactive.list.Len(), l.queue.bulk.list.Len()
	open, opens := l.sharedGate(now)
	if !open && opens.Sub(now) > keep {
		interactive, bulk = 0, 0 // none will pass soon
	}
	if l.shared.wants > 0 && interactive == 0 && !l.shared.asking { // they gave up: others may have theirs
		l.shared.wants, l.shared.news = 0, true
	}
	at := l.shared.due(interactive, bulk, l.account.inFlight, open, now)
	if !at.IsZero() && !at.After(now) {
		go l.exchange(l.shared.ask(interactive, bulk, open, &l.account, now))
		at = l.shared.due(interactive, bulk, l.account.inFlight, open, now)
	}
	switch {
	case at.IsZero() || l.shared.fails() && interactive+bulk == 0: // the next call will see to it
		return next
	case next.IsZero() || at.Before(next):
		return at
	}
	return next
}

var errSlow = errors.New("no answer within 100 ms")

// call asks the store. A panic in it, or in its error, is an error like any
// other.
func (s *shared) call(ctx context.Context, ask StoreAsk) (answer StoreAnswer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("panic in the QuotaStore")
		}
	}()
	if answer, err = s.store.Exchange(ctx, ask); err != nil {
		err = errors.New(err.Error())
	}
	return answer, err
}

// exchange speaks to the store. A store that takes too long is not waited for.
// It decides again when its answer comes after all, as it may have been this
// program that was slow; but not the next time.
func (l *Ledger) exchange(ask StoreAsk) {
	ctx, cancel := context.WithTimeout(context.Background(), storeRest)
	defer cancel()
	start, late, forgiven := time.Now(), false, false // guarded by the ledger's lock
	slow := time.AfterFunc(storeTimeout, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		now := time.Now()
		late, forgiven = true, now.Sub(l.shared.slow) > 2*storeRest
		l.shared.slow = now
		l.shared.failed(errSlow, now)
		l.dispatch(now)
	})
	var answer StoreAnswer
	err := errors.New("the QuotaStore ended the goroutine")
	defer func() { // should the store not come back, too
		slow.Stop()
		l.mu.Lock()
		defer l.mu.Unlock()
		now := time.Now()
		l.shared.asking = false
		switch {
		case err == nil && (!late || forgiven && now.Sub(start) < storeRest):
			l.shared.took(ask, answer, now)
			l.shared.warned = l.shared.warned && late
		case !late:
			l.shared.failed(err, now)
		}
		l.dispatch(now)
	}()
	answer, err = l.shared.call(ctx, ask)
}

// Trouble returns why the store failed, once for each time that it began to.
func (l *Ledger) Trouble() error {
	if l.shared == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.shared.trouble
	l.shared.trouble = nil
	return err
}
