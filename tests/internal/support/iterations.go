package support

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"testing"

	"github.com/leedoapp/leedo-go"
)

// Iterate is a way to iterate over leads.
type Iterate = func(context.Context, *leedo.Client, *leedo.LeadListParams, ...leedo.RequestOption) iter.Seq2[*leedo.Lead, error]

// Iterations are the ways to iterate: the two of the services, and those over
// lists of the caller's own types, which promise the same.
var Iterations = map[string]Iterate{
	"All": func(ctx context.Context, c *leedo.Client, params *leedo.LeadListParams, opts ...leedo.RequestOption) iter.Seq2[*leedo.Lead, error] {
		return c.Leads.All(ctx, params, opts...)
	},
	"Pages": func(ctx context.Context, c *leedo.Client, params *leedo.LeadListParams, opts ...leedo.RequestOption) iter.Seq2[*leedo.Lead, error] {
		return items(c.Leads.Pages(ctx, params, opts...))
	},
	"All of RawMessages": func(ctx context.Context, c *leedo.Client, params *leedo.LeadListParams, opts ...leedo.RequestOption) iter.Seq2[*leedo.Lead, error] {
		lead := func(item *json.RawMessage) *leedo.Lead {
			lead := new(leedo.Lead)
			json.Unmarshal(*item, lead)
			return lead
		}
		own := leedo.All(ctx, c, "/leads", func(item *json.RawMessage) string { return lead(item).ID }, asOptions(params, opts)...)
		return leads(own, lead)
	},
	"Pages of an own type": func(ctx context.Context, c *leedo.Client, params *leedo.LeadListParams, opts ...leedo.RequestOption) iter.Seq2[*leedo.Lead, error] {
		type mine struct {
			*leedo.Lead
			Score int `json:"score"`
		}
		return leads(items(leedo.Pages[mine](ctx, c, "/leads", nil, asOptions(params, opts)...)), func(item *mine) *leedo.Lead { return item.Lead })
	},
}

// items returns the items of pages.
func items[T any](pages iter.Seq2[*leedo.Page[T], error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Data {
				if !yield(&page.Data[i], nil) {
					return
				}
			}
		}
	}
}

// asOptions returns params as options.
func asOptions(params *leedo.LeadListParams, opts []leedo.RequestOption) []leedo.RequestOption {
	var own []leedo.RequestOption
	if params != nil && params.Page != 0 {
		own = append(own, leedo.WithQuery("page", strconv.Itoa(params.Page)))
	}
	if params != nil && params.PerPage != 0 {
		own = append(own, leedo.WithQuery("per_page", strconv.Itoa(params.PerPage)))
	}
	return append(own, opts...)
}

// leads converts items of another type to leads.
func leads[T any](items iter.Seq2[*T, error], lead func(*T) *leedo.Lead) iter.Seq2[*leedo.Lead, error] {
	return func(yield func(*leedo.Lead, error) bool) {
		for item, err := range items {
			var l *leedo.Lead
			if item != nil {
				l = lead(item)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// IDs returns the ids from n down to 1.
func IDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint(n - i)
	}
	return ids
}

// Gather returns the ids of the leads of an iteration, and the error with which
// it ended. It checks that an error comes alone and last.
func Gather(t *testing.T, seq iter.Seq2[*leedo.Lead, error]) ([]string, error) {
	t.Helper()
	var ids []string
	var failed error
	for lead, err := range seq {
		if failed != nil {
			t.Fatalf("the iteration goes on after its error: %v, %v", lead, err)
		}
		if (lead == nil) != (err != nil) {
			t.Fatalf("yielded %v beside %v", lead, err)
		}
		if failed = err; err == nil {
			ids = append(ids, lead.ID)
		}
	}
	return ids, failed
}
