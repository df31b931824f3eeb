// Package leedo is the Go client of the Leedo CRM API: leads, accounts, contacts
// and campaigns.
//
//	client, err := leedo.NewClientFromEnv() // the token in LEEDO_API_TOKEN
//	if err != nil {
//		return err
//	}
//	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe", Email: "john@example.com"})
//
// A [Client] has a service for each resource. [Client.Do] makes the calls that they
// have no method for, and reads custom fields; [WithBodyField] writes these. A client
// is safe for concurrent use, and a program needs one for each token.
//
// # Errors
//
// Use [errors.AsType] or [errors.Is] to find out why a call failed:
//
//   - [*BadRequestError], [*UnauthorizedError], [*ForbiddenError], [*NotFoundError],
//     [*ServerError]: the status is 400, 401, 403, 404 or 5xx. Each wraps an
//     [*APIError], which is itself the error for other statuses.
//   - [*RateLimitError]: the quota does not allow the call before RetryAt.
//   - [*TransportError]: no complete response was received.
//   - [*DecodeError]: a 2xx response is not usable.
//   - [*UnknownOutcomeError]: a write may or may not have been done. It wraps why.
//   - [ErrInvalidArgument]: an argument or option is invalid; no request was sent.
//   - [context.Canceled], [context.DeadlineExceeded]: ctx ended. The error also
//     wraps the last failure before that, if there was one.
//
// To find out whether a write was done, pass the error that the call returned, nil
// included, to [OutcomeOf]. The text of an error is one line. It may include the API's
// code and message, but never the token, a query or anything else from a body.
//
// # Lists
//
// List returns one page. Pages and All iterate over a whole list and fetch its pages
// as they are needed:
//
//	for lead, err := range client.Leads.All(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(lead.Name)
//	}
//
// An iteration promises the following; docs/paging.md in the repository has the details
// and the exceptions.
//
//   - It yields no item twice: it remembers the last 10,000 ids.
//   - While the list is sorted newest first and its total is right, items that are
//     created or removed meanwhile hide no other item. In another order, or with
//     [WithPrefetch] over 1, they may hide a few.
//   - It ends without an error only if the end of the list is proven: all items that
//     the newest total counts were read and the last page was not full, or the next
//     page is empty, repeats the one before or does not exist. So a full last page
//     costs one request more. That request can only add items: if it fails, the
//     iteration ends without an error unless ctx ended.
//   - It ends with a [*DecodeError] if items are missing at the end, a page breaks the
//     rules of paging, or the list changes faster than it can be read. While items are
//     missing, a request that fails ends it with its own error.
//   - It yields an error once, with a nil item, and ends. The error names the page.
//
// # Retries
//
// Reads are retried after a 408, a 5xx other than 501, a cut connection or an attempt
// that took too long; see [WithRetries]. A write is retried only if the request is
// known not to have been processed, for example because there was no connection, or was
// rejected with 429. The package never creates a duplicate on its own. [WithIdempotent]
// lets a write be retried like a read.
//
// # Limits and waiting
//
// Plans allow 100, 500 or 5,000 requests an hour. A [RateLimiter] delays requests that
// would exceed that. When the quota is exhausted, a call waits up to one minute for it
// to reset; if that is not enough, it fails immediately with a [*RateLimitError]. Each
// page of an iteration is a call, so on the Free plan a long iteration needs a longer
// maximum: see [WithMaxWait]. Interactive calls go before Pages and All: see
// [WithPriority].
//
// # Observing and testing
//
// [WithLogger], [WithHooks] and [WithInterceptor] show what a client does. Package
// [github.com/leedoapp/leedo-go/leedotest] has an in-memory fake of the API.
package leedo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-querystring/query"

	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/walk"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Version is the version of this package, as sent in User-Agent.
const Version = "0.1.0"

// Page is one page of a list. T may be a type of the caller: see [All].
type Page[T any] struct {
	// Data is the items of the page.
	Data []T `json:"data"`
	// Meta is the position of the page in the list.
	Meta PageMeta `json:"meta"`
}

// PageMeta is the position of a page in its list, as the API reports it.
type PageMeta struct {
	// Total is the number of items in the list.
	Total int `json:"total"`
	// Page is the number of the page, from 1.
	Page int `json:"page"`
	// PerPage is the number of items on a full page.
	PerPage int `json:"per_page"`
}

// HasNext reports whether the list may have items after this page, according to
// Meta and the number of items in Data. It is false only if these figures agree on
// the end of the list: Total counts the items up to the last one of this page, and
// there are no more than PerPage of them; or the page is empty, and Total is no more
// than fits on the pages up to this one. For a nil page it is false.
//
// One page does not prove where a list ends: if the API stops counting Total at some
// number, HasNext may be false too early. All and Pages, such as [LeadsService.All],
// request the page after a full last one, and read such a list to its end.
func (p *Page[T]) HasNext() bool {
	if p == nil {
		return false
	}
	// Divided rather than multiplied, or absurd figures would overflow.
	total, size := p.Meta.Total, p.Meta.PerPage
	if len(p.Data) == 0 {
		return total > 0 && (size < 1 || p.Meta.Page <= (total-1)/size)
	}
	before := total - len(p.Data)
	return size < len(p.Data) || before%size != 0 || before/size != p.Meta.Page-1
}

