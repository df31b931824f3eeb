package otel_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
)

// BenchmarkGet measures a Get over a real connection: of a bare client, of one that is
// instrumented although the program has no SDK of OpenTelemetry, and of one whose spans
// and metrics are recorded. Allocations include those of the server.
func BenchmarkGet(b *testing.B) {
	const lead = `{"id":"1","name":"John Doe","email":"john@example.com","company":"ACME","status":"new","created_at":"2026-01-02T15:04:05Z"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-RateLimit-Limit", "1000000000")
		w.Header().Set("X-RateLimit-Remaining", "999999999")
		w.Header().Set("X-RateLimit-Reset", "3600")
		w.Write([]byte(lead))
	}))
	defer server.Close()
	get := func(b *testing.B, opts ...leedo.Option) {
		client, err := leedo.NewClient("token", append(opts, leedo.WithBaseURL(server.URL))...)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Leads.Get(b.Context(), "1"); err != nil {
				b.Fatal(err)
			}
		}
	}
	instrument := func(b *testing.B, opts ...leedootel.Option) []leedo.Option {
		options, err := leedootel.Instrument(opts...)
		if err != nil {
			b.Fatal(err)
		}
		return options
	}
	b.Run("bare", func(b *testing.B) { get(b) })
	b.Run("no SDK", func(b *testing.B) { get(b, instrument(b)...) })
	b.Run("recorded", func(b *testing.B) {
		spans := sdktrace.NewTracerProvider(sdktrace.WithBatcher(discard{}))
		defer spans.Shutdown(context.Background())
		meter := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
		get(b, instrument(b, leedootel.WithTracerProvider(spans), leedootel.WithMeterProvider(meter),
			leedootel.WithPropagator(propagation.TraceContext{}))...)
	})
}

// discard is an exporter.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }
