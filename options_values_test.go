package leedo_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
)

// Options of a call override those of the client, and later ones override
// earlier ones.
func TestOptionsOfACallWin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		client []leedo.Option
		call   []leedo.RequestOption
		want   int // requests
	}{
		{nil, nil, 4},
		{[]leedo.Option{leedo.WithRetries(1)}, nil, 2},
		{[]leedo.Option{leedo.WithRetries(1), leedo.WithRetries(2)}, nil, 3},
		{[]leedo.Option{leedo.WithRetries(1)}, []leedo.RequestOption{leedo.WithRetries(5)}, 6},
		{[]leedo.Option{leedo.WithRetries(5)}, []leedo.RequestOption{leedo.WithRetries(0)}, 1},
		{nil, []leedo.RequestOption{leedo.WithRetries(0), leedo.WithRetries(1)}, 2},
	}
	for _, tt := range tests {
		client, rec := inMemory(t, append([]leedo.Option{leedo.WithBackoff(1, 1)}, tt.client...), respond(500, ""))
		if _, err := client.Leads.Get(t.Context(), "x", tt.call...); !is[*leedo.ServerError](err) {
			t.Error(err)
		}
		if n := len(rec.Requests()); n != tt.want {
			t.Errorf("%d and %d options: %d requests, want %d", len(tt.client), len(tt.call), n, tt.want)
		}
		// The options of a call end with it.
		before := len(rec.Requests())
		client.Leads.Get(t.Context(), "x")
		if again := len(rec.Requests()) - before; len(tt.client) == 0 && again != 4 {
			t.Errorf("%d requests of the next call", again)
		}
	}
}

func TestQueriesAreSet(t *testing.T) {
	t.Parallel()
	q := leedo.WithQuery
	tests := []struct {
		params *leedo.LeadListParams
		opts   []leedo.RequestOption
		want   string
	}{
		{nil, nil, ""},
		{&leedo.LeadListParams{}, nil, ""},
		{&leedo.LeadListParams{Page: 2}, nil, "page=2"},
		{&leedo.LeadListParams{PerPage: 50}, nil, "per_page=50"},
		{&leedo.LeadListParams{Page: 2, PerPage: 1000}, nil, "page=2&per_page=1000"},
		{nil, []leedo.RequestOption{q("status", "new")}, "status=new"},
		{nil, []leedo.RequestOption{q("status", "new"), q("status", "old")}, "status=old"},
		{&leedo.LeadListParams{Page: 2, PerPage: 5}, []leedo.RequestOption{q("page", "3")}, "page=3&per_page=5"},
		{nil, []leedo.RequestOption{q("q", "a&b=c +%/?#ä"), q("empty", "")}, "empty=&q=a%26b%3Dc+%2B%25%2F%3F%23%C3%A4"},
		{nil, []leedo.RequestOption{q("a[]&", "x")}, "a%5B%5D%26=x"},
	}
	for _, tt := range tests {
		client, rec := inMemory(t, nil, respond(200, `{"data":[],"meta":{"total":0,"page":1,"per_page":20}}`))
		if _, err := client.Leads.List(t.Context(), tt.params, tt.opts...); err != nil {
			t.Error(err)
		}
		if got := rec.Requests()[0].URL.RawQuery; got != tt.want {
			t.Errorf("sent %q, want %q", got, tt.want)
		}
	}
	client, rec := inMemory(t, nil, respond(201, leadJSON))
	if err := create(t.Context(), client, q("dry_run", "1")); err != nil || rec.Requests()[0].URL.RawQuery != "dry_run=1" {
		t.Errorf("%v, sent %+v", err, rec.Requests())
	}
}

