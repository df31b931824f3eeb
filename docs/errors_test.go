package docs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

var errNoLead = errors.New("no such lead")

// findByID returns the lead with an id, or errNoLead.
func findByID(ctx context.Context, client *leedo.Client, id string) (*leedo.Lead, error) {
	lead, err := client.Leads.Get(ctx, id)
	if _, ok := errors.AsType[*leedo.NotFoundError](err); ok {
		return nil, errNoLead // an error of your own
	} else if _, ok := errors.AsType[*leedo.TransportError](err); ok {
		return nil, fmt.Errorf("the API cannot be reached: %w", err)
	}
	return lead, err
}

func Example_errorsNotFound() {
	ctx := context.Background()
	server := leedotest.NewServer()
	id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
	client := server.Client()

	lead, err := findByID(ctx, client, id)
	fmt.Println(lead.Name, err)
	_, err = findByID(ctx, client, "unknown")
	fmt.Println(err)
	server.Inject(leedotest.Fault{Drop: true, Times: -1})
	_, err = findByID(ctx, client, id)
	fmt.Println(strings.HasPrefix(err.Error(), "the API cannot be reached: leedo: GET /leads/{id}: "))
	// Output:
	// John Doe <nil>
	// no such lead
	// true
}
