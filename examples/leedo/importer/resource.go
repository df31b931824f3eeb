package importer

import (
	"context"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// resource is a kind of record that can be imported.
type resource struct {
	*crm.Resource
	create func(ctx context.Context, c *leedo.Client, f map[string]string, opts ...leedo.RequestOption) (id string, err error)
}

var resources = map[string]resource{
	"leads": {crm.Find("leads"),
		func(ctx context.Context, c *leedo.Client, f map[string]string, opts ...leedo.RequestOption) (string, error) {
			lead, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{
				Name: f["name"], Email: f["email"], Company: f["company"], Phone: f["phone"], Status: leedo.LeadStatus(f["status"]),
			}, opts...)
			if err != nil {
				return "", err
			}
			return lead.ID, nil
		}},
	"accounts": {crm.Find("accounts"),
		func(ctx context.Context, c *leedo.Client, f map[string]string, opts ...leedo.RequestOption) (string, error) {
			account, err := c.Accounts.Create(ctx, &leedo.AccountCreateParams{
				Name: f["name"], Industry: f["industry"], Website: f["website"],
			}, opts...)
			if err != nil {
				return "", err
			}
			return account.ID, nil
		}},
	"contacts": {crm.Find("contacts"),
		func(ctx context.Context, c *leedo.Client, f map[string]string, opts ...leedo.RequestOption) (string, error) {
			contact, err := c.Contacts.Create(ctx, &leedo.ContactCreateParams{
				Name: f["name"], Email: f["email"], Role: f["role"], AccountID: f["account_id"],
			}, opts...)
			if err != nil {
				return "", err
			}
			return contact.ID, nil
		}},
}

// path is the path of the list.
func (r resource) path() string { return "/" + r.Name }

// settable returns the fields that a create can set: all but id, created_at and updated_at.
func (r resource) settable() []string { return r.Fields[1 : len(r.Fields)-2] }
