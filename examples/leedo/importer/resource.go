package importer

import (
	"context"

	"github.com/leedoapp/leedo-go"
)

// resource is a kind of record that can be imported.
type resource struct {
	path   string
	fields []string // that can be set
	get    bool     // GET path/{id} exists
	create func(ctx context.Context, c *leedo.Client, f map[string]string, opts ...leedo.RequestOption) (id string, err error)
}

var resources = map[string]resource{
	"leads": {path: "/leads", get: true, fields: []string{"name", "email", "company", "phone", "status"},
		create: func(ctx context.Context, c *leedo.Client, f map[string]string, opts ...leedo.RequestOption) (string, error) {
			lead, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{
				Name: f["name"], Email: f["email"], Company: f["company"], Phone: f["phone"], Status: leedo.LeadStatus(f["status"]),
			}, opts...)
			if err != nil {
				return "", err
			}
			return lead.ID, nil
		}},
	"accounts": {path: "/accounts", get: true, fields: []string{"name", "industry", "website"},
		create: func(ctx context.Context, c *leedo.Client, f map[string]string, opts ...leedo.RequestOption) (string, error) {
			account, err := c.Accounts.Create(ctx, &leedo.AccountCreateParams{
				Name: f["name"], Industry: f["industry"], Website: f["website"],
			}, opts...)
			if err != nil {
				return "", err
			}
			return account.ID, nil
		}},
	"contacts": {path: "/contacts", fields: []string{"name", "email", "role", "account_id"},
		create: func(ctx context.Context, c *leedo.Client, f map[string]string, opts ...leedo.RequestOption) (string, error) {
			contact, err := c.Contacts.Create(ctx, &leedo.ContactCreateParams{
				Name: f["name"], Email: f["email"], Role: f["role"], AccountID: f["account_id"],
			}, opts...)
			if err != nil {
				return "", err
			}
			return contact.ID, nil
		}},
}
