package leedo_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// An import leaves a share of the quota to calls that somebody waits for.
func ExampleWithPriority() {
	ctx := context.Background()
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	client := server.Client()
	rows := []*leedo.LeadCreateParams{{Name: "Jane Doe"}, {Name: "John Doe"}}

	for _, params := range rows {
		// A thousand of these can wait. Walks are bulk anyway.
		_, err := client.Leads.Create(ctx, params, leedo.WithPriority(leedo.PriorityBulk))
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(len(server.Leads()), "leads")
	// Output: 2 leads
}

// A walk uses most of the quota and leaves the rest to interactive calls, for
// as long as it is not about to be lost.
func ExampleWithPriority_walk() {
	ctx := context.Background()
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	for range 1100 {
		server.AddLead(leedo.Lead{Name: "John Doe"})
	}
	client := server.Client()

	var walkErr error
	pages := 0
	for _, err := range client.Leads.Pages(ctx, &leedo.LeadListParams{PerPage: 10}, leedo.WithMaxWait(0)) {
		if err != nil {
			walkErr = err // it would have to wait
			break
		}
		pages++
	}
	_, refused := errors.AsType[*leedo.RateLimitError](walkErr)
	fmt.Println("about", pages/10*10, "pages, then refused:", refused)
	_, err := client.Leads.List(ctx, nil)
	fmt.Println("interactive:", err)

	// On a client WithPriority governs walks, too: this one spends the rest.
	client = server.Client(leedo.WithPriority(leedo.PriorityInteractive))
	for _, err := range client.Leads.Pages(ctx, &leedo.LeadListParams{PerPage: 2}) {
		if err != nil {
			fmt.Println("stopped with", client.RateLimit().Remaining, "left")
		}
	}
	// Output:
	// about 90 pages, then refused: true
	// interactive: <nil>
	// stopped with 0 left
}

// Processes that use the same token may each take a share of its quota.
func ExampleNewRateLimiter_share() {
	ctx := context.Background()
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))

	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Share: 0.5}) // two processes, half each
	if err != nil {
		log.Fatal(err)
	}
	client := server.Client(leedo.WithRateLimiter(limiter), leedo.WithMaxWait(0))

	calls := 0
	for err == nil {
		if _, err = client.Leads.List(ctx, nil); err == nil {
			calls++
		}
	}
	limited, ok := errors.AsType[*leedo.RateLimitError](err)
	fmt.Println(calls, "calls, then refused by the limiter:", ok && limited.Local())
	// Output: 50 calls, then refused by the limiter: true
}

// Bulk leaves a fifth of the quota here, instead of a tenth.
func ExampleRateLimiterOptions() {
	ctx := context.Background()
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	for range 1100 {
		server.AddLead(leedo.Lead{Name: "John Doe"})
	}

	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Reserve: 0.2})
	if err != nil {
		log.Fatal(err)
	}
	client := server.Client(leedo.WithRateLimiter(limiter))
	pages := 0
	for _, err := range client.Leads.Pages(ctx, &leedo.LeadListParams{PerPage: 10}) {
		if err == nil {
			pages++
		}
	}
	fmt.Println("about", pages/10*10, "pages")
	// Output: about 80 pages
}
