package limits_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Without a rate limiter a 429 is returned immediately, and no request is
// delayed.
func TestWithoutRateLimiterA429ReturnsAtOnce(t *testing.T) {
	t.Parallel()
	for _, op := range support.GetAndCreate {
		synctest.Test(t, func(t *testing.T) {
			client, rec := support.InMemory(t, []leedo.Option{leedo.WithoutRateLimiter()}, support.RateLimited(append(support.Exhausted(time.Now().Add(time.Hour)), "Retry-After", "5")...))

			start := time.Now()
			for n := range 3 {
				refused := support.AsRateLimitError(t, op.Call(t.Context(), client))
				if refused.Local() || !support.Near(refused.RetryAt, start.Add(5*time.Second)) || len(rec.Requests()) != n+1 {
					t.Errorf("%s: %+v after %d requests", op.Name, refused, len(rec.Requests()))
				}
			}
			if time.Since(start) != 0 {
				t.Errorf("%s: waited %v", op.Name, time.Since(start))
			}
			if l := client.RateLimit(); l.Limit != 100 || l.Remaining != 0 || !support.Near(l.Reset, start.Add(time.Hour)) {
				t.Errorf("%s: the figures are %+v", op.Name, l)
			}
		})
	}
}

// The rate limit state is available from the client, a response and an error.
func TestFiguresOfTheQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
		lead := server.AddLead(leedo.Lead{Name: "John Doe"})
		client := server.Client()
		if l := client.RateLimit(); l != (leedo.RateLimit{}) {
			t.Errorf("before the first answer %+v", l)
		}
		start := time.Now()
		var response leedo.Response
		if _, err := client.Leads.Get(t.Context(), lead.ID, leedo.WithResponse(&response)); err != nil {
			t.Fatal(err)
		}
		want := leedo.RateLimit{Limit: 100, Remaining: 99, Reset: start.Add(time.Hour), Observed: start}
		compare := func(what string, got leedo.RateLimit) {
			t.Helper()
			if !support.Near(got.Reset, want.Reset) {
				t.Errorf("%s: reset %v, want %v", what, got.Reset, want.Reset)
			}
			got.Reset = want.Reset
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		compare("client after an answer", client.RateLimit())
		compare("response", response.RateLimit)

		<-time.After(time.Minute)
		_, err := client.Leads.Get(t.Context(), support.AbsentID)
		want.Remaining, want.Observed = 98, time.Now()
		compare("client after an error", client.RateLimit())
		if api, ok := errors.AsType[*leedo.APIError](err); ok {
			compare("error", api.RateLimit)
		} else {
			t.Error(err)
		}
		// A response without headers changes neither limit nor reset.
		server.Inject(leedotest.Fault{Status: 404, Header: http.Header{"X-Ratelimit-Limit": nil, "X-Ratelimit-Remaining": nil, "X-Ratelimit-Reset": nil}})
		_, err = client.Leads.Get(t.Context(), support.AbsentID, leedo.WithResponse(&response))
		if l := client.RateLimit(); l.Limit != 100 || l.Remaining != 97 || !support.Near(l.Reset, want.Reset) {
			t.Errorf("after an answer without a word %+v", l)
		}
		if l := response.RateLimit; l.Limit != 0 || l.Remaining != 0 || !l.Reset.IsZero() || !support.Is[*leedo.NotFoundError](err) {
			t.Errorf("an answer without a word told %+v, %v", l, err)
		}
	})
}

