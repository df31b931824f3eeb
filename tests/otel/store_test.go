package otel_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
)

// storeFunc is a store that is a function.
type storeFunc func(context.Context, leedo.QuotaAsk) (leedo.QuotaAnswer, error)

func (f storeFunc) Exchange(ctx context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
	return f(ctx, ask)
}

func TestExchangesAreMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(t)
		failure := error(nil)
		inner := storeFunc(func(_ context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
			time.Sleep(time.Second)
			return leedo.QuotaAnswer{Interactive: ask.Interactive}, failure
		})
		store := leedootel.Store(inner, leedootel.WithMeterProvider(r.meter), leedootel.WithAttributes(tenantKey.String("acme")))
		for _, failure = range []error{nil, nil, context.DeadlineExceeded, errors.New("SECRET")} {
			answer, err := store.Exchange(t.Context(), leedo.QuotaAsk{Interactive: 3})
			if answer.Interactive != 3 || err != failure {
				t.Errorf("%+v, %v, want the answer and %v", answer, err, failure)
			}
		}
		compare(t, "exchanges", r.metrics(""), `leedo.store.exchange.duration error.type=_OTHER tenant=acme: 1 in 1 s
leedo.store.exchange.duration error.type=timeout tenant=acme: 1 in 1 s
leedo.store.exchange.duration tenant=acme: 2 in 2 s
`)
	})
}

// TestAnExchangeThatPanicsIsMeasured, and the panic goes on.
func TestAnExchangeThatPanicsIsMeasured(t *testing.T) {
	r := newRecorder(t)
	store := leedootel.Store(storeFunc(func(context.Context, leedo.QuotaAsk) (leedo.QuotaAnswer, error) { panic("SECRET") }), leedootel.WithMeterProvider(r.meter))
	func() {
		defer func() {
			if p := recover(); p != "SECRET" {
				t.Errorf("recovered %v", p)
			}
		}()
		store.Exchange(t.Context(), leedo.QuotaAsk{})
	}()
	if got := r.metrics("leedo.store.exchange.duration"); !strings.HasPrefix(got, "leedo.store.exchange.duration error.type=_OTHER: 1 in ") {
		t.Errorf("%q", got)
	}
}

// TestAStoreWithALimiter checks that the limiter uses the store that is measured.
func TestAStoreWithALimiter(t *testing.T) {
	r := newRecorder(t)
	grant := storeFunc(func(_ context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
		return leedo.QuotaAnswer{Interactive: ask.Interactive, Bulk: ask.Bulk, Turn: ask.Number}, nil
	})
	limiter := newLimiter(t, &leedo.RateLimiterOptions{Store: leedootel.Store(grant, leedootel.WithMeterProvider(r.meter))})
	_, client, _ := instrumented(t, leedootel.WithRateLimiter(limiter))
	if _, err := client.Leads.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if r.metrics("leedo.store.exchange.duration") == "" {
		t.Error("no exchange was measured")
	}
}

// TestStoreWithoutAMeasurement checks a nil store, an invalid option and a meter
// provider that fails.
func TestStoreWithoutAMeasurement(t *testing.T) {
	if leedootel.Store(nil) != nil {
		t.Error("no store has become one")
	}
	var handled error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { handled = err }))
	defer otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.Error(err) }))
	for _, test := range []struct {
		opt  leedootel.Option
		want error
	}{
		{leedootel.WithMeterProvider(nil), leedo.ErrInvalidArgument},
		{leedootel.WithMeterProvider(failing{name: "leedo.store.exchange.duration"}), errMetric},
	} {
		called := false
		store := leedootel.Store(storeFunc(func(context.Context, leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
			called = true
			return leedo.QuotaAnswer{}, nil
		}), test.opt)
		store.Exchange(t.Context(), leedo.QuotaAsk{})
		if !called || !errors.Is(handled, test.want) {
			t.Errorf("called: %v, handled: %v, want %v", called, handled, test.want)
		}
	}
}
