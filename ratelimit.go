package leedo

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/trip"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// The headers by which the API tells the quota of a token. Plans allow 100
// (Free), 500 (Duo) or 5,000 (Pro) requests an hour.
const (
	// HeaderRateLimit is the number of requests per hour.
	HeaderRateLimit = "X-RateLimit-Limit"
	// HeaderRateRemaining is how many of them are left.
	HeaderRateRemaining = "X-RateLimit-Remaining"
	// HeaderRateReset is when they are all back: seconds or milliseconds since
	// 1970, seconds from now, an HTTP date or RFC 3339. The SDK tells them
	// apart by form and size.
	HeaderRateReset = "X-RateLimit-Reset"
	// HeaderRetryAfter is when a refused request may be repeated: seconds from
	// now or an HTTP date (RFC 9110, section 10.2.3).
	HeaderRetryAfter = "Retry-After"
)

// NoMaxWait lets a call wait as long as its context allows; see [WithMaxWait].
const NoMaxWait = time.Duration(math.MaxInt64)

// RateLimit is what is known of the quota of a token. The zero value means
// that nothing is known: no answer has told anything yet.
type RateLimit struct {
	// Limit is the number of requests per window, an hour in the documented
	// plans; 0: unknown.
	Limit int
	// Remaining is how many of them are left. In [Client.RateLimit] requests
	// in flight are taken off.
	Remaining int
	// Reset is when the window ends, by the local clock; zero: unknown.
	Reset time.Time
	// Observed is when these figures came, by the local clock; zero: never.
	Observed time.Time
	// Waiting is how many calls wait for the quota; 0 in the figures of an
	// answer or error.
	Waiting int
	// InFlight is how many requests are under way; 0 in the figures of an
	// answer or error.
	InFlight int
}

// RateLimiter keeps requests back while the quota is used up. Each client
// makes one of its own; clients that use the same token should share one, with
// [WithRateLimiter]. It is safe for concurrent use.
//
// After a 429 all calls wait for the time that the API told: Retry-After, else
// the reset of the window, else a growing back-off. While the newest answer
// says that no requests are left, nothing is sent. Which calls wait and which
// are refused is for [WithMaxWait] to say.
type RateLimiter struct{ ledger *quota.Ledger }

// RateLimiterOptions sets up a [RateLimiter]. The zero value is the default.
type RateLimiterOptions struct{}

// NewRateLimiter returns a limiter that knows nothing yet and learns from
// every answer. nil means the defaults.
func NewRateLimiter(_ *RateLimiterOptions) (*RateLimiter, error) {
	return &RateLimiter{quota.NewLedger()}, nil
}

// RateLimit returns what is known of the quota now. It sends nothing.
func (l *RateLimiter) RateLimit() RateLimit {
	if l == nil || l.ledger == nil {
		return RateLimit{}
	}
	return RateLimit(l.ledger.Figures())
}

// RateLimitError is a call that the quota does not allow now: refused by the
// API with a 429, or refused here, at once, because the wait would be longer
// than [WithMaxWait] or the context allow.
type RateLimitError struct {
	// RetryAt is when the call can be made, by the local clock; zero if nobody
	// told.
	RetryAt time.Time
	// RateLimit is what is known of the quota.
	RateLimit RateLimit `json:"-"`
	// Err is the [*APIError] of the call's last 429; nil when there was none.
	Err error `json:"-"`

	method, path string
}

// rateLimitError makes the error; refused is the last 429, nil if none came.
func (k *call) rateLimitError(at time.Time, known RateLimit, refused *trip.Answer) error {
	e := &RateLimitError{RetryAt: at, RateLimit: known, method: k.Method, path: k.Template}
	if refused != nil {
		e.Err = k.apiError(refused)
	}
	return e
}

// Local tells whether the call was refused from what was known, before the API
// refused it: Err is nil.
func (e *RateLimitError) Local() bool { return e.Err == nil }

// Error returns one line with the time to retry at.
func (e *RateLimitError) Error() string {
	when := ""
	if !e.RetryAt.IsZero() {
		when = ", retry at " + e.RetryAt.Format(time.RFC3339)
	}
	if e.Err == nil {
		return wire.Say(e.method, e.path, "rate limit reached, not sent"+when)
	}
	return wire.Say(e.method, e.path, "", e.Err) + when
}

// Unwrap returns Err.
func (e *RateLimitError) Unwrap() error { return e.Err }

// LogValue returns method, path and the time to retry at.
func (e *RateLimitError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", e.method), slog.String("path", e.path),
		slog.Time("retry_at", e.RetryAt), slog.Bool("local", e.Local()))
}

// WithRateLimiter makes the client use a limiter that others use, too: of a
// token's clients each should be given the same. nil is [ErrInvalidArgument].
// The last of WithRateLimiter and [WithoutRateLimiter] wins.
func WithRateLimiter(l *RateLimiter) Option {
	return clientOption(func(c *config) error {
		if l == nil || l.ledger == nil {
			return invalid("WithRateLimiter: not a limiter made by NewRateLimiter")
		}
		c.limiter, c.unlimited = l, false
		return nil
	})
}