// The rate limit state of a client counts requests in flight and waiting calls.
func TestFiguresCountRequestsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.SetRateLimit(3, time.Minute)
		client := server.Client(leedo.WithMaxWait(leedo.NoMaxWait))
		if _, err := client.Leads.List(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		server.Inject(leedotest.Fault{Latency: 10 * time.Second, Times: -1})
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() {
				if _, err := client.Leads.List(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if l := client.RateLimit(); l.InFlight != 2 || l.Waiting != 3 || l.Remaining != 0 || l.Limit != 3 {
			t.Errorf("two may go: %+v", l)
		}
		if n := len(server.Requests()); n != 3 {
			t.Errorf("%d requests", n)
		}
		calls.Wait()
		if l := client.RateLimit(); l.InFlight != 0 || l.Waiting != 0 || l.Remaining != 0 {
			t.Errorf("all are done: %+v", l)
		}
		for _, request := range server.Requests() {
			if request.Status == 429 {
				t.Error("a request was refused that could be foreseen to be")
			}
		}
	})
}

// A response reports what was left before the requests behind it arrived, so
// requests in flight are subtracted.
func TestRequestsInFlightAreNotSpentTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.SetRateLimit(3, time.Hour)
		client := server.Client()
		if _, err := client.Leads.List(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		server.Inject(leedotest.Fault{Latency: 10 * time.Second}, leedotest.Fault{Latency: 20 * time.Second})
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() {
				if _, err := client.Leads.List(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		<-time.After(15 * time.Second) // the first has come back and said that one is left
		if l := client.RateLimit(); l.InFlight != 1 || l.Remaining != 0 {
			t.Errorf("%+v", l)
		}
		if refused := support.AsRateLimitError(t, support.ErrorOf(client.Leads.List(t.Context(), nil))); !refused.Local() {
			t.Errorf("%v: asked for what the other has", refused)
		}
		calls.Wait()
	})
}

// Clients that share a RateLimiter learn from each other's responses.
func TestClientsShareARateLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter, err := leedo.NewRateLimiter(nil)
		if err != nil {
			t.Fatal(err)
		}
		server := leedotest.NewServer()
		server.SetRateLimit(1, time.Hour)
		one, two := server.Client(leedo.WithRateLimiter(limiter)), server.Client(leedo.WithRateLimiter(limiter))
		stranger := server.Client()
		if _, err := one.Leads.List(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		_, err = two.Leads.List(t.Context(), nil)
		if refused := support.AsRateLimitError(t, err); !refused.Local() {
			t.Errorf("%v: the other client asked", refused)
		}
		_, err = stranger.Leads.List(t.Context(), nil)
		if refused := support.AsRateLimitError(t, err); refused.Local() {
			t.Errorf("%v: limiters are shared that should not be", refused)
		}
		if limiter.RateLimit() != one.RateLimit() || one.RateLimit() != two.RateLimit() || limiter.RateLimit().Limit != 1 {
			t.Errorf("figures %+v, %+v, %+v", limiter.RateLimit(), one.RateLimit(), two.RateLimit())
		}
		// A 429 delays both.
		<-time.After(time.Hour + 2*time.Second)
		server.SetRateLimit(0, time.Hour)
		support.AsRateLimitError(t, support.ErrorOf(two.Leads.List(t.Context(), nil)))
		before := len(server.Requests())
		if refused := support.AsRateLimitError(t, support.ErrorOf(one.Leads.List(t.Context(), nil))); !refused.Local() || len(server.Requests()) != before {
			t.Errorf("%v after %d requests", refused, len(server.Requests())-before)
		}
	})
}

