package leedo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/transport"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// NoMaxWait waits as long as the context allows; see [WithMaxWait].
const NoMaxWait = time.Duration(math.MaxInt64)

// RateLimit is the current rate limit state of a token. A Limit of 0 means that
// nothing is known yet: look at it before Remaining, which is then 0, too.
type RateLimit struct {
	// Limit is the number of requests per window, an hour. Remaining is how many
	// are left, in [Client.RateLimit] without those in flight. After the reset it
	// is what a new window gives: Limit, or what [RateLimiterOptions].Share allows.
	Limit, Remaining int
	// Reset is when the window ends; zero means that it is unknown, as it is after
	// the reset until a response comes. Observed is when the response came that
	// reported these figures, which shows how old they are; zero means never. Both
	// are by the local clock.
	Reset, Observed time.Time
	// Waiting is how many calls wait for the quota, InFlight how many requests
	// are in flight; both are 0 in the figures of a response or error.
	Waiting, InFlight int
}

// RateLimiter delays requests that would exceed the API's quota, and no others.
// Each client makes its own; those that use the same token should share one,
// with [WithRateLimiter]. It is safe for concurrent use.
//
// What the newest response says is left, less what is in flight, may be sent; before
// the first response four requests at a time are sent, and a new window begins with
// one. After a 429 all calls wait as long as it says. [WithPriority] says who goes
// first, [WithMaxWait] who waits and who fails instead; a call that never waits is not
// held by the wait for a first response.
type RateLimiter struct{ ledger *quota.Ledger }

// RateLimiterOptions sets up a [RateLimiter]; zero is the default.
type RateLimiterOptions struct {
	// Share is the part of an hour's quota that may be used here, up to 1, for
	// when others use the same token; 0 means all of it.
	Share float64
	// Reserve is the part of a window's quota that bulk calls leave to interactive
	// ones, up to 1; it shrinks with the time to the reset. Zero means the default:
	// 0.05, or 10 requests if that is more, but at most a tenth, and nothing after
	// the first quarter of an hour until there is an interactive call. Negative
	// means none.
	Reserve float64
	// RetryBudget is the part of an hour's quota that retries may take, up to 1:
	// RetryBudget × limit × Share, at least 10 retries, for all calls together.
	// Retries after a 5xx, a 408, a cut connection or a timeout take from it;
	// a call that succeeds at its first attempt gives back a tenth of a retry, an
	// hour gives back all. When it is exhausted, a call that fails is not
	// retried: it returns its error after a wait of at most the minimum back-off.
	// First attempts and 429s never need it. 0 means 0.02, negative no bound.
	// With a Store each process has a budget of its own.
	RetryBudget float64
	// RequestsPerSecond is an additional client-side limit: requests are spaced
	// evenly. Zero means no limit.
	RequestsPerSecond float64
	// Store shares the quota with other processes; nil means none.
	Store QuotaStore
}

// QuotaStore shares the quota of one token among processes. Each limiter reports what
// it has seen and asks for permits; the store grants what is left, to one process at a
// time. Package redislimit, a module of its own, has one on Redis.
//
// A store that fails is not asked again for 5 seconds, and one that takes over 100 ms
// not until it responds. Meanwhile the limiter goes by what it has seen itself: no call
// fails because of its store. Why it failed is logged at Warn when the exchange has ended,
// and that it works again at Info, both once. A call that leaves its process idle reports
// before it returns, for 100 ms at most, as the process may end then.
//
// A QuotaStore must be safe for concurrent use.
//
// Experimental: it may change as long as redislimit is at version 0.
type QuotaStore interface {
	// Exchange takes the report of a process and returns the permits granted. An
	// error is one of the store.
	Exchange(ctx context.Context, ask QuotaAsk) (QuotaAnswer, error)
}

