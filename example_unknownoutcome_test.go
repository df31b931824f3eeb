package leedo_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// createLeadOnce creates a lead, and creates it only once even if the response
// is lost. params must have an e-mail address that no other lead has.
func createLeadOnce(ctx context.Context, client *leedo.Client, params *leedo.LeadCreateParams) (*leedo.Lead, error) {
	lead, err := client.Leads.Create(ctx, params)
	outcome := leedo.OutcomeOf(err)
	if err == nil || outcome == leedo.OutcomeNotDone {
		return lead, err
	}
	// Look for it, also if the context of the call has ended.
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	lead, lookErr := findLead(look, client, params.Email)
	switch {
	case lookErr != nil:
		return nil, fmt.Errorf("%w; and when looking for it: %w", err, lookErr) // still unknown
	case lead != nil:
		return lead, nil
	case outcome == leedo.OutcomeDone || ctx.Err() != nil:
		return nil, err // not in the list yet, or a slow server may still create it
	}
	return client.Leads.Create(ctx, params)
}

// findLead returns the lead with an e-mail address, or nil. It makes a request
// for every 100 leads until it has found it. For 10,000 leads that is more than
// the Free plan allows in an hour.
//
// An API that normalizes addresses otherwise than by white space and case, for
// example by removing "+tag", defeats it: the lead is not found, and is created
// a second time.
func findLead(ctx context.Context, client *leedo.Client, email string) (*leedo.Lead, error) {
	email = strings.TrimSpace(email)
	for lead, err := range client.Leads.All(ctx, nil, leedo.WithPriority(leedo.PriorityInteractive)) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(strings.TrimSpace(lead.Email), email) {
			return client.Leads.Get(ctx, lead.ID) // items of a list are not complete
		}
	}
	return nil, nil
}

// A write whose response is lost may have been done. Look before repeating it.
func ExampleUnknownOutcomeError() {
	ctx := context.Background()
	server := leedotest.NewServer()
	// The lead is created, but the connection is cut before the response comes.
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

// Was it done? One question, whatever the type of the error.
func ExampleOutcomeOf() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(
		leedotest.Fault{Method: "POST", Status: 503, Processed: true},
		leedotest.Fault{Method: "POST", Status: 404},
		leedotest.Fault{Method: "POST", Status: 201, Processed: true}, // and no body
	)
	client := server.Client()

	for range 4 {
		_, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"})
		switch outcome := leedo.OutcomeOf(err); outcome {
		case leedo.OutcomeNotDone:
			fmt.Println("not created, can be repeated:", err)
		case leedo.OutcomeUnknown:
			fmt.Println("perhaps created, look before repeating it:", err)
		case leedo.OutcomeDone:
			fmt.Println("created; error:", err) // an error says that the response is not usable
		}
	}
	// Output:
	// perhaps created, look before repeating it: leedo: POST /leads: outcome unknown: 503 service_unavailable: injected fault (request req_1, 1 attempt)
	// not created, can be repeated: leedo: POST /leads: 404 not_found: injected fault (request req_2, 1 attempt)
	// created; error: leedo: POST /leads: unusable response 201: empty body (request req_3, 1 attempt)
	// created; error: <nil>
}
