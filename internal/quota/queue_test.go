package quota

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go/internal/ratecount"
)

// usual is the default options.
var usual = Options{Reserve: DefaultReserve}

// callers is named callers of a ledger, and what became of them.
type callers struct {
	*Ledger
	t       *testing.T
	mu      sync.Mutex
	permits map[string]Permit
	errs    map[string]error
	wg      sync.WaitGroup
}

// open returns callers of a ledger that has received a response with the reading.
func open(t *testing.T, o Options, r Reading) *callers {
	l := New(o)
	l.Settle(l.Grant(), false, r, time.Now())
	return &callers{Ledger: l, t: t, permits: map[string]Permit{}, errs: map[string]error{}}
}

// come adds a caller and returns when it waits or has its result.
func (d *callers) come(ctx context.Context, name string, c Class, budget time.Duration) {
	d.wg.Go(func() {
		p, _, err := d.Acquire(ctx, Ask{Class: c, Budget: budget, Notify: quiet})
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.errs[name] = err; err == nil {
			d.permits[name] = p
		}
	})
	synctest.Wait()
}

// passed returns the callers that have permits, in the order in which they were
// granted.
func (d *callers) passed() string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make([]string, 0, len(d.permits))
	for name := range d.permits {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(d.permits[a].tick, d.permits[b].tick) })
	return strings.Join(names, " ")
}

// respond settles the permit of a caller.
func (d *callers) respond(name string, rejected bool, r Reading) {
	d.Settle(d.permit(name), rejected, r, time.Now())
	synctest.Wait()
}

// permit and err return the result of a caller.
func (d *callers) permit(name string) Permit {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.permits[name]
}

func (d *callers) err(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.errs[name]
}

// failedUntil returns the time in the error of a caller that failed; zero if it did
// not.
func (d *callers) failedUntil(name string) time.Time {
	synctest.Wait()
	if late, ok := errors.AsType[*WaitError](d.err(name)); ok {
		return late.Until
	}
	return time.Time{}
}

// counts checks how many callers wait and how many requests are in flight, and that
// no timer is left if there are no waiters.
func (d *callers) counts(waiting, inFlight int) {
	d.t.Helper()
	synctest.Wait()
	if f := d.Figures(); f.Waiting != waiting || f.InFlight != inFlight {
		d.t.Errorf("%d waiting and %d in flight, want %d and %d", f.Waiting, f.InFlight, waiting, inFlight)
	}
	d.Ledger.mu.Lock()
	defer d.Ledger.mu.Unlock()
	if waiting == 0 && d.timer != nil {
		d.t.Error("a timer is armed, though nobody waits")
	}
	i, b := d.queue.interactive.never, d.queue.bulk.never
	if i < 0 || b < 0 || i+b > waiting {
		d.t.Errorf("%d interactive and %d bulk of %d waiting never wait", i, b, waiting)
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	for _, c := range []Class{Interactive, Bulk} {
		synctest.Test(t, func(t *testing.T) {
			d := open(t, usual, headers(1000, 0, time.Minute))
			var want []string
			for i := range 30 {
				want = append(want, fmt.Sprint(i))
				d.come(t.Context(), want[i], c, Forever)
			}
			d.counts(30, 0)
			<-time.After(time.Minute + spread)
			d.respond("0", false, headers(1000, 999, time.Hour))
			if got := d.passed(); got != strings.Join(want, " ") {
				t.Errorf("class %d: %s", c, got)
			}
			d.counts(0, 29)
		})
	}
}

func TestInteractivePassesBeforeBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(100, 0, time.Minute))
		for i, c := range []Class{Bulk, Bulk, Interactive, Bulk, Interactive} {
			d.come(t.Context(), fmt.Sprint(i), c, Forever)
		}
		<-time.After(time.Minute + spread)
		d.respond("2", false, headers(100, 99, time.Hour))
		if got := d.passed(); got != "2 4 0 1 3" {
			t.Errorf("passed: %s", got)
		}
	})
}