// Response is a response as it was received; see [WithResponse].
type Response struct {
	// StatusCode is the HTTP status; 0 if the call received no response.
	StatusCode int
	// Header is the header of the response.
	Header http.Header `json:"-"`
	// Body is the body of the response: at most the first 64 KiB if its status is
	// not 2xx or it is larger than [WithMaxResponseBytes] allows.
	Body []byte `json:"-"`
	// RequestID is the response's X-Request-Id; empty if it had none.
	RequestID string
	// Attempts is how many requests the call made, redirects included.
	Attempts int
	// RateLimit is the quota as this response reported it.
	RateLimit RateLimit
}

// identified is a record of this package, or a type that embeds one.
type identified interface{ key() string }

// resource is a pointer to a record of type T.
type resource[T any] interface {
	*T
	identified
}

func get[T any, R resource[T]](ctx context.Context, c *Client, template, id string, opts []RequestOption) (*T, error) {
	k := newCall(c, http.MethodGet, template)
	err := k.apply(opts)
	if err == nil {
		err = k.request.Fill(id)
	}
	return record[T, R](ctx, k, err)
}

// send writes params and returns the record in the response. id is empty if
// template has no "{id}".
func send[T any, R resource[T], P any](ctx context.Context, c *Client, method, template, id string, params *P, opts []RequestOption) (*T, error) {
	k := newCall(c, method, template)
	k.collection = id == ""
	err := k.apply(opts)
	if err == nil {
		err = k.request.Fill(id)
	}
	if err == nil {
		err = k.request.Encode(params)
	}
	if err == nil {
		err = k.request.CheckChanges()
	}
	return record[T, R](ctx, k, err)
}

