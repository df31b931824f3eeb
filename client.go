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
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/walk"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Client calls the Leedo API with one token. Make it with [NewClient]; the zero
// Client is not usable. It is immutable, safe for concurrent use and needs no
// closing. Formatting a Client never reveals its token.
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
// One page of such a type T is read into a [Page] of T, a whole list with [All].
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
	return k.do(ctx, err, func(header http.Header, body []byte) error {
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
	cfg.header = http.Header{"Accept": {"application/json"}, "User-Agent": {cfg.userAgent}}
	maps.Copy(cfg.header, cfg.fields)
	c := &Client{config: cfg, limiter: cfg.limiter, transport: transport.New(transport.Config{
		Base: cfg.base, HTTPClient: cfg.httpClient, Authorization: cfg.token, Ledger: cfg.limiter.ledger, Limited: !cfg.unlimited,
		MaxBody: cfg.maxBody, BackoffMin: cfg.backoffMin, BackoffMax: cfg.backoffMax,
		Logger: cfg.logger, Dump: cfg.dump,
		OnAttempt: attemptHook(cfg.onAttempt), OnWait: waitHook(cfg.onWait), OnWaited: waitHook(cfg.onWaited),
	})}
	c.Leads = &LeadsService{c}
	c.Accounts = &AccountsService{c}
	c.Contacts = &ContactsService{c}
	c.Campaigns = &CampaignsService{c}
	return c, nil
}

// Interceptor is a function around each call of a client, for what hooks cannot do:
// to change the context, to time a call as a whole, to see its error. Each page of an
// iteration is a call. Calls with invalid arguments, and those that fail because of
// the quota, pass through interceptors, too.
//
// next makes the call, with the context that it is given, and returns its error. An
// interceptor returns that error, or one of its own, which the caller then gets as it
// is. It cannot turn a failure into a success, as there would be no result: if it
// returns nil although the last call of next failed, the caller gets that failure,
// and if it returns nil without calling next, an [ErrInvalidArgument] that says so.
// Calling next twice makes two calls, one after the other; an interceptor that
// repeats a write this way decides itself whether that may create a duplicate. If one
// was done, or may have been, one after it that was not is an [*UnknownOutcomeError]. next
// must be called before the interceptor returns; what is in flight then is waited for.
//
// Interceptors are called concurrently if calls are made concurrently; those for
// pages that [WithPrefetch] reads ahead begin in the order of the pages.
type Interceptor func(ctx context.Context, call CallInfo, next func(context.Context) error) error

// CallInfo describes a call. It holds nothing secret.
type CallInfo struct {
	// Method is the HTTP method; Path the template of the path, or for
	// [Client.Do], [All] and [Pages] the path that they were given.
	Method, Path string
	// Write reports whether the call may change something: its method is neither
	// GET nor HEAD.
	Write bool
	// Priority is the priority of the call.
	Priority Priority
	// Attempt is the number of the newest attempt, from 1; 0 means that none has
	// begun.
	Attempt int
}

func callInfo(info transport.Info) CallInfo {
	return CallInfo{info.Method, info.Path, info.Write, Priority(info.Class), info.Attempt}
}

// CallFromContext returns the call that ctx belongs to, and false if it belongs to
// none. It works with the contexts that a client gives to interceptors, hooks, log
// handlers and token sources, and with those of requests in transports.
//
// A call that is made with such a context is a call within a call: to keep them from
// calling themselves, it is made without interceptors, hooks and log, whatever its
// client.
func CallFromContext(ctx context.Context) (CallInfo, bool) {
	info, ok := transport.InfoOf(ctx)
	return callInfo(info), ok
}

// each returns a function that calls hooks in their order; nil: there are none.
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

// attemptHook returns a function that calls hooks; nil: there are none.
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
	progress   *transport.Progress
	quiet      bool              // no interceptors, hooks and log: it is made within another call
	result     *transport.Result // nil: the call was not made
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

// do makes the call with the interceptors around it, unless it is invalid: then they
// see that. decode decodes a success and returns what is wrong with it; nil: any success
// will do.
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

// intercept makes the call with the interceptors around it.
func (k *call) intercept(ctx context.Context, send func(context.Context) error) error {
	if k.place != nil {
		// Here, and not only for the permit: an interceptor may let one call
		// through at a time, and the page before must not wait for a later one.
		k.place.Wait(ctx)
		defer k.place.Release() // an interceptor may not make the call
	}
	k.progress = &transport.Progress{Info: transport.Info{
		Method: k.request.Method, Path: k.request.Template, Write: !k.request.Reads(), Class: quota.Class(k.priority()),
	}}
	doubt := false // a write that an interceptor made before may have been done
	again := func(ctx context.Context) error {
		earlier := doubt
		doubt = !k.request.Reads() // should it panic
		err := send(ctx)
		notDone := OutcomeOf(err) == OutcomeNotDone
		if earlier && notDone {
			err = k.unknownOutcome(err)
		}
		doubt = doubt && (earlier || !notDone)
		return err
	}
	around := transport.Interception[CallInfo, Interceptor]{
		Interceptors: k.client.config.interceptors, Call: callInfo(k.progress.Info), Progress: k.progress, Do: again,
		Fail: func(err error) error {
			switch {
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

// send makes the call, unless it is invalid.
func (k *call) send(ctx context.Context, invalid error, decode func(http.Header, []byte) error) error {
	switch {
	case invalid != nil:
		return k.invalid(invalid)
	case ctx == nil || k.client == nil || k.client.config == nil:
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
		Progress:       k.progress,
		Quiet:          k.quiet,
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
	case *quota.WaitError:
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
