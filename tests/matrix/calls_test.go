//go:build matrix

package matrix_test

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// What no text may contain: the token, a query and the data of records.
const (
	secretName  = "Ada Hushwell"
	secretEmail = "ada@hush.example"
	secretPhone = "+49 555 0199"
	secretQuery = "query-77-hush"
)

var secrets = []string{support.Token, secretName, secretEmail, secretPhone, secretQuery}

// call is one way to make one of the eleven operations.
type call struct {
	kind, name   string
	method, path string // of its request; the path is below the base URL
	iterates     bool
	list         bool
	run          func(context.Context, *leedo.Client, ...leedo.RequestOption) ([]string, error) // returns ids
}

// write reports whether the operation changes something.
func (c call) write() bool { return c.method != "GET" }

// item is a record type that is not the SDK's.
type item struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Score int    `json:"score"`
}

func (i *item) id() string { return i.ID }

// calls returns every call. The fault strikes page 2 of 3 of those that iterate.
func calls() []call {
	var all []call
	all = append(all, lists("/leads",
		func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Page[leedo.Lead], error) {
			return c.Leads.List(ctx, nil, o...)
		},
		func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) iter.Seq2[*leedo.Lead, error] {
			return c.Leads.All(ctx, nil, o...)
		}, func(l *leedo.Lead) string { return l.ID })...)
	all = append(all, lists("/accounts",
		func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Page[leedo.Account], error) {
			return c.Accounts.List(ctx, nil, o...)
		},
		func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) iter.Seq2[*leedo.Account, error] {
			return c.Accounts.All(ctx, nil, o...)
		}, func(a *leedo.Account) string { return a.ID })...)
	all = append(all, lists("/contacts",
		func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Page[leedo.Contact], error) {
			return c.Contacts.List(ctx, nil, o...)
		},
		func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) iter.Seq2[*leedo.Contact, error] {
			return c.Contacts.All(ctx, nil, o...)
		}, func(c *leedo.Contact) string { return c.ID })...)
	all = append(all, lists("/campaigns",
		func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Page[leedo.Campaign], error) {
			return c.Campaigns.List(ctx, nil, o...)
		},
		func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) iter.Seq2[*leedo.Campaign, error] {
			return c.Campaigns.All(ctx, nil, o...)
		}, func(c *leedo.Campaign) string { return c.ID })...)

	all = append(all, records("GET", "/leads/id-1", func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Lead, error) {
		return c.Leads.Get(ctx, "id-1", o...)
	}, func(l *leedo.Lead) string { return l.ID })...)
	all = append(all, records("POST", "/leads", func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Lead, error) {
		return c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: secretName, Email: secretEmail, Phone: secretPhone}, o...)
	}, func(l *leedo.Lead) string { return l.ID })...)
	all = append(all, records("PATCH", "/leads/id-1", func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Lead, error) {
		return c.Leads.Update(ctx, "id-1", &leedo.LeadUpdateParams{Email: new(secretEmail)}, o...)
	}, func(l *leedo.Lead) string { return l.ID })...)
	all = append(all, records("GET", "/accounts/id-1", func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Account, error) {
		return c.Accounts.Get(ctx, "id-1", o...)
	}, func(a *leedo.Account) string { return a.ID })...)
	all = append(all, records("POST", "/accounts", func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Account, error) {
		return c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: secretName}, o...)
	}, func(a *leedo.Account) string { return a.ID })...)
	all = append(all, records("POST", "/contacts", func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Contact, error) {
		return c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: secretName, Email: secretEmail}, o...)
	}, func(c *leedo.Contact) string { return c.ID })...)
	all = append(all, records("GET", "/campaigns/id-1", func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) (*leedo.Campaign, error) {
		return c.Campaigns.Get(ctx, "id-1", o...)
	}, func(c *leedo.Campaign) string { return c.ID })...)
	return all
}

