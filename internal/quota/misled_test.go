package quota

import (
	"math"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// Requests that were lost before the server counted them look as if they had been
// restored. The server is not taken for one that refills.
func TestLostRequestsAreNotTakenForRefill(t *testing.T) {
	for _, class := range []Class{Interactive, Bulk} {
		synctest.Test(t, func(t *testing.T) {
			server := windowed(5000)
			d := open(t, usual, server.respond())
			for range 5 {
				d.Cancel(d.Grant(), true)
			}
			<-time.After(30 * time.Minute)
			d.Settle(d.Grant(), false, server.respond(), time.Now())
			if pace := d.account.belief.refill(); pace > 0 {
				t.Fatalf("taken for a server that gives back %v a second", pace)
			}
			for left := 5000; left > 1; { // others spend all but one
				left = server.respond().Remaining
			}
			d.Settle(d.Grant(), false, server.respond(), time.Now()) // nothing is left
			_, waited, err := d.Acquire(t.Context(), Ask{Class: class, Budget: Forever, Notify: quiet})
			if err != nil || waited < 30*time.Minute || waited > 30*time.Minute+spread {
				t.Errorf("class %d: %v after %v", class, err, waited)
			}
		})
	}
}

// A server that refills slowly, and reports a reset at which all is restored, is
// probed at that reset, however large the limit is.
func TestARefillIsWaitedForUntilTheResetAtMost(t *testing.T) {
	for _, limit := range []int{1_000_000, math.MaxInt32} {
		for _, reserve := range []float64{DefaultReserve, 1} {
			a := newAccount(Options{Reserve: reserve})
			now := time.Now()
			end := now.Add(time.Hour)
			for i, left := range []int{1000, 1003, 0} {
				if i == 1 {
					now = now.Add(50 * time.Minute)
				}
				a.settle(a.grant(Interactive, now), false, Reading{Limit: limit, Remaining: left, Reset: end}, now)
			}
			v := a.gate(Bulk, now)
			if at := v.look; v.pass || a.belief.refill() == 0 || at.Before(now.Add(time.Second)) || at.After(end.Add(spread)) {
				t.Errorf("limit %d, refill %v: %v, look again in %v", limit, a.belief.refill(), v.pass, at.Sub(now))
			}
			if until := a.estimate(v, 1000, now); until.After(end.Add(spread)) {
				t.Errorf("limit %d: estimated to wait for %v", limit, until.Sub(now))
			}
		}
	}
}

// A request that was never sent is not spent, of the share either.
func TestWhatWasNotSentIsNotTakenFromTheShare(t *testing.T) {
	for name, refill := range map[string]bool{"windows": false, "refill": true} {
		synctest.Test(t, func(t *testing.T) {
			d := open(t, Options{Share: 0.5, Reserve: DefaultReserve}, headers(100, 99, time.Hour))
			if refill {
				d.account.belief = refilling{perSecond: 0.01}
			}
			for i := range 200 {
				p, _, err := d.Acquire(t.Context(), Ask{Budget: 0, Notify: quiet})
				if err != nil {
					t.Fatalf("%s: try %d: %v", name, i+1, err)
				}
				d.Cancel(p, false)
			}
		})
	}
}

// A request that got a 429 is not spent, of the share either: it passes at the time
// that the 429 named.
func TestA429IsNotTakenFromTheShare(t *testing.T) {
	d := newTestAccount(Options{Share: 0.5})
	d.quota = 4
	d.hears(3, time.Hour)
	d.settle(d.sends(1)[0], true, Reading{Limit: -1, Remaining: -1, RetryAfter: d.now.Add(time.Minute)}, d.now)
	d.now = d.now.Add(time.Minute + spread)
	if v, until := d.asks(Interactive); !v.pass {
		t.Errorf("%+v, expect it in %v", v, until.Sub(d.now))
	}
}

// The reserve is a part of what this process may use, not of what others have.
func TestTheReserveIsAPartOfTheShare(t *testing.T) {
	for _, tt := range []struct {
		limit int
		share float64
		least int
	}{{100, 0.125, 10}, {100, 0.1, 8}, {5000, 0.125, 590}, {5000, 0.05, 230}} {
		synctest.Test(t, func(t *testing.T) {
			server := windowed(tt.limit)
			d := open(t, Options{Share: tt.share, Reserve: DefaultReserve}, server.respond())
			n, most := 1, tt.share*float64(tt.limit)
			for ; d.may(Bulk); n++ {
				d.Settle(d.Grant(), false, server.respond(), time.Now())
			}
			if n < tt.least || float64(n) >= most {
				t.Errorf("bulk has %d of %v, want at least %d", n, most, tt.least)
			}
		})
	}
}

// A server that always sends Retry-After: 1 is not asked every second.
func TestAStandingRetryAfterIsNotBelievedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(40 * time.Minute)
		d := open(t, usual, Reading{Limit: 100, Remaining: 1, Reset: end})
		rejected := 0
		for ; time.Now().Before(end); rejected++ {
			p, _, err := d.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
			if err != nil {
				t.Fatal(err)
			}
			d.Settle(p, true, Reading{Limit: 100, Reset: end, RetryAfter: time.Now().Add(time.Second)}, time.Now())
		}
		if late := time.Since(end); rejected > 20 || late > time.Second {
			t.Errorf("%d 429s in 40 minutes, the last %v after the reset", rejected, late)
		}
	})
}

