package leedo

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// The headers by which the API tells the quota of a token.
const (
	// HeaderRateLimit is the requests per hour.
	HeaderRateLimit = "X-RateLimit-Limit"
	// HeaderRateRemaining is how many of them are left.
	HeaderRateRemaining = "X-RateLimit-Remaining"
	// HeaderRateReset is when they are back, in any of five forms.
	HeaderRateReset = "X-RateLimit-Reset"
	// HeaderRetryAfter is when to repeat (RFC 9110, section 10.2.3).
	HeaderRetryAfter = "Retry-After"
)

// NoMaxWait waits as long as the context allows; see [WithMaxWait].
const NoMaxWait = time.Duration(math.MaxInt64)

// RateLimit is what is known of the quota of a token; zero: nothing yet.
type RateLimit struct {
	// Limit is the number of requests per window, an hour; 0: unknown.
	// Remaining is how many are left, in [Client.RateLimit] without those that
	// are in flight.
	Limit, Remaining int
	// Reset is when the window ends, Observed when these figures came, both by
	// the local clock; zero: unknown.
	Reset, Observed time.Time
	// Waiting is how many calls wait for the quota, InFlight how many requests
	// are under way; both are 0 in the figures of an answer or error.
	Waiting, InFlight int
}

// RateLimiter keeps requests back that the quota does not allow, and no others.
// Each client makes its own; those that use the same token should share one,
// with [WithRateLimiter]. It is safe for concurrent use.
//
// What the newest answer says is left, less what is in flight, may be sent; a
// server that has not answered yet gets four requests at a time, a new window
// begins with one. After a 429 all wait for the time that it told. [WithPriority]
// says who goes first, [WithMaxWait] who waits and who is refused.
type RateLimiter struct{ ledger *quota.Ledger }

// RateLimiterOptions sets up a [RateLimiter]; zero is the default.
type RateLimiterOptions struct {
	// Share is the part of an hour's quota that may be used here, up to 1, for
	// when others use the same token; 0 means all of it.
	Share float64
	// Reserve is the part that bulk calls leave to interactive ones, from 0 to
	// 1; it melts towards the reset. nil means 0.05, or 10 requests if more.
	Reserve *float64
	// RetryBudget is the part of an hour's quota that retries may take, up to 1:
	// RetryBudget × limit × Share, at least 10 retries, for all calls together.
	// Retries after a 5xx, a 408, a cut connection or a timeout take from it;
	// a call that succeeds at its first attempt gives back a tenth of a retry, an
	// hour gives back all. When it is exhausted, a call that fails is not
	// retried: it returns its error after a wait of at most the minimum back-off.
	// First attempts and 429s never need it. 0 means 0.02, negative no bound.
	// With a Store each process has a budget of its own.
	RetryBudget float64
	// RequestsPerSecond is a ceiling of one's own: requests are spaced evenly.
	// 0 means none.
	RequestsPerSecond float64
	// Store shares the quota with other processes; nil means none.
	Store QuotaStore
}

// QuotaStore lets the processes that use one token share its quota: one of them
// at a time gets the permits that are left. Package redislimit, a module of its
// own, has one on Redis. A store that fails is left alone for 5 seconds, one
// that takes over 100 ms until it answers, while the limiter goes by what it has
// seen itself: no call fails for it. It must be safe for concurrent use.
//
// Experimental: it may change as long as redislimit is at version 0.
type QuotaStore interface {
	// Exchange takes the report of a process and answers with permits.
	Exchange(ctx context.Context, ask QuotaAsk) (QuotaAnswer, error)
}

// QuotaAsk is the report of a process, and what it wants. All times are
// durations: the clocks of machines need not agree.
type QuotaAsk struct {
	// Process is the random name of the limiter that asks. Number counts its
	// asks from 1: one that comes after a higher one is to be ignored.
	Process string
	Number  int64
	// Interactive and Bulk are the permits wanted. Reserve is the part of the
	// quota that bulk leaves to interactive calls, from 0 to 1.
	Interactive, Bulk int
	Reserve           float64
	// Held is how many permits the process has, in use or not, without those
	// it wants. While it has or wants some it asks every ten seconds at least;
	// those of one that was silent for 30 seconds may be given to others.
	Held int
	// Served, Lost, Silent, Refused and Calls count since the process began:
	// answers that told what is left, requests that nothing told of, those of
	// them that were answered all the same, 429s, and interactive calls.
	Served, Lost, Silent, Refused, Calls int64
	// Limit, Remaining and Reset, the time until then, are the newest figures
	// that an answer told, Age is how old they are. A Limit of 0 means that
	// there are none, a Reset of 0 that it is over or not known. Sent is the
	// Turn of the newest answer of the store when that request was sent.
	Limit, Remaining int
	Reset, Age       time.Duration
	Sent             int64
	// RetryAfter is how long the newest 429 asked to wait, from now; 0 means
	// no longer, or not told. RefusedSent is for its request what Sent is.
	RetryAfter  time.Duration
	RefusedSent int64
}

