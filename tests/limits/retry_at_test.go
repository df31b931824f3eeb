package limits_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Whatever the options, the limit and the window, a call that failed with a
// RateLimitError succeeds when it is repeated alone at RetryAt, and not if it
// is 2 s or a tenth earlier.
func TestARefusedCallSucceedsAtRetryAt(t *testing.T) {
	refused := 0
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 7))
			pick := func(of ...float64) float64 { return of[dice.IntN(len(of))] }
			limit, window := int(pick(1, 2, 3, 10, 100, 500)), time.Duration(pick(60, 60, 10, 1))*time.Minute
			options := leedo.RateLimiterOptions{Share: pick(0, 0, 0, 0.5, 0.1, 0.33), Reserve: pick(0, 0, -1, 0.05, 0.3, 1), RequestsPerSecond: pick(0, 0, 0, 0.1, 3, 7)}
			limiter, err := leedo.NewRateLimiter(&options)
			if err != nil {
				t.Fatal(err)
			}
			server := leedotest.NewServer(leedotest.WithRecentRequests(0))
			id := server.AddLead(leedo.Lead{Name: "Ann"}).ID
			server.SetRateLimit(limit, window)
			if dice.IntN(2) == 0 { // another has begun the window
				server.Client().Leads.Get(t.Context(), id)
				time.Sleep(time.Duration(dice.Int64N(int64(window))))
			}
			client := server.Client(leedo.WithRateLimiter(limiter), leedo.WithMaxWait(0))
			call := func(p leedo.Priority) *leedo.RateLimitError {
				_, err := client.Leads.Get(t.Context(), id, leedo.WithPriority(p))
				e, ok := errors.AsType[*leedo.RateLimitError](err)
				if err != nil && !ok {
					t.Fatal(err)
				}
				return e
			}
			for calls, refusals := 0, 0; calls < 3000 && refusals < 12; calls++ {
				if dice.IntN(8) == 0 {
					time.Sleep(time.Duration(dice.Int64N(int64(window / 50))))
				}
				p := leedo.Priority(dice.IntN(2))
				e := call(p)
				if e == nil {
					continue
				}
				refusals++
				refused++
				wait := time.Until(e.RetryAt)
				if early := wait - max(2*time.Second, wait/10) - time.Millisecond; early > 0 && dice.IntN(2) == 0 {
					time.Sleep(early)
					if call(p) == nil {
						t.Errorf("seed %d, limit %d in %v, %+v: priority %d is served %v before RetryAt, of %v: %v", seed, limit, window, options, p, wait-early, wait, e)
						continue
					}
				}
				time.Sleep(time.Until(e.RetryAt))
				if again := call(p); again != nil {
					t.Errorf("seed %d, limit %d in %v, %+v: priority %d is refused at RetryAt, after %v: %v; then %v", seed, limit, window, options, p, wait, e, again)
				}
			}
			if f := client.RateLimit(); f.InFlight != 0 || f.Waiting != 0 {
				t.Errorf("%+v", f)
			}
		})
	}
	if refused < 2000 {
		t.Errorf("only %d refusals", refused)
	}
}

// The error of a 429 says whether its time comes from Retry-After.
func TestTheReasonOfA429(t *testing.T) {
	t.Parallel()
	for want, headers := range map[leedo.WaitReason][]string{
		leedo.WaitRetryAfter: {"Retry-After", "60"},
		leedo.WaitQuota:      {"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "60"},
	} {
		c, _ := support.InMemory(t, []leedo.Option{leedo.WithoutRateLimiter()}, support.Respond(429, "", headers...))
		err := support.Reads[0].Call(t.Context(), c)
		if e, ok := errors.AsType[*leedo.RateLimitError](err); !ok || e.Reason != want {
			t.Errorf("%v: %v, want the reason %s", headers, err, want)
		}
	}
}

// After the last 429 that a call waits out, RetryAt is the limiter's estimate, too,
// whatever the server says.
func TestRetryAtAfterTheLast429(t *testing.T) {
	t.Parallel()
	for _, header := range []http.Header{{}, {"Retry-After": {"0"}}, {"Retry-After": {"5"}}} {
		synctest.Test(t, func(t *testing.T) {
			server := leedotest.NewServer()
			server.Inject(leedotest.Fault{Status: 429, Times: 11, Header: header})
			c := server.Client(leedo.WithMaxWait(leedo.NoMaxWait))
			_, err := c.Leads.List(t.Context(), nil)
			refused := support.AsRateLimitError(t, err)
			if refused.Local() || len(server.Requests()) != 11 || refused.RetryAt.IsZero() {
				t.Fatalf("%v: %v, %d requests", header, err, len(server.Requests()))
			}
			time.Sleep(time.Until(refused.RetryAt))
			if _, err := c.Leads.List(t.Context(), nil, leedo.WithMaxWait(0)); err != nil {
				t.Errorf("%v: at RetryAt: %v", header, err)
			}
		})
	}
}
