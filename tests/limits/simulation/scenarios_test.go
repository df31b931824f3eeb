package simulation_test

import (
	"cmp"
	"context"
	"flag"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

var (
	simulationSeed = flag.Uint64("simulation.seed", 1, "the seed of the simulation's dice")
	simulationAll  = flag.Bool("simulation.all", false, "run every scenario, also those that the others are like")
)

// subset skips a test unless it is chosen or -simulation.all is given.
func subset(t *testing.T, chosen bool) {
	t.Helper()
	if !chosen && !*simulationAll {
		t.Skip("takes long, and is like others that are run: -simulation.all runs it, too")
	}
}

// What the limiter has to stand. Each scenario has endless bulk beside
// interactive calls, the usual latency, and now and then a response that is late
// or lost. One that is a twin is like the one on Duo, which has a tenth of the requests.
var scenarios = []scenario{
	{name: "fixed window, Duo", rules: fixedWindow, plan: leedotest.Duo, calls: 60},
	{name: "fixed window, Pro", rules: fixedWindow, plan: leedotest.Pro, calls: 120, bulk: 32},
	{name: "fixed window, Free", rules: fixedWindow, plan: leedotest.Free, calls: 6, hours: 24},
	{name: "fixed window, clock 5 min ahead", rules: fixedWindow.and(leedotest.WithClockSkew(5 * time.Minute)),
		plan: leedotest.Duo, calls: 60},
	{name: "fixed window, clock 5 min behind", rules: fixedWindow.and(leedotest.WithClockSkew(-5 * time.Minute)),
		plan: leedotest.Duo, calls: 60},
	{name: "reset in seconds from now", rules: fixedWindow.and(leedotest.WithResetFormat(leedotest.ResetDeltaSeconds)),
		plan: leedotest.Duo, calls: 60},
	{name: "429s count, no Retry-After", rules: fixedWindow.and(leedotest.WithCountedRefusals(), leedotest.WithRetryAfter(leedotest.RetryAfterNone)),
		plan: leedotest.Duo, calls: 60},
	{name: "three clients share a limiter", rules: fixedWindow, plan: leedotest.Duo, calls: 60, clients: 3, bulk: 32},

	{name: "eight processes, Pro", twin: true, rules: fixedWindow, plan: leedotest.Pro, calls: 120, clients: 8, apart: true, bulk: 64,
		tolerated: 2},
	{name: "eight processes, Duo", rules: fixedWindow, plan: leedotest.Duo, calls: 60, clients: 8, apart: true, bulk: 64,
		tolerated: 20},

	{name: "late and lost answers", rules: fixedWindow, plan: leedotest.Duo, calls: 60, tolerated: 2,
		weather: weather{median: 80 * time.Millisecond, late: 0.1, latest: 25 * time.Second, lost: 0.02}},
	{name: "garbage in 20 % of the headers", rules: fixedWindow, plan: leedotest.Duo, calls: 60, tolerated: 2,
		spoil: garbage},
	{name: "30 % foreign use, Duo", rules: fixedWindow, plan: leedotest.Duo, calls: 60, foreign: 0.3, tolerated: 2},
	{name: "30 % foreign use, Pro", twin: true, rules: fixedWindow, plan: leedotest.Pro, calls: 120, foreign: 0.3, tolerated: 2, bulk: 32},
	{name: "plan up, Duo to Pro", rules: fixedWindow, plan: leedotest.Duo, then: leedotest.Pro, calls: 60, tolerated: 2},
	{name: "plan down, Pro to Duo", rules: fixedWindow, plan: leedotest.Pro, then: leedotest.Duo, calls: 60, tolerated: 2},

	{name: "sliding log, Duo", rules: slidingWindow, plan: leedotest.Duo, calls: 60, tolerated: 2},
	{name: "sliding log, Pro", twin: true, rules: slidingWindow, plan: leedotest.Pro, calls: 120, bulk: 32, tolerated: 2},
	{name: "sliding counter, Duo", rules: slidingCounter, plan: leedotest.Duo, calls: 60, tolerated: 2},
	{name: "sliding counter, Pro", twin: true, rules: slidingCounter, plan: leedotest.Pro, calls: 120, bulk: 32, tolerated: 2},
	{name: "token bucket, Duo", rules: tokenBucket, plan: leedotest.Duo, calls: 60, tolerated: 2},
	{name: "token bucket, Pro", twin: true, rules: tokenBucket, plan: leedotest.Pro, calls: 120, bulk: 32, tolerated: 2},

	{name: "no rate headers, Pro", twin: true, rules: fixedWindow, plan: leedotest.Pro, calls: 120, bulk: 32, tolerated: 10,
		spoil: wordless},
	{name: "no rate headers, Duo", rules: fixedWindow, plan: leedotest.Duo, calls: 60, tolerated: 10, spoil: wordless},
	{name: "no rate headers, no Retry-After, Pro", rules: fixedWindow.and(leedotest.WithRetryAfter(leedotest.RetryAfterNone)),
		plan: leedotest.Pro, calls: 120, bulk: 32, tolerated: 10, spoil: wordless},
}

// The whole client over the fake for hours of virtual time: nearly all of the
// quota is used, there are few 429s, and interactive calls do not wait for bulk
// calls. With -v it prints the figures.
func TestSimulation(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	outcomes := make([]*outcome, len(scenarios))
	t.Cleanup(func() { t.Log("\n" + table(outcomes)) })
	for i, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			subset(t, !sc.twin && !(support.Race && (sc.large() || i%4 != 0)))
			synctest.Test(t, func(t *testing.T) { outcomes[i] = simulate(t, sc, *simulationSeed) })
			outcomes[i].check(t)
		})
	}
}

