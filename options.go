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

	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/walk"
	"github.com/leedoapp/leedo-go/internal/wire"
)

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

// forClient returns an option of a client. Like those of the next two functions it
// prints as name(args).
func forClient(name, args string, set func(*config) error) Option {
	return clientOption{wire.Printed{Name: name, Args: args}, set}
}

// forCall returns an option of a call.
func forCall(name, args string, set func(*call) error) RequestOption {
	return callOption{wire.Printed{Name: name, Args: args}, set}
}

// forBoth returns an option of both.
func forBoth(name, args string, client func(*config) error, call func(*call) error) SharedOption {
	return sharedOption{wire.Printed{Name: name, Args: args}, client, call}
}

// setting is a shared option that is one of the settings.
func setting(name, arg string, set func(*settings) error) SharedOption {
	return forBoth(name, arg,
		func(c *config) error { return set(&c.settings) },
		func(k *call) error { return set(&k.settings) },
	)
}

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
	baseName   string // what the base URL is called in errors
	insecure   bool
	httpClient *http.Client
	token      func(context.Context) (string, error) // with "Bearer " before it
	userAgent  string
	logger     transport.Logger // nil: silence
	onAttempt  []func(context.Context, AttemptInfo)
	onWait     []func(context.Context, WaitInfo)
	onWaited   []func(context.Context, WaitInfo)
	dump       *transport.Dumper // nil: none
	fields     http.Header       // of WithHeader
	query      url.Values        // of WithQuery
	limiter    *RateLimiter      // nil: one of the client's own
	unlimited  bool
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

// WithBaseURL sends calls to another base URL than https://api.leedo.app/v1,
// the only one that the token goes to. http:// is refused unless the host is
// localhost or a loopback address, or [WithInsecureHTTP] is given; so are
// query, fragment and user, and a URL without a scheme.
func WithBaseURL(base string) Option {
	return forClient("WithBaseURL", wire.ShownBase(base), func(c *config) error { c.baseURL, c.baseName = base, "base URL"; return nil })
}

// WithInsecureHTTP allows a base URL with http:// on any host: in the clear.
func WithInsecureHTTP() Option {
	return forClient("WithInsecureHTTP", "", func(c *config) error { c.insecure = true; return nil })
}

// WithHTTPClient sends requests through a copy of the caller's HTTP client:
// transport, cookie jar and CheckRedirect keep working, its Timeout becomes the
// default of [WithAttemptTimeout]. The default is a client on
// [http.DefaultTransport]. nil is [ErrInvalidArgument].
func WithHTTPClient(client *http.Client) Option {
	return forClient("WithHTTPClient", wire.Hidden, func(c *config) error {
		if client == nil || client.Timeout < 0 {
			return invalid("WithHTTPClient: nil, or with a negative Timeout")
		}
		if t, ok := client.Transport.(*http.Transport); ok && t == nil {
			return invalid("WithHTTPClient: its Transport is a nil *http.Transport")
		}
		c.httpClient = client
		return nil
	})
}

// WithTokenSource asks source for the token before each attempt, retries included;
// the token argument of [NewClient] must then be empty. It is for one token that
// changes, such as one that expires. source is called concurrently, should remember
// its token until it expires, and has the context of the call. A 401 is not
// retried.
//
// A client and its limiter are for the quota of one token. If source chooses among the
// tokens of several tenants, the responses of one decide how long the calls of all wait,
// and a 429 of one delays all. A program for several tenants makes a client for each,
// which costs microseconds: they share the connections of [http.DefaultTransport].
//
// An error of source ends the call, which returns an error that wraps it, as does a
// token that [NewClient] would reject. source must not make calls on the limiter of
// the client: the quota may have to wait for the request that the token is for. nil
// is [ErrInvalidArgument].
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

