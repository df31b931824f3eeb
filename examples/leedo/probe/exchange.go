package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/leedoapp/leedo-go"
)

// exchange is a request and its complete response.
type exchange struct {
	leedo.Response
	sent, arrived time.Time
	number        int  // of the request, to find adjacent ones
	content       any  // the body, decoded; nil if it is not JSON
	burst         bool // it is of a burst of requests for records that do not exist
}

// tries is how often a request is made until it gets a usable response.
const tries = 3

var (
	// errUnusable is the error of a request that got no usable response.
	errUnusable = errors.New("no usable response")
	// errSpent is the error of a request that would exceed the maximum.
	errSpent = errors.New("no requests are left for it")
)

// get makes a GET, some times if need be, until the status is one of those wanted.
// The error is errUnusable or errSpent, or one that ends the probe; see skip.
func (p *prober) get(ctx context.Context, path, query string, want ...int) (*exchange, error) {
	var opts []leedo.RequestOption
	for pair := range strings.SplitSeq(query, "&") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			opts = append(opts, leedo.WithQuery(key, value))
		}
	}
	for range tries {
		x, err := p.send(ctx, http.MethodGet, path, nil, opts...)
		if err != nil {
			return nil, err
		}
		if x != nil && x.is(want...) {
			p.keep(x)
			return x, nil
		}
		if x != nil && x.is(http.StatusUnauthorized, http.StatusForbidden) {
			break // the token may not do that
		}
	}
	return nil, errUnusable
}

// getter is get or again.
type getter func(ctx context.Context, path, query string, want ...int) (*exchange, error)

// again makes a GET like get, and repeats it if its status is not 200, so that a
// response that went wrong is not taken for the rule.
func (p *prober) again(ctx context.Context, path, query string, want ...int) (*exchange, error) {
	x, err := p.get(ctx, path, query, want...)
	if err != nil || x.is(http.StatusOK) {
		return x, err
	}
	second, err := p.get(ctx, path, query, want...)
	if err == nil && (second.StatusCode != x.StatusCode || shapeOf(second) != shapeOf(x)) {
		return nil, errUnusable
	}
	return second, err
}

// send makes one request. The exchange is nil if there was no complete response, or a
// 5xx; p.last then has the error. Other errors end the probe; see skip.
func (p *prober) send(ctx context.Context, method, path string, body any, opts ...leedo.RequestOption) (*exchange, error) {
	if p.left < 1 {
		return nil, errSpent
	}
	x := &exchange{sent: time.Now()}
	opts = append(opts, leedo.WithRetries(0), leedo.WithResponse(&x.Response))
	p.last = p.opts.Client.Do(ctx, method, path, body, nil, opts...)
	x.arrived = time.Now()
	p.sent += x.Attempts
	p.left -= x.Attempts
	x.number = p.sent
	_, cut := errors.AsType[*leedo.TransportError](p.last)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("interrupted after %d requests: %w", p.sent, context.Cause(ctx))
	case errors.Is(p.last, leedo.ErrInvalidArgument): // the server has ids that do not fit in a path
		return nil, errUnusable
	case x.Attempts == 0: // nothing was sent: the client, or its token, is wrong
		return nil, p.last
	case x.is(http.StatusTooManyRequests) && !p.exhausting:
		return nil, p.exhausted()
	case cut || x.StatusCode == 0 || x.StatusCode >= 500:
		return nil, nil
	}
	x.decode()
	if x.cut() {
		return nil, nil
	}
	return x, nil
}

// keep records a usable response, for the questions that all of them settle.
func (p *prober) keep(x *exchange) { p.log = append(p.log, x) }

// skip records why questions stay open. It returns nil for errors that do no more
// than that, and others, which end the probe.
func (p *prober) skip(err error, texts ...string) error {
	if !errors.Is(err, errUnusable) && !errors.Is(err, errSpent) {
		return err
	}
	for _, q := range questions {
		if slices.Contains(texts, q.text) && !p.settled(q.text) {
			p.cannot(q.text, "%v: %s", err, q.request)
		}
	}
	return nil
}

