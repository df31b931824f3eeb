package limits_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Concurrent calls that get a 429 without a Retry-After wait about a second
// together, not one for each 429.
func TestABurstOf429sCountsOnce(t *testing.T) {
	t.Parallel()
	for _, op := range support.GetAndCreate {
		synctest.Test(t, func(t *testing.T) {
			const calls = 20
			start := time.Now()
			var mu sync.Mutex
			refusals := 0
			c, _ := support.InMemory(t, nil, func(w http.ResponseWriter, req *http.Request) {
				<-time.After(100 * time.Millisecond) // all of them are under way together
				if time.Since(start) > 400*time.Millisecond {
					support.Respond(200, support.LeadJSON)(w, req)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				refusals++
				support.RateLimited()(w, req)
			})
			var wg sync.WaitGroup
			for range calls {
				wg.Go(func() {
					if err := op.Call(t.Context(), c); err != nil {
						t.Errorf("%s: %v", op.Name, err)
					}
				})
			}
			wg.Wait()
			if took := time.Since(start); refusals < 1 || refusals > calls || took > 3*time.Second {
				t.Errorf("%s: %d refusals, took %v", op.Name, refusals, took)
			}
		})
	}
}

// A burst of 429s after the wait for the last one counts again.
func TestBurstsOf429sBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, rec := support.InMemory(t, []leedo.Option{leedo.WithMaxWait(leedo.NoMaxWait)}, func(w http.ResponseWriter, req *http.Request) {
			<-time.After(100 * time.Millisecond)
			support.RateLimited()(w, req)
		})
		start := time.Now()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { support.AsRateLimitError(t, support.Create(t.Context(), c)) })
		}
		wg.Wait()
		// The burst counts once. After it the calls try one at a time, each ten
		// times more: after 1, 2, 4 … 256 and then 300 seconds, or down to half.
		if took := time.Since(start); took < 400*time.Second+40*150*time.Second || took > 850*time.Second+41*300*time.Second || len(rec.Requests()) != 5*11 {
			t.Errorf("took %v, %d requests", took, len(rec.Requests()))
		}
	})
}

// A Retry-After of zero counts, although the reset is far ahead.
func TestARetryAfterOfZeroIsBelieved(t *testing.T) {
	t.Parallel()
	for _, op := range support.GetAndCreate {
		for _, now := range []string{"0", "0.0", "past"} {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				header := append(support.Exhausted(start.Add(time.Hour)), "Retry-After", now)
				if now == "past" {
					header[len(header)-1] = start.Add(-20 * time.Second).UTC().Format(http.TimeFormat)
				}
				c, rec := support.InMemory(t, nil, support.RateLimited(header...), support.Respond(200, support.LeadJSON))
				err := op.Call(t.Context(), c)
				if took := time.Since(start); err != nil || took > 2*time.Second || len(rec.Requests()) != 2 {
					t.Errorf("%s, %s: %v after %v and %d requests", op.Name, now, err, took, len(rec.Requests()))
				}
			})
		}
	}
}
