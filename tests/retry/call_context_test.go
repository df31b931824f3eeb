package retry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// CallFromContext works in each function that gets a context of the call.
func TestCallFromContext(t *testing.T) {
	t.Parallel()
	var got []string
	see := func(ctx context.Context, where string) {
		call, ok := leedo.CallFromContext(ctx)
		got = append(got, fmt.Sprintf("%s: %+v %v", where, call, ok))
	}
	source := func(ctx context.Context) (string, error) { see(ctx, "token source"); return support.Token, nil }
	transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		see(req.Context(), "transport")
		if len(got) < 10 {
			return support.ResponseTo(req, support.Respond(500, "")), nil
		}
		return support.ResponseTo(req, support.Respond(200, support.LeadJSON)), nil
	})
	client, err := leedo.NewClient("", leedo.WithTokenSource(source), leedo.WithBackoff(1, 1), leedo.WithHTTPClient(&http.Client{Transport: transport}),
		leedo.WithLogger(slog.New(handler{func(ctx context.Context, r slog.Record) { see(ctx, r.Message) }})),
		leedo.WithHooks(leedo.Hooks{
			Attempt: func(ctx context.Context, a leedo.AttemptInfo) { see(ctx, "hook") },
			Waited:  func(ctx context.Context, w leedo.WaitInfo) { see(ctx, "hook of waits") },
		}),
		leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
			see(ctx, "interceptor")
			defer see(ctx, "interceptor")
			return next(ctx)
		}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Leads.Update(t.Context(), "x", &leedo.LeadUpdateParams{Name: new("John Doe")}, leedo.WithIdempotent(), leedo.WithPriority(leedo.PriorityBulk))
	if err != nil {
		t.Fatal(err)
	}
	at := func(attempt int, where string) string {
		return fmt.Sprintf("%s: {Method:PATCH Path:/leads/{id} Write:true Priority:1 Attempt:%d} true", where, attempt)
	}
	want := []string{
		at(0, "interceptor"), at(0, "token source"), at(1, "transport"), at(1, "leedo: attempt"), at(1, "hook"), at(1, "leedo: waiting"), at(1, "hook of waits"),
		at(1, "token source"), at(1, "leedo: retrying"), at(2, "transport"), at(2, "leedo: attempt"), at(2, "hook"), at(2, "interceptor"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, ctx := range []context.Context{t.Context(), nil} {
		if call, ok := leedo.CallFromContext(ctx); ok || call != (leedo.CallInfo{}) {
			t.Errorf("outside: %+v, %v", call, ok)
		}
	}
}

// handler is a log handler made of a function.
type handler struct {
	handle func(context.Context, slog.Record)
}

func (h handler) Enabled(context.Context, slog.Level) bool        { return true }
func (h handler) Handle(ctx context.Context, r slog.Record) error { h.handle(ctx, r); return nil }
func (h handler) WithAttrs([]slog.Attr) slog.Handler              { return h }
func (h handler) WithGroup(string) slog.Handler                   { return h }

// A call that an interceptor, a hook, a log handler or a token source makes
// with its context does not call it again, whatever the client.
func TestCallsWithinCallsAreQuiet(t *testing.T) {
	t.Parallel()
	for _, other := range []bool{false, true} {
		var inner, depth atomic.Int32
		var client, called *leedo.Client
		call := func(ctx context.Context, where string) {
			defer depth.Add(-1)
			if depth.Add(1) > 1 {
				t.Errorf("%s is called by its own call", where)
				return
			}
			inner.Add(1)
			if err := called.Do(ctx, "DELETE", "/leads/"+where, nil, nil); err != nil {
				t.Errorf("%s: %v", where, err)
			}
			for _, err := range called.Leads.All(ctx, nil, leedo.WithPrefetch(2)) {
				if err != nil {
					t.Errorf("%s: %v", where, err)
				}
			}
		}
		s := support.Serve(t, support.Respond(200, `{"data":[],"meta":{"total":0,"page":1,"per_page":100},"id":"x"}`))
		make := func() *leedo.Client {
			return s.Client(t,
				leedo.WithLogger(slog.New(handler{func(ctx context.Context, r slog.Record) { call(ctx, "log") }})),
				leedo.WithHooks(leedo.Hooks{Attempt: func(ctx context.Context, _ leedo.AttemptInfo) { call(ctx, "hook") }}),
				leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
					call(ctx, "interceptor")
					return next(ctx)
				}))
		}
		client, called = make(), nil
		if called = client; other {
			called = make()
		}
		if _, err := client.Leads.Get(t.Context(), "x"); err != nil {
			t.Error(err)
		}
		// The log handler, the hook and the interceptor make two calls each.
		if inner.Load() != 3 || len(s.Requests()) != 7 {
			t.Errorf("%d times, %d requests", inner.Load(), len(s.Requests()))
		}
	}
}

