package leedotest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// A server that holds some records, and a client for it.
func ExampleNewServer() {
	server := leedotest.NewServer()
	server.AddLead(leedo.Lead{Name: "John Doe", Email: "john@example.com"})
	server.AddLead(leedo.Lead{Name: "Jane Smith", Status: leedo.LeadStatusQualified})

	client := server.Client()
	for lead, err := range client.Leads.All(context.Background(), nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(lead.Name, lead.Status)
	}
	// Output:
	// Jane Smith qualified
	// John Doe new
}

// The response to a create is lost: the lead exists, but the client cannot know that.
func ExampleServer_Inject() {
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{
		Method: "POST", Path: "/leads",
		Processed: true, Drop: true,
	})

	_, err := server.Client().Leads.Create(context.Background(), &leedo.LeadCreateParams{Name: "John Doe"})
	_, unknown := errors.AsType[*leedo.UnknownOutcomeError](err)
	fmt.Println("outcome unknown:", unknown)
	fmt.Println("leads:", len(server.Leads()))
	// Output:
	// outcome unknown: true
	// leads: 1
}

// When limits a fault to some of the requests with the same method and path, here to the
// second page of a list.
func ExampleFault_when() {
	server := leedotest.NewServer()
	for range 3 {
		server.AddLead(leedo.Lead{Name: "John Doe"})
	}
	server.Inject(leedotest.Fault{
		Method: "GET", Path: "/leads", Status: 403,
		When: func(r leedotest.Request) bool { return r.Query.Get("page") == "2" },
	})

	read := 0
	for _, err := range server.Client().Leads.All(context.Background(), &leedo.LeadListParams{PerPage: 2}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		read++
	}
	fmt.Println("read:", read)
	// Output:
	// leedo: GET /leads, page 2: 403 forbidden: injected fault (request req_2, 1 attempt)
	// read: 2
}

// One fault has not applied, because the code under test sent no PATCH. A test would call
// t.Error.
func ExampleServer_Pending() {
	server := leedotest.NewServer()
	server.Inject(
		leedotest.Fault{Method: "GET", Path: "/leads", Status: 503},
		leedotest.Fault{Method: "PATCH", Path: "/leads/{id}", Status: 403},
	)

	_, err := server.Client().Leads.List(context.Background(), nil)
	fmt.Println(err)
	for _, fault := range server.Pending() {
		fmt.Println("not applied:", fault.Method, fault.Path)
	}
	// Output:
	// <nil>
	// not applied: PATCH /leads/{id}
}

// Another client creates a lead while a list is read. All others move by one place, and
// the iteration skips what it has already returned.
func ExampleServer_OnRequest() {
	server := leedotest.NewServer()
	for _, name := range []string{"Ann", "Bob", "Cleo", "Dan"} {
		server.AddLead(leedo.Lead{Name: name})
	}
	server.OnRequest(func(r leedotest.Request) {
		if r.Path == "/leads" && r.Query.Get("page") == "2" {
			server.AddLead(leedo.Lead{Name: "Eve"})
		}
	})

	for lead, err := range server.Client().Leads.All(context.Background(), &leedo.LeadListParams{PerPage: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(lead.Name)
	}
	// Output:
	// Dan
	// Cleo
	// Bob
	// Ann
}

// Requests returns what the code under test sent.
func ExampleServer_Requests() {
	server := leedotest.NewServer()
	server.AddLead(leedo.Lead{ID: "1", Name: "John Doe"})

	_, err := server.Client().Leads.Update(context.Background(), "1", &leedo.LeadUpdateParams{Phone: new("+1234567890")})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range server.Requests() {
		fmt.Println(r.Method, r.Path, r.Status, r.JSON()["phone"])
	}
	// Output:
	// PATCH /leads/1 200 +1234567890
}

// The quota is exhausted after two requests. In a testing/synctest bubble, the code under
// test could also wait for the next hour.
func ExampleServer_SetRateLimit() {
	server := leedotest.NewServer()
	server.SetRateLimit(2, time.Hour)

	client := server.Client(leedo.WithMaxWait(0))
	for range 3 {
		_, err := client.Leads.List(context.Background(), nil)
		_, limited := errors.AsType[*leedo.RateLimitError](err)
		fmt.Println("limited:", limited)
	}
	// Output:
	// limited: false
	// limited: false
	// limited: true
}
