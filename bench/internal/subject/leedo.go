package subject

import (
	"context"
	"net/http"

	"github.com/leedoapp/leedo-go"
)

// ahead makes iterations keep eight requests in flight.
var ahead = []leedo.RequestOption{leedo.WithPrefetch(8)}

type leedoClient struct {
	client *leedo.Client
	walk   []leedo.RequestOption
}

// newLeedo returns a client with the defaults: rate limiter, retries and attempt
// timeout are on.
func newLeedo(transport http.RoundTripper, base string) (Client, error) {
	opts := []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: transport})}
	if base != "" {
		opts = append(opts, leedo.WithBaseURL(base))
	}
	client, err := leedo.NewClient(token, opts...)
	if err != nil {
		return nil, err
	}
	return &leedoClient{client: client}, nil
}

// newLeedoAhead returns such a client that keeps eight pages of an iteration in flight.
func newLeedoAhead(transport http.RoundTripper, base string) (Client, error) {
	c, err := newLeedo(transport, base)
	if err != nil {
		return nil, err
	}
	c.(*leedoClient).walk = ahead
	return c, nil
}

func (c *leedoClient) Get(ctx context.Context) (any, error) {
	lead, err := c.client.Leads.Get(ctx, firstID)
	if err != nil {
		return nil, err
	}
	return got(lead, lead.ID, firstID)
}

func (c *leedoClient) List(ctx context.Context) (any, error) {
	list, err := c.client.Leads.List(ctx, &leedo.LeadListParams{Page: 1, PerPage: PerPage})
	if err != nil {
		return nil, err
	}
	return page(list.Data, func(l leedo.Lead) string { return l.ID }, lastID)
}

func (c *leedoClient) Create(ctx context.Context) (any, error) {
	lead, err := c.client.Leads.Create(ctx, &leedo.LeadCreateParams{
		Name: newName, Email: newEmail, Company: newCompany, Phone: newPhone, Status: leedo.LeadStatusNew,
	})
	if err != nil {
		return nil, err
	}
	return got(lead, lead.ID, firstID)
}

func (c *leedoClient) Walk(ctx context.Context, see func(int)) error {
	for lead, err := range c.client.Leads.All(ctx, nil, c.walk...) {
		if err != nil {
			return err
		}
		see(index(lead.ID))
	}
	return nil
}
