package leedo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/walk"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Option configures a client; see [NewClient].
type Option interface{ applyClient(*config) error }

// RequestOption configures one call. Methods take RequestOptions as last arguments.
type RequestOption interface{ applyCall(*call) error }

// SharedOption is an [Option] and a [RequestOption]. Given to a client it applies to all
// calls, unless an option of the call overrides it.
type SharedOption interface {
	Option
	RequestOption
}

type (
	clientOption struct {
		wire.Printed
		set func(*config) error
	}
	callOption struct {
		wire.Printed
		set func(*call) error
	}
	sharedOption struct {
		wire.Printed
		client func(*config) error
		call   func(*call) error
	}
)

func (o clientOption) applyClient(c *config) error { return o.set(c) }
func (o callOption) applyCall(k *call) error       { return o.set(k) }
func (o sharedOption) applyClient(c *config) error { return o.client(c) }
func (o sharedOption) applyCall(k *call) error     { return o.call(k) }

// forClient returns an Option. It prints as name(args), as do those of forCall and
// forBoth.
func forClient(name, args string, set func(*config) error) Option {
	return clientOption{wire.Printed{Name: name, Args: args}, set}
}

// forCall returns a RequestOption.
func forCall(name, args string, set func(*call) error) RequestOption {
	return callOption{wire.Printed{Name: name, Args: args}, set}
}

// forBoth returns a SharedOption.
func forBoth(name, args string, client func(*config) error, call func(*call) error) SharedOption {
	return sharedOption{wire.Printed{Name: name, Args: args}, client, call}
}

// setting returns a SharedOption that changes settings.
func setting(name, arg string, set func(*settings) error) SharedOption {
	return forBoth(name, arg,
		func(c *config) error { return set(&c.settings) },
		func(k *call) error { return set(&k.settings) },
	)
}

// settings are the shared options that a client and its calls have in common.
type settings struct {
	retries        int
	attemptTimeout *time.Duration // nil means that of the HTTP client, or 30 s
	maxWait        time.Duration
	priority       *Priority // nil means the default of the method
}

// config is the configuration of a client.
type config struct {
	settings
	baseURL    string
	baseName   string // of the base URL in errors
	insecure   bool
	httpClient *http.Client
	token      func(context.Context) (string, error) // returns the Authorization header
	userAgent  string
	logger     transport.Logger // nil means no log
	onAttempt  []func(context.Context, AttemptInfo)
	onWait     []func(context.Context, WaitInfo)
	onWaited   []func(context.Context, WaitInfo)
	dump       *transport.Dumper // nil means no dump
	fields     http.Header       // of WithHeader
	query      url.Values        // of WithQuery
	limiter    *RateLimiter      // nil means a new one
	unlimited  bool              // without a limiter
	backoffMin time.Duration
	backoffMax time.Duration
	maxBody    int64

	interceptors []Interceptor // the first is outermost

	base   *url.URL
	header http.Header // of every request
}

func defaults() *config {
	return &config{
		settings:   settings{retries: 3, maxWait: time.Minute},
		baseURL:    "https://api.leedo.app/v1",
		baseName:   "base URL",
		httpClient: &http.Client{},
		userAgent:  "leedo-go/" + Version,
		backoffMin: 250 * time.Millisecond,
		backoffMax: 4 * time.Second,
		maxBody:    10 << 20,
	}
}

// WithBaseURL sets the base URL of the API, by default https://api.leedo.app/v1. The
// token is sent to no other scheme, host or port. A URL that has no scheme, or has a
// query, a fragment or user information, is [ErrInvalidArgument]; so is http://, unless
// the host is localhost or a loopback address, or [WithInsecureHTTP] is given.
func WithBaseURL(base string) Option {
	return forClient("WithBaseURL", wire.ShownBase(base), func(c *config) error { c.baseURL, c.baseName = base, "base URL"; return nil })
}

// WithInsecureHTTP allows a base URL with http:// for any host. The token and all data
// are then sent unencrypted.
func WithInsecureHTTP() Option {
	return forClient("WithInsecureHTTP", "", func(c *config) error { c.insecure = true; return nil })
}

