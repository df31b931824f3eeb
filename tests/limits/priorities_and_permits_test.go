package limits_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// scarce responds that 8 of 100 requests are left for the hour:
// fewer than bulk leaves to interactive calls.
func scarce() http.HandlerFunc {
	reset := fmt.Sprint(time.Now().Add(time.Hour).Unix())
	return support.Respond(200, support.LeadJSON, "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "8", "X-RateLimit-Reset", reset)
}

// passes reports whether a call is interactive: with so few left bulk calls wait.
func passes(t *testing.T, opts []leedo.Option, call func(context.Context, *leedo.Client) error) bool {
	t.Helper()
	var err error
	synctest.Test(t, func(t *testing.T) {
		client, _ := support.InMemory(t, opts, scarce())

		if _, err := client.Leads.Get(t.Context(), "x", leedo.WithPriority(leedo.PriorityInteractive)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err = call(t.Context(), client); time.Since(start) != 0 {
			t.Errorf("took %v", time.Since(start))
		}
	})
	limited, ok := errors.AsType[*leedo.RateLimitError](err)
	if ok && !limited.Local() {
		t.Errorf("refused by the server: %v", err)
	}
	return !ok
}

// The priority of a call overrides that of its client, and both override the
// default: interactive, but bulk for iterations.
func TestPriorities(t *testing.T) {
	t.Parallel()
	const interactive, bulk, unset = leedo.PriorityInteractive, leedo.PriorityBulk, leedo.Priority(-1)
	for _, tt := range []struct {
		client, call leedo.Priority
		calls, walks bool // pass
	}{
		{unset, unset, true, false},
		{unset, interactive, true, true},
		{unset, bulk, false, false},
		{interactive, unset, true, true},
		{interactive, interactive, true, true},
		{interactive, bulk, false, false},
		{bulk, unset, false, false},
		{bulk, interactive, true, true},
		{bulk, bulk, false, false},
	} {
		var opts []leedo.Option
		var callOpts []leedo.RequestOption
		if tt.client != unset {
			opts = append(opts, leedo.WithPriority(tt.client))
		}
		if tt.call != unset {
			callOpts = append(callOpts, leedo.WithPriority(tt.call))
		}
		for _, op := range support.GetAndCreate {
			if got := passes(t, opts, func(ctx context.Context, c *leedo.Client) error { return op.Call(ctx, c, callOpts...) }); got != tt.calls {
				t.Errorf("client %v, call %v: %s passes: %v", tt.client, tt.call, op.Name, got)
			}
		}
		for name, walk := range support.Iterations {
			got := passes(t, opts, func(ctx context.Context, c *leedo.Client) error {
				for _, err := range walk(ctx, c, nil, callOpts...) {
					return err // a page has none of the fields of a lead
				}
				return nil
			})
			if got != tt.walks {
				t.Errorf("client %v, call %v: %s passes: %v", tt.client, tt.call, name, got)
			}
		}
	}
}

func TestPrioritiesAndLimitersThatAreRefused(t *testing.T) {
	t.Parallel()
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, leedo.ErrInvalidArgument) || !strings.HasPrefix(err.Error(), "leedo: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	client, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
	for _, p := range []leedo.Priority{7, 2, -1} {
		_, err := leedo.NewClient(support.Token, leedo.WithPriority(p))
		refused(fmt.Sprint("priority of a client ", p), err)
		_, err = client.Leads.Get(t.Context(), "x", leedo.WithPriority(p))
		refused(fmt.Sprint("priority of a call ", p), err)
		for name, walk := range support.Iterations {
			_, err = support.Gather(t, walk(t.Context(), client, nil, leedo.WithPriority(p)))
			refused(fmt.Sprint("priority of ", name, " ", p), err)
		}
	}
	_, err := leedo.NewClient(support.Token, leedo.WithRateLimiter(nil))
	refused("no limiter", err)
	_, err = leedo.NewClient(support.Token, leedo.WithRateLimiter(&leedo.RateLimiter{}))
	refused("an empty limiter", err)
	if n := len(rec.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}

	nan, inf := math.NaN(), math.Inf(1)
	for _, bad := range []float64{nan, inf, -inf, -0.1, -1, -math.SmallestNonzeroFloat64} {
		for name, o := range map[string]leedo.RateLimiterOptions{"Share": {Share: bad}, "Reserve": {Reserve: bad}, "RequestsPerSecond": {RequestsPerSecond: bad}} {
			if name == "Reserve" && bad < 0 {
				continue // none
			}
			_, err := leedo.NewRateLimiter(&o)
			refused(fmt.Sprint(name, " ", bad), err)
		}
	}
	for _, bad := range []float64{1.5, 2, 1 + 1e-9} {
		for name, o := range map[string]leedo.RateLimiterOptions{"Share": {Share: bad}, "Reserve": {Reserve: bad}, "RetryBudget": {RetryBudget: bad}} {
			_, err := leedo.NewRateLimiter(&o)
			refused(fmt.Sprint(name, " ", bad), err)
		}
	}
	_, err = leedo.NewRateLimiter(&leedo.RateLimiterOptions{RetryBudget: nan})
	refused("RetryBudget NaN", err)
	for _, good := range []*leedo.RateLimiterOptions{nil, {}, {Share: 1}, {Share: 0.01}, {Reserve: -1}, {Reserve: -inf}, {Reserve: 0.05}, {Reserve: 1}, {RequestsPerSecond: 0.001}, {RequestsPerSecond: 1000}, {RetryBudget: -1}, {RetryBudget: 1}} {
		limiter, err := leedo.NewRateLimiter(good)
		if err != nil || limiter.RateLimit() != (leedo.RateLimit{}) {
			t.Errorf("%+v: %v", good, err)
		}
	}
}

// Clients that share a limiter share one rate limit state, one quota and one
// queue.
func TestClientsShareALimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Reserve: -1})
		if err != nil {
			t.Fatal(err)
		}
		server := support.Fake(1)
		server.SetRateLimit(10, time.Minute)
		var clients []*leedo.Client
		for range 3 {
			clients = append(clients, server.Client(leedo.WithRateLimiter(limiter), leedo.WithMaxWait(leedo.NoMaxWait)))
		}
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				if _, err := clients[i%3].Leads.Get(t.Context(), "1"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i, r := range server.Requests() {
			if r.Status != 200 {
				t.Errorf("request %d was answered with %d", i+1, r.Status)
			}
		}
		if took := time.Since(start); took < 2*time.Minute || took > 2*time.Minute+5*time.Second {
			t.Errorf("three windows' worth took %v", took)
		}
		for _, c := range clients {
			if c.RateLimit() != limiter.RateLimit() {
				t.Errorf("a client knows %+v, the limiter %+v", c.RateLimit(), limiter.RateLimit())
			}
		}
		support.CheckSettled(t, "all", clients[0])
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A call returns its permits exactly once, however it ends.
func TestPermitsAreGivenBack(t *testing.T) {
	t.Parallel()
	boom := func() { panic("boom") }
	empty := func(http.ResponseWriter, *http.Request) {}
	for name, tt := range map[string]struct {
		opts    func(cancel context.CancelFunc) []leedo.Option
		answers []http.HandlerFunc
		panics  bool
	}{
		"panic in Hooks.Attempt": {
			opts: func(context.CancelFunc) []leedo.Option {
				return []leedo.Option{leedo.WithHooks(leedo.Hooks{Attempt: func(context.Context, leedo.AttemptInfo) { boom() }})}
			},
			answers: []http.HandlerFunc{support.Respond(200, support.LeadJSON)}, panics: true,
		},
		"panic in Hooks.Wait for the quota": {
			opts: func(context.CancelFunc) []leedo.Option {
				return []leedo.Option{leedo.WithHooks(leedo.Hooks{Wait: func(context.Context, leedo.WaitInfo) { boom() }})}
			},
			answers: []http.HandlerFunc{support.RateLimited("Retry-After", "30")}, panics: true,
		},
		"panic in Hooks.Wait for a back-off": {
			opts: func(context.CancelFunc) []leedo.Option {
				return []leedo.Option{leedo.WithHooks(leedo.Hooks{Wait: func(context.Context, leedo.WaitInfo) { boom() }})}
			},
			answers: []http.HandlerFunc{support.Respond(503, "", "Retry-After", "30")}, panics: true,
		},
		"panic in Hooks.Waited": {
			opts: func(context.CancelFunc) []leedo.Option {
				return []leedo.Option{leedo.WithHooks(leedo.Hooks{Waited: func(context.Context, leedo.WaitInfo) { boom() }})}
			},
			answers: []http.HandlerFunc{support.RateLimited("Retry-After", "30")}, panics: true,
		},
		"panic in the log of a QuotaStore that failed": {
			opts: func(context.CancelFunc) []leedo.Option {
				limiter, _ := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: storeFunc(func(context.Context, leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
					return leedo.QuotaAnswer{}, errors.New("down")
				})})
				log := slog.New(slog.NewTextHandler(writerFunc(func([]byte) (int, error) { boom(); return 0, nil }), nil))
				return []leedo.Option{leedo.WithRateLimiter(limiter), leedo.WithLogger(log)}
			},
			answers: []http.HandlerFunc{support.Respond(200, support.LeadJSON)}, panics: true,
		},
		"panic in the transport": {answers: []http.HandlerFunc{func(http.ResponseWriter, *http.Request) { boom() }}, panics: true},
		"ctx ends in the wait for the quota": {
			opts: func(cancel context.CancelFunc) []leedo.Option {
				return []leedo.Option{leedo.WithHooks(leedo.Hooks{Wait: func(context.Context, leedo.WaitInfo) { time.AfterFunc(time.Second, cancel) }})}
			},
			answers: []http.HandlerFunc{support.RateLimited("Retry-After", "30")},
		},
		"ctx ends in the wait hook": {
			opts: func(cancel context.CancelFunc) []leedo.Option {
				return []leedo.Option{leedo.WithHooks(leedo.Hooks{Wait: func(context.Context, leedo.WaitInfo) { cancel() }})}
			},
			answers: []http.HandlerFunc{support.RateLimited("Retry-After", "30")},
		},
		"ctx ends in flight": {
			opts: func(cancel context.CancelFunc) []leedo.Option {
				return []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
					cancel()
					<-req.Context().Done()
					return nil, req.Context().Err()
				})})}
			},
			answers: []http.HandlerFunc{empty},
		},
		"an answer that never comes": {
			opts: func(context.CancelFunc) []leedo.Option {
				return []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				})})}
			},
			answers: []http.HandlerFunc{empty},
		},
		"a transport that returns nothing": {
			opts: func(context.CancelFunc) []leedo.Option {
				return []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })})}
			},
			answers: []http.HandlerFunc{empty},
		},
		"a redirect":           {answers: []http.HandlerFunc{support.Respond(307, "", "Location", "/v1/leads/other"), support.Respond(200, support.LeadJSON)}},
		"redirects for ever":   {answers: []http.HandlerFunc{support.Respond(307, "", "Location", "/v1/leads/other")}},
		"a redirect elsewhere": {answers: []http.HandlerFunc{support.Respond(307, "", "Location", "https://evil.example/")}},
		"a failure":            {answers: []http.HandlerFunc{support.Respond(500, "")}},
		"refused for ever":     {answers: []http.HandlerFunc{support.RateLimited("Retry-After", "1")}},
		"refused at once":      {answers: []http.HandlerFunc{support.RateLimited("Retry-After", "3600")}},
	} {
		for _, op := range support.GetAndCreate {
			t.Run(name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					var opts []leedo.Option
					if tt.opts != nil {
						opts = tt.opts(cancel)
					}
					client, _ := support.InMemory(t, opts, tt.answers...)
					value := support.Recovered(func() { op.Call(ctx, client) })
					if repeats := name == "panic in Hooks.Wait for a back-off" && op.Name == "Create"; (value != nil) != (tt.panics && !repeats) {
						t.Errorf("panicked with %v", value)
					}
					support.CheckSettled(t, name, client)
				})
			})
		}
	}
}

