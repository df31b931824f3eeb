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
	return func(s *Server) { s.quota.Limit, s.quota.Window = int(plan), time.Hour }
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

// WithClockSkew sets the server's clock: d ahead of the local one, behind it if
// d is negative. It shows in all times that the server tells, the Date header,
// the rate limit headers and the times of records among them. What happens when
// is not changed by it, except that the windows of [SlidingCounter] are
// those of the server's clock.
func WithClockSkew(d time.Duration) ServerOption {
	return func(s *Server) { s.clock.skew = d }
}

// WithClock makes the server call now for the time, instead of the local clock, so
// that what it sends can be compared with golden files. now is called several
// times for a request, perhaps concurrently, and may call the server's methods.
// [WithClockSkew] is added to it. Windows of the quota begin and end by this
// clock too, while [Fault].Latency is still waited for by the local one. If the
// clock is set back, the quota goes on as if it stood still until it has caught
// up. nil is the local clock.
func WithClock(now func() time.Time) ServerOption {
	return func(s *Server) { s.clock.source = now }
}

// WithIDs makes the server call next for the id of each record that is created,
// by a request or by [Server.AddLead] and the like without an ID, so that what
// it sends can be compared with golden files. next may be called concurrently,
// and may call the server's methods. If it returns "" or the id of a record that
// exists, of whatever kind, the record gets a random UUID instead. nil means
// that all do, which is the default.
func WithIDs(next func() string) ServerOption {
	return func(s *Server) { s.ids = next }
}

// WithRecentRequests makes the server remember only the newest n requests for
// [Server.Requests]: hundreds of thousands of them, in a simulation say, take
// hundreds of megabytes. 0 remembers none, negative all, the default.
func WithRecentRequests(n int) ServerOption {
	return func(s *Server) { s.requests.keep = n }
}
