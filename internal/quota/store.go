package quota

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Store shares a quota among processes, as leedo.QuotaStore tells it.
type Store interface {
	// Exchange takes a report and answers with permits.
	Exchange(ctx context.Context, ask StoreAsk) (StoreAnswer, error)
}

// StoreAsk is leedo.QuotaAsk, which documents it.
type StoreAsk struct {
	Process string
	Number  int64

	Interactive, Bulk int
	Reserve           float64

	Held                                 int
	Served, Lost, Silent, Refused, Calls int64

	Limit, Remaining int
	Reset, Age       time.Duration
	Sent             int64

	RetryAfter  time.Duration
	RefusedSent int64
}

// StoreAnswer is leedo.QuotaAnswer, which documents it.
type StoreAnswer struct {
	Interactive, Bulk int
	AskAgain, Opens   time.Duration
	Turn              int64
}

const (
	// storeTimeout is how long an exchange is waited for. Its answer counts all
	// the same when it comes later: it may have been this program that was slow.
	storeTimeout = 100 * time.Millisecond
	// storeRest is how long a store that fails is left alone, and an answer
	// that is late may take.
	storeRest = 5 * time.Second
	// flush is how soon what there is to report is reported, and permits that
	// nobody wants go back.
	flush = 20 * time.Millisecond
	// keep is for how long permits stay that the call under way may be followed
	// by a use for.
	keep = 500 * time.Millisecond
	// heartbeat is how often a process that holds permits shows that it lives.
	heartbeat = 10 * time.Second
	// silence is for how long permits are a process's that says nothing. The
	// store has given them to others after 30 s, and may have heard of it 5 s
	// before its answer came.
	silence = 2 * heartbeat
	// lease is how many permits for bulk are asked for at a time, at least.
	lease = 32
)

// shared is what a ledger has to do with a store: what it reports and what it
// got. The lock of the ledger guards it. nil: there is no store.
type shared struct {
	store   Store
	report  StoreAsk
	local   bool      // the store failed: the ledger's own account decides
	warned  bool      // it has been told
	slow    time.Time // when an answer was last not there in time
	trouble error     // why, until somebody has asked

	leases [2]int    // permits that the store granted and nobody used, by class
	used   bool      // one was used since the last exchange
	news   bool      // there is something to report
	fresh  bool      // the figures are among it
	told   Reading   // the newest figures
	toldAt time.Time // when they came; zero: never
	pause  time.Time // when a refused request may be repeated

	turn   int64        // of the newest answer of the store
	asking bool         // an exchange is under way
	last   time.Time    // when the last one ended
	wants  int          // interactive permits that the store was left waiting for
	idle   int          // those that brought no permit, in a row
	again  [2]time.Time // when to ask for what was not granted, by class
	opens  [2]time.Time // when there is likely to be some; believed until again
}

func newShared(s Store) *shared {
	if s == nil {
		return nil
	}
	return &shared{store: s, report: StoreAsk{Process: fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())}}
}

// decides tells whether the store says who may go.
func (s *shared) decides() bool { return s != nil && !s.local }

// fails tells whether there is a store that does not work.
func (s *shared) fails() bool { return s != nil && s.local }

// lease takes a permit that the store has granted. Interactive requests may
// have those for bulk.
func (s *shared) lease(c Class) bool {
	for _, from := range []Class{c, Bulk} {
		if s.leases[from] > 0 {
			s.leases[from]--
			s.used = true
			return true
		}
	}
	return false
}

// expire drops permits that others may have been given meanwhile: this program
// was stopped, or its machine, for which the monotonic clock may have, too.
func (s *shared) expire(now time.Time) {
	if s == nil || s.leases == [2]int{} || max(now.Sub(s.last), now.Round(0).Sub(s.last.Round(0))) <= silence {
		return
	}
	s.leases, s.news = [2]int{}, true
}

// back notes that a permit was given back unused.
func (s *shared) back() {
	if s != nil {
		s.news = true
	}
}

// settle notes what became of a request, and the figures of its answer if
// they are the newest: of the latest window, and of those the lowest until
// they are reported.
func (s *shared) settle(p Permit, answered, refused bool, r Reading, now time.Time) {
	if s == nil {
		return
	}
	s.news = true
	speaks := r.Limit > 0 && r.Remaining >= 0
	switch {
	case refused:
		s.report.Refused++
		s.report.RefusedSent, s.pause = p.turn, r.RetryAfter
		s.leases = [2]int{} // there is nothing behind them
	case speaks:
		s.report.Served++
	default:
		s.report.Lost++
		if answered {
			s.report.Silent++
		}
	}
	known := !r.Reset.IsZero() && !s.told.Reset.IsZero()
	later, earlier := known && r.Reset.Sub(s.told.Reset) > tolerance, known && s.told.Reset.Sub(r.Reset) > tolerance
	if speaks && (s.toldAt.IsZero() || later || r.Limit != s.told.Limit && p.turn >= s.report.Sent ||
		!earlier && (r.Remaining < s.told.Remaining || !s.fresh && p.turn > s.report.Sent)) {
		s.told, s.toldAt, s.report.Sent, s.fresh = r, now, p.turn, true
	}
}