// record makes a call that returns a record. If invalid is not nil, it is the error
// of the call, and nothing is sent.
func record[T any, R resource[T]](ctx context.Context, k *call, invalid error) (*T, error) {
	var out T
	err := k.do(ctx, invalid, func(header http.Header, body []byte) error {
		out = *new(T) // an interceptor may have made the call before
		err := wire.Decode(header, body, &out)
		id := R(&out).key()
		switch {
		case err == nil && id != "" && id != "0":
			return nil
		case wire.Failed(body):
			return errFailed
		case err == nil && id == "":
			return errors.New("an object without an id")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// list reads one page.
func list[T any](ctx context.Context, c *Client, path string, id func(*T) string, params any, opts []RequestOption) (*Page[T], error) {
	k := newCall(c, http.MethodGet, path)
	values, err := paging(params)
	k.request.AddQuery(values)
	if err == nil {
		err = k.apply(opts)
	}
	return page(ctx, k, err, id)
}

// page makes a call that returns a page. invalid is as for record.
func page[T any](ctx context.Context, k *call, invalid error, id func(*T) string) (*Page[T], error) {
	k.collection = true
	out := new(Page[T])
	err := k.do(ctx, invalid, func(header http.Header, body []byte) error {
		*out = Page[T]{} // an interceptor may have made the call before
		err := wire.DecodePage(header, body, out, &out.Data)
		switch {
		case (err != nil || len(out.Data) == 0) && wire.Failed(body):
			return errFailed
		case err != nil:
			return err
		}
		for i := range out.Data {
			if id(&out.Data[i]) == "" {
				return fmt.Errorf("item %d has no id", i+1)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// paging encodes list params, which may be a nil pointer.
func paging(params any) (url.Values, error) {
	values, err := query.Values(params)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(values.Get("page"), "-") || strings.HasPrefix(values.Get("per_page"), "-") {
		return nil, errors.New("Page or PerPage is negative")
	}
	return values, nil
}

// pages iterates over the pages of a list. It reads params and opts before it
// returns, so that the caller may change them afterwards.
func pages[T any](ctx context.Context, c *Client, path string, id func(*T) string, params any, opts []RequestOption) iter.Seq2[*Page[T], error] {
	values, paramsErr := paging(params)
	opts = slices.Clone(opts)
	return func(yield func(*Page[T], error) bool) {
		k := newCall(c, http.MethodGet, path)
		k.plan = &walk.Plan{}
		k.request.AddQuery(values)
		err := cmp.Or(paramsErr, k.request.Check(nil, nil))
		if err == nil {
			err = k.apply(opts)
		}
		var query string
		if err == nil {
			query, err = k.plan.TakeStart(k.request.Query)
		}
		if err != nil {
			yield(nil, k.do(ctx, err, nil))
			return
		}
		var line transport.Line
		read := func(number int) walk.Fetch[T, *call] {
			own := *k // pages may be fetched concurrently
			own.page = number
			own.request.RawQuery = query + strconv.Itoa(number)
			own.place = line.Next()
			if k.response != nil {
				own.response = new(Response)
			}
			return func(ctx context.Context) walk.Result[T, *call] { return readPage(ctx, &own, id) }
		}
		list := walk.New(ctx, *k.plan, read, id)
		for chunk, err := range list.All() {
			list.Last().copyResponse(k)
			if err != nil {
				yield(nil, list.Last().pageError(err))
				return
			}
			if !yield(&Page[T]{chunk.Items, PageMeta(chunk.Meta)}, nil) {
				return
			}
		}
		list.Last().copyResponse(k)
	}
}

// readPage makes the call k, which is for a page of an iteration.
func readPage[T any](ctx context.Context, k *call, id func(*T) string) walk.Result[T, *call] {
	page, err := page(ctx, k, nil, id)
	if err == nil {
		return walk.Result[T, *call]{Items: page.Data, Meta: walk.Meta(page.Meta), Source: k}
	}
	_, limited := errors.AsType[*RateLimitError](err)
	_, failed := errors.AsType[*ServerError](err)
	_, cut := errors.AsType[*TransportError](err)
	_, missing := errors.AsType[*NotFoundError](err)
	_, bad := errors.AsType[*BadRequestError](err)
	made := k.result
	if made == nil { // an interceptor did not make the call
		made = &transport.Result{}
	}
	// A prefetched page had less time to wait than one that is needed now.
	var waited time.Duration
	switch {
	case limited && made.Attempts == 0:
		waited = NoMaxWait // it would have had to wait for too long
	case limited || failed || cut:
		waited = made.Waited
	}
	return walk.Result[T, *call]{Err: err, Source: k, Absent: missing || bad, Waited: waited}
}

// pageError is the error of an iteration. It adds the number of the page.
type pageError struct {
	method, path string
	page         int
	err          error
}

// pageError returns the error of an iteration that err ended at the page of k.
func (k *call) pageError(err error) error {
	if errors.Is(err, ErrInvalidArgument) {
		return err
	}
	if broken, ok := errors.AsType[*walk.Broken](err); ok {
		err = k.decodeError(broken)
	}
	return &pageError{k.request.Method, k.request.Template, k.page, err}
}

func (e *pageError) Error() string {
	return wire.Say(e.method, fmt.Sprintf("%s, page %d", e.path, e.page), message(e.method, e.path, e.err))
}

// Unwrap returns the error of the page's call.
func (e *pageError) Unwrap() error { return e.err }

func (e pageError) Equal(o pageError) bool {
	return e.path == o.path && e.page == o.page && wire.Alike(e.err, o.err)
}

// LogValue returns the LogValue of the page's call with the number of the page.
func (e *pageError) LogValue() slog.Value {
	page := slog.Int("page", e.page)
	if err, ok := e.err.(slog.LogValuer); ok && err.LogValue().Kind() == slog.KindGroup {
		return slog.GroupValue(slog.Any("", err), page) // without a key the group is inlined
	}
	return logged(e.method, e.path, message(e.method, e.path, e.err), page)
}

// Pages iterates over the pages of a list of the caller's own type T, as
// [LeadsService.Pages] does over those of leads. See [All] for the arguments.
func Pages[T any](ctx context.Context, client *Client, path string, id func(*T) string, opts ...RequestOption) iter.Seq2[*Page[T], error] {
	if id != nil {
		var mu sync.Mutex // with WithPrefetch several pages are checked concurrently
		return pages(ctx, client, path, func(item *T) string {
			mu.Lock()
			defer mu.Unlock()
			return id(item)
		}, nil, opts)
	}
	if _, ok := any((*T)(nil)).(identified); ok {
		return pages(ctx, client, path, func(item *T) (id string) {
			defer func() { _ = recover() }() // T embeds a pointer that is nil, so the record in it has no id
			return any(item).(identified).key()
		}, nil, opts)
	}
	opts = append(slices.Clip(opts), callOption{set: func(*call) error {
		return fmt.Errorf("nil id function, and %T embeds no record type of this package", *new(T))
	}})
	return pages[T](ctx, client, path, nil, nil, opts)
}

// All iterates over the items of a list of the caller's own type T, as
// [LeadsService.All] does over leads: for custom fields, and for lists that this
// package has no method for. See "Lists" in the package comment for what it promises.
// path is as for [Client.Do]; [WithQuery] sets page, per_page and other parameters.
//
// Each item is decoded into a T: a struct, a map or [encoding/json.RawMessage]. id
// returns the id of an item, by which items that come twice are recognized; an empty
// id is a [*DecodeError]. It may be nil if T is or embeds exactly one record type of
// this package. It must not change the item. It is called for one item at a time, for some
// items more than once, from any goroutine.
//
// A path that is not usable, and a nil id where T embeds no record, are
// [ErrInvalidArgument].
func All[T any](ctx context.Context, client *Client, path string, id func(*T) string, opts ...RequestOption) iter.Seq2[*T, error] {
	return all(Pages(ctx, client, path, id, opts...))
}

// all iterates over the items of pages.
func all[T any](pages iter.Seq2[*Page[T], error]) iter.Seq2[*T, error] {
	return walk.Items(pages, func(p *Page[T]) []T { return p.Data })
}
