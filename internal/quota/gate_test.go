package quota

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// asker is a server as a client sees it.
type asker interface{ ask() (Reading, bool) }

// served sends requests until the given time and returns how many the server served
// and rejected.
func (d *callers) served(s asker, c Class, until time.Time) (served, rejected int) {
	ctx, cancel := context.WithCancel(d.t.Context()) // not a deadline, with which calls would fail
	defer time.AfterFunc(time.Until(until), cancel).Stop()
	defer cancel()
	for {
		p, _, err := d.Acquire(ctx, Ask{Class: c, Budget: Forever, Notify: quiet})
		if err != nil {
			return served, rejected
		}
		r, over := s.ask()
		d.Settle(p, over, r, time.Now())
		if over {
			rejected++
		} else {
			served++
		}
	}
}

// may reports whether a request of the class may be sent now.
func (d *callers) may(c Class) bool {
	d.Ledger.mu.Lock()
	defer d.Ledger.mu.Unlock()
	return d.account.gate(c, time.Now()).pass
}

// unknown returns callers of a ledger that has no figures.
func unknown(t *testing.T, o Options) *callers {
	return &callers{Ledger: New(o), t: t, permits: map[string]Permit{}, errs: map[string]error{}}
}

func TestBulkLeavesTheReserve(t *testing.T) {
	for name, tt := range map[string]struct {
		limit   int
		reserve float64
		left    int
	}{
		"by default":                   {1000, DefaultReserve, 50},
		"by default, of a small one":   {100, DefaultReserve, 10},
		"by default, of less than 200": {180, DefaultReserve, 10},
		"of the smallest":              {10, DefaultReserve, 1},
		"none":                         {1000, -1, 0},
		"a quarter":                    {1000, 0.25, 250},
		"less than the default":        {1000, 0.01, 10},
		"of the smallest plan":         {100, 0.05, 5},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := windowed(tt.limit)
			d := open(t, Options{Reserve: tt.reserve}, server.respond())
			for d.may(Bulk) {
				d.Settle(d.Grant(), false, server.respond(), time.Now())
			}
			if f := d.Figures(); f.Remaining != tt.left || tt.left > 0 && !d.may(Interactive) {
				t.Errorf("%s: bulk leaves %d, want %d", name, f.Remaining, tt.left)
			}
		})
	}
}

// The reserve shrinks to zero by the reset, so none of it is lost.
func TestTheReserveMelts(t *testing.T) {
	for _, limit := range []int{10, 100, 500, 5000} {
		synctest.Test(t, func(t *testing.T) {
			server := windowed(limit)
			d := open(t, usual, server.respond())
			reserve := max(limit/20, min(10, limit/10))
			for minute := range 59 {
				d.served(server, Bulk, server.end.Add(time.Duration(minute-60)*time.Minute+30*time.Second))
				if left, most := d.Figures().Remaining, reserve*(60-minute)/60+1; left > most || minute == 0 && left < reserve*3/4 {
					t.Errorf("limit %d: %d left in minute %d, at most %d", limit, left, minute, most)
				}
			}
			d.served(server, Bulk, server.end.Add(-1))
			if server.served != limit || server.over != 0 {
				t.Errorf("limit %d: %d served and %d rejected by the reset", limit, server.served, server.over)
			}
		})
	}
}

func TestDemandRaisesTheReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := windowed(1000)
		d := open(t, usual, server.respond())
		for range 30 { // interactive calls, one every 20 s
			<-time.After(20 * time.Second)
			p, _, err := d.Acquire(t.Context(), Ask{Class: Interactive, Notify: quiet})
			if err != nil {
				t.Fatal(err)
			}
			d.Settle(p, false, server.respond(), time.Now())
		}
		for d.may(Bulk) {
			d.Settle(d.Grant(), false, server.respond(), time.Now())
		}
		// 50 minutes with 150 more of them are ahead.
		if left := d.Figures().Remaining; left < 100 || left > 300 {
			t.Errorf("bulk leaves %d", left)
		}
		late := server.end.Add(-10 * time.Minute) // no calls since
		d.served(server, Bulk, late)
		if left := d.Figures().Remaining; left > 60 {
			t.Errorf("bulk leaves %d ten minutes before the reset", left)
		}
		d.served(server, Bulk, server.end.Add(-1))
		if server.served != 1000 || server.over != 0 {
			t.Errorf("%d served and %d rejected by the reset", server.served, server.over)
		}
	})
}

