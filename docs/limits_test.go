package docs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func Example_limitsFail() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.SetRateLimit(0, time.Hour) // nothing is left
	client := server.Client()

	_, err := client.Leads.List(ctx, nil, leedo.WithMaxWait(0)) // do not wait
	if limited, ok := errors.AsType[*leedo.RateLimitError](err); ok {
		fmt.Println("not sent, call again in", time.Until(limited.RetryAt).Round(time.Minute))
	}
	// Output: not sent, call again in 1h0m0s
}

// A program that waits says why and until when.
func TestLimitsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
		out := new(strings.Builder)

		hooks := leedo.Hooks{
			Wait: func(_ context.Context, w leedo.WaitInfo) {
				fmt.Fprintf(out, "%s %s waits for %s until %s\n", w.Method, w.Path, w.Reason, w.Until.Format(time.TimeOnly))
			},
		}

		client := server.Client(leedo.WithMaxWait(leedo.NoMaxWait), leedo.WithHooks(hooks))

		for range 101 {
			if _, err := client.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := out.String(); !strings.HasPrefix(got, "GET /leads waits for quota until 01:00:0") {
			t.Errorf("got %q", got)
		}
	})
}
