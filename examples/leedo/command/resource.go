package command

import (
	"context"
	"strconv"
	"time"

	"github.com/leedoapp/leedo-go"
)

// resource is what the commands of a resource need to know of it. A function that is
// nil is one that the API does not have.
type resource[T any] struct {
	name, one string // "leads", "a lead"
	columns   []column[T]
	get       func(ctx context.Context, client *leedo.Client, id string, opts ...leedo.RequestOption) (*T, error)
	create    func(ctx context.Context, client *leedo.Client, opts ...leedo.RequestOption) (*T, error)
	update    func(ctx context.Context, client *leedo.Client, id string, opts ...leedo.RequestOption) (*T, error)
}

// column is a field as tables show it.
type column[T any] struct {
	title  string
	value  func(*T) string
	detail bool // not in lists, whose items may lack it
}

var leads = &resource[leedo.Lead]{
	name: "leads", one: "a lead",
	columns: []column[leedo.Lead]{
		{title: "ID", value: func(l *leedo.Lead) string { return l.ID }},
		{title: "NAME", value: func(l *leedo.Lead) string { return l.Name }},
		{title: "EMAIL", value: func(l *leedo.Lead) string { return l.Email }},
		{title: "COMPANY", value: func(l *leedo.Lead) string { return l.Company }},
		{title: "PHONE", value: func(l *leedo.Lead) string { return l.Phone }, detail: true},
		{title: "STATUS", value: func(l *leedo.Lead) string { return string(l.Status) }},
		{title: "CREATED", value: func(l *leedo.Lead) string { return date(l.CreatedAt) }},
		{title: "UPDATED", value: func(l *leedo.Lead) string { return date(l.UpdatedAt) }, detail: true},
	},
	get: func(ctx context.Context, client *leedo.Client, id string, opts ...leedo.RequestOption) (*leedo.Lead, error) {
		return client.Leads.Get(ctx, id, opts...)
	},
	create: func(ctx context.Context, client *leedo.Client, opts ...leedo.RequestOption) (*leedo.Lead, error) {
		return client.Leads.Create(ctx, &leedo.LeadCreateParams{}, opts...)
	},
	update: func(ctx context.Context, client *leedo.Client, id string, opts ...leedo.RequestOption) (*leedo.Lead, error) {
		return client.Leads.Update(ctx, id, &leedo.LeadUpdateParams{}, opts...)
	},
}

var accounts = &resource[leedo.Account]{
	name: "accounts", one: "an account",
	columns: []column[leedo.Account]{
		{title: "ID", value: func(a *leedo.Account) string { return a.ID }},
		{title: "NAME", value: func(a *leedo.Account) string { return a.Name }},
		{title: "INDUSTRY", value: func(a *leedo.Account) string { return a.Industry }},
		{title: "WEBSITE", value: func(a *leedo.Account) string { return a.Website }},
		{title: "CREATED", value: func(a *leedo.Account) string { return date(a.CreatedAt) }},
		{title: "UPDATED", value: func(a *leedo.Account) string { return date(a.UpdatedAt) }, detail: true},
	},
	get: func(ctx context.Context, client *leedo.Client, id string, opts ...leedo.RequestOption) (*leedo.Account, error) {
		return client.Accounts.Get(ctx, id, opts...)
	},
	create: func(ctx context.Context, client *leedo.Client, opts ...leedo.RequestOption) (*leedo.Account, error) {
		return client.Accounts.Create(ctx, &leedo.AccountCreateParams{}, opts...)
	},
}

var contacts = &resource[leedo.Contact]{
	name: "contacts", one: "a contact",
	columns: []column[leedo.Contact]{
		{title: "ID", value: func(c *leedo.Contact) string { return c.ID }},
		{title: "NAME", value: func(c *leedo.Contact) string { return c.Name }},
		{title: "EMAIL", value: func(c *leedo.Contact) string { return c.Email }},
		{title: "ROLE", value: func(c *leedo.Contact) string { return c.Role }},
		{title: "ACCOUNT", value: func(c *leedo.Contact) string { return c.AccountID }},
		{title: "CREATED", value: func(c *leedo.Contact) string { return date(c.CreatedAt) }},
		{title: "UPDATED", value: func(c *leedo.Contact) string { return date(c.UpdatedAt) }, detail: true},
	},
	create: func(ctx context.Context, client *leedo.Client, opts ...leedo.RequestOption) (*leedo.Contact, error) {
		return client.Contacts.Create(ctx, &leedo.ContactCreateParams{}, opts...)
	},
}

var campaigns = &resource[leedo.Campaign]{
	name: "campaigns", one: "a campaign",
	columns: []column[leedo.Campaign]{
		{title: "ID", value: func(c *leedo.Campaign) string { return c.ID }},
		{title: "NAME", value: func(c *leedo.Campaign) string { return c.Name }},
		{title: "STATUS", value: func(c *leedo.Campaign) string { return string(c.Status) }},
		{title: "LEADS", value: func(c *leedo.Campaign) string { return strconv.Itoa(c.LeadsCount) }},
		{title: "CREATED", value: func(c *leedo.Campaign) string { return date(c.CreatedAt) }},
		{title: "UPDATED", value: func(c *leedo.Campaign) string { return date(c.UpdatedAt) }, detail: true},
	},
	get: func(ctx context.Context, client *leedo.Client, id string, opts ...leedo.RequestOption) (*leedo.Campaign, error) {
		return client.Campaigns.Get(ctx, id, opts...)
	},
}

// date returns a time as the API sends it; "" if it is zero.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
