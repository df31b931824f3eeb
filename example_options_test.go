package leedo_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// Shared options are defaults on a client and win on a call.
func ExampleSharedOption() {
	ctx := context.Background()
	server := leedotest.NewServer()
	client := server.Client(leedo.WithRetries(0)) // for all calls
	server.Inject(leedotest.Fault{Status: 503, Times: 2})

	_, err := client.Leads.List(ctx, nil)
	fmt.Println(err != nil, len(server.Requests()))
	_, err = client.Leads.List(ctx, nil, leedo.WithRetries(2)) // for this one
	fmt.Println(err != nil, len(server.Requests()))
	// Output:
	// true 1
	// false 3
}

// A web handler should not wait; a nightly job may.
func ExampleWithMaxWait() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.SetRateLimit(0, time.Hour) // nothing is left
	client := server.Client()

	_, err := client.Leads.List(ctx, nil, leedo.WithMaxWait(0)) // do not wait
	if limited, ok := errors.AsType[*leedo.RateLimitError](err); ok {
		fmt.Println("not sent, call again in", time.Until(limited.RetryAt).Round(time.Minute))
	}

	// NoMaxWait waits as long as the context allows. If its deadline is too early,
	// the call fails immediately, not after the wait.
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	start := time.Now()
	_, err = client.Leads.List(ctx, nil, leedo.WithMaxWait(leedo.NoMaxWait))
	_, ok := errors.AsType[*leedo.RateLimitError](err)
	fmt.Println(ok, time.Since(start) < time.Second)
	// Output:
	// not sent, call again in 1h0m0s
	// true true
}

func ExampleWithRetries() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 502, Times: 3})
	client := server.Client()

	_, err := client.Leads.List(ctx, nil) // 3 retries, the default
	fmt.Println(err, len(server.Requests()))
	// Output: <nil> 4
}

func ExampleWithAttemptTimeout() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Latency: time.Hour, Times: -1}) // no response comes
	client := server.Client(leedo.WithAttemptTimeout(time.Millisecond), leedo.WithRetries(2))

	_, err := client.Leads.List(ctx, nil)
	if e, ok := errors.AsType[*leedo.TransportError](err); ok {
		fmt.Println(e.Attempts, "attempts, timeout:", e.Timeout())
	}
	// Output: 3 attempts, timeout: true
}

// WithResponse keeps the response as it came: status, header and body.
func ExampleWithResponse() {
	ctx := context.Background()
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Duo))
	client := server.Client()

	var response leedo.Response
	_, err := client.Leads.List(ctx, nil, leedo.WithResponse(&response))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode, response.RequestID, response.Attempts)
	fmt.Println(response.RateLimit.Remaining, "left")
	fmt.Println(string(response.Body))
	// Output:
	// 200 req_1 1
	// 499 left
	// {"data":[],"meta":{"total":0,"page":1,"per_page":20}}
}

func ExampleWithBodyField() {
	ctx := context.Background()
	server := leedotest.NewServer()
	client := server.Client()

	_, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"},
		leedo.WithBodyField("score", 7),
		leedo.WithBodyField("tags", []string{"fair", "warm"}))
	if err != nil {
		log.Fatal(err)
	}
	sent := server.Requests()[0].JSON()
	fmt.Println(sent["name"], sent["score"], sent["tags"])
	// Output: John Doe 7 [fair warm]
}

func ExampleWithQuery() {
	ctx := context.Background()
	server := leedotest.NewServer()
	client := server.Client()

	// The SDK has no typed filters, as none are documented.
	_, err := client.Leads.List(ctx, &leedo.LeadListParams{PerPage: 50}, leedo.WithQuery("status", "new"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Requests()[0].Query.Encode())
	// Output: per_page=50&status=new
}

func ExampleWithHeader() {
	ctx := context.Background()
	server := leedotest.NewServer()
	client := server.Client()

	_, err := client.Leads.List(ctx, nil, leedo.WithHeader("X-Trace-Id", "trace-1"))
	if err != nil {
		log.Fatal(err)
	}
	sent := server.Requests()[0].Header
	fmt.Println(sent.Get("X-Trace-Id"))
	// Output: trace-1
}

// Setting a status twice is as good as once, so this write may be retried.
func ExampleWithIdempotent() {
	ctx := context.Background()
	server := leedotest.NewServer()
	id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
	server.Inject(leedotest.Fault{Method: "PATCH", Status: 502})
	client := server.Client()

	lead, err := client.Leads.Update(ctx, id, &leedo.LeadUpdateParams{
		Status: new(leedo.LeadStatusQualified),
	}, leedo.WithIdempotent())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lead.Status, len(server.Requests()))
	// Output: qualified 2
}

// An idempotency key is sent and changes nothing else: the API documents none.
func ExampleWithHeader_idempotencyKey() {
	ctx := context.Background()
	server := leedotest.NewServer()
	client := server.Client()

	_, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"},
		leedo.WithHeader("Idempotency-Key", "import-7-row-12"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Requests()[0].Header.Get("Idempotency-Key"))
	// Output: import-7-row-12
}

func ExampleWithMaxItems() {
	ctx := context.Background()
	server := leedotest.NewServer()
	for i := range 250 {
		server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)})
	}
	client := server.Client()

	count := 0
	for _, err := range client.Leads.All(ctx, nil, leedo.WithMaxItems(150)) {
		if err != nil {
			log.Fatal(err)
		}
		count++
	}
	fmt.Println(count, "leads,", len(server.Requests()), "requests")
	// Output: 150 leads, 2 requests
}

// Eight pages are fetched ahead, so 1,000 leads take the time of 4 requests instead
// of 11. The last page is full, so one more request proves the end of the list.
func ExampleWithPrefetch() {
	ctx := context.Background()
	server := leedotest.NewServer()
	for i := range 1000 {
		server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)})
	}
	client := server.Client()

	count, last := 0, ""
	for lead, err := range client.Leads.All(ctx, nil, leedo.WithPrefetch(8)) {
		if err != nil {
			log.Fatal(err)
		}
		count++
		last = lead.Name
	}
	fmt.Println(count, "leads,", len(server.Requests()), "requests, the last is", last)
	// Output: 1000 leads, 11 requests, the last is Lead 1
}
