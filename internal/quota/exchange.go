package quota

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// refresh drops permits that may have been given to others in the meantime: this
// program was suspended, or the whole machine, and the monotonic clock with it.
func (s *shared) refresh(now time.Time) {
	if s.leases == [2]int{} || max(now.Sub(s.heard), now.Round(0).Sub(s.heard.Round(0))) <= leaseTTL {
		return
	}
	s.leases, s.news = [2]int{}, true
}

// poll begins an exchange if one is due. interactive and bulk are the numbers of
// waiters; gate is when the gate is to be asked again, zero for when a response
// comes. poll returns when the ledger is to dispatch again.
func (s *shared) poll(interactive, bulk int, gate, now time.Time) time.Time {
	open, opens := s.open(now)
	if !open && opens.Sub(now) > idleLease {
		interactive, bulk = 0, 0 // none will pass soon
	}
	if s.wants > 0 && interactive == 0 && !s.asking { // the waiters gave up: others may have their permits
		s.news = true
	}
	at := s.due(interactive, bulk, open, now)
	if !at.IsZero() && !at.After(now) {
		s.begin(s.ask(interactive, bulk, open, now))
		at = s.due(interactive, bulk, open, now)
	}
	if at.IsZero() || s.local && interactive+bulk == 0 { // the next call will begin an exchange
		return gate
	}
	if gate.IsZero() {
		return at
	}
	return earlier(at, gate)
}

// Report reports the outcome of the last requests to the store if the process is
// idle now, because it may end, or be frozen, before a later report. It waits for
// the exchange, but no longer than for any other. A process that is not idle
// reports anyway. news is called like [Ask].StoreNews.
func (l *Ledger) Report(news func(StoreNews)) {
	if l.shared == nil {
		return
	}
	defer l.shared.deliver(news)
	timer := time.NewTimer(storeTimeout)
	defer timer.Stop()
	for {
		l.mu.Lock()
		ended := l.shared.flush(l.queue.len(), time.Now())
		l.mu.Unlock()
		if ended == nil {
			return
		}
		select {
		case <-ended:
		case <-timer.C:
			return
		}
	}
}

// flush begins the report of an idle process. It returns a channel that is closed
// when the pending exchange ends; nil if there is nothing to wait for.
func (s *shared) flush(waiting int, now time.Time) <-chan struct{} {
	// The first exchange may be late, as its connection is new. If the process
	// ended before its reply, the permits in that would be withheld from others.
	first := s.asking && s.report.Number == 1
	if s.local && !first || waiting+s.own.inFlight > 0 || !s.news && s.leases == [2]int{} && !s.asking {
		return nil
	}
	if !s.asking {
		s.leases = [2]int{} // the next call may come much later
		s.begin(s.ask(0, 0, true, now))
	}
	return s.ended
}

// due returns when the next exchange is due; zero if there is nothing to report.
// Waiters count only if they could pass as far as the store does not decide.
func (s *shared) due(interactive, bulk int, open bool, now time.Time) time.Time {
	waiting, leases := interactive+bulk, s.leases[Interactive]+s.leases[Bulk]
	unused := leases > 0 && waiting == 0
	at := s.last
	switch {
	case s.asking, waiting+leases+s.own.inFlight == 0 && (s.local || !s.news):
		return time.Time{}
	case s.local:
		return at.Add(storeRest)
	case s.last.IsZero():
		return now
	case unused && s.own.inFlight > 0:
		at = at.Add(idleLease) // the next of consecutive calls may use the permits
	case unused, s.news:
		at = at.Add(reportDelay)
	default:
		at = at.Add(heartbeat)
	}
	if open {
		at = s.dueForWaiters(at, interactive, bulk)
	}
	return at
}

// dueForWaiters returns when to ask for permits for the waiters, or at if that is
// earlier.
func (s *shared) dueForWaiters(at time.Time, interactive, bulk int) time.Time {
	if interactive > 0 && s.leases == [2]int{} {
		at = earlier(at, s.again[Interactive])
	}
	if bulk > 0 && s.leases[Bulk] == 0 {
		at = earlier(at, s.again[Bulk])
	}
	return at
}

// ask prepares the next report.
func (s *shared) ask(interactive, bulk int, open bool, now time.Time) StoreAsk {
	if !s.used && interactive == 0 {
		s.leases[Interactive] = 0 // unused: they are returned
	}
	if !s.used && interactive+bulk == 0 {
		s.leases[Bulk] = 0
	}
	s.asking, s.used, s.news, s.fresh = true, false, false, false
	ask := &s.report
	ask.Number++
	most := math.MaxInt // permits that cannot be used soon are left to others
	if !open {
		most = 0
	} else if s.own.pacer != nil {
		most = 1 + int(s.own.PerSecond)
	}
	ask.Interactive, ask.Bulk, ask.Reserve = max(min(interactive, most)-s.leases[Interactive], 0), 0, s.own.Reserve
	if bulk > 0 {
		ask.Bulk = max(min(max(bulk, bulkLease), most)-s.leases[Bulk], 0)
	}
	ask.Held = s.own.inFlight + s.leases[Interactive] + s.leases[Bulk]
	if !s.reportedAt.IsZero() {
		ask.Limit, ask.Remaining, ask.Age = s.reported.Limit, s.reported.Remaining, now.Sub(s.reportedAt)
		ask.Reset = left(s.reported.Reset, now)
	}
	ask.RetryAfter = left(s.pause, now)
	return *ask
}