// large reports whether a scenario has tens of thousands of requests.
func (sc scenario) large() bool { return max(sc.plan, sc.then) > leedotest.Duo }

func (o *outcome) check(t *testing.T) {
	t.Helper()
	if used := o.used(); used < cmp.Or(o.least, 98) || used > 100 {
		t.Errorf("%.2f %% of the quota used, %d of %d", used, o.served+o.others, o.best)
	}
	if got := o.per1000(); got > o.tolerated {
		t.Errorf("%.2f 429s per 1,000 requests, want at most %v", got, o.tolerated)
	}
	// Processes that do not speak to each other cannot leave a share to each
	// other's interactive calls: who has none of its own spends it.
	if p50 := o.percentile(50); p50 > time.Second && !o.apart && cmp.Or(o.least, 98) > 90 {
		t.Errorf("half of the interactive calls took over %v", short(p50))
	}
	if len(o.failed) > 0 {
		t.Errorf("calls failed: %v", o.failed)
	}
}

// A client without latency that asks every few seconds gets as much as the
// simulation computes as the best possible, and no more.
func TestSimulationAtBest(t *testing.T) {
	t.Parallel()
	for _, sc := range []scenario{
		{name: "fixed window", rules: fixedWindow, plan: leedotest.Duo},
		{name: "skewed", rules: fixedWindow.and(leedotest.WithClockSkew(5 * time.Minute)), plan: leedotest.Duo},
		{name: "plan up", rules: fixedWindow, plan: leedotest.Duo, then: leedotest.Pro},
		{name: "plan down", rules: fixedWindow, plan: leedotest.Pro, then: leedotest.Duo},
		{name: "sliding log", rules: slidingWindow, plan: leedotest.Duo},
		{name: "sliding counter", rules: slidingCounter, plan: leedotest.Duo},
		{name: "token bucket", rules: tokenBucket, plan: leedotest.Duo},
		{name: "others", rules: fixedWindow, plan: leedotest.Duo, foreign: 0.3},
	} {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := atBest(t, sc)
				if got := o.served + o.others; got > o.best || got < o.best-2 {
					t.Errorf("%d requests served, at best %d", got, o.best)
				}
			})
		})
	}
}

// atBest is simulate with a client that has no latency and pays nothing for
// being refused.
func atBest(t *testing.T, sc scenario) *outcome {
	s := newSimulation(t, sc, 1)
	s.network.weather = weather{}
	return s.run(func(ctx context.Context) {
		for ctx.Err() == nil {
			if resp, err := s.network.RoundTrip(s.request(ctx)); err == nil && resp.StatusCode != http.StatusOK {
				support.Sleep(ctx, 5*time.Second)
			}
		}
	})
}
