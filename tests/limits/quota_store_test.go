package limits_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// storeFunc is a QuotaStore made of a function.
type storeFunc func(context.Context, leedo.QuotaAsk) (leedo.QuotaAnswer, error)

func (f storeFunc) Exchange(ctx context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
	return f(ctx, ask)
}

// A call does not fail because the store fails. The failure is logged once, and
// from then on the limiter works alone.
func TestAStoreThatFailsFailsNoCall(t *testing.T) {
	for name, store := range map[string]storeFunc{
		"an error": func(context.Context, leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
			return leedo.QuotaAnswer{}, errors.New("connection\nrefused")
		},
		"a panic": func(context.Context, leedo.QuotaAsk) (leedo.QuotaAnswer, error) { panic("out of order") },
		"no answer": func(ctx context.Context, _ leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
			<-ctx.Done()
			return leedo.QuotaAnswer{}, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: store})
				if err != nil {
					t.Fatal(err)
				}
				log := support.NewLog()
				server := leedotest.NewServer()
				server.SetRateLimit(100, time.Hour)
				client := server.Client(leedo.WithRateLimiter(limiter), leedo.WithLogger(slog.New(log)))
				id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
				for i := range 100 {
					if _, err := client.Leads.Get(t.Context(), id); err != nil {
						t.Fatalf("call %d: %v", i+1, err)
					}
					time.Sleep(time.Second)
				}
				if _, err := client.Leads.Get(t.Context(), id); err == nil || len(server.Requests()) != 100 {
					t.Errorf("%v after %d requests", err, len(server.Requests()))
				} else if limited, ok := errors.AsType[*leedo.RateLimitError](err); !ok || !limited.Local() {
					t.Error(err)
				}
				var told []string
				for _, r := range *log.Records {
					if r.Level == slog.LevelWarn {
						told = append(told, r.Text)
					}
				}
				if len(told) != 1 || !strings.Contains(told[0], "quota store failed") || strings.Count(told[0], "\n") > 1 {
					t.Errorf("logged: %q", told)
				}
			})
		})
	}
}

// The failure of a store is logged by the first call that has a logger.
func TestAFailureOfAStoreWaitsForALogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{
			Store: storeFunc(func(context.Context, leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
				return leedo.QuotaAnswer{}, errors.New("down")
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		log := support.NewLog()
		server := leedotest.NewServer()
		id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
		silent := server.Client(leedo.WithRateLimiter(limiter))
		var logs *leedo.Client
		logs = server.Client(leedo.WithRateLimiter(limiter), leedo.WithLogger(slog.New(log)),
			leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
				_, err := logs.Leads.Get(ctx, id) // logs nothing
				return errors.Join(err, next(ctx))
			}))
		for _, client := range []*leedo.Client{silent, logs} {
			if _, err := client.Leads.Get(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
		warned := 0
		for _, r := range *log.Records {
			if r.Level == slog.LevelWarn && strings.Contains(r.Text, "quota store failed") {
				warned++
			}
		}
		if warned != 1 {
			t.Errorf("logged %d times", warned)
		}
	})
}

// The limiter reports to the store what the process did, and obeys a store that
// has no permit left.
func TestAStoreGetsReportsAndIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asks []leedo.QuotaAsk
		permits := 3
		limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{
			Reserve: 0.25,
			Store: storeFunc(func(_ context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
				asks = append(asks, ask)
				n := min(ask.Interactive, permits)
				permits -= n
				return leedo.QuotaAnswer{Interactive: n, AskAgain: time.Second, Opens: 10 * time.Minute, Turn: int64(len(asks))}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		server := leedotest.NewServer(leedotest.WithPlan(leedotest.Duo))
		client := server.Client(leedo.WithRateLimiter(limiter))
		id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
		for range 3 {
			if _, err := client.Leads.Get(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		_, err = client.Leads.Get(t.Context(), id)
		limited, ok := errors.AsType[*leedo.RateLimitError](err)
		if !ok || !limited.Local() || limited.RetryAt.Sub(start) != 10*time.Minute || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if len(server.Requests()) != 3 {
			t.Errorf("%d requests", len(server.Requests()))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		last := asks[len(asks)-1]
		if last.Process == "" || last.Number != int64(len(asks)) || last.Reserve != 0.25 || last.Served != 3 || last.Held != 0 ||
			last.Calls != 4 || last.Limit != 500 || last.Remaining != 497 || last.Reset < 59*time.Minute || last.Reset > time.Hour+time.Second {
			t.Errorf("reported: %+v", last)
		}
	})
}