// A call returns its permits when the token source fails or panics, too.
func TestPermitsAreGivenBackWithoutAToken(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]func(context.Context) (string, error){
		"panics": func(context.Context) (string, error) { panic("boom") },
		"fails":  func(context.Context) (string, error) { return "", errors.New("no token today") },
	} {
		transport := support.RoundTripper(func(*http.Request) (*http.Response, error) { panic("sent") })
		c, err := leedo.NewClient("", leedo.WithTokenSource(source), leedo.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range support.GetAndCreate {
			if value := support.Recovered(func() { err = op.Call(t.Context(), c) }); (value != nil) != (name == "panics") || value == nil && err == nil {
				t.Errorf("%s, %s: %v, %v", name, op.Name, value, err)
			}
			support.CheckSettled(t, name, c)
		}
	}
}

// A request of an attempt that panics counts as spent if it was sent, and only
// then.
func TestWhatWasSentIsCounted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		then func(w http.ResponseWriter, req *http.Request)
		left int
	}{
		"a panic in the transport": {func(http.ResponseWriter, *http.Request) { panic("boom") }, 49},
		"an answer without a word": {support.Respond(200, support.LeadJSON), 49},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := support.InMemory(t, nil, support.Respond(200, support.LeadJSON, "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "50", "X-RateLimit-Reset", "3600"), tt.then)
			for range 2 {
				support.Recovered(func() { support.Create(t.Context(), c) })
			}
			if left := c.RateLimit().Remaining; left != tt.left {
				t.Errorf("%s: %d left, want %d", name, left, tt.left)
			}
			support.CheckSettled(t, name, c)
		})
	}
}