// Hooks and the log report waits and attempts, with the caller's context.
func TestWaitsAndAttemptsAreReported(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		wait   time.Duration
		reason string
		level  slog.Level
	}{
		{"a long wait for the quota", support.RateLimited("Retry-After", "30"), 30 * time.Second, "Retry-After", slog.LevelInfo},
		{"a short wait for the quota", support.RateLimited("Retry-After", "0.3"), 300 * time.Millisecond, "Retry-After", slog.LevelDebug},
		{"a long Retry-After", support.Respond(503, `{"message":"John Doe"}`, "Retry-After", "30"), 30 * time.Second, "Retry-After", slog.LevelInfo},
		{"a short back-off", support.Respond(503, `{"message":"John Doe"}`), 0, "back-off", slog.LevelDebug},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := support.NewLog()
				var waits, waited []leedo.WaitInfo
				var attempts []leedo.AttemptInfo
				told := func(ctx context.Context) {
					if ctx.Value(support.ContextKey{}) != "mine" {
						t.Error("a hook without the context of the call")
					}
				}
				client, _ := support.InMemory(t, []leedo.Option{
					leedo.WithBackoff(time.Millisecond, time.Millisecond),
					leedo.WithLogger(slog.New(log)),
					leedo.WithHooks(leedo.Hooks{
						Wait:    func(ctx context.Context, w leedo.WaitInfo) { told(ctx); waits = append(waits, w) },
						Waited:  func(ctx context.Context, w leedo.WaitInfo) { told(ctx); waited = append(waited, w) },
						Attempt: func(ctx context.Context, a leedo.AttemptInfo) { told(ctx); attempts = append(attempts, a) },
					}),
				}, tt.answer, support.Respond(200, support.LeadJSON))
				start := time.Now()
				ctx := context.WithValue(t.Context(), support.ContextKey{}, "mine")
				if _, err := client.Leads.Get(ctx, support.LeadID, leedo.WithQuery("email", "jane@example.com")); err != nil {
					t.Fatal(err)
				}

				if tt.level == slog.LevelDebug && len(waits) > 0 {
					t.Errorf("a wait of %v was told: %+v", tt.wait, waits)
				}
				if tt.level == slog.LevelInfo {
					if len(waits) != 1 || waits[0].Method != "GET" || waits[0].Path != "/leads/{id}" || string(waits[0].Reason) != tt.reason || waits[0].Duration != 0 || !support.Near(waits[0].Until, start.Add(tt.wait)) {
						t.Errorf("waits told: %+v", waits)
					}
				}
				if len(waited) != 1 || string(waited[0].Reason) != tt.reason || waited[0].Method != "GET" || waited[0].Path != "/leads/{id}" ||
					waited[0].Priority != leedo.PriorityInteractive || waited[0].Duration != time.Since(start) || waited[0].Duration < tt.wait {
					t.Errorf("the end of waits told: %+v", waited)
				}
				if len(attempts) != 2 || attempts[0].Number != 1 || attempts[1].Number != 2 || attempts[0].StatusCode < 400 || attempts[1].StatusCode != 200 {
					t.Errorf("attempts told: %+v", attempts)
				}
				for _, a := range attempts {
					if a.Err != nil || a.Method != "GET" || a.Path != "/leads/{id}" {
						t.Errorf("attempt told: %+v", a)
					}
				}

				count := map[slog.Level]int{}
				for _, r := range *log.Records {
					if strings.Contains(r.Text, "waiting") && r.Level == tt.level && strings.Contains(r.Text, tt.reason) && strings.Contains(r.Text, "until=") {
						count[-100]++
					}
					count[r.Level]++
					if r.Value != "mine" {
						t.Errorf("no context with %s", r.Text)
					}
					if !strings.Contains(r.Text, "method=GET") || !strings.Contains(r.Text, "path=/leads/{id}") {
						t.Errorf("which call? %s", r.Text)
					}
					for _, secret := range []string{support.Token, "jane", support.LeadID, "John"} {
						if strings.Contains(r.Text, secret) {
							t.Errorf("%q in %s", secret, r.Text)
						}
					}
				}
				want := map[slog.Level]int{slog.LevelDebug: 2, slog.LevelWarn: 1, -100: 1} // attempts, the retry, the wait
				want[tt.level]++
				if diff := cmp.Diff(want, count); diff != "" {
					t.Errorf("records (-want +got):\n%s%+v", diff, *log.Records)
				}
			})
		})
	}
}

