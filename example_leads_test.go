package leedo_test

import (
	"context"
	"fmt"
	"log"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func ExampleLeadsService_Create() {
	ctx := context.Background()
	client := leedotest.NewServer().Client()

	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{
		Name:    "John Doe",
		Email:   "john@example.com",
		Company: "Acme Corp",
		Phone:   "+1234567890",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lead.Name, lead.Company, lead.Status, lead.ID != "")
	// Output: John Doe Acme Corp new true
}

func ExampleLeadsService_Get() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddLead(leedo.Lead{ID: "550e8400-e29b-41d4-a716-446655440000", Name: "John Doe"})
	client := server.Client()

	lead, err := client.Leads.Get(ctx, "550e8400-e29b-41d4-a716-446655440000")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lead.Name)
	// Output: John Doe
}

// A nil field is left as it is, a pointer sets it, new("") to the empty
// string. WithBodyField with nil sets null.
func ExampleLeadsService_Update() {
	ctx := context.Background()
	server := leedotest.NewServer()
	id := server.AddLead(leedo.Lead{Name: "John Doe", Company: "Acme Corp", Phone: "+1234567890"}).ID
	client := server.Client()

	lead, err := client.Leads.Update(ctx, id, &leedo.LeadUpdateParams{
		Status:  new(leedo.LeadStatusQualified), // set
		Company: new(""),                        // set to the empty string
	}, leedo.WithBodyField("phone", nil)) // set to null
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q %q %q %q\n", lead.Name, lead.Company, lead.Phone, lead.Status)
	fmt.Println(server.Record(id)["phone"])
	// Output:
	// "John Doe" "" "" "qualified"
	// <nil>
}

func ExampleLeadsService_List() {
	ctx := context.Background()
	server := leedotest.NewServer()
	for i := range 45 {
		server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)})
	}
	client := server.Client()

	page, err := client.Leads.List(ctx, &leedo.LeadListParams{Page: 2, PerPage: 20})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Data), "of", page.Meta.Total, "more:", page.HasNext())
	fmt.Println("the first is", page.Data[0].Name)
	// Output:
	// 20 of 45 more: true
	// the first is Lead 25
}

func ExampleLeadsService_All() {
	ctx := context.Background()
	server := leedotest.NewServer()
	for i := range 250 {
		server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)})
	}
	client := server.Client()

	count := 0
	for lead, err := range client.Leads.All(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if count++; count == 1 {
			fmt.Println("first:", lead.Name)
		}
	}
	fmt.Println(count, "leads,", len(server.Requests()), "requests")
	// Output:
	// first: Lead 250
	// 250 leads, 3 requests
}

// Pages are fetched when they are needed, so breaking off early saves requests.
func ExampleLeadsService_All_break() {
	ctx := context.Background()
	server := leedotest.NewServer()
	for i := range 250 {
		server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)})
	}
	client := server.Client()

	for lead, err := range client.Leads.All(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if lead.Name == "Lead 177" {
			fmt.Println("found", lead.Name)
			break
		}
	}
	fmt.Println(len(server.Requests()), "request")
	// Output:
	// found Lead 177
	// 1 request
}

// An iteration can be resumed: keep the number of the last page that is done.
func ExampleLeadsService_Pages() {
	ctx := context.Background()
	server := leedotest.NewServer()
	for i := range 250 {
		server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)})
	}
	client := server.Client()

	done := 1 // saved by the last run
	for page, err := range client.Leads.Pages(ctx, &leedo.LeadListParams{Page: done + 1, PerPage: 100}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("page", page.Meta.Page, "with", len(page.Data), "leads from", page.Data[0].Name)
		done = page.Meta.Page
	}
	fmt.Println("done up to page", done)
	// Output:
	// page 2 with 100 leads from Lead 150
	// page 3 with 50 leads from Lead 50
	// done up to page 3
}
