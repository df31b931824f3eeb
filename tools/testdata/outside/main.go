// Outside uses the SDK as a program of a user does: .ci/published builds and runs it
// outside this repository, with the modules as they would be published.
//
// It creates a lead on the fake, with a quota in Redis and spans through OpenTelemetry.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/redislimit"
)

func main() {
	if err := errors.Join(modules(), run(os.Args[1])); err != nil {
		fmt.Fprintln(os.Stderr, "outside:", err)
		os.Exit(1)
	}
}

// modules prints the modules of the SDK that the program is built with, and fails if one
// of them is not a published one.
func modules() error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("the program has no build information")
	}
	found := 0
	for _, m := range info.Deps {
		if !strings.HasPrefix(m.Path, "github.com/leedoapp/leedo-go") {
			continue
		}
		if m.Replace != nil || m.Version != "v"+leedo.Version || m.Sum == "" {
			return fmt.Errorf("%s %s is not a published v%s", m.Path, m.Version, leedo.Version)
		}
		fmt.Println(m.Path, m.Version, m.Sum)
		found++
	}
	if found != 3 {
		return fmt.Errorf("built with %d modules of the SDK, want 3", found)
	}
	return nil
}

// run creates the lead. redisSocket is the Unix socket of a Redis server.
func run(redisSocket string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: redisSocket})
	defer rdb.Close()
	store, err := redislimit.New(rdb, "outside")
	if err != nil {
		return err
	}
	if err := store.Check(ctx); err != nil {
		return err
	}
	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: store})
	if err != nil {
		return err
	}

	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	spans := tracetest.NewSpanRecorder()
	opts, err := leedootel.Instrument(
		leedootel.WithHTTPClient(server.HTTPClient()),
		leedootel.WithRateLimiter(limiter),
		leedootel.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans))),
	)
	if err != nil {
		return err
	}
	client, err := leedo.NewClient(server.Token(), append(opts, leedo.WithRateLimiter(limiter))...)
	if err != nil {
		return err
	}
	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "Ada Example"})
	if err != nil {
		return err
	}

	shared, err := rdb.HLen(ctx, "{outside}").Result()
	if err != nil {
		return err
	}
	left := client.RateLimit().Remaining
	fmt.Printf("created %s; the fake has %d lead; %d requests left; Redis has %d fields; %d spans\n",
		lead.ID, len(server.Leads()), left, shared, len(spans.Ended()))
	if len(server.Leads()) != 1 || left == 0 || shared == 0 || len(spans.Ended()) != 2 {
		return errors.New("that is not one lead, some quota, a key in Redis and the spans of a call and an attempt")
	}
	return nil
}
