package leedo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/walk"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Client calls the Leedo API with one token. Make it with [NewClient]; the
// zero value is of no use. It is immutable and safe for concurrent use, needs
// no closing, and prints without its token.
type Client struct {
	// Leads reads and writes leads.
	Leads *LeadsService
	// Accounts reads and writes accounts.
	Accounts *AccountsService
	// Contacts reads and writes contacts.
	Contacts *ContactsService
	// Campaigns reads campaigns.
	Campaigns *CampaignsService

	config    *config
	limiter   *RateLimiter
	transport *transport.Client
}

// NewClient returns a client that sends token to the API. A token is one or
// more visible ASCII characters, without the word Bearer, quotes or white space
// around it; any other is [ErrInvalidArgument], with a text that says what is
// wrong and does not quote it. So are invalid options. nil options are ignored.
// Nothing is sent.
func NewClient(token string, opts ...Option) (*Client, error) {
	cfg := defaults()
	if err := cfg.apply(opts); err != nil {
		return nil, err
	}
	return cfg.client("token", token)
}

// NewClientFromEnv is NewClient with the token in the environment variable
// LEEDO_API_TOKEN and, unless LEEDO_BASE_URL is unset or blank, that base URL.
// White space around either is removed. An error about one of them names the
// variable. Options win over the environment.
func NewClientFromEnv(opts ...Option) (*Client, error) {
	cfg := defaults()
	if base := strings.TrimSpace(os.Getenv(baseURLVariable)); base != "" {
		cfg.baseURL, cfg.baseName = base, baseURLVariable
	}
	if err := cfg.apply(opts); err != nil {
		return nil, err
	}
	if cfg.token != nil {
		return cfg.client(tokenVariable, "")
	}
	token, set := os.LookupEnv(tokenVariable)
	if !set {
		return nil, invalid("%s is not set", tokenVariable)
	}
	if trimmed := strings.TrimSpace(token); trimmed != "" {
		token = trimmed // files end in newlines
	}
	return cfg.client(tokenVariable, token)
}

// The environment variables that [NewClientFromEnv] reads.
const (
	tokenVariable   = "LEEDO_API_TOKEN"
	baseURLVariable = "LEEDO_BASE_URL"
)

// RateLimit returns what the responses reported of the quota. Nothing is sent.
func (c *Client) RateLimit() RateLimit { return c.limiter.RateLimit() }

// Format prints the client without its token, whatever the verb.
func (c Client) Format(f fmt.State, _ rune) { io.WriteString(f, "leedo.Client{token: ***}") }

// LogValue is the client without its token.
func (c Client) LogValue() slog.Value { return slog.StringValue("leedo.Client{token: ***}") }

// Do makes a call that this package has no method for. It goes the same way as
// all others: token, limiter, retries, errors. Every method but GET and HEAD
// is a write; OPTIONS, TRACE and CONNECT are [ErrInvalidArgument].
//
// path is relative to the base URL, begins with "/" and is escaped already:
// "/leads/"+url.PathEscape(id). A query ([WithQuery] sends one), a fragment, an
// origin or a dot segment in it is [ErrInvalidArgument].
//
// body is encoded with encoding/json; nil sends none. For JSON that is ready
// use [json.RawMessage]. GET and HEAD take none. A body that cannot be encoded,
// or that has a string in it that is not valid UTF-8, is [ErrInvalidArgument];
// the error names the field and never a value. Types with a MarshalJSON or
// MarshalText method decide for themselves what their strings become.
//
// out is a pointer that the response is decoded into, as encoding/json does and
// where that fails with the tolerance of all calls; a response that is not one
// JSON value that fits is a [*DecodeError], which may leave out partly set. With
// nil any 2xx will do, 204 too, but for HTML or XML after a write, such as a
// maintenance page: that is an [*UnknownOutcomeError], unless Location names the
// record. To read custom fields, let out embed the type of this package:
//
//	var my struct {
//		leedo.Lead
//		Score int `json:"score"`
//	}
//	err := client.Do(ctx, "GET", "/leads/"+url.PathEscape(id), nil, &my)
//
// A list of such a type T is read into a [Page] of T.
func (c *Client) Do(ctx context.Context, method, path string, body, out any, opts ...RequestOption) error {
	k := newCall(c, method, path)
	if err := k.request.Check(body, out); err != nil {
		return k.invalid(err)
	}
	if err := k.apply(opts); err != nil {
		return k.invalid(err)
	}
	if err := k.request.Encode(body); err != nil {
		return k.invalid(err)
	}
	if out == nil {
		return k.do(ctx, nil)
	}
	return k.do(ctx, func(header http.Header, body []byte) error {
		if wire.Failed(body) {
			return errFailed
		}
		return wire.Decode(header, body, out)
	})
}

