package subject

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// roundTripper is the least that can be done with encoding/json: no
// http.Client, no context, headers shared by all requests, a buffer of the
// right size. It is a floor and no advice.
type roundTripper struct {
	transport http.RoundTripper
	base      url.URL
	reading   http.Header
	writing   http.Header
}

func newRoundTripper(transport http.RoundTripper, base string) (Client, error) {
	u, err := url.Parse(cmp.Or(base, apiBase))
	if err != nil {
		return nil, err
	}
	auth, kind := []string{"Bearer " + token}, []string{"application/json"}
	return &roundTripper{
		transport: transport,
		base:      *u,
		reading:   http.Header{"Authorization": auth, "Accept": kind, "User-Agent": {"bench/1.0"}},
		writing:   http.Header{"Authorization": auth, "Accept": kind, "Content-Type": kind},
	}, nil
}

// request is a request and its URL in one piece of memory.
type request struct {
	http.Request
	url url.URL
}

func (c *roundTripper) do(r *request, path, query string, out any) error {
	r.url = c.base
	r.url.Path += path
	r.url.RawQuery = query
	r.URL, r.Host = &r.url, c.base.Host
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	resp, err := c.transport.RoundTrip(&r.Request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 || resp.ContentLength < 0 {
		return fmt.Errorf("%s %s: %s, length %d", r.Method, path, resp.Status, resp.ContentLength)
	}
	buf := make([]byte, resp.ContentLength)
	if _, err := io.ReadFull(resp.Body, buf); err != nil {
		return err
	}
	return json.Unmarshal(buf, out)
}

func (c *roundTripper) Get(context.Context) (any, error) {
	var l lead
	r := &request{Request: http.Request{Method: http.MethodGet, Header: c.reading}}
	if err := c.do(r, "/leads/"+firstID, "", &l); err != nil {
		return nil, err
	}
	return got(&l, l.ID, firstID)
}

func (c *roundTripper) List(context.Context) (any, error) {
	var l leads
	r := &request{Request: http.Request{Method: http.MethodGet, Header: c.reading}}
	if err := c.do(r, "/leads", "page=1&per_page=100", &l); err != nil {
		return nil, err
	}
	return page(l.Data, lead.id, lastID)
}

func (c *roundTripper) Create(context.Context) (any, error) {
	body, err := json.Marshal(&newLead{newName, newEmail, newCompany, newPhone, "new"})
	if err != nil {
		return nil, err
	}
	var l lead
	r := &request{Request: http.Request{Method: http.MethodPost, Header: c.writing, ContentLength: int64(len(body))}}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := c.do(r, "/leads", "", &l); err != nil {
		return nil, err
	}
	return got(&l, l.ID, firstID)
}

func (c *roundTripper) Walk(context.Context, func(int)) error { return errNoWalk }
