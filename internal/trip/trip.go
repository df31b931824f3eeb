// Package trip makes the way of a call to the server and back: attempts, each
// with a permit, a token and a deadline; retries, where another attempt may
// help and can do no harm; and an account of what became of the call. It
// speaks of answers and causes; what they are called towards users is not its
// business.
package trip

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Config is what all calls of one client have in common.
type Config struct {
	Base       *url.URL     // whose origin alone gets the token
	HTTPClient *http.Client // the user's; it is copied
	// Authorization returns the field of that name: "Bearer ", and the token.
	Authorization func(context.Context) (string, error)
	Ledger        *quota.Ledger
	Limited       bool // ask the ledger before each attempt and wait after a 429
	MaxBody       int64
	BackoffMin    time.Duration
	BackoffMax    time.Duration

	Logger    Logger // nil: silence
	OnAttempt func(context.Context, Attempt)
	OnWait    func(context.Context, Wait)
}

// Trip takes the calls of one client. It is safe for concurrent use.
type Trip struct {
	Config
	origin        string
	base          http.RoundTripper
	checkRedirect func(*http.Request, []*http.Request) error
	unseen        bool // nobody looks at a request before the transport does
	loop          *retryablehttp.Client
}

// New returns a Trip for cfg.
func New(cfg Config) *Trip {
	t := &Trip{
		Config:        cfg,
		origin:        Origin(cfg.Base),
		base:          cfg.HTTPClient.Transport,
		checkRedirect: cfg.HTTPClient.CheckRedirect,
		unseen:        cfg.HTTPClient.CheckRedirect == nil && cfg.HTTPClient.Jar == nil,
	}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	client := *cfg.HTTPClient
	client.Transport = attempts{t}
	client.CheckRedirect = t.redirect
	client.Timeout = 0 // it would also count the wait for a permit
	t.loop = newLoop(&client)
	return t
}

// Call is one call, ready to be sent.
type Call struct {
	wire.Request
	Class          quota.Class
	Write          bool // the call changes something
	Repeatable     bool // doing it twice is as good as once
	BodyWanted     bool // an answer whose body was cut will not do
	BodyLent       bool // the body of a success is needed until Release only
	Retries        int
	AttemptTimeout time.Duration // 0: none
	MaxWait        time.Duration // for all waits together
	Placed         func()        // called when it has a permit or a place in the line for one; nil: not
}

// Answer is an answer of the server, held in memory.
type Answer struct {
	Status   int
	Header   http.Header
	Body     []byte
	BodyErr  error // why Body is not whole: a [*Cause]
	Rate     quota.Figures
	RetryAt  time.Time // of a 429; zero if it does not tell
	Redirect string    // the origin that a redirect names as its target
	Token    string    // the token it answers to, for masking it in what it says

	buffer *buffer // in which Body lies; nil: Body is nobody else's
}

// Success tells whether the answer is a 2xx.
func (a *Answer) Success() bool { return a.Status >= 200 && a.Status < 300 }

// Result is what became of a call.
type Result struct {
	// The last attempt that came to something ended in one of these; both are
	// nil if there was none.
	Answer  *Answer
	Failure *Cause

	// End is why the trip ended before its time; nil when the last attempt
	// speaks for itself. It is a [*quota.Refusal], a [*UserError] or says
	// that the context ended, in which case InFlight tells whether an attempt
	// was under way.
	End      error
	InFlight bool
	Unknown  bool    // a write that may or may not have been done
	Cut      *Answer // whose body was being read when the context ended; nil: none was

	Redirect error   // why the user's CheckRedirect refused to follow Answer
	Refused  *Answer // the last 429
	Attempts int
	Waited   time.Duration // for the quota and between attempts
}

// UserError is the error of a function of the user's that the trip had to call.
type UserError struct {
	What string // what the function was to do
	Err  error
}

func (e *UserError) Error() string { return e.What + ": " + wire.Line(bare(e.Err).Error()) }
func (e *UserError) Unwrap() error { return e.Err }

// Go makes the trip of c.
func (t *Trip) Go(ctx context.Context, c *Call) *Result {
	r := &record{Context: ctx, trip: t, call: c, outer: outers.Get().(*outer)}
	_, err := t.loop.Do(r.outer.dress(r))
	switch {
	case r.End != nil:
	case r.going: // the loop saw the context end before the next attempt did
		r.End = ended(ctx)
	case err != nil && !r.tried: // net/http refused the request itself
		r.Failure = scrub(err, r)
	}
	r.outer.release(r)
	return &r.Result
}

// record is the account of a call while it is under way. It is the context of
// the call's attempts, so that each of them finds it.
type record struct {
	context.Context
	Result
	trip  *Trip
	call  *Call
	outer *outer
	first attempt // most calls have no other

	earlierAnswer  *Answer // what the attempt before the last came to
	earlierFailure *Cause

	tried   bool // net/http asked for an attempt
	going   bool // another attempt is due
	unsent  bool // the last attempt surely never reached the server
	retries int
	rounds  int           // 429s waited out
	wait    time.Duration // before the next attempt
	why     string        // the reason for the wait
	token   string        // of the last attempt
}

// Format keeps what the call knows out of the texts of those who print its
// context.
func (r *record) Format(f fmt.State, _ rune) { io.WriteString(f, "leedo: call") }

type recordKey struct{}

func (r *record) Value(key any) any {
	if key == (recordKey{}) {
		return r
	}
	return r.Context.Value(key)
}

func recordOf(ctx context.Context) *record {
	r, _ := ctx.Value(recordKey{}).(*record)
	return r
}

// budget is how long the call may still wait.
func (r *record) budget() time.Duration {
	if r.call.MaxWait == quota.Forever {
		return quota.Forever
	}
	return max(r.call.MaxWait-r.Waited, 0)
}
