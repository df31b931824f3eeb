package redislimit_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// fleet is what became of some processes in hours of virtual time, with the
// model for a store, which TestScriptIsTheModel says is the script.
type fleet struct {
	perHour       []int // requests served in each hour, others' included
	ours, refused int
	exchanges     int
	waits         []time.Duration // of interactive calls
	failed        int
}

// run lets n processes call bulk without end, and each of them interactively
// once in a while, for so many hours. Others send once in a while, too, and the
// store loses all once in a while.
func run(t *testing.T, server *leedotest.Server, n, hours int, every, others, flush time.Duration) (f fleet) {
	m := &model{delay: time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	travel := func(who string) *http.Client {
		return &http.Client{Transport: slow{server.HTTPClient().Transport, who}}
	}
	pause := func(d time.Duration) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(d):
			return true
		}
	}
	for range n {
		client := server.Client(leedo.WithRateLimiter(newLimiter(t, m)), leedo.WithHTTPClient(travel("ours")), leedo.WithMaxWait(leedo.NoMaxWait))
		for range 2 {
			all.Go(func() {
				for ctx.Err() == nil {
					if _, err := client.Leads.List(ctx, nil, leedo.WithPriority(leedo.PriorityBulk)); err != nil && ctx.Err() == nil {
						mu.Lock()
						f.failed++
						mu.Unlock()
						pause(time.Second)
					}
				}
			})
		}
		if every == 0 {
			continue
		}
		all.Go(func() {
			for pause(every) {
				start := time.Now()
				_, err := client.Leads.List(ctx, nil)
				mu.Lock()
				if err == nil {
					f.waits = append(f.waits, time.Since(start))
				}
				mu.Unlock()
			}
		})
	}
	if others > 0 {
		client := server.Client(leedo.WithoutRateLimiter(), leedo.WithHTTPClient(travel("others")), leedo.WithRetries(0))
		all.Go(func() {
			for pause(others) {
				client.Leads.List(ctx, nil)
			}
		})
	}
	if flush > 0 {
		all.Go(func() {
			for pause(flush) {
				m.mu.Lock()
				m.state, m.turn = nil, 0
				m.mu.Unlock()
			}
		})
	}
	for range hours {
		before := len(server.Requests())
		time.Sleep(time.Hour)
		served := 0
		for _, r := range server.Requests()[before:] {
			if r.Status == http.StatusOK {
				served++
			}
			if r.Header.Get("X-Who") == "ours" {
				f.ours++
				if r.Status == http.StatusTooManyRequests {
					f.refused++
				}
			}
		}
		f.perHour = append(f.perHour, served)
	}
	cancel()
	all.Wait()
	time.Sleep(time.Minute) // until all is reported
	m.mu.Lock()
	f.exchanges = m.asks
	m.mu.Unlock()
	slices.Sort(f.waits)
	return f
}

// slow takes a while for each request, and says whose it is.
type slow struct {
	http.RoundTripper
	who string
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Who", s.who)
	time.Sleep(40 * time.Millisecond)
	resp, err := s.RoundTripper.RoundTrip(r)
	time.Sleep(40 * time.Millisecond)
	return resp, err
}

