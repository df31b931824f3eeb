package leedotest

// Algorithm is the way in which a [Server] counts requests against its limit. The
// API's documentation only speaks of requests per hour.
type Algorithm int

// The algorithms. They differ in when requests are restored, and in what
// X-RateLimit-Reset reports.
const (
	// FixedWindow counts the requests of a window that starts with its first
	// request; see [Server.SetRateLimit]. It is the default. At the end of the
	// window the full limit is restored. X-RateLimit-Reset is that time.
	FixedWindow Algorithm = iota
	// SlidingLog allows limit requests in any period as long as the window:
	// a request counts until a window has passed since it arrived.
	// X-RateLimit-Reset is the time at which the oldest request stops counting and
	// one more request remains.
	SlidingLog
	// SlidingCounter approximates SlidingLog, as servers do that store only two
	// numbers. Windows follow the server's clock: those of an hour start on the
	// hour. It counts the requests of the current window and those of the previous
	// one, weighted by the part of the previous window that lies less than a window
	// in the past, and rounds down. X-RateLimit-Reset is the end of the current
	// window, when hardly any requests may be restored.
	SlidingCounter
	// TokenBucket gives the server a bucket with as many tokens as the limit. Each
	// request takes one, and they are restored evenly, limit tokens per window.
	// X-RateLimit-Remaining is the number of whole tokens, X-RateLimit-Reset the
	// time at which the bucket is full.
	TokenBucket
)

// WithAlgorithm sets how the server counts requests. It matters only while
// there is a rate limit. An unknown algorithm means [FixedWindow].
func WithAlgorithm(algorithm Algorithm) ServerOption {
	return func(s *Server) { s.quota.algorithm = algorithm }
}

// ResetFormat is a format of the X-RateLimit-Reset header. The API's
// documentation does not say which one it uses.
type ResetFormat int

// The formats of X-RateLimit-Reset. All are rounded up to their unit.
const (
	// ResetEpochSeconds is the number of seconds since 1970, the default.
	ResetEpochSeconds ResetFormat = iota
	// ResetEpochMilliseconds is the number of milliseconds since 1970.
	ResetEpochMilliseconds
	// ResetDeltaSeconds is the number of seconds from now.
	ResetDeltaSeconds
	// ResetHTTPDate is an HTTP date, as in the Date header, in seconds.
	ResetHTTPDate
	// ResetRFC3339 is a date as in the API's JSON, in seconds.
	ResetRFC3339
)

// WithResetFormat sets the format of the X-RateLimit-Reset header. It matters
// only while there is a rate limit. An unknown format means [ResetEpochSeconds].
func WithResetFormat(format ResetFormat) ServerOption {
	return func(s *Server) { s.quota.format = format }
}

// RetryAfterFormat is a format of the Retry-After header of 429 responses.
type RetryAfterFormat int

// The formats of Retry-After.
const (
	// RetryAfterSeconds is the number of seconds from now, rounded up. It is the
	// default.
	RetryAfterSeconds RetryAfterFormat = iota
	// RetryAfterDate is an HTTP date, rounded up to the second.
	RetryAfterDate
	// RetryAfterNone omits the header.
	RetryAfterNone
)

// WithRetryAfter sets the format of the Retry-After header of 429 responses. An
// unknown format means [RetryAfterSeconds].
func WithRetryAfter(format RetryAfterFormat) ServerOption {
	return func(s *Server) { s.quota.retryAfter = format }
}

// WithCountedRefusals makes a request that is rejected with 429 cost quota like
// any other, so that a client that keeps sending extends its own wait. By default
// such a request costs nothing.
//
// In a fixed window, which has none left, the request is taken from the next
// window. In a sliding window it counts like a served one. In a token bucket it
// leaves a debt of one token. Retry-After reports the longer wait, and so does
// X-RateLimit-Reset, except with [SlidingCounter].
func WithCountedRefusals() ServerOption {
	return func(s *Server) { s.quota.count429 = true }
}
