// Package leedootel gives the clients of package leedo spans and metrics, through the
// API of OpenTelemetry:
//
//	limiter, err := leedo.NewRateLimiter(nil)
//	opts, err := leedootel.Instrument(leedootel.WithRateLimiter(limiter))
//	client, err := leedo.NewClient(token, opts...)
//
// The program chooses an OpenTelemetry SDK and its exporters, and sets the global
// providers and propagator before it calls [Instrument], or passes its own.
//
// # Spans
//
// Each call, and so each page of an iteration, is a span of kind INTERNAL. It has the
// attributes http.request.method, leedo.priority ("interactive" or "bulk") and
// leedo.attempts. A failed call also has the status Error, error.type and leedo.outcome
// ("done", "not done" or "unknown", as of [leedo.OutcomeOf]). Each wait is an event
// leedo.wait at its end, with leedo.wait.reason and leedo.wait.duration in seconds.
//
// Each attempt is a child of kind CLIENT, which ends when the body of the response has
// been read. Its context is sent along. It has the attributes http.request.method,
// server.address, server.port, http.response.status_code, http.request.resend_count
// from the second attempt on and, if it failed, error.type.
//
// Both are named by method and path template, as "GET /leads/{id}". [WithURLTemplate]
// adds the template as an attribute, and names paths given to [leedo.Client.Do],
// [leedo.All] and [leedo.Pages]. Such a path may contain an id: unless a template
// matches it, the name of the span is the method alone, or HTTP if that is no usual one.
//
// # Metrics
//
//	http.client.request.duration   histogram, s: attempts, with the attributes of their spans except resend_count
//	leedo.quota.limit              gauge: requests per window; absent while unknown
//	leedo.quota.remaining          gauge: requests left; absent while unknown
//	leedo.quota.wait               histogram, s: waits other than back-offs, by leedo.wait.reason and leedo.priority
//	leedo.calls.refused            counter: calls that failed with a *leedo.RateLimitError, by leedo.priority
//	leedo.outcomes.unknown         counter: writes that may or may not have been done
//	leedo.retries                  counter: attempts after the first of their call
//	leedo.store.exchange.duration  histogram, s: exchanges of a Store, with error.type if they failed
//
// The counters start at zero, so that the first increment is seen. Gauges need
// [WithRateLimiter].
//
// # Errors
//
// error.type of an attempt is the status code of a response with an error status.
// Otherwise it is "context.Canceled", "timeout", "net.DNSError", "net.OpError",
// "tls.CertificateVerificationError", "io.ErrUnexpectedEOF" or "_OTHER".
//
// error.type of a call is the first of these that applies: "leedo.UnknownOutcomeError",
// "leedo.ErrInvalidArgument", "context.Canceled", "context.DeadlineExceeded",
// "leedo.RateLimitError", "leedo.DecodeError", "leedo.TransportError", the status code of
// the response, or "_OTHER". A panic is "_OTHER", too.
//
// # What never appears
//
// No span and no metric has an id, a query, a token, a header, a body or the text of an
// error. For that reason there is no attribute url.full, which the semantic conventions
// ask for.
package leedootel

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/leedoapp/leedo-go"
)

// scope is the name of the tracer and the meter.
const scope = "github.com/leedoapp/leedo-go/leedootel"

// Instrument returns options that give a client spans and metrics. Pass them to
// [leedo.NewClient] after the client's other options. Several clients may get them: with
// [WithRateLimiter], those of one token.
//
// Among the options is a [leedo.WithHTTPClient], which replaces an earlier one: pass
// your HTTP client to [WithHTTPClient]. A later leedo.WithHTTPClient takes the spans,
// durations and trace context of attempts away, and nothing else. If a client gets the
// options twice, nothing is counted twice; if it gets those of two Instruments, the first
// records its calls and waits, and the last its attempts.
//
// nil options are ignored. Invalid ones are [leedo.ErrInvalidArgument]; other errors are
// those of the meter provider.
func Instrument(opts ...Option) ([]leedo.Option, error) {
	in := &instrumentation{}
	if err := in.apply(opts); err != nil {
		return nil, err
	}
	if err := in.makeMetrics(); err != nil {
		return nil, err
	}
	in.tracer = in.tracers.Tracer(scope, trace.WithInstrumentationVersion(leedo.Version), trace.WithSchemaURL(semconv.SchemaURL))

	client := http.Client{}
	if in.client != nil {
		client = *in.client
	}
	client.Transport = &transport{base: client.Transport, in: in}
	options := []leedo.Option{
		leedo.WithHTTPClient(&client),
		leedo.WithInterceptor(in.call),
		leedo.WithHooks(leedo.Hooks{Waited: in.waited}),
	}
	if in.limiter != nil {
		options = append(options, leedo.WithRateLimiter(in.limiter))
	}
	return options, nil
}

