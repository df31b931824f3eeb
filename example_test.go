package leedo_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func Example() {
	// A fake of the API, so that this example runs anywhere. In a program of
	// your own: client, err := leedo.NewClientFromEnv()
	server := leedotest.NewServer()
	client := server.Client()
	ctx := context.Background()

	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{
		Name:  "John Doe",
		Email: "john@example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	lead, err = client.Leads.Update(ctx, lead.ID, &leedo.LeadUpdateParams{
		Status: new(leedo.LeadStatusQualified), // a nil field is left as it is
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lead.Name, lead.Email, lead.Status)

	_, err = client.Leads.Get(ctx, "no-such-id")
	if _, ok := errors.AsType[*leedo.NotFoundError](err); ok {
		fmt.Println("not found")
	}
	// Output:
	// John Doe john@example.com qualified
	// not found
}

func ExampleNewClient() {
	client, err := leedo.NewClient(
		"my-api-token",
		leedo.WithUserAgent("myapp/1.2"),
		leedo.WithMaxWait(0), // never wait for the quota
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client) // prints no token, whatever the verb
	// Output: leedo.Client{token: ***}
}

// Invalid settings are errors of the constructor, not of the first call.
func ExampleNewClient_invalid() {
	_, err := leedo.NewClient("Bearer my-api-token")
	fmt.Println(errors.Is(err, leedo.ErrInvalidArgument))
	fmt.Println(err)
	// Output:
	// true
	// leedo: invalid argument: token begins with "Bearer": pass only the token, the SDK adds the scheme
}

func ExampleNewClientFromEnv() {
	os.Setenv("LEEDO_API_TOKEN", "my-api-token")
	os.Setenv("LEEDO_BASE_URL", "http://localhost:8080/v1") // optional
	defer os.Unsetenv("LEEDO_API_TOKEN")
	defer os.Unsetenv("LEEDO_BASE_URL")

	client, err := leedo.NewClientFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: leedo.Client{token: ***}
}

// Custom fields are written with WithBodyField and read into a type that
// embeds the one of this package.
func ExampleClient_Do() {
	ctx := context.Background()
	client := leedotest.NewServer().Client()

	type MyLead struct {
		leedo.Lead
		Score int `json:"score"`
	}

	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"},
		leedo.WithBodyField("score", 7))
	if err != nil {
		log.Fatal(err)
	}
	var my MyLead
	err = client.Do(ctx, "GET", "/leads/"+url.PathEscape(lead.ID), nil, &my)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(my.Name, my.Score)
	// Output: John Doe 7
}

// A page of items of your own type.
func ExampleClient_Do_page() {
	ctx := context.Background()
	client := leedotest.NewServer().Client()

	type MyLead struct {
		leedo.Lead
		Score int `json:"score"`
	}

	for i, name := range []string{"Ada Example", "John Doe"} {
		_, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: name},
			leedo.WithBodyField("score", i+1))
		if err != nil {
			log.Fatal(err)
		}
	}

	var page leedo.Page[MyLead]
	if err := client.Do(ctx, "GET", "/leads", nil, &page, leedo.WithQuery("page", "1")); err != nil {
		log.Fatal(err)
	}
	for _, lead := range page.Data {
		fmt.Println(lead.Name, lead.Score)
	}
	fmt.Println("more:", page.HasNext())
	// Output:
	// John Doe 2
	// Ada Example 1
	// more: false
}

// Do returns the same errors as every other call.
func ExampleClient_Do_unknownRoute() {
	client := leedotest.NewServer().Client()
	err := client.Do(context.Background(), "DELETE", "/leads/x", nil, nil)
	if e, ok := errors.AsType[*leedo.APIError](err); ok {
		fmt.Println(e.StatusCode)
	}
	// Output: 405
}

func ExampleClient_RateLimit() {
	ctx := context.Background()
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	client := server.Client()

	fmt.Println("known before the first call:", client.RateLimit().Limit > 0)
	if _, err := client.Leads.List(ctx, nil); err != nil {
		log.Fatal(err)
	}
	rate := client.RateLimit() // sends nothing
	fmt.Printf("%d of %d left\n", rate.Remaining, rate.Limit)
	// Output:
	// known before the first call: false
	// 99 of 100 left
}

// Clients of one token should share a limiter, so that each knows what the others
// have used.
func ExampleNewRateLimiter() {
	ctx := context.Background()
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))

	limiter, err := leedo.NewRateLimiter(nil)
	if err != nil {
		log.Fatal(err)
	}
	nightly := server.Client(leedo.WithRateLimiter(limiter))
	web := server.Client(leedo.WithRateLimiter(limiter), leedo.WithMaxWait(0))

	if _, err := nightly.Leads.List(ctx, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(web.RateLimit().Remaining, limiter.RateLimit().Remaining)
	// Output: 99 99
}