// A call that a Wait hook makes while no request is left ends.
func TestACallInHooksWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var client *leedo.Client
		var failed []error
		hook := func(ctx context.Context, _ leedo.WaitInfo) {
			failed = append(failed, support.ErrorOf(client.Leads.Get(ctx, "x", leedo.WithMaxWait(time.Second))))
		}
		quota := []string{"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "30"}
		client, _ = support.InMemory(t, []leedo.Option{leedo.WithHooks(leedo.Hooks{Wait: hook, Waited: hook})},
			support.Respond(200, support.LeadJSON, quota...), support.Respond(200, support.LeadJSON, "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "99", "X-RateLimit-Reset", "3600"))
		for range 2 {
			if _, err := client.Leads.Get(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
		}
		// One before the wait and one after it, with the permit that the call then has.
		if len(failed) == 0 || !support.Is[*leedo.RateLimitError](failed[0]) {
			t.Errorf("got %v", failed)
		}
		support.CheckSettled(t, "after the calls", client)
	})
}

// Attempt hooks get the status, request id and rate limit state of the
// response. The permit has been returned by then, so a hook may make a call.
func TestHooksSeeWhatTheResponseSays(t *testing.T) {
	t.Parallel()
	quota := []string{"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "7", "X-RateLimit-Reset", "60", "X-Request-Id", "req_1\n" + support.Token}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   leedo.AttemptInfo
	}{
		"a success":             {support.Respond(200, support.LeadJSON, quota...), leedo.AttemptInfo{StatusCode: 200, RequestID: `req_1\n***`, RateLimit: leedo.RateLimit{Limit: 100, Remaining: 7}}},
		"a failure":             {support.Respond(503, "", quota...), leedo.AttemptInfo{StatusCode: 503, RequestID: `req_1\n***`, RateLimit: leedo.RateLimit{Limit: 100, Remaining: 7}}},
		"one of a proxy":        {support.Respond(503, ""), leedo.AttemptInfo{StatusCode: 503}},
		"a 429 without figures": {support.Respond(429, ""), leedo.AttemptInfo{StatusCode: 429}},
		"none":                  {nil, leedo.AttemptInfo{}},
	} {
		for _, op := range support.GetAndCreate {
			synctest.Test(t, func(t *testing.T) {
				var client *leedo.Client
				var got []leedo.AttemptInfo
				client, err := leedo.NewClient(support.Token, leedo.WithRetries(0), leedo.WithMaxWait(0),
					leedo.WithHooks(leedo.Hooks{Attempt: func(_ context.Context, a leedo.AttemptInfo) {
						if n := client.RateLimit().InFlight; n != 0 {
							t.Errorf("%s: %d in flight when the hook is called", name, n)
						}
						if a.StatusCode == 0 != (a.Err != nil) {
							t.Errorf("%s: %+v", name, a)
						}
						a.Err, a.RateLimit.Reset, a.RateLimit.Observed = nil, time.Time{}, time.Time{}
						got = append(got, a)
					}}),
					leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
						if tt.answer == nil {
							return nil, errors.New("no server")
						}
						return support.ResponseTo(req, tt.answer), nil
					})}))
				if err != nil {
					t.Fatal(err)
				}
				op.Call(t.Context(), client)
				want := tt.want
				want.Method, want.Path, want.Write, want.Number = "GET", "/leads/{id}", false, 1
				if op.Name == "Create" {
					want.Method, want.Path, want.Write = "POST", "/leads", true
				}
				if diff := cmp.Diff([]leedo.AttemptInfo{want}, got); diff != "" {
					t.Errorf("%s, %s: %s", name, op.Name, diff)
				}
			})
		}
	}
}

type contextKey struct{}

// contextHandler is a log handler that passes on the context of each record.
type contextHandler struct {
	slog.Handler
	seen func(context.Context)
}

func (l contextHandler) Handle(ctx context.Context, _ slog.Record) error { l.seen(ctx); return nil }
func (l contextHandler) Enabled(context.Context, slog.Level) bool        { return true }

func TestValuesOfTheContextReachEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]int{}
		see := func(ctx context.Context, who string) {
			if ctx.Value(contextKey{}) == "value" {
				seen[who]++
			}
		}
		answers := []http.HandlerFunc{support.Respond(503, "", "Retry-After", "2"), support.Respond(302, "", "Location", "/v1/x"), support.Respond(200, support.LeadJSON)}
		c, err := leedo.NewClient("",
			leedo.WithTokenSource(func(ctx context.Context) (string, error) { see(ctx, "token source"); return support.Token, nil }),
			leedo.WithHTTPClient(&http.Client{
				Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
					see(req.Context(), "transport")
					next := answers[0]
					answers = answers[1:]
					return support.ResponseTo(req, next), nil
				}),
				CheckRedirect: func(req *http.Request, _ []*http.Request) error { see(req.Context(), "CheckRedirect"); return nil },
			}),
			leedo.WithLogger(slog.New(contextHandler{slog.DiscardHandler, func(ctx context.Context) { see(ctx, "log") }})),
			leedo.WithHooks(leedo.Hooks{
				Attempt: func(ctx context.Context, _ leedo.AttemptInfo) { see(ctx, "attempt hook") },
				Wait:    func(ctx context.Context, _ leedo.WaitInfo) { see(ctx, "wait hook") },
			}))
		if err != nil {
			t.Fatal(err)
		}
		if err := support.Reads[0].Call(context.WithValue(t.Context(), contextKey{}, "value"), c); err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"token source": 3, "transport": 3, "CheckRedirect": 1, "log": 5, "attempt hook": 3, "wait hook": 1}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTheTokenIsRenewedForEachAttempt(t *testing.T) {
	t.Parallel()
	broken := errors.New("keyring locked")
	// Each source returns the given results for the first, second … attempt.
	source := func(tokens ...any) leedo.Option {
		n := 0
		return leedo.WithTokenSource(func(context.Context) (string, error) {
			next := tokens[min(n, len(tokens)-1)]
			n++
			if err, ok := next.(error); ok {
				return "", err
			}
			return next.(string), nil
		})
	}
	moved := support.Respond(302, "", "Location", "/v1/moved")
	tests := []struct {
		name   string
		tokens []any
		sent   []string
		want   []func(error) bool
	}{
		{"renewed", []any{"one", "two", "three", "four"}, []string{"one", "two", "three", "four"}, nil},
		{"broken", []any{broken}, nil, []func(error) bool{func(err error) bool { return errors.Is(err, broken) }}},
		{"empty", []any{""}, nil, []func(error) bool{func(err error) bool { return err != nil }}},
		{"unfit", []any{"one\r\nX-Admin: 1"}, nil, []func(error) bool{func(err error) bool {
			return err != nil && !strings.Contains(err.Error(), "X-Admin")
		}}},
		{"broken later", []any{"one", broken}, []string{"one"}, []func(error) bool{
			func(err error) bool { return errors.Is(err, broken) }, support.Is[*leedo.ServerError],
		}},
		{"broken on a redirect", []any{"one", "two", broken}, []string{"one", "two"}, []func(error) bool{
			func(err error) bool { return errors.Is(err, broken) },
		}},
	}
	for _, test := range tests {
		s := support.Serve(t, support.Respond(500, ""), moved, support.Respond(502, ""), support.Respond(200, support.LeadJSON))
		transport := &http.Transport{}
		c, err := leedo.NewClient("", source(test.tokens...), leedo.WithBackoff(1, 1), leedo.WithBaseURL(s.URL+"/v1"),
			leedo.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		err = support.Reads[0].Call(t.Context(), c)
		if test.want == nil && err != nil || support.Is[*leedo.UnknownOutcomeError](err) {
			t.Errorf("%s: %v", test.name, err)
		}
		for _, want := range test.want {
			if !want(err) {
				t.Errorf("%s: got %v", test.name, err)
			}
		}
		var sent []string
		for _, r := range s.Requests() {
			sent = append(sent, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		}
		if diff := cmp.Diff(test.sent, sent); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		transport.CloseIdleConnections()
	}
	// A write without a token is not sent, so it is known not to be done.
	c, err := leedo.NewClient("", source(broken))
	if err != nil {
		t.Fatal(err)
	}
	for _, write := range support.Writes {
		if err := write.Call(t.Context(), c); !errors.Is(err, broken) || support.Is[*leedo.UnknownOutcomeError](err) {
			t.Errorf("%s: got %v", write.Name, err)
		}
	}
}
