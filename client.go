package leedo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/walk"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Client calls the Leedo API with one token. Use [NewClient] or [NewClientFromEnv];
// the zero Client is not usable. A Client is immutable, safe for concurrent use and
// needs no closing. Formatting it never reveals its token.
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

// NewClient returns a client that authenticates with token. It sends nothing.
//
// A token is one or more visible ASCII characters, without the word Bearer, quotes
// or white space around it. Any other token is [ErrInvalidArgument], as are invalid
// options; the error does not quote the token. nil options are ignored.
func NewClient(token string, opts ...Option) (*Client, error) {
	cfg := defaults()
	if err := cfg.apply(opts); err != nil {
		return nil, err
	}
	return cfg.client("token", token)
}

// NewClientFromEnv is [NewClient] with the token from the environment variable
// LEEDO_API_TOKEN and the base URL from LEEDO_BASE_URL, unless that is unset or
// blank. White space around the values is removed. Options override the environment.
// The error for an invalid or missing value names the variable.
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

// RateLimit returns the current rate limit state. It sends nothing.
func (c *Client) RateLimit() RateLimit { return c.limiter.RateLimit() }

// Format prints the client without its token for all verbs.
func (c Client) Format(f fmt.State, _ rune) { io.WriteString(f, "leedo.Client{token: ***}") }

// LogValue returns a text without the token.
func (c Client) LogValue() slog.Value { return slog.StringValue("leedo.Client{token: ***}") }

