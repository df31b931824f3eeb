package quota

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Store shares a quota among processes; leedo.QuotaStore documents it.
type Store interface {
	// Exchange takes a report and returns permits.
	Exchange(ctx context.Context, ask StoreAsk) (StoreReply, error)
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

// StoreReply is leedo.QuotaAnswer, which documents it.
type StoreReply struct {
	Interactive, Bulk int
	AskAgain, Opens   time.Duration
	Turn              int64
	Probing, Mixed    bool
}

// shared is the keeper of a quota that a store shares among processes: what this
// process reports to the store, and the permits that it got. While the store fails,
// its own account decides.
type shared struct {
	own      *account
	mu       sync.Locker     // the ledger's
	dispatch func(time.Time) // the ledger's

	store    Store
	report   StoreAsk
	local    bool      // the store has failed: the account decides
	failing  bool      // its failure has been recorded
	slow     time.Time // when a reply last came too late
	mixed    bool      // it has been recorded that two limits are reported in turn
	unlogged StoreNews // what is to be logged

	leases     [2]int    // unused permits that the store granted, by class
	used       bool      // one was used since the last exchange
	news       bool      // there is something to report
	fresh      bool      // that includes the figures
	reported   Reading   // the newest figures
	reportedAt time.Time // when they came; zero means never
	pause      time.Time // when a request that got a 429 may be repeated

	turn   int64         // of the newest reply of the store
	asking bool          // an exchange is pending
	ended  chan struct{} // closed when the exchange ends; nil before the first
	last   time.Time     // when the last one ended
	heard  time.Time     // when the last exchange with a reply began
	wants  int           // interactive permits that were asked for and not granted
	idle   int           // consecutive exchanges that brought no permit
	again  [2]time.Time  // when to ask for what was not granted, by class
	opens  [2]time.Time  // by class: when permits are likely to be available; valid until again

	probing [2]bool // by class: nothing that the store knows forbids a request that was not granted
}

func newShared(s Store, own *account, mu sync.Locker, dispatch func(time.Time)) *shared {
	process := fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())
	return &shared{own: own, mu: mu, dispatch: dispatch, store: s, report: StoreAsk{Process: process}}
}

// arrive records that a caller came. If the store has failed, it is asked again
// even if the account fails the caller; otherwise a process whose callers all fail
// would never return to the store.
func (s *shared) arrive(c Class, now time.Time) {
	s.refresh(now)
	if c == Interactive {
		s.report.Calls++
	}
	if s.local && !s.asking && now.Sub(s.last) >= storeRest {
		s.begin(s.ask(0, 0, false, now))
	}
}

// gate decides on the next request of the class: it may use a permit that the store
// has granted.
func (s *shared) gate(c Class, now time.Time) verdict {
	if s.local {
		return s.own.gate(c, now)
	}
	v := verdict{class: c, kept: s.outlook(c, now)}
	if v.pass, v.look = s.open(now); v.pass {
		if v.pass = s.leases[c] > 0 || s.leases[Bulk] > 0; !v.pass && s.probing[c] && !s.pending(c, now) {
			own := s.own.gate(c, now)
			v.careful = own.pass || own.careful
		}
	} else if now.Before(s.pause) {
		v.why = WaitRetryAfter
	}
	return v
}

// pending reports whether an exchange is pending, or about to begin, that may bring
// a permit of the class.
func (s *shared) pending(c Class, now time.Time) bool {
	open, _ := s.open(now)
	return open && (s.asking || !now.Before(s.again[c]))
}

// figures returns the rate limit state.
func (s *shared) figures(why Reason, now time.Time) Figures { return s.own.figures(why, now) }

// open reports whether requests may be sent as far as the store does not decide,
// and if not, when: after a 429, for the share, and for the client-side limit.
func (s *shared) open(now time.Time) (bool, time.Time) {
	a := s.own
	switch {
	case now.Before(s.pause):
		return false, s.pause
	case a.Share < 1 && now.Before(a.opens) && a.shareLeft(now) < 1:
		return false, a.opens
	}
	return a.paced(now)
}

// outlook returns when the store is likely to grant a permit of the class.
func (s *shared) outlook(c Class, now time.Time) time.Time {
	if at := s.opens[c]; at.After(now) && now.Before(s.again[c]) {
		return at
	}
	return now
}

// estimate returns when a caller with ahead others before it is likely to get its
// permit.
func (s *shared) estimate(v verdict, ahead int, now time.Time) time.Time {
	if s.local {
		return s.own.estimate(v, ahead, now)
	}
	at := s.own.inLine(v.likely(now), ahead, now)
	if s.own.PerSecond > 0 {
		at = later(at, s.own.inPace(ahead, now))
	}
	return at
}

// reason returns what a caller waits for until the estimated time; empty means an
// exchange with the store.
func (s *shared) reason(v verdict, at time.Time, ahead int, now time.Time) Reason {
	switch {
	case s.local, v.why != "", s.own.PerSecond > 0 && at.After(now) && !s.own.inPace(ahead, now).Before(at):
		return s.own.reason(v, at, ahead, now)
	case s.pending(v.class, now) && !at.After(now):
		return ""
	case v.careful:
		return WaitProbe
	case v.class == Bulk && s.own.remaining(now) >= 1:
		return WaitReserve
	}
	return WaitQuota
}

// grant grants a permit.
func (s *shared) grant(c Class, now time.Time) Permit {
	p := s.own.grant(c, now)
	if !s.local {
		s.lease(c)
		p.turn = s.turn
	}
	return p
}

// settle ends a permit with a response.
func (s *shared) settle(p Permit, rejected bool, r Reading, now time.Time) {
	s.own.settle(p, rejected, r, now)
	s.note(p, true, rejected, r, now)
}

// cancel ends a permit without a response.
func (s *shared) cancel(p Permit, sent bool, now time.Time) {
	s.own.cancel(p, sent, now)
	s.news = true
	if sent {
		s.note(p, false, false, Reading{}, now)
	}
}

// lease uses a permit that the store has granted. Interactive requests may use
// those for bulk.
func (s *shared) lease(c Class) {
	for _, from := range []Class{c, Bulk} {
		if s.leases[from] > 0 {
			s.leases[from]--
			s.used = true
			return
		}
	}
}

// note records the outcome of a request for the next report.
func (s *shared) note(p Permit, responded, rejected bool, r Reading, now time.Time) {
	s.news = true
	switch {
	case rejected:
		s.report.Refused++
		s.report.RefusedSent, s.pause = p.turn, r.RetryAfter
		s.leases = [2]int{} // the quota does not cover them
	case r.Valid():
		s.report.Served++
	case responded:
		s.report.Lost++
		s.report.Silent++
	default:
		s.report.Lost++
	}
	if r.Valid() && s.newest(p, r) {
		s.reported, s.reportedAt, s.report.Sent, s.fresh = r, now, p.turn, true
	}
}

// newest reports whether the figures of a response replace those to be reported:
// they are of a later window, or of the same window and lower, or the others have
// been reported already.
func (s *shared) newest(p Permit, r Reading) bool {
	ahead := time.Duration(0)
	if !r.Reset.IsZero() && !s.reported.Reset.IsZero() {
		ahead = r.Reset.Sub(s.reported.Reset)
	}
	switch {
	case s.reportedAt.IsZero(), ahead > tolerance:
		return true
	case r.Limit != s.reported.Limit && p.turn >= s.report.Sent: // another plan
		return true
	case ahead < -tolerance:
		return false
	}
	return r.Remaining < s.reported.Remaining || !s.fresh && p.turn > s.report.Sent
}