func TestHalfAShareUsesHalf(t *testing.T) {
	for _, c := range []Class{Interactive, Bulk} {
		synctest.Test(t, func(t *testing.T) {
			server := windowed(100)
			d := open(t, Options{Share: 0.5, Reserve: DefaultReserve}, server.respond())
			for hour := range 3 {
				d.served(server, c, server.end.Add(-1))
				if server.served != 50*(hour+1) || server.over > 0 {
					t.Errorf("class %d: %d served after %d hours", c, server.served, hour+1)
				}
				<-time.After(1 + spread)
				d.served(server, c, time.Now().Add(time.Second))
			}
		})
	}
}

// On a server that refills continuously, a share of one half is half of what is
// restored.
func TestHalfAShareUsesHalfOfWhatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := refills(100)
		r, _ := server.ask()
		d := open(t, Options{Share: 0.5}, r)
		const hours = 10
		served, rejected := d.served(server, Interactive, time.Now().Add(hours*time.Hour))
		if most := 50 * (hours + 1); served > most+most/10 || served < most/2 || rejected > 2 {
			t.Errorf("%d served and %d rejected in %d hours, half would be %d", served, rejected, hours, most)
		}
	})
}

func TestRequestsPerSecondAreSpacedEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, Options{PerSecond: 2, Reserve: DefaultReserve}, headers(1000, 900, time.Hour))
		for i := range 10 {
			d.come(t.Context(), string("aB"[i%2])+fmt.Sprint(i), Class(i%2), Forever)
		}
		d.counts(10, 0)
		d.wg.Wait()
		names := strings.Fields(d.passed())
		if got := strings.Join(names, " "); got != "a0 a2 a4 a6 a8 B1 B3 B5 B7 B9" {
			t.Errorf("passed: %s", got)
		}
		for i, name := range names[1:] {
			if gap := d.permit(name).at.Sub(d.permit(names[i]).at); gap < 500*time.Millisecond || gap > 501*time.Millisecond {
				t.Errorf("%s follows after %v", name, gap)
			}
		}
	})
}

// A caller whose turn under the client-side limit would come too late fails.
func TestRequestsPerSecondRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, Options{PerSecond: 0.1}, headers(1000, 900, time.Hour))
		start := time.Now()
		for i := range 5 {
			name := fmt.Sprint(i)
			d.come(t.Context(), name, Interactive, 35*time.Second)
			if until := d.failedUntil(name); until.IsZero() != (i < 3) {
				t.Errorf("caller %d, whose turn is in %d s: rejected until %v from now", i, 10*(i+1), until.Sub(start))
			}
		}
		if until := d.failedUntil("4").Sub(start); until < 39*time.Second || until > 41*time.Second {
			t.Errorf("the estimate is %v", until)
		}
		d.wg.Wait()
		if took := time.Since(start); took > 31*time.Second {
			t.Errorf("all were notified after %v", took)
		}
	})
}

func TestAColdStartIsCareful(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := unknown(t, usual)
		for i := range 64 {
			d.come(t.Context(), fmt.Sprint(i), Class(i%2), Forever)
		}
		d.counts(64-coldStart, coldStart)
		d.respond("0", false, headers(10, 9, time.Hour))
		d.counts(64-10, 9) // ten are counted or in flight
	})
}

func TestOneProbeAfterAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(100, 0, time.Minute))
		for i := range 20 {
			d.come(t.Context(), fmt.Sprint(i), Interactive, Forever)
		}
		<-time.After(time.Minute)
		<-time.After(spread)
		d.counts(19, 1)
		<-time.After(2 * time.Second)
		d.counts(19, 1)
		d.respond("0", false, headers(100, 99, time.Hour))
		d.counts(0, 19)
	})
}

// If the response to a probe is lost or late, another probe follows.
func TestALostProbeIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(100, 0, time.Minute))
		for i := range 20 {
			d.come(t.Context(), fmt.Sprint(i), Interactive, Forever)
		}
		<-time.After(time.Minute + spread)
		for probes := range 3 {
			d.counts(19-probes, probes+1)
			<-time.After(3 * time.Second)
		}
		d.respond("3", false, headers(100, 96, time.Hour))
		d.counts(0, 19)

		d = open(t, usual, headers(100, 0, time.Minute))
		for i := range 3 {
			d.come(t.Context(), fmt.Sprint(i), Interactive, Forever)
		}
		<-time.After(time.Minute + spread)
		d.Cancel(d.permit("0"), true) // known to be lost: no need to wait
		d.counts(1, 1)
	})
}

// A lost request counts as spent, whatever a response to an earlier request says.
func TestALostRequestStaysCounted(t *testing.T) {
	for name, lose := range map[string]func(l *Ledger, p Permit){
		"lost":           func(l *Ledger, p Permit) { l.Cancel(p, true) },
		"without a word": func(l *Ledger, p Permit) { l.Settle(p, false, Reading{Limit: -1, Remaining: -1}, time.Now()) },
	} {
		synctest.Test(t, func(t *testing.T) {
			d := open(t, usual, headers(100, 10, time.Hour))
			before, lost := d.Grant(), d.Grant()
			lose(d.Ledger, lost)
			d.Settle(before, false, headers(100, 9, time.Hour), time.Now()) // the first that the server counted
			if left := d.Figures().Remaining; left != 8 {
				t.Errorf("%s: %d left, want 8", name, left)
			}
			d.Settle(d.Grant(), false, headers(100, 9, time.Hour), time.Now()) // it never arrived
			if left := d.Figures().Remaining; left != 9 {
				t.Errorf("%s: %d left, want 9", name, left)
			}
		})
	}
}

// A server that refills continuously is recognized, and what it restores is used.
func TestARefillingServerIsFoundOut(t *testing.T) {
	for _, limit := range []int{100, 500, 5000} {
		synctest.Test(t, func(t *testing.T) {
			server := refills(limit)
			d := unknown(t, usual)
			start := time.Now()
			d.served(server, Bulk, start.Add(time.Hour))
			if d.account.belief.refill() == 0 {
				t.Errorf("limit %d: not found out within an hour", limit)
			}
			if pace := d.account.belief.refill() * 3600; pace < 0.7*float64(limit) || pace > 1.3*float64(limit) {
				t.Errorf("limit %d: %v come back an hour", limit, pace)
			}
			d.served(server, Bulk, start.Add(4*time.Hour))
			if best := 5 * limit; server.served < best*95/100 || server.over > best/200 {
				t.Errorf("limit %d: %d served and %d rejected, %d were possible", limit, server.served, server.over, best)
			}
		})
	}
}

// The belief that a server refills ends when it no longer does.
func TestARefillingServerIsForgotten(t *testing.T) {
	for name, next := range map[string]*server{
		"another plan":     windowed(500),
		"the same numbers": windowed(100),
	} {
		synctest.Test(t, func(t *testing.T) {
			server := refills(100)
			d := unknown(t, usual)
			d.served(server, Bulk, time.Now().Add(3*time.Hour))
			if d.account.belief.refill() == 0 {
				t.Fatal("not found out")
			}
			d.served(next, Bulk, time.Now().Add(4*time.Hour))
			if best := 4 * next.Limit; next.served < best*95/100 || next.over > 8 {
				t.Errorf("%s: %d served and %d rejected, %d were possible", name, next.served, next.over, best)
			}
		})
	}
}

// A server that remembers each request for an hour is recognized when one request
// is restored at the reset.
func TestASlidingLogIsFoundOut(t *testing.T) {
	for _, limit := range []int{100, 500} {
		synctest.Test(t, func(t *testing.T) {
			server := slides(limit)
			d := unknown(t, usual)
			start := time.Now()
			for range limit / 2 { // spread over half an hour
				<-time.After(30 * time.Minute / time.Duration(limit/2))
				p, _, err := d.Acquire(t.Context(), Ask{Class: Bulk, Budget: time.Minute, Notify: quiet})
				if err != nil {
					t.Fatal(err)
				}
				r, over := server.ask()
				d.Settle(p, over, r, time.Now())
			}
			d.served(server, Bulk, start.Add(90*time.Minute))
			if (d.account.belief == fixedWindow{}) {
				t.Errorf("limit %d: not found out", limit)
			}
			d.served(server, Bulk, start.Add(5*time.Hour))
			if best := 5 * limit; server.served < best*95/100 || server.over > best/100 {
				t.Errorf("limit %d: %d served and %d rejected, %d were possible", limit, server.served, server.over, best)
			}
		})
	}
}

// A fixed window is never taken for anything else.
func TestAFixedWindowIsNotMistaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := windowed(100)
		d := unknown(t, usual)
		start := time.Now()
		for hour := range 5 {
			d.served(server, Class(hour%2), start.Add(time.Duration(hour+1)*time.Hour))
			if (d.account.belief != fixedWindow{}) {
				t.Fatalf("hour %d: %+v", hour, d.account)
			}
		}
		if server.served != 5*100 || server.over > 0 {
			t.Errorf("%d served, %d rejected", server.served, server.over)
		}
	})
}