// due returns when the next exchange is due; zero: there is nothing to say.
// Those who wait count only while the gate is open that is not the store's.
func (s *shared) due(interactive, bulk, inFlight int, open bool, now time.Time) time.Time {
	leases := s.leases[Interactive] + s.leases[Bulk]
	switch {
	case s.asking || interactive+bulk+leases+inFlight == 0 && (s.local || !s.news):
		return time.Time{}
	case s.local:
		return s.last.Add(storeRest)
	case s.last.IsZero():
		return now
	}
	at := s.last.Add(heartbeat)
	switch {
	case leases > 0 && interactive+bulk == 0 && inFlight > 0:
		at = s.last.Add(keep) // one call after the other: the next may want them
	case leases > 0 && interactive+bulk == 0, s.news:
		at = s.last.Add(flush)
	}
	if open && interactive > 0 && leases == 0 {
		at = earlier(at, s.again[Interactive])
	}
	if open && bulk > 0 && s.leases[Bulk] == 0 {
		at = earlier(at, s.again[Bulk])
	}
	return at
}

// ask makes the next report.
func (s *shared) ask(interactive, bulk int, open bool, a *account, now time.Time) StoreAsk {
	if !s.used && interactive == 0 {
		s.leases[Interactive] = 0 // nobody wants them: they go back
	}
	if !s.used && interactive+bulk == 0 {
		s.leases[Bulk] = 0
	}
	s.asking, s.used, s.news, s.fresh = true, false, false, false
	ask := &s.report
	ask.Number++
	most := math.MaxInt // what cannot be sent soon is for others
	if !open {
		most = 0
	} else if a.ceiling != nil {
		most = 1 + int(a.PerSecond)
	}
	ask.Interactive, ask.Bulk, ask.Reserve = max(min(interactive, most)-s.leases[Interactive], 0), 0, a.Reserve
	if bulk > 0 {
		ask.Bulk = max(min(max(bulk, lease), most)-s.leases[Bulk], 0)
	}
	ask.Held = a.inFlight + s.leases[Interactive] + s.leases[Bulk]
	if !s.toldAt.IsZero() {
		ask.Limit, ask.Remaining, ask.Age = s.told.Limit, s.told.Remaining, now.Sub(s.toldAt)
		ask.Reset = left(s.told.Reset, now)
	}
	ask.RetryAfter = left(s.pause, now)
	return *ask
}

// left returns the time until t, 0 if it is over or not known.
func left(t, now time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(t.Sub(now), 0)
}

// failed notes that the store did: it is left alone for a while.
func (s *shared) failed(err error, now time.Time) {
	s.last, s.news, s.local, s.leases = now, true, true, [2]int{}
	if !s.warned {
		s.warned, s.trouble = true, err
	}
}

// took takes in what the store answered.
func (s *shared) took(ask StoreAsk, answer StoreAnswer, now time.Time) {
	s.last, s.local = now, false
	s.turn = max(s.turn, answer.Turn)
	s.wants = ask.Interactive - min(max(answer.Interactive, 0), ask.Interactive)
	if ask.Refused != s.report.Refused {
		return // it was granted before the refusal was known
	}
	if s.idle++; answer.Interactive+answer.Bulk > 0 {
		s.idle = 0
	}
	s.leases[Interactive] += min(max(answer.Interactive, 0), ask.Interactive)
	s.leases[Bulk] += min(max(answer.Bulk, 0), ask.Bulk)
	pause := min(max(answer.AskAgain, flush<<min(s.idle, 4)), hour)
	pause += rand.N(min(pause/8, spread) + 1) // processes are not to ask all at once
	s.again, s.opens = [2]time.Time{now, now}, [2]time.Time{}
	for c, short := range []bool{answer.Interactive < ask.Interactive, answer.Bulk < 1 && ask.Bulk > 0} {
		if short {
			s.again[c] = now.Add(pause)
			s.opens[c] = now.Add(min(answer.Opens, horizon))
		}
	}
}

// outlook returns when there is likely to be a permit for the class.
func (s *shared) outlook(c Class, now time.Time) time.Time {
	if at := s.opens[c]; at.After(now) && now.Before(s.again[c]) {
		return at
	}
	return now
}
