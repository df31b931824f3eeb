package leedotest

import "time"

// ServerOption changes how a [Server] behaves; see [NewServer].
type ServerOption func(*Server)

// Plan is a Leedo plan, given as the number of requests that it allows per hour.
// Other numbers work as well: zero rejects every request, and a negative number
// means no limit.
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

// WithPlan gives the server the rate limit of a plan, like
// [Server.SetRateLimit] with int(plan) and an hour. The default is no limit.
func WithPlan(plan Plan) ServerOption {
	return func(s *Server) { s.quota.Limit, s.quota.Window = int(plan), time.Hour }
}

// WithToken sets the API token that the server accepts. An empty token keeps the
// default.
func WithToken(token string) ServerOption {
	return func(s *Server) {
		if token != "" {
			s.token = token
		}
	}
}

// WithIdempotencyKeys makes the server honor the Idempotency-Key header of writes.
// A write with the key, method, path and body of an earlier one is not executed
// again: it gets the response to the earlier one, with the header
// Idempotent-Replayed: true. With another body it gets a 400. Only 2xx responses
// are remembered, for the lifetime of the server; a failed write can be repeated
// with the same key.
//
// By default the header is ignored, as the documented API does not know it.
func WithIdempotencyKeys() ServerOption {
	return func(s *Server) { s.replays = make(map[replayKey]replay) }
}

// WithClockSkew sets the server's clock ahead of the local clock by d, or behind
// it if d is negative. The skew shows in all times that the server sends: the Date
// header, the rate limit headers and the times of records. It does not change when
// things happen, except that the windows of [SlidingCounter] follow the server's
// clock.
func WithClockSkew(d time.Duration) ServerOption {
	return func(s *Server) { s.clock.skew = d }
}

// WithClock makes the server use now instead of the local clock, so that its
// responses can be compared with golden files. nil means the local clock.
//
// now is called several times per request, possibly concurrently, and may call
// the server's methods. [WithClockSkew] is added to its result. The windows of the
// rate limit follow this clock; [Fault].Latency follows the local one. If the clock
// is set back, the rate limit continues as if time stood still until the clock has
// caught up.
func WithClock(now func() time.Time) ServerOption {
	return func(s *Server) { s.clock.source = now }
}

// WithIDs makes the server call next for the id of each new record, whether a
// request creates it or [Server.AddLead] and its siblings do so without an ID.
// Responses can then be compared with golden files. nil means random UUIDs, the
// default.
//
// next may be called concurrently, and may call the server's methods. If it
// returns "" or the id of an existing record of any kind, the record gets a random
// UUID instead.
func WithIDs(next func() string) ServerOption {
	return func(s *Server) { s.ids = next }
}

// WithLatency delays each response by d, in addition to [Fault].Latency. As with that,
// the request is executed before the delay, so a client that gives up cannot know
// whether its write was done. Zero or less means no delay, the default.
func WithLatency(d time.Duration) ServerOption {
	return func(s *Server) { s.latency = max(d, 0) }
}

// WithRecentRequests makes the server keep only the newest n requests for
// [Server.Requests]. Zero means that it keeps none; a negative n means all, the
// default. Hundreds of thousands of requests, as in a simulation, take hundreds of
// megabytes.
func WithRecentRequests(n int) ServerOption {
	return func(s *Server) { s.requests.keep = n }
}
