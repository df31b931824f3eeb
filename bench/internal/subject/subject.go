// Package subject wraps the clients that the benchmarks compare, so that each does the
// same four operations in its own way.
package subject

import (
	"context"
	"fmt"
	"net/http"

	"github.com/leedoapp/leedo-go/bench/internal/wire"
)

// PerPage is the page size that every subject requests.
const PerPage = 100

// token is the token with which every subject authenticates.
const token = "0123456789abcdef0123456789abcdef"

// Client has the four operations. Get, List and Create return a pointer to an object of
// the client's own model, or an error if it is not the expected one.
type Client interface {
	// Get reads object 0.
	Get(ctx context.Context) (any, error)
	// List reads one page of PerPage objects and returns the last object.
	List(ctx context.Context) (any, error)
	// Create creates an object and returns the one in the response.
	Create(ctx context.Context) (any, error)
	// Walk reads a whole list and calls see with the index of each object.
	Walk(ctx context.Context, see func(index int)) error
}

// Subject is one kind of client.
type Subject struct {
	// Name is its name in flags and tables.
	Name string
	// Module is the path of the module measured; empty means the standard
	// library.
	Module string
	// SDK reports whether it is another SDK.
	SDK bool
	// Pager describes how it requests page after page; empty means that iterations of
	// the subject are not measured.
	Pager string
	// WalkOnly reports whether only its Walk differs from that of another subject.
	WalkOnly bool
	// Format is how its server encodes responses.
	Format *wire.Format
	// New returns a client that sends all requests with transport. An empty base
	// means the client's default base URL.
	New func(transport http.RoundTripper, base string) (Client, error)
}

// All returns every subject, first the ones that the others are compared with.
func All() []Subject {
	const (
		ours      = "github.com/leedoapp/leedo-go"
		byHand    = "hand loop"
		eight     = ", 8 in flight"
		retryHTTP = "github.com/hashicorp/go-retryablehttp"
	)
	return []Subject{
		{Name: "leedo", Module: ours, Pager: "own (All)", Format: wire.Leedo, New: newLeedo},
		{Name: "leedo-8", Module: ours, Pager: "own (All)" + eight, WalkOnly: true, Format: wire.Leedo, New: newLeedoAhead},
		{Name: "nethttp", Pager: byHand, Format: wire.Leedo, New: newNetHTTP},
		{Name: "nethttp-8", Pager: byHand + eight, WalkOnly: true, Format: wire.Leedo, New: newNetHTTPAhead},
		{Name: "nethttp-timeout", Format: wire.Leedo, New: newNetHTTPTimeout},
		{Name: "retryablehttp", Module: retryHTTP, Pager: byHand, Format: wire.Leedo, New: newRetryable},
		{Name: "gitlab", Module: "gitlab.com/gitlab-org/api/client-go/v2", SDK: true, Pager: "own (Scan2)", Format: wire.GitLab, New: newGitLab},
		{Name: "godo", Module: "github.com/digitalocean/godo", SDK: true, Pager: byHand, Format: wire.DigitalOcean, New: newGoDo},
		{Name: "go-github", Module: "github.com/google/go-github/v89", SDK: true, Pager: "own (ListMilestonesIter)", Format: wire.GitHub, New: newGoGitHub},
		{Name: "hcloud", Module: "github.com/hetznercloud/hcloud-go/v2", SDK: true, Pager: "own (AllWithOpts, collects)", Format: wire.Hetzner, New: newHCloud},
		{Name: "stripe", Module: "github.com/stripe/stripe-go/v85", SDK: true, Pager: "own (V1List.All)", Format: wire.Stripe, New: newStripe},
		{Name: "openai", Module: "github.com/openai/openai-go/v3", SDK: true, Pager: "own (ListAutoPaging)", Format: wire.OpenAI, New: newOpenAI},
	}
}

// Named returns the subject with that name.
func Named(name string) (Subject, error) {
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
	}
	return Subject{}, fmt.Errorf("there is no subject %q", name)
}

// got returns an object, or an error if its id is wrong.
func got[K comparable](object any, id, want K) (any, error) {
	if id != want {
		return nil, wrong("the id", id, want)
	}
	return object, nil
}

// page returns the last object of a page, or an error if the page is not full or that
// object is wrong.
func page[T any, K comparable](items []T, id func(T) K, want K) (any, error) {
	if len(items) != PerPage {
		return nil, wrong("the number of objects", len(items), PerPage)
	}
	last := &items[len(items)-1]
	return got(last, id(*last), want)
}

// wrong is a separate function, so that a successful comparison costs nothing.
func wrong(what string, value, want any) error {
	return fmt.Errorf("%s is %v, want %v", what, value, want)
}

// firstID is the id of object 0, lastID that of the last object on the first page.
var firstID, lastID = wire.ID(0), wire.ID(PerPage - 1)

// index returns the number of the object with that id.
func index(id string) int { return wire.Index(id) }
