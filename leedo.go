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
// An iteration ends without an error only when the end of the list is proven:
// everything that the newest total counts has been read and the last page was not
// full, or the page behind it is empty, repeats it or does not exist. A page that
// is full is therefore looked behind, at the cost of one request. Items that are
// missing in the end are a [*DecodeError]. [LeadsService.All] has the rules.
//
// # Errors
//
// Every error says in one line which call failed and why, without token, query
// or body. [OutcomeOf] reports whether a write was done. Ask for the type that you
// can do something about:
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
//     ends so was done; a page of text that need not come from the API is inside
//     an *UnknownOutcomeError.
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
// is retried only if the request is known not to have reached the server, or was
// rejected with 429: this package never creates a duplicate on its own.
// [WithIdempotent] says that repeating a write does no harm. While the server fails,
// the retries of all calls together are bounded: see [RateLimiterOptions].
//
// # Limits
//
// Plans allow 100, 500 or 5,000 requests an hour. When the quota is
// exhausted, a call waits up to one minute for it to reset; if that is not
// enough, it fails immediately with a [*RateLimitError]. See [WithMaxWait] and
// [Client.RateLimit].
//
// # Custom fields
//
// [WithBodyField] writes fields that this package does not know; [Client.Do]
// reads them into a type of your own that embeds [Lead], for example, and [All] and
// [Pages] read lists of it.
//
// # Extending a client
//
// [WithInterceptor] puts functions around each call, [WithHooks] calls functions for
// attempts and waits. In all of them, and in transports, [CallFromContext] returns the
// call that a context belongs to.
//
// # Testing
//
// Package leedotest has a fake of the API to test your own code against.
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

	"github.com/google/go-querystring/query"

	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/walk"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Version is the version of this package, which User-Agent names.
const Version = "0.1.0"

// Page is one page of a list. T may be a type of your own: see [All].
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

// HasNext reports whether a further page may have items, by what this one says
// of the list; a nil page has none after it. It is true unless the page's figures
// add up to the end of the list: with as many items as Total counts, up to the
// last one of this page, and no more than PerPage of them; or, on an empty page,
// with no more of them in Total than fit on the pages up to this one.
//
// One page does not prove where a list ends: if Total stops counting at some
// number, HasNext may be false too early. [LeadsService.All] and Pages look
// behind a full last page, and read such a list to its end.
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

// Response is a response as it came; see [WithResponse].
type Response struct {
	// StatusCode is the HTTP status; 0 if no response came.
	StatusCode int
	// Header is the header of the response.
	Header http.Header `json:"-"`
	// Body is the body of the response; of one that is not a success at most
	// the first 64 KiB.
	Body []byte `json:"-"`
	// RequestID is the response's X-Request-Id; empty if it had none.
	RequestID string
	// Attempts is how many requests the call made, redirects included.
	Attempts int
	// RateLimit is what this response reported of the quota.
	RateLimit RateLimit
}

// keyed is a record that has an id, or a type that embeds one.
type keyed interface{ key() string }

// resource is a pointer to a record of type T.
type resource[T any] interface {
	*T
	keyed
}

func get[T any, R resource[T]](ctx context.Context, c *Client, template, id string, opts []RequestOption) (*T, error) {
	k := newCall(c, http.MethodGet, template)
	err := k.apply(opts)
	if err == nil {
		err = k.request.Fill(id)
	}
	return record[T, R](ctx, k, err)
}

// send writes params and returns the record that the API responds with. An
// empty id means that template has none.
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

// record makes a call that returns a record, unless it is invalid.
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

// page makes a call that returns a page, unless it is invalid.
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
		return nil, errors.New("negative Page or PerPage")
	}
	return values, nil
}

// pages iterates over the pages of a list. params and opts are read now, not when
// the iteration begins: the caller may change them afterwards.
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
			own := *k // pages may be read concurrently
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

