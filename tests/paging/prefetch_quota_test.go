package paging_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// late is a fake whose responses take 20 ms.
func late(rows int, opts ...leedotest.ServerOption) *leedotest.Server {
	server := support.Fake(rows, opts...)
	server.Inject(leedotest.Fault{Latency: support.RoundTripTime, Times: -1})
	return server
}

// A quota that ends among the pages ahead wastes nothing: the pages wait in
// their order, the items of those that were served come first, then the
// RateLimitError. The iteration can be resumed behind them.
func TestAQuotaThatEndsAmongPagesAhead(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{0, time.Minute, 59 * time.Minute} {
		for _, n := range []int{1, 3, 8, 100} {
			eachIterationNamed(t, fmt.Sprint(wait, " with ", n), func(t *testing.T, walk support.Iterate) {
				server := late(40)
				server.SetRateLimit(7, time.Hour)
				client := server.Client(leedo.WithMaxWait(wait))
				start := time.Now()
				ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(n)))
				refused := support.AsRateLimitError(t, err)
				if !refused.Local() || !support.Near(refused.RetryAt, start.Add(time.Hour)) || time.Since(start) > time.Minute {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				if !slices.Equal(ids, support.IDs(40)[:14]) || len(server.Requests()) != 7 {
					t.Errorf("%d rows %v, %d requests", len(ids), ids, len(server.Requests()))
				}
				rest, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{Page: 8, PerPage: 2}, leedo.WithPrefetch(n), leedo.WithMaxWait(leedo.NoMaxWait)))
				if err != nil || !slices.Equal(rest, support.IDs(26)) || len(server.Requests()) != 21 {
					t.Errorf("%d more rows, %v, %d requests", len(rest), err, len(server.Requests()))
				}
			})
		}
	}
}

// With prefetch an iteration gets as much of the quota as without it: it is
// bulk.
func TestPrefetchOnTheFreePlan(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		server := late(150, leedotest.WithPlan(leedotest.Free))
		client := server.Client()
		ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 1}, leedo.WithPrefetch(8), leedo.WithMaxWait(5*time.Second)))
		support.AsRateLimitError(t, err)
		if !slices.Equal(ids, support.IDs(150)[:91]) || len(server.Requests()) != 91 { // the reserve has begun to shrink
			t.Errorf("%d rows, %d requests", len(ids), len(server.Requests()))
		}
	})
}

// Pages ahead that would wait longer than the maximum wait, while the next page
// would not, do not end the iteration.
func TestPrefetchEndsNoWalkThatWouldGoOnWithoutIt(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 8} {
		eachIterationNamed(t, fmt.Sprint(n), func(t *testing.T, walk support.Iterate) {
			limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{RequestsPerSecond: 1.0 / 36})
			if err != nil {
				t.Fatal(err)
			}
			server := late(20)
			client := server.Client(leedo.WithRateLimiter(limiter))
			start := time.Now()
			ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(n)))
			if err != nil || !slices.Equal(ids, support.IDs(20)) || len(server.Requests()) != 11 {
				t.Errorf("%v, %v, %d requests", ids, err, len(server.Requests()))
			}
			if took := time.Since(start); took > 10*36*time.Second+time.Second {
				t.Errorf("took %v", took)
			}
			if rate := client.RateLimit(); rate.Waiting != 0 || rate.InFlight != 0 {
				t.Errorf("%+v", rate)
			}
		})
	}
}

// Interactive calls go before pages ahead that wait for the limiter.
func TestInteractiveCallsPassPagesAhead(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{RequestsPerSecond: 1})
		if err != nil {
			t.Fatal(err)
		}
		server := late(40)
		client := server.Client(leedo.WithRateLimiter(limiter))
		called := false
		for _, err := range walk(t.Context(), client, &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(8)) {
			if err != nil {
				t.Fatal(err)
			}
			if called {
				continue
			}
			called = true
			time.Sleep(10 * time.Millisecond)
			if rate := client.RateLimit(); rate.Waiting != 8 {
				t.Errorf("%d pages wait", rate.Waiting)
			}
			start := time.Now()
			if _, err := client.Leads.Get(t.Context(), "7"); err != nil || time.Since(start) > time.Second+support.RoundTripTime {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			if n := len(server.Requests()); n != 2 {
				t.Errorf("%d requests before the call had its answer", n)
			}
		}
	})
}

