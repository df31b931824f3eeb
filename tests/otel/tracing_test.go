// Package otel_test shows that the SDK's interceptors and CallFromContext suffice for
// tracing: a span for each call and, as its children, a span for each attempt, named by
// the path template.
package otel_test

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/leedoapp/leedo-go"
)

// tracing traces calls as an interceptor, and attempts as a transport.
type tracing struct {
	tracer    trace.Tracer
	transport http.RoundTripper
}

// Call is a [leedo.Interceptor] that records a span for each call.
func (t tracing) Call(ctx context.Context, call leedo.CallInfo, next func(context.Context) error) error {
	ctx, span := t.tracer.Start(ctx, call.Method+" "+call.Path, trace.WithAttributes(attribute.Bool("leedo.write", call.Write)))
	defer span.End()
	err := next(ctx)
	if call, ok := leedo.CallFromContext(ctx); ok {
		span.SetAttributes(attribute.Int("leedo.attempts", call.Attempt))
	}
	if err != nil {
		span.SetStatus(codes.Error, leedo.OutcomeOf(err).String())
	}
	return err
}

// RoundTrip records a span for each attempt, and propagates it to the server.
func (t tracing) RoundTrip(req *http.Request) (*http.Response, error) {
	call, _ := leedo.CallFromContext(req.Context())
	ctx, span := t.tracer.Start(req.Context(), call.Method+" "+call.Path, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", call.Method),
		attribute.String("url.template", call.Path),
		attribute.String("server.address", req.URL.Hostname()),
		attribute.Int("http.request.resend_count", call.Attempt-1),
	))
	defer span.End()
	req = req.Clone(ctx)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	resp, err := t.transport.RoundTrip(req)
	if err != nil {
		span.SetStatus(codes.Error, "no response")
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
	if resp.StatusCode >= 400 {
		span.SetStatus(codes.Error, resp.Status)
	}
	return resp, nil
}

// traced returns a client whose calls and attempts are traced.
func traced(token string, tracer trace.Tracer, transport http.RoundTripper, opts ...leedo.Option) (*leedo.Client, error) {
	t := tracing{tracer, transport}
	opts = append(opts,
		leedo.WithInterceptor(t.Call),
		leedo.WithHTTPClient(&http.Client{Transport: t}))
	return leedo.NewClient(token, opts...)
}
