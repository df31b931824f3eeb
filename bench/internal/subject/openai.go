package subject

import (
	"context"
	"net/http"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

// openAI reads vector stores. It retries, has no rate limiter, and keeps the raw JSON
// and a state for each field.
type openAI struct{ client openai.Client }

func newOpenAI(transport http.RoundTripper, base string) (Client, error) {
	opts := []option.RequestOption{option.WithAPIKey(token), option.WithHTTPClient(&http.Client{Transport: transport})}
	if base != "" {
		opts = append(opts, option.WithBaseURL(base))
	}
	return &openAI{openai.NewClient(opts...)}, nil
}

const (
	firstStore = "vs_00000000-0000-4000-8000-000000000000"
	lastStore  = "vs_00000000-0000-4000-8000-000000000099"
)

func storeID(s openai.VectorStore) string { return s.ID }

func (c *openAI) Get(ctx context.Context) (any, error) {
	store, err := c.client.VectorStores.Get(ctx, firstStore)
	if err != nil {
		return nil, err
	}
	return got(store, store.ID, firstStore)
}

func (c *openAI) List(ctx context.Context) (any, error) {
	list, err := c.client.VectorStores.List(ctx, openai.VectorStoreListParams{Limit: openai.Int(PerPage)})
	if err != nil {
		return nil, err
	}
	return page(list.Data, storeID, lastStore)
}

func (c *openAI) Create(ctx context.Context) (any, error) {
	store, err := c.client.VectorStores.New(ctx, openai.VectorStoreNewParams{
		Name: openai.String(newName), Description: openai.String(newCompany),
		Metadata: shared.Metadata{"env": "dev", "team": "sales"},
	})
	if err != nil {
		return nil, err
	}
	return got(store, store.ID, firstStore)
}

func (c *openAI) Walk(ctx context.Context, see func(int)) error {
	stores := c.client.VectorStores.ListAutoPaging(ctx, openai.VectorStoreListParams{Limit: openai.Int(PerPage)})
	for stores.Next() {
		store := stores.Current()
		see(index(store.ID))
	}
	return stores.Err()
}
