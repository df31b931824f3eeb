package leedo_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// qualifyLead is code under test: it takes a client and needs nothing else.
func qualifyLead(ctx context.Context, client *leedo.Client, id string) error {
	_, err := client.Leads.Update(ctx, id, &leedo.LeadUpdateParams{Status: new(leedo.LeadStatusQualified)})
	return err
}

func TestQualifyLead(t *testing.T) {
	server := leedotest.NewServer()
	lead := server.AddLead(leedo.Lead{Name: "John Doe"})

	if err := qualifyLead(t.Context(), server.Client(), lead.ID); err != nil {
		t.Fatal(err)
	}
	if got := server.Leads()[0].Status; got != leedo.LeadStatusQualified {
		t.Errorf("status %q", got)
	}
}

// The fake keeps the requests that it received and the records that it holds.
func Example_testing() {
	server := leedotest.NewServer()
	lead := server.AddLead(leedo.Lead{Name: "John Doe"})

	if err := qualifyLead(context.Background(), server.Client(), lead.ID); err != nil {
		fmt.Println(err)
	}
	request := server.Requests()[0]
	fmt.Println(request.Method, request.Path == "/leads/"+lead.ID, request.JSON(), request.Status)
	fmt.Println(server.Leads()[0].Status)
	// Output:
	// PATCH true map[status:qualified] 200
	// qualified
}

// A fault applies to the next request that it matches, or to several with Times.
func Example_testingFaults() {
	ctx := context.Background()
	server := leedotest.NewServer()
	client := server.Client(leedo.WithRetries(0))
	server.Inject(
		leedotest.Fault{Method: "GET", Path: "/leads", Status: 503},               // fails
		leedotest.Fault{Method: "GET", Path: "/leads", Truncate: 10},              // is cut after 10 bytes
		leedotest.Fault{Path: "/leads/{id}", Status: 200, Body: `{"unexpected":`}, // is no JSON
	)
	_, err := client.Leads.List(ctx, nil)
	fmt.Printf("%T\n", err)
	_, err = client.Leads.List(ctx, nil)
	fmt.Printf("%T\n", err)
	_, err = client.Leads.Get(ctx, "some-id")
	fmt.Printf("%T\n", err)
	_, err = client.Leads.List(ctx, nil)
	fmt.Println(err)
	// Output:
	// *leedo.ServerError
	// *leedo.TransportError
	// *leedo.DecodeError
	// <nil>
}

// The fake on a real port, for code that makes its own HTTP client.
func Example_testingRealPort() {
	fake := leedotest.NewServer()
	server := httptest.NewServer(fake)
	defer server.Close()

	client, err := leedo.NewClient(fake.Token(), leedo.WithBaseURL(server.URL+"/v1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Leads.List(context.Background(), nil)
	fmt.Println(err)
	// Output: <nil>
}
