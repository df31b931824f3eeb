package subject

import (
	"context"
	"net/http"

	"github.com/stripe/stripe-go/v85"
)

// stripeGo reads customers. It retries, sends telemetry and has no rate limiter.
type stripeGo struct{ client *stripe.Client }

func newStripe(transport http.RoundTripper, base string) (Client, error) {
	config := &stripe.BackendConfig{HTTPClient: &http.Client{Transport: transport}}
	if base != "" {
		config.URL = &base
	}
	return &stripeGo{stripe.NewClient(token, stripe.WithBackends(stripe.NewBackendsWithConfig(config)))}, nil
}

const (
	firstCustomer = "cus_00000000-0000-4000-8000-000000000000"
	lastCustomer  = "cus_00000000-0000-4000-8000-000000000099"
)

func customerID(c *stripe.Customer) string { return c.ID }

func (c *stripeGo) Get(ctx context.Context) (any, error) {
	customer, err := c.client.V1Customers.Retrieve(ctx, firstCustomer, nil)
	if err != nil {
		return nil, err
	}
	return got(customer, customer.ID, firstCustomer)
}

func (c *stripeGo) list(ctx context.Context) *stripe.V1List[*stripe.Customer] {
	params := &stripe.CustomerListParams{}
	params.Limit = new(int64(PerPage))
	return c.client.V1Customers.List(ctx, params)
}

func (c *stripeGo) List(ctx context.Context) (any, error) {
	list := c.list(ctx)
	if err := list.Err(); err != nil {
		return nil, err
	}
	return page(list.Data(), customerID, lastCustomer)
}

func (c *stripeGo) Create(ctx context.Context) (any, error) {
	in := &stripe.CustomerCreateParams{Name: new(newName), Email: new(newEmail), Description: new(newCompany), Phone: new(newPhone)}
	customer, err := c.client.V1Customers.Create(ctx, in)
	if err != nil {
		return nil, err
	}
	return got(customer, customer.ID, firstCustomer)
}

func (c *stripeGo) Walk(ctx context.Context, see func(int)) error {
	for customer, err := range c.list(ctx).All(ctx) {
		if err != nil {
			return err
		}
		see(index(customer.ID))
	}
	return nil
}