// QuotaAsk is the report of a process, and the permits that it asks for. All times are
// durations, because the clocks of machines need not agree.
type QuotaAsk struct {
	// Process is the random name of the limiter that asks.
	Process string
	// Number counts the asks of the process, from 1. A store ignores one that
	// arrives after a higher one.
	Number int64

	// Interactive is how many permits the process asks for, for interactive calls.
	Interactive int
	// Bulk is how many it asks for, for bulk calls: also for some that are yet to
	// come.
	Bulk int
	// Reserve is the one in the [RateLimiterOptions] of the process.
	Reserve float64

	// Held is how many permits the process has, in use or not, without those that
	// it asks for. As long as it has some or asks for some it exchanges every two
	// seconds at least; the permits of a process that was silent for 5 seconds may
	// be counted as spent.
	Held int
	// Served counts the responses that reported what is left, without 429s. Like the
	// next four fields it counts since the process began.
	Served int64
	// Lost counts the requests after which nothing reported what is left.
	Lost int64
	// Silent counts those of Lost that got a response all the same.
	Silent int64
	// Refused counts the 429s.
	Refused int64
	// Calls counts the interactive calls.
	Calls int64

	// Limit is the number of requests per window, from the newest response that
	// reported it; zero means that none did, and nothing else is known of the quota.
	Limit int
	// Remaining is how many were left by that response.
	Remaining int
	// Reset is the time until the window ends; zero means that it has ended, or
	// that the end is unknown.
	Reset time.Duration
	// Age is how old that response is.
	Age time.Duration
	// Sent is the Turn of the newest [QuotaAnswer] at the time when the request of
	// that response was sent.
	Sent int64

	// RetryAfter is for how long, from now, the newest 429 asked to wait; zero
	// means that this is over, or that it did not say.
	RetryAfter time.Duration
	// RefusedSent is for the request of that 429 what Sent is.
	RefusedSent int64
}

// QuotaAnswer is what a [QuotaStore] grants. Negative figures count as zero.
type QuotaAnswer struct {
	// Interactive is how many permits are granted to interactive calls; more than
	// were asked for count as those.
	Interactive int
	// Bulk is the same for bulk calls.
	Bulk int
	// AskAgain is when to ask for the permits that were not granted; zero means
	// soon.
	AskAgain time.Duration
	// Opens is when some of them are likely to be there, which is what calls report
	// that fail or wait for them; zero means soon.
	Opens time.Duration
	// Turn numbers the answers: a later one has a higher number.
	Turn int64
	// Probing reports that nothing known forbids what was asked for and not granted:
	// only responses in flight, which will report what is left, are waited for. A
	// call that does not wait is then sent, unless its process knows better.
	Probing bool
	// Mixed reports that the responses of all processes name two limits in turn, as
	// they do if two tokens are used with one store. It is logged once.
	Mixed bool
}

// store is a QuotaStore as the ledger knows it.
type store struct{ QuotaStore }

func (s store) Exchange(ctx context.Context, ask quota.StoreAsk) (quota.StoreReply, error) {
	answer, err := s.QuotaStore.Exchange(ctx, QuotaAsk(ask))
	return quota.StoreReply(answer), err
}