// What a fleet of eight gets in hours, from servers of all kinds.
func TestHours(t *testing.T) {
	for name, tt := range map[string]struct {
		server        *leedotest.Server
		every, others time.Duration
		flush         time.Duration
		hours         int
		most          float64 // refusals per 1,000 requests
	}{
		// Beside others a window ends with no refusal, one or two, by chance: in ten
		// hours 1.4 of 1,000 on average.
		"alone":             {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 0, 0, 0, 3, 0},
		"flushed":           {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 0, 0, 7 * time.Minute, 5, 3},
		"with people":       {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 10 * time.Minute, 0, 0, 3, 0},
		"with others":       {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 0, time.Hour / 150, 0, 10, 5},
		"with both":         {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 5 * time.Minute, time.Hour / 150, 0, 10, 5},
		"a token bucket":    {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo), leedotest.WithAlgorithm(leedotest.TokenBucket)), 10 * time.Minute, 0, 0, 3, 5},
		"a sliding window":  {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo), leedotest.WithAlgorithm(leedotest.SlidingLog)), 10 * time.Minute, 0, 0, 3, 5},
		"a sliding counter": {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo), leedotest.WithAlgorithm(leedotest.SlidingCounter)), 10 * time.Minute, 0, 0, 3, 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := run(t, tt.server, 8, tt.hours, tt.every, tt.others, tt.flush)
				per := 1000 * float64(f.refused) / float64(f.ours)
				t.Logf("served in each hour: %v; %d of %d refused, %.2f of 1,000; %.2f exchanges per request",
					f.perHour, f.refused, f.ours, per, float64(f.exchanges)/float64(f.ours))
				least := 490
				if name == "alone" || strings.HasPrefix(name, "with ") || name == "flushed" { // a fixed window
					switch {
					case tt.flush > 0: // what was held when the state was lost
						least = 485
					case tt.others > 0: // what they may have taken is left alone
						least = 495
					default:
						least = 500
					}
				}
				if i := slices.IndexFunc(f.perHour, func(n int) bool { return n < least }); i >= 0 {
					t.Errorf("hour %d: %d served of 500", i, f.perHour[i])
				}
				if n := len(f.waits); n > 0 && least > 490 && f.waits[n/2] > time.Second {
					t.Errorf("half of the interactive calls waited %v or more", f.waits[n/2])
				}
				if len(f.waits) > 0 {
					t.Logf("%d interactive calls: p50 %v, p99 %v", len(f.waits), f.waits[len(f.waits)/2], f.waits[len(f.waits)*99/100])
				}
				if per > tt.most || f.failed > 0 {
					t.Errorf("%.2f of 1,000 refused, %d calls failed", per, f.failed)
				}
			})
		})
	}
}

// A process in which more callers wait than a window has room for leaves some
// to a single caller in another.
func TestACrowdLeavesRoomForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
		m := &model{delay: time.Millisecond}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		newClient := func() *leedo.Client {
			return server.Client(leedo.WithRateLimiter(newLimiter(t, m)), leedo.WithMaxWait(leedo.NoMaxWait),
				leedo.WithHTTPClient(&http.Client{Transport: slow{server.HTTPClient().Transport, ""}}))
		}
		var all sync.WaitGroup
		crowd := newClient()
		for range 200 {
			all.Go(func() {
				for ctx.Err() == nil {
					crowd.Leads.List(ctx, nil)
				}
			})
		}
		one, calls, longest := newClient(), 0, time.Duration(0)
		for start := time.Now(); time.Since(start) < 8*time.Hour; calls++ {
			before := time.Now()
			if _, err := one.Leads.List(ctx, nil); err != nil {
				t.Fatal(err)
			}
			longest = max(longest, time.Since(before))
		}
		cancel()
		all.Wait()
		time.Sleep(time.Minute) // until all is reported
		for _, r := range server.Requests() {
			if r.Status != http.StatusOK {
				t.Errorf("answered with %d", r.Status)
			}
		}
		t.Logf("%d calls, one after the other, of %d; the longest took %v", calls, len(server.Requests()), longest)
		if longest > time.Hour+time.Minute {
			t.Errorf("one call took %v", longest)
		}
	})
}

// Callers of several processes who want more than a window has get all of it at
// once, and nobody is refused for less than the reset.
func TestCrowdsSpendAWindow(t *testing.T) {
	for name, tt := range map[string]struct{ processes, callers int }{
		"two large": {2, 60}, "eight small": {8, 13}, "eight large": {8, 50},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
				m, start := &model{delay: time.Millisecond}, time.Now()
				var all sync.WaitGroup
				var early atomic.Int64
				for range tt.processes {
					client := server.Client(leedo.WithRateLimiter(newLimiter(t, m)),
						leedo.WithHTTPClient(&http.Client{Transport: slow{server.HTTPClient().Transport, ""}}))
					for range tt.callers {
						all.Go(func() {
							_, err := client.Leads.List(t.Context(), nil)
							if e, ok := errors.AsType[*leedo.RateLimitError](err); ok && e.RetryAt.Sub(start) < 59*time.Minute {
								early.Add(1)
							}
						})
					}
				}
				all.Wait()
				time.Sleep(time.Minute - time.Since(start))
				if n := len(server.Requests()); n != min(100, tt.processes*tt.callers) || early.Load() > 0 {
					t.Errorf("%d of 100 used within a minute, %d refused until before the reset", n, early.Load())
				}
			})
		})
	}
}