func TestBulkHasATurnAfterTwentyInteractive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(1000, 0, time.Minute))
		for i := range 3 {
			d.come(t.Context(), fmt.Sprintf("bulk%d", i), Bulk, Forever)
		}
		for i := range 2*maxPassed + 5 {
			d.come(t.Context(), fmt.Sprintf("i%d", i), Interactive, Forever)
		}
		<-time.After(time.Minute + spread)
		d.respond("i0", false, headers(1000, 999, time.Hour))
		got := strings.Fields(d.passed())
		for i, at := range []int{maxPassed, 2*maxPassed + 1, 2*maxPassed + 7} {
			if name := fmt.Sprintf("bulk%d", i); slices.Index(got, name) != at {
				t.Errorf("%s passed as number %d, want %d", name, slices.Index(got, name), at)
			}
		}
	})
}

// The turn of bulk does not delay interactive callers if bulk has to leave the rest
// to them.
func TestBulksTurnHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, Options{Reserve: 0.9}, headers(100, 0, time.Minute)) // in effect 60
		for i := range 2 {
			d.come(t.Context(), fmt.Sprintf("bulk%d", i), Bulk, Forever)
		}
		const calls = 2*maxPassed + 5
		for i := range calls {
			d.come(t.Context(), fmt.Sprint(i), Interactive, Forever)
		}
		<-time.After(time.Minute + spread)
		d.respond("0", false, headers(100, 99, time.Hour))
		d.counts(1, calls)
		if got := d.passed(); strings.Contains(got, "bulk1") || !strings.HasSuffix(got, fmt.Sprint(calls-1)) {
			t.Errorf("passed: %s", got)
		}
	})
}

func TestWhoGivesUpFreesItsPlace(t *testing.T) {
	for _, leaver := range []string{"0", "1", "2"} {
		synctest.Test(t, func(t *testing.T) {
			d := open(t, usual, headers(1, 0, time.Minute)) // one a window
			ctx, cancel := context.WithCancel(t.Context())
			for i := range 3 {
				name, c := fmt.Sprint(i), t.Context()
				if name == leaver {
					c = ctx
				}
				d.come(c, name, Interactive, Forever)
			}
			cancel()
			d.counts(2, 0)
			if err := d.err(leaver); !errors.Is(err, context.Canceled) {
				t.Errorf("%s got %v", leaver, err)
			}
			stay := slices.DeleteFunc([]string{"0", "1", "2"}, func(s string) bool { return s == leaver })
			for i, name := range stay {
				<-time.After(time.Minute + spread)
				if got := d.passed(); got != strings.Join(stay[:i+1], " ") {
					t.Fatalf("without %s, window %d: %s", leaver, i+1, got)
				}
				d.respond(name, false, headers(1, 0, time.Minute))
			}
			d.counts(0, 0)
		})
	}
}

// If the first waiter leaves, the next one is considered.
func TestWhoGivesUpLetsTheNextMoveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(1000, 40, time.Hour)) // the reserve is for interactive callers
		ctx, cancel := context.WithCancel(t.Context())
		d.come(ctx, "first", Bulk, Forever)
		d.come(t.Context(), "second", Bulk, Forever)
		d.come(t.Context(), "call", Interactive, Forever)
		if got := d.passed(); got != "call" {
			t.Errorf("passed: %s", got)
		}
		cancel()
		d.respond("call", false, headers(1000, 200, time.Hour+time.Minute)) // another window
		if got := d.passed(); got != "call second" {
			t.Errorf("passed: %s", got)
		}
		d.counts(0, 1)
	})
}

