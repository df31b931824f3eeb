package leedotest

import "github.com/leedoapp/leedo-go/internal/ratecount"

// WithSlidingWindow makes the server allow as many requests as the limit in any
// window, wherever it begins, instead of in fixed ones: a request counts until
// a window has passed since. X-RateLimit-Reset is when there will be one more
// than now, that is, when the oldest request no longer counts.
//
// The last of WithSlidingWindow, [WithSlidingCounter] and [WithTokenBucket]
// wins.
func WithSlidingWindow() ServerOption {
	return func(s *Server) { s.quota.algorithm = ratecount.NewSlidingLog }
}

// WithSlidingCounter makes the server estimate what [WithSlidingWindow] would
// count, as servers do that keep two numbers only. Windows are those of its
// clock, an hour's begin with the hour. To the requests of the current one are
// added those of the one before, in proportion to how much of that is less than
// a window ago, rounded down. X-RateLimit-Reset is the end of the current
// window, when hardly anything may be left again.
func WithSlidingCounter() ServerOption {
	return func(s *Server) { s.quota.algorithm = ratecount.NewSlidingCounter }
}

// WithTokenBucket gives the server a bucket of tokens, as many as the limit,
// instead of a window. Each request takes one, and they come back evenly, as
// many as the limit in a window. X-RateLimit-Remaining is the number of whole
// tokens, X-RateLimit-Reset when the bucket is full again.
func WithTokenBucket() ServerOption {
	return func(s *Server) { s.quota.algorithm = ratecount.NewTokenBucket }
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

// WithCountedRefusals makes a 429 cost quota like any other answer. A client
// that keeps asking thus locks itself out for longer: a fixed window has none
// left, so the refusal is taken from the next one, a sliding window has one
// request more to get rid of, and a token bucket owes a token. Retry-After says
// for how long, and so does X-RateLimit-Reset, but for [WithSlidingCounter]. By
// default a refusal costs nothing.
func WithCountedRefusals() ServerOption {
	return func(s *Server) { s.quota.countRefusals = true }
}
