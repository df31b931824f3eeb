package behaviour_test

import (
	"context"
	"encoding/json"
	"iter"
	"strings"

	"github.com/leedoapp/leedo-go"
)

// operation is a call, and the body of a response that it takes for a success.
type operation struct {
	name string
	good string
	call func(context.Context, *leedo.Client, ...leedo.RequestOption) (any, error)
}

// scored is a type of the caller's, with a custom field.
type scored struct {
	leedo.Lead
	Score int `json:"score"`
}

// The records of the API's documentation, with short ids.
const (
	leadJSON     = `{"id":"id-1","name":"John Doe","email":"john@example.com","company":"Acme Corp","phone":"+1234567890","status":"new","created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-02T12:00:00Z"}`
	accountJSON  = `{"id":"id-1","name":"Acme Corp","industry":"Technology","website":"https://acme.com","created_at":"2025-09-01T10:00:00Z","updated_at":"2025-09-15T14:30:00Z"}`
	contactJSON  = `{"id":"id-1","name":"Jane Smith","email":"jane@example.com","role":"Manager","account_id":"id-2","created_at":"2025-09-01T10:00:00Z","updated_at":"2025-09-15T14:30:00Z"}`
	campaignJSON = `{"id":"id-1","name":"Summer","status":"active","leads_count":150,"created_at":"2025-08-01T09:00:00Z","updated_at":"2025-09-20T11:00:00Z"}`
	scoredJSON   = `{"id":"id-1","name":"John Doe","score":42}`
)

// pageOf is a whole list on one page.
func pageOf(records ...string) string {
	return pageJSON(len(records), 1, 20, records...)
}

func pageJSON(total, page, perPage int, records ...string) string {
	meta, _ := json.Marshal(map[string]int{"total": total, "page": page, "per_page": perPage})
	return `{"data":[` + strings.Join(records, ",") + `],"meta":` + string(meta) + `}`
}

type (
	ctx  = context.Context
	req  = leedo.RequestOption
	user = *leedo.Client
)

// operations are the eleven of the API, and Do.
var operations = []operation{
	{"Leads.List", pageOf(leadJSON), func(ctx ctx, c user, o ...req) (any, error) { return result(c.Leads.List(ctx, nil, o...)) }},
	{"Leads.Get", leadJSON, func(ctx ctx, c user, o ...req) (any, error) { return result(c.Leads.Get(ctx, "id-1", o...)) }},
	{"Leads.Create", leadJSON, func(ctx ctx, c user, o ...req) (any, error) {
		return result(c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"}, o...))
	}},
	{"Leads.Update", leadJSON, func(ctx ctx, c user, o ...req) (any, error) {
		return result(c.Leads.Update(ctx, "id-1", &leedo.LeadUpdateParams{Name: new("John Doe")}, o...))
	}},
	{"Accounts.List", pageOf(accountJSON), func(ctx ctx, c user, o ...req) (any, error) { return result(c.Accounts.List(ctx, nil, o...)) }},
	{"Accounts.Get", accountJSON, func(ctx ctx, c user, o ...req) (any, error) { return result(c.Accounts.Get(ctx, "id-1", o...)) }},
	{"Accounts.Create", accountJSON, func(ctx ctx, c user, o ...req) (any, error) {
		return result(c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "Acme Corp"}, o...))
	}},
	{"Contacts.List", pageOf(contactJSON), func(ctx ctx, c user, o ...req) (any, error) { return result(c.Contacts.List(ctx, nil, o...)) }},
	{"Contacts.Create", contactJSON, func(ctx ctx, c user, o ...req) (any, error) {
		return result(c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "Jane Smith"}, o...))
	}},
	{"Campaigns.List", pageOf(campaignJSON), func(ctx ctx, c user, o ...req) (any, error) { return result(c.Campaigns.List(ctx, nil, o...)) }},
	{"Campaigns.Get", campaignJSON, func(ctx ctx, c user, o ...req) (any, error) { return result(c.Campaigns.Get(ctx, "id-1", o...)) }},
	{"Do GET", scoredJSON, func(ctx ctx, c user, o ...req) (any, error) {
		out := new(scored)
		return out, c.Do(ctx, "GET", "/leads/id-1", nil, out, o...)
	}},
	{"Do POST", scoredJSON, func(ctx ctx, c user, o ...req) (any, error) {
		out := new(scored)
		return out, c.Do(ctx, "POST", "/leads", json.RawMessage(`{"name":"John Doe","score":42}`), out, o...)
	}},
	{"Do DELETE", "", func(ctx ctx, c user, o ...req) (any, error) {
		return nil, c.Do(ctx, "DELETE", "/leads/id-1", nil, nil, o...)
	}},
}

