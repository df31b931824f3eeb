package otel_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

// failure returns error.type and leedo.outcome of the last call, and error.type of its last
// attempt.
func (r *recorder) failure() string {
	last := map[string]string{}
	for _, span := range r.spans.Ended() {
		for _, a := range span.Attributes() {
			last[span.SpanKind().String()+" "+string(a.Key)] = a.Value.String()
		}
	}
	return last["internal error.type"] + ", " + last["internal leedo.outcome"] + "; " + last["client error.type"]
}

func TestErrorTypesOfResponses(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault leedotest.Fault
		want  string
	}{
		{"400", leedotest.Fault{Status: 400}, "400, not done; 400"},
		{"501", leedotest.Fault{Status: 501}, "leedo.UnknownOutcomeError, unknown; 501"},
		{"400, cut", leedotest.Fault{Status: 400, Truncate: 3}, "400, not done; 400"},
		{"cut", leedotest.Fault{Truncate: 3}, "leedo.DecodeError, done; io.ErrUnexpectedEOF"},
		{"not JSON", leedotest.Fault{Status: 200, Body: "<html>"}, "leedo.UnknownOutcomeError, unknown; "},
		{"redirect", leedotest.Fault{Status: 307, Header: http.Header{"Location": {"/v1/accounts"}}}, "307, not done; "},
	} {
		server, client, r := instrumented(t)
		server.Inject(test.fault)
		client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "Ada"})
		if got := r.failure(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestErrorTypesWithoutAResponse(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{Err: "no such host", Name: "SECRET"}, "net.DNSError"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host"}}, "net.DNSError"},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, "net.OpError"},
		{&net.DNSError{IsTimeout: true}, "timeout"},
		{&tls.CertificateVerificationError{Err: errors.New("expired")}, "tls.CertificateVerificationError"},
		{io.EOF, "io.ErrUnexpectedEOF"},
		{errors.New("something else"), "_OTHER"},
		{context.Canceled, "_OTHER"}, // not the caller's
		{nil, "_OTHER"},              // neither a response nor an error
	} {
		r := newRecorder(t)
		transport := roundTripper(func(*http.Request) (*http.Response, error) { return nil, test.err })
		c := client(t, leedotest.NewServer(), r.instrument(leedootel.WithHTTPClient(&http.Client{Transport: transport}))...)
		c.Leads.List(t.Context(), nil, leedo.WithRetries(0))
		if got, want := r.failure(), "leedo.TransportError, not done; "+test.want; got != want {
			t.Errorf("%v: %q, want %q", test.err, got, want)
		}
	}
}

func TestErrorTypesOfContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, r := instrumented(t)
		slow := leedotest.Fault{Latency: time.Minute}
		server.Inject(slow, slow)
		network := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		for _, cause := range []error{errors.New("shutting down"), network} { // net/http returns the cause
			server.Inject(slow, slow)
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(cause) })
			client.Leads.List(ctx, nil)
			if got, want := r.failure(), "context.Canceled, not done; context.Canceled"; got != want {
				t.Errorf("%v: %q, want %q", cause, got, want)
			}
			late, stop := context.WithTimeoutCause(t.Context(), time.Second, cause)
			client.Leads.List(late, nil)
			stop()
			if got, want := r.failure(), "context.DeadlineExceeded, not done; timeout"; got != want {
				t.Errorf("%v: %q, want %q", cause, got, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		client.Leads.List(ctx, nil)
		if got, want := r.failure(), "context.Canceled, not done; context.Canceled"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		client.Leads.List(ctx, nil)
		if got, want := r.failure(), "context.DeadlineExceeded, not done; timeout"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// TestAnInterceptorsOwnError checks an error that is not of package leedo.
func TestAnInterceptorsOwnError(t *testing.T) {
	server, r := leedotest.NewServer(), newRecorder(t)
	reject := func(context.Context, leedo.CallInfo, func(context.Context) error) error {
		return errors.New("closed on Sundays")
	}
	c := client(t, server, append(r.instrument(leedootel.WithHTTPClient(server.HTTPClient())), leedo.WithInterceptor(reject))...)
	c.Leads.List(t.Context(), nil)
	if got := r.failure(); got != "_OTHER, unknown; " {
		t.Errorf("%q", got)
	}
	compare(t, "a read", r.metrics("leedo.outcomes"), "leedo.outcomes.unknown: 0\n")
	c.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "Ada"})
	compare(t, "a write", r.metrics("leedo.outcomes"), "leedo.outcomes.unknown: 1\n")
}

