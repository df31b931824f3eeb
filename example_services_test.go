package leedo_test

import (
	"context"
	"fmt"
	"log"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func ExampleAccountsService_Create() {
	ctx := context.Background()
	client := leedotest.NewServer().Client()

	account, err := client.Accounts.Create(ctx, &leedo.AccountCreateParams{
		Name:     "Acme Corporation",
		Industry: "Technology",
		Website:  "https://example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Name, account.Industry)
	// Output: Acme Corporation Technology
}

func ExampleAccountsService_Get() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddAccount(leedo.Account{ID: "650e8400-e29b-41d4-a716-446655440000", Name: "Acme Corporation"})
	client := server.Client()

	account, err := client.Accounts.Get(ctx, "650e8400-e29b-41d4-a716-446655440000")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Name)
	// Output: Acme Corporation
}

func ExampleAccountsService_List() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddAccount(leedo.Account{Name: "Acme Corporation"})
	client := server.Client()

	page, err := client.Accounts.List(ctx, nil) // the first page
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Data[0].Name, page.Meta.Total)
	// Output: Acme Corporation 1
}

func ExampleAccountsService_Pages() {
	ctx := context.Background()
	server := leedotest.NewServer()
	for i := range 150 {
		server.AddAccount(leedo.Account{Name: fmt.Sprint("Account ", i+1)})
	}
	client := server.Client()

	for page, err := range client.Accounts.Pages(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(page.Meta.Page, len(page.Data))
	}
	// Output:
	// 1 100
	// 2 50
}

func ExampleAccountsService_All() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddAccount(leedo.Account{Name: "Acme Corporation"})
	server.AddAccount(leedo.Account{Name: "Example Inc"})
	client := server.Client()

	for account, err := range client.Accounts.All(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(account.Name)
	}
	// Output:
	// Example Inc
	// Acme Corporation
}

func ExampleContactsService_Create() {
	ctx := context.Background()
	server := leedotest.NewServer()
	account := server.AddAccount(leedo.Account{Name: "Acme Corporation"})
	client := server.Client()

	contact, err := client.Contacts.Create(ctx, &leedo.ContactCreateParams{
		Name:      "Jane Smith",
		Email:     "jane@example.com",
		Role:      "Product Manager",
		AccountID: account.ID,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(contact.Name, contact.AccountID == account.ID)
	// Output: Jane Smith true
}

func ExampleContactsService_List() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddContact(leedo.Contact{Name: "Jane Smith", Role: "Product Manager"})
	client := server.Client()

	page, err := client.Contacts.List(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Data[0].Name, page.Data[0].Role)
	// Output: Jane Smith Product Manager
}

func ExampleContactsService_Pages() {
	ctx := context.Background()
	server := leedotest.NewServer()
	for i := range 101 {
		server.AddContact(leedo.Contact{Name: fmt.Sprint("Contact ", i+1)})
	}
	client := server.Client()

	for page, err := range client.Contacts.Pages(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(page.Meta.Page, len(page.Data))
	}
	// Output:
	// 1 100
	// 2 1
}

func ExampleContactsService_All() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddContact(leedo.Contact{Name: "Jane Smith", Email: "jane@example.com"})
	client := server.Client()

	for contact, err := range client.Contacts.All(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(contact.Name, contact.Email)
	}
	// Output: Jane Smith jane@example.com
}

func ExampleCampaignsService_Get() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddCampaign(leedo.Campaign{ID: "850e8400-e29b-41d4-a716-446655440000", Name: "Q4 2025 Launch", LeadsCount: 42})
	client := server.Client()

	campaign, err := client.Campaigns.Get(ctx, "850e8400-e29b-41d4-a716-446655440000")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(campaign.Name, campaign.Status, campaign.LeadsCount)
	// Output: Q4 2025 Launch active 42
}

func ExampleCampaignsService_List() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddCampaign(leedo.Campaign{Name: "Q4 2025 Launch", LeadsCount: 42})
	client := server.Client()

	page, err := client.Campaigns.List(ctx, &leedo.CampaignListParams{PerPage: 50})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Data[0].Name, page.Meta.PerPage)
	// Output: Q4 2025 Launch 50
}

func ExampleCampaignsService_Pages() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddCampaign(leedo.Campaign{Name: "Q4 2025 Launch"})
	client := server.Client()

	for page, err := range client.Campaigns.Pages(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(page.Meta.Page, page.Data[0].Name)
	}
	// Output: 1 Q4 2025 Launch
}

func ExampleCampaignsService_All() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddCampaign(leedo.Campaign{Name: "Q4 2025 Launch", LeadsCount: 42})
	server.AddCampaign(leedo.Campaign{Name: "Q1 2026 Launch", LeadsCount: 8})
	client := server.Client()

	total := 0
	for campaign, err := range client.Campaigns.All(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		total += campaign.LeadsCount
	}
	fmt.Println(total, "leads from campaigns")
	// Output: 50 leads from campaigns
}