func (cfg *config) apply(opts []Option) error {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.applyClient(cfg); err != nil {
			return err
		}
	}
	return nil
}

// client makes the client that cfg describes. Errors call the token by its
// name.
func (cfg *config) client(name, token string) (*Client, error) {
	var err error
	if cfg.base, err = wire.ParseBase(cfg.baseURL, cfg.insecure, token); err != nil {
		return nil, invalid("%s %w", cfg.baseName, err)
	}
	switch {
	case cfg.token != nil && token != "":
		return nil, invalid("the token must be empty with WithTokenSource")
	case cfg.token == nil:
		if err := wire.CheckToken(name, token); err != nil {
			return nil, invalid("%w", err)
		}
		// Kept in a closure, where no printing of structs finds it.
		bearer := "Bearer " + token
		cfg.token = func(context.Context) (string, error) { return bearer, nil }
	}
	if cfg.limiter == nil {
		cfg.limiter, _ = NewRateLimiter(nil)
	}
	if cfg.attemptTimeout == nil {
		cfg.attemptTimeout = new(cmp.Or(cfg.httpClient.Timeout, 30*time.Second))
	}
	var onAttempt func(context.Context, transport.Attempt)
	if hook := cfg.hooks.Attempt; hook != nil {
		onAttempt = func(ctx context.Context, a transport.Attempt) { hook(ctx, AttemptInfo(a)) }
	}
	cfg.header = http.Header{"Accept": {"application/json"}, "User-Agent": {cfg.userAgent}}
	c := &Client{config: cfg, limiter: cfg.limiter, transport: transport.New(transport.Config{
		Base: cfg.base, HTTPClient: cfg.httpClient, Authorization: cfg.token, Ledger: cfg.limiter.ledger, Limited: !cfg.unlimited,
		MaxBody: cfg.maxBody, BackoffMin: cfg.backoffMin, BackoffMax: cfg.backoffMax,
		Logger: cfg.logger, OnAttempt: onAttempt,
		OnWait: onWait(cfg.hooks.Wait), OnWaited: onWait(cfg.hooks.Waited),
	})}
	c.Leads = &LeadsService{c}
	c.Accounts = &AccountsService{c}
	c.Contacts = &ContactsService{c}
	c.Campaigns = &CampaignsService{c}
	return c, nil
}

// maxKept is how much is kept of a page that may yet turn out to break the
// rules of paging.
const maxKept = 1 << 10

// call is one call on its way to the server and back.
type call struct {
	client     *Client
	settings   settings
	request    wire.Request
	idempotent bool       // repeating a write does no harm
	collection bool       // a List or Create of a service: a 404 is not about a missing record
	needsBody  bool       // a success without its body is not usable
	plan       *walk.Plan // of the iteration that this call belongs to; nil: none
	page       int        // of it
	place      *transport.Place
	response   *Response // the caller's; nil: not wanted
	result     *transport.Result
}

func newCall(c *Client, method, path string) *call {
	k := &call{client: c, request: wire.Request{Method: method, Template: path}}
	if c != nil && c.config != nil {
		k.settings, k.request.Header = c.config.settings, c.config.header
	}
	return k
}

func (k *call) apply(opts []RequestOption) error {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.applyCall(k); err != nil {
			return err
		}
	}
	return nil
}

// do makes the call. decode decodes a success and returns what is wrong with
// it; nil: any success will do.
func (k *call) do(ctx context.Context, decode func(http.Header, []byte) error) error {
	if ctx == nil || k.client == nil || k.client.config == nil {
		return k.invalid(errors.New("nil context, or a client that NewClient did not make"))
	}
	k.needsBody = decode != nil || k.response != nil
	k.result = k.client.transport.Do(ctx, transport.Call{
		Method:         k.request.Method,
		Path:           k.request.Template,
		URL:            k.request.URL(k.client.config.base),
		Header:         k.request.Header,
		Body:           k.request.Body,
		Class:          quota.Class(k.priority()),
		Write:          !k.request.Reads(),
		Repeatable:     k.request.Reads() || k.idempotent,
		NeedBody:       k.needsBody,
		Retries:        k.settings.retries,
		AttemptTimeout: *k.settings.attemptTimeout,
		MaxWait:        k.settings.maxWait,
		Place:          k.place,
	})
	if k.response != nil {
		k.respond()
	}
	err := k.resultError()
	if err == nil {
		err = k.check(decode)
	}
	if resp := k.result.Response; k.plan != nil && resp != nil && len(resp.Body) > maxKept {
		resp.Body = bytes.Clone(resp.Body[:maxKept])
	}
	return err
}

