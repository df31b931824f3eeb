package subject

import (
	"cmp"
	"context"
	"encoding/json"
	"log"
	"net/http"

	"github.com/hashicorp/go-retryablehttp"
)

// retryable is the careful user's program with go-retryablehttp and its defaults.
type retryable struct {
	client *retryablehttp.Client
	base   string
}

func newRetryable(transport http.RoundTripper, base string) (Client, error) {
	client := retryablehttp.NewClient()
	client.HTTPClient.Transport = transport
	// The default logger writes a line for each request. This one formats the line, too,
	// and discards it.
	client.Logger = log.New(nowhere{}, "", log.LstdFlags)
	c := &retryable{client, cmp.Or(base, apiBase)}
	return &byHand{do: c.do}, nil
}

// nowhere is used instead of io.Discard, for which package log does not format the
// lines.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (c *retryable) do(ctx context.Context, method, path string, in, out any) error {
	var body any // nil, or bytes that can be sent again
	key, value := "User-Agent", "bench/1.0"
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body, key, value = encoded, "Content-Type", "application/json"
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	setHeaders(req.Header, key, value)
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	return decode(resp, out)
}
