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

// NoMaxWait is a maximum wait without a bound: calls wait as long as their context
// allows. See [WithMaxWait].
const NoMaxWait = time.Duration(math.MaxInt64)

// RateLimit is a rate limit state: that of a limiter, or the one in a response. In a
// limiter, a Limit of 0 means that the state is unknown, and Remaining is then 0, too.
// In a response, fields that it did not report are zero.
type RateLimit struct {
	// Limit is the number of requests per window, which is an hour. Remaining is
	// how many are left; in a limiter, without those in flight. After the reset
	// that is the quota of a new window, or the [RateLimiterOptions.Share] of it.
	Limit, Remaining int
	// Reset is when the window ends; zero means unknown, as after the reset until
	// the next response. Observed is when the response was received that reported
	// these figures; zero means never. Both are times of the local clock.
	Reset, Observed time.Time
	// Waiting is how many calls wait for the quota. InFlight is how many requests
	// are in flight. Both are 0 in a response or error.
	Waiting, InFlight int
}

// RateLimiter delays requests that would exceed the API's quota.
// Use [NewRateLimiter]. By default each client has its own limiter; clients with the
// same token should share one, with [WithRateLimiter]. It is safe for concurrent use.
//
// It allows the number of requests that the latest response reports as remaining, less
// those in flight. Before the first response it sends up to four at a time, and a new
// window begins with one. After a 429, all calls wait as long as the 429 says.
// [WithPriority] orders waiting calls, and [WithMaxWait] says which calls fail instead.
type RateLimiter struct{ ledger *quota.Ledger }

// RateLimiterOptions configures a [RateLimiter]; the zero value means the defaults.
type RateLimiterOptions struct {
	// Share is the part of an hour's quota that the limiter may use, up to 1; zero
	// means all. Set it if programs that do not use the same Store share the token.
	Share float64
	// Reserve is the part of a window's quota that bulk calls leave to interactive
	// ones, up to 1. It shrinks to nothing by the reset, and grows if interactive
	// calls are seen to need more. Zero means the default: 0.05 or 10 requests,
	// whichever is more, but at most a tenth; as long as there is no interactive
	// call, it shrinks to nothing within a quarter of an hour. Negative means no
	// reserve.
	Reserve float64
	// RetryBudget is the part of an hour's quota that the retries of all calls may
	// use, up to 1: RetryBudget × limit × Share, but at least 10 retries. Retries
	// after a 5xx, a 408, a cut connection or a timeout use it. A call whose first
	// attempt succeeds gives back a tenth of a retry, and an hour gives back all.
	// When the budget is exhausted, a call that fails is not retried, and returns
	// its error after a wait of up to the minimum back-off. First attempts and 429s
	// do not need the budget. Zero means 0.02, negative means no bound. With a Store
	// each process has its own budget.
	RetryBudget float64
	// RequestsPerSecond is an additional client-side limit, from 0.00001 to
	// 1,000,000: requests are spaced evenly. Zero means no limit.
	RequestsPerSecond float64
	// Store shares the quota with other processes; nil means no store.
	Store QuotaStore
}

// QuotaStore shares the quota of one token among processes. Each limiter reports what
// it has seen and asks for permits, and the store grants what is left, to one process
// at a time. Package redislimit, a separate module, has a QuotaStore on Redis. A
// QuotaStore must be safe for concurrent use.
//
// No call fails because of a store. If an exchange fails or takes over 100 ms, the
// limiter uses its local state and asks again after 5 seconds. A single late reply
// still counts when it arrives. The first failure is logged at Warn when its cause is
// known, and the next success at Info, each once. A call that leaves its process idle
// reports before it returns, as the process may end then; that takes at most 100 ms.
//
// Experimental: the interface may change while redislimit is at version 0.
type QuotaStore interface {
	// Exchange takes the report of a process and returns the permits that it is
	// granted, or an error of the store. ctx ends after 5 seconds.
	Exchange(ctx context.Context, ask QuotaAsk) (QuotaAnswer, error)
}