// left returns the time until t; zero if t is past or zero.
func left(t, now time.Time) time.Duration { return max(t.Sub(now), 0) }

var errHangs = errors.New("no reply, and Exchange ignores the end of its context")

// call calls the store. A panic in it, or in the text of its error, becomes an
// error.
func (s *shared) call(ctx context.Context, ask StoreAsk) (reply StoreReply, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("panic in the QuotaStore")
		}
	}()
	if reply, err = s.store.Exchange(ctx, ask); err != nil {
		err = errors.New(err.Error())
	}
	return reply, err
}

// begin begins an exchange.
func (s *shared) begin(ask StoreAsk) {
	s.ended = make(chan struct{})
	go s.exchange(ask)
}

// exchange calls the store. If that takes too long, the account decides in the meantime.
// A late reply still counts, as this program may have been slow, or the connection
// new; but not if another was late shortly before. Why the store failed is not
// known until the exchange ends.
func (s *shared) exchange(ask StoreAsk) {
	ctx, cancel := context.WithTimeout(context.Background(), storeRest)
	defer cancel()
	start := time.Now()
	var done, late, forgiven bool // guarded by the ledger's lock
	slow := time.AfterFunc(storeTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if done { // it ended while this waited for the lock
			return
		}
		now := time.Now()
		late, forgiven = true, now.Sub(s.slow) > 2*storeRest
		s.slow = now
		s.rest(now)
		s.dispatch(now)
	})
	hangs := time.AfterFunc(2*storeRest, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.failed(errHangs)
	})
	var reply StoreReply
	err := errors.New("the QuotaStore called runtime.Goexit")
	defer func() { // also if the store ends the goroutine
		slow.Stop()
		hangs.Stop()
		s.mu.Lock()
		defer s.mu.Unlock()
		now := time.Now()
		done, s.asking = true, false
		close(s.ended)
		switch {
		case err == nil && !late:
			s.returned()
			s.apply(ask, reply, start, now)
		case err == nil:
			forgiven = forgiven && now.Sub(start) < storeRest
			if !forgiven || now.Sub(start) > storeDial {
				s.failed(fmt.Errorf("an exchange took %v, longer than the limit of %v", now.Sub(start).Round(time.Millisecond), storeTimeout))
			}
			if forgiven {
				s.apply(ask, reply, start, now)
			}
		default:
			if !late {
				s.rest(now)
			}
			s.failed(err)
		}
		s.dispatch(now)
	}()
	reply, err = s.call(ctx, ask)
}

// rest leaves the store alone for storeRest: the account decides.
func (s *shared) rest(now time.Time) {
	s.last, s.news, s.local, s.leases, s.probing = now, true, true, [2]int{}, [2]bool{}
}

// StoreNews is what is to be logged about a store. It failed, or returned, or both,
// in that order.
type StoreNews struct {
	Failed   error // why it failed; nil if it did not
	Returned bool  // it works again
	Mixed    bool  // two limits are reported in turn
}

// failed records why the store failed, once until it returns.
func (s *shared) failed(err error) {
	if s.failing {
		return
	}
	s.failing = true
	if s.unlogged.Returned {
		s.unlogged.Returned = false // this has not been logged yet
		return
	}
	s.unlogged.Failed = err
}

// returned records that the store replies in time.
func (s *shared) returned() {
	if s.failing {
		s.failing, s.unlogged.Returned = false, true
	}
}

// deliver calls report with the unlogged news, if there is any.
func (s *shared) deliver(report func(StoreNews)) {
	if report == nil {
		return
	}
	s.mu.Lock()
	news := s.unlogged
	s.unlogged = StoreNews{}
	s.mu.Unlock()
	if news != (StoreNews{}) {
		report(news)
	}
}

// apply takes into account the store's reply.
func (s *shared) apply(ask StoreAsk, reply StoreReply, began, now time.Time) {
	s.last, s.heard, s.local = now, began, false
	if reply.Mixed && !s.mixed {
		s.mixed, s.unlogged.Mixed = true, true
	}
	s.turn = max(s.turn, reply.Turn)
	s.wants = ask.Interactive - min(max(reply.Interactive, 0), ask.Interactive)
	if ask.Refused != s.report.Refused {
		return // the permits were granted before the store knew of a 429
	}
	if s.idle++; reply.Interactive+reply.Bulk > 0 {
		s.idle = 0
	}
	s.leases[Interactive] += min(max(reply.Interactive, 0), ask.Interactive)
	s.leases[Bulk] += min(max(reply.Bulk, 0), ask.Bulk)
	pause := min(max(reply.AskAgain, reportDelay<<min(s.idle, maxIdleDoublings)), hour)
	pause += rand.N(min(pause/pauseSpread, spread) + 1) // so that processes do not all ask at the same moment
	s.again, s.opens, s.probing = [2]time.Time{now, now}, [2]time.Time{}, [2]bool{}
	for c, short := range []bool{reply.Interactive < ask.Interactive, reply.Bulk < 1 && ask.Bulk > 0} {
		if short {
			s.again[c] = now.Add(pause)
			s.opens[c] = now.Add(min(reply.Opens, horizon))
			s.probing[c] = reply.Probing
		}
	}
}
