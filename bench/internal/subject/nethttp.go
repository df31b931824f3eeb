package subject

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// netHTTP is what a careful user writes without an SDK: it checks the status, closes
// the body and uses the context. It does not retry or limit its rate.
type netHTTP struct {
	client  *http.Client
	base    string
	timeout time.Duration // zero means no timeout
}

func newNetHTTP(transport http.RoundTripper, base string) (Client, error) {
	c := &netHTTP{client: &http.Client{Transport: transport}, base: cmp.Or(base, apiBase)}
	return &byHand{do: c.do}, nil
}

// newNetHTTPTimeout sets a deadline for each call, as an SDK does.
func newNetHTTPTimeout(transport http.RoundTripper, base string) (Client, error) {
	c := &netHTTP{&http.Client{Transport: transport}, cmp.Or(base, apiBase), 30 * time.Second}
	return &byHand{do: c.do}, nil
}

// newNetHTTPAhead keeps eight pages of an iteration in flight.
func newNetHTTPAhead(transport http.RoundTripper, base string) (Client, error) {
	c := &netHTTP{client: &http.Client{Transport: transport}, base: cmp.Or(base, apiBase)}
	return &byHand{do: c.do, ahead: 8}, nil
}

func (c *netHTTP) do(ctx context.Context, method, path string, in, out any) error {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	return decode(resp, out)
}

func (c *netHTTP) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	if in == nil {
		req, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
		if err == nil {
			setHeaders(req.Header, "User-Agent", "bench/1.0")
		}
		return req, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err == nil {
		setHeaders(req.Header, "Content-Type", "application/json")
	}
	return req, err
}

// setHeaders sets the headers of every request, and one more.
func setHeaders(h http.Header, key, value string) {
	h.Set("Authorization", "Bearer "+token)
	h.Set("Accept", "application/json")
	h.Set(key, value)
}

func decode(resp *http.Response, out any) error {
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the server responded with %s", resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