// A 429 while much is left is about something other than the quota, and ends
// sooner.
func TestARefusalWithMuchLeftIsBackedOffFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := headers(5000, 4001, 50*time.Minute)
		d := open(t, usual, r)
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			r.Remaining = 4000
			d.Settle(d.Grant(), true, r, time.Now())
			p, waited, err := d.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
			if err != nil || waited < want/2 || waited > want+spread {
				t.Errorf("429 %d: %v after %v", i+1, err, waited)
			}
			d.Cancel(p, false)
		}
	})
}

// A response to an earlier request may not raise what a newer one reported, even if
// only the older one has a reset.
func TestAnOlderAnswerWithAResetDoesNotRaise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(usual)
		oldest, second := l.Grant(), l.Grant()
		l.Settle(second, false, Reading{Limit: 100}, time.Now())
		l.Settle(l.Grant(), false, Reading{Limit: 100}, time.Now())
		l.Settle(oldest, false, headers(100, 50, time.Hour), time.Now())
		if f := l.Figures(); f.Remaining != 0 {
			t.Errorf("the newest said that nothing is left: %+v", f)
		}
	})
}

// A late 429 of the old window says nothing about the new one.
func TestALateRefusalOfTheOldWindowIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(100, 1, time.Minute))
		old := Reading{Limit: 100, Reset: d.Figures().Reset}
		<-time.After(59 * time.Second)
		slow := d.Grant()
		<-time.After(2 * time.Second)
		d.Settle(d.Grant(), false, headers(100, 99, time.Hour), time.Now())
		d.Settle(slow, true, old, time.Now())
		if _, _, err := d.Acquire(t.Context(), Ask{Budget: 0, Notify: quiet}); err != nil || d.Figures().Remaining != 98 {
			t.Errorf("%v, %+v", err, d.Figures())
		}
	})
}

// The time that a 429 names is not a reset: it is over when it is past.
func TestATimeThatARefusalToldIsNoReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(usual)
		l.Settle(l.Grant(), true, Reading{Limit: 100, RetryAfter: time.Now().Add(time.Second)}, time.Now())
		<-time.After(2 * time.Second)
		l.Settle(l.Grant(), false, Reading{Limit: 100}, time.Now()) // nothing left
		_, waited, err := l.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
		if err != nil || waited < time.Hour/100 {
			t.Errorf("%v after %v", err, waited)
		}
	})
}

// Probes with slow responses do not exceed the limit.
func TestSlowProbesAreNoMoreThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(1, 0, time.Minute))
		<-time.After(time.Minute + spread)
		for _, name := range []string{"a", "b", "c"} {
			d.come(t.Context(), name, Interactive, time.Hour)
		}
		<-time.After(20 * time.Second)
		d.counts(2, 1)
		d.respond("a", false, headers(1, 0, time.Minute))
		for _, name := range []string{"b", "c"} {
			<-time.After(time.Minute + spread)
			d.respond(name, false, headers(1, 0, time.Minute))
		}
		d.counts(0, 0)
	})
}

// aligned is a server whose windows are the hours of its own clock, which differs
// from the local one.
type aligned struct {
	limit, used int
	ahead       time.Duration // how far the local clock is ahead
	milli       bool          // its resets are in milliseconds
	end         time.Time     // by its own clock
}

func (s *aligned) ask() (Reading, bool) {
	<-time.After(37 * time.Millisecond)
	now := time.Now().Add(-s.ahead)
	if !now.Before(s.end) {
		s.used, s.end = 0, now.Truncate(time.Hour).Add(time.Hour)
	}
	over := s.used >= s.limit
	if !over {
		s.used++
	}
	reset := s.end.Unix()
	if s.milli {
		reset = s.end.UnixMilli()
	}
	return Read(header(HeaderLimit, strconv.Itoa(s.limit), HeaderRemaining, strconv.Itoa(s.limit-s.used),
		HeaderReset, strconv.FormatInt(reset, 10), "Date", now.UTC().Format(http.TimeFormat)), time.Now()), over
}

// A small error of the local clock does as little harm as a large one.
func TestASmallSkewDoesNotMatter(t *testing.T) {
	for _, ahead := range []time.Duration{-1900, -1000, -300, 0, 300, 500, 1000, 1500, 1900, 2100, 5000} {
		for _, milli := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				d := open(t, usual, Reading{Limit: -1, Remaining: -1})
				s := &aligned{limit: 10, ahead: ahead * time.Millisecond, milli: milli}
				served, rejected := d.served(s, Interactive, time.Now().Add(20*time.Hour-time.Minute))
				if rejected > 0 || served < 190 {
					t.Errorf("local clock %v ahead, milliseconds %v: %d served, %d rejected", s.ahead, milli, served, rejected)
				}
			})
		}
	}
}

// A cache that has just fetched its response sends an Age of 0.
func TestAFreshAnswerOutOfACacheTells(t *testing.T) {
	h := header("Age", "0", HeaderLimit, "100", HeaderRemaining, "7")
	if got := Read(h, received); got.Limit != 100 || got.Remaining != 7 {
		t.Errorf("read as %+v", got)
	}
}