// readPage makes the call k for a page of an iteration.
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
	if made == nil { // an interceptor decided otherwise
		made = &transport.Result{}
	}
	return walk.Result[T, *call]{
		Err:    err,
		Source: k,
		Absent: missing || bad,
		// A page read ahead had less time to wait than it has when it is needed.
		Outwaited: limited && made.Attempts == 0 || (limited || failed || cut) && made.Waited > 0,
	}
}

// pageError is an error of an iteration, which names the page that it is about.
type pageError struct {
	call *call
	err  error
}

// pageError makes err the error of an iteration that ended at the page of k.
func (k *call) pageError(err error) error {
	if errors.Is(err, ErrInvalidArgument) {
		return err
	}
	if broken, ok := errors.AsType[*walk.Broken](err); ok {
		err = k.decodeError(broken)
	}
	return &pageError{k, err}
}

func (e *pageError) Error() string {
	r := e.call.request
	return wire.Say(r.Method, fmt.Sprintf("%s, page %d", r.Template, e.call.page), message(r.Method, r.Template, e.err))
}

// Unwrap returns the error of the page's call.
func (e *pageError) Unwrap() error { return e.err }

func (e pageError) Equal(o pageError) bool {
	a, b := e.call.request, o.call.request
	return a.Method == b.Method && a.Template == b.Template && e.call.page == o.call.page && wire.Alike(e.err, o.err)
}

// LogValue returns what the error of the page's call logs, and the page.
func (e *pageError) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("", loggable(e.err)), slog.Int("page", e.call.page)) // without a key the group is inlined
}

// Pages iterates over the pages of a list whose items are of the caller's own type:
// for lists that this package has no method for, and for custom fields. It promises
// what [LeadsService.Pages] does, with path and options as [Client.Do] takes them;
// [WithQuery] sends page, per_page and any other parameter. For T and id see [All].
func Pages[T any](ctx context.Context, client *Client, path string, id func(*T) string, opts ...RequestOption) iter.Seq2[*Page[T], error] {
	if id != nil {
		var one sync.Mutex // pages are checked when they come, several at a time with WithPrefetch
		return pages(ctx, client, path, func(item *T) string {
			one.Lock()
			defer one.Unlock()
			return id(item)
		}, nil, opts)
	}
	if _, ok := any((*T)(nil)).(keyed); ok {
		return pages(ctx, client, path, func(item *T) string { return any(item).(keyed).key() }, nil, opts)
	}
	opts = append(slices.Clip(opts), callOption{set: func(*call) error {
		return fmt.Errorf("no id function, and %T embeds no type of this package", *new(T))
	}})
	return pages[T](ctx, client, path, nil, nil, opts)
}

// All iterates over the items of a list of the caller's own type. It promises what
// [LeadsService.All] does, with path and options as [Client.Do] takes them;
// [WithQuery] sends page, per_page and any other parameter.
//
// T is what each item of data is decoded into: a struct, [json.RawMessage] or a map.
// id returns the id of an item, by which items that come twice are recognized; an
// empty one is a [*DecodeError]. It is called for one item at a time, for some more
// than once, from any goroutine, and must not change the item. It may be nil if T is
// or embeds one record type of this package, whose id is taken then.
//
//	type MyLead struct {
//		leedo.Lead
//		Score int `json:"score"`
//	}
//	for lead, err := range leedo.All[MyLead](ctx, client, "/leads", nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(lead.Name, lead.Score)
//	}
//
// Errors are yielded once, with a nil item. A path that is not usable, or a nil id
// where T has none, is [ErrInvalidArgument].
func All[T any](ctx context.Context, client *Client, path string, id func(*T) string, opts ...RequestOption) iter.Seq2[*T, error] {
	return all(Pages(ctx, client, path, id, opts...))
}

// all iterates over the items of pages.
func all[T any](pages iter.Seq2[*Page[T], error]) iter.Seq2[*T, error] {
	return walk.Items(pages, func(p *Page[T]) []T { return p.Data })
}