// WithUserAgent puts a product before the SDK's own in User-Agent:
// "myapp/1.2" makes "myapp/1.2 leedo-go/0.1.0". Empty, or with control
// characters, it is [ErrInvalidArgument].
func WithUserAgent(product string) Option {
	return forClient("WithUserAgent", strconv.Quote(product), func(c *config) error {
		if strings.TrimSpace(product) == "" || !wire.ValidHeaderValue(product) {
			return invalid("WithUserAgent: empty, or with control characters")
		}
		c.userAgent = product + " leedo-go/" + Version
		return nil
	})
}

// WithMaxResponseBytes bounds the body of a successful answer, decompressed;
// a larger one is a [*DecodeError]. The default is 10 MiB. Less than 1 is
// [ErrInvalidArgument].
func WithMaxResponseBytes(n int64) Option {
	return forClient("WithMaxResponseBytes", strconv.FormatInt(n, 10), func(c *config) error {
		if n < 1 || n > 1<<40 {
			return invalid("WithMaxResponseBytes: %d is not between 1 and 1 TiB", n)
		}
		c.maxBody = n
		return nil
	})
}

// WithBackoff sets the waits before retries: random, up to min, then up to
// twice that and so on, never over max. A Retry-After that is longer wins. The
// default is 250 ms to 4 s; zero waits not at all. Negative, or min over max,
// is [ErrInvalidArgument].
func WithBackoff(min, max time.Duration) Option {
	return forClient("WithBackoff", min.String()+", "+max.String(), func(c *config) error {
		if min < 0 || min > max {
			return invalid("WithBackoff: %v to %v", min, max)
		}
		c.backoffMin, c.backoffMax = min, max
		return nil
	})
}

// WithRateLimiter makes the client use a limiter that others use, too. nil is
// [ErrInvalidArgument]; the last of this and [WithoutRateLimiter] wins.
func WithRateLimiter(l *RateLimiter) Option {
	return forClient("WithRateLimiter", wire.Hidden, func(c *config) error {
		if l == nil || l.ledger == nil {
			return invalid("WithRateLimiter: not a limiter made by NewRateLimiter")
		}
		c.limiter, c.unlimited = l, false
		return nil
	})
}

// WithoutRateLimiter sends every request at once and returns a 429 as a
// [*RateLimitError] without another try. The retry budget and the bound on requests
// in flight after failures belong to the limiter: there is neither, and retries are
// bounded by [WithRetries] alone. [Client.RateLimit] works all the same.
func WithoutRateLimiter() Option {
	return forClient("WithoutRateLimiter", "", func(c *config) error {
		c.limiter, c.unlimited = nil, true
		return nil
	})
}

// WithLogger logs what the client does: attempts and short waits at Debug,
// waits of over a second at Info, retries at Warn. Nothing secret is logged: no
// token, query, header or body. nil, the default, is silence. Calls that a handler
// makes with its context write no log; see [CallFromContext].
func WithLogger(logger *slog.Logger) Option {
	return forClient("WithLogger", wire.Hidden, func(c *config) error {
		if c.logger = logger; logger == nil {
			c.logger = nil // of the interface, too
		}
		return nil
	})
}

// WithHooks calls hooks for what the client does. Given more than once, each is
// called, in the order in which they were given.
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

// WithInterceptor calls interceptors around each call. The first one is outermost;
// given more than once, those given later are inside. nil is [ErrInvalidArgument].
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

// WithDump writes each attempt to w, for debugging: the request as it is handed to
// the transport, and the response as it comes back, with bodies decompressed and cut
// at 64 KiB each. The token is written as ***, wherever it stands. All else is
// written as it is: personal data, cookies and other header fields, so it is not for
// production. What the transport adds, or does to connections, is not shown.
//
// Each attempt is one Write, when it has ended, and one at a time; errors of w are
// ignored. w must not make calls with the client: they would wait for it. nil is
// [ErrInvalidArgument].
func WithDump(w io.Writer) Option {
	return forClient("WithDump", wire.Hidden, func(c *config) error {
		if w == nil {
			return invalid("WithDump: nil")
		}
		c.dump = transport.NewDumper(w)
		return nil
	})
}

