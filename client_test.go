package leedo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
)

// cut closes the connection without a response.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// closing counts how often its idle connections were closed by others.
type closing struct {
	http.RoundTripper
	times int
}

func (c *closing) CloseIdleConnections() { c.times++ }

func TestTheHTTPClientIsCopiedNeverChanged(t *testing.T) {
	t.Parallel()
	redirect := respond(302, "", "Location", "/v1/leads/elsewhere")
	s := serve(t, respond(200, leadJSON), respond(404, ""), respond(500, ""), cut, cut, cut, cut)
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	transport := &closing{RoundTripper: base}
	check := func(*http.Request, []*http.Request) error { return nil }
	cookies, _ := cookiejar.New(nil)
	own := &http.Client{Transport: transport, Jar: cookies, CheckRedirect: check, Timeout: time.Minute}
	c := s.client(t, leedo.WithHTTPClient(own))
	ctx, cancel := context.WithCancel(t.Context())
	for range 4 {
		get(ctx, c)
		create(ctx, c)
	}
	cancel()
	get(ctx, c)
	if own.Transport != transport || own.Jar != cookies || own.CheckRedirect == nil || own.Timeout != time.Minute {
		t.Errorf("changed to %+v", own)
	}
	if transport.times > 0 {
		t.Error("idle connections were closed, which others may share")
	}
	// What the user changes later is the user's business alone.
	own.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("later") })
	if err := get(t.Context(), c, leedo.WithRetries(0)); err == nil || strings.Contains(err.Error(), "later") {
		t.Errorf("got %v", err)
	}

	redirecting := serve(t, redirect, respond(200, leadJSON))
	own = &http.Client{Transport: base}
	c = redirecting.client(t, leedo.WithHTTPClient(own))
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("later") }
	own.Jar = cookies
	if err := get(t.Context(), c); err != nil || len(redirecting.Requests()) != 2 || redirecting.Requests()[0].Header.Get("Cookie") != "" {
		t.Errorf("got %v after %d requests", err, len(redirecting.Requests()))
	}
}

// unsafeIDs are invalid, whatever takes an id.
var unsafeIDs = []string{"", ".", "..", "../accounts", "a/../b", "a/./b", "a/..", `..\accounts`, "a\x00b", "a\nb", "a\r\nHost: x", "a\x7f", "a\u0085b", "a\xffb"}

func TestIDsOnTheWire(t *testing.T) {
	t.Parallel()
	s := serve(t, respond(200, leadJSON))
	c := s.client(t)
	takers := map[string]func(id string) error{
		"/v1/leads/":     func(id string) error { _, err := c.Leads.Get(t.Context(), id); return err },
		"/v1/accounts/":  func(id string) error { _, err := c.Accounts.Get(t.Context(), id); return err },
		"/v1/campaigns/": func(id string) error { _, err := c.Campaigns.Get(t.Context(), id); return err },
		"PATCH": func(id string) error {
			_, err := c.Leads.Update(t.Context(), id, &leedo.LeadUpdateParams{Name: new("x")})
			return err
		},
	}
	for name, take := range takers {
		for _, id := range unsafeIDs {
			if err := take(id); !errors.Is(err, leedo.ErrInvalidArgument) {
				t.Errorf("%s%q: %v", name, id, err)
			}
		}
	}
	if n := len(s.Requests()); n > 0 {
		t.Fatalf("%d requests", n)
	}
	good := map[string]string{
		"a?b=c": "a%3Fb=c", "a/b": "a%2Fb", "a#b": "a%23b", "a b": "a%20b", "a+b": "a+b", "a%2Fb": "a%252Fb", "%2e%2e": "%252e%252e",
		"...": "...", "a..b": "a..b", "..;": "..%3B", "é": "%C3%A9", "{id}": "%7Bid%7D", "a:b@c": "a:b@c", "//x": "%2F%2Fx", "x//": "x%2F%2F",
	}
	for name, take := range takers {
		for id, path := range good {
			if err := take(id); err != nil {
				t.Errorf("%s%q: %v", name, id, err)
				continue
			}
			r := s.Requests()[len(s.Requests())-1]
			if want := strings.Replace(name, "PATCH", "/v1/leads/", 1) + path; r.URL.EscapedPath() != want || r.URL.RawQuery != "" {
				t.Errorf("%q went to %q with query %q, want %q", id, r.URL.EscapedPath(), r.URL.RawQuery, want)
			}
		}
	}
}

func TestDoRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	s := serve(t, respond(200, leadJSON))
	c := s.client(t)
	var lead leedo.Lead
	tests := []struct {
		method, path string
		body, out    any
		ok           bool
	}{
		{"GET", "/leads/a%2Fb", nil, &lead, true},
		{"GET", "/leads/..%3B", nil, &lead, true},
		{"GET", "/leads/%C3%A9", nil, nil, true},
		{"POST", "/leads", map[string]any{"name": "x"}, nil, true},
		{"POST", "/leads", json.RawMessage(leadJSON), &lead, true},
		{"DELETE", "/leads/1", nil, nil, true},
		{"GET", "", nil, nil, false},
		{"GET", "leads", nil, nil, false},
		{"GET", "https://example.com/leads", nil, nil, false},
		{"GET", "//example.com/leads", nil, nil, false},
		{"GET", "@example.com/leads", nil, nil, false},
		{"GET", "/leads?q=secret", nil, nil, false},
		{"GET", "/leads#secret", nil, nil, false},
		{"GET", "/leads/..", nil, nil, false},
		{"GET", "/../leads", nil, nil, false},
		{"GET", "/leads/./1", nil, nil, false},
		{"GET", "/leads/%2e%2e", nil, nil, false},
		{"GET", "/leads/%2E./1", nil, nil, false},
		{"GET", "/leads/a%2F..%2Fb", nil, nil, false},
		{"GET", "/leads/..%5C1", nil, nil, false},
		{"GET", "/leads/a b", nil, nil, false},
		{"GET", "/leads/é", nil, nil, false},
		{"GET", "/leads/%zz", nil, nil, false},
		{"GET", "/leads/a\nb", nil, nil, false},
		{"GET", "/leads/a%0Ab", nil, nil, false},
		{"GET", "/leads/%00", nil, nil, false},
		{"", "/leads", nil, nil, false},
		{"get", "/leads", nil, nil, false},
		{"GET /admin", "/leads", nil, nil, false},
		{"GET\r\n", "/leads", nil, nil, false},
		{"GET", "/leads", map[string]any{}, nil, false},
		{"HEAD", "/leads", json.RawMessage("{}"), nil, false},
		{"POST", "/leads", []byte("{}"), nil, false},
		{"POST", "/leads", strings.NewReader("{}"), nil, false},
		{"POST", "/leads", (*leedo.LeadCreateParams)(nil), nil, false},
		{"POST", "/leads", func() {}, nil, false},
		{"POST", "/leads", json.RawMessage("{secret"), nil, false},
		{"GET", "/leads", nil, lead, false},
		{"GET", "/leads", nil, (*leedo.Lead)(nil), false},
	}
	sent := 0
	for _, test := range tests {
		err := c.Do(t.Context(), test.method, test.path, test.body, test.out)
		if (err == nil) != test.ok || err != nil && !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("%q %q: %v", test.method, test.path, err)
		}
		if err != nil && (strings.Contains(err.Error(), "q=secret") || strings.Contains(err.Error(), "{secret") || strings.ContainsAny(err.Error(), "\r\n")) {
			t.Errorf("%q %q: %q", test.method, test.path, err)
		}
		if test.ok {
			sent++
			if got := s.Requests()[len(s.Requests())-1]; got.URL.EscapedPath() != "/v1"+test.path {
				t.Errorf("%q went to %q", test.path, got.URL.EscapedPath())
			}
		}
	}
	if n := len(s.Requests()); n != sent {
		t.Errorf("%d requests, want %d", n, sent)
	}
}

