package simulation_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// scenario is a server and its clients.
type scenario struct {
	name    string
	twin    bool // run only with -simulation.all
	rules   rules
	plan    leedotest.Plan
	then    leedotest.Plan // the plan from the middle of the second hour on; 0: the same
	hours   int            // 0: 4
	weather weather        // zero: fair
	spoil   func(*rand.Rand, http.Header)
	reset   func() resetter // nil: the reset is as the server has it
	delta   bool            // else it is in seconds from now on

	clients int     // that share a limiter; 0: one with a limiter of its own
	apart   bool    // each of them has a limiter of its own after all
	bulk    int     // callers without end; 0: 16
	calls   float64 // interactive calls per hour
	foreign float64 // requests of others, as a part of the limit

	tolerated float64 // 429s per 1,000 requests
	least     float64 // the part of the quota that is used, in percent; 0: 98
}

const planChange = 90 * time.Minute

// outcome is what came of a scenario.
type outcome struct {
	scenario
	served  int             // requests of ours, whether or not the answer arrived
	others  int             // requests of others
	best    int             // what a clairvoyant client could have had, others included
	refused int             // requests of ours answered with 429
	waits   []time.Duration // how long interactive calls took, sorted
	failed  map[string]int  // errors of calls that nobody had cancelled
}

// used is the part of the quota that was used, in percent.
func (o *outcome) used() float64 { return 100 * float64(o.served+o.others) / float64(o.best) }

// per1000 is the number of 429s per 1,000 requests.
func (o *outcome) per1000() float64 {
	return 1000 * float64(o.refused) / float64(max(1, o.served+o.refused))
}

// percentile returns how long p percent of the interactive calls took at most.
func (o *outcome) percentile(p int) time.Duration {
	if len(o.waits) == 0 {
		return 0
	}
	return o.waits[(len(o.waits)*p+99)/100-1]
}

// simulation is a run of a scenario.
type simulation struct {
	scenario
	t       *testing.T
	dice    func(stream uint64) *dice
	server  *leedotest.Server
	network *network
	id      string // of a lead
	end     time.Time
	hooks   leedo.Hooks
	hold    func(context.Context) // before each call
	wg      sync.WaitGroup

	mu         sync.Mutex
	waits      []time.Duration
	failed     map[string]int
	foreigners int // requests of others that were served
}

// newSimulation gets a scenario ready.
func newSimulation(t *testing.T, sc scenario, seed uint64) *simulation {
	sc.hours, sc.bulk = cmp.Or(sc.hours, 4), cmp.Or(sc.bulk, 16)
	sc.then = cmp.Or(sc.then, sc.plan)
	sc.weather = cmp.Or(sc.weather, fair)
	s := &simulation{scenario: sc, t: t, failed: make(map[string]int), hold: func(context.Context) {}}
	s.dice = func(stream uint64) *dice { return &dice{Rand: rand.New(rand.NewPCG(seed, stream))} }
	s.server = leedotest.NewServer(sc.rules.and(leedotest.WithPlan(sc.plan), leedotest.WithRecentRequests(0)).opts...)
	s.id = s.server.AddLead(leedo.Lead{Name: "John Doe"}).ID
	s.network = &network{weather: sc.weather, next: s.server.HTTPClient().Transport, spoil: sc.spoil, dice: s.dice(1), delta: sc.delta}
	if sc.reset != nil {
		s.network.reset = sc.reset()
	}
	return s
}

// run lets the scenario happen in virtual time. Each of the callers goes on
// until its context ends.
func (s *simulation) run(callers ...func(context.Context)) *outcome {
	time.Sleep(beginning)
	d := time.Duration(s.hours) * time.Hour
	s.end = time.Now().Add(d)
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	for _, call := range callers {
		s.wg.Go(func() { call(ctx) })
	}
	s.wg.Go(func() { s.others(ctx) })
	s.wg.Go(func() {
		if support.Sleep(ctx, planChange) == nil {
			s.server.SetPlan(s.then)
		}
	})
	time.Sleep(d - 1) // the very end belongs to the next window
	served, refused := s.network.counts()
	cancel()
	s.wg.Wait()

	slices.Sort(s.waits)
	return &outcome{
		scenario: s.scenario, served: served, refused: refused, others: s.foreigners, waits: s.waits, failed: s.failed,
		best: s.rules.best(s.plan, s.then, d, planChange),
	}
}