func TestHeadersAreSet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		client []leedo.Option
		call   []leedo.RequestOption
		want   http.Header // of what is not always so
	}{
		{"none", nil, nil, http.Header{}},
		{"user agent", []leedo.Option{leedo.WithUserAgent("myapp/1.2")}, nil, http.Header{"User-Agent": {"myapp/1.2 leedo-go/0.1.0"}}},
		{"the last user agent", []leedo.Option{leedo.WithUserAgent("a"), leedo.WithUserAgent("b (c; d)")}, nil, http.Header{"User-Agent": {"b (c; d) leedo-go/0.1.0"}}},
		{"user agent of a call", nil, []leedo.RequestOption{leedo.WithHeader("user-agent", "mine")}, http.Header{"User-Agent": {"mine"}}},
		{"one of the caller's", nil, []leedo.RequestOption{leedo.WithHeader("x-trace", "a\tb ä")}, http.Header{"X-Trace": {"a\tb ä"}}},
		{"the last of one name", nil, []leedo.RequestOption{leedo.WithHeader("X-Trace", "a"), leedo.WithHeader("x-trace", "b")}, http.Header{"X-Trace": {"b"}}},
		{"an empty value", nil, []leedo.RequestOption{leedo.WithHeader("X-Trace", "")}, http.Header{"X-Trace": {""}}},
		{"content type", nil, []leedo.RequestOption{leedo.WithHeader("Content-Type", "application/vnd.leedo+json")}, http.Header{"Content-Type": {"application/vnd.leedo+json"}}},
		{"accept", nil, []leedo.RequestOption{leedo.WithHeader("Accept", "*/*")}, http.Header{"Accept": {"*/*"}}},
		{"idempotency key", nil, []leedo.RequestOption{leedo.WithHeader("Idempotency-Key", "key-1")}, http.Header{"idempotency-key": {"key-1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, rec := inMemory(t, tt.client, respond(201, leadJSON))
			if err := create(t.Context(), client, tt.call...); err != nil {
				t.Fatal(err)
			}
			if err := create(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			want := http.Header{
				"Accept": {"application/json"}, "Authorization": {"Bearer " + testToken},
				"Content-Type": {"application/json"}, "User-Agent": {"leedo-go/0.1.0"},
			}
			if len(tt.client) > 0 {
				want["User-Agent"] = tt.want["User-Agent"]
			}
			if diff := cmp.Diff(want, rec.Requests()[1].Header); diff != "" {
				t.Errorf("the next call (-want +sent):\n%s", diff)
			}
			maps.Copy(want, tt.want)
			if diff := cmp.Diff(want, rec.Requests()[0].Header); diff != "" {
				t.Errorf("header (-want +sent):\n%s", diff)
			}
		})
	}
}

func TestBaseURLsAreChecked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		base string
		opts []leedo.Option
		want string // where GET /leads/{id} of "a/b" goes; "": refused
	}{
		{"https://api.leedo.app/v1", nil, "https://api.leedo.app/v1/leads/a%2Fb"},
		{"https://eu.leedo.app", nil, "https://eu.leedo.app/leads/a%2Fb"},
		{"https://eu.leedo.app/", nil, "https://eu.leedo.app/leads/a%2Fb"},
		{"https://eu.leedo.app/v2/", nil, "https://eu.leedo.app/v2/leads/a%2Fb"},
		{"https://eu.leedo.app/v2//", nil, "https://eu.leedo.app/v2/leads/a%2Fb"},
		{"https://proxy.example:8443/to%2Fleedo/v1", nil, "https://proxy.example:8443/to%2Fleedo/v1/leads/a%2Fb"},
		{"HTTPS://API.leedo.app/v1", nil, "https://API.leedo.app/v1/leads/a%2Fb"},
		{"http://127.0.0.1:8080/v1", nil, "http://127.0.0.1:8080/v1/leads/a%2Fb"},
		{"http://127.1.2.3/v1", nil, "http://127.1.2.3/v1/leads/a%2Fb"},
		{"http://[::1]:8080/v1", nil, "http://[::1]:8080/v1/leads/a%2Fb"},
		{"http://localhost:8080", nil, "http://localhost:8080/leads/a%2Fb"},
		{"http://LOCALHOST", nil, "http://LOCALHOST/leads/a%2Fb"},
		{"http://intranet.example/v1", []leedo.Option{leedo.WithInsecureHTTP()}, "http://intranet.example/v1/leads/a%2Fb"},

		{"http://api.leedo.app/v1", nil, ""},
		{"http://localhost.evil.com", nil, ""},
		{"http://evil.com.localhost", nil, ""},
		{"http://127.0.0.1.evil.com", nil, ""},
		{"http://0.0.0.0", nil, ""},
		{"http://10.0.0.1", nil, ""},
		{"http://2130706433", nil, ""},
		{"http://0x7f.1", nil, ""},
		{"http://localhost@evil.com", nil, ""},
		{"ftp://api.leedo.app", nil, ""},
		{"file:///etc/passwd", nil, ""},
		{"api.leedo.app/v1", nil, ""},
		{"//api.leedo.app/v1", nil, ""},
		{"https:///v1", nil, ""},
		{"https:api.leedo.app", nil, ""},
		{"https://:443/v1", nil, ""},
		{"https://api.leedo.app/v1?key=hunter2", nil, ""},
		{"https://api.leedo.app/v1?", nil, ""},
		{"https://api.leedo.app/v1#hunter2", nil, ""},
		{"https://api.leedo.app/v1#", nil, ""},
		{"https://hunter2@api.leedo.app/v1", nil, ""},
		{"https://user:hunter2@api.leedo.app/v1", nil, ""},
		{"https://user:hunter2%zz@api.leedo.app/v1", nil, ""},
		{"https://api.leedo.app/v1/../v2", nil, ""},
		{"https://api.leedo.app/%2e%2e", nil, ""},
		{"https://api.leedo.app/hunter2\n", nil, ""},
		{"http://user:hunter2@intranet.example", []leedo.Option{leedo.WithInsecureHTTP()}, ""},
		{"", nil, ""},
	}
	for _, tt := range tests {
		var went string
		transport := roundTripper(func(req *http.Request) (*http.Response, error) {
			went = req.URL.String()
			return canned(req, respond(200, leadJSON)), nil
		})
		opts := append(tt.opts, leedo.WithBaseURL(tt.base), leedo.WithHTTPClient(&http.Client{Transport: transport}))
		client, err := leedo.NewClient(testToken, opts...)
		if tt.want == "" {
			refusedArgument(t, err)
			if client != nil {
				t.Errorf("%s: a client beside the error", tt.base)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", tt.base, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.base, err)
			continue
		}
		if _, err := client.Leads.Get(t.Context(), "a/b"); err != nil || went != tt.want {
			t.Errorf("%s: went to %s, want %s (%v)", tt.base, went, tt.want, err)
		}
	}
}