// TestACallThatIsRepeatedInVain checks that the attempts of a call are its own: an
// interceptor makes the call again, and another one skips it.
func TestACallThatIsRepeatedInVain(t *testing.T) {
	server, r := leedotest.NewServer(), newRecorder(t)
	server.Inject(leedotest.Fault{Status: 503, Times: 4})
	twice := func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
		next(ctx)
		return next(ctx)
	}
	calls := 0
	breaker := func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
		if calls++; calls > 1 {
			return errors.New("circuit breaker open")
		}
		return next(ctx)
	}
	opts := append([]leedo.Option{leedo.WithBackoff(1, 1), leedo.WithInterceptor(twice)}, r.instrument(leedootel.WithHTTPClient(server.HTTPClient()))...)
	client(t, server, append(opts, leedo.WithInterceptor(breaker))...).Leads.List(t.Context(), nil)
	compare(t, "retries", r.metrics("leedo.retries"), "leedo.retries: 3\n")
	var attempts []string
	for _, span := range r.spans.Ended() {
		for _, a := range span.Attributes() {
			if a.Key == "leedo.attempts" {
				attempts = append(attempts, a.Value.String())
			}
		}
	}
	compare(t, "attempts", strings.Join(attempts, ", "), "4, 0")
}

// TestNoTransportIsNoPanic, as without leedootel.
func TestNoTransportIsNoPanic(t *testing.T) {
	defer func(transport http.RoundTripper) { http.DefaultTransport = transport }(http.DefaultTransport)
	http.DefaultTransport = nil
	r := newRecorder(t)
	_, err := client(t, leedotest.NewServer(), r.instrument()...).Leads.List(t.Context(), nil, leedo.WithRetries(0))
	if err == nil {
		t.Error("no error")
	}
}

// failing is a meter provider that cannot make what has a name.
type failing struct {
	noop.MeterProvider
	name string
}

var errMetric = errors.New("no such metric")

func (f failing) Meter(string, ...metric.MeterOption) metric.Meter { return failingMeter{name: f.name} }

type failingMeter struct {
	noop.Meter
	name string
}

func (m failingMeter) check(name string) error {
	if name == m.name {
		return errMetric
	}
	return nil
}

func (m failingMeter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return noop.Float64Histogram{}, m.check(name)
}

func (m failingMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return noop.Int64Counter{}, m.check(name)
}

func (m failingMeter) Int64ObservableGauge(name string, _ ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	return noop.Int64ObservableGauge{}, m.check(name)
}

func (m failingMeter) RegisterCallback(metric.Callback, ...metric.Observable) (metric.Registration, error) {
	return noop.Registration{}, m.check("the callback")
}

// TestAMeterProviderThatFails checks that Instrument returns its errors.
func TestAMeterProviderThatFails(t *testing.T) {
	limiter := leedootel.WithRateLimiter(newLimiter(t, nil))
	for _, name := range []string{
		"http.client.request.duration", "leedo.quota.wait", "leedo.calls.refused", "leedo.outcomes.unknown", "leedo.retries",
		"leedo.quota.limit", "leedo.quota.remaining", "the callback",
	} {
		if _, err := leedootel.Instrument(limiter, leedootel.WithMeterProvider(failing{name: name})); !errors.Is(err, errMetric) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := leedootel.Instrument(limiter, leedootel.WithMeterProvider(failing{})); err != nil {
		t.Error(err)
	}
}