// simulate runs a scenario with our client.
func simulate(t *testing.T, sc scenario, seed uint64) *outcome {
	s := newSimulation(t, sc, seed)
	clients := s.newClients()
	callers := []func(context.Context){func(ctx context.Context) { s.interactive(ctx, clients) }}
	for i := range s.bulk {
		callers = append(callers, func(ctx context.Context) { s.endless(ctx, clients[i%len(clients)]) })
	}
	return s.run(callers...)
}

func (s *simulation) newClients() []*leedo.Client {
	opts := []leedo.Option{
		leedo.WithHTTPClient(&http.Client{Transport: s.network}),
		leedo.WithMaxWait(leedo.NoMaxWait),
		leedo.WithHooks(s.hooks),
	}
	if s.clients > 0 && !s.apart {
		limiter, err := leedo.NewRateLimiter(nil)
		if err != nil {
			s.t.Fatal(err)
		}
		opts = append(opts, leedo.WithRateLimiter(limiter))
	}
	var clients []*leedo.Client
	for range max(1, s.clients) {
		client, err := leedo.NewClient(s.server.Token(), opts...)
		if err != nil {
			s.t.Fatal(err)
		}
		clients = append(clients, client)
	}
	return clients
}

// endless makes one bulk call after the other.
func (s *simulation) endless(ctx context.Context, client *leedo.Client) {
	ctx = context.WithValue(ctx, waitKey{}, new(told))
	for s.hold(ctx); ctx.Err() == nil; s.hold(ctx) {
		if _, err := client.Leads.Get(ctx, s.id, leedo.WithPriority(leedo.PriorityBulk)); err != nil && ctx.Err() == nil {
			s.fail("bulk", err)
			support.Sleep(ctx, time.Second) // as one would; the clock would stand still otherwise
		}
	}
}

// interactive makes calls at random times, each without regard to the others.
func (s *simulation) interactive(ctx context.Context, clients []*leedo.Client) {
	dice := s.dice(2)
	for i := 0; s.calls > 0 && support.Sleep(ctx, arrival(dice.Rand, s.calls)) == nil; i++ {
		s.hold(ctx)
		s.wg.Go(func() {
			start := time.Now()
			ctx := context.WithValue(ctx, waitKey{}, new(told))
			_, err := clients[i%len(clients)].Leads.Get(ctx, s.id)
			took := time.Since(start)
			if err != nil {
				took = s.end.Sub(start) // who got nothing waited in vain
				if ctx.Err() == nil {
					s.fail("interactive", err)
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.waits = append(s.waits, took)
		})
	}
}

// others are unknown consumers of the same quota. They send at
// random times and ignore 429s.
func (s *simulation) others(ctx context.Context) {
	dice := s.dice(3)
	transport := s.server.HTTPClient().Transport
	for s.foreign > 0 && support.Sleep(ctx, arrival(dice.Rand, s.foreign*float64(s.plan))) == nil {
		if resp, err := transport.RoundTrip(s.request(ctx)); err == nil && resp.StatusCode == http.StatusOK {
			s.mu.Lock()
			s.foreigners++
			s.mu.Unlock()
		}
	}
}

// request is a request without a client of ours.
func (s *simulation) request(ctx context.Context) *http.Request {
	return (&http.Request{
		Method: http.MethodGet,
		URL:    &url.URL{Scheme: "https", Host: "api.leedo.app", Path: "/v1/leads/" + s.id},
		Header: http.Header{"Authorization": {"Bearer " + s.server.Token()}},
	}).WithContext(ctx)
}

// arrival is the time until the next of so many random events an hour.
func arrival(r *rand.Rand, perHour float64) time.Duration {
	return time.Duration(r.ExpFloat64() / perHour * float64(time.Hour))
}

func (s *simulation) fail(who string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed[fmt.Sprintf("%s: %T", who, err)]++
}

// table prints outcomes side by side.
func table(outcomes []*outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-38s %8s %7s %8s %8s %9s %6s %9s %9s\n", "scenario", "served", "others", "at best",
		"used, %", "429/1,000", "calls", "p50", "p99")
	for _, o := range outcomes {
		if o == nil {
			continue
		}
		fmt.Fprintf(&b, "%-38s %8d %7d %8d %8.2f %9.2f %6d %9s %9s", o.name, o.served, o.others, o.best,
			o.used(), o.per1000(), len(o.waits), short(o.percentile(50)), short(o.percentile(99)))
		if len(o.failed) > 0 {
			fmt.Fprintf(&b, "  failed: %v", o.failed)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// short is d without the digits that do not matter.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
