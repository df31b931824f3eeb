package limits_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A client works in one synctest bubble after another, also when calls of the
// first one stopped waiting: test suites keep a client for all their tests. (If
// it did not, the runtime would end the process.)
func TestAClientServesOneBubbleAfterAnother(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]func(t *testing.T, c *leedo.Client){
		"which waits": func(*testing.T, *leedo.Client) {},
		"which comes later": func(*testing.T, *leedo.Client) {
			<-time.After(2 * time.Hour)
		},
		"of which one gives up, too": func(t *testing.T, c *leedo.Client) {
			giveUp(t, c)
		},
	} {
		c, rec := support.InMemory(t, []leedo.Option{leedo.WithMaxWait(leedo.NoMaxWait)},
			support.Respond(200, support.LeadJSON, "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "3600"), support.Respond(200, support.LeadJSON))
		synctest.Test(t, func(t *testing.T) {
			if err := support.Create(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			giveUp(t, c)
		})
		synctest.Test(t, func(t *testing.T) {
			second(t, c)
			if err := support.Create(t.Context(), c); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		if n := len(rec.Requests()); n != 2 || c.RateLimit().Waiting != 0 || c.RateLimit().InFlight != 0 {
			t.Errorf("%s: %d requests, %+v", name, n, c.RateLimit())
		}
	}
}

// giveUp makes calls that wait for the quota and are cancelled meanwhile.
func giveUp(t *testing.T, c *leedo.Client) {
	t.Helper()
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		if err := support.Create(ctx, c); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}
