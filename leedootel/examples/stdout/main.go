// Stdout prints the spans and metrics of a Leedo client as JSON, for those who want to
// see what their tracing and metrics systems will get.
//
//	go run ./stdout
//
// It makes one call on a fake in memory: a write that may be repeated. The first attempt
// gets a 503 that asks to wait for a second, and the connection of the second breaks, so
// the outcome is unknown.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "stdout:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stdout io.Writer) error {
	stop, err := telemetry(stdout)
	if err != nil {
		return err
	}
	err = call(ctx, stdout)
	return errors.Join(err, stop(ctx))
}

// telemetry sets the global providers and propagator. The function that it returns writes
// what has been recorded.
func telemetry(stdout io.Writer) (stop func(context.Context) error, err error) {
	spans, err := stdouttrace.New(stdouttrace.WithWriter(stdout))
	if err != nil {
		return nil, err
	}
	metrics, err := stdoutmetric.New(stdoutmetric.WithWriter(stdout))
	if err != nil {
		return nil, err
	}
	tracer := trace.NewTracerProvider(trace.WithBatcher(spans), trace.WithResource(resource.Empty()))
	meter := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(metrics)), metric.WithResource(resource.Empty()))
	otel.SetTracerProvider(tracer)
	otel.SetMeterProvider(meter)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return func(ctx context.Context) error {
		return errors.Join(tracer.Shutdown(ctx), meter.Shutdown(ctx))
	}, nil
}

// call makes the call.
func call(ctx context.Context, stdout io.Writer) error {
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	server.Inject(
		leedotest.Fault{Status: 503, Header: http.Header{"Retry-After": {"1"}}},
		leedotest.Fault{Processed: true, Drop: true},
	)
	limiter, err := leedo.NewRateLimiter(nil)
	if err != nil {
		return err
	}
	opts, err := leedootel.Instrument(leedootel.WithHTTPClient(server.HTTPClient()), leedootel.WithRateLimiter(limiter))
	if err != nil {
		return err
	}
	client, err := leedo.NewClient(server.Token(), opts...)
	if err != nil {
		return err
	}
	_, err = client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"}, leedo.WithIdempotent(), leedo.WithRetries(1))
	_, err = fmt.Fprintf(stdout, "%v: %v\n", leedo.OutcomeOf(err), err)
	return err
}