// Responses that overtake one another never raise what is left.
func TestAnswersOutOfOrderNeverRaise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dice := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			const calls = 20
			server := windowed(100)
			d := open(t, usual, server.respond())
			permits, responses := make([]Permit, calls), make([]Reading, calls)
			for i := range permits {
				permits[i] = d.Grant()
			}
			for _, i := range dice.Perm(calls) { // requests overtake one another, too
				responses[i] = server.respond()
			}
			lowest := d.account.left
			for _, i := range dice.Perm(calls) {
				d.Settle(permits[i], false, responses[i], time.Now())
				if left := d.account.left; left > lowest {
					t.Fatalf("%d left after %d", left, lowest)
				}
				lowest = d.account.left
				if got := d.Figures().Remaining; got > 100-1-calls {
					t.Fatalf("%d left, the server has %d", got, 100-1-calls)
				}
			}
			if got := d.Figures().Remaining; got != 100-1-calls {
				t.Fatalf("%d left, the server has %d", got, 100-1-calls)
			}
		}
	})
}

func TestAnotherPlanIsTakenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(100, 1, time.Hour))
		older, p := d.Grant(), d.Grant()
		for i := range 30 {
			d.come(t.Context(), fmt.Sprint(i), Interactive, Forever)
		}
		d.counts(30, 2)
		d.Settle(p, false, headers(5000, 4901, time.Hour), time.Now()) // up
		d.counts(0, 31)
		d.Settle(older, false, headers(100, 0, time.Hour), time.Now()) // sent before that
		if f := d.Figures(); f.Limit != 5000 || f.Remaining != 4901-30 {
			t.Errorf("%+v", f)
		}
		d.respond("0", false, headers(100, 0, time.Hour)) // down
		d.come(t.Context(), "late", Interactive, time.Minute)
		if f := d.Figures(); f.Limit != 100 || f.Remaining != 0 || d.failedUntil("late").IsZero() {
			t.Errorf("%+v", f)
		}
	})
}

// The number of requests that a server without headers served before its first 429
// is learned. Near that number only one request at a time is sent.
func TestTheCapacityOfASilentServerIsLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 100
		server := windowed(limit)
		d := unknown(t, usual)
		most := map[int]int{} // in flight, by hour
		start := time.Now()
		for range 16 {
			d.wg.Go(func() {
				for time.Since(start) < 4*time.Hour-time.Minute {
					p, _, err := d.Acquire(t.Context(), Ask{Class: Bulk, Budget: Forever, Notify: quiet})
					if err != nil {
						t.Error(err)
						return
					}
					_, over := server.ask()
					if over {
						d.mu.Lock()
						hour := int(time.Since(start) / time.Hour)
						most[hour] = max(most[hour], d.Figures().InFlight)
						d.mu.Unlock()
					}
					<-time.After(200 * time.Millisecond)
					d.Settle(p, over, Reading{Limit: -1, Remaining: -1}, time.Now())
				}
			})
		}
		d.wg.Wait()
		if d.account.limit != 0 || d.account.blind.capacity < limit*3/4 || d.account.blind.capacity > limit {
			t.Errorf("capacity %d", d.account.blind.capacity)
		}
		if server.served < 4*limit*95/100 {
			t.Errorf("%d served", server.served)
		}
		for hour := 1; hour < 4; hour++ {
			if most[hour] > 1 {
				t.Errorf("in hour %d a 429 met %d in flight", hour, most[hour])
			}
		}
	})
}

// A wrong local clock does no harm if the server sends its own time.
func TestAWrongClockDoesNotMatter(t *testing.T) {
	for _, skew := range []time.Duration{-5 * time.Minute, 5 * time.Minute, 3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			d := unknown(t, usual)
			now := time.Now()
			theirs := now.Add(skew)
			d.Settle(d.Grant(), false, Read(header(HeaderLimit, "100", HeaderRemaining, "0", HeaderReset,
				strconv.FormatInt(theirs.Add(time.Minute).Unix(), 10), "Date", theirs.UTC().Format(http.TimeFormat)), now), now)
			_, waited, err := d.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
			if err != nil || waited < time.Minute || waited > time.Minute+grain+spread+time.Second {
				t.Errorf("skew %v: waited %v, %v", skew, waited, err)
			}
		})
	}
}

