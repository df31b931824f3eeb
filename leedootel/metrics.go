package leedootel

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"

	"github.com/leedoapp/leedo-go"
)

// metrics are the instruments that an instrumentation records into. The quota has
// none here, as it is observed.
type metrics struct {
	durations                 httpconv.ClientRequestDuration
	waits                     metric.Float64Histogram
	limited, unknown, retries metric.Int64Counter
}

// makeMetrics makes the instruments, and registers the gauges of the quota.
func (in *instrumentation) makeMetrics() error {
	meter := in.meter()
	var err error
	if in.durations, err = httpconv.NewClientRequestDuration(meter); err != nil {
		return err
	}
	if in.waits, err = meter.Float64Histogram("leedo.quota.wait", metric.WithUnit("s"),
		metric.WithDescription("Duration of waits other than back-offs."),
		metric.WithExplicitBucketBoundaries(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800, 3600)); err != nil {
		return err
	}
	if in.limited, err = meter.Int64Counter("leedo.calls.refused", metric.WithUnit("{call}"),
		metric.WithDescription("Calls that failed because the quota did not allow them.")); err != nil {
		return err
	}
	if in.unknown, err = meter.Int64Counter("leedo.outcomes.unknown", metric.WithUnit("{call}"),
		metric.WithDescription("Writes that may or may not have been done.")); err != nil {
		return err
	}
	if in.retries, err = meter.Int64Counter("leedo.retries", metric.WithUnit("{request}"),
		metric.WithDescription("Attempts after the first of their call.")); err != nil {
		return err
	}
	// A rate or increase does not show the first increment of a series that begins
	// with it.
	ctx := context.Background()
	in.limited.Add(ctx, 0, in.with(priority(leedo.PriorityInteractive)))
	in.limited.Add(ctx, 0, in.with(priority(leedo.PriorityBulk)))
	in.unknown.Add(ctx, 0, in.with())
	in.retries.Add(ctx, 0, in.with())

	if in.limiter == nil {
		return nil
	}
	limit, err := meter.Int64ObservableGauge("leedo.quota.limit", metric.WithUnit("{request}"),
		metric.WithDescription("Requests per window."))
	if err != nil {
		return err
	}
	remaining, err := meter.Int64ObservableGauge("leedo.quota.remaining", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that are left in the window, without those in flight."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if state := in.limiter.RateLimit(); state.Limit > 0 { // else unknown
			o.ObserveInt64(limit, int64(state.Limit), in.with())
			o.ObserveInt64(remaining, int64(state.Remaining), in.with())
		}
		return nil
	}, limit, remaining)
	return err
}

func (c *config) meter() metric.Meter {
	return c.meters.Meter(scope, metric.WithInstrumentationVersion(leedo.Version), metric.WithSchemaURL(semconv.SchemaURL))
}

// with returns the attributes of a measurement: attrs, and those of WithAttributes.
func (c *config) with(attrs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(append(slices.Clip(c.attributes), attrs...)...)
}

// Store returns a store that measures the exchanges with s, as the metric
// leedo.store.exchange.duration. A nil s results in nil, which means no store. Of opts,
// [WithMeterProvider] and [WithAttributes] apply. If one of them is invalid or the meter
// provider fails, the error goes to the error handler of OpenTelemetry, and Store
// returns s.
func Store(s leedo.QuotaStore, opts ...Option) leedo.QuotaStore {
	if s == nil {
		return nil
	}
	var c config
	err := c.apply(opts)
	if err != nil {
		otel.Handle(err)
		return s
	}
	durations, err := c.meter().Float64Histogram("leedo.store.exchange.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of exchanges with the quota store."),
		metric.WithExplicitBucketBoundaries(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5))
	if err != nil {
		otel.Handle(err)
		return s
	}
	return &store{s, c, durations}
}

// store is a [leedo.QuotaStore] that measures the exchanges with another.
type store struct {
	leedo.QuotaStore
	config
	durations metric.Float64Histogram
}

// Exchange passes ask on.
func (s *store) Exchange(ctx context.Context, ask leedo.QuotaAsk) (reply leedo.QuotaAnswer, err error) {
	start := time.Now()
	err = errPanicked // should the store panic
	defer func() {
		var attrs []attribute.KeyValue
		if err != nil {
			attrs = append(attrs, semconv.ErrorTypeKey.String(attemptError(err)))
		}
		s.durations.Record(ctx, time.Since(start).Seconds(), s.with(attrs...))
	}()
	reply, err = s.QuotaStore.Exchange(ctx, ask)
	return reply, err
}