func TestTokensAreChecked(t *testing.T) {
	t.Parallel()
	good := []string{"x", "a.b-c_d~e+f/g==", "!#$%&'()*,:;<=>?@[\\]^`{\"|}", strings.Repeat("x", 4096)}
	bad := []string{"", " ", "a b", " a", "a ", "a\n", "\ta", "a\r\nX-Evil: b", "a\x00", "a\x7f", "tökén", "a\u00a0b", "\xff"}
	for _, token := range good {
		var sent string
		transport := roundTripper(func(req *http.Request) (*http.Response, error) {
			sent = req.Header.Get("Authorization")
			return canned(req, respond(200, leadJSON)), nil
		})
		client, err := leedo.NewClient(token, leedo.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Errorf("%q: %v", token, err)
			continue
		}
		if _, err := client.Leads.Get(t.Context(), "x"); err != nil || sent != "Bearer "+token {
			t.Errorf("%q: sent %q, %v", token, sent, err)
		}
	}
	for _, token := range bad {
		client, err := leedo.NewClient(token)
		refusedArgument(t, err)
		if client != nil || len(strings.TrimSpace(token)) > 2 && strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v, %v", token, client, err)
		}
		// A source may not give such a token either.
		source := leedo.WithTokenSource(func(context.Context) (string, error) { return token, nil })
		transport := roundTripper(func(*http.Request) (*http.Response, error) {
			t.Errorf("sent with the token %q", token)
			return nil, errors.New("no")
		})
		client, err = leedo.NewClient("", source, leedo.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Leads.Get(t.Context(), "x"); err == nil || len(strings.TrimSpace(token)) > 2 && strings.Contains(err.Error(), token) {
			t.Errorf("%q from a source: %v", token, err)
		}
	}
}

