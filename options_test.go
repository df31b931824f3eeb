package leedo_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// refusedArgument checks that a call, or a constructor, returned an error before
// anything was sent.
func refusedArgument(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, leedo.ErrInvalidArgument) {
		t.Errorf("%v, want ErrInvalidArgument", err)
		return
	}
	text := err.Error()
	if !strings.HasPrefix(text, "leedo: ") || strings.Count(text, "invalid argument: ") != 1 || strings.ContainsAny(text, "\r\n\x00") {
		t.Errorf("text %q", text)
	}
	if is[*leedo.UnknownOutcomeError](err) || is[*leedo.TransportError](err) || is[*leedo.APIError](err) {
		t.Errorf("%v says that something was sent", err)
	}
}

func TestConstructorRefusesBadOptions(t *testing.T) {
	t.Parallel()
	source := func(context.Context) (string, error) { return testToken, nil }
	for name, opt := range map[string]leedo.Option{
		"no HTTP client":               leedo.WithHTTPClient(nil),
		"a negative Timeout":           leedo.WithHTTPClient(&http.Client{Timeout: -1}),
		"no token source":              leedo.WithTokenSource(nil),
		"a source beside the token":    leedo.WithTokenSource(source),
		"no user agent":                leedo.WithUserAgent(""),
		"a blank user agent":           leedo.WithUserAgent(" "),
		"a user agent in Latin-1":      leedo.WithUserAgent("caf\xe9/1.0"),
		"a user agent in two lines":    leedo.WithUserAgent("a\r\nX-Evil: b"),
		"no limiter":                   leedo.WithRateLimiter(nil),
		"a limiter of nobody's making": leedo.WithRateLimiter(&leedo.RateLimiter{}),
		"negative back-off":            leedo.WithBackoff(-1, time.Second),
		"back-off from more to less":   leedo.WithBackoff(2, 1),
		"all negative back-off":        leedo.WithBackoff(-2, -1),
		"no response bytes":            leedo.WithMaxResponseBytes(0),
		"negative response bytes":      leedo.WithMaxResponseBytes(-1),
		"unbounded response bytes":     leedo.WithMaxResponseBytes(math.MaxInt64),
		"negative retries":             leedo.WithRetries(-1),
		"negative attempt timeout":     leedo.WithAttemptTimeout(-1),
		"negative wait":                leedo.WithMaxWait(-1),
		"a base URL that is none":      leedo.WithBaseURL("://"),
		"an empty base URL":            leedo.WithBaseURL(""),
	} {
		client, err := leedo.NewClient(testToken, leedo.WithRetries(1), opt, leedo.WithRetries(1))
		if client != nil {
			t.Errorf("%s: a client beside the error", name)
		}
		refusedArgument(t, err)
	}
}

// The largest value that the documentation allows is accepted, the next is not.
func TestTheLargestValues(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]error{1: nil, 1 << 40: nil, 1<<40 + 1: leedo.ErrInvalidArgument} {
		if _, err := leedo.NewClient(testToken, leedo.WithMaxResponseBytes(n)); !errors.Is(err, want) {
			t.Errorf("WithMaxResponseBytes(%d): %v", n, err)
		}
	}
	for least, want := range map[time.Duration]error{time.Second: nil, time.Second + 1: leedo.ErrInvalidArgument} {
		if _, err := leedo.NewClient(testToken, leedo.WithBackoff(least, time.Second)); !errors.Is(err, want) {
			t.Errorf("WithBackoff(%v, 1s): %v", least, err)
		}
	}
}

// Options for which zero has a meaning accept it.
func TestZeroIsMeant(t *testing.T) {
	t.Parallel()
	client, err := leedo.NewClient(testToken, nil,
		leedo.WithRetries(0), leedo.WithAttemptTimeout(0), leedo.WithMaxWait(0), leedo.WithBackoff(0, 0), leedo.WithLogger(nil), leedo.WithHooks(leedo.Hooks{}),
		leedo.WithHTTPClient(leedotest.NewServer(leedotest.WithToken(testToken)).HTTPClient()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Leads.List(t.Context(), nil, nil, leedo.WithRetries(0), leedo.WithAttemptTimeout(0), leedo.WithMaxWait(0), nil); err != nil {
		t.Error(err)
	}
}

// kinds of calls, to which an option may mean nothing.
var callKinds = map[string]func(context.Context, *leedo.Client, ...leedo.RequestOption) error{
	"Get": func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return second(c.Accounts.Get(ctx, "x", opts...))
	},
	"List": func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return second(c.Contacts.List(ctx, nil, opts...))
	},
	"Create": create,
	"Update": func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return second(c.Leads.Update(ctx, "x", &leedo.LeadUpdateParams{Name: new("n")}, opts...))
	},
	"DELETE": func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "DELETE", "/leads/x", nil, nil, opts...)
	},
	"HEAD": func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "HEAD", "/leads", nil, nil, opts...)
	},
	"PUT": func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "PUT", "/leads/x", []string{"a", "list"}, nil, opts...)
	},
	"All": func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		for _, err := range c.Campaigns.All(ctx, nil, opts...) {
			return err
		}
		return nil
	},
	"Pages": func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		for _, err := range c.Leads.Pages(ctx, nil, opts...) {
			return err
		}
		return nil
	},
}