// Each attempt takes a permit, as do retries and redirects. With three permits
// left, the fourth request is not sent.
func TestEveryAttemptTakesAPermit(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(header ...string) http.HandlerFunc{
		"retries": func(header ...string) http.HandlerFunc { return support.Respond(503, "", header...) },
		"redirects": func(header ...string) http.HandlerFunc {
			return support.Respond(307, "", append(header, "Location", "/v1/leads/other")...)
		},
	} {
		quota := []string{"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "3", "X-RateLimit-Reset", "3600"}
		// The responses after the first have no rate limit headers.
		synctest.Test(t, func(t *testing.T) {
			client, rec := support.InMemory(t, []leedo.Option{leedo.WithRetries(9)}, support.Respond(200, support.LeadJSON, quota...), again())

			for range 2 {
				_, err := client.Leads.Get(t.Context(), "x")
				if len(rec.Requests()) == 1 {
					continue
				}
				if refused, ok := errors.AsType[*leedo.RateLimitError](err); !ok || !support.Near(refused.RetryAt, time.Now().Add(time.Hour)) && time.Until(refused.RetryAt) < 59*time.Minute {
					t.Errorf("%s: %v", name, err)
				}
			}
			if n := len(rec.Requests()); n != 4 || client.RateLimit().Remaining != 0 {
				t.Errorf("%s: %d requests, %+v", name, n, client.RateLimit())
			}
			support.CheckSettled(t, name, client)
		})
	}
}
