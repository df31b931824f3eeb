package otel_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

// at is where the attempts of the tests go to, as attributes show it.
const at = " server.address=" + host + " server.port=443"

func TestASpanForEachCallAndAttempt(t *testing.T) {
	server, client, r := instrumented(t)
	lead := server.AddLead(leedo.Lead{Name: "John Doe"})
	ctx, caller := r.tracer.Tracer("test").Start(t.Context(), "caller")

	server.Inject(leedotest.Fault{Status: 503})
	if _, err := client.Leads.Get(ctx, lead.ID); err != nil {
		t.Fatal(err)
	}
	server.Inject(leedotest.Fault{Processed: true, Drop: true})
	if _, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "Ada"}); err == nil {
		t.Fatal("no error")
	}
	if _, err := client.Accounts.Get(ctx, ".."); err == nil { // not sent
		t.Fatal("no error")
	}
	if err := client.Do(ctx, "OPTIONS", "/leads", nil, nil); err == nil { // not sent
		t.Fatal("no error")
	}
	caller.End()
	compare(t, "spans", r.tree(), `internal caller
  internal GET /leads/{id} http.request.method=GET leedo.attempts=2 leedo.priority=interactive
    client GET /leads/{id} error.type=503 http.request.method=GET http.response.status_code=503`+at+` Error
    client GET /leads/{id} http.request.method=GET http.request.resend_count=1 http.response.status_code=200`+at+`
  internal POST /leads error.type=leedo.UnknownOutcomeError http.request.method=POST leedo.attempts=1 leedo.outcome=unknown leedo.priority=interactive Error
    client POST /leads error.type=net.OpError http.request.method=POST`+at+` Error
  internal GET /accounts/{id} error.type=leedo.ErrInvalidArgument http.request.method=GET leedo.attempts=0 leedo.outcome=not done leedo.priority=interactive Error
  internal OPTIONS /leads error.type=leedo.ErrInvalidArgument http.request.method=OPTIONS leedo.attempts=0 leedo.outcome=not done leedo.priority=interactive Error
`)
}

// TestTheServerCanContinueTheTrace checks that each attempt sends its own context.
func TestTheServerCanContinueTheTrace(t *testing.T) {
	server, client, r := instrumented(t)
	server.Inject(leedotest.Fault{Status: 503})
	if _, err := client.Leads.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	sent := server.Requests()
	i := 0
	for _, span := range r.spans.Ended() {
		if span.SpanKind() != trace.SpanKindClient {
			continue
		}
		id := span.SpanContext()
		if want := fmt.Sprintf("00-%s-%s-01", id.TraceID(), id.SpanID()); sent[i].Header.Get("Traceparent") != want {
			t.Errorf("request %d has %q, want %q", i, sent[i].Header.Get("Traceparent"), want)
		}
		i++
	}
	if i != 2 || len(sent) != 2 {
		t.Errorf("%d spans, %d requests", i, len(sent))
	}
}

func TestEachPageIsACall(t *testing.T) {
	for _, n := range []int{0, 3} {
		server, client, r := instrumented(t)
		for i := range 45 {
			server.AddLead(leedo.Lead{Name: fmt.Sprint(i)})
		}
		for _, err := range client.Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 10}, leedo.WithPrefetch(n)) {
			if err != nil {
				t.Fatal(err)
			}
		}
		compare(t, fmt.Sprint(n, " ahead"), r.tree(), strings.Repeat(
			`internal GET /leads http.request.method=GET leedo.attempts=1 leedo.priority=bulk
  client GET /leads http.request.method=GET http.response.status_code=200`+at+"\n", 5))
	}
}

func TestAWaitIsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, r := instrumented(t)
		server.SetRateLimit(1, 10*time.Second)
		for range 2 {
			if _, err := client.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		compare(t, "spans", r.tree(), `internal GET /leads http.request.method=GET leedo.attempts=1 leedo.priority=interactive
  client GET /leads http.request.method=GET http.response.status_code=200`+at+`
internal GET /leads http.request.method=GET leedo.attempts=1 leedo.priority=interactive
  event leedo.wait leedo.wait.duration=11 leedo.wait.reason=quota
  client GET /leads http.request.method=GET http.response.status_code=200`+at+`
`)
	})
}

func TestAWaitBeforeARetryIsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, r := leedotest.NewServer(), newRecorder(t)
		options := append(r.instrument(leedootel.WithHTTPClient(server.HTTPClient())), leedo.WithBackoff(1, 1))
		server.Inject(leedotest.Fault{Status: 503, Header: http.Header{"Retry-After": {"7"}}}, leedotest.Fault{Status: 503})
		if _, err := client(t, server, options...).Leads.List(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		compare(t, "spans", r.tree(), `internal GET /leads http.request.method=GET leedo.attempts=3 leedo.priority=interactive
  event leedo.wait leedo.wait.duration=7 leedo.wait.reason=Retry-After
  event leedo.wait leedo.wait.duration=0 leedo.wait.reason=back-off
  client GET /leads error.type=503 http.request.method=GET http.response.status_code=503`+at+` Error
  client GET /leads error.type=503 http.request.method=GET http.request.resend_count=1 http.response.status_code=503`+at+` Error
  client GET /leads http.request.method=GET http.request.resend_count=2 http.response.status_code=200`+at+`
`)
		compare(t, "waits", r.metrics("leedo.quota.wait"), "leedo.quota.wait leedo.priority=interactive leedo.wait.reason=Retry-After: 1 in 7 s\n")
	})
}

