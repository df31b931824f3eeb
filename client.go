package leedo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/trip"
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

	config  *config
	limiter *RateLimiter
	trip    *trip.Trip
}

// NewClient returns a client that sends token to the API. A token that is
// empty or holds spaces or control characters, and options that make no sense,
// are [ErrInvalidArgument]. nil options are ignored. Nothing is sent.
func NewClient(token string, opts ...Option) (*Client, error) {
	cfg := defaults()
	if err := cfg.apply(opts); err != nil {
		return nil, err
	}
	return cfg.client(token)
}

// NewClientFromEnv is NewClient with the token of the environment variable
// LEEDO_API_TOKEN and, if LEEDO_BASE_URL is set, that base URL. Options win
// over the environment.
func NewClientFromEnv(opts ...Option) (*Client, error) {
	cfg := defaults()
	cfg.baseURL = cmp.Or(os.Getenv("LEEDO_BASE_URL"), cfg.baseURL)
	if err := cfg.apply(opts); err != nil {
		return nil, err
	}
	token := os.Getenv("LEEDO_API_TOKEN")
	switch {
	case cfg.token != nil:
		token = ""
	case token == "":
		return nil, invalid("LEEDO_API_TOKEN is not set")
	}
	return cfg.client(token)
}

// RateLimit returns what the answers told of the quota. Nothing is sent.
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
// use [json.RawMessage]. GET and HEAD take none.
//
// out is a pointer that the answer is decoded into with encoding/json; an
// answer that is not one JSON value is a [*DecodeError]. With nil any 2xx will
// do, 204 too. To read custom fields, let out embed the type of this package:
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
	return k.run(ctx, out, nil, k.Check(body, out), k.apply(opts), k.Encode(body))
}

// Option sets up a client, for [NewClient].
type Option interface{ applyClient(*config) error }

// RequestOption changes one call; it is the last argument of every method.
type RequestOption interface{ applyCall(*call) error }

// SharedOption is both: on a client it is the default of its calls, on a call
// it wins.
type SharedOption interface {
	Option
	RequestOption
}

type (
	clientOption func(*config) error
	callOption   func(*call) error
	sharedOption func(*settings) error
)

func (o clientOption) applyClient(c *config) error { return o(c) }
func (o callOption) applyCall(k *call) error       { return o(k) }
func (o sharedOption) applyClient(c *config) error { return o(&c.settings) }
func (o sharedOption) applyCall(k *call) error     { return o(&k.settings) }

// settings is what shared options set.
type settings struct {
	retries        int
	attemptTimeout *time.Duration // nil: the HTTP client's, else 30 s
	maxWait        time.Duration
	priority       *Priority // nil: that of the call
}

// config is what client options set.
type config struct {
	settings
	baseURL    string
	insecure   bool
	httpClient *http.Client
	token      func(context.Context) (string, error)
	userAgent  string
	logger     *slog.Logger
	hooks      Hooks
	limiter    *RateLimiter // nil: one of the client's own
	unlimited  bool
	backoffMin time.Duration
	backoffMax time.Duration
	maxBody    int64

	base   *url.URL
	header http.Header // of every request
}

func defaults() *config {
	return &config{
		settings:   settings{retries: 3, maxWait: time.Minute},
		baseURL:    "https://api.leedo.app/v1",
		httpClient: &http.Client{},
		userAgent:  "leedo-go/" + version,
		logger:     slog.New(slog.DiscardHandler),
		backoffMin: 250 * time.Millisecond,
		backoffMax: 4 * time.Second,
		maxBody:    10 << 20,
	}
}

func (cfg *config) apply(opts []Option) (err error) {
	for i := 0; i < len(opts) && err == nil; i++ {
		if opts[i] != nil {
			err = opts[i].applyClient(cfg)
		}
	}
	return err
}

// client makes the client that cfg describes.
func (cfg *config) client(token string) (*Client, error) {
	var err error
	if cfg.base, err = wire.ParseBase(cfg.baseURL, cfg.insecure); err != nil {
		return nil, invalid("base URL: %w", err)
	}
	switch {
	case cfg.token != nil && token != "":
		return nil, invalid("a token beside WithTokenSource")
	case cfg.token == nil && !wire.ValidToken(token):
		return nil, invalid("token: empty, or with characters that a token cannot have")
	case cfg.token == nil:
		// Kept in a closure, where no printing of structs finds it.
		cfg.token = func(context.Context) (string, error) { return token, nil }
	}
	if cfg.limiter == nil {
		cfg.limiter, _ = NewRateLimiter(nil)
	}
	if cfg.attemptTimeout == nil {
		cfg.attemptTimeout = new(cmp.Or(cfg.httpClient.Timeout, 30*time.Second))
	}
	cfg.header = http.Header{"Accept": {"application/json"}, "User-Agent": {cfg.userAgent}}
	c := &Client{config: cfg, limiter: cfg.limiter, trip: trip.New(trip.Config{
		Base: cfg.base, HTTPClient: cfg.httpClient, Token: cfg.token, Ledger: cfg.limiter.ledger, Limited: !cfg.unlimited,
		MaxBody: cfg.maxBody, BackoffMin: cfg.backoffMin, BackoffMax: cfg.backoffMax,
		Logger: cfg.logger, OnAttempt: cfg.hooks.attempt, OnWait: cfg.hooks.wait,
	})}
	c.Leads, c.Accounts = &LeadsService{c}, &AccountsService{c}
	c.Contacts, c.Campaigns = &ContactsService{c}, &CampaignsService{c}
	return c, nil
}