// Pages that wait for the limiter are canceled when the caller breaks out of
// the loop or the context ends.
func TestPagesThatWaitForTheLimiterAreCalledOff(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"break", "cancel"} {
		eachIterationNamed(t, how, func(t *testing.T, walk support.Iterate) {
			server := late(40)
			server.SetRateLimit(3, time.Hour)
			client := server.Client(leedo.WithMaxWait(leedo.NoMaxWait))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			start, rows := time.Now(), 0
			var failed error
			for _, err := range walk(ctx, client, &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(8)) {
				if failed = err; err != nil {
					continue
				}
				if rows++; rows == 6 {
					synctest.Wait()
					if rate := client.RateLimit(); rate.Waiting != 8 {
						t.Errorf("%d pages wait", rate.Waiting)
					}
					if how == "break" {
						break
					}
					time.AfterFunc(time.Minute, cancel)
				}
			}
			if rate := client.RateLimit(); rate.Waiting != 0 || rate.InFlight != 0 || len(server.Requests()) != 3 {
				t.Errorf("%+v after %d requests", rate, len(server.Requests()))
			}
			if want := how == "cancel"; errors.Is(failed, context.Canceled) != want || time.Since(start) > time.Minute+time.Second {
				t.Errorf("%v after %v", failed, time.Since(start))
			}
		})
	}
}

// Without a limiter a page ahead that got a 429 is not requested again. The
// iteration ends with the 429.
func TestA429AheadIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		server := late(40)
		server.SetRateLimit(4, time.Hour)
		client := server.Client(leedo.WithoutRateLimiter())
		ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(6)))
		// Without a limiter they are not ordered, so any of them are served.
		if refused := support.AsRateLimitError(t, err); refused.Local() || len(ids) < 2 || len(ids) > 8 || !slices.Equal(ids, support.IDs(40)[:len(ids)]) {
			t.Errorf("%v, %v", ids, err)
		}
		pages := map[string]int{}
		for _, r := range server.Requests() {
			if pages[r.Query.Get("page")]++; pages[r.Query.Get("page")] > 1 {
				t.Errorf("page %s was asked for again", r.Query.Get("page"))
			}
		}
	})
}

// A page ahead that fails is read again only if it waited before it was needed:
// then it had less time to wait than a page that is not read ahead. Otherwise the
// iteration ends with its error, as it does without prefetch.
func TestAPageAheadThatWaitedInVainIsReadAgain(t *testing.T) {
	t.Parallel()
	const pause = 50 * time.Second // between the first page and the need of the second
	unavailable := leedotest.Fault{Path: "/leads", When: secondPage, Status: 503, Header: http.Header{"Retry-After": {"15"}}}
	limited := leedotest.Fault{Path: "/leads", When: secondPage, Status: 429, Header: http.Header{"Retry-After": {"15"}}}
	for _, tt := range []struct {
		name     string
		fault    leedotest.Fault
		times    int
		pause    time.Duration
		requests int // for the second page
		took     time.Duration
		fails    bool
	}{
		{"503, needed at once", unavailable, -1, 0, 4, 45 * time.Second, true},
		{"503, needed later", unavailable, 4, pause, 5, pause, false},
		{"429, needed at once", limited, -1, 0, 4, 45 * time.Second, true},
		{"429, needed later", limited, 4, pause, 5, time.Minute, false},
	} {
		eachIterationNamed(t, tt.name, func(t *testing.T, walk support.Iterate) {
			server := support.Fake(6)
			fault := tt.fault
			fault.Times = tt.times
			server.Inject(fault)
			start, rows := time.Now(), 0
			var failed error
			for _, err := range walk(t.Context(), server.Client(), &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(2)) {
				if failed = err; err != nil {
					continue
				}
				if rows++; rows == 2 {
					time.Sleep(tt.pause)
				}
			}
			requests := 0
			for _, r := range server.Requests() {
				if secondPage(r) {
					requests++
				}
			}
			if (failed != nil) != tt.fails || requests != tt.requests || !tt.fails && rows != 6 {
				t.Errorf("%d rows, %d requests for the second page, %v", rows, requests, failed)
			}
			if took := time.Since(start); (took - tt.took).Abs() > 3*time.Second {
				t.Errorf("took %v, want about %v", took, tt.took)
			}
		})
	}
}

// The error of a page ahead whose context ends during a wait has the failure before
// that, too.
func TestAPageAheadThatIsCanceledInAWaitNamesItsLastFailure(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		server := support.Fake(6)
		server.Inject(leedotest.Fault{Path: "/leads", When: secondPage, Status: 429, Header: http.Header{"Retry-After": {"15"}}, Times: -1})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(20*time.Second, cancel)
		_, err := support.Gather(t, walk(ctx, server.Client(), &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(2)))
		if !errors.Is(err, context.Canceled) || !support.Is[*leedo.RateLimitError](err) {
			t.Errorf("%v, want the end of the context and the 429", err)
		}
	})
}

func secondPage(r leedotest.Request) bool { return r.Query.Get("page") == "2" }
