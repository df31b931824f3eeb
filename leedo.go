// Package leedo is the Go client of the Leedo CRM API: leads, accounts,
// contacts and campaigns.
//
//	client, err := leedo.NewClientFromEnv() // LEEDO_API_TOKEN
//	if err != nil {
//		return err
//	}
//	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe", Email: "john@example.com"})
//
// A [Client] has a service for each resource, and [Client.Do] for whatever the
// API has beyond this package. All of them are safe for concurrent use.
//
// # Lists
//
// List returns one page, Pages and All walk them all:
//
//	for lead, err := range client.Leads.All(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(lead.Name)
//	}
//
// # Errors
//
// Every error says in one line which call failed and why, without token, query
// or body. Ask for the type that you can do something about:
//
//	if _, ok := errors.AsType[*leedo.NotFoundError](err); ok { … }
//
// The types are:
//
//   - [*BadRequestError], [*UnauthorizedError], [*ForbiddenError],
//     [*NotFoundError], [*ServerError] and, for all other statuses, [*APIError]
//     itself: the response of the API. All unwrap to *APIError.
//   - [*RateLimitError]: the quota does not allow the call now; RetryAt is when
//     it will.
//   - [*UnknownOutcomeError]: a write that may or may not have been done. It
//     wraps what went wrong.
//   - [*DecodeError]: a success that is not what was asked for. A write that
//     ends so was done.
//   - [*TransportError]: no response came, or none that is complete.
//   - [ErrInvalidArgument]: an argument or option is invalid; no request was
//     sent.
//   - context.Canceled, context.DeadlineExceeded: the caller's context ended;
//     joined with the last real error, if there was one.
//
// # Responses
//
// A value whose meaning is clear in spite of its form is read: an empty string
// for no time, a number in quotes, times in the notations of databases. The
// README has the table. A value that is not is a [*DecodeError] that names the
// item and the field.
//
// # What is retried
//
// Reads recover by themselves from server errors (500 and above but 501), 408,
// cut connections and attempts that take too long: see [WithRetries]. A write
// is sent again only if it surely was not sent, or was refused with a 429:
// this package creates nothing twice. [WithIdempotent] says that repeating a
// write does no harm.
//
// # Limits
//
// Plans allow 100, 500 or 5,000 requests an hour. A call for which nothing is
// left waits for up to a minute and is otherwise refused at once:
// [WithMaxWait], [RateLimitError], [Client.RateLimit].
//
// # Custom fields
//
// [WithBodyField] writes fields that this package does not know; [Client.Do]
// reads them into a type of your own that embeds [Lead], for example. Package
// leedotest has a fake of the API to test your own code against.
package leedo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-querystring/query"

	"github.com/leedoapp/leedo-go/internal/walk"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// version is the version of this package, as User-Agent tells it.
const version = "0.1.0"

// Page is one page of a list. T may be a type of your own: see [Client.Do].
type Page[T any] struct {
	// Data is the rows of the page.
	Data []T `json:"data"`
	// Meta is where the page stands in the list.
	Meta PageMeta `json:"meta"`
}

// PageMeta is where a page stands in its list.
type PageMeta struct {
	// Total is the number of rows in the list.
	Total int `json:"total"`
	// Page is the number of the page, from 1.
	Page int `json:"page"`
	// PerPage is the number of rows on a full page.
	PerPage int `json:"per_page"`
}

// HasNext tells whether the list has rows after this page; an empty or nil page
// has none.
func (p *Page[T]) HasNext() bool {
	if p == nil || len(p.Data) == 0 || p.Meta.PerPage < 1 || p.Meta.Total < 1 {
		return false
	}
	return p.Meta.Page <= (p.Meta.Total-1)/p.Meta.PerPage
}

// Response is an answer as it came; see [WithResponse].
type Response struct {
	// StatusCode is the HTTP status; 0 if no answer came.
	StatusCode int
	// Header is the header of the answer.
	Header http.Header `json:"-"`
	// Body is the body of the answer; of one that is not a success at most
	// the first 64 KiB.
	Body []byte `json:"-"`
	// RequestID is the answer's X-Request-Id; empty if it had none.
	RequestID string
	// Attempts is how many requests the call made, redirects included.
	Attempts int
	// RateLimit is what this answer said of the quota.
	RateLimit RateLimit
}

// resource is a row that has an id.
type resource interface{ key() string }