func TestNilIsNoTrap(t *testing.T) {
	t.Parallel()
	s := serve(t, respond(200, leadJSON))
	c := s.client(t, nil, leedo.WithRetries(0), nil)
	if _, err := c.Leads.Get(t.Context(), "1", nil, leedo.WithQuery("a", "b"), nil); err != nil {
		t.Error(err)
	}
	var none context.Context
	refused := map[string]func() error{
		"nil context":      func() error { _, err := c.Leads.Get(none, "1"); return err },
		"nil context, Do":  func() error { return c.Do(none, "DELETE", "/leads/1", nil, nil) },
		"nil params":       func() error { _, err := c.Leads.Create(t.Context(), nil); return err },
		"zero client":      func() error { return new(leedo.Client).Do(t.Context(), "GET", "/leads", nil, nil) },
		"nil client":       func() error { return (*leedo.Client)(nil).Do(t.Context(), "GET", "/leads", nil, nil) },
		"zero service":     func() error { _, err := new(leedo.LeadsService).Get(t.Context(), "1"); return err },
		"nil HTTP client":  func() error { _, err := leedo.NewClient(testToken, leedo.WithHTTPClient(nil)); return err },
		"nil response":     func() error { _, err := c.Leads.Get(t.Context(), "1", leedo.WithResponse(nil)); return err },
		"nil rate limiter": func() error { _, err := leedo.NewClient(testToken, leedo.WithRateLimiter(nil)); return err },
	}
	for name, call := range refused {
		if err := call(); !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestAClientIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, req *http.Request) {
		id := strings.TrimPrefix(req.URL.Path, "/v1/leads/")
		switch {
		case req.Method == "POST":
			respond(500, errorJSON)(w, req)
		case strings.HasSuffix(id, "7"):
			respond(404, errorJSON)(w, req)
		default:
			respond(200, fmt.Sprintf(`{"id":%q}`, id), "X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "4000", "X-RateLimit-Reset", "3600")(w, req)
		}
	})
	logger := slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
	print := func(v any) { // in all forms, for the race detector
		_ = fmt.Sprintf("%v %+v %#v", v, v, v)
		json.Marshal(v)
		logger.Info("printed", "value", v)
	}
	c := s.client(t, leedo.WithLogger(logger),
		leedo.WithHooks(leedo.Hooks{
			Attempt: func(_ context.Context, a leedo.AttemptInfo) { print(a); print(a.Err) },
			Wait:    func(_ context.Context, w leedo.WaitInfo) { print(w) },
			Waited:  func(_ context.Context, w leedo.WaitInfo) { print(w) },
		}))
	shared := leedo.WithHeader("X-Shared", "1")
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			id := fmt.Sprint("id-", i)
			lead, err := c.Leads.Get(t.Context(), id, shared)
			if i%10 == 7 {
				if !is[*leedo.NotFoundError](err) {
					t.Errorf("%s: %v", id, err)
				}
			} else if err != nil || lead.ID != id {
				t.Errorf("%s: %v, %v", id, lead, err)
			}
			if err := create(t.Context(), c, shared); !is[*leedo.UnknownOutcomeError](err) {
				t.Errorf("%s: %v", id, err)
			}
			_ = c.RateLimit()
			_ = fmt.Sprint(c)
		})
	}
	group.Wait()
	if n := len(s.Requests()); n != 100 {
		t.Errorf("%d requests", n)
	}
}

func TestWithResponseIsFilledOnErrorsToo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   leedo.Response
		opts   []leedo.RequestOption
	}{
		{"success", respond(200, leadJSON, "X-Request-Id", "req_1"), leedo.Response{StatusCode: 200, Body: []byte(leadJSON), RequestID: "req_1", Attempts: 1}, nil},
		{"404", respond(404, errorJSON, "X-Request-Id", "req_2"), leedo.Response{StatusCode: 404, Body: []byte(errorJSON), RequestID: "req_2", Attempts: 1}, nil},
		{"500", respond(500, "<html>"), leedo.Response{StatusCode: 500, Body: []byte("<html>"), Attempts: 4}, nil},
		{"302", respond(302, "", "Location", "http://example.com/"), leedo.Response{StatusCode: 302, Attempts: 1}, nil},
		{"not JSON", respond(200, "<html>"), leedo.Response{StatusCode: 200, Body: []byte("<html>"), Attempts: 1}, nil},
		{"429", respond(429, "{}"), leedo.Response{StatusCode: 429, Body: []byte("{}"), Attempts: 1}, []leedo.RequestOption{leedo.WithMaxWait(0)}},
		{"no answer", cut, leedo.Response{Attempts: 4}, nil},
	}
	for _, test := range tests {
		s := serve(t, test.answer)
		got := leedo.Response{StatusCode: 999, RequestID: "of another call", Body: []byte("old")}
		get(t.Context(), s.client(t), append(test.opts, leedo.WithResponse(&got))...)
		if got.StatusCode > 0 && got.Header == nil {
			t.Errorf("%s: no header", test.name)
		}
		got.Header, got.RateLimit = nil, leedo.RateLimit{}
		if len(got.Body) == 0 {
			got.Body = nil
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestWithResponseIsTheLastResponseOfAllAttempts(t *testing.T) {
	t.Parallel()
	s := serve(t, respond(500, ""), respond(503, "{}", "X-Request-Id", "req_1"), cut)
	var got leedo.Response
	if err := get(t.Context(), s.client(t), leedo.WithResponse(&got)); !is[*leedo.TransportError](err) {
		t.Error(err)
	}
	if got.StatusCode != 503 || got.RequestID != "req_1" || string(got.Body) != "{}" || got.Attempts != 4 {
		t.Errorf("%+v", got)
	}
}
