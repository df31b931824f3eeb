package leedo_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// An import leaves a reserve of the quota to interactive calls.
func ExampleWithPriority() {
	ctx := context.Background()
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	client := server.Client()
	imported := []*leedo.LeadCreateParams{{Name: "Jane Doe"}, {Name: "John Doe"}}

	for _, params := range imported {
		_, err := client.Leads.Create(ctx, params, leedo.WithPriority(leedo.PriorityBulk))
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(len(server.Leads()), "leads")
	// Output: 2 leads
}

// An iteration uses most of the quota and leaves a reserve to interactive calls.
// The reserve shrinks to zero towards the reset, so none of the quota is lost.
func ExampleWithPriority_iteration() {
	ctx := context.Background()
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	for range 1100 {
		server.AddLead(leedo.Lead{Name: "John Doe"})
	}
	client := server.Client()

	var last error
	pages := 0
	for _, err := range client.Leads.Pages(ctx, &leedo.LeadListParams{PerPage: 10}, leedo.WithMaxWait(0)) {
		if err != nil {
			last = err // it would have to wait
			break
		}
		pages++
	}
	_, limited := errors.AsType[*leedo.RateLimitError](last)
	fmt.Println("about", pages/10*10, "pages, then a RateLimitError:", limited)
	_, err := client.Leads.List(ctx, nil)
	fmt.Println("interactive:", err)

	// On a client WithPriority is also for iterations: this one spends the rest.
	client = server.Client(leedo.WithPriority(leedo.PriorityInteractive))
	for _, err := range client.Leads.Pages(ctx, &leedo.LeadListParams{PerPage: 2}) {
		if err != nil {
			fmt.Println("stopped with", client.RateLimit().Remaining, "left")
		}
	}
	// Output:
	// about 90 pages, then a RateLimitError: true
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
	fmt.Println(calls, "calls, then none is sent:", ok && limited.Local())
	// Output: 50 calls, then none is sent: true
}

// Here bulk calls leave a fifth of the quota to interactive ones, instead of a
// tenth.
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