// moreOperations are the iterations, and further forms of Do.
var moreOperations = []operation{
	{"Leads.All", pageOf(leadJSON), func(ctx ctx, c user, o ...req) (any, error) { return collect(c.Leads.All(ctx, nil, o...)) }},
	{"Leads.Pages", pageOf(leadJSON), func(ctx ctx, c user, o ...req) (any, error) { return collect(c.Leads.Pages(ctx, nil, o...)) }},
	{"Accounts.All", pageOf(accountJSON), func(ctx ctx, c user, o ...req) (any, error) { return collect(c.Accounts.All(ctx, nil, o...)) }},
	{"Accounts.Pages", pageOf(accountJSON), func(ctx ctx, c user, o ...req) (any, error) { return collect(c.Accounts.Pages(ctx, nil, o...)) }},
	{"Contacts.All", pageOf(contactJSON), func(ctx ctx, c user, o ...req) (any, error) { return collect(c.Contacts.All(ctx, nil, o...)) }},
	{"Contacts.Pages", pageOf(contactJSON), func(ctx ctx, c user, o ...req) (any, error) { return collect(c.Contacts.Pages(ctx, nil, o...)) }},
	{"Campaigns.All", pageOf(campaignJSON), func(ctx ctx, c user, o ...req) (any, error) { return collect(c.Campaigns.All(ctx, nil, o...)) }},
	{"Campaigns.Pages", pageOf(campaignJSON), func(ctx ctx, c user, o ...req) (any, error) { return collect(c.Campaigns.Pages(ctx, nil, o...)) }},
	{"Do HEAD", "", func(ctx ctx, c user, o ...req) (any, error) {
		return nil, c.Do(ctx, "HEAD", "/leads/id-1", nil, nil, o...)
	}},
	{"Do PUT", leadJSON, func(ctx ctx, c user, o ...req) (any, error) {
		return nil, c.Do(ctx, "PUT", "/leads/id-1", map[string]any{"name": "John Doe"}, nil, o...)
	}},
	{"Do PATCH", leadJSON, func(ctx ctx, c user, o ...req) (any, error) {
		out := new(leedo.Lead)
		return out, c.Do(ctx, "PATCH", "/leads/id-1", map[string]any{"name": "John Doe"}, out, o...)
	}},
	{"Do GET into a page", pageOf(scoredJSON), func(ctx ctx, c user, o ...req) (any, error) {
		var out leedo.Page[scored]
		err := c.Do(ctx, "GET", "/leads", nil, &out, o...)
		return out, err
	}},
	{"Do GET into any", leadJSON, func(ctx ctx, c user, o ...req) (any, error) {
		var out any
		err := c.Do(ctx, "GET", "/leads/id-1", nil, &out, o...)
		return out, err
	}},
}

// operationsNamed selects operations.
func operationsNamed(names ...string) []operation {
	var selected []operation
	for _, name := range names {
		for _, op := range append(append([]operation{}, operations...), moreOperations...) {
			if op.name == name {
				selected = append(selected, op)
			}
		}
	}
	return selected
}

// result is what a call returned, with nil as an untyped nil.
func result[T any](value *T, err error) (any, error) {
	if value == nil {
		return nil, err
	}
	return value, err
}

// collect ranges over an iteration and returns the ids and pages that it
// yields.
func collect[T any](sequence iter.Seq2[*T, error]) (any, error) {
	var yielded []string
	var failed error
	for value, err := range sequence {
		if err != nil {
			if value != nil {
				yielded = append(yielded, "a value beside the error")
			}
			failed = err
			continue // an error must be the end
		}
		yielded = append(yielded, yield(value))
	}
	return or(strings.Join(yielded, ", "), "no items"), failed
}

func yield(value any) string {
	switch v := value.(type) {
	case *leedo.Lead:
		return v.ID
	case *leedo.Account:
		return v.ID
	case *leedo.Contact:
		return v.ID
	case *leedo.Campaign:
		return v.ID
	case *leedo.Page[leedo.Lead]:
		return ids(v, func(r leedo.Lead) string { return r.ID })
	case *leedo.Page[leedo.Account]:
		return ids(v, func(r leedo.Account) string { return r.ID })
	case *leedo.Page[leedo.Contact]:
		return ids(v, func(r leedo.Contact) string { return r.ID })
	case *leedo.Page[leedo.Campaign]:
		return ids(v, func(r leedo.Campaign) string { return r.ID })
	}
	return "something else"
}

func ids[T any](p *leedo.Page[T], id func(T) string) string {
	var all []string
	for _, row := range p.Data {
		all = append(all, id(row))
	}
	text, _ := json.Marshal(p.Meta)
	return "page " + string(text) + " [" + strings.Join(all, " ") + "]"
}
