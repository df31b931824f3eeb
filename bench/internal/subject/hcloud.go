package subject

import (
	"context"
	"errors"
	"net/http"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

// hCloud reads SSH keys. It retries and has no rate limiter.
type hCloud struct{ client *hcloud.Client }

func newHCloud(transport http.RoundTripper, base string) (Client, error) {
	opts := []hcloud.ClientOption{hcloud.WithToken(token), hcloud.WithHTTPClient(&http.Client{Transport: transport})}
	if base != "" {
		opts = append(opts, hcloud.WithEndpoint(base))
	}
	return &hCloud{hcloud.NewClient(opts...)}, nil
}

// keyID returns the index of a key, whose ids are numbers.
func keyID(k *hcloud.SSHKey) int64 { return k.ID - 1 }

func (c *hCloud) Get(ctx context.Context) (any, error) {
	k, _, err := c.client.SSHKey.GetByID(ctx, 1)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, errors.New("no key") // nil is returned for a 404
	}
	return got(k, keyID(k), 0)
}

func (c *hCloud) List(ctx context.Context) (any, error) {
	items, _, err := c.client.SSHKey.List(ctx, hcloud.SSHKeyListOpts{ListOpts: hcloud.ListOpts{Page: 1, PerPage: PerPage}})
	if err != nil {
		return nil, err
	}
	return page(items, keyID, PerPage-1)
}

func (c *hCloud) Create(ctx context.Context) (any, error) {
	in := hcloud.SSHKeyCreateOpts{Name: newName, PublicKey: newCompany, Labels: map[string]string{"env": "dev", "team": "sales"}}
	k, _, err := c.client.SSHKey.Create(ctx, in)
	if err != nil {
		return nil, err
	}
	return got(k, keyID(k), 0)
}

// Walk collects all keys before it returns the first, because its pager does.
func (c *hCloud) Walk(ctx context.Context, see func(int)) error {
	items, err := c.client.SSHKey.AllWithOpts(ctx, hcloud.SSHKeyListOpts{ListOpts: hcloud.ListOpts{PerPage: PerPage}})
	if err != nil {
		return err
	}
	for _, k := range items {
		see(int(keyID(k)))
	}
	return nil
}