// QuotaAnswer is the answer of a [QuotaStore]. Negative figures count as 0.
type QuotaAnswer struct {
	// Interactive and Bulk are the permits granted, at most those wanted.
	Interactive, Bulk int
	// AskAgain is when to ask for the rest. Opens is when there is likely to be
	// some, for callers to be refused by; 0 means soon.
	AskAgain, Opens time.Duration
	// Turn numbers the answers; a later one has a higher number.
	Turn int64
}

// store is a QuotaStore as the ledger knows it.
type store struct{ QuotaStore }

func (s store) Exchange(ctx context.Context, ask quota.StoreAsk) (quota.StoreAnswer, error) {
	answer, err := s.QuotaStore.Exchange(ctx, QuotaAsk(ask))
	return quota.StoreAnswer(answer), err
}

// NewRateLimiter returns a limiter that knows nothing yet and learns from
// every answer. nil means the defaults. Options that are not in their range,
// NaN included, are [ErrInvalidArgument].
func NewRateLimiter(opts *RateLimiterOptions) (*RateLimiter, error) {
	o := quota.Options{Reserve: quota.DefaultReserve}
	if opts != nil {
		o.Share, o.PerSecond, o.RetryBudget = opts.Share, opts.RequestsPerSecond, opts.RetryBudget
		if opts.Reserve != nil {
			o.Reserve = *opts.Reserve
		}
		if opts.Store != nil {
			o.Store = store{opts.Store}
		}
	}
	if err := o.Check(); err != nil {
		return nil, invalid("%w", err)
	}
	return &RateLimiter{quota.New(o)}, nil
}

// Priority is the urgency of a call.
type Priority int

const (
	// PriorityInteractive passes before bulk: the default of all but walks.
	PriorityInteractive Priority = iota
	// PriorityBulk can wait, and leaves a share of the quota to interactive
	// calls: the default of Pages and All.
	PriorityBulk
)

// priority is that of the options, else bulk for a page of an iteration.
func (k *call) priority() Priority {
	switch {
	case k.settings.priority != nil:
		return *k.settings.priority
	case k.plan != nil:
		return PriorityBulk
	}
	return PriorityInteractive
}

// RateLimit returns what is known of the quota now. It sends nothing.
func (l *RateLimiter) RateLimit() RateLimit {
	if l == nil || l.ledger == nil {
		return RateLimit{}
	}
	return RateLimit(l.ledger.Figures())
}

// RateLimitError is a call that the quota does not allow now: refused by the
// API with a 429, or here because the wait would be longer than allowed.
type RateLimitError struct {
	// RetryAt is when to call again, by the local clock; zero if nobody told.
	RetryAt time.Time
	// RateLimit is what is known of the quota.
	RateLimit RateLimit `json:"-"`
	// Err is the [*APIError] of the call's last 429; nil when there was none.
	Err          error `json:"-"`
	method, path string
	sent         bool // something was, before
}

// rateLimitError makes the error; refused is the last 429, nil if none came.
func (k *call) rateLimitError(at time.Time, known RateLimit, refused *transport.Response) error {
	e := &RateLimitError{RetryAt: at, RateLimit: known, method: k.request.Method, path: k.request.Template, sent: k.result.Attempts > 0}
	if refused != nil {
		e.Err = k.apiError(refused)
	}
	return e
}

// Local tells whether the call was refused here, before any 429: Err is nil.
func (e *RateLimitError) Local() bool { return e.Err == nil }

// Error returns one line with the time to retry at.
func (e *RateLimitError) Error() string {
	when := ", retry at " + e.RetryAt.Format(time.RFC3339)
	if e.RetryAt.IsZero() {
		when = ""
	}
	switch {
	case e.Err != nil:
		return wire.Say(e.method, e.path, "", e.Err) + when
	case e.sent:
		when = " again" + when
	}
	return wire.Say(e.method, e.path, "rate limit reached, not sent"+when)
}

// Unwrap returns Err.
func (e *RateLimitError) Unwrap() error { return e.Err }

// LogValue returns why the call failed and, if it is known, when to retry.
func (e *RateLimitError) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Bool("local", e.Local())}
	if !e.RetryAt.IsZero() {
		attrs = append(attrs, slog.Time("retry_at", e.RetryAt))
	}
	if api, ok := errors.AsType[*APIError](e.Err); ok {
		attrs = append(attrs, slog.Any("cause", api))
	}
	return logged(e.method, e.path, message(e.method, e.path, e), attrs...)
}
