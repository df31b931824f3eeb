package cost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// keeper keeps the JSON that it is decoded from, which encoding/json forbids.
type keeper struct{ data []byte }

func (k *keeper) UnmarshalJSON(data []byte) error { k.data = data; return nil }

// What a user gets of a response body does not share memory with the response
// of another call.
func TestWhatUsersSeeOfABodyIsTheirs(t *testing.T) {
	t.Parallel()
	lead, page := benchLead(1), support.PageJSON(6, 1, 2, "a", "b")
	tests := map[string]struct {
		status int
		body   string
		see    func(context.Context, *leedo.Client) []byte
	}{
		"WithResponse": {200, lead, func(ctx context.Context, c *leedo.Client) []byte {
			var r leedo.Response
			c.Leads.Get(ctx, "x", leedo.WithResponse(&r))
			return r.Body
		}},
		"WithResponse of a refusal": {404, support.ErrorJSON, func(ctx context.Context, c *leedo.Client) []byte {
			var r leedo.Response
			c.Leads.Get(ctx, "x", leedo.WithResponse(&r))
			return r.Body
		}},
		"APIError": {404, support.ErrorJSON, func(ctx context.Context, c *leedo.Client) []byte {
			_, err := c.Leads.Get(ctx, "x")
			e, _ := errors.AsType[*leedo.APIError](err)
			return e.Body
		}},
		"RateLimitError": {429, support.ErrorJSON, func(ctx context.Context, c *leedo.Client) []byte {
			_, err := c.Leads.Get(ctx, "x", leedo.WithMaxWait(0))
			e, _ := errors.AsType[*leedo.APIError](err)
			return e.Body
		}},
		"DecodeError": {200, `{"name":"nobody"}`, func(ctx context.Context, c *leedo.Client) []byte {
			_, err := c.Leads.Get(ctx, "x")
			e, _ := errors.AsType[*leedo.DecodeError](err)
			return e.Body
		}},
		"DecodeError of a walk": {200, page, func(ctx context.Context, c *leedo.Client) []byte {
			_, err := support.Gather(t, c.Leads.All(ctx, nil))
			e, _ := errors.AsType[*leedo.DecodeError](err)
			return e.Body
		}},
		"json.RawMessage": {200, lead, func(ctx context.Context, c *leedo.Client) []byte {
			var raw json.RawMessage
			c.Do(ctx, "GET", "/x", nil, &raw)
			return raw
		}},
		"a type that keeps what it is decoded from": {200, lead, func(ctx context.Context, c *leedo.Client) []byte {
			var k keeper
			c.Do(ctx, "GET", "/x", nil, &k)
			return k.data
		}},
		"strings": {200, lead, func(ctx context.Context, c *leedo.Client) []byte {
			l, _ := c.Leads.Get(ctx, "x")
			return fmt.Appendf(nil, `{"id":%q,"name":%q,"email":%q,"company":%q,"phone":%q,"status":%q,"created_at":%q,"updated_at":%q}`,
				l.ID, l.Name, l.Email, l.Company, l.Phone, l.Status, l.CreatedAt.Format(time.RFC3339), l.UpdatedAt.Format(time.RFC3339))
		}},
	}
	for name, test := range tests {
		var answered atomic.Bool
		c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			status, body := test.status, test.body
			if answered.Load() { // another call's
				status, body = 200, strings.Repeat("!", len(test.body))
			}
			return support.ResponseTo(req, support.Respond(status, body)), nil
		})}), leedo.WithoutRateLimiter())
		saw := test.see(t.Context(), c)
		answered.Store(true)
		var wg sync.WaitGroup
		for range 8 { // whoever gets the memory
			wg.Go(func() {
				for range 20 {
					c.Leads.Get(t.Context(), "y")
					c.Leads.List(t.Context(), nil)
				}
			})
		}
		wg.Wait()
		if string(saw) != test.body {
			t.Errorf("%s: %q, want %q", name, saw, test.body)
		}
	}
}

