package redislimit_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/redislimit"
	"github.com/redis/go-redis/v9"
)

// Every process that uses the token does this. Nothing is sent before the first call.
func Example() {
	rdb := redis.NewClient(&redis.Options{Addr: "redis.internal:6379"})
	store, err := redislimit.New(rdb, "leedo:acme") // the same key in each process, one for each token
	if err != nil {
		log.Fatal(err)
	}
	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	client, err := leedo.NewClient("my-api-token", leedo.WithRateLimiter(limiter))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.RateLimit().Limit)
	rdb.Close()
	// Output: 0
}

// No call fails because the store does not work. Check reports at startup that it does
// not.
func ExampleStore_Check() {
	rdb := redis.NewClient(&redis.Options{Addr: "redis.internal:6379", DialerRetries: 1})
	store, err := redislimit.New(rdb, "leedo:acme")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := store.Check(ctx); err != nil {
		log.Print(err) // redislimit: key "{leedo:acme}": dial tcp …: connect: connection refused
	}
}