// Hooks are functions that a client calls, in the goroutine of the call and with its
// context: they must be quick and safe for concurrent use. nil is not called. Calls
// that a hook makes with its context call no hooks; see [CallFromContext].
type Hooks struct {
	// Attempt is called after each attempt.
	Attempt func(context.Context, AttemptInfo)
	// Wait is called before each wait of over a second, and again if its end moves
	// later by more than 2 seconds and a tenth of the time still to wait.
	Wait func(context.Context, WaitInfo)
	// Waited is called after each wait, also after short ones that Wait was not
	// called for and those that ended because the context did, or because the call
	// would have had to wait too long.
	Waited func(context.Context, WaitInfo)
}

// AttemptInfo describes one attempt of a call. It holds nothing secret.
type AttemptInfo struct {
	// Method is the HTTP method; Path the template of the path.
	Method, Path string
	// Write reports whether the call may change something.
	Write bool
	// Number counts the attempts of the call, from 1. StatusCode is the HTTP
	// status; 0 if no response came.
	Number, StatusCode int
	// RequestID is the response's X-Request-Id; empty if it had none.
	RequestID string
	// RateLimit is what the response reported of the quota.
	RateLimit RateLimit
	// Duration is how long the attempt took, the body of the response included.
	Duration time.Duration
	// Err is why no response came, or why it was cut; nil when one came.
	Err error
}

// WithRetries sets how often a call may be retried after a failure that may be
// transient, as the package comment describes; the default is 3, 0 means never.
// Waiting for the quota after a 429 is not counted here. The retries
// of all calls together are bounded by [RateLimiterOptions].RetryBudget. Negative
// is [ErrInvalidArgument].
func WithRetries(n int) SharedOption {
	return notNegative("WithRetries", n, func(s *settings) { s.retries = n })
}

// WithAttemptTimeout bounds one attempt, body included and waits not; the
// default is 30 seconds, 0 means no bound. ctx bounds the call as a whole.
// Negative is [ErrInvalidArgument].
func WithAttemptTimeout(d time.Duration) SharedOption {
	return notNegative("WithAttemptTimeout", d, func(s *settings) { s.attemptTimeout = &d })
}

// WithMaxWait bounds the waits of a call for the quota, for [RateLimiterOptions]'s
// RequestsPerSecond and as long as a Retry-After says, together; each page of an
// iteration is a call. The default is one minute. [NoMaxWait] waits as long as the
// context allows. Negative is [ErrInvalidArgument]. The short waits before retries
// do not count: [WithRetries], [WithBackoff] and the context bound them.
//
// If a wait for the quota would be longer, or would outlast the context's deadline,
// the call fails with a [*RateLimitError] as soon as that is known. A Retry-After
// after a 5xx that would be longer ends the retries with the last error. With less
// than 5 seconds a call may still wait as long as that for a response in flight that
// reports what is left.
//
// A call with a maximum wait of zero never waits. It is sent unless something known
// forbids it: before the first response, and at the beginning of a window, other
// calls wait for a response that reports what is left. If that is nothing, each of
// those sent meanwhile costs a 429. An exchange with a [QuotaStore], which takes at
// most 100 ms, is no wait.
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
			return invalid("%s: negative: %v", option, n)
		}
		set(s)
		return nil
	})
}

// WithPriority sets the urgency of calls. On a client it governs walks, too. A
// value that is not a constant of this package is [ErrInvalidArgument].
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
			return invalid("WithPriority: %d", p)
		}
		s.priority = &p
		return nil
	})
}