// WithHTTPClient sends requests through a copy of client: its Transport, Jar and
// CheckRedirect are used, and its Timeout becomes the default of [WithAttemptTimeout].
// By default requests are sent through [http.DefaultTransport]. A nil client, or one
// with a negative Timeout, is [ErrInvalidArgument].
func WithHTTPClient(client *http.Client) Option {
	return forClient("WithHTTPClient", wire.Hidden, func(c *config) error {
		if client == nil || client.Timeout < 0 {
			return invalid("WithHTTPClient: the client is nil or has a negative Timeout")
		}
		if t, ok := client.Transport.(*http.Transport); ok && t == nil {
			return invalid("WithHTTPClient: the Transport is a nil *http.Transport")
		}
		c.httpClient = client
		return nil
	})
}

// WithTokenSource calls source for the token before each attempt, with the context of
// the call; the token argument of [NewClient] must then be empty. It is for one token
// that changes, such as one that expires. source must be safe for concurrent use, and
// should cache its token. A 401 is not retried. If source fails, the call fails with an
// error that wraps that of source. It also fails if NewClient would reject the token;
// that error is not [ErrInvalidArgument]. A nil source is.
//
// Do not use it to choose among the tokens of several tenants: they would share one rate
// limiter, and a 429 of one would delay all. Make a client for each tenant: clients are
// cheap, and share the connections of [http.DefaultTransport].
//
// source must not make calls through the limiter of the client: they may wait for the
// request that needs the token.
func WithTokenSource(source func(context.Context) (string, error)) Option {
	return forClient("WithTokenSource", wire.Hidden, func(c *config) error {
		if source == nil {
			return invalid("WithTokenSource: nil")
		}
		c.token = func(ctx context.Context) (string, error) {
			token, err := source(ctx)
			if err == nil {
				err = wire.CheckToken("the token from WithTokenSource", token)
			}
			return "Bearer " + token, err
		}
		return nil
	})
}

// WithUserAgent adds a product to User-Agent, before that of the SDK: "myapp/1.2"
// results in "myapp/1.2 leedo-go/0.1.0". An empty product, or one with control
// characters, is [ErrInvalidArgument].
func WithUserAgent(product string) Option {
	return forClient("WithUserAgent", strconv.Quote(product), func(c *config) error {
		if strings.TrimSpace(product) == "" || !wire.ValidHeaderValue(product) {
			return invalid("WithUserAgent: the product is empty or contains control characters")
		}
		if !utf8.ValidString(product) {
			return invalid("WithUserAgent: the product is not valid UTF-8")
		}
		c.userAgent = product + " leedo-go/" + Version
		return nil
	})
}

// WithMaxResponseBytes sets the maximum size in bytes of the decompressed body of a 2xx
// response, by default 10 MiB. A larger one is a [*DecodeError]. An n of less than 1 or
// over 1 TiB is [ErrInvalidArgument].
func WithMaxResponseBytes(n int64) Option {
	return forClient("WithMaxResponseBytes", strconv.FormatInt(n, 10), func(c *config) error {
		if n < 1 || n > 1<<40 {
			return invalid("WithMaxResponseBytes: %d is not between 1 and 1 TiB", n)
		}
		c.maxBody = n
		return nil
	})
}

// WithBackoff bounds the random waits before retries: up to min before the first, up to
// twice that before the second and so on, never more than max. A longer Retry-After
// replaces the wait. The default is 250 ms and 4 s; zero means no wait. A negative min,
// or one over max, is [ErrInvalidArgument].
func WithBackoff(min, max time.Duration) Option {
	return forClient("WithBackoff", min.String()+", "+max.String(), func(c *config) error {
		if min < 0 || min > max {
			return invalid("WithBackoff: invalid range from %v to %v", min, max)
		}
		c.backoffMin, c.backoffMax = min, max
		return nil
	})
}

// WithRateLimiter makes the client use l, which other clients with the same token may
// use, too. By default a client has its own limiter. The last of WithRateLimiter and
// [WithoutRateLimiter] wins. nil is [ErrInvalidArgument].
func WithRateLimiter(l *RateLimiter) Option {
	return forClient("WithRateLimiter", wire.Hidden, func(c *config) error {
		if l == nil || l.ledger == nil {
			return invalid("WithRateLimiter: the limiter was not made by NewRateLimiter")
		}
		c.limiter, c.unlimited = l, false
		return nil
	})
}