// Concurrent calls get their own headers, contexts and responses, although they
// share buffers.
func TestCallsAtTheSameTimeKeepApart(t *testing.T) {
	t.Parallel()
	var tried sync.Map
	transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		id := req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]
		if req.Header.Get("X-Id") != id || req.Header.Get("Authorization") != "Bearer "+support.Token || req.Context().Value(support.ContextKey{}) != id {
			return nil, fmt.Errorf("%s came with %v", id, req.Header)
		}
		var sent struct{ Name string }
		if req.Body != nil {
			json.NewDecoder(req.Body).Decode(&sent)
		}
		req.Header.Set("X-Id", "changed")
		req.URL.Path = "/changed"
		_, again := tried.LoadOrStore(id, true)
		switch {
		case !again && strings.HasPrefix(id, "retry"):
			return support.ResponseTo(req, support.Respond(503, "")), nil
		case !again && strings.HasPrefix(id, "moved"):
			return support.ResponseTo(req, support.Respond(307, "", "Location", id)), nil
		case strings.HasPrefix(id, "missing"):
			return support.ResponseTo(req, support.Respond(404, `{"error":{"code":"not_found","message":"`+id+`"}}`)), nil
		}
		return support.ResponseTo(req, support.Respond(200, `{"id":"`+id+`","name":"`+sent.Name+`"}`)), nil
	})
	for name, client := range map[string]*http.Client{
		"plain":              {Transport: transport},
		"with CheckRedirect": {Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }},
		"with a jar":         {Transport: transport, Jar: support.Jar{}},
	} {
		tried.Clear()
		c := support.NewClient(t, leedo.WithHTTPClient(client), leedo.WithoutRateLimiter())
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				for _, kind := range []string{"plain", "retry", "moved", "missing", "write"} {
					id := fmt.Sprintf("%s-%d", kind, i)
					ctx := context.WithValue(t.Context(), support.ContextKey{}, id)
					if kind == "write" {
						l, err := c.Leads.Update(ctx, id, &leedo.LeadUpdateParams{Name: &id}, leedo.WithHeader("X-Id", id))
						if err != nil || l.ID != id || l.Name != id {
							t.Errorf("%s: %s: %v, %v", name, id, l, err)
						}
						continue
					}
					l, err := c.Leads.Get(ctx, id, leedo.WithHeader("X-Id", id))
					e, refused := errors.AsType[*leedo.APIError](err)
					if kind == "missing" && (!refused || e.Message != id) || kind != "missing" && (err != nil || l.ID != id) {
						t.Errorf("%s: %s: %v, %v", name, id, l, err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// A transport that modifies a request, which it must not, does not affect the
// next attempt or another call.
func TestATransportCannotSpoilTheNextRequest(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]http.Client{
		"plain":              {},
		"with CheckRedirect": {CheckRedirect: func(*http.Request, []*http.Request) error { return nil }},
		"with a jar":         {Jar: support.Jar{}},
	} {
		for _, op := range append(append([]support.Operation{}, support.Reads...), support.Writes...) {
			synctest.Test(t, func(t *testing.T) {
				var saw []string
				handler := (&support.Recorder{}).Handler([]http.HandlerFunc{support.RateLimited("Retry-After", "1"), support.Respond(200, support.LeadJSON), support.RateLimited("Retry-After", "1"), support.Respond(200, support.LeadJSON)})
				client.Transport = support.RoundTripper(func(req *http.Request) (*http.Response, error) {
					saw = append(saw, fmt.Sprint(req.Method, req.URL, req.Host, req.ContentLength, req.Header))
					if req.Body == nil {
						req.Body = http.NoBody
					}
					resp := support.ResponseTo(req, handler.ServeHTTP)
					for name, values := range req.Header {
						values[0] = "spoiled"
						req.Header[name] = append(values, "spoiled, too")
					}
					req.Header["X-Spoiled"] = []string{"yes"}
					*req.URL, req.Method, req.Host = *req.URL.JoinPath("spoiled"), "SPOILED", "spoiled"
					return resp, nil
				})
				c := support.NewClient(t, leedo.WithHTTPClient(&client))
				for range 2 {
					if err := op.Call(t.Context(), c, leedo.WithHeader("X-Mine", "mine")); err != nil {
						t.Errorf("%s, %s: %v", name, op.Name, err)
					}
				}
				for _, request := range saw {
					if len(saw) != 4 || request != saw[0] || !strings.Contains(request, "X-Mine:[mine]") {
						t.Errorf("%s, %s: requests as they came to the transport:\n%s", name, op.Name, strings.Join(saw, "\n"))
						break
					}
				}
			})
		}
	}
}

// Calls share a header until one of them sets a field.
func TestHeadersOfACallAreItsOwn(t *testing.T) {
	t.Parallel()
	c, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
	for _, opts := range [][]leedo.RequestOption{{leedo.WithHeader("Accept", "x/y"), leedo.WithHeader("X-Mine", "mine")}, nil} {
		if err := support.Reads[0].Call(t.Context(), c, opts...); err != nil {
			t.Fatal(err)
		}
		if err := support.Writes[0].Call(t.Context(), c, opts...); err != nil {
			t.Fatal(err)
		}
	}
	requests := rec.Requests()
	for i, want := range []string{"x/y|mine|", "x/y|mine|application/json", "application/json||", "application/json||application/json"} {
		h := requests[i].Header
		if got := h.Get("Accept") + "|" + h.Get("X-Mine") + "|" + h.Get("Content-Type"); got != want {
			t.Errorf("request %d: %s, want %s", i, got, want)
		}
	}
}

// A redirected request has the headers of the call and a Referer, with
// CheckRedirect and without. What CheckRedirect changes stays changed.
func TestARedirectKeepsTheHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		client http.Client
		opts   []leedo.RequestOption
		want   string
	}{
		{"plain", http.Client{}, nil, "mine|application/json|https://api.leedo.app/v1/leads/id-1"},
		{"own Referer", http.Client{}, []leedo.RequestOption{leedo.WithHeader("Referer", "https://me.example/")}, "mine|application/json|https://me.example/"},
		{"CheckRedirect", http.Client{CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if via[0].Header.Get("X-Mine") != "mine" || via[0].URL.Path != "/v1/leads/id-1" {
				t.Errorf("shown %v, %v", via[0].URL, via[0].Header)
			}
			req.Header.Del("Accept")
			req.Header.Set("X-Mine", "changed")
			return nil
		}}, nil, "changed||https://api.leedo.app/v1/leads/id-1"},
	}
	for _, test := range tests {
		handler := &support.Recorder{}
		answers := handler.Handler([]http.HandlerFunc{support.Respond(302, "", "Location", "moved"), support.Respond(200, support.LeadJSON)})
		test.client.Transport = support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			req.Body = http.NoBody
			return support.ResponseTo(req, answers.ServeHTTP), nil
		})
		c := support.NewClient(t, leedo.WithHTTPClient(&test.client))
		err := support.Reads[0].Call(t.Context(), c, append(test.opts, leedo.WithHeader("X-Mine", "mine"))...)
		requests := handler.Requests()
		if err != nil || len(requests) != 2 || requests[1].Path != "/v1/leads/moved" {
			t.Fatalf("%s: %v, %v", test.name, err, requests)
		}
		h := requests[1].Header
		if got := h.Get("X-Mine") + "|" + h.Get("Accept") + "|" + h.Get("Referer"); got != test.want || h.Get("Authorization") != "Bearer "+support.Token {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// A transport that looks at the context of an attempt late does not see that of
// the next attempt.
func TestAnAttemptThatIsOverStaysOver(t *testing.T) {
	t.Parallel()
	var contexts []context.Context
	handler := (&support.Recorder{}).Handler([]http.HandlerFunc{support.Respond(503, ""), support.Respond(302, "", "Location", "moved"), support.Respond(200, support.LeadJSON)})
	c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		for i, ctx := range contexts {
			if ctx.Err() == nil || ctx.Value(support.ContextKey{}) != "value" {
				t.Errorf("attempt %d during attempt %d: %v, %v", i+1, len(contexts)+1, ctx.Err(), ctx.Value(support.ContextKey{}))
			}
		}
		if len(contexts) > 0 && req.Context().Err() != nil {
			t.Errorf("attempt %d begins with %v", len(contexts)+1, req.Context().Err())
		}
		contexts = append(contexts, req.Context())
		req.Body = http.NoBody
		return support.ResponseTo(req, handler.ServeHTTP), nil
	})}))
	if err := support.Reads[0].Call(context.WithValue(t.Context(), support.ContextKey{}, "value"), c); err != nil || len(contexts) != 3 {
		t.Errorf("%v after %d attempts", err, len(contexts))
	}
}

