package leedootel

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/leedoapp/leedo-go"
)

// transport records an attempt for each request.
type transport struct {
	base  http.RoundTripper // nil means http.DefaultTransport
	in    *instrumentation
	http2 atomic.Bool // whether the latest response came over HTTP/2
}

// RoundTrip sends a copy of req, with its context, through the base.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	base := t.base
	if base == nil {
		base = http.DefaultTransport // at this moment, as package leedo has it
	}
	if base == nil {
		return nil, errors.New("http.DefaultTransport is nil")
	}
	a := t.in.begin(req)
	out := req.Clone(a.ctx)
	t.in.propagator.Inject(a.ctx, propagation.HeaderCarrier(out.Header))
	if _, bare := base.(*http.Transport); bare && t.http2.Load() {
		// Package leedo does the same for a transport that it knows: if the server did
		// not process the request, net/http then reports it instead of repeating it.
		out.GetBody = nil
	}

	var resp *http.Response
	var err error
	defer func() {
		if resp == nil {
			a.end(0, err) // also if base panics
		}
	}()
	if resp, err = base.RoundTrip(out); resp == nil {
		return nil, err
	}
	t.http2.Store(resp.ProtoMajor == 2)
	copied := *resp // a copy, as the base may return the same response again
	if copied.Body == nil {
		copied.Body = http.NoBody
	}
	copied.Body = &body{ReadCloser: copied.Body, attempt: a, status: resp.StatusCode, err: err}
	return &copied, err
}

// body is the body of a response, which ends its attempt when it is closed, or if it
// panics. Package leedo closes it exactly once, also if there is an error, but not after
// a panic.
type body struct {
	io.ReadCloser
	attempt *attempt
	status  int
	err     error // why the response is not complete
}

func (b *body) Read(p []byte) (int, error) {
	n, err := 0, errPanicked
	defer func() {
		if err == errPanicked {
			b.attempt.end(b.status, err)
		}
	}()
	n, err = b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func (b *body) Close() error {
	defer b.attempt.end(b.status, b.err)
	return b.ReadCloser.Close()
}

// attempt is one that is being recorded.
type attempt struct {
	in         *instrumentation
	ctx        context.Context // with the span
	span       trace.Span
	start      time.Time
	attributes []attribute.KeyValue // of the span and the metric
}

// begin starts the span of an attempt.
func (in *instrumentation) begin(req *http.Request) *attempt {
	call, _ := leedo.CallFromContext(req.Context())
	a := &attempt{in: in, start: time.Now()}
	name, attrs := in.describe(call)
	a.attributes = append(attrs, semconv.ServerAddress(req.URL.Hostname()), semconv.ServerPort(port(req)))
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(a.attributes...)}
	if call.Attempt > 1 {
		options = append(options, trace.WithAttributes(semconv.HTTPRequestResendCount(call.Attempt-1)))
	}
	a.ctx, a.span = in.tracer.Start(req.Context(), name, options...)
	return a
}

// end ends the attempt. status is 0 if there was no response; err is why there is no
// complete one.
func (a *attempt) end(status int, err error) {
	took := time.Since(a.start)
	var result []attribute.KeyValue
	if status != 0 {
		result = append(result, semconv.HTTPResponseStatusCode(status))
	}
	failure := ""
	switch {
	case status >= 400:
		failure = strconv.Itoa(status)
	case err != nil || status == 0:
		failure = a.failure(err)
	}
	if failure != "" {
		result = append(result, semconv.ErrorTypeKey.String(failure))
		a.span.SetStatus(codes.Error, "")
	}
	a.span.SetAttributes(result...)
	a.span.End()
	a.in.durations.Inst().Record(a.ctx, took.Seconds(), metric.WithAttributes(append(a.attributes, result...)...))
}

// failure returns the error.type of an attempt without a complete response. If the context
// of the call has ended, err may be its cause. If it has not, package leedo has ended the
// attempt, because net/http was about to send the request again.
func (a *attempt) failure(err error) string {
	if call, ok := a.ctx.Value(callKey{}).(*recorded); ok {
		switch ended := call.ctx.Err(); {
		case ended == context.DeadlineExceeded:
			return "timeout"
		case ended != nil:
			return "context.Canceled"
		case errors.Is(err, context.Canceled):
			return other
		}
	}
	return attemptError(err)
}

// port returns the port that a request goes to.
func port(req *http.Request) int {
	if p, err := strconv.Atoi(req.URL.Port()); err == nil {
		return p
	}
	if req.URL.Scheme == "http" {
		return 80
	}
	return 443
}