// records returns the calls of an operation with a single record: that of the
// service, and Do.
func records[T any](method, path string, f func(context.Context, *leedo.Client, ...leedo.RequestOption) (*T, error), id func(*T) string) []call {
	return []call{
		{kind: "typed", name: method + " " + path, method: method, path: path,
			run: func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) ([]string, error) {
				got, err := f(ctx, c, o...)
				if err != nil {
					return nil, err
				}
				return []string{id(got)}, nil
			}},
		{kind: "Do", name: "Do " + method + " " + path, method: method, path: path,
			run: func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) ([]string, error) {
				var body any
				if method != "GET" {
					body = map[string]string{"name": secretName, "email": secretEmail, "phone": secretPhone}
				}
				var out item
				if err := c.Do(ctx, method, path, body, &out, o...); err != nil {
					return nil, err
				}
				return []string{out.ID}, nil
			}},
	}
}

// lists returns the calls that read a list: one page by List and Do, all pages by
// All, by the generic All, and by All with pages that are read ahead.
func lists[T any](path string, list func(context.Context, *leedo.Client, ...leedo.RequestOption) (*leedo.Page[T], error),
	all func(context.Context, *leedo.Client, ...leedo.RequestOption) iter.Seq2[*T, error], id func(*T) string) []call {
	return []call{
		{kind: "List", name: "List " + path, method: "GET", path: path, list: true,
			run: func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) ([]string, error) {
				return pageIDs(id)(list(ctx, c, o...))
			}},
		{kind: "Do", name: "Do GET " + path, method: "GET", path: path, list: true,
			run: func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) ([]string, error) {
				var out leedo.Page[item]
				return pageIDs((*item).id)(&out, c.Do(ctx, "GET", path, nil, &out, o...))
			}},
		{kind: "All", name: "All " + path, method: "GET", path: path, list: true, iterates: true,
			run: func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) ([]string, error) {
				return gather(all(ctx, c, o...), id)
			}},
		{kind: "All[T]", name: "All[T] " + path, method: "GET", path: path, list: true, iterates: true,
			run: func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) ([]string, error) {
				return gather(leedo.All(ctx, c, path, (*item).id, o...), (*item).id)
			}},
		{kind: "prefetch", name: "prefetch " + path, method: "GET", path: path, list: true, iterates: true,
			run: func(ctx context.Context, c *leedo.Client, o ...leedo.RequestOption) ([]string, error) {
				return gather(all(ctx, c, append(o, leedo.WithPrefetch(3))...), id)
			}},
	}
}

func pageIDs[T any](id func(*T) string) func(*leedo.Page[T], error) ([]string, error) {
	return func(page *leedo.Page[T], err error) ([]string, error) {
		if err != nil {
			return nil, err
		}
		var ids []string
		for i := range page.Data {
			ids = append(ids, id(&page.Data[i]))
		}
		return ids, nil
	}
}

// gather ranges over an iteration. An error must come alone, and last.
func gather[T any](all iter.Seq2[*T, error], id func(*T) string) (ids []string, failed error) {
	for record, err := range all {
		switch {
		case failed != nil:
			return ids, fmt.Errorf("the iteration goes on after %w", failed)
		case err == nil:
			ids = append(ids, id(record))
		case record != nil:
			return ids, fmt.Errorf("a record beside %w", err)
		}
		failed = err
	}
	return ids, failed
}

// record is a record in JSON, with the fields of all resources.
func record(id string) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"email":%q,"phone":%q,"status":"new","created_at":"2025-10-01T12:00:00Z"}`, id, secretName, secretEmail, secretPhone)
}

// success is the body of a success: a record, or a page of a list of five.
func (c call) success(page int) string {
	if !c.list {
		return record("id-1")
	}
	var rows []string
	for n := 2*page - 1; n <= min(2*page, 5); n++ {
		rows = append(rows, record(fmt.Sprint("id-", n)))
	}
	return fmt.Sprintf(`{"data":[%s],"meta":{"total":5,"page":%d,"per_page":2}}`, strings.Join(rows, ","), page)
}

// ids returns the ids that the call returns before the fault strikes, and those of a
// call that succeeds.
func (c call) ids(everyRequest bool) (before, all []string) {
	one := []string{"id-1", "id-2", "id-3", "id-4", "id-5"}
	switch {
	case !c.list:
		return nil, one[:1]
	case !c.iterates:
		return nil, one[:2]
	case everyRequest:
		return nil, one
	}
	return one[:2], one
}