// Do makes a call that this package has no method for, with the client's token,
// rate limiter, retries and errors. Every method other than GET and HEAD is a write;
// OPTIONS, TRACE and CONNECT are [ErrInvalidArgument].
//
// path is relative to the base URL, begins with "/" and is already escaped:
// "/leads/"+url.PathEscape(id). A query, a fragment, an origin or a dot segment in it
// is [ErrInvalidArgument]. Use [WithQuery] to send a query.
//
// body is encoded with encoding/json; nil means no body. Use [encoding/json.RawMessage]
// for a body that is JSON already. A body that cannot be encoded or contains a string
// that is not valid UTF-8, and any body for GET or HEAD, is [ErrInvalidArgument]; the
// error names the field, never a value. Types with a MarshalJSON or MarshalText method
// encode their strings themselves.
//
// out is a pointer that the response is decoded into. A response that does not fit is a
// [*DecodeError], and out may then be partly set. If out is nil, a 2xx response is a
// success, 204 included, unless its JSON reports a failure (an [*APIError], for a write
// inside an [*UnknownOutcomeError]) or it is HTML or XML after a write, such as a
// maintenance page, and Location does not name the record (an [*UnknownOutcomeError]).
// To read custom fields, pass a struct that embeds a type of this package:
//
//	var my struct {
//		leedo.Lead
//		Score int `json:"score"`
//	}
//	err := client.Do(ctx, "GET", "/leads/"+url.PathEscape(id), nil, &my)
//
// Pass a [Page] of such a type to read one page, and use [All] to read a whole list.
func (c *Client) Do(ctx context.Context, method, path string, body, out any, opts ...RequestOption) error {
	k := newCall(c, method, path)
	err := k.request.Check(body, out)
	if err == nil {
		err = k.apply(opts)
	}
	if err == nil {
		err = k.request.Encode(body)
	}
	if out == nil {
		return k.do(ctx, err, nil)
	}
	restore := wire.Restorer(out)
	return k.do(ctx, err, func(header http.Header, body []byte) error {
		if wire.Failed(body) {
			return errFailed
		}
		restore() // an interceptor may have made the call before
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

// client returns a client with the configuration cfg. name is what errors call the
// token.
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
		// In a closure, which prints as an address, not in a field.
		bearer := "Bearer " + token
		cfg.token = func(context.Context) (string, error) { return bearer, nil }
	}
	if cfg.limiter == nil {
		cfg.limiter, _ = NewRateLimiter(nil)
	}
	if cfg.attemptTimeout == nil {
		cfg.attemptTimeout = new(cmp.Or(cfg.httpClient.Timeout, 30*time.Second))
	}
	cfg.header = http.Header{"Accept": {"application/json"}, "User-Agent": {cfg.userAgent}}
	maps.Copy(cfg.header, cfg.fields)
	c := &Client{config: cfg, limiter: cfg.limiter, transport: transport.New(transport.Config{
		Base: cfg.base, HTTPClient: cfg.httpClient, Authorization: cfg.token, Ledger: cfg.limiter.ledger, Limited: !cfg.unlimited,
		MaxBody: cfg.maxBody, BackoffMin: cfg.backoffMin, BackoffMax: cfg.backoffMax,
		Logger: cfg.logger, Dump: cfg.dump,
		OnAttempt: attemptHook(cfg.onAttempt), OnWait: waitHook(cfg.onWait), OnWaited: waitHook(cfg.onWaited),
		OfACall: ofACall,
	})}
	c.Leads = &LeadsService{c}
	c.Accounts = &AccountsService{c}
	c.Contacts = &ContactsService{c}
	c.Campaigns = &CampaignsService{c}
	return c, nil
}

// Interceptor is called around each call of a client: it can change the context, see
// the error and time the call. Each page of an iteration is a call. Interceptors also
// see calls that fail without sending a request. They must be safe for concurrent use.
// Those for pages that [WithPrefetch] reads ahead begin in the order of the pages.
//
// next makes the call with the context that it is given and returns its error. The
// interceptor returns that error or one of its own, which the caller gets unchanged.
// It cannot make a failed call succeed: if it returns nil, the caller gets the error
// of the last next, or an [ErrInvalidArgument] if next was not called.
//
// Calling next again makes another call, after the first; to repeat a write may create
// a duplicate. If an earlier write may have been done and the last was not, the error
// is an [*UnknownOutcomeError]. next must be called before the interceptor returns;
// a call of next that is still running then is waited for.
type Interceptor func(ctx context.Context, call CallInfo, next func(context.Context) error) error

// CallInfo describes a call. It contains nothing secret.
type CallInfo struct {
	// Method is the HTTP method. Path is the template of the path, such as
	// "/leads/{id}", or the path given to [Client.Do], [All] or [Pages].
	Method, Path string
	// Write reports whether the method is a write: neither GET nor HEAD.
	Write bool
	// Priority is the priority of the call.
	Priority Priority
	// Attempt is the number of the latest attempt, from 1; 0 before the first.
	Attempt int
}

func callInfo(info transport.Info) CallInfo {
	return CallInfo{info.Method, info.Path, info.Write, Priority(info.Class), info.Attempt}
}

// CallFromContext returns the call that ctx belongs to, and false if there is no such
// call. ctx is a context that a client passed to an interceptor, a hook, a log handler
// or a token source, or that of a request in a transport.
//
// Calls that are made with such a context, by any client, run no interceptors, call no
// hooks and write no log, so that none of these calls itself.
func CallFromContext(ctx context.Context) (CallInfo, bool) {
	if ctx == nil {
		return CallInfo{}, false
	}
	info, ok := transport.InfoOf(ctx)
	return callInfo(info), ok
}

// each returns a function that calls hooks in their order, or nil if there are no
// hooks.
func each[I any](hooks []func(context.Context, I)) func(context.Context, I) {
	if len(hooks) == 0 {
		return nil
	}
	return func(ctx context.Context, info I) {
		for _, hook := range hooks {
			hook(ctx, info)
		}
	}
}

// attemptHook returns a function that calls hooks, or nil if there are no hooks.
func attemptHook(hooks []func(context.Context, AttemptInfo)) func(context.Context, transport.Attempt) {
	call := each(hooks)
	if call == nil {
		return nil
	}
	return func(ctx context.Context, a transport.Attempt) {
		call(ctx, AttemptInfo{
			Method: a.Method, Path: a.Path, Write: a.Write, Number: a.Number, StatusCode: a.StatusCode,
			RequestID: a.RequestID, RateLimit: RateLimit(a.Rate), Duration: a.Duration, Err: a.Err,
		})
	}
}

// maxPageBody is how much of the body of a page is kept for a DecodeError: a later
// page may show that this one breaks the rules of paging.
const maxPageBody = 1 << 10

// call is one call: its options and request, later its result.
type call struct {
	client     *Client
	settings   settings
	request    wire.Request
	idempotent bool             // a write that may be repeated
	collection bool             // a List or Create of a service: a 404 is not about a missing record
	needsBody  bool             // a success without its body is not usable
	plan       *walk.Plan       // of the iteration that the call belongs to, or nil
	page       int              // its number in the iteration
	place      *transport.Place // its place in the order of the pages, or nil
	response   *Response        // set by WithResponse, or nil
	progress   *transport.Progress
	quiet      bool              // made within another call: without interceptors, hooks and log
	result     *transport.Result // nil if the call was not made
}

func newCall(c *Client, method, path string) *call {
	k := &call{client: c, request: wire.Request{Method: method, Template: path}}
	if c != nil && c.config != nil {
		k.settings, k.request.Header = c.config.settings, c.config.header
		k.request.AddQuery(c.config.query)
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

// do makes the call inside its interceptors. If invalid is not nil, it is the error of
// the call, and nothing is sent. decode decodes the response of a success and returns
// what is wrong with it; if it is nil, any success is accepted.
func (k *call) do(ctx context.Context, invalid error, decode func(http.Header, []byte) error) error {
	if ctx == nil || k.client == nil || k.client.config == nil {
		return k.send(ctx, invalid, decode)
	}
	k.quiet = transport.Within(ctx)
	if k.quiet || len(k.client.config.interceptors) == 0 {
		return k.send(ctx, invalid, decode)
	}
	return k.intercept(ctx, func(ctx context.Context) error { return k.send(ctx, invalid, decode) })
}

// intercept runs the interceptors; the innermost next calls send.
func (k *call) intercept(ctx context.Context, send func(context.Context) error) error {
	if k.place != nil {
		// Not only before the permit: if an interceptor lets one call pass at a
		// time, a page must not wait behind a later one.
		k.place.Wait(ctx)
		defer k.place.Release() // in case the interceptor does not make the call
	}
	k.progress = &transport.Progress{Info: transport.Info{
		Method: k.request.Method, Path: k.request.Template, Write: !k.request.Reads(), Class: quota.Class(k.priority()),
	}}
	var maybeDone atomic.Bool // whether an earlier send of a write may have been done; atomic, as next may be called too late
	sendAgain := func(ctx context.Context) error {
		earlier := maybeDone.Load()
		maybeDone.Store(!k.request.Reads()) // should it panic
		err := send(ctx)
		notDone := OutcomeOf(err) == OutcomeNotDone
		if earlier && notDone {
			err = k.unknownOutcome(err)
		}
		maybeDone.Store(!k.request.Reads() && (earlier || !notDone))
		return err
	}
	around := transport.Interception[CallInfo, Interceptor]{
		Interceptors: k.client.config.interceptors, Call: callInfo(k.progress.Info), Progress: k.progress, Do: sendAgain,
		Fail: func(err error) error {
			switch {
			case err != transport.ErrPanicked && maybeDone.Load():
				return k.unknownOutcome(k.invalid(err))
			case err != transport.ErrPanicked:
				return k.invalid(err)
			case k.request.Reads():
				return k.join(err)
			}
			return k.unknownOutcome(err)
		},
	}
	return around.Run(ctx)
}

// send makes the call. If invalid is not nil, it is the error of the call, and nothing
// is sent.
func (k *call) send(ctx context.Context, invalid error, decode func(http.Header, []byte) error) error {
	switch {
	case invalid != nil:
		return k.invalid(invalid)
	case ctx == nil || k.client == nil || k.client.config == nil:
		return k.invalid(errors.New("nil context, or a Client that was not made by NewClient"))
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
		Progress:       k.progress,
		Quiet:          k.quiet,
	})
	if k.response != nil {
		k.setResponse()
	}
	err := k.resultError()
	if err == nil {
		err = k.check(decode)
	}
	if resp := k.result.Response; k.plan != nil && resp != nil && len(resp.Body) > maxPageBody {
		resp.Body = bytes.Clone(resp.Body[:maxPageBody])
	}
	return err
}

// resultError returns the error of the call's result, or nil for a success whose
// response is yet to be decoded.
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
	case *quota.WaitError:
		limited := k.rateLimitError(end.Until, WaitReason(end.Reason), RateLimit(end.Figures), r.Limited)
		if _, again := err.(*RateLimitError); err == nil || again {
			err = limited
		} else {
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

// errFailed is the error of a 2xx response whose body reports that the call failed.
var errFailed = errors.New("the response reports a failure")

// check decodes the response of a success, unless decode is nil. It returns the error
// of a response that is not usable, or that reports that the call failed.
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

// done reports whether a success proves that a write was done. For reads it is true.
func (k *call) done(resp *transport.Response) bool {
	return k.request.Reads() || wire.Done(resp.Header, resp.Body, k.request.Method, k.request.URL(k.client.config.base))
}

// copyResponse copies the Response of k, the call for a page, to that of the
// iteration, if the caller asked for one.
func (k *call) copyResponse(iteration *call) {
	if iteration.response != nil {
		*iteration.response = *k.response
	}
}

// setResponse sets the caller's Response.
func (k *call) setResponse() {
	*k.response = Response{Attempts: k.result.Attempts}
	if resp := k.result.Last; resp != nil {
		k.response.StatusCode = resp.Status
		k.response.Header = resp.Header
		k.response.Body = resp.Body
		k.response.RequestID = clean(resp, resp.Header.Get("X-Request-Id"))
		k.response.RateLimit = RateLimit(resp.Rate)
	}
}