// QuotaAsk is the report of a process, and its request for permits. Times are
// durations until or since now, because the clocks of machines may differ.
type QuotaAsk struct {
	// Process is the random name of the limiter.
	Process string
	// Number numbers the asks of the process, from 1. The store ignores an ask
	// whose Number is lower than one that it has seen.
	Number int64

	// Interactive is the number of permits asked for, for interactive calls.
	Interactive int
	// Bulk is the number of permits asked for, for bulk calls. It may include
	// permits for calls that are yet to be made.
	Bulk int
	// Reserve is that of the [RateLimiterOptions] of the process.
	Reserve float64

	// Held is the number of permits that the process has, in use or not, without
	// those that it asks for. While a process has or asks for permits, it makes an
	// exchange at least every two seconds; after 5 seconds without one the store
	// may count its permits as spent.
	Held int
	// Served counts the responses other than 429s that had rate limit headers. Like
	// the next four fields, it counts from the start of the process.
	Served int64
	// Lost counts the requests, other than those rejected with 429, without a
	// response that has rate limit headers.
	Lost int64
	// Silent counts the requests in Lost that had a response.
	Silent int64
	// Refused counts the 429s.
	Refused int64
	// Calls counts the interactive calls.
	Calls int64

	// Limit is the number of requests per window, from the latest response with
	// rate limit headers; zero means that there was no such response, and that the
	// next four fields are unknown.
	Limit int
	// Remaining is the number of requests left, from that response.
	Remaining int
	// Reset is the time until the window ends; zero means unknown or in the past.
	Reset time.Duration
	// Age is the time since that response.
	Age time.Duration
	// Sent is the Turn of the latest [QuotaAnswer] at the time when the request of
	// that response was sent.
	Sent int64

	// RetryAfter is the time until the latest 429 allows another request; zero
	// means unknown or in the past.
	RetryAfter time.Duration
	// RefusedSent is the Turn of the latest [QuotaAnswer] at the time when the
	// request of that 429 was sent.
	RefusedSent int64
}

// QuotaAnswer is the reply of a [QuotaStore]. Negative numbers count as zero.
type QuotaAnswer struct {
	// Interactive is the number of permits granted for interactive calls; those
	// beyond the number asked for are ignored.
	Interactive int
	// Bulk is the number of permits granted for bulk calls, likewise.
	Bulk int
	// AskAgain is the time until the process should ask for the permits that were
	// not granted; zero means soon.
	AskAgain time.Duration
	// Opens is the time until some of them are likely to be granted; zero means
	// soon. Calls that wait or fail report it.
	Opens time.Duration
	// Turn numbers the replies: a later one has a higher number.
	Turn int64
	// Probing reports that permits were not granted only because responses in
	// flight will show what is left. A call with a maximum wait of zero is then
	// sent, unless the local state forbids it.
	Probing bool
	// Mixed reports that the responses of the processes alternate between two
	// different limits, as if the store were used with two tokens. It is logged once.
	Mixed bool
}

// store converts between the types of a QuotaStore and those of package quota.
type store struct{ QuotaStore }

func (s store) Exchange(ctx context.Context, ask quota.StoreAsk) (quota.StoreReply, error) {
	reply, err := s.QuotaStore.Exchange(ctx, QuotaAsk(ask))
	return quota.StoreReply(reply), err
}

// NewRateLimiter returns a limiter with an unknown quota, which it learns from
// responses. nil means the defaults. Options out of range, NaN included, are
// [ErrInvalidArgument].
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

// Priority is the urgency of a call; see [WithPriority].
type Priority int

const (
	// PriorityInteractive calls go before bulk calls. It is the default of all calls
	// but those of Pages and All.
	PriorityInteractive Priority = iota
	// PriorityBulk calls leave a part of the quota to interactive calls; see
	// [RateLimiterOptions.Reserve]. It is the default of Pages and All.
	PriorityBulk
)

// priority returns the priority of the options, by default bulk for a page of an
// iteration.
func (k *call) priority() Priority {
	switch {
	case k.settings.priority != nil:
		return *k.settings.priority
	case k.plan != nil:
		return PriorityBulk
	}
	return PriorityInteractive
}

// RateLimit returns the current rate limit state. It sends nothing.
func (l *RateLimiter) RateLimit() RateLimit {
	if l == nil || l.ledger == nil {
		return RateLimit{}
	}
	return RateLimit(l.ledger.Figures())
}

// WaitReason is why a call waits, or why it failed instead of waiting. The zero value,
// "", means unknown.
type WaitReason string

const (
	// WaitQuota means that the quota is exhausted: the call waits for the reset, or
	// until requests are restored.
	WaitQuota WaitReason = "quota"
	// WaitReserve means that what is left is reserved for interactive calls. A bulk
	// call waits until it may use some of it, at the latest for the reset.
	WaitReserve WaitReason = "reserve"
	// WaitRetryAfter means that the server asked to wait, with a Retry-After.
	WaitRetryAfter WaitReason = "Retry-After"
	// WaitProbe means that the call waits for a response in flight that will report
	// what is left: one of the very first, the first of a new window, or one of the
	// last of a window. It also means that the server has failed several times, so
	// that few requests are in flight until it recovers; the call is then sent at
	// [WaitInfo.Until] at the latest.
	WaitProbe WaitReason = "probe"
	// WaitBackoff is the wait before a retry; see [WithBackoff].
	WaitBackoff WaitReason = "back-off"
	// WaitPace means that [RateLimiterOptions.RequestsPerSecond] delays the call.
	WaitPace WaitReason = "pace"
)