// instrumentation is what one Instrument has made.
type instrumentation struct {
	config
	metrics
	tracer trace.Tracer
}

// callKey is the key of a [recorded] in the context of a call.
type callKey struct{}

// recorded is a call that is being recorded.
type recorded struct {
	ctx  context.Context // of the call
	span trace.Span
	wait leedo.WaitInfo // the latest
}

// call is a [leedo.Interceptor] that records a call.
func (in *instrumentation) call(ctx context.Context, info leedo.CallInfo, next func(context.Context) error) error {
	if ctx.Value(callKey{}) != nil {
		return next(ctx) // the client has such an interceptor twice
	}
	name, attrs := in.describe(info)
	attrs = append(attrs, priority(info.Priority))
	ctx, span := in.tracer.Start(ctx, name, trace.WithAttributes(attrs...))
	err := errPanicked // should next panic
	defer func() {
		in.called(ctx, span, err)
		span.End() // is not deferred itself, as it would then record the text of a panic
	}()
	err = next(context.WithValue(ctx, callKey{}, &recorded{ctx: ctx, span: span}))
	return err
}

// errPanicked is what is recorded as the error of a call that panicked.
var errPanicked = errors.New("the call panicked")

// called records the result of a call.
func (in *instrumentation) called(ctx context.Context, span trace.Span, err error) {
	info, _ := leedo.CallFromContext(ctx)
	span.SetAttributes(attribute.Int("leedo.attempts", info.Attempt))
	if info.Attempt > 1 {
		in.retries.Add(ctx, int64(info.Attempt-1), in.with())
	}
	if err == nil {
		return
	}
	outcome := leedo.OutcomeOf(err)
	span.SetAttributes(semconv.ErrorTypeKey.String(callError(err)), attribute.Stringer("leedo.outcome", outcome))
	span.SetStatus(codes.Error, "") // no description: the text of err may quote the API's message
	if isA[*leedo.RateLimitError](err) {
		in.limited.Add(ctx, 1, in.with(priority(info.Priority)))
	}
	if info.Write && outcome == leedo.OutcomeUnknown {
		in.unknown.Add(ctx, 1, in.with())
	}
}

// waited is the hook for a wait that has ended.
func (in *instrumentation) waited(ctx context.Context, w leedo.WaitInfo) {
	call, ok := ctx.Value(callKey{}).(*recorded)
	if !ok || call.wait == w {
		return // the client has such a hook twice
	}
	call.wait = w
	reason, took := attribute.String("leedo.wait.reason", string(w.Reason)), w.Duration.Seconds()
	call.span.AddEvent("leedo.wait", trace.WithAttributes(reason, attribute.Float64("leedo.wait.duration", took)))
	if w.Reason != leedo.WaitBackoff {
		in.waits.Record(ctx, took, in.with(reason, priority(w.Priority)))
	}
}

// describe returns the name of the spans of a call, and their common attributes.
func (in *instrumentation) describe(call leedo.CallInfo) (string, []attribute.KeyValue) {
	method := requestMethod(call.Method)
	name := method.Value.AsString()
	if method == semconv.HTTPRequestMethodOther {
		name = "HTTP" // as the semantic conventions have it
	}
	attrs := make([]attribute.KeyValue, 0, len(in.attributes)+8) // callers append theirs
	attrs = append(append(attrs, in.attributes...), method)
	if template := in.template(call.Path); template != "" {
		name += " " + template
		if in.showTemplate {
			attrs = append(attrs, semconv.URLTemplate(template))
		}
	}
	return name, attrs
}

func priority(p leedo.Priority) attribute.KeyValue {
	text := "interactive"
	if p == leedo.PriorityBulk {
		text = "bulk"
	}
	return attribute.String("leedo.priority", text)
}