// WithoutRateLimiter sends every request immediately, and returns a [*RateLimitError]
// after the first 429. The retry budget and the bound on requests in flight after
// failures are also part of the limiter: without it [WithRetries] alone bounds retries.
// [Client.RateLimit] still works.
func WithoutRateLimiter() Option {
	return forClient("WithoutRateLimiter", "", func(c *config) error {
		c.limiter, c.unlimited = nil, true
		return nil
	})
}

// WithLogger logs attempts and short waits at Debug, waits of over a second at Info, and
// retries at Warn. The first response that announces the end of an operation, in the
// header Deprecation (RFC 9745) or Sunset (RFC 8594), is logged at Warn, with the dates
// that can be read: one record for each client, even if several operations end.
//
// No token, query or body is logged, and nothing else of a header. nil, the default, means
// no log. Calls that a handler makes with its context are not logged; see
// [CallFromContext].
func WithLogger(logger *slog.Logger) Option {
	return forClient("WithLogger", wire.Hidden, func(c *config) error {
		if c.logger = logger; logger == nil {
			c.logger = nil // not an interface that holds a nil *slog.Logger
		}
		return nil
	})
}

// WithHooks calls hooks after attempts and around waits. If it is given more than once,
// all hooks are called, in that order.
func WithHooks(hooks Hooks) Option {
	return forClient("WithHooks", wire.Hidden, func(c *config) error {
		if hooks.Attempt != nil {
			c.onAttempt = append(c.onAttempt, hooks.Attempt)
		}
		if hooks.Wait != nil {
			c.onWait = append(c.onWait, hooks.Wait)
		}
		if hooks.Waited != nil {
			c.onWaited = append(c.onWaited, hooks.Waited)
		}
		return nil
	})
}

// WithInterceptor calls interceptors around each call, the first one outermost. If it is
// given more than once, those of later options are inside. A nil interceptor is
// [ErrInvalidArgument].
func WithInterceptor(interceptors ...Interceptor) Option {
	return forClient("WithInterceptor", wire.Hidden, func(c *config) error {
		for _, i := range interceptors {
			if i == nil {
				return invalid("WithInterceptor: nil")
			}
		}
		c.interceptors = append(c.interceptors, interceptors...)
		return nil
	})
}

// WithDump writes each attempt to w for debugging: the request as the transport gets it,
// and the response as the transport returns it, with each body decompressed and cut at
// 64 KiB. The token is replaced by *** wherever it appears. Everything else is written,
// personal data and cookies included: do not use it in production.
//
// An attempt is written by one call of Write when it has ended, one attempt at a time.
// Errors of w are ignored. w must not make calls with the client: they would deadlock.
// nil is [ErrInvalidArgument].
func WithDump(w io.Writer) Option {
	return forClient("WithDump", wire.Hidden, func(c *config) error {
		if w == nil {
			return invalid("WithDump: nil")
		}
		c.dump = transport.NewDumper(w)
		return nil
	})
}

// Hooks are functions that a client calls in the goroutine of a call, with its context.
// They must be fast and safe for concurrent use. nil functions are not called. Calls that
// a hook makes with its context call no hooks; see [CallFromContext].
type Hooks struct {
	// Attempt is called after each attempt.
	Attempt func(context.Context, AttemptInfo)
	// Wait is called before each wait of over a second, and again if its end moves
	// later by more than 2 seconds and more than a tenth of the remaining time.
	Wait func(context.Context, WaitInfo)
	// Waited is called after each wait, including short ones and those that ended
	// because the context did or because the call would have waited too long. A call
	// that it makes may have to wait for the one that it is called for.
	Waited func(context.Context, WaitInfo)
}

