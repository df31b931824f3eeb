package leedotest

import "time"

// ServerOption changes how a [Server] behaves, see [NewServer].
type ServerOption func(*Server)

// Plan is what a Leedo customer has bought, as the number of requests it
// allows per hour. Numbers that Leedo does not sell work as well; zero refuses
// all requests and a negative number means no limit.
type Plan int

// The plans that Leedo sells.
const (
	// Free allows 100 requests per hour.
	Free Plan = 100
	// Duo allows 500 requests per hour.
	Duo Plan = 500
	// Pro allows 5,000 requests per hour.
	Pro Plan = 5000
)

// WithPlan gives the server the rate limit of a plan, as
// SetRateLimit(int(plan), time.Hour) would. Without it there is no limit.
func WithPlan(plan Plan) ServerOption {
	return func(s *Server) { s.quota.set(int(plan), time.Hour) }
}

// WithToken sets the API token that the server accepts. An empty one leaves
// the default.
func WithToken(token string) ServerOption {
	return func(s *Server) {
		if token != "" {
			s.token = token
		}
	}
}

// WithIdempotencyKeys makes the server remember the Idempotency-Key header of
// each write that it carried out with a 2xx answer, for as long as it lives.
// The same key with the same method, path and body gets the first answer again,
// with the header Idempotent-Replayed: true, and nothing is done twice; with
// another body it gets a 400. What failed is not remembered and may be tried
// again with the same key. The documented API knows no such header, so by
// default it means nothing.
func WithIdempotencyKeys() ServerOption {
	return func(s *Server) { s.replays = make(map[replayKey]replay) }
}

// ResetFormat is a way of telling in X-RateLimit-Reset when the window ends.
// The API's documentation does not say which one it uses.
type ResetFormat int

// The formats of X-RateLimit-Reset. All are rounded up to their unit.
const (
	// ResetEpochSeconds is the number of seconds since 1970, the default.
	ResetEpochSeconds ResetFormat = iota
	// ResetEpochMilliseconds is the number of milliseconds since 1970.
	ResetEpochMilliseconds
	// ResetDeltaSeconds is the number of seconds from now on.
	ResetDeltaSeconds
	// ResetHTTPDate is a date as in the Date header, to the second.
	ResetHTTPDate
	// ResetRFC3339 is a date as in the API's JSON, to the second.
	ResetRFC3339
)

// WithResetFormat sets the format of the X-RateLimit-Reset header. It shows
// only while there is a rate limit; an unknown format is ResetEpochSeconds.
func WithResetFormat(format ResetFormat) ServerOption {
	return func(s *Server) { s.quota.format = format }
}

// WithoutRetryAfter leaves the Retry-After header out of 429 answers, which
// have it by default, in seconds.
func WithoutRetryAfter() ServerOption {
	return func(s *Server) { s.quota.retryAfter = retryAfterNone }
}

// WithRetryAfterDate sends the Retry-After header of 429 answers as an HTTP
// date instead of seconds.
func WithRetryAfterDate() ServerOption {
	return func(s *Server) { s.quota.retryAfter = retryAfterDate }
}

// WithCountedRefusals makes a 429 cost quota like any other answer: as its own
// window has none left, it is taken from the next one. A client that keeps
// asking thus locks itself out for longer, and X-RateLimit-Reset says for how
// long. By default a refusal costs nothing.
func WithCountedRefusals() ServerOption {
	return func(s *Server) { s.quota.countRefusals = true }
}
