package leedotest

// Algorithm is the way in which a [Server] counts requests against its limit.
// The API's documentation speaks of requests per hour and of no more.
type Algorithm int

// The algorithms. They differ in when requests are restored, and in what
// X-RateLimit-Reset reports.
const (
	// FixedWindow counts the requests of a window that begins with the first of
	// them, see [Server.SetRateLimit]: the default. All are restored at its end,
	// which is what X-RateLimit-Reset reports.
	FixedWindow Algorithm = iota
	// SlidingLog allows as many requests as the limit in any window, wherever it
	// begins: a request counts until a window has passed since.
	// X-RateLimit-Reset is when one more will be left than now, that is, when
	// the oldest request no longer counts.
	SlidingLog
	// SlidingCounter estimates what SlidingLog would count, as servers do that
	// keep two numbers only. Windows are those of the server's clock: an hour's
	// begin with the hour. To the requests of the current one are added those of
	// the one before, in proportion to how much of that is less than a window
	// ago, rounded down. X-RateLimit-Reset is the end of the current window,
	// when hardly any may be left again.
	SlidingCounter
	// TokenBucket gives the server a bucket of tokens, as many as the limit.
	// Each request takes one, and they are restored evenly, as many as the limit
	// in a window. X-RateLimit-Remaining is the number of whole tokens,
	// X-RateLimit-Reset when the bucket is full again.
	TokenBucket
)

// WithAlgorithm sets how the server counts requests. It matters only while
// there is a rate limit; an unknown algorithm is FixedWindow.
func WithAlgorithm(algorithm Algorithm) ServerOption {
	return func(s *Server) { s.quota.algorithm = algorithm }
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

// RetryAfterFormat is a form of the Retry-After header of 429 responses.
type RetryAfterFormat int

// The forms of Retry-After.
const (
	// RetryAfterSeconds is the number of seconds from now on, rounded up, the
	// default.
	RetryAfterSeconds RetryAfterFormat = iota
	// RetryAfterDate is an HTTP date, rounded up to the second.
	RetryAfterDate
	// RetryAfterNone leaves the header out.
	RetryAfterNone
)

// WithRetryAfter sets the form of the Retry-After header of 429 responses; an
// unknown one is RetryAfterSeconds.
func WithRetryAfter(format RetryAfterFormat) ServerOption {
	return func(s *Server) { s.quota.retryAfter = format }
}

// WithCountedRefusals makes a 429 cost quota like any other answer. A client
// that keeps asking thus locks itself out for longer: a fixed window has none
// left, so the refusal is taken from the next one, a sliding window has one
// request more to get rid of, and a token bucket owes a token. Retry-After says
// for how long, and so does X-RateLimit-Reset, but for [SlidingCounter]. By
// default a refusal costs nothing.
func WithCountedRefusals() ServerOption {
	return func(s *Server) { s.quota.countRefusals = true }
}