// AttemptInfo describes one attempt of a call. It contains nothing secret.
type AttemptInfo struct {
	// Method is the HTTP method. Path is the template of the path, as in [CallInfo].
	Method, Path string
	// Write reports whether the method is a write: neither GET nor HEAD.
	Write bool
	// Number counts the attempts of the call, from 1. StatusCode is the HTTP
	// status; 0 if no response was received.
	Number, StatusCode int
	// RequestID is the response's X-Request-Id; empty if it had none.
	RequestID string
	// RateLimit is the quota as the response reported it.
	RateLimit RateLimit
	// Duration is how long the attempt took, the body of the response included.
	Duration time.Duration
	// Err is why no complete response was received; nil if one was, whatever its
	// status.
	Err error
}

// WithRetries sets how often a call may be retried after a failure; see "Retries" in the
// package comment. The default is 3; zero means never. Attempts after a 429 are not
// counted. [RateLimiterOptions.RetryBudget] bounds the retries of all calls together. A
// negative n is [ErrInvalidArgument].
func WithRetries(n int) SharedOption {
	return notNegative("WithRetries", n, func(s *settings) { s.retries = n })
}

// WithAttemptTimeout sets the timeout of one attempt, including the body of the response
// but not the wait for the quota. The default is the Timeout of [WithHTTPClient]'s client
// if that is set, else 30 seconds; zero means no timeout. Use the context to bound the
// call as a whole. A negative d is [ErrInvalidArgument].
func WithAttemptTimeout(d time.Duration) SharedOption {
	return notNegative("WithAttemptTimeout", d, func(s *settings) { s.attemptTimeout = &d })
}

// WithMaxWait sets the maximum time that a call waits in all: for the quota, for
// RequestsPerSecond, and as a Retry-After requires. Each page of an iteration is a call.
// The default is one minute; [NoMaxWait] means as long as the context allows. A negative
// d is [ErrInvalidArgument]. Waits between retries are not counted; see [WithBackoff].
//
// A call that would wait longer, or beyond its context's deadline, fails with a
// [*RateLimitError] as soon as that is known. A longer Retry-After of a 5xx ends the
// retries. For responses in flight that will report the quota, a call with a shorter
// maximum still waits up to 5 seconds.
//
// With a maximum of zero a call never waits. It is sent unless the rate limit state
// forbids it, even before the first response and at the start of a window, when other
// calls wait for one: if no quota is left then, it gets a 429. An exchange with a
// [QuotaStore], at most 100 ms, does not count as a wait.
func WithMaxWait(d time.Duration) SharedOption {
	return notNegative("WithMaxWait", d, func(s *settings) { s.maxWait = d })
}

func notNegative[N int | time.Duration](option string, n N, set func(*settings)) SharedOption {
	arg := fmt.Sprint(n)
	if any(n) == NoMaxWait {
		arg = "NoMaxWait"
	}
	return setting(option, arg, func(s *settings) error {
		if n < 0 {
			return invalid("%s: %v is negative", option, n)
		}
		set(s)
		return nil
	})
}

// WithPriority sets the priority of calls. The default is [PriorityBulk] for Pages and
// All, and [PriorityInteractive] for other calls; given to a client it applies to all of
// them. Any other value is [ErrInvalidArgument].
func WithPriority(p Priority) SharedOption {
	arg := strconv.Itoa(int(p))
	switch p {
	case PriorityInteractive:
		arg = "PriorityInteractive"
	case PriorityBulk:
		arg = "PriorityBulk"
	}
	return setting("WithPriority", arg, func(s *settings) error {
		if p != PriorityInteractive && p != PriorityBulk {
			return invalid("WithPriority: unknown priority %d", p)
		}
		s.priority = &p
		return nil
	})
}

// WithHeader sets a header field of the request, and replaces one of the SDK. The last
// option with the same key wins, and one of the call overrides one of the client.
// Authorization, Host and the fields that net/http sets are [ErrInvalidArgument], as are
// names and values that HTTP does not allow.
//
// An Idempotency-Key must not be empty, and is [ErrInvalidArgument] for a client, whose
// writes would all have the same key. No write is retried because of it, as the API
// does not document it.
func WithHeader(key, value string) SharedOption {
	return forBoth("WithHeader", wire.Keyed(key),
		func(c *config) error {
			name, err := wire.CheckHeader(key, value)
			switch {
			case err != nil:
				return invalid("WithHeader: %w", err)
			case wire.IsIdempotencyKey(name):
				return invalid("WithHeader: %s is allowed only on a call", http.CanonicalHeaderKey(name))
			}
			if c.fields == nil {
				c.fields = http.Header{}
			}
			c.fields[name] = []string{value}
			return nil
		},
		func(k *call) error { return k.request.SetHeader(key, value) },
	)
}

