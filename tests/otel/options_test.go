package otel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

const tenantKey = attribute.Key("tenant")

// TestTheHTTPClientGivenAgain checks what is documented of leedo.WithHTTPClient before
// and after the options of Instrument.
func TestTheHTTPClientGivenAgain(t *testing.T) {
	server, r := leedotest.NewServer(), newRecorder(t)
	options := r.instrument(leedootel.WithHTTPClient(server.HTTPClient()))
	again := leedo.WithHTTPClient(server.HTTPClient())

	before := client(t, server, append([]leedo.Option{again}, options...)...)
	if _, err := before.Leads.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	const both = `internal GET /leads http.request.method=GET leedo.attempts=1 leedo.priority=interactive
  client GET /leads http.request.method=GET http.response.status_code=200` + at + "\n"
	compare(t, "before", r.tree(), both)

	after := client(t, server, append(options, again)...)
	if _, err := after.Leads.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	const call = "internal GET /leads http.request.method=GET leedo.attempts=1 leedo.priority=interactive\n"
	compare(t, "after", r.tree(), both+call)
	compare(t, "durations", r.metrics("http"), "http.client.request.duration http.request.method=GET http.response.status_code=200"+at+": 1 in 0 s\n")
	sent := server.Requests()
	if len(sent) != 2 || sent[0].Header.Get("Traceparent") == "" || sent[1].Header.Get("Traceparent") != "" {
		t.Errorf("the trace context is not sent as documented: %v", sent)
	}
}

// TestInstrumentedTwice checks that nothing is counted twice, whether the options are
// given twice or come from two Instruments.
func TestInstrumentedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		first, last := newRecorder(t), newRecorder(t)
		options := first.instrument(leedootel.WithHTTPClient(server.HTTPClient()))
		other := last.instrument(leedootel.WithHTTPClient(server.HTTPClient()))
		for _, given := range [][]leedo.Option{append(options, options...), append(options, other...)} {
			server.Inject(leedotest.Fault{Status: 503, Header: http.Header{"Retry-After": {"1"}}})
			if _, err := client(t, server, given...).Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		const call = "internal GET /leads http.request.method=GET leedo.attempts=2 leedo.priority=interactive\n" +
			"  event leedo.wait leedo.wait.duration=1 leedo.wait.reason=Retry-After\n"
		failed := "client GET /leads error.type=503 http.request.method=GET http.response.status_code=503" + at + " Error\n"
		succeeded := "client GET /leads http.request.method=GET http.request.resend_count=1 http.response.status_code=200" + at + "\n"
		compare(t, "the first", first.tree(), call+"  "+failed+"  "+succeeded+call)
		compare(t, "the last", last.tree(), failed+succeeded) // children of the first one's span
		compare(t, "the first", first.metrics("leedo.retries"), "leedo.retries: 2\n")
		compare(t, "the last", last.metrics("leedo.retries"), "leedo.retries: 0\n")
		compare(t, "the first", first.metrics("leedo.quota"), "leedo.quota.wait leedo.priority=interactive leedo.wait.reason=Retry-After: 2 in 2 s\n")
		compare(t, "the last", last.metrics("leedo.quota"), "")
	})
}

// TestTheGlobalDefaults checks the providers, the propagator and the transport that are
// used without options.
func TestTheGlobalDefaults(t *testing.T) {
	server, r := leedotest.NewServer(), newRecorder(t)
	tracer, meter, propagator, transport := otel.GetTracerProvider(), otel.GetMeterProvider(), otel.GetTextMapPropagator(), http.DefaultTransport
	defer func() {
		otel.SetTracerProvider(tracer)
		otel.SetMeterProvider(meter)
		otel.SetTextMapPropagator(propagator)
		http.DefaultTransport = transport
	}()
	otel.SetTracerProvider(r.tracer)
	otel.SetMeterProvider(r.meter)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	options, err := leedootel.Instrument(nil)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultTransport = server.HTTPClient().Transport // even if it is set later
	if _, err := client(t, server, options...).Leads.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(r.tree(), "\n"); got != 2 || server.Requests()[0].Header.Get("Traceparent") == "" {
		t.Errorf("%d spans, %v", got, server.Requests()[0].Header)
	}
	if r.metrics("http") == "" {
		t.Error("no metrics")
	}
}

// TestTheHTTPClientIsCopied checks that the fields of the HTTP client are used, and that
// it is not changed.
func TestTheHTTPClientIsCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, r := leedotest.NewServer(), newRecorder(t)
		server.Inject(leedotest.Fault{Header: http.Header{"Set-Cookie": {"session=1"}}}, leedotest.Fault{Latency: time.Hour})
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		httpClient := server.HTTPClient()
		httpClient.Jar, httpClient.Timeout = jar, time.Second
		before := *httpClient
		c := client(t, server, r.instrument(leedootel.WithHTTPClient(httpClient))...)
		start := time.Now()
		for range 2 {
			if _, err := c.Leads.List(t.Context(), nil); err != nil { // the third attempt succeeds
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("an attempt took %v", took)
		}
		if got := server.Requests()[1].Header.Get("Cookie"); got != "session=1" {
			t.Errorf("the cookie is %q", got)
		}
		if !reflect.DeepEqual(*httpClient, before) {
			t.Error("the HTTP client was changed")
		}
		if got := r.tree(); !strings.Contains(got, "error.type=timeout") {
			t.Errorf("no timeout is recorded:\n%s", got)
		}
	})
}