// A permit that is granted as its caller's context ends goes to the caller or back,
// and is never lost.
func TestAPermitForWhoHasLeftGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outcomes := map[bool]int{}
		for i := range 128 {
			panics := i%2 == 1 // then the caller gets nothing
			d := open(t, usual, headers(100, 1, time.Hour))
			first := d.Grant()
			ctx, cancel := context.WithCancel(t.Context())
			var p Permit
			err := errors.New("panic")
			func() {
				defer func() { recover() }()
				p, _, err = d.Acquire(ctx, Ask{Budget: Forever, Notify: func(Wait) {
					cancel()
					d.Cancel(first, false) // the one that is left is for the caller
				}, Waited: func(Wait, time.Duration) {
					if panics {
						panic("hook")
					}
				}})
			}()
			outcomes[err == nil]++
			if err == nil {
				d.Cancel(p, false)
			} else if !panics && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			d.counts(0, 0)
			if left := d.Figures().Remaining; left != 1 {
				t.Fatalf("%d left, want 1", left)
			}
		}
		if len(outcomes) != 2 {
			t.Errorf("only one of the cases was met: %v", outcomes)
		}
	})
}

// A panic in Notify leaves neither a waiter nor a permit.
func TestAPanicInNotifyLeavesNothing(t *testing.T) {
	for _, granted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := open(t, usual, headers(100, 1, time.Hour))
			first := d.Grant()
			func() {
				defer func() {
					if recover() != "hook" {
						t.Error("the panic did not come through")
					}
				}()
				d.Acquire(t.Context(), Ask{Budget: Forever, Notify: func(Wait) {
					if granted {
						d.Cancel(first, false)
					}
					panic("hook")
				}})
			}()
			if !granted {
				d.counts(0, 1)
				d.Cancel(first, false)
			}
			d.counts(0, 0)
			if left := d.Figures().Remaining; left != 1 {
				t.Errorf("%d left, want 1", left)
			}
		})
	}
}

// Callers are judged on arrival, each by the number of others ahead.
func TestWhoIsBeyondAWindowWaitsForALaterOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 10
		d := open(t, usual, headers(limit, limit, time.Hour))
		d.Settle(d.Grant(), false, headers(limit, 0, time.Hour), time.Now())
		start := time.Now()
		for i := range 3 * limit {
			d.come(t.Context(), fmt.Sprint(i), Interactive, Forever)
		}
		for _, c := range []Class{Interactive, Bulk} {
			for hours, failed := range map[int]bool{1: true, 2: true, 3: true, 5: false} {
				name := fmt.Sprint("late", c, hours)
				ctx, cancel := context.WithCancel(t.Context())
				d.come(ctx, name, c, time.Duration(hours)*time.Hour+time.Minute)
				until := d.failedUntil(name)
				if until.IsZero() == failed || failed && (until.Sub(start) < 4*time.Hour || until.Sub(start) > 4*time.Hour+spread) {
					t.Errorf("class %d with %d h: until %v from now", c, hours, until.Sub(start))
				}
				cancel()
			}
		}
		d.counts(3*limit, 0)
		for hour := range 3 {
			<-time.After(time.Hour)
			<-time.After(spread)
			probe := fmt.Sprint(hour * limit)
			d.respond(probe, false, headers(limit, limit-1, time.Hour-spread))
			for i := range limit - 1 {
				d.respond(fmt.Sprint(hour*limit+i+1), false, headers(limit, limit-2-i, time.Hour-spread))
			}
			d.counts((2-hour)*limit, 0)
		}
	})
}

// Callers that pass before bulk push it back, beyond the window if need be. A bulk
// caller that will not wait so long fails when that happens.
func TestACrowdPushesBulkBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 10
		d := open(t, usual, headers(limit, limit, time.Minute))
		d.Settle(d.Grant(), false, headers(limit, 0, time.Minute), time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d.come(ctx, "forever", Bulk, Forever)
		d.come(ctx, "short", Bulk, 2*time.Minute-time.Second)
		for i := range limit - 2 {
			d.come(ctx, fmt.Sprint(i), Interactive, Forever)
		}
		d.counts(limit, 0)
		start := time.Now()
		d.come(ctx, "one more", Interactive, Forever)
		if until := d.failedUntil("short").Sub(start); until < 2*time.Minute || until > 2*time.Minute+spread {
			t.Errorf("failed until %v from now", until)
		}
		d.counts(limit, 0)
	})
}