// WaitInfo describes a wait that is about to begin or, in [Hooks.Waited], that has
// ended. It contains nothing secret.
type WaitInfo struct {
	// Method is the HTTP method. Path is the template of the path, as in [CallInfo].
	Method, Path string
	// Until is when the wait is likely to end, by the local clock, if no other calls
	// arrive and no one else uses the quota meanwhile. In Waited it is the time that
	// was reported last.
	Until time.Time
	// Reason is why the call waits.
	Reason WaitReason
	// RateLimit is the rate limit state that Until was computed from.
	RateLimit RateLimit
	// Priority is the priority of the call.
	Priority Priority
	// Duration is how long the wait took; 0 in Wait.
	Duration time.Duration
}

// waitHook returns a function that calls hooks, or nil if there are no hooks.
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

// RateLimitError is the error of a call that the quota does not allow now: the API
// rejected it with a 429, or it was not sent because it would wait too long. A write
// was not done, unless the error is wrapped in an [*UnknownOutcomeError]: an earlier
// attempt may then have done it.
type RateLimitError struct {
	// RetryAt is when to call again, by the local clock; zero means unknown. A call
	// at that time succeeds if no one else uses the quota meanwhile; one made much
	// earlier does not.
	RetryAt time.Time
	// Reason is what the call would wait for; after a 429, WaitRetryAfter if it had
	// a Retry-After and WaitQuota if not.
	Reason WaitReason
	// RateLimit is the rate limit state when the call failed.
	RateLimit RateLimit `json:"-"`
	// Err is the [*APIError] of the call's last 429; nil if there was no 429.
	Err          error `json:"-"`
	method, path string
	sent         bool // the call has sent requests
}

// rateLimitError returns a *RateLimitError. limited is the response of the call's last
// 429, or nil.
func (k *call) rateLimitError(at time.Time, why WaitReason, state RateLimit, limited *transport.Response) error {
	e := &RateLimitError{RetryAt: at, Reason: why, RateLimit: state, method: k.request.Method, path: k.request.Template, sent: k.result.Attempts > 0}
	if limited != nil {
		e.Err = k.apiError(limited)
	}
	return e
}

// Local reports whether the client ended the call, without a 429 of the API: Err is
// nil.
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
	state := e.RateLimit
	left := fmt.Sprintf("%d of %d left", state.Remaining, state.Limit)
	switch e.Reason {
	case WaitRetryAfter:
		return "the server asked to wait"
	case WaitPace:
		return "RequestsPerSecond allows no request now"
	case WaitProbe:
		return "no response yet reports what is left of the quota"
	case WaitReserve:
		if state.Limit == 0 {
			return "what is left is reserved for interactive calls"
		}
		return left + " are reserved for interactive calls"
	case WaitQuota:
		switch {
		case state.Limit == 0:
			return "quota used up"
		case !state.Reset.IsZero():
			left += ", resets at " + state.Reset.Format(time.TimeOnly)
		}
		if state.Remaining > 0 {
			return "quota used up by calls ahead: " + left
		}
		return "quota used up: " + left
	}
	return "rate limit reached"
}

// Unwrap returns Err.
func (e *RateLimitError) Unwrap() error { return e.Err }

// Equal reports whether e and o are equal, for tests with go-cmp: as
// [UnknownOutcomeError.Equal] does, and of calls with the same method and path.
func (e RateLimitError) Equal(o RateLimitError) bool {
	return e.method == o.method && e.path == o.path && e.sent == o.sent && wire.Same(e, o)
}

// LogValue returns why the call failed and, if known, when to retry.
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

// budgetError is the error of a call that failed and was not retried because the
// retry budget of its limiter was exhausted.
type budgetError struct {
	method, path string
	err          error
}

func (e *budgetError) Error() string {
	return wire.Say(e.method, e.path, "retry budget exhausted: ", e.err)
}
func (e *budgetError) Unwrap() error { return e.err }

func (e budgetError) Equal(o budgetError) bool {
	return wire.Alike(e.err, o.err) // which has the method and the path, too
}

func (e *budgetError) LogValue() slog.Value {
	return logged(e.method, e.path, message(e.method, e.path, e), slog.Any("cause", loggable(e.err)))
}
