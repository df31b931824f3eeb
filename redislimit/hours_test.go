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

// fleet holds the results of some processes in hours of virtual time. Their store is the
// model, which TestScriptIsTheModel compares with the script.
type fleet struct {
	perHour        []int // requests served in each hour, including those of others
	ours, rejected int
	exchanges      int
	waits          []time.Duration // of interactive calls
	failed         int
}

// run makes n processes send bulk calls continuously for that many hours. Each of them
// also makes an interactive call in each interval every, others send without the store in
// each interval others, and the store loses its state in each interval flush. Zero means
// never.
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
					f.rejected++
				}
			}
		}
		f.perHour = append(f.perHour, served)
	}
	cancel()
	all.Wait()
	time.Sleep(time.Minute) // until all processes have reported
	m.mu.Lock()
	f.exchanges = m.asks
	m.mu.Unlock()
	slices.Sort(f.waits)
	return f
}

// slow delays each request, and names its sender in a header.
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

// Eight processes spend the quota of several hours, with all kinds of servers.
func TestHours(t *testing.T) {
	for name, tt := range map[string]struct {
		server        *leedotest.Server
		every, others time.Duration
		flush         time.Duration
		hours         int
		most          float64 // 429s per 1,000 requests
	}{
		// If others send, too, a window ends with none, one or two 429s, by chance: 1.4 per
		// 1,000 requests on average.
		"alone":             {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 0, 0, 0, 3, 0},
		"flushed":           {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 0, 0, 7 * time.Minute, 5, 3},
		"with interactive":  {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 10 * time.Minute, 0, 0, 3, 0},
		"with others":       {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 0, time.Hour / 150, 0, 5, 5},
		"with both":         {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), 5 * time.Minute, time.Hour / 150, 0, 5, 5},
		"a token bucket":    {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo), leedotest.WithAlgorithm(leedotest.TokenBucket)), 10 * time.Minute, 0, 0, 3, 5},
		"a sliding window":  {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo), leedotest.WithAlgorithm(leedotest.SlidingLog)), 10 * time.Minute, 0, 0, 3, 5},
		"a sliding counter": {leedotest.NewServer(leedotest.WithPlan(leedotest.Duo), leedotest.WithAlgorithm(leedotest.SlidingCounter)), 10 * time.Minute, 0, 0, 3, 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := run(t, tt.server, 8, tt.hours, tt.every, tt.others, tt.flush)
				per := 1000 * float64(f.rejected) / float64(f.ours)
				t.Logf("served in each hour: %v; %d of %d rejected, %.2f of 1,000; %.2f exchanges per request",
					f.perHour, f.rejected, f.ours, per, float64(f.exchanges)/float64(f.ours))
				least := 490
				if name == "alone" || strings.HasPrefix(name, "with ") || name == "flushed" { // a fixed window
					switch {
					case tt.flush > 0: // permits held when the state was lost are not used
						least = 485
					case tt.others > 0: // what others may have spent is not used
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
					t.Errorf("%.2f of 1,000 rejected, %d calls failed", per, f.failed)
				}
			})
		})
	}
}

// A process with more waiting callers than the limit of a window leaves some permits to a
// single caller in another process.
func TestManyCallersLeavePermitsForOne(t *testing.T) {
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
		many := newClient()
		for range 200 {
			all.Go(func() {
				for ctx.Err() == nil {
					many.Leads.List(ctx, nil)
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
		time.Sleep(time.Minute) // until all processes have reported
		for _, r := range server.Requests() {
			if r.Status != http.StatusOK {
				t.Errorf("a response with %d", r.Status)
			}
		}
		t.Logf("%d calls, one after the other, of %d; the longest took %v", calls, len(server.Requests()), longest)
		if longest > time.Hour+time.Minute {
			t.Errorf("one call took %v", longest)
		}
	})
}

// If the callers of several processes want more than the limit, they get all of it at
// once, and the others are not asked to retry before the reset.
func TestManyCallersSpendAWindow(t *testing.T) {
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
					t.Errorf("%d of 100 used within a minute, %d to retry before the reset", n, early.Load())
				}
			})
		})
	}
}
