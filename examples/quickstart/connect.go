package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// realHost is the host of the real API.
const realHost = "api.leedo.app"

// connect returns a client and a line that says which server it calls. Only -live
// selects the real API, so that no lead is created there by accident.
func connect(args []string, stderr io.Writer, getenv func(string) string) (*leedo.Client, string, error) {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error has the message
	live := flags.Bool("live", false, "call the real API with the token in LEEDO_API_TOKEN; it creates a lead there that remains")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
		}
		return nil, "", err
	}
	if flags.NArg() > 0 {
		return nil, "", fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	base, token := strings.TrimSpace(getenv("LEEDO_BASE_URL")), strings.TrimSpace(getenv("LEEDO_API_TOKEN"))
	u, _ := url.Parse(base)
	switch {
	case *live && base != "":
		return nil, "", errors.New("-live calls the real API: unset LEEDO_BASE_URL, or omit -live")
	case !*live && base == "":
		return fake(), "No -live and no LEEDO_BASE_URL: this starts the bundled fake, in memory and on the Free plan.", nil
	case u != nil && strings.EqualFold(strings.TrimSuffix(u.Hostname(), "."), realHost):
		return nil, "", errors.New("LEEDO_BASE_URL is the real API: to create a lead there, unset it and use -live")
	case token == "":
		return nil, "", errors.New("LEEDO_API_TOKEN is not set")
	case *live:
		client, err := leedo.NewClient(token)
		return client, "-live: this calls the real API. The lead that it creates remains: the API cannot delete it.", err
	}
	client, err := leedo.NewClient(token, leedo.WithBaseURL(base))
	return client, "LEEDO_BASE_URL: this calls " + base, err
}

// fake returns a client of a fake that holds the records of the API's documentation.
// Your own program calls [leedo.NewClient] instead.
func fake() *leedo.Client {
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	at := time.Date(2025, time.October, 1, 12, 0, 0, 0, time.UTC)
	server.AddLead(leedo.Lead{
		ID: "550e8400-e29b-41d4-a716-446655440000", Name: "John Doe", Email: "john@example.com",
		Company: "Acme Corp", Phone: "+1234567890", Status: leedo.LeadStatusNew, CreatedAt: at,
	})
	server.AddAccount(leedo.Account{
		ID: "650e8400-e29b-41d4-a716-446655440000", Name: "Acme Corporation",
		Industry: "Technology", Website: "https://acme.com", CreatedAt: at,
	})
	server.AddContact(leedo.Contact{
		ID: "750e8400-e29b-41d4-a716-446655440000", Name: "Jane Smith", Email: "jane@acme.com",
		Role: "Product Manager", AccountID: "650e8400-e29b-41d4-a716-446655440000", CreatedAt: at,
	})
	server.AddCampaign(leedo.Campaign{
		ID: "850e8400-e29b-41d4-a716-446655440000", Name: "Q4 2025 Launch",
		Status: leedo.CampaignStatusActive, LeadsCount: 42, CreatedAt: at,
	})
	return server.Client()
}