func TestCallsRefuseBadOptions(t *testing.T) {
	t.Parallel()
	const everywhere = "Get List Create Update DELETE HEAD PUT All Pages"
	tests := []struct {
		name string
		opt  leedo.RequestOption
		on   string
	}{
		{"negative retries", leedo.WithRetries(-1), everywhere},
		{"negative attempt timeout", leedo.WithAttemptTimeout(-1), everywhere},
		{"negative wait", leedo.WithMaxWait(-1), everywhere},
		{"no response", leedo.WithResponse(nil), everywhere},
		{"a query without key", leedo.WithQuery("", "v"), everywhere},
		{"no idempotency key", leedo.WithHeader("Idempotency-Key", ""), everywhere},
		{"an idempotency key in two lines", leedo.WithHeader("Idempotency-Key", "a\nb"), everywhere},
		{"Authorization", leedo.WithHeader("Authorization", "Bearer x"), everywhere},
		{"authorization", leedo.WithHeader("authorization", "Bearer x"), everywhere},
		{"Host", leedo.WithHeader("Host", "evil.example"), everywhere},
		{"host", leedo.WithHeader("host", "evil.example"), everywhere},
		{"Content-Length", leedo.WithHeader("Content-Length", "0"), everywhere},
		{"Transfer-Encoding", leedo.WithHeader("transfer-encoding", "chunked"), everywhere},
		{"Connection", leedo.WithHeader("Connection", "close"), everywhere},
		{"Trailer", leedo.WithHeader("Trailer", "X"), everywhere},
		{"a header without name", leedo.WithHeader("", "v"), everywhere},
		{"a name with a space", leedo.WithHeader("X Y", "v"), everywhere},
		{"a name with a colon", leedo.WithHeader("X:", "v"), everywhere},
		{"a name in two lines", leedo.WithHeader("X\r\nEvil", "v"), everywhere},
		{"a name that is not ASCII", leedo.WithHeader("Ä", "v"), everywhere},
		{"a value in two lines", leedo.WithHeader("X", "v\r\nEvil: x"), everywhere},
		{"a value with a line feed", leedo.WithHeader("X", "v\n"), everywhere},
		{"a value with NUL", leedo.WithHeader("X", "\x00"), everywhere},
		{"negative items", leedo.WithMaxItems(-1), everywhere},
		{"items", leedo.WithMaxItems(1), "Get List Create Update DELETE HEAD PUT"},
		{"no items", leedo.WithMaxItems(0), "Get List Create Update DELETE HEAD PUT"},
		{"negative pages ahead", leedo.WithPrefetch(-1), everywhere},
		{"pages ahead", leedo.WithPrefetch(1), "Get List Create Update DELETE HEAD PUT"},
		{"no pages ahead", leedo.WithPrefetch(0), "Get List Create Update DELETE HEAD PUT"},
		{"a field of the body", leedo.WithBodyField("k", "v"), "Get List HEAD All Pages"},
		{"a field of a list", leedo.WithBodyField("k", "v"), "PUT"},
		{"a field without name", leedo.WithBodyField("", "v"), everywhere},
		{"a field that is not JSON", leedo.WithBodyField("k", func() {}), everywhere},
		{"a field that is no number", leedo.WithBodyField("k", math.NaN()), everywhere},
		{"an idempotent read", leedo.WithIdempotent(), "Get List HEAD All Pages"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, rec := inMemory(t, nil, respond(200, leadJSON))
			for kind := range strings.FieldsSeq(tt.on) {
				refusedArgument(t, callKinds[kind](t.Context(), client, leedo.WithRetries(1), tt.opt, leedo.WithQuery("k", "v")))
			}
			if sent := rec.Requests(); len(sent) != 0 {
				t.Errorf("sent %+v", sent)
			}
		})
	}
}

