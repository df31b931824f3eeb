package otel_test

import (
	"context"
	"fmt"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

func Example() {
	err := func() error {
		token := leedotest.NewServer().Token()

		limiter, err := leedo.NewRateLimiter(nil)
		if err != nil {
			return err
		}
		opts, err := leedootel.Instrument(leedootel.WithRateLimiter(limiter))
		if err != nil {
			return err
		}
		client, err := leedo.NewClient(token, opts...)

		if err == nil {
			_, err = client.Leads.Get(context.Background(), "") // not sent
		}
		return err
	}()
	fmt.Println(err)
	// Output: leedo: GET /leads/{id}: invalid argument: id is empty
}
