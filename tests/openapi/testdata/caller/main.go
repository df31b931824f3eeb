// Command caller makes the eleven calls of the API with the client that is generated
// from api/openapi.yaml, and prints a line for each. Its arguments are the base URL and
// the id of a campaign. See ../../generated_test.go, which provides the client.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := calls(ctx, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func calls(ctx context.Context, baseURL, campaignID string) error {
	client, err := NewClientWithResponses(baseURL, WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+os.Getenv("LEEDO_API_TOKEN"))
		return nil
	}))
	if err != nil {
		return err
	}

	created, err := client.CreateLeadWithResponse(ctx, LeadFields{Name: new("John Doe"), Email: new("john@example.com")})
	if err != nil || created.JSON201 == nil {
		return failed("createLead", created, err)
	}
	fmt.Printf("createLead %d: %s\n", created.StatusCode(), created.JSON201.Name)
	id := created.JSON201.Id

	updated, err := client.UpdateLeadWithResponse(ctx, id, LeadFields{Status: new("qualified"), Phone: new("+1234567890")})
	if err != nil || updated.JSON200 == nil {
		return failed("updateLead", updated, err)
	}
	fmt.Printf("updateLead %d: %s\n", updated.StatusCode(), *updated.JSON200.Status)

	lead, err := client.GetLeadWithResponse(ctx, id)
	if err != nil || lead.JSON200 == nil {
		return failed("getLead", lead, err)
	}
	fmt.Printf("getLead %d: %s\n", lead.StatusCode(), *lead.JSON200.Status)

	leads, err := client.ListLeadsWithResponse(ctx, &ListLeadsParams{Page: new(1), PerPage: new(10)})
	if err != nil || leads.JSON200 == nil {
		return failed("listLeads", leads, err)
	}
	fmt.Printf("listLeads %d: %d of %d\n", leads.StatusCode(), len(leads.JSON200.Data), leads.JSON200.Meta.Total)

	account, err := client.CreateAccountWithResponse(ctx, AccountFields{Name: new("Acme Corporation")})
	if err != nil || account.JSON201 == nil {
		return failed("createAccount", account, err)
	}
	fmt.Printf("createAccount %d: %s\n", account.StatusCode(), account.JSON201.Name)

	sameAccount, err := client.GetAccountWithResponse(ctx, account.JSON201.Id)
	if err != nil || sameAccount.JSON200 == nil {
		return failed("getAccount", sameAccount, err)
	}
	fmt.Printf("getAccount %d: %s\n", sameAccount.StatusCode(), sameAccount.JSON200.Name)

	accounts, err := client.ListAccountsWithResponse(ctx, &ListAccountsParams{})
	if err != nil || accounts.JSON200 == nil {
		return failed("listAccounts", accounts, err)
	}
	fmt.Printf("listAccounts %d: %d of %d\n", accounts.StatusCode(), len(accounts.JSON200.Data), accounts.JSON200.Meta.Total)

	contact, err := client.CreateContactWithResponse(ctx, ContactFields{Name: new("Jane Smith"), AccountId: new(account.JSON201.Id)})
	if err != nil || contact.JSON201 == nil {
		return failed("createContact", contact, err)
	}
	fmt.Printf("createContact %d: %s\n", contact.StatusCode(), contact.JSON201.Name)

	contacts, err := client.ListContactsWithResponse(ctx, &ListContactsParams{})
	if err != nil || contacts.JSON200 == nil {
		return failed("listContacts", contacts, err)
	}
	fmt.Printf("listContacts %d: %d of %d\n", contacts.StatusCode(), len(contacts.JSON200.Data), contacts.JSON200.Meta.Total)

	campaign, err := client.GetCampaignWithResponse(ctx, campaignID)
	if err != nil || campaign.JSON200 == nil {
		return failed("getCampaign", campaign, err)
	}
	fmt.Printf("getCampaign %d: %d\n", campaign.StatusCode(), campaign.JSON200.LeadsCount)

	campaigns, err := client.ListCampaignsWithResponse(ctx, &ListCampaignsParams{})
	if err != nil || campaigns.JSON200 == nil {
		return failed("listCampaigns", campaigns, err)
	}
	fmt.Printf("listCampaigns %d: %d of %d, %d requests left\n", campaigns.StatusCode(), len(campaigns.JSON200.Data),
		campaigns.JSON200.Meta.Total, *campaigns.Headers200.XRateLimitRemaining)

	none, err := client.GetLeadWithResponse(ctx, "none")
	if err != nil || none.JSON404 == nil {
		return failed("getLead", none, err)
	}
	fmt.Printf("getLead %d: %s\n", none.StatusCode(), none.JSON404.Error.Code)
	return nil
}

// failed is the error of a call without the response that it should have.
func failed(operation string, resp interface{ StatusCode() int }, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return fmt.Errorf("%s: status %d", operation, resp.StatusCode())
}
