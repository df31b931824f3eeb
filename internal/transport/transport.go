// Package transport sends API requests: it authenticates, rate-limits, retries and
// bounds them. Package leedo turns its results into public errors.
//
// Each call is one run of go-retryablehttp's loop (retry.go). Each attempt in it,
// redirects included, passes through our http.RoundTripper (attempt.go), which
// takes these steps in order:
//
//	permit    wait until the limiter allows a request
//	origin    reject a URL outside the origin of the base URL
//	token     put the token on a clone of the request
//	deadline  start the deadline of the attempt
//	send      pass the clone to the user's transport
//	settle    report the rate limit headers of the response to the limiter
//	bound     read the body into memory, up to a limit
//	judge     decide whether another attempt can help and is safe, and whether
//	          the retry budget allows it
//
// A request is known not to have been processed in three cases: its body was never
// read (body.go); it has no body and no connection was obtained (witness.go); or
// the server says so (cause.go).
package transport

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Config is the configuration that all calls of a client share.
type Config struct {
	Base       *url.URL     // the token is sent to its origin only
	HTTPClient *http.Client // a copy of the user's
	// Authorization returns the value of the Authorization header: "Bearer " and
	// the token.
	Authorization func(context.Context) (string, error)
	Ledger        *quota.Ledger
	Limited       bool // wait for the ledger before each attempt and after a 429
	MaxBody       int64
	BackoffMin    time.Duration
	BackoffMax    time.Duration

	Logger    Logger                         // nil means no logging
	OnAttempt func(context.Context, Attempt) // may be nil
	OnWait    func(context.Context, Wait)    // may be nil
	OnWaited  func(context.Context, Wait)    // may be nil
	Dump      *Dumper                        // may be nil

	OfACall func(error) bool // reports whether an error is, or wraps, one that a call returned
}

// Client sends the calls of one leedo.Client. It is safe for concurrent use.
type Client struct {
	Config
	origin      string
	loop        *retryablehttp.Client
	http2       atomic.Bool // the newest connection uses HTTP/2
	deprecation atomic.Bool // it was logged that an operation is deprecated or will end
}

// New returns a Client for cfg.
func New(cfg Config) *Client {
	own := *cfg.HTTPClient
	cfg.HTTPClient = &own
	c := &Client{Config: cfg, origin: Origin(cfg.Base)}
	c.loop = c.retryLoop()
	return c
}

// Call is an API call, ready to be sent.
type Call struct {
	Method string
	Path   string // the path template, for logs and hooks
	URL    *url.URL
	Header http.Header
	Body   []byte

	Class          quota.Class
	Write          bool // the method is neither GET nor HEAD
	Repeatable     bool // repeating the call does no harm
	NeedBody       bool // a response with a truncated body is not usable
	Retries        int
	AttemptTimeout time.Duration // zero means no timeout
	MaxWait        time.Duration // bounds the sum of all waits for permits and Retry-Afters
	Place          *Place        // in the line for its first permit; may be nil
	Progress       *Progress     // what its interceptors see; nil without interceptors
	Quiet          bool          // no hooks and no logging: it is made within another call
}

// Response is a response of the server, read into memory.
type Response struct {
	Status   int
	Header   http.Header
	Body     []byte
	BodyErr  error // why Body is incomplete: a [*Cause]
	Rate     quota.Figures
	RetryAt  time.Time // when to retry, from Retry-After or, for a 429 without one, the reset; zero if unknown
	Asked    bool      // the response has a Retry-After
	Redirect string    // the origin of a redirect's target
	Token    string    // the request's token, to be masked in texts from the response
}

// Success reports whether the response is a 2xx.
func (r *Response) Success() bool { return r.Status >= 200 && r.Status < 300 }

// Result is the outcome of a call.
type Result struct {
	// The outcome of the last attempt that had one; at most one of these is set. An
	// attempt that the context cut short has no outcome.
	Response *Response
	Failure  *Cause

	// End is the reason why the call ended early; nil if the last attempt
	// determines the outcome. It is a [*quota.WaitError], a [*UserError],
	// errForeign, errNoTransport, or the error of the context; InFlight then
	// reports whether an attempt was in flight.
	End      error
	InFlight bool
	Budget   bool      // the call was not retried because the retry budget is exhausted
	Unknown  bool      // a write that may or may not have been done
	Cut      *Response // the response whose body was being read when the context ended, or nil

	Redirect error     // the error of the user's CheckRedirect for Response
	Last     *Response // the last response of all attempts, or nil
	Limited  *Response // the last 429, or nil
	Attempts int
	Waited   time.Duration // for permits and Retry-Afters
}

// UserError is an error returned by a function that the user provided.
type UserError struct {
	What string // what failed
	Err  error

	text string // of Err, masked
}

func (r *record) userError(what string, err error) *UserError {
	return &UserError{what, err, wire.Line(r.mask(unwrapURLError(err).Error()))}
}

func (e *UserError) Error() string { return e.What + ": " + e.text }
func (e *UserError) Unwrap() error { return e.Err }

// Equal makes these errors comparable by go-cmp.
func (e UserError) Equal(o UserError) bool { return wire.Same(e, o) }

// Do sends a call and returns its outcome.
func (c *Client) Do(ctx context.Context, call Call) *Result {
	if call.Place != nil {
		defer call.Place.Release() // whatever happens, the next call can go on
	}
	r := &record{client: c, call: call}
	r.ctx = context.WithValue(ctx, callKey{}, r)
	r.begun(0)
	if c.Limited {
		defer c.Ledger.Report(r.storeNews(r.logStore)) // the process may end right after the call
	}
	req := http.Request{Method: call.Method, URL: call.URL, Header: r.header(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	_, err := c.loop.Do(&retryablehttp.Request{Request: req.WithContext(r.ctx)})
	switch {
	case r.End != nil:
	case r.retrying: // the context ended before the next attempt began
		r.End = r.contextError()
	case err != nil && !r.tried: // net/http rejected the request itself
		r.Failure = r.sanitize(err)
	}
	if r.done != nil && (r.Response == nil || !r.Response.Success()) {
		r.Response, r.Failure = r.done, nil // the write was done, whatever the outcome of repeating it
	}
	return &r.Result
}

// record is the state of a call in progress.
type record struct {
	Result
	ctx     context.Context // contains the record
	client  *Client
	call    Call
	attempt atomic.Int32 // number of the newest one, for InfoOf

	previous Result    // the outcome of the attempt before the last
	done     *Response // a write's 2xx with a truncated body, or nil

	tried    bool // net/http has started an attempt
	retrying bool // another attempt is due
	notDone  bool // the last attempt is known not to have been processed
	retries  int
	rounds   int             // 429s waited out
	pause    time.Duration   // before the next attempt
	asked    time.Duration   // the part of it that a Retry-After asked for
	why      quota.Reason    // for the pause
	token    string          // of the last attempt
	followed []*url.URL      // where redirects led to
	news     quota.StoreNews // of the quota store, not yet logged
}

// header returns the header for net/http's client. It is the call's own, which
// other calls may share, unless a cookie jar or a CheckRedirect may change it. The
// token is added to a clone only.
func (r *record) header() http.Header {
	if r.client.HTTPClient.Jar == nil && r.client.HTTPClient.CheckRedirect == nil {
		return r.call.Header
	}
	return r.call.Header.Clone()
}

// budget returns how long the call may still wait.
func (r *record) budget() time.Duration {
	if r.rounds > maxRounds {
		return 0
	}
	if r.call.MaxWait == quota.Forever {
		return quota.Forever
	}
	return max(r.call.MaxWait-r.Waited, 0)
}