// All waiters are judged again when the outlook worsens. Those that will not wait
// so long fail at once, those without a bound do not.
func TestAWorseOutlookRefuses(t *testing.T) {
	for name, worse := range map[string]func(d *callers, p Permit){
		"the reset moves back": func(d *callers, p Permit) { d.Settle(p, false, headers(100, 0, 10*time.Minute), time.Now()) },
		"a 429": func(d *callers, p Permit) {
			r := headers(100, 0, 30*time.Second)
			r.RetryAfter = time.Now().Add(10 * time.Minute)
			d.Settle(p, true, r, time.Now())
		},
		"a 429 without figures": func(d *callers, p Permit) {
			d.Settle(p, true, Reading{Limit: -1, Remaining: -1, RetryAfter: time.Now().Add(10 * time.Minute)}, time.Now())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := open(t, usual, headers(100, 100, 30*time.Second))
				first, second := d.Grant(), d.Grant()
				d.Settle(first, false, headers(100, 0, 30*time.Second), time.Now())
				short, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				for _, c := range []Class{Interactive, Bulk} {
					d.come(t.Context(), fmt.Sprint("budget", c), c, time.Minute)
					d.come(short, fmt.Sprint("deadline", c), c, Forever)
					d.come(t.Context(), fmt.Sprint("patient", c), c, 11*time.Minute)
					d.come(t.Context(), fmt.Sprint("forever", c), c, Forever)
				}
				d.counts(8, 1)
				<-time.After(5 * time.Second)
				now := time.Now()
				worse(d, second)
				for _, c := range []Class{Interactive, Bulk} {
					for _, who := range []string{"budget", "deadline"} {
						until := d.failedUntil(fmt.Sprint(who, c)).Sub(now)
						if until < 10*time.Minute || until > 10*time.Minute+spread {
							t.Errorf("%s of class %d is notified to come in %v", who, c, until)
						}
					}
				}
				d.counts(4, 0)
				if time.Since(now) != 0 {
					t.Errorf("failed %v later", time.Since(now))
				}
				<-time.After(10*time.Minute + spread)
				d.respond("patient0", false, headers(100, 99, time.Hour))
				d.respond("forever0", false, headers(100, 98, time.Hour)) // until then others may be spending
				if got := d.passed(); got != "patient0 forever0 patient1 forever1" {
					t.Errorf("passed: %s", got)
				}
			})
		})
	}
}

// A budget bounds the wait, also while it is for responses, which may come at any
// time; only for them may the wait be a few seconds if the budget is less.
func TestABudgetBoundsTheWaitForAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, budget := range []time.Duration{time.Second, 20 * time.Second} {
			for name, l := range map[string]*Ledger{"nothing known": New(usual), "all in flight": open(t, usual, headers(100, coldStart, time.Hour)).Ledger} {
				for range coldStart {
					l.Grant()
				}
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // the responses are lost
				_, _, err := l.Acquire(ctx, Ask{Budget: budget, Notify: quiet})
				cancel()
				_, failed := errors.AsType[*WaitError](err)
				sent := 0
				if name == "nothing known" { // and nothing forbids it
					sent, failed = 1, err == nil
				}
				if f := l.Figures(); f.Waiting != 0 || f.InFlight != coldStart+sent {
					t.Errorf("%s: %+v", name, f)
				}
				for range sent {
					l.Cancel(Permit{}, false)
				}
				if !failed || time.Since(start) > max(budget, responseTimeout) {
					t.Errorf("%s, with a budget of %v: %v after %v", name, budget, err, time.Since(start))
				}
			}
		}
	})
}

func TestWhoWaitsForEverIsNeverRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(1, 0, time.Hour))
		for i := range 50 { // hours
			d.come(t.Context(), fmt.Sprint(i), Class(i%2), Forever)
		}
		d.Settle(d.Grant(), true, Reading{Limit: 1, RetryAfter: time.Now().Add(24 * time.Hour)}, time.Now())
		d.counts(50, 0)
		<-time.After(23 * time.Hour)
		d.counts(50, 0)
		<-time.After(time.Hour + spread)
		for range 50 {
			synctest.Wait()
			who := strings.Fields(d.passed())
			d.respond(who[len(who)-1], false, headers(1, 0, time.Hour))
			<-time.After(time.Hour + spread)
		}
		d.counts(0, 0)
		d.wg.Wait()
		for name, err := range d.errs {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Bubbles share nothing but the rate limit state.
func TestALedgerServesOneBubbleAfterAnother(t *testing.T) {
	l := New(usual)
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			l.Settle(l.Grant(), false, headers(10, 0, time.Hour), time.Now())
			ctx, cancel := context.WithCancel(t.Context())
			d := &callers{Ledger: l, t: t, permits: map[string]Permit{}, errs: map[string]error{}}
			for i := range 5 {
				d.come(ctx, fmt.Sprint("leaves", i), Class(i%2), Forever)
			}
			d.come(t.Context(), "failed", Interactive, time.Second)
			cancel()
			d.counts(0, 0)
			d.come(t.Context(), "stays", Interactive, Forever)
			<-time.After(time.Hour + spread)
			d.respond("stays", false, headers(10, 9, time.Hour))
			d.counts(0, 0)
		})
	}
}

// Callers arrive, give up, lose their responses and are served, all at once. In the
// end nothing is left of them.
func TestACrowdLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newServer(ratecount.NewFixedWindow(), 100, time.Minute)
		d := open(t, usual, server.respond())
		for i := range 64 {
			d.wg.Go(func() {
				dice := rand.New(rand.NewPCG(7, uint64(i)))
				for range 50 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(dice.Int64N(int64(90*time.Second))))
					p, _, err := d.Acquire(ctx, Ask{Class: Class(dice.IntN(2)), Budget: time.Duration(dice.Int64N(int64(2 * time.Minute))), Notify: quiet})
					switch luck := dice.IntN(10); {
					case err != nil:
					case luck == 0:
						d.Cancel(p, false)
					case luck == 1:
						server.respond()
						d.Cancel(p, true)
					default:
						<-time.After(time.Duration(dice.IntN(int(time.Second))))
						r := server.respond()
						<-time.After(time.Duration(dice.IntN(int(time.Second))))
						d.Settle(p, false, r, time.Now())
					}
					cancel()
				}
			})
		}
		d.wg.Wait()
		d.counts(0, 0)
		if server.over > 0 || server.served < 2*server.Limit {
			t.Errorf("%d served, %d rejected", server.served, server.over)
		}
	})
}

// The same without a bubble, for the race detector.
func TestManyGoroutines(t *testing.T) {
	l := New(usual)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for n := range 100 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+n%3)*time.Millisecond)
				p, _, err := l.Acquire(ctx, Ask{Class: Class(i % 2), Budget: Forever, Notify: func(Wait) { l.Figures() }})
				switch {
				case err != nil:
				case n%10 == 9:
					l.Cancel(p, n%20 == 9)
				default:
					l.Settle(p, false, headers(1<<20, 1<<19, time.Hour), time.Now())
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if f := l.Figures(); f.Waiting != 0 || f.InFlight != 0 {
		t.Errorf("%+v", f)
	}
}

// The newest estimate for a class is compared with that by which its waiters were last
// judged: a slack of a tenth of a second, or a twentieth of the wait, fails nobody.
func TestHowMuchWorseAnEstimateMayBecome(t *testing.T) {
	for _, tt := range []struct {
		wait, by time.Duration
		fails    bool
	}{
		{time.Second, estimateSlack - 1, false},
		{time.Second, estimateSlack, true},
		{19 * time.Second, time.Second - time.Millisecond, false}, // of nearly 20 seconds then
		{19 * time.Second, time.Second, true},
	} {
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		k := &fixedEstimate{at: now.Add(tt.wait)}
		w := &waiter{latest: k.at, ready: make(chan struct{})}
		var q queue
		q.push(w)
		q.failLate(now, k)
		k.at = k.at.Add(tt.by)
		if q.failLate(now, k); w.done != tt.fails {
			t.Errorf("%+v: failed %v", tt, w.done)
		}
	}
}

