package otel_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

func newLimiter(t *testing.T, opts *leedo.RateLimiterOptions) *leedo.RateLimiter {
	t.Helper()
	limiter, err := leedo.NewRateLimiter(opts)
	if err != nil {
		t.Fatal(err)
	}
	return limiter
}

func TestTheGaugesShowTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, r := instrumented(t, leedootel.WithRateLimiter(newLimiter(t, nil)))
		server.SetRateLimit(100, time.Hour)
		compare(t, "before the first response", r.metrics("leedo.quota"), "")
		for range 3 {
			if _, err := client.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		compare(t, "after it", r.metrics("leedo.quota"), "leedo.quota.limit: 100\nleedo.quota.remaining: 97\n")
		time.Sleep(time.Hour + time.Minute)
		compare(t, "after the reset, without a call", r.metrics("leedo.quota"), "leedo.quota.limit: 100\nleedo.quota.remaining: 100\n")
		if got := len(server.Requests()); got != 3 {
			t.Errorf("%d requests", got)
		}
	})
}

// TestTheClientUsesTheLimiterOfTheGauges checks that WithRateLimiter is enough, and that
// without it there are no gauges.
func TestTheClientUsesTheLimiterOfTheGauges(t *testing.T) {
	limiter := newLimiter(t, nil)
	server, client, _ := instrumented(t, leedootel.WithRateLimiter(limiter))
	server.SetRateLimit(100, time.Hour)
	if _, err := client.Leads.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := limiter.RateLimit().Remaining; got != 99 {
		t.Errorf("the limiter has %d requests left", got)
	}

	server, client, r := instrumented(t)
	server.SetRateLimit(100, time.Hour)
	if _, err := client.Leads.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	compare(t, "without a limiter", r.metrics("leedo.quota"), "")
}

// TestTwoTenants checks that WithAttributes tells the series of two limiters apart.
func TestTwoTenants(t *testing.T) {
	r := newRecorder(t)
	for tenant, limit := range map[string]int{"acme": 100, "globex": 500} {
		server := leedotest.NewServer()
		server.SetRateLimit(limit, time.Hour)
		c := client(t, server, r.instrument(leedootel.WithHTTPClient(server.HTTPClient()),
			leedootel.WithRateLimiter(newLimiter(t, nil)), leedootel.WithAttributes(tenantKey.String(tenant)))...)
		if _, err := c.Leads.List(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, "gauges", r.metrics("leedo.quota"), `leedo.quota.limit tenant=acme: 100
leedo.quota.limit tenant=globex: 500
leedo.quota.remaining tenant=acme: 99
leedo.quota.remaining tenant=globex: 499
`)
	for _, what := range []string{r.tree(), r.metrics("http"), r.metrics("leedo.calls"), r.metrics("leedo.outcomes"), r.metrics("leedo.retries")} {
		if lines := strings.Count(what, "\n"); lines == 0 || lines != strings.Count(what, "tenant=") {
			t.Errorf("without a tenant:\n%s", what)
		}
	}
}

// TestTheCountersStartAtZero checks that there is a series to compare the first
// increment with.
func TestTheCountersStartAtZero(t *testing.T) {
	_, _, r := instrumented(t)
	compare(t, "counters", r.metrics(""), `leedo.calls.refused leedo.priority=bulk: 0
leedo.calls.refused leedo.priority=interactive: 0
leedo.outcomes.unknown: 0
leedo.retries: 0
`)
}

func TestTheMetricsOfCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, r := instrumented(t)
		server.SetRateLimit(4, time.Minute)
		ctx := t.Context()

		server.Inject(leedotest.Fault{Latency: 2 * time.Second}, leedotest.Fault{Status: 503}, leedotest.Fault{Status: 503})
		if _, err := client.Leads.List(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Leads.List(ctx, nil); err != nil { // at the third attempt: the quota is used up
			t.Fatal(err)
		}
		if _, err := client.Leads.List(ctx, nil, leedo.WithMaxWait(0)); err == nil {
			t.Fatal("no error")
		}
		for _, err := range client.Leads.All(ctx, nil, leedo.WithMaxWait(0)) {
			if err == nil {
				t.Fatal("no error")
			}
		}
		if _, err := client.Accounts.List(ctx, nil); err != nil { // waits
			t.Fatal(err)
		}
		server.Inject(leedotest.Fault{Status: 500})
		if _, err := client.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "ACME"}); err == nil {
			t.Fatal("no error")
		}
		if _, err := client.Accounts.Get(ctx, "unknown"); err == nil {
			t.Fatal("no error")
		}
		compare(t, "metrics", r.metrics(""), `http.client.request.duration error.type=404 http.request.method=GET http.response.status_code=404`+at+`: 1 in 0 s
http.client.request.duration error.type=500 http.request.method=POST http.response.status_code=500`+at+`: 1 in 0 s
http.client.request.duration error.type=503 http.request.method=GET http.response.status_code=503`+at+`: 2 in 0 s
http.client.request.duration http.request.method=GET http.response.status_code=200`+at+`: 3 in 2 s
leedo.calls.refused leedo.priority=bulk: 1
leedo.calls.refused leedo.priority=interactive: 1
leedo.outcomes.unknown: 1
leedo.quota.wait leedo.priority=interactive leedo.wait.reason=quota: 1 in 59 s
leedo.retries: 2
`)
		if got := len(server.Requests()); got != 7 {
			t.Errorf("%d requests", got)
		}
	})
}

// TestA429IsRefusedToo checks a call that the API rejected.
func TestA429IsRefusedToo(t *testing.T) {
	server, r := leedotest.NewServer(), newRecorder(t)
	server.SetRateLimit(0, time.Hour)
	c := client(t, server, append(r.instrument(leedootel.WithHTTPClient(server.HTTPClient())), leedo.WithoutRateLimiter())...)
	if _, err := c.Leads.List(t.Context(), nil); err == nil {
		t.Fatal("no error")
	}
	compare(t, "calls", r.metrics("leedo.calls"), "leedo.calls.refused leedo.priority=bulk: 0\nleedo.calls.refused leedo.priority=interactive: 1\n")
	compare(t, "spans", r.tree(), `internal GET /leads error.type=leedo.RateLimitError http.request.method=GET leedo.attempts=1 leedo.outcome=not done leedo.priority=interactive Error
  client GET /leads error.type=429 http.request.method=GET http.response.status_code=429`+at+` Error
`)
}

// TestConcurrentCalls is for the race detector, and counts.
func TestConcurrentCalls(t *testing.T) {
	server, client, r := instrumented(t, leedootel.WithRateLimiter(newLimiter(t, nil)))
	server.SetRateLimit(5000, time.Hour)
	server.Inject(leedotest.Fault{When: func(req leedotest.Request) bool { return req.Header.Get("X-Fail") != "" }, Status: 503, Times: 16})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 10 {
				if _, err := client.Leads.List(t.Context(), nil); err != nil {
					t.Error(err)
				}
			}
			client.Leads.List(t.Context(), nil, leedo.WithHeader("X-Fail", "yes"))
			r.metrics("")
		})
	}
	group.Wait()
	calls, attempts := 0, 0
	for _, span := range r.spans.Ended() {
		if span.Parent().IsValid() {
			attempts++
		} else {
			calls++
		}
	}
	if calls != 16*11 || attempts != len(server.Requests()) {
		t.Errorf("%d calls, %d attempts of %d", calls, attempts, len(server.Requests()))
	}
}
