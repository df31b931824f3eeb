// Package otel_test tests package leedootel with the SDK of OpenTelemetry, which that
// package does not depend on.
package otel_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

// host is where instrumented clients send their requests to.
const host = "crm.example.com"

// recorder records spans and metrics in memory.
type recorder struct {
	t      *testing.T
	spans  *tracetest.SpanRecorder
	tracer *sdktrace.TracerProvider
	reader *metric.ManualReader
	meter  *metric.MeterProvider
}

func newRecorder(t *testing.T) *recorder {
	r := &recorder{t: t, spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	r.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.spans))
	r.meter = metric.NewMeterProvider(metric.WithReader(r.reader))
	return r
}

// instrument returns what Instrument does, with the providers of r.
func (r *recorder) instrument(opts ...leedootel.Option) []leedo.Option {
	r.t.Helper()
	options, err := leedootel.Instrument(append([]leedootel.Option{
		leedootel.WithTracerProvider(r.tracer),
		leedootel.WithMeterProvider(r.meter),
		leedootel.WithPropagator(propagation.TraceContext{}),
	}, opts...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	return options
}

// tree returns the ended spans, each below its parent, with their attributes and events.
// The roots are those without a parent that has ended.
func (r *recorder) tree() string {
	ended := r.spans.Ended()
	slices.SortStableFunc(ended, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	known := map[trace.SpanID]bool{}
	for _, span := range ended {
		known[span.SpanContext().SpanID()] = true
	}
	var out strings.Builder
	var below func(parent trace.SpanID, indent string)
	below = func(parent trace.SpanID, indent string) {
		for _, span := range ended {
			if p := span.Parent().SpanID(); p != parent && (parent.IsValid() || known[p]) {
				continue
			}
			fmt.Fprintf(&out, "%s%s %s%s", indent, span.SpanKind(), span.Name(), list(span.Attributes()))
			if status := span.Status(); status != (sdktrace.Status{}) {
				fmt.Fprintf(&out, " %v%s", status.Code, status.Description)
			}
			out.WriteString("\n")
			for _, event := range span.Events() {
				fmt.Fprintf(&out, "%s  event %s%s\n", indent, event.Name, list(event.Attributes))
			}
			below(span.SpanContext().SpanID(), indent+"  ")
		}
	}
	below(trace.SpanID{}, "")
	return out.String()
}

// list returns attributes, sorted by their keys, with durations in whole seconds.
func list(attributes []attribute.KeyValue) string {
	set := attribute.NewSet(attributes...)
	var out strings.Builder
	for _, a := range set.ToSlice() {
		value := a.Value.String()
		if a.Value.Type() == attribute.FLOAT64 {
			value = fmt.Sprintf("%.0f", a.Value.AsFloat64())
		}
		fmt.Fprintf(&out, " %s=%s", a.Key, value)
	}
	return out.String()
}

// metrics returns the series of the metrics with the given prefix, one a line: of a
// histogram, how many values it has and their sum in seconds, rounded.
func (r *recorder) metrics(prefix string) string {
	r.t.Helper()
	var data metricdata.ResourceMetrics
	if err := r.reader.Collect(context.Background(), &data); err != nil {
		r.t.Fatal(err)
	}
	var lines []string
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			line := func(attributes attribute.Set, format string, values ...any) {
				if strings.HasPrefix(m.Name, prefix) {
					lines = append(lines, m.Name+list(attributes.ToSlice())+": "+fmt.Sprintf(format, values...)+"\n")
				}
			}
			switch data := m.Data.(type) {
			case metricdata.Gauge[int64]:
				for _, point := range data.DataPoints {
					line(point.Attributes, "%d", point.Value)
				}
			case metricdata.Sum[int64]:
				for _, point := range data.DataPoints {
					line(point.Attributes, "%d", point.Value)
				}
			case metricdata.Histogram[float64]:
				for _, point := range data.DataPoints {
					line(point.Attributes, "%d in %.0f s", point.Count, point.Sum)
				}
			default:
				r.t.Fatalf("%s has data of type %T", m.Name, data)
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// client returns a client of the fake with the given options.
func client(t *testing.T, server *leedotest.Server, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	opts = append([]leedo.Option{leedo.WithBaseURL("https://" + host + "/v1"), leedo.WithBackoff(0, 0)}, opts...)
	c, err := leedo.NewClient(server.Token(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// instrumented returns a fake, an instrumented client of it, and what records that.
func instrumented(t *testing.T, opts ...leedootel.Option) (*leedotest.Server, *leedo.Client, *recorder) {
	t.Helper()
	server, r := leedotest.NewServer(), newRecorder(t)
	opts = append([]leedootel.Option{leedootel.WithHTTPClient(server.HTTPClient())}, opts...)
	return server, client(t, server, r.instrument(opts...)...), r
}

// compare fails the test if got is not want.
func compare(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}

// roundTripper is a transport that is a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
