package redislimit_test

import (
	"fmt"
	"log"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/redislimit"
	"github.com/redis/go-redis/v9"
)

// Each process that uses the token does the same. Nothing is sent before the
// first call.
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