// fixedEstimate is a keeper with an estimate that depends only on how many are ahead.
type fixedEstimate struct {
	keeper
	at   time.Time
	each time.Duration
}

func (*fixedEstimate) gate(Class, time.Time) verdict                    { return verdict{} }
func (*fixedEstimate) reason(verdict, time.Time, int, time.Time) Reason { return WaitQuota }
func (*fixedEstimate) figures(Reason, time.Time) Figures                { return Figures{} }
func (k *fixedEstimate) estimate(_ verdict, ahead int, _ time.Time) time.Time {
	return k.at.Add(time.Duration(ahead) * k.each)
}

// When all waiters are judged again, each has those before it ahead that have not
// failed; bulk also all interactive ones.
func TestWhoIsAheadWhenAllAreJudged(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	k := &fixedEstimate{at: now, each: time.Second}
	var q queue
	var waiters []*waiter
	for _, tt := range []struct {
		class  Class
		latest time.Duration
	}{{Interactive, 20}, {Interactive, 21}, {Interactive, 21}, {Interactive, 22}, {Bulk, 23}, {Bulk, 23}, {Bulk, 24}} {
		w := &waiter{class: tt.class, latest: now.Add(tt.latest * time.Second), ready: make(chan struct{})}
		waiters = append(waiters, w)
		q.push(w)
		q.failLate(now, k)
	}
	k.at = now.Add(20 * time.Second)
	q.failLate(now, k)
	var failed []int
	for i, w := range waiters {
		if w.done {
			failed = append(failed, i)
		}
	}
	if !slices.Equal(failed, []int{2, 5}) {
		t.Errorf("failed: %v", failed)
	}
}

// Callers that never wait leave no trace in the queue.
func TestWhoNeverWaitsLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(100, 0, time.Hour))
		for _, c := range []Class{Interactive, Bulk} {
			for i := range 3 {
				name := fmt.Sprint(c, i)
				if d.come(t.Context(), name, c, 0); d.failedUntil(name).IsZero() {
					t.Errorf("%s did not fail", name)
				}
			}
		}
		d.counts(0, 0)
	})
}

// gates counts the decisions of a keeper.
type gates struct {
	keeper
	n atomic.Int32
}

func (k *gates) gate(c Class, now time.Time) verdict {
	k.n.Add(1)
	return k.keeper.gate(c, now)
}

// However often the state changes while callers wait, one timer is armed.
func TestOneTimerIsArmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(100, 0, time.Hour))
		k := &gates{keeper: d.keeper}
		d.keeper = k
		ctx, cancel := context.WithCancel(t.Context())
		d.come(ctx, "a", Interactive, Forever)
		d.come(ctx, "b", Interactive, Forever)
		for range 100 {
			d.Cancel(d.Grant(), false)
		}
		before := k.n.Load()
		time.Sleep(time.Hour + spread)
		if d.counts(1, 1); k.n.Load()-before > 10 {
			t.Errorf("%d decisions at the reset", k.n.Load()-before)
		}
		cancel()
		d.wg.Wait()
	})
}

// Nobody passes those who wait, even if the timer that lets them pass is late.
func TestALateTimerIsNoAdvantage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(100, 0, time.Minute))
		ctx, cancel := context.WithCancel(t.Context())
		d.come(ctx, "a", Interactive, Forever)
		d.Ledger.mu.Lock()
		d.timer.Stop()
		d.Ledger.mu.Unlock()
		time.Sleep(2 * time.Minute)
		d.come(ctx, "b", Interactive, Forever)
		if got := d.passed(); got != "a" {
			t.Errorf("passed: %s", got)
		}
		cancel()
		d.wg.Wait()
	})
}