// WithoutRateLimiter sends every request at once. A 429 is then returned as a
// [*RateLimitError] without another try, for writes as for reads. The figures
// of [Client.RateLimit] are kept all the same.
func WithoutRateLimiter() Option {
	return clientOption(func(c *config) error {
		c.limiter, c.unlimited = nil, true
		return nil
	})
}

// WithMaxWait bounds the time that a call may spend waiting, for the quota and
// for back-offs together; each page of a walk is a call. The default is one
// minute. 0 never waits, which leaves no room for retries with a back-off
// either. [NoMaxWait] waits as long as the context allows. Negative is
// [ErrInvalidArgument].
//
// A wait for the quota that would be longer, or would outlast the context's
// deadline, is refused at once with a [*RateLimitError]; a back-off that would
// be ends the retries with the last error.
func WithMaxWait(d time.Duration) SharedOption {
	return sharedOption(func(s *settings) error {
		if d < 0 {
			return invalid("WithMaxWait: negative duration %v", d)
		}
		s.maxWait = d
		return nil
	})
}

// WithBackoff sets the waits before retries: random, up to min, then up to
// twice that and so on, never over max. A Retry-After that is longer wins. The
// default is 250 ms to 4 s; zero waits not at all. Negative, or min over max,
// is [ErrInvalidArgument].
func WithBackoff(min, max time.Duration) Option {
	return clientOption(func(c *config) error {
		if min < 0 || min > max {
			return invalid("WithBackoff: %v to %v", min, max)
		}
		c.backoffMin, c.backoffMax = min, max
		return nil
	})
}

// WithRetries sets how often a call may be tried again after a failure that
// another try may heal; the default is 3, 0 means never. Waiting for the quota
// after a 429 is not counted here. Negative is [ErrInvalidArgument].
//
// GET and HEAD are retried after a 5xx but 501, a 408, a cut connection or an
// attempt that took too long, writes only when they surely were not sent: the
// connection was refused, say, or the handshake failed. An unknown host or a
// refused certificate is final.
func WithRetries(n int) SharedOption {
	return sharedOption(func(s *settings) error {
		if n < 0 {
			return invalid("WithRetries: negative number %d", n)
		}
		s.retries = n
		return nil
	})
}

// WithAttemptTimeout bounds one attempt, from sending to the end of the
// answer's body; the default is 30 seconds, 0 means no bound. Waits do not
// count, and ctx bounds the call as a whole. Negative is [ErrInvalidArgument].
func WithAttemptTimeout(d time.Duration) SharedOption {
	return sharedOption(func(s *settings) error {
		if d < 0 {
			return invalid("WithAttemptTimeout: negative duration %v", d)
		}
		s.attemptTimeout = &d
		return nil
	})
}

// Hooks are functions that are told what a client does. They are called in the
// goroutine of the call, with its context, so they must be quick and safe for
// concurrent use. nil ones are not called.
type Hooks struct {
	// Attempt is called after each attempt.
	Attempt func(context.Context, AttemptInfo)
	// Wait is called before each wait of over a second.
	Wait func(context.Context, WaitInfo)
}

// AttemptInfo tells of one attempt of a call. It holds nothing secret.
type AttemptInfo struct {
	// Method is the HTTP method; Path the template of the path.
	Method, Path string
	// Number counts the attempts of the call, from 1.
	Number int
	// StatusCode is the HTTP status; 0 if no answer came.
	StatusCode int
	// Duration is how long the attempt took, the body of the answer included.
	Duration time.Duration
	// Err is why no answer came, or why it was cut; nil when one came.
	Err error
}

// WaitInfo tells of a wait that is about to begin.
type WaitInfo struct {
	// Method is the HTTP method; Path the template of the path.
	Method, Path string
	// Until is when the wait ends, by the local clock, if nothing ends it
	// before.
	Until time.Time
	// Reason is "rate limit", "back-off" or "Retry-After".
	Reason string
}

// WithHooks tells hooks what the client does. The last WithHooks wins.
func WithHooks(hooks Hooks) Option {
	return clientOption(func(c *config) error { c.hooks = hooks; return nil })
}

func (h Hooks) attempt() func(context.Context, trip.Attempt) {
	if h.Attempt == nil {
		return nil
	}
	return func(ctx context.Context, a trip.Attempt) { h.Attempt(ctx, AttemptInfo(a)) }
}

func (h Hooks) wait() func(context.Context, trip.Wait) {
	if h.Wait == nil {
		return nil
	}
	return func(ctx context.Context, w trip.Wait) { h.Wait(ctx, WaitInfo(w)) }
}

// WithLogger logs what the client does: attempts and short waits at Debug,
// waits of over a second at Info, retries at Warn. Nothing secret is logged: no
// token, query, header or body. nil, the default, is silence.
func WithLogger(logger *slog.Logger) Option {
	return clientOption(func(c *config) error {
		if logger == nil {
			logger = slog.New(slog.DiscardHandler)
		}
		c.logger = logger
		return nil
	})
}