func get[T resource](ctx context.Context, c *Client, template, id string, opts []RequestOption) (*T, error) {
	k := newCall(c, http.MethodGet, template)
	return finish[T](ctx, k, k.apply(opts), k.Fill(id))
}

// send writes params and returns the resource that the API answers with. An
// empty id means that template has none.
func send[T resource, P any](ctx context.Context, c *Client, method, template, id string, params *P, opts []RequestOption) (*T, error) {
	k := newCall(c, method, template)
	k.collection = id == ""
	return finish[T](ctx, k, k.apply(opts), k.Fill(id), k.Encode(params), k.Changes())
}

func finish[T resource](ctx context.Context, k *call, problems ...error) (*T, error) {
	var out T
	err := k.run(ctx, true, func(h http.Header, body []byte) error {
		err := wire.Decode(h, body, &out)
		switch {
		case err == nil && out.key() != "" && out.key() != "0":
			return nil
		case wire.Failed(body):
			return errFailed
		case err == nil && out.key() == "":
			return errors.New("an object without an id")
		}
		return err
	}, problems...)
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// list reads one page.
func list[T resource](ctx context.Context, c *Client, path string, params any, opts []RequestOption) (*Page[T], error) {
	k := newCall(c, http.MethodGet, path)
	values, err := paging(params)
	k.Query = values
	return fetch[T](ctx, k, err, k.apply(opts))
}

func fetch[T resource](ctx context.Context, k *call, problems ...error) (*Page[T], error) {
	k.collection = true
	page := new(Page[T])
	err := k.run(ctx, true, func(h http.Header, body []byte) error {
		err := wire.DecodePage(h, body, page, &page.Data)
		switch {
		case (err != nil || len(page.Data) == 0) && wire.Failed(body):
			return errFailed
		case err != nil:
			return err
		}
		if i := slices.IndexFunc(page.Data, func(row T) bool { return row.key() == "" }); i >= 0 {
			return fmt.Errorf("item %d has no id", i+1)
		}
		return nil
	}, problems...)
	if err != nil {
		return nil, err
	}
	return page, nil
}

// paging encodes list params, which may be a nil pointer.
func paging(params any) (url.Values, error) {
	values, err := query.Values(params)
	if err != nil {
		return url.Values{}, err
	}
	if strings.HasPrefix(values.Get("page"), "-") || strings.HasPrefix(values.Get("per_page"), "-") {
		err = errors.New("negative Page or PerPage")
	}
	return values, err
}

// pages walks the pages of a list. params is read now, not when the walk
// begins: the caller may change it afterwards.
func pages[T resource](ctx context.Context, c *Client, path string, params any, opts []RequestOption) iter.Seq2[*Page[T], error] {
	values, paramsErr := paging(params)
	return func(yield func(*Page[T], error) bool) {
		k := newCall(c, http.MethodGet, path)
		k.Query, k.plan = maps.Clone(values), &walk.Plan{}
		optsErr := k.apply(opts)
		query, startErr := k.plan.TakeStart(k.Query)
		last := k // the call of the page that was taken last
		read := func(ctx context.Context, number int, placed func()) (a walk.Answer[T]) {
			own := *k // pages may be read concurrently
			own.RawQuery, own.Placed = query+strconv.Itoa(number), placed
			if k.response != nil {
				own.response = new(Response)
			}
			page, err := fetch[T](ctx, &own, paramsErr, optsErr, startErr)
			if a.Err = err; err == nil {
				a.Rows, a.Meta = page.Data, walk.Meta(page.Meta)
			}
			_, limited := errors.AsType[*RateLimitError](err)
			_, failed := errors.AsType[*ServerError](err)
			_, cut := errors.AsType[*TransportError](err)
			a.Again = limited && own.result.Attempts == 0 || (limited || failed || cut) && own.result.Waited > 0
			a.Taken = func() {
				if last = &own; k.response != nil {
					*k.response = *own.response
				}
			}
			return a
		}
		for chunk, err := range walk.Pages(ctx, *k.plan, read, T.key) {
			if broken, ok := errors.AsType[*walk.Broken](err); ok {
				err = last.decodeError(broken)
			}
			page := &Page[T]{chunk.Rows, PageMeta(chunk.Meta)}
			if err != nil {
				page = nil
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

// all walks the rows of pages.
func all[T any](pages iter.Seq2[*Page[T], error]) iter.Seq2[*T, error] {
	return walk.Rows(pages, func(p *Page[T]) []T { return p.Data })
}