// WithQuery sets a query parameter. The last option with the same key wins. An option of
// the call overrides params, and params override an option of the client. An empty key,
// and a key or value that is not valid UTF-8, is [ErrInvalidArgument].
func WithQuery(key, value string) SharedOption {
	return forBoth("WithQuery", wire.Keyed(key),
		func(c *config) error {
			if err := wire.CheckQuery(key, value); err != nil {
				return invalid("WithQuery: %w", err)
			}
			if c.query == nil {
				c.query = url.Values{}
			}
			c.query.Set(key, value)
			return nil
		},
		func(k *call) error { return k.request.SetQuery(key, value) },
	)
}

// WithBodyField sets a field of the body. It is for fields that this package does not
// know, and replaces a field of params with the same name; a nil value sets it to null.
// value is encoded with encoding/json when the call begins, as the body of [Client.Do]
// is. A GET or HEAD, an empty key and a body that is not a JSON object are
// [ErrInvalidArgument].
func WithBodyField(key string, value any) RequestOption {
	return forCall("WithBodyField", wire.Keyed(key), func(k *call) error { return k.request.AddField(key, value) })
}

// WithIdempotent lets this write be retried like a read. Use it if repeating the write
// does no harm, as with most updates. On a GET or HEAD it is [ErrInvalidArgument].
func WithIdempotent() RequestOption {
	return forCall("WithIdempotent", "", func(k *call) error {
		if k.request.Reads() {
			return errors.New("WithIdempotent: a " + k.request.Method + " is always idempotent")
		}
		k.idempotent = true
		return nil
	})
}

// WithResponse sets *r to the last response to the call, also if the call fails. In an
// iteration that is the response to the latest page; a failed request for a page after
// the last one is left out. A body that is cut or too large is then a failure also of a
// call that does not decode it. Concurrent calls must not share r. nil is
// [ErrInvalidArgument].
func WithResponse(r *Response) RequestOption {
	return forCall("WithResponse", wire.Hidden, func(k *call) error {
		if r == nil {
			return errors.New("WithResponse: nil")
		}
		*r, k.response = Response{}, r
		return nil
	})
}

// WithMaxItems ends an iteration with Pages or All after n items, without fetching pages
// that are not needed for them. Zero means no limit. A negative n, or any other call, is
// [ErrInvalidArgument].
func WithMaxItems(n int) RequestOption {
	return iterationOption("WithMaxItems", n, func(p *walk.Plan) { p.MaxItems = n })
}

// WithPrefetch makes an iteration with Pages or All fetch up to n pages ahead, once the
// first page reports how many there are. Zero, the default, means no prefetching; more
// than 100 means 100. A negative n, or any other call, is [ErrInvalidArgument].
//
// Items, errors and [WithResponse] still come in order, and each page is still a call
// that waits for the quota. When the loop ends, outstanding fetches are canceled and
// waited for; [Hooks] see them as attempts with [context.Canceled]. Up to n requests are
// wasted if the loop ends early or with an error, the list is shorter than its total, or
// the total falls. After a total that fell the iteration goes on one page at a time.
//
// With n over 1 an insertion and a removal that balance each other may hide an item, even
// if the list is sorted newest first. docs/paging.md in the repository has figures.
func WithPrefetch(n int) RequestOption {
	return iterationOption("WithPrefetch", n, func(p *walk.Plan) { p.Prefetch = n })
}

// iterationOption returns an option that only Pages and All take.
func iterationOption(name string, n int, set func(*walk.Plan)) RequestOption {
	return forCall(name, strconv.Itoa(n), func(k *call) error {
		if n < 0 {
			return invalid("%s: %d is negative", name, n)
		}
		if k.plan == nil {
			return invalid("%s: allowed only for Pages and All", name)
		}
		set(k.plan)
		return nil
	})
}