// WithBaseURL sends calls to another base URL than https://api.leedo.app/v1,
// the only one that the token goes to. http:// is refused unless the host is
// localhost or a loopback address, or [WithInsecureHTTP] is given; so are
// query, fragment and user.
func WithBaseURL(base string) Option {
	return clientOption(func(c *config) error { c.baseURL = base; return nil })
}

// WithInsecureHTTP allows a base URL with http:// on any host: in the clear.
func WithInsecureHTTP() Option {
	return clientOption(func(c *config) error { c.insecure = true; return nil })
}

// WithHTTPClient sends requests through a copy of the caller's HTTP client:
// transport, cookie jar and CheckRedirect keep working, its Timeout becomes the
// default of [WithAttemptTimeout]. The default is a client on
// [http.DefaultTransport]. nil is [ErrInvalidArgument].
func WithHTTPClient(client *http.Client) Option {
	return clientOption(func(c *config) error {
		if client == nil || client.Timeout < 0 {
			return invalid("WithHTTPClient: nil, or with a negative Timeout")
		}
		c.httpClient = client
		return nil
	})
}

// WithTokenSource asks source for the token before each attempt; the token
// argument of [NewClient] must then be empty. source is called concurrently,
// should remember its token until it expires, and has the context of the
// call. An error of it, whatever it is, ends the call, which returns an error
// that wraps it. nil is [ErrInvalidArgument].
func WithTokenSource(source func(context.Context) (string, error)) Option {
	return clientOption(func(c *config) error {
		if source == nil {
			return invalid("WithTokenSource: nil")
		}
		c.token = func(ctx context.Context) (string, error) {
			token, err := source(ctx)
			if err == nil && !wire.ValidToken(token) {
				err = errors.New("empty, or with characters that a token cannot have")
			}
			return token, err
		}
		return nil
	})
}

// WithUserAgent puts a product before the SDK's own in User-Agent:
// "myapp/1.2" makes "myapp/1.2 leedo-go/0.1.0". Empty, or with control
// characters, it is [ErrInvalidArgument].
func WithUserAgent(product string) Option {
	return clientOption(func(c *config) error {
		if strings.TrimSpace(product) == "" || !wire.ValidHeaderValue(product) {
			return invalid("WithUserAgent: empty, or with control characters")
		}
		c.userAgent = product + " leedo-go/" + version
		return nil
	})
}

// WithMaxResponseBytes bounds the body of a successful answer, decompressed;
// a larger one is a [*DecodeError]. The default is 10 MiB. Less than 1 is
// [ErrInvalidArgument].
func WithMaxResponseBytes(n int64) Option {
	return clientOption(func(c *config) error {
		if n < 1 || n > 1<<40 {
			return invalid("WithMaxResponseBytes: %d is not between 1 and 1 TiB", n)
		}
		c.maxBody = n
		return nil
	})
}

// WithHeader sets a header field of the request, in place of the SDK's own if
// need be. Authorization, Host and what net/http sets itself are
// [ErrInvalidArgument], as are names and values that HTTP does not allow.
func WithHeader(key, value string) RequestOption {
	return callOption(func(k *call) error { return k.SetHeader(key, value) })
}

// WithIdempotencyKey sends an Idempotency-Key, which must not be empty. The API
// documents none: no write is retried for it.
func WithIdempotencyKey(key string) RequestOption {
	return callOption(func(k *call) error {
		if key == "" {
			return errors.New("WithIdempotencyKey: empty key")
		}
		return k.SetHeader("Idempotency-Key", key)
	})
}

// WithIdempotent says that repeating this write does no harm; it is then
// retried like a read. On GET and HEAD it is [ErrInvalidArgument].
func WithIdempotent() RequestOption {
	return callOption(func(k *call) error {
		if k.Reads() {
			return errors.New("WithIdempotent: a " + k.Method + " is idempotent anyway")
		}
		k.idempotent = true
		return nil
	})
}

