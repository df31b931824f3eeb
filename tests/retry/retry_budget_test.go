package retry_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// The retry budget is shared by all calls of a limiter. First attempts and
// retries after a 429 do not need it.
func TestTheRetryBudget(t *testing.T) {
	t.Parallel()
	down, good := support.Respond(503, ""), support.Respond(200, support.LeadJSON)
	tests := []struct {
		name   string
		budget float64
		opts   []leedo.Option
		answer http.HandlerFunc
		calls  int
		want   int // requests
	}{
		{"the default", 0, nil, down, 20, 20 + 10},
		{"before a limit is known", 1, nil, down, 20, 20 + 10},
		{"2 % of a large plan", 0, nil, support.Respond(503, "", "X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "4000"), 40, 40 + 100},
		{"a tenth of a small one", 0.1, nil, support.Respond(503, "", "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "400"), 40, 40 + 50},
		{"no bound", -1, nil, down, 20, 20 * 4},
		{"no limiter", 0, []leedo.Option{leedo.WithoutRateLimiter()}, down, 20, 20 * 4},
		{"408", 0, nil, support.Respond(408, ""), 20, 20 + 10},
		{"cut", 0, nil, support.CutBody(200, "{"), 20, 20 + 10},
		{"no retries anyway", 0, []leedo.Option{leedo.WithRetries(0)}, down, 20, 20},
	}
	for _, test := range tests {
		support.Bubble(t, test.name, func(t *testing.T) {
			limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{RetryBudget: test.budget})
			if err != nil {
				t.Fatal(err)
			}
			one, requests := support.ServePipes(t, append([]leedo.Option{leedo.WithRateLimiter(limiter)}, test.opts...), test.answer)
			for range test.calls {
				if err := support.Reads[0].Call(t.Context(), one, leedo.WithAttemptTimeout(time.Second)); err == nil {
					t.Error("no error")
				}
			}
			if n := len(requests.Requests()); n != test.want {
				t.Errorf("%d requests, want %d", n, test.want)
			}
		})
	}
	support.Bubble(t, "of all clients", func(t *testing.T) {
		limiter, _ := leedo.NewRateLimiter(nil)
		one, a := support.InMemory(t, []leedo.Option{leedo.WithRateLimiter(limiter)}, down)
		two, b := support.InMemory(t, []leedo.Option{leedo.WithRateLimiter(limiter)}, down)
		for range 10 {
			one.Leads.Get(t.Context(), "id-1")
			two.Leads.Get(t.Context(), "id-1")
		}
		if n := len(a.Requests()) + len(b.Requests()); n != 30 {
			t.Errorf("%d requests, want 30", n)
		}
	})
	support.Bubble(t, "429s need none", func(t *testing.T) {
		var refusing atomic.Bool
		n := 0
		c, _ := support.InMemory(t, nil, func(w http.ResponseWriter, req *http.Request) {
			switch n++; {
			case !refusing.Load():
				down(w, req)
			case n%2 == 0:
				support.RateLimited("Retry-After", "1")(w, req)
			default:
				good(w, req)
			}
		})
		for range 20 {
			c.Leads.Get(t.Context(), "id-1")
		}
		refusing.Store(true)
		for range 20 {
			if _, err := c.Leads.Get(t.Context(), "id-1"); err != nil {
				t.Error(err)
			}
		}
	})
	support.Bubble(t, "successes give back a tenth", func(t *testing.T) {
		failing := true
		c, requests := support.InMemory(t, nil, func(w http.ResponseWriter, req *http.Request) {
			if failing {
				down(w, req)
			} else {
				good(w, req)
			}
		})
		count := func(calls int) int {
			before := len(requests.Requests())
			for range calls {
				c.Leads.Get(t.Context(), "id-1")
			}
			return len(requests.Requests()) - before
		}
		count(20)
		failing = false
		count(21)
		failing = true
		if n := count(10); n != 10+2 {
			t.Errorf("%d requests after 21 calls that succeeded, want 12", n)
		}
		time.Sleep(time.Hour)
		if n := count(10); n != 10+10 {
			t.Errorf("%d requests after an hour, want 20", n)
		}
	})
}

// exhausted is a client whose retry budget is exhausted and whose server goes on
// as it is told.
func exhausted(t *testing.T, answer http.HandlerFunc, opts ...leedo.Option) *leedo.Client {
	empty := false
	c, _ := support.InMemory(t, opts, func(w http.ResponseWriter, req *http.Request) {
		if empty {
			answer(w, req)
		} else {
			w.WriteHeader(503)
		}
	})
	for range 10 {
		c.Leads.Get(t.Context(), "id-1", leedo.WithMaxWait(time.Minute))
	}
	empty = true
	return c
}

// A call without retry budget fails with its own error, after a short wait.
func TestACallWithoutRetryBudget(t *testing.T) {
	t.Parallel()
	support.Bubble(t, "the error", func(t *testing.T) {
		c := exhausted(t, support.Respond(503, support.ErrorJSON, "X-Request-Id", "req_1"))
		_, err := c.Leads.List(t.Context(), nil)
		want := "leedo: GET /leads: retry budget exhausted: 503 "
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "(request req_1, 1 attempt)") {
			t.Errorf("%v, want %s…", err, want)
		}
		server, ok := errors.AsType[*leedo.ServerError](err)
		api, _ := errors.AsType[*leedo.APIError](err)
		if !ok || server.StatusCode != 503 || server.RequestID != "req_1" || server.Attempts != 1 || api == nil || len(api.Body) == 0 {
			t.Errorf("%#v", err)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Error("x", "error", err)
		var record struct {
			Error struct {
				Method, Path, Message string
				Cause                 struct{ Status int }
			}
		}
		if json.Unmarshal([]byte(log.String()), &record) != nil || record.Error.Path != "/leads" ||
			!strings.HasPrefix(record.Error.Message, "retry budget exhausted: 503") || record.Error.Cause.Status != 503 {
			t.Errorf("%s", log.String())
		}
	})
	support.Bubble(t, "the wait", func(t *testing.T) {
		longest := time.Duration(0)
		c := exhausted(t, support.Respond(503, "", "Retry-After", "20"))
		for range 50 {
			start := time.Now()
			c.Leads.Get(t.Context(), "id-1")
			took := time.Since(start)
			if longest = max(longest, took); took <= 0 || took > 250*time.Millisecond {
				t.Errorf("took %v", took)
			}
		}
		if longest < 150*time.Millisecond {
			t.Errorf("took %v at most", longest)
		}
		start := time.Now() // whose maximum wait has no room for the Retry-After
		_, err := c.Leads.Get(t.Context(), "id-1", leedo.WithMaxWait(0))
		if time.Since(start) != 0 || !support.Is[*leedo.ServerError](err) || strings.Contains(err.Error(), "budget") {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		c = exhausted(t, support.Respond(503, ""))
		start = time.Now() // a back-off needs none
		_, err = c.Leads.Get(t.Context(), "id-1", leedo.WithMaxWait(0))
		if took := time.Since(start); took <= 0 || took > 250*time.Millisecond || !support.Is[*leedo.ServerError](err) || !strings.Contains(err.Error(), "budget") {
			t.Errorf("%v after %v", err, took)
		}
	})
	support.Bubble(t, "cancelled in the wait", func(t *testing.T) {
		c := exhausted(t, support.Respond(503, ""), leedo.WithBackoff(time.Minute, time.Minute), leedo.WithMaxWait(leedo.NoMaxWait))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Nanosecond, cancel)
		_, err := c.Leads.Get(ctx, "id-1")
		if !errors.Is(err, context.Canceled) || !support.Is[*leedo.ServerError](err) {
			t.Errorf("got %v", err)
		}
	})
	for _, op := range support.Writes {
		support.Bubble(t, op.Name, func(t *testing.T) {
			requests := 0
			c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				requests++
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			}}}))
			var err error
			for range 20 {
				err = op.Call(t.Context(), c)
			}
			if requests != 20+10 || !support.Is[*leedo.TransportError](err) || leedo.OutcomeOf(err) != leedo.OutcomeNotDone || !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%d requests, %v, %v", requests, err, leedo.OutcomeOf(err))
			}
		})
		support.Bubble(t, op.Name+", WithIdempotent", func(t *testing.T) {
			c := exhausted(t, support.Respond(503, ""))
			err := op.Call(t.Context(), c, leedo.WithIdempotent())
			if !support.Is[*leedo.UnknownOutcomeError](err) || !support.Is[*leedo.ServerError](err) || leedo.OutcomeOf(err) != leedo.OutcomeUnknown || !strings.Contains(err.Error(), ": outcome unknown: retry budget exhausted: 503") {
				t.Errorf("got %v, %v", err, leedo.OutcomeOf(err))
			}
		})
	}
}

