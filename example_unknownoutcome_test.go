package leedo_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// createLeadOnce makes a lead, and makes it only once even if the answer gets
// lost. No other lead may have the e-mail address.
func createLeadOnce(ctx context.Context, client *leedo.Client, params *leedo.LeadCreateParams) (*leedo.Lead, error) {
	lead, err := client.Leads.Create(ctx, params)
	if _, unknown := errors.AsType[*leedo.UnknownOutcomeError](err); !unknown {
		return lead, err
	}
	// It may have been made: look before repeating.
	for found, lookErr := range client.Leads.All(ctx, nil) {
		if lookErr != nil {
			return nil, fmt.Errorf("%w; and when looking for it: %w", err, lookErr) // still unknown
		}
		if strings.EqualFold(found.Email, params.Email) {
			return client.Leads.Get(ctx, found.ID) // items of a list are not complete
		}
	}
	return client.Leads.Create(ctx, params)
}

// A write whose answer got lost may have been done. Look before repeating it.
func ExampleUnknownOutcomeError() {
	ctx := context.Background()
	server := leedotest.NewServer()
	// The lead is made, but the connection is cut before the answer comes.
	server.Inject(leedotest.Fault{Method: "POST", Path: "/leads", Processed: true, Drop: true})
	client := server.Client()

	lead, err := createLeadOnce(ctx, client, &leedo.LeadCreateParams{Name: "John Doe", Email: "john@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lead.Name)
	fmt.Println("leads there:", len(server.Leads()))
	// Output:
	// John Doe
	// leads there: 1
}
