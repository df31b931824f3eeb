package leedootel

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/leedoapp/leedo-go"
)

// Option configures [Instrument] or [Store].
type Option interface{ apply(*config) error }

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

// config is what options configure.
type config struct {
	tracers      trace.TracerProvider
	meters       metric.MeterProvider
	propagator   propagation.TextMapPropagator
	client       *http.Client       // nil means one with http.DefaultTransport
	limiter      *leedo.RateLimiter // nil means no gauges
	templates    []string           // what paths may be shown as
	showTemplate bool               // as an attribute
	attributes   []attribute.KeyValue
}

func (c *config) apply(opts []Option) error {
	c.tracers, c.meters, c.propagator = otel.GetTracerProvider(), otel.GetMeterProvider(), otel.GetTextMapPropagator()
	c.templates = ownTemplates
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.apply(c); err != nil {
			return err
		}
	}
	return nil
}

func invalid(option, what string) error {
	return fmt.Errorf("leedootel: %w: %s: %s", leedo.ErrInvalidArgument, option, what)
}

// WithTracerProvider records spans with provider. The default is the global provider;
// nil is [leedo.ErrInvalidArgument].
func WithTracerProvider(provider trace.TracerProvider) Option {
	return option(func(c *config) error {
		if provider == nil {
			return invalid("WithTracerProvider", "nil")
		}
		c.tracers = provider
		return nil
	})
}

// WithMeterProvider records metrics with provider. The default is the global provider;
// nil is [leedo.ErrInvalidArgument].
func WithMeterProvider(provider metric.MeterProvider) Option {
	return option(func(c *config) error {
		if provider == nil {
			return invalid("WithMeterProvider", "nil")
		}
		c.meters = provider
		return nil
	})
}

// WithPropagator sends the context of each attempt in the format of propagator, such as
// [propagation.TraceContext]. The default is the global propagator, which sends nothing
// until the program sets it; nil is [leedo.ErrInvalidArgument]. [propagation.Baggage]
// sends the baggage of your program to Leedo.
func WithPropagator(propagator propagation.TextMapPropagator) Option {
	return option(func(c *config) error {
		if propagator == nil {
			return invalid("WithPropagator", "nil")
		}
		c.propagator = propagator
		return nil
	})
}

// WithHTTPClient sends requests through a copy of client, as [leedo.WithHTTPClient] does;
// do not use that one, too. The default is a client with [http.DefaultTransport]. Its
// transport should not make spans itself, as otelhttp does: each attempt would have two.
// A nil client, or one with a nil *http.Transport, is [leedo.ErrInvalidArgument].
func WithHTTPClient(client *http.Client) Option {
	return option(func(c *config) error {
		if client == nil {
			return invalid("WithHTTPClient", "nil")
		}
		if t, ok := client.Transport.(*http.Transport); ok && t == nil {
			return invalid("WithHTTPClient", "the Transport is a nil *http.Transport")
		}
		c.client = client
		return nil
	})
}

// WithRateLimiter makes the client use limiter, as [leedo.WithRateLimiter] does, and adds
// the metrics leedo.quota.limit and leedo.quota.remaining, which report its state. nil is
// [leedo.ErrInvalidArgument].
//
// The gauges are registered for as long as the meter provider lives. If the program has
// several limiters, as for several tenants, use [WithAttributes] to distinguish them.
func WithRateLimiter(limiter *leedo.RateLimiter) Option {
	return option(func(c *config) error {
		if limiter == nil {
			return invalid("WithRateLimiter", "nil")
		}
		c.limiter = limiter
		return nil
	})
}

// WithURLTemplate adds the attribute url.template to spans and to
// http.client.request.duration. The templates of the client's services are known.
// further are those of paths that the program passes to [leedo.Client.Do], [leedo.All]
// or [leedo.Pages], such as "/deals/{id}": a segment in braces matches any one segment.
// A template that is the path itself applies, else the first that matches, further ones
// before known ones. A template that does not begin with a slash is
// [leedo.ErrInvalidArgument].
func WithURLTemplate(further ...string) Option {
	return option(func(c *config) error {
		for _, template := range further {
			if !strings.HasPrefix(template, "/") {
				return invalid("WithURLTemplate", "a template does not begin with a slash")
			}
		}
		c.showTemplate = true
		c.templates = slices.Concat(further, c.templates)
		return nil
	})
}

// WithAttributes adds attributes to all spans and metrics, such as the name of a tenant.
// They are recorded as they are: their values should be few and not secret.
func WithAttributes(attributes ...attribute.KeyValue) Option {
	return option(func(c *config) error {
		c.attributes = slices.Concat(c.attributes, attributes)
		return nil
	})
}