func TestInvalidOptions(t *testing.T) {
	for i, opt := range []leedootel.Option{
		leedootel.WithTracerProvider(nil), leedootel.WithMeterProvider(nil), leedootel.WithPropagator(nil), leedootel.WithHTTPClient(nil),
		leedootel.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)}), leedootel.WithRateLimiter(nil), leedootel.WithURLTemplate("deals"),
	} {
		options, err := leedootel.Instrument(opt)
		if !errors.Is(err, leedo.ErrInvalidArgument) || options != nil {
			t.Errorf("%d: %v, %v", i, options, err)
		}
	}
	if _, err := leedootel.Instrument(leedootel.WithRateLimiter(nil)); err == nil ||
		err.Error() != "leedootel: invalid argument: WithRateLimiter: nil" {
		t.Errorf("the error is %v", err)
	}
}

// TestTheTemplatesOfAllServices checks that the paths of package leedo's services are
// known, by the paths that its hooks get.
func TestTheTemplatesOfAllServices(t *testing.T) {
	server, r := leedotest.NewServer(), newRecorder(t)
	var want strings.Builder
	hooks := leedo.WithHooks(leedo.Hooks{Attempt: func(_ context.Context, a leedo.AttemptInfo) {
		fmt.Fprintln(&want, a.Method, a.Path)
	}})
	c := client(t, server, append(r.instrument(leedootel.WithHTTPClient(server.HTTPClient())), hooks)...)
	ctx := t.Context()
	c.Leads.List(ctx, nil)
	c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "Ada"})
	c.Leads.Get(ctx, "x")
	c.Leads.Update(ctx, "x", &leedo.LeadUpdateParams{Name: new("Ada")})
	c.Accounts.List(ctx, nil)
	c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "ACME"})
	c.Accounts.Get(ctx, "x")
	c.Contacts.List(ctx, nil)
	c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "Ada"})
	c.Campaigns.List(ctx, nil)
	c.Campaigns.Get(ctx, "x")
	var got strings.Builder
	for _, span := range r.spans.Ended() {
		if span.Parent().IsValid() {
			fmt.Fprintln(&got, span.Name())
		}
	}
	compare(t, "names", got.String(), want.String())
	if lines := strings.Count(want.String(), "\n"); lines != 11 {
		t.Errorf("%d operations", lines)
	}
	services := 0
	for _, field := range reflect.VisibleFields(reflect.TypeFor[leedo.Client]()) {
		if field.IsExported() {
			services++
		}
	}
	if services != 4 {
		t.Errorf("Client has %d services: extend this test, and ownTemplates in leedootel", services)
	}
}

func TestURLTemplates(t *testing.T) {
	for _, test := range []struct {
		method, path string
		opts         []leedootel.Option
		want         string // the name, and url.template if there is one
	}{
		{"GET", "/leads", nil, "GET /leads"},
		{"GET", "/leads/8f14e45f", nil, "GET /leads/{id}"},
		{"GET", "/leads/8f14e45f/notes", nil, "GET"},
		{"DELETE", "/deals/8f14e45f", nil, "DELETE"},
		{"GET", "/leads/", nil, "GET"},
		{"PURGE", "/leads", nil, "HTTP /leads"},
		{"GET", "/leads/8f14e45f", []leedootel.Option{leedootel.WithURLTemplate()}, "GET /leads/{id} /leads/{id}"},
		{"GET", "/deals/8f14e45f", []leedootel.Option{leedootel.WithURLTemplate()}, "GET"},
		{"GET", "/deals/8f14e45f", []leedootel.Option{leedootel.WithURLTemplate("/deals", "/deals/{deal}")}, "GET /deals/{deal} /deals/{deal}"},
		{"GET", "/leads/8f14e45f", []leedootel.Option{leedootel.WithURLTemplate("/leads/{lead}")}, "GET /leads/{lead} /leads/{lead}"},
		{"GET", "/deals/export", []leedootel.Option{leedootel.WithURLTemplate("/deals/{deal}", "/deals/export")}, "GET /deals/export /deals/export"},
		{"GET", "/leads/export", []leedootel.Option{leedootel.WithURLTemplate("/deals"), leedootel.WithURLTemplate("/leads/export")}, "GET /leads/export /leads/export"},
	} {
		_, client, r := instrumented(t, test.opts...)
		client.Do(t.Context(), test.method, test.path, nil, nil)
		if len(r.spans.Ended()) != 2 {
			t.Errorf("%s %s: %d spans", test.method, test.path, len(r.spans.Ended()))
		}
		for _, span := range r.spans.Ended() {
			shown := []string{span.Name()}
			for _, a := range span.Attributes() {
				if a.Key == "url.template" {
					shown = append(shown, a.Value.AsString())
					if durations := r.metrics("http"); !strings.Contains(durations, " url.template="+a.Value.AsString()+":") {
						t.Errorf("%s %s: %s", test.method, test.path, durations)
					}
				}
			}
			if got := strings.Join(shown, " "); got != test.want {
				t.Errorf("%s %s: %q, want %q", test.method, test.path, got, test.want)
			}
		}
	}
}