// decode decodes the body.
func (x *exchange) decode() {
	decoder := json.NewDecoder(bytes.NewReader(x.Body))
	decoder.UseNumber()
	if decoder.Decode(&x.content) != nil || decoder.More() {
		x.content = nil
	}
}

// exhausted is the error of a 429 that was not wanted.
func (p *prober) exhausted() error {
	when := ""
	if limited, ok := errors.AsType[*leedo.RateLimitError](p.last); ok && !limited.RetryAt.IsZero() {
		when = ", retry at " + limited.RetryAt.Format(time.RFC3339)
	}
	return fmt.Errorf("%w: request %d got a 429%s", ErrQuota, p.sent, when)
}

// cut reports whether the body is not complete. The client does not say so if the
// status is that of an error.
func (x *exchange) cut() bool {
	length, ok := number(x.Header, "Content-Length")
	looksJSON := bytes.HasPrefix(x.Body, []byte("{")) || bytes.HasPrefix(x.Body, []byte("["))
	return ok && length > len(x.Body) || looksJSON && x.content == nil
}

// is reports whether the status is one of those given.
func (x *exchange) is(statuses ...int) bool {
	return slices.Contains(statuses, x.StatusCode)
}

// date returns the Date of the response. A response from a cache has an old one.
func (x *exchange) date() (time.Time, bool) {
	if age := x.Header.Get("Age"); age != "" && age != "0" {
		return time.Time{}, false
	}
	date, err := http.ParseTime(x.Header.Get("Date"))
	return date, err == nil
}

// number returns a header that is a number of 0 or more.
func number(header http.Header, name string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(header.Get(name)))
	return n, err == nil && n >= 0
}

// exhausted reports whether the response is a 429 because of the quota: not of a limit
// on bursts, say.
func (x *exchange) exhausted() bool {
	left, ok := number(x.Header, headerRemaining)
	return x.is(http.StatusTooManyRequests) && (!ok || left == 0)
}

// page is a page of a list.
type page struct {
	items                []map[string]any
	ids                  []string // of the items; nil if some have none, or the same
	total, page, perPage int
}

// list reads a page of a list; errUnusable if the response is not a page.
func (p *prober) list(ctx context.Context, path, query string) (page, error) {
	x, err := p.get(ctx, path, query, http.StatusOK)
	if err != nil {
		return page{}, err
	}
	got, ok := x.page()
	if !ok || len(got.ids) < len(got.items) {
		return page{}, errUnusable
	}
	return got, nil
}

// page decodes a page; ok is false if the response is not a page.
func (x *exchange) page() (got page, ok bool) {
	var body struct {
		Data *[]map[string]any
		Meta *struct {
			Total, Page *int
			PerPage     *int `json:"per_page"`
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(x.Body))
	decoder.UseNumber()
	if !x.is(http.StatusOK) || decoder.Decode(&body) != nil || body.Meta == nil ||
		body.Meta.Total == nil || body.Meta.Page == nil || body.Meta.PerPage == nil {
		return page{}, false
	}
	if body.Data != nil {
		got.items = *body.Data
	}
	seen := map[string]bool{"": true}
	for _, item := range got.items {
		if id := id(item); !seen[id] {
			got.ids = append(got.ids, id)
			seen[id] = true
		}
	}
	if len(got.ids) < len(got.items) {
		got.ids = nil
	}
	got.total, got.page, got.perPage = *body.Meta.Total, *body.Meta.Page, *body.Meta.PerPage
	return got, true
}

// id returns the id of a record, be it a text or a number; "" if it has none.
func id(record map[string]any) string {
	switch value := record["id"].(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return ""
}

// recordPath returns the path of a record; ok is false if its id does not fit in one.
func recordPath(resource, id string) (path string, ok bool) {
	ok = id != "" && id != "." && id != ".." && !strings.ContainsFunc(id, unicode.IsControl)
	return "/" + resource + "/" + url.PathEscape(id), ok
}
