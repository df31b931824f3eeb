package support

import (
	"context"
	"encoding/json"

	"github.com/leedoapp/leedo-go"
)

// Operation is a call, with the name that it has in the tables of tests.
type Operation struct {
	Name string
	Call func(context.Context, *leedo.Client, ...leedo.RequestOption) error
}

// Reads are calls that the client may repeat.
var Reads = []Operation{
	{"Get", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return ErrorOf(c.Leads.Get(ctx, "id-1", opts...))
	}},
	{"HEAD", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "HEAD", "/leads", nil, nil, opts...)
	}},
}

// Writes are calls that the client may not repeat, three with a body and one
// without.
var Writes = []Operation{
	{"Create", Create},
	{"Update", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return ErrorOf(c.Leads.Update(ctx, "id-1", &leedo.LeadUpdateParams{Name: new("John Doe")}, opts...))
	}},
	{"PUT", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "PUT", "/leads", json.RawMessage(LeadJSON), nil, opts...)
	}},
	{"DELETE", Delete},
}

// GetAndCreate are a read and a write.
var GetAndCreate = []Operation{Reads[0], Writes[0]}

// Calls are one call of each kind. The last two fetch pages.
var Calls = []Operation{
	Reads[0], Reads[1], Writes[0], Writes[1], Writes[2], Writes[3],
	{"List", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return ErrorOf(c.Leads.List(ctx, nil, opts...))
	}},
	{"All", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		for _, err := range c.Leads.All(ctx, nil, opts...) {
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"Pages", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		for _, err := range leedo.Pages[leedo.Lead](ctx, c, "/leads", nil, append(opts, leedo.WithPrefetch(3))...) {
			if err != nil {
				return err
			}
		}
		return nil
	}},
}

// Create is a write with a body.
func Create(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
	return ErrorOf(c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe", Email: "john@example.com"}, opts...))
}

// Delete is a write without a body.
func Delete(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
	return c.Do(ctx, "DELETE", "/leads/id-1", nil, nil, opts...)
}

// PassOn is an interceptor that does nothing but make the call.
func PassOn(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
	return next(ctx)
}

// ErrorOf returns the error of two results.
func ErrorOf[T any](_ T, err error) error { return err }

// ContextKey is the key of a value in a test's context.
type ContextKey struct{}