// Requests and URLs that a CheckRedirect function or a cookie jar keeps do not
// change later.
func TestWhatACheckRedirectOrAJarKeepsStaysAsItWas(t *testing.T) {
	t.Parallel()
	var requests []*http.Request
	var urls []*url.URL
	c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			requests = append(requests, append(via, req)...)
			return nil
		},
		Jar: keepingJar{&urls},
		Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if id, ok := strings.CutPrefix(req.URL.Path, "/v1/leads/id-"); ok {
				return support.ResponseTo(req, support.Respond(302, "", "Location", id, "X-Id", id)), nil
			}
			return support.ResponseTo(req, support.Respond(200, support.LeadJSON)), nil
		}),
	}))
	for i := range 5 {
		if _, err := c.Leads.Get(t.Context(), fmt.Sprint("id-", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		id := strconv.Itoa(i)
		first, second := requests[2*i], requests[2*i+1]
		if first.URL.Path != "/v1/leads/id-"+id || second.URL.Path != "/v1/leads/"+id || second.Response.StatusCode != 302 || second.Response.Header.Get("X-Id") != id {
			t.Errorf("call %d: %v, %v, %v", i, first.URL, second.URL, second.Response)
		}
		if urls[2*i].Path != first.URL.Path || urls[2*i+1].Path != second.URL.Path {
			t.Errorf("call %d: the jar was asked for %v, %v", i, urls[2*i], urls[2*i+1])
		}
	}
}

// keepingJar keeps the URLs that it is asked for.
type keepingJar struct{ urls *[]*url.URL }

func (j keepingJar) SetCookies(*url.URL, []*http.Cookie) {}
func (j keepingJar) Cookies(u *url.URL) []*http.Cookie   { *j.urls = append(*j.urls, u); return nil }