// NewRateLimiter returns a limiter that knows nothing yet and learns from
// every answer. nil means the defaults. Options that are not in their range,
// NaN included, are [ErrInvalidArgument].
func NewRateLimiter(opts *RateLimiterOptions) (*RateLimiter, error) {
	var o quota.Options
	if opts != nil {
		o.Share, o.Reserve, o.RetryBudget, o.PerSecond = opts.Share, opts.Reserve, opts.RetryBudget, opts.RequestsPerSecond
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

// WaitReason is what a call waits for, or why it failed instead of waiting. The zero
// value, "", means that it is unknown.
type WaitReason string

const (
	// WaitQuota means that the quota is used up: the call waits for the reset, or
	// until requests are restored.
	WaitQuota WaitReason = "quota"
	// WaitReserve means that what is left is reserved for interactive calls. A bulk
	// call waits until it may use some of it, at the latest for the reset.
	WaitReserve WaitReason = "reserve"
	// WaitRetryAfter means that the server asked to wait, with a Retry-After.
	WaitRetryAfter WaitReason = "Retry-After"
	// WaitProbe means that a response in flight will report what is left: the first
	// ones of all, the first one of a new window, or those that use the last
	// requests of a window. Or the server failed, and few requests at a time are sent
	// until it responds; WaitInfo.Until is then when the call is sent at the latest.
	WaitProbe WaitReason = "probe"
	// WaitBackoff is the wait before a retry; see [WithBackoff].
	WaitBackoff WaitReason = "back-off"
	// WaitPace means that [RateLimiterOptions].RequestsPerSecond delays the call.
	WaitPace WaitReason = "pace"
)

// WaitInfo describes a wait that is about to begin or, in [Hooks].Waited, that has
// ended. It holds nothing secret.
type WaitInfo struct {
	// Method is the HTTP method; Path the template of the path.
	Method, Path string
	// Until is when the wait is likely to end, by the local clock: if no other calls
	// come meanwhile, and nobody else spends the quota. In Waited it is what
	// was reported last.
	Until time.Time
	// Reason is what the call waits for.
	Reason WaitReason
	// RateLimit is the rate limit state when Until was found.
	RateLimit RateLimit
	// Priority is that of the call.
	Priority Priority
	// Duration is how long the wait took; 0 in Wait.
	Duration time.Duration
}

// waitHook returns a function that calls hooks; nil: there are none.
func waitHook(hooks []func(context.Context, WaitInfo)) func(context.Context, transport.Wait) {
	call := each(hooks)
	if call == nil {
		return nil
	}
	return func(ctx context.Context, w transport.Wait) {
		call(ctx, WaitInfo{
			Method: w.Method, Path: w.Path, Until: w.Until, Reason: WaitReason(w.Reason), RateLimit: RateLimit(w.Figures),
			Priority: Priority(w.Class), Duration: w.Duration,
		})
	}
}

// RateLimitError is a call that the quota does not allow now: rejected by the API
// with a 429, or not sent because the wait would be longer than allowed.
type RateLimitError struct {
	// RetryAt is when to call again, by the local clock; zero means unknown. The
	// call succeeds then if nobody else spends the quota meanwhile, and not much
	// earlier.
	RetryAt time.Time
	// Reason is what the call would have to wait for; after a 429, WaitRetryAfter
	// if it has a Retry-After and WaitQuota if not.
	Reason WaitReason
	// RateLimit is the rate limit state when the call failed.
	RateLimit RateLimit `json:"-"`
	// Err is the [*APIError] of the call's last 429; nil when there was none.
	Err          error `json:"-"`
	method, path string
	sent         bool // something was, before
}

// rateLimitError makes the error; refused is the last 429, nil if none came.
func (k *call) rateLimitError(at time.Time, why WaitReason, known RateLimit, refused *transport.Response) error {
	e := &RateLimitError{RetryAt: at, Reason: why, RateLimit: known, method: k.request.Method, path: k.request.Template, sent: k.result.Attempts > 0}
	if refused != nil {
		e.Err = k.apiError(refused)
	}
	return e
}

// Local reports whether the call failed without a 429: Err is nil.
func (e *RateLimitError) Local() bool { return e.Err == nil }

// Error returns one line with the reason and the time to retry at.
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
	return wire.Say(e.method, e.path, e.why()+", not sent"+when)
}

// why returns the reason in words.
func (e *RateLimitError) why() string {
	known := e.RateLimit
	left := fmt.Sprintf("%d of %d left", known.Remaining, known.Limit)
	switch e.Reason {
	case WaitRetryAfter:
		return "the server asked to wait"
	case WaitPace:
		return "RequestsPerSecond allows no request now"
	case WaitProbe:
		return "no response yet reports what is left of the quota"
	case WaitReserve:
		if known.Limit == 0 {
			return "what is left is reserved for interactive calls"
		}
		return left + " are reserved for interactive calls"
	case WaitQuota:
		switch {
		case known.Limit == 0:
			return "quota used up"
		case !known.Reset.IsZero():
			left += ", resets at " + known.Reset.Format(time.TimeOnly)
		}
		if known.Remaining > 0 {
			return "quota used up by calls ahead: " + left
		}
		return "quota used up: " + left
	}
	return "rate limit reached"
}

// Unwrap returns Err.
func (e *RateLimitError) Unwrap() error { return e.Err }

// Equal reports whether e and o are the same, as [UnknownOutcomeError.Equal] does, and
// are errors of calls with the same method and path.
func (e RateLimitError) Equal(o RateLimitError) bool {
	return e.method == o.method && e.path == o.path && e.sent == o.sent && wire.Same(e, o)
}

// LogValue returns why the call failed and, if it is known, when to retry.
func (e *RateLimitError) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Bool("local", e.Local())}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(e.Reason)))
	}
	if !e.RetryAt.IsZero() {
		attrs = append(attrs, slog.Time("retry_at", e.RetryAt))
	}
	if api, ok := errors.AsType[*APIError](e.Err); ok {
		attrs = append(attrs, slog.Any("cause", api))
	}
	return logged(e.method, e.path, message(e.method, e.path, e), attrs...)
}

// budgetError is a call that failed and was not retried, because the retry budget
// of its limiter is exhausted.
type budgetError struct {
	method, path string
	err          error
}

func (e *budgetError) Error() string {
	return wire.Say(e.method, e.path, "retry budget exhausted: ", e.err)
}
func (e *budgetError) Unwrap() error { return e.err }

func (e budgetError) Equal(o budgetError) bool {
	return e.method == o.method && e.path == o.path && wire.Alike(e.err, o.err)
}

func (e *budgetError) LogValue() slog.Value {
	return logged(e.method, e.path, message(e.method, e.path, e), slog.Any("cause", loggable(e.err)))
}