// While a server fails, and when it works again, waiting calls are sent a few
// at a time.
func TestWaitingCallsAreSpreadAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inFlight, most, requests atomic.Int32
		var hooked []leedo.WaitInfo
		failing := true
		transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			requests.Add(1)
			most.Store(max(most.Load(), inFlight.Add(1)))
			defer inFlight.Add(-1)
			time.Sleep(2 * time.Second)
			if failing {
				return nil, errors.New("reset")
			}
			return support.ResponseTo(req, support.Respond(200, support.LeadJSON, "X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "4900")), nil
		})
		c := support.NewClient(t, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: transport}), leedo.WithHooks(leedo.Hooks{Wait: func(_ context.Context, w leedo.WaitInfo) { hooked = append(hooked, w) }}))
		for range 5 {
			c.Leads.Get(t.Context(), "id-1")
		}
		failing = false
		most.Store(0)
		start := time.Now()
		done := make(chan error)
		for range 20 {
			go func() {
				_, err := c.Leads.Get(t.Context(), "id-1")
				done <- err
			}()
			synctest.Wait()
		}
		time.Sleep(5 * time.Second)
		if most.Load() != 8 {
			t.Errorf("%d at the same time, want 8 after three responses", most.Load())
		}
		for range 1 + 2 + 8 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("11 calls took %v", took)
		}
		if len(hooked) != 19 || hooked[0].Reason != leedo.WaitProbe || hooked[0].Until.Sub(start) != 30*time.Second {
			t.Errorf("%d waits: %+v", len(hooked), hooked)
		}
		for range 9 {
			<-done
		}
	})
	support.Bubble(t, "WithMaxWait 0", func(t *testing.T) {
		c, requests := support.InMemory(t, []leedo.Option{leedo.WithMaxWait(0), leedo.WithRetries(0)}, support.Respond(503, "", "X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "4900"))
		for range 20 {
			go c.Leads.Get(t.Context(), "id-1")
		}
		synctest.Wait()
		start := time.Now()
		c.Leads.Get(t.Context(), "id-1")
		if n := len(requests.Requests()); n != 21 || time.Since(start) != 0 {
			t.Errorf("%d requests, the last after %v", n, time.Since(start))
		}
	})
	// What says nothing of the server is no failure of it.
	for name, test := range map[string]struct {
		answer  http.HandlerFunc // nil: none
		timeout time.Duration    // of the attempt
		bound   func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	}{
		"501": {support.Respond(501, ""), 0, context.WithTimeout}, "404": {support.Respond(404, ""), 0, context.WithTimeout}, "408": {support.Respond(408, ""), 0, context.WithTimeout},
		"cancelled": {nil, 0, func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(10*d, cancel)
			return ctx, cancel
		}},
		"a short deadline":        {nil, 0, context.WithTimeout},
		"a short attempt timeout": {nil, 100 * time.Millisecond, context.WithTimeout},
	} {
		support.Bubble(t, name, func(t *testing.T) {
			hanging := false
			var requests atomic.Int32
			c := support.NewClient(t, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
				if requests.Add(1); hanging || test.answer == nil && requests.Load() > 4 {
					<-req.Context().Done()
					return nil, req.Context().Err()
				}
				if test.answer == nil || requests.Load() <= 4 {
					return support.ResponseTo(req, support.Respond(200, support.LeadJSON, "X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "4900")), nil
				}
				return support.ResponseTo(req, test.answer), nil
			})}))
			for range 4 + 6 {
				ctx, cancel := test.bound(t.Context(), 150*time.Millisecond)
				c.Leads.Get(ctx, "id-1", leedo.WithAttemptTimeout(test.timeout))
				cancel()
			}
			hanging = true
			before := requests.Load()
			ctx, cancel := context.WithCancel(t.Context())
			for range 20 {
				go c.Leads.Get(ctx, "id-1")
			}
			synctest.Wait()
			if n := requests.Load() - before; n != 20 {
				t.Errorf("%d in flight, want all 20", n)
			}
			cancel()
			synctest.Wait()
		})
	}
}