// resultError returns the error of what the call came to; nil if that is a
// success that can be looked at.
func (k *call) resultError() error {
	r := k.result
	var err error // of the last attempt
	switch resp := r.Response; {
	case resp == nil && r.Failure == nil:
	case resp == nil:
		err = k.transportError(nil, r.Failure)
	case !resp.Success():
		err = k.statusError(resp)
	case resp.BodyErr == nil || !k.needsBody:
	case k.request.Reads() && !transport.TooLarge(resp.BodyErr):
		err = k.transportError(resp, resp.BodyErr)
	default:
		err = k.decodeError(resp.BodyErr)
	}
	if r.Budget {
		err = &budgetError{k.request.Method, k.request.Template, err}
	}
	switch end := r.End.(type) {
	case nil:
	case *quota.Refusal:
		limited := k.rateLimitError(end.Until, WaitReason(end.Reason), RateLimit(end.Figures), r.Limited)
		if _, again := err.(*RateLimitError); err == nil || again {
			err = limited
		} else { // what the attempt before had come to
			err = k.join(limited, err)
		}
	default:
		first := error(end)
		if r.InFlight {
			first = k.transportError(r.Cut, end)
		}
		err = k.join(first, err)
	}
	if r.Redirect != nil {
		err = k.join(r.Redirect, err)
	}
	if r.Unknown && (r.Response == nil || !r.Response.Success()) {
		err = k.unknownOutcome(err)
	}
	return err
}

// statusError returns the error of a response that is not a success.
func (k *call) statusError(resp *transport.Response) error {
	if resp.Status == http.StatusTooManyRequests {
		why := WaitQuota
		if resp.Asked {
			why = WaitRetryAfter
		}
		return k.rateLimitError(resp.RetryAt, why, RateLimit(resp.Rate), resp)
	}
	e := k.apiError(resp)
	switch {
	case resp.Status == http.StatusBadRequest:
		return &BadRequestError{*e}
	case resp.Status == http.StatusUnauthorized:
		return &UnauthorizedError{*e}
	case resp.Status == http.StatusForbidden:
		return &ForbiddenError{*e}
	case resp.Status == http.StatusNotFound:
		return &NotFoundError{*e}
	case resp.Status >= 500 && resp.Status < 600:
		return &ServerError{*e}
	}
	return e
}

// errFailed says that the body of a success reports that the call failed.
var errFailed = errors.New("reported as failed")

// check decodes a success, unless decode is nil, and returns the error of one
// that is not what was asked for, or that reports that the call failed.
func (k *call) check(decode func(http.Header, []byte) error) error {
	resp := k.result.Response
	var err error
	switch {
	case decode != nil:
		err = decode(resp.Header, resp.Body)
	case resp.BodyErr == nil && wire.Failed(resp.Body):
		err = errFailed
	case wire.IsMarkup(resp.Body) && !k.done(resp):
		err = errors.New("HTML or XML, not JSON")
	}
	switch {
	case err == errFailed && !k.request.Reads():
		return k.unknownOutcome(k.apiError(resp))
	case err == errFailed:
		return k.apiError(resp)
	case err != nil:
		return k.decodeError(err)
	}
	return nil
}

// done reports whether a success says that the call, if it is a write, was done.
func (k *call) done(resp *transport.Response) bool {
	return k.request.Reads() || wire.Done(resp.Header, resp.Body, k.request.Method, k.request.URL(k.client.config.base))
}

// copyResponse copies the Response of k, the call for a page, to the one that the
// caller of the iteration gave.
func (k *call) copyResponse(iteration *call) {
	if iteration.response != nil {
		*iteration.response = *k.response
	}
}

// respond fills the caller's Response.
func (k *call) respond() {
	*k.response = Response{Attempts: k.result.Attempts}
	if resp := cmp.Or(k.result.Response, k.result.Limited); resp != nil {
		k.response.StatusCode = resp.Status
		k.response.Header = resp.Header
		k.response.Body = resp.Body
		k.response.RequestID = clean(resp, resp.Header.Get("X-Request-Id"))
		k.response.RateLimit = RateLimit(resp.Rate)
	}
}