// WithQuery sets a query parameter, in place of a typed one if need be; of
// several with one key the last wins. An empty key is [ErrInvalidArgument].
func WithQuery(key, value string) RequestOption {
	return callOption(func(k *call) error {
		if key == "" {
			return errors.New("WithQuery: empty key")
		}
		k.Query.Set(key, value)
		return nil
	})
}

// WithBodyField sets a field of the body, in place of a typed one if need be:
// a field that this package does not know, or, with nil, a field to be cleared.
// value is encoded with encoding/json. On GET and HEAD, with an empty key, or
// when the body is not a JSON object it is [ErrInvalidArgument].
func WithBodyField(key string, value any) RequestOption {
	return callOption(func(k *call) error { return k.AddField(key, value) })
}

// call is one call on its way to the server and back.
type call struct {
	settings
	wire.Request
	client     *Client
	plan       *walk.Plan // of the walk that it is one of the calls of; nil: none
	placed     func()     // called when it has its place in the line for the quota; nil: not
	mostRows   int        // of a page; 0: no limit
	idempotent bool
	decodes    bool // the answer is to be decoded
	response   *Response
	result     *trip.Result
}

func newCall(c *Client, method, template string) *call {
	k := &call{client: c, Request: wire.Request{Method: method, Template: template, Query: url.Values{}, Header: http.Header{}}}
	if c != nil && c.config != nil {
		k.settings, k.Header = c.config.settings, c.config.header.Clone()
	}
	return k
}

func (k *call) apply(opts []RequestOption) (err error) {
	for i := 0; i < len(opts) && err == nil; i++ {
		if opts[i] != nil {
			err = opts[i].applyCall(k)
		}
	}
	return err
}

// run makes the call, unless there are problems, and decodes the answer into
// out. check tells what is wrong with out then.
func (k *call) run(ctx context.Context, out any, check func() error, problems ...error) error {
	if ctx == nil || k.client == nil || k.client.config == nil {
		problems = append(problems, errors.New("nil context, or a client that NewClient did not make"))
	}
	for _, err := range problems {
		if err != nil {
			return k.refuse(err)
		}
	}
	u := k.URL(k.client.config.base)
	k.decodes = out != nil
	k.result = k.client.trip.Go(ctx, &trip.Call{
		Method: k.Method, Path: k.Template, URL: u, Header: k.Header, Body: k.Body,
		BodyWanted: k.needsBody(),
		Class:      quota.Class(k.urgency()), Write: !k.Reads(), Repeatable: k.Reads() || k.idempotent,
		Retries: k.retries, AttemptTimeout: *k.attemptTimeout, MaxWait: k.maxWait, Placed: k.placed,
	})
	k.respond()
	if err := k.failure(); err != nil || out == nil {
		return err
	}
	err := wire.Decode(k.result.Answer.Header, k.result.Answer.Body, out, k.mostRows)
	if err == nil && check != nil {
		err = check()
	}
	if err != nil {
		return k.decodeError(err)
	}
	return nil
}

// needsBody tells whether a success without its body is of no use.
func (k *call) needsBody() bool { return k.decodes || k.response != nil }

// failure names what the trip came to; nil if to an answer that can be used.
func (k *call) failure() error {
	r, err := k.result, k.last()
	switch end := r.End.(type) {
	case nil:
	case *quota.Refusal:
		err = k.rateLimitError(end.Until, k.client.RateLimit(), r.Refused)
	default:
		first := error(end)
		if r.InFlight {
			first = &TransportError{k.Method, k.Template, r.Attempts, end}
		}
		err = k.join(first, err)
	}
	if r.Redirect != nil {
		err = k.join(r.Redirect, err)
	}
	if r.Unknown && (r.Answer == nil || !r.Answer.Success()) {
		err = &UnknownOutcomeError{k.Method, k.Template, err}
	}
	return err
}

// join makes one error of several; nil ones do not count.
func (k *call) join(errs ...error) error {
	return &callError{k.Method, k.Template, slices.DeleteFunc(errs, func(err error) bool { return err == nil })}
}

// refuse is the error of a call that makes no sense.
func (k *call) refuse(err error) error {
	if !errors.Is(err, ErrInvalidArgument) {
		err = invalid("%w", err)
	}
	return k.join(err)
}

// respond fills the caller's Response.
func (k *call) respond() {
	if k.response == nil {
		return
	}
	*k.response = Response{Attempts: k.result.Attempts}
	if a := cmp.Or(k.result.Answer, k.result.Refused); a != nil {
		k.response.StatusCode, k.response.Header, k.response.Body = a.Status, a.Header, a.Body
		k.response.RequestID, k.response.RateLimit = clean(a, a.Header.Get("X-Request-Id")), RateLimit(a.Rate)
	}
}
