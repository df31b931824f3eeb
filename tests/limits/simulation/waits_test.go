package simulation_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// foreseeable reports whether all that is spent in a scenario is spent by one
// limiter, of a server that counts as documented and whose responses say so.
func (sc scenario) foreseeable() bool {
	then := cmp.Or(sc.then, sc.plan)
	return sc.rules.windows && sc.spoil == nil && !sc.apart && sc.foreign == 0 && sc.weather == (weather{}) && then == sc.plan
}

// waits is what is measured of the waits in a scenario.
type waits struct {
	mu       sync.Mutex
	errors   []time.Duration // by how much waits ended before or after they were expected to
	told     int             // how often a wait was reported
	ended    int             // waits that were reported
	refused  int             // calls refused with a RetryAt
	tooEarly int             // of them, those whose call succeeded long before that
	tooLate  int             // and those whose call did not succeed then
	examples []string        // of the last two

	held chan struct{} // closed: calls may be made
}

type waitKey struct{}

// told is what a call was told about its wait.
type told struct{ until time.Time }

func (w *waits) hooks() leedo.Hooks {
	return leedo.Hooks{
		Wait: func(ctx context.Context, info leedo.WaitInfo) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told++
			if t, _ := ctx.Value(waitKey{}).(*told); t != nil && t.until.IsZero() {
				t.until = info.Until
			}
		},
		Waited: func(ctx context.Context, info leedo.WaitInfo) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if t, _ := ctx.Value(waitKey{}).(*told); t != nil && !t.until.IsZero() && ctx.Err() == nil {
				w.ended++
				w.errors = append(w.errors, time.Since(t.until).Abs())
				t.until = time.Time{}
			}
		},
	}
}

// hold waits while no calls are to be made.
func (w *waits) hold(ctx context.Context) {
	w.mu.Lock()
	held := w.held
	w.mu.Unlock()
	select {
	case <-held:
	case <-ctx.Done():
	}
}

// percentile returns below which error p percent are.
func (w *waits) percentile(p int) time.Duration {
	if len(w.errors) == 0 {
		return 0
	}
	slices.Sort(w.errors)
	return w.errors[(len(w.errors)*p+99)/100-1]
}

// judge makes a call of the class that never waits, now and then, while nobody else
// begins one. If it is refused, it is repeated a tenth and 2 s before RetryAt, and
// then.
func (s *simulation) judge(ctx context.Context, w *waits, client *leedo.Client) {
	dice := s.dice(4)
	call := func(p leedo.Priority) (refused *leedo.RateLimitError, ok bool) {
		_, err := client.Leads.Get(ctx, s.id, leedo.WithPriority(p), leedo.WithMaxWait(0), leedo.WithRetries(0))
		refused, _ = errors.AsType[*leedo.RateLimitError](err)
		return refused, err == nil
	}
	for i := 0; support.Sleep(ctx, arrival(dice.Rand, 12)) == nil; i++ {
		p := leedo.Priority(i % 2)
		open := make(chan struct{})
		w.mu.Lock()
		w.held = open
		w.mu.Unlock()
		for support.Sleep(ctx, time.Second); ctx.Err() == nil && client.RateLimit().InFlight > 0; { // of which it is not known whether it was counted
			support.Sleep(ctx, time.Second)
		}
		if first, _ := call(p); first != nil && first.Local() {
			start, wait := time.Now(), time.Until(first.RetryAt)
			early, late, by := false, false, time.Duration(0)
			example := func(what string) string {
				return fmt.Sprintf("%s: priority %d, %v, refused for %v (%+v), again %v", what, p, first.Reason, wait, first.RateLimit, by)
			}
			if before := wait - max(2*time.Second, wait/10) - time.Millisecond; before > 0 {
				support.Sleep(ctx, before)
				_, early = call(p)
			}
			if !early && support.Sleep(ctx, time.Until(start.Add(wait))) == nil {
				again, _ := call(p)
				if late = again != nil; late {
					by = time.Until(again.RetryAt)
				}
			}
			w.mu.Lock()
			w.refused++
			if early {
				w.tooEarly++
				w.examples = append([]string{example("early")}, w.examples...)
			} else if late {
				w.tooLate++
				w.examples = append(w.examples, example("late"))
			}
			w.mu.Unlock()
		}
		close(open)
	}
}

// waitsOf runs a scenario; with probes it finds out whether RetryAt holds.
func waitsOf(t *testing.T, sc scenario, seed uint64, probes bool) *waits {
	w := &waits{held: make(chan struct{})}
	close(w.held)
	s := newSimulation(t, sc, seed)
	s.hooks, s.hold = w.hooks(), w.hold
	clients := s.newClients()
	callers := []func(context.Context){func(ctx context.Context) { s.interactive(ctx, clients) }}
	for i := range s.bulk {
		callers = append(callers, func(ctx context.Context) { s.endless(ctx, clients[i%len(clients)]) })
	}
	if probes {
		callers = append(callers, func(ctx context.Context) { s.judge(ctx, w, clients[0]) })
	}
	s.run(callers...)
	return w
}

// Compares the times that waiting and failing calls report with the times at
// which they could be sent. With -v it prints the figures.
func TestSimulationWaits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	type result struct{ free, probed *waits }
	results := make([]result, len(scenarios))
	t.Cleanup(func() {
		var b strings.Builder
		fmt.Fprintf(&b, "%-38s %7s %7s %9s %9s %8s %6s %6s\n", "scenario", "waits", "reports", "median", "95 %", "refused", "early", "late")
		for i, r := range results {
			if r.probed == nil {
				continue
			}
			if r.free == nil {
				r.free = new(waits)
			}
			fmt.Fprintf(&b, "%-38s %7d %7d %9s %9s %8d %6d %6d\n", scenarios[i].name, r.free.ended, r.free.told,
				short(r.free.percentile(50)), short(r.free.percentile(95)), r.probed.refused, r.probed.tooEarly, r.probed.tooLate)
			for _, e := range r.probed.examples[:min(len(r.probed.examples), 4)] {
				fmt.Fprintf(&b, "    %s\n", e)
			}
		}
		t.Log("\n" + b.String())
	})
	for i, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			// The others are only measured, and so are the waits without probes.
			foreseeable := sc.foreseeable()
			subset(t, foreseeable && !sc.large() && !(support.Race && i%4 != 0))
			if *simulationAll {
				synctest.Test(t, func(t *testing.T) { results[i].free = waitsOf(t, sc, *simulationSeed, false) })
			}
			if sc.hours = 8; *simulationAll && !sc.large() {
				sc.hours = 24
			}
			if foreseeable { // a call whose response is lost spends another request
				sc.weather = fair
				sc.weather.lost = 0
			}
			synctest.Test(t, func(t *testing.T) { results[i].probed = waitsOf(t, sc, *simulationSeed, true) })
			if w := results[i].probed; foreseeable && (w.tooEarly > 0 || w.tooLate > 0 || w.refused == 0) {
				t.Errorf("of %d refused calls %d succeed long before RetryAt and %d not even then: %v", w.refused, w.tooEarly, w.tooLate, w.examples)
			}
		})
	}
}