// TestAnAttemptIncludesTheBody checks that a span ends with the body of its response,
// and shows that it was cut.
func TestAnAttemptIncludesTheBody(t *testing.T) {
	server, client, r := instrumented(t)
	server.Inject(leedotest.Fault{Truncate: 5})
	if _, err := client.Leads.List(t.Context(), nil, leedo.WithRetries(0)); err == nil {
		t.Fatal("no error")
	}
	compare(t, "spans", r.tree(), `internal GET /leads error.type=leedo.TransportError http.request.method=GET leedo.attempts=1 leedo.outcome=not done leedo.priority=interactive Error
  client GET /leads error.type=io.ErrUnexpectedEOF http.request.method=GET http.response.status_code=200`+at+` Error
`)
}

// panics is a body that panics.
type panics struct{}

func (panics) Read([]byte) (int, error) { panic("SECRET") }
func (panics) Close() error             { return nil }

// TestAPanicEndsTheSpans checks that a panic counts as a failure, and that its text is
// not recorded.
func TestAPanicEndsTheSpans(t *testing.T) {
	for where, test := range map[string]struct {
		transport roundTripper
		attempt   string
	}{
		"transport": {func(*http.Request) (*http.Response, error) { panic("SECRET") }, "error.type=_OTHER http.request.method=POST" + at + " Error"},
		"body": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: panics{}, ContentLength: -1}, nil
		}, "error.type=_OTHER http.request.method=POST http.response.status_code=200" + at + " Error"},
		"hook": {func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 204}, nil },
			"http.request.method=POST http.response.status_code=204" + at},
	} {
		r := newRecorder(t)
		hook := leedo.WithHooks(leedo.Hooks{Attempt: func(context.Context, leedo.AttemptInfo) { panic("SECRET") }})
		options := append(r.instrument(leedootel.WithHTTPClient(&http.Client{Transport: test.transport})), hook)
		c := client(t, leedotest.NewServer(), options...)
		func() {
			defer func() {
				if recover() != "SECRET" {
					t.Error("no panic, or another")
				}
			}()
			c.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "Ada"})
		}()
		compare(t, where, r.tree(), `internal POST /leads error.type=_OTHER http.request.method=POST leedo.attempts=1 leedo.outcome=unknown leedo.priority=interactive Error
  client POST /leads `+test.attempt+"\n")
		compare(t, where, r.metrics("leedo.outcomes"), "leedo.outcomes.unknown: 1\n")
		if got := r.metrics("http"); !strings.HasSuffix(got, ": 1 in 0 s\n") {
			t.Errorf("%s: not one attempt: %s", where, got)
		}
	}
}

// TestATransportThatRepeatsItsResponse checks that a response that a transport returns
// again is not changed, and counts each time.
func TestATransportThatRepeatsItsResponse(t *testing.T) {
	response, r := &http.Response{StatusCode: 204}, newRecorder(t)
	transport := roundTripper(func(*http.Request) (*http.Response, error) { return response, nil })
	c := client(t, leedotest.NewServer(), r.instrument(leedootel.WithHTTPClient(&http.Client{Transport: transport}))...)
	for range 3 {
		if err := c.Do(t.Context(), "POST", "/leads", nil, nil); err != nil {
			t.Error(err)
		}
	}
	compare(t, "attempts", r.metrics("http"), "http.client.request.duration http.request.method=POST http.response.status_code=204"+at+": 3 in 0 s\n")
	if response.Body != nil {
		t.Error("the response was changed")
	}
}

// TestARepeatedCallIsAnotherCall checks the numbers of attempts of an interceptor that
// repeats calls.
func TestARepeatedCallIsAnotherCall(t *testing.T) {
	server, r := leedotest.NewServer(), newRecorder(t)
	twice := func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
		next(ctx)
		return next(ctx)
	}
	options := append([]leedo.Option{leedo.WithInterceptor(twice)}, r.instrument(leedootel.WithHTTPClient(server.HTTPClient()))...)
	if _, err := client(t, server, options...).Leads.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	compare(t, "spans", r.tree(), `internal GET /leads http.request.method=GET leedo.attempts=1 leedo.priority=interactive
  client GET /leads http.request.method=GET http.response.status_code=200`+at+`
internal GET /leads http.request.method=GET leedo.attempts=1 leedo.priority=interactive
  client GET /leads http.request.method=GET http.response.status_code=200`+at+`
`)
	compare(t, "retries", r.metrics("leedo.retries"), "leedo.retries: 0\n")
}

// TestWhereAttemptsGo checks server.address and server.port, with responses that have no
// body.
func TestWhereAttemptsGo(t *testing.T) {
	for base, want := range map[string]string{
		"https://crm.example.com/v1":      "crm.example.com 443",
		"http://crm.example.com/v1":       "crm.example.com 80",
		"http://127.0.0.1:8080/v1":        "127.0.0.1 8080",
		"https://[2001:db8::1]:8443/v1":   "2001:db8::1 8443",
		"https://CRM.example.com:9443/v1": "CRM.example.com 9443",
	} {
		r := newRecorder(t)
		transport := roundTripper(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 204}, nil })
		options := r.instrument(leedootel.WithHTTPClient(&http.Client{Transport: transport}))
		c := client(t, leedotest.NewServer(), append(options, leedo.WithInsecureHTTP(), leedo.WithBaseURL(base))...)
		if err := c.Do(t.Context(), "POST", "/leads", nil, nil); err != nil {
			t.Error(err)
		}
		attempt := r.spans.Ended()[0].Attributes()
		set := attribute.NewSet(attempt...)
		address, _ := set.Value("server.address")
		port, _ := set.Value("server.port")
		if got := fmt.Sprint(address.AsString(), " ", port.AsInt64()); got != want {
			t.Errorf("%s: %s, want %s", base, got, want)
		}
	}
}
