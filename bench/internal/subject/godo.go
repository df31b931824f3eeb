package subject

import (
	"context"
	"fmt"
	"net/http"

	"github.com/digitalocean/godo"
	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/oauth2"
)

// goDo reads VPCs with the client that NewFromToken makes: oauth2 over
// go-retryablehttp, with a rate limiter.
type goDo struct{ client *godo.Client }

func newGoDo(transport http.RoundTripper, base string) (Client, error) {
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	opts := []godo.ClientOpt{
		godo.WithRetryAndBackoffs(godo.RetryConfig{RetryMax: 4, RetryWaitMin: new(1.0), RetryWaitMax: new(30.0)}),
		godo.SetStaticRateLimit(2e9),
	}
	if base != "" {
		opts = append(opts, godo.SetBaseURL(base+"/"))
	}
	client, err := godo.New(oauth2.NewClient(context.Background(), source), opts...)
	if err != nil {
		return nil, err
	}
	// If retries are on, there is no option for the transport.
	auth, ok := client.HTTPClient.Transport.(*oauth2.Transport)
	if !ok {
		return nil, fmt.Errorf("godo: the transport is a %T", client.HTTPClient.Transport)
	}
	retries, ok := auth.Base.(*retryablehttp.RoundTripper)
	if !ok {
		return nil, fmt.Errorf("godo: the transport below is a %T", auth.Base)
	}
	retries.Client.HTTPClient.Transport = transport
	return &goDo{client}, nil
}

func vpcID(v *godo.VPC) string { return v.ID }

func (c *goDo) Get(ctx context.Context) (any, error) {
	v, _, err := c.client.VPCs.Get(ctx, firstID)
	if err != nil {
		return nil, err
	}
	return got(v, v.ID, firstID)
}

func (c *goDo) List(ctx context.Context) (any, error) {
	items, _, err := c.client.VPCs.List(ctx, &godo.ListOptions{Page: 1, PerPage: PerPage})
	if err != nil {
		return nil, err
	}
	return page(items, vpcID, lastID)
}

func (c *goDo) Create(ctx context.Context) (any, error) {
	in := &godo.VPCCreateRequest{Name: newName, RegionSlug: "fra1", Description: newCompany, IPRange: "10.10.0.0/20"}
	v, _, err := c.client.VPCs.Create(ctx, in)
	if err != nil {
		return nil, err
	}
	return got(v, v.ID, firstID)
}

// Walk is the loop in godo's README, as godo has no pager.
func (c *goDo) Walk(ctx context.Context, see func(int)) error {
	opts := &godo.ListOptions{PerPage: PerPage}
	for {
		items, resp, err := c.client.VPCs.List(ctx, opts)
		if err != nil {
			return err
		}
		for _, v := range items {
			see(index(v.ID))
		}
		if resp.Links == nil || resp.Links.IsLastPage() {
			return nil
		}
		current, err := resp.Links.CurrentPage()
		if err != nil {
			return err
		}
		opts.Page = current + 1
	}
}