// Absurd headers do not change the rate limit state.
func TestNonsenseChangesNothing(t *testing.T) {
	now := time.Now()
	yesterday := strconv.FormatInt(now.Add(-24*time.Hour).Unix(), 10)
	full := func(limit, remaining, reset string) http.Header {
		return header(HeaderLimit, limit, HeaderRemaining, remaining, HeaderReset, reset)
	}
	dated := full("100", "99", yesterday)
	dated.Set("Date", now.Add(-24*time.Hour-time.Minute).UTC().Format(http.TimeFormat))
	aged := full("5000", "4999", "60")
	aged.Set("Age", "86400")
	for name, h := range map[string]http.Header{
		"nothing":                     {},
		"words":                       full("many", "some", "soon"),
		"NaN":                         full("NaN", "NaN", "NaN"),
		"infinity":                    full("Inf", "Inf", "Inf"),
		"negative":                    full("-100", "-1", "-60"),
		"a negative rest":             full("100", "-1", "60"),
		"overflow":                    full("99999999999999999999", "99999999999999999999", "99999999999999999999"),
		"overflow of 32 bits":         full("4294967396", "4294967395", "60"),
		"exponents":                   full("1e2", "9e1", "6e1"),
		"more left than the limit":    full("100", "101", "60"),
		"only the limit":              header(HeaderLimit, "5000"),
		"only the rest":               header(HeaderRemaining, "4999"),
		"a limit of nothing":          full("0", "0", "60"),
		"out of a cache":              aged,
		"of yesterday":                full("100", "99", yesterday),
		"of yesterday, with its date": dated,
		"a reset in a year":           full("100", "99", strconv.FormatInt(now.AddDate(1, 0, 0).Unix(), 10)),
	} {
		t.Run(name, func(t *testing.T) {
			l := New(usual)
			l.Settle(l.Grant(), false, Reading{Limit: 100, Remaining: 50, Reset: now.Add(time.Hour)}, now)
			p := l.Grant()
			before := l.Figures()
			l.Settle(p, false, Read(h, now.Add(time.Second)), now.Add(time.Second))
			before.InFlight, before.Observed = 0, l.Figures().Observed
			if after := l.Figures(); after != before {
				t.Errorf("before: %+v\nafter: %+v", before, after)
			}
		})
	}
}

// Several processes that share only the token return at different moments after a
// reset.
func TestTheReturnIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Duration
		var wg sync.WaitGroup
		start := time.Now()
		for range 32 {
			d := open(t, usual, headers(100, 0, time.Minute))
			wg.Go(func() {
				_, waited, err := d.Acquire(t.Context(), Ask{Budget: Forever, Notify: quiet})
				mu.Lock()
				defer mu.Unlock()
				if at = append(at, time.Since(start)); err != nil || waited < time.Minute || waited > time.Minute+spread {
					t.Errorf("%v after %v", err, waited)
				}
			})
		}
		wg.Wait()
		slices.SortFunc(at, cmp.Compare)
		if n := len(slices.Compact(at)); n < 30 {
			t.Errorf("%d of 32 came at moments of their own", n)
		}
	})
}

// The estimate of what others spend follows what was measured. It is not raised by
// a burst, and is exact while nothing is in flight.
func TestWhatOthersSpendIsReckoned(t *testing.T) {
	for name, tt := range map[string]struct {
		takes    []int // of others, each minute
		from, to float64
	}{
		"nobody":            {[]int{0, 0, 0, 0, 0, 0}, 0, 0},
		"a steady consumer": {slices.Repeat([]int{3}, 40), 160, 185},
		"a burst":           {[]int{400, 0, 0, 0, 0, 0}, 1, 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := time.Now().Add(time.Hour)
				left := 499
				l := New(usual)
				l.Settle(l.Grant(), false, headers(500, left, time.Hour), time.Now())
				for _, n := range tt.takes {
					time.Sleep(time.Minute)
					left -= n + 1
					l.Settle(l.Grant(), false, headers(500, left, time.Until(end)), time.Now())
				}
				if got := l.account.others * 3600; got < tt.from || got > tt.to {
					t.Errorf("others are taken to spend %.1f an hour, want %v to %v", got, tt.from, tt.to)
				}
			})
		})
	}
}

// Each of several processes sees the reserve shrink and sends one more request, so
// bulk leaves one to each of them.
func TestOtherProcessesAreLeftOneEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Reserve: 0.06})
		l.Settle(l.Grant(), false, headers(500, 499, time.Hour), time.Now())
		alone := l.account.reserved(time.Now())
		l.Settle(l.Grant(), false, headers(500, 499-14, time.Hour), time.Now()) // one or two of them were ours
		if got := l.account.reserved(time.Now()); l.account.part > 0.2 || got < alone+7 || got > alone+9 {
			t.Errorf("bulk leaves %v, %v when alone; part %v", got, alone, l.account.part)
		}
	})
}