// WithHeader sets a header field of the request, in place of the SDK's own if
// need be; of several with one key the last wins. On a client it is for all calls
// that do not set the field themselves. Authorization, Host and what net/http sets
// itself are [ErrInvalidArgument], as are names and values that HTTP does not allow,
// and an Idempotency-Key on a client, because it would be that of all writes.
//
// An Idempotency-Key, which must not be empty, is sent and changes nothing else: the
// API documents none, so no write is retried for it.
func WithHeader(key, value string) SharedOption {
	return forBoth("WithHeader", wire.Keyed(key),
		func(c *config) error {
			name, err := wire.CheckHeader(key, value)
			switch {
			case err != nil:
				return invalid("WithHeader: %w", err)
			case wire.IsIdempotencyKey(name):
				return invalid("WithHeader: an %s is for one call", http.CanonicalHeaderKey(name))
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

// WithQuery sets a query parameter, in place of a typed one if need be; of
// several with one key the last wins. On a client it is for all calls whose params
// and options do not set it themselves. An empty key, and a key or value that is
// not valid UTF-8, is [ErrInvalidArgument].
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

// WithBodyField sets a field of the body, in place of a typed one if need be:
// a field that this package does not know, or, with nil, a field to be cleared.
// value is encoded with encoding/json, when the call begins, by the rules of
// [Client.Do]. On GET and HEAD, with an empty key, or when the body is not a
// JSON object it is [ErrInvalidArgument].
func WithBodyField(key string, value any) RequestOption {
	return forCall("WithBodyField", wire.Keyed(key), func(k *call) error { return k.request.AddField(key, value) })
}

// WithIdempotent says that repeating this write does no harm; it is then
// retried like a read. On GET and HEAD it is [ErrInvalidArgument].
func WithIdempotent() RequestOption {
	return forCall("WithIdempotent", "", func(k *call) error {
		if k.request.Reads() {
			return errors.New("WithIdempotent: a " + k.request.Method + " is idempotent anyway")
		}
		k.idempotent = true
		return nil
	})
}

// WithResponse fills r with the last response to the call, after errors too; in
// an iteration, with that of the last page, but not with a look behind the last
// page that failed. Calls that run at the same time must not
// share one. nil is [ErrInvalidArgument].
func WithResponse(r *Response) RequestOption {
	return forCall("WithResponse", wire.Hidden, func(k *call) error {
		if r == nil {
			return errors.New("WithResponse: nil")
		}
		*r, k.response = Response{}, r
		return nil
	})
}

// WithMaxItems ends an iteration with Pages or All after n items and fetches no
// page that is not needed for them; 0 means no limit. Negative, or on any other
// call, it is [ErrInvalidArgument].
func WithMaxItems(n int) RequestOption {
	return walkOption("WithMaxItems", n, func(p *walk.Plan) { p.MaxItems = n })
}

// WithPrefetch lets an iteration with Pages or All fetch up to n pages before they
// are asked for, once the first has reported how many there are; 0, the default,
// fetches each when it is needed. More than 100 counts as 100. Negative, or on
// any other call, it is [ErrInvalidArgument].
//
// Each page is still a call of its own, bulk and through the limiter. Items, errors
// and [WithResponse] come in order. When the loop ends, outstanding fetches are
// canceled, which [Hooks] see, and waited for. Up to n requests are wasted if the
// caller breaks off, at an error, when the list ends before its total, or when the
// total falls, after which the iteration goes on one page at a time; otherwise none is.
//
// Pages that are in flight together are not read in order. With n over 1 an
// insertion and a removal that balance meanwhile may hide an item even newest
// first: in a simulation with 8 pages of 100 items ahead and one of each in the
// time of a page that was 0.004 % of the items, or 0.06 % if they always come in
// pairs; with a tenth of the changes 0 and 0.007 %.
func WithPrefetch(n int) RequestOption {
	return walkOption("WithPrefetch", n, func(p *walk.Plan) { p.Prefetch = n })
}

func walkOption(name string, n int, set func(*walk.Plan)) RequestOption {
	return forCall(name, strconv.Itoa(n), func(k *call) error {
		if n < 0 {
			return invalid("%s: negative number %d", name, n)
		}
		if k.plan == nil {
			return invalid("%s: only Pages and All take it", name)
		}
		set(k.plan)
		return nil
	})
}