// NewClientFromEnv reads LEEDO_API_TOKEN and LEEDO_BASE_URL.
func TestNewClientFromEnv(t *testing.T) {
	source := leedo.WithTokenSource(func(context.Context) (string, error) { return "from-source", nil })
	tests := []struct {
		name        string
		token, base string
		opts        []leedo.Option
		url, bearer string // "": refused
	}{
		{"both", "from-env", "https://eu.leedo.app/v1", nil, "https://eu.leedo.app/v1/leads/x", "from-env"},
		{"the token alone", "from-env", "", nil, "https://api.leedo.app/v1/leads/x", "from-env"},
		{"an option over the base URL", "from-env", "https://eu.leedo.app/v1", []leedo.Option{leedo.WithBaseURL("https://us.leedo.app")}, "https://us.leedo.app/leads/x", "from-env"},
		{"a source without a token", "", "", []leedo.Option{source}, "https://api.leedo.app/v1/leads/x", "from-source"},
		{"a source over the token", "from-env", "", []leedo.Option{source}, "https://api.leedo.app/v1/leads/x", "from-source"},
		{"an option over a bad base URL", "from-env", "http://evil.example", []leedo.Option{leedo.WithBaseURL("https://us.leedo.app")}, "https://us.leedo.app/leads/x", "from-env"},
		{"a fake on a port", "from-env", "http://127.0.0.1:8080/v1", nil, "http://127.0.0.1:8080/v1/leads/x", "from-env"},
		{"no token", "", "", nil, "", ""},
		{"a token with a line feed", "from-env\n", "", nil, "https://api.leedo.app/v1/leads/x", "from-env"},
		{"a token in two lines", "from-env\nfrom-env", "", nil, "", ""},
		{"a base URL in the clear", "from-env", "http://eu.leedo.app", nil, "", ""},
		{"a bad option", "from-env", "", []leedo.Option{leedo.WithRetries(-1)}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("LEEDO_API_TOKEN", tt.token)
			t.Setenv("LEEDO_BASE_URL", tt.base)
			var url, bearer string
			transport := roundTripper(func(req *http.Request) (*http.Response, error) {
				url, bearer = req.URL.String(), req.Header.Get("Authorization")
				return canned(req, respond(200, leadJSON)), nil
			})
			client, err := leedo.NewClientFromEnv(append(tt.opts, leedo.WithHTTPClient(&http.Client{Transport: transport}))...)
			if tt.url == "" {
				refusedArgument(t, err)
				if client != nil || strings.Contains(err.Error(), "from-env") {
					t.Errorf("%v, %v", client, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Leads.Get(t.Context(), "x"); err != nil || url != tt.url || bearer != "Bearer "+tt.bearer {
				t.Errorf("asked %s as %q, %v", url, bearer, err)
			}
		})
	}
}

type contextKey struct{}

// A token source is called before each attempt, with the context of the call.
// Its error ends the call.
func TestATokenSourceIsAskedBeforeEachAttempt(t *testing.T) {
	t.Parallel()
	var tokens []string
	asked := 0
	gone := errors.New("vault sealed: hunter2")
	source := func(ctx context.Context) (string, error) {
		if ctx.Value(contextKey{}) != "mine" {
			t.Error("asked without the context of the call")
		}
		if asked++; asked > 2 {
			return "", gone
		}
		return "token" + string(rune('0'+asked)), nil
	}
	transport := roundTripper(func(req *http.Request) (*http.Response, error) {
		tokens = append(tokens, req.Header.Get("Authorization"))
		return canned(req, respond(500, "")), nil
	})
	client, err := leedo.NewClient("", leedo.WithTokenSource(source), leedo.WithBackoff(1, 1), leedo.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithValue(t.Context(), contextKey{}, "mine")
	_, err = client.Leads.Get(ctx, "x")
	if !errors.Is(err, gone) || !cmp.Equal(tokens, []string{"Bearer token1", "Bearer token2"}) || asked != 3 {
		t.Errorf("%v, asked %d times, sent %q", err, asked, tokens)
	}
	if !is[*leedo.ServerError](err) {
		t.Errorf("%v does not hold what came before", err)
	}
}

// The Timeout of the user's http.Client bounds an attempt, unless
// WithAttemptTimeout is given. The http.Client is not changed.
func TestTheTimeoutOfTheHTTPClientBoundsAnAttempt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		timeout time.Duration
		client  []leedo.Option
		call    []leedo.RequestOption
		want    time.Duration // 0: no deadline
	}{
		{0, nil, nil, 30 * time.Second},
		{7 * time.Second, nil, nil, 7 * time.Second},
		{7 * time.Second, []leedo.Option{leedo.WithAttemptTimeout(9 * time.Second)}, nil, 9 * time.Second},
		{7 * time.Second, []leedo.Option{leedo.WithAttemptTimeout(0)}, nil, 0},
		{0, []leedo.Option{leedo.WithAttemptTimeout(9 * time.Second)}, []leedo.RequestOption{leedo.WithAttemptTimeout(time.Second)}, time.Second},
		{0, nil, []leedo.RequestOption{leedo.WithAttemptTimeout(0)}, 0},
	} {
		var left time.Duration
		bounded := false
		mine := &http.Client{Timeout: tt.timeout, Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			var deadline time.Time
			deadline, bounded = req.Context().Deadline()
			left = time.Until(deadline)
			return canned(req, respond(200, leadJSON)), nil
		})}
		client, err := leedo.NewClient(testToken, append(tt.client, leedo.WithHTTPClient(mine))...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Leads.Get(t.Context(), "x", tt.call...); err != nil {
			t.Fatal(err)
		}
		if bounded != (tt.want > 0) || bounded && (left > tt.want || left < tt.want/2) || mine.Timeout != tt.timeout {
			t.Errorf("%+v: bounded %v, %v left, Timeout %v", tt, bounded, left, mine.Timeout)
		}
	}
}