func TestCallsRefuseBadArguments(t *testing.T) {
	t.Parallel()
	client, rec := inMemory(t, nil, respond(200, leadJSON))
	ctx := t.Context()
	var nobody context.Context
	var list *[]int
	for name, err := range map[string]error{
		"no context":             second(client.Leads.Get(nobody, "x")),
		"no lead":                second(client.Leads.Create(ctx, nil)),
		"no account":             second(client.Accounts.Create(ctx, nil)),
		"no contact":             second(client.Contacts.Create(ctx, nil)),
		"no update":              second(client.Leads.Update(ctx, "x", nil)),
		"an update of nothing":   second(client.Leads.Update(ctx, "x", &leedo.LeadUpdateParams{})),
		"no id":                  second(client.Leads.Get(ctx, "")),
		"a negative page":        second(client.Leads.List(ctx, &leedo.LeadListParams{Page: -1})),
		"a negative page size":   second(client.Accounts.List(ctx, &leedo.AccountListParams{PerPage: -1})),
		"a lower-case method":    client.Do(ctx, "get", "/leads", nil, nil),
		"no method":              client.Do(ctx, "", "/leads", nil, nil),
		"a method in two lines":  client.Do(ctx, "GET\r\nX", "/leads", nil, nil),
		"no path":                client.Do(ctx, "GET", "", nil, nil),
		"a relative path":        client.Do(ctx, "GET", "leads", nil, nil),
		"a query in the path":    client.Do(ctx, "GET", "/leads?secret=1", nil, nil),
		"a fragment":             client.Do(ctx, "GET", "/leads#x", nil, nil),
		"an origin":              client.Do(ctx, "GET", "https://evil.example/leads", nil, nil),
		"an origin of a path":    client.Do(ctx, "GET", "//evil.example/leads", nil, nil),
		"a dot segment":          client.Do(ctx, "GET", "/leads/../accounts", nil, nil),
		"a dot":                  client.Do(ctx, "GET", "/./leads", nil, nil),
		"an escaped dot":         client.Do(ctx, "GET", "/leads/%2e%2e/accounts", nil, nil),
		"an escaped slash":       client.Do(ctx, "GET", "/leads%2f..%2faccounts", nil, nil),
		"a backslash":            client.Do(ctx, "GET", `/leads/..\accounts`, nil, nil),
		"an unescaped space":     client.Do(ctx, "GET", "/leads/a b", nil, nil),
		"half an escape":         client.Do(ctx, "GET", "/leads/%2", nil, nil),
		"a path in two lines":    client.Do(ctx, "GET", "/leads\r\nHost: evil.example", nil, nil),
		"escaped lines":          client.Do(ctx, "GET", "/leads/%0d%0a", nil, nil),
		"a body on GET":          client.Do(ctx, "GET", "/leads", map[string]string{}, nil),
		"a body on HEAD":         client.Do(ctx, "HEAD", "/leads", map[string]string{}, nil),
		"a reader":               client.Do(ctx, "POST", "/leads", strings.NewReader("{}"), nil),
		"bytes":                  client.Do(ctx, "POST", "/leads", []byte("{}"), nil),
		"no JSON":                client.Do(ctx, "POST", "/leads", func() {}, nil),
		"a nil pointer":          client.Do(ctx, "POST", "/leads", (*leedo.LeadCreateParams)(nil), nil),
		"out by value":           client.Do(ctx, "GET", "/leads", nil, leedo.Lead{}),
		"out of nothing":         client.Do(ctx, "GET", "/leads", nil, list),
		"Do of no making":        (&leedo.Client{}).Do(ctx, "GET", "/leads", nil, nil),
		"a service of no making": second((&leedo.LeadsService{}).Get(ctx, "x")),
	} {
		t.Run(name, func(t *testing.T) {
			refusedArgument(t, err)
			if err != nil && strings.Contains(err.Error(), "secret=1") {
				t.Errorf("the query is quoted: %v", err)
			}
		})
	}
	for lead, err := range client.Leads.All(ctx, &leedo.LeadListParams{Page: -1}) {
		refusedArgument(t, err)
		if lead != nil {
			t.Error("a lead beside the error")
		}
	}
	if sent := rec.Requests(); len(sent) != 0 {
		t.Errorf("sent %+v", sent)
	}
}

// Nil options are ignored, for a client and for a call.
func TestNilOptionsAreIgnored(t *testing.T) {
	t.Parallel()
	client, rec := inMemory(t, []leedo.Option{nil, leedo.WithRetries(0), nil}, respond(200, leadJSON))
	if err := create(t.Context(), client, nil, leedo.WithQuery("k", "v"), nil); err != nil {
		t.Error(err)
	}
	if err := client.Do(t.Context(), "GET", "/leads", nil, nil, nil, nil); err != nil {
		t.Error(err)
	}
	if sent := rec.Requests(); len(sent) != 2 || sent[0].URL.RawQuery != "k=v" {
		t.Errorf("sent %+v", sent)
	}
}

// WithLogger(nil) turns logging off, as does a client without the option.
func TestWithLoggerNilIsSilence(t *testing.T) {
	var log strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	for _, opts := range [][]leedo.Option{nil, {leedo.WithLogger(nil)}, {leedo.WithLogger(slog.New(slog.NewTextHandler(&log, nil))), leedo.WithLogger(nil)}} {
		opts = append(opts, leedo.WithBackoff(1, 1))
		client, _ := inMemory(t, opts, respond(503, ""), respond(404, ""))
		if _, err := client.Leads.Get(t.Context(), "x"); !is[*leedo.NotFoundError](err) {
			t.Fatal(err)
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
}