// A backoff that does not fit into the maximum wait or the deadline ends the
// retries with the last error. It is no RateLimitError.
func TestABackOffThatDoesNotFitEndsTheRetries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		retryAfter int
		maxWait    time.Duration
		deadline   time.Duration
		requests   int
	}{
		{"obeyed", 20, time.Minute, 0, 2},
		{"over the maximum wait", 120, time.Minute, 0, 1},
		{"no maximum", 3600, leedo.NoMaxWait, 0, 2},
		{"never waits", 1, 0, 0, 1},
		{"beyond the deadline", 5, time.Minute, 3 * time.Second, 1},
		{"within the deadline", 5, time.Minute, 30 * time.Second, 2},
		{"beyond the deadline, no maximum", 60, leedo.NoMaxWait, 30 * time.Second, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, rec := support.InMemory(t, []leedo.Option{leedo.WithMaxWait(tt.maxWait)},
					support.Respond(503, "", "Retry-After", strconv.Itoa(tt.retryAfter)), support.Respond(200, support.LeadJSON),
				)

				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				_, err := client.Leads.Get(ctx, "x")
				waited, told := time.Since(start), time.Duration(tt.retryAfter)*time.Second
				if len(rec.Requests()) != tt.requests {
					t.Errorf("%d requests, want %d", len(rec.Requests()), tt.requests)
				}
				if tt.requests == 2 {
					if err != nil || waited < told || waited > told+2*time.Second {
						t.Errorf("%v after %v", err, waited)
					}
					return
				}
				server, ok := errors.AsType[*leedo.ServerError](err)
				if !ok || server.Attempts != 1 || waited != 0 || errors.Is(err, context.DeadlineExceeded) || support.Is[*leedo.RateLimitError](err) {
					t.Errorf("%v after %v", err, waited)
				}
			})
		})
	}
}

// The text of a RateLimitError is one line and says when to retry.
func TestRateLimitErrorsReadAsOneLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := support.InMemory(t, []leedo.Option{leedo.WithMaxWait(0)}, support.RateLimited("Retry-After", "3600", "X-Request-Id", "req_9"))

		after := support.ErrorOf(client.Leads.Get(t.Context(), "x"))
		local := support.ErrorOf(client.Leads.Get(t.Context(), "x"))
		at := func(err error) string { return support.AsRateLimitError(t, err).RetryAt.Format(time.RFC3339) }
		if want := "leedo: GET /leads/{id}: 429 rate_limited: rate limit exceeded (request req_9, 1 attempt), retry at " + at(after); after.Error() != want {
			t.Errorf("got  %v\nwant %s", after, want)
		}
		if want := "leedo: GET /leads/{id}: the server asked to wait, not sent, retry at " + at(local); local.Error() != want {
			t.Errorf("got  %v\nwant %s", local, want)
		}
		for _, err := range []error{after, local} {
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "err", err)
			var record struct {
				Err struct {
					Method, Path string
					RetryAt      time.Time `json:"retry_at"`
					Local        bool
				}
			}
			if jsonErr := json.Unmarshal(log.Bytes(), &record); jsonErr != nil {
				t.Fatalf("%v: %s", jsonErr, log.String())
			}
			refused := support.AsRateLimitError(t, err)
			if e := record.Err; e.Method != "GET" || e.Path != "/leads/{id}" || !e.RetryAt.Equal(refused.RetryAt) || e.Local != refused.Local() {
				t.Errorf("logged %s", log.String())
			}
		}
	})
}

// A gateway's error has no rate limit headers, which does not mean that the API
// sends none: the calls that wait for the first response go on waiting.
func TestErrorsOfAGatewayDoNotEndTheWaitForAResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
		id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
		var answered atomic.Int32
		client := server.Client(leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			time.Sleep(50 * time.Millisecond)
			if answered.Add(1) <= 8 {
				return &http.Response{StatusCode: 502, Header: http.Header{}, Body: http.NoBody}, nil
			}
			return server.HTTPClient().Transport.RoundTrip(req)
		})}))
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { client.Leads.Get(t.Context(), id) })
		}
		wg.Wait()
		for _, r := range server.Requests() {
			if r.Status != 200 {
				t.Fatalf("a %d among %d answers", r.Status, len(server.Requests()))
			}
		}
	})
}
