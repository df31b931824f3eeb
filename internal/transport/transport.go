// Package transport sends API requests: it authenticates, rate-limits, retries
// and bounds them. Package leedo turns its results into public errors.
//
// A call is one run of go-retryablehttp's loop (retry.go). Each attempt in it,
// redirects included, passes through our http.RoundTripper (attempt.go), which
// does this, in this order:
//
//	permit    wait until the limiter allows a request
//	origin    refuse any but the origin of the base URL
//	token     put the token on a clone of the request
//	deadline  start the deadline of the attempt
//	send      hand the clone to the user's transport
//	settle    report to the limiter what the response says of the quota
//	bound     read the body into memory, up to a limit
//	judge     decide whether another attempt may help and can do no harm, and
//	          whether the retry budget has one
//
// A request is known not to have been processed if its body was never read
// (body.go), without a body, if no connection was obtained (witness.go), and if
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

// Config is what all calls of one client have in common.
type Config struct {
	Base       *url.URL     // whose origin alone gets the token
	HTTPClient *http.Client // a copy of the user's
	// Authorization returns the field of that name: "Bearer ", and the token.
	Authorization func(context.Context) (string, error)
	Ledger        *quota.Ledger
	Limited       bool // ask the ledger before each attempt and wait after a 429
	MaxBody       int64
	BackoffMin    time.Duration
	BackoffMax    time.Duration

	Logger    Logger                         // nil: silence
	OnAttempt func(context.Context, Attempt) // nil: not called
	OnWait    func(context.Context, Wait)    // nil: not called
	OnWaited  func(context.Context, Wait)    // nil: not called
	Dump      *Dumper                        // nil: none
}

// Client sends the calls of one leedo.Client. It is safe for concurrent use.
type Client struct {
	Config
	origin string
	loop   *retryablehttp.Client
	http2  atomic.Bool // what the newest connection spoke
}

// New returns a Client for cfg.
func New(cfg Config) *Client {
	own := *cfg.HTTPClient
	cfg.HTTPClient = &own
	c := &Client{Config: cfg, origin: Origin(cfg.Base)}
	c.loop = c.retryLoop()
	return c
}

// Call is one call, ready to be sent.
type Call struct {
	Method string
	Path   string // the template, as logs and hooks name it
	URL    *url.URL
	Header http.Header
	Body   []byte

	Class          quota.Class
	Write          bool // the call changes something
	Repeatable     bool // doing it twice is as good as once
	NeedBody       bool // a response whose body was cut is not usable
	Retries        int
	AttemptTimeout time.Duration // 0: none
	MaxWait        time.Duration // for all waits for permits and Retry-Afters together
	Place          *Place        // in which it waits for its first permit; nil: none
	Progress       *Progress     // of its interceptors; nil: it has none
	Quiet          bool          // no hooks, no log: it is made within another call
}

// Response is a response of the server, held in memory.
type Response struct {
	Status   int
	Header   http.Header
	Body     []byte
	BodyErr  error // why Body is not whole: a [*Cause]
	Rate     quota.Figures
	RetryAt  time.Time // when to try again: its Retry-After, of a 429 else the reset; zero if unknown
	Asked    bool      // it has a Retry-After
	Redirect string    // the origin that a redirect names as its target
	Token    string    // the token of the request, for masking it in what the response says
}

// Success reports whether the response is a 2xx.
func (r *Response) Success() bool { return r.Status >= 200 && r.Status < 300 }

// Result is what became of a call.
type Result struct {
	// The last attempt that came to something ended in one of these; both are
	// nil if there was none.
	Response *Response
	Failure  *Cause

	// End is why the call ended before its time; nil when the last attempt
	// speaks for itself. It is a [*quota.Refusal], a [*UserError] or says
	// that the context ended, in which case InFlight reports whether an attempt
	// was in flight.
	End      error
	InFlight bool
	Budget   bool      // the call would have been retried, but the retry budget is exhausted
	Unknown  bool      // a write that may or may not have been done
	Cut      *Response // whose body was being read when the context ended; nil: none was

	Redirect error     // why the user's CheckRedirect refused to follow Response
	Limited  *Response // the last 429
	Attempts int
	Waited   time.Duration // for permits and as Retry-Afters said
}

// UserError is an error returned by a function that the user gave.
type UserError struct {
	What string // what the function was to do
	Err  error
}

func (e *UserError) Error() string { return e.What + ": " + wire.Line(unwrapURLError(e.Err).Error()) }
func (e *UserError) Unwrap() error { return e.Err }

// Equal makes these errors comparable by go-cmp.
func (e UserError) Equal(o UserError) bool { return wire.Same(e, o) }

// Do makes a call.
func (c *Client) Do(ctx context.Context, call Call) *Result {
	if call.Place != nil {
		defer call.Place.Release() // whatever happens, the next one is not held up
	}
	r := &record{client: c, call: call}
	r.ctx = context.WithValue(ctx, callKey{}, r)
	r.begun(0)
	if c.Limited {
		defer c.Ledger.Report(r.storeNews(r.logStore)) // this process may be gone right after the call
	}
	req := http.Request{Method: call.Method, URL: call.URL, Header: r.header(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	_, err := c.loop.Do(&retryablehttp.Request{Request: req.WithContext(r.ctx)})
	switch {
	case r.End != nil:
	case r.retrying: // the loop saw the context end before the next attempt did
		r.End = contextError(ctx)
	case err != nil && !r.tried: // net/http rejected the request itself
		r.Failure = r.sanitize(err)
	}
	if r.done != nil && (r.Response == nil || !r.Response.Success()) {
		r.Response, r.Failure = r.done, nil // what was done stays done, whatever came of repeating it
	}
	return &r.Result
}

// record is the account of a call in progress.
type record struct {
	Result
	ctx     context.Context // has the record
	client  *Client
	call    Call
	attempt atomic.Int32 // the newest one, for those who ask a context

	previous Result    // what the attempt before the last came to
	done     *Response // a success of a write, whose body was cut; nil: none

	tried    bool // net/http asked for an attempt
	retrying bool // another attempt is due
	notDone  bool // the last attempt is known not to have been processed
	retries  int
	rounds   int             // 429s waited out
	pause    time.Duration   // before the next attempt
	asked    time.Duration   // of which a Retry-After asked for so much
	why      quota.Reason    // for the wait
	token    string          // of the last attempt
	news     quota.StoreNews // of the quota store, until that is logged
}

// header returns the header for net/http's client: the call's, which others may
// share, unless a cookie jar or a CheckRedirect may change it. The token goes on
// a clone.
func (r *record) header() http.Header {
	if r.client.HTTPClient.Jar == nil && r.client.HTTPClient.CheckRedirect == nil {
		return r.call.Header
	}
	return r.call.Header.Clone()
}

// budget is how long the call may still wait.
func (r *record) budget() time.Duration {
	if r.call.MaxWait == quota.Forever {
		return quota.Forever
	}
	return max(r.call.MaxWait-r.Waited, 0)
}
