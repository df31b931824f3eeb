// Package ratecount counts requests as servers with a rate limit do: in fixed
// windows, by a sliding log, by a sliding counter or with a bucket of tokens. The
// fake of package leedotest and the tests of the client-side limiter share it.
package ratecount

import "time"

// Allowance is how many requests a window allows.
type Allowance struct {
	Limit  int // negative: no limit
	Window time.Duration
}

// Counter counts the requests of a server against its allowance. The time that
// it is given never goes back, and the allowance may change at any time. A
// Counter is not safe for concurrent use.
type Counter interface {
	// Settle forgets what no longer counts. The other methods are called
	// after it, with the same time.
	Settle(a Allowance, now time.Time)
	// Left returns how many requests would be served now.
	Left(a Allowance, now time.Time) int
	// Count counts a request; served reports whether it was, or got a 429.
	Count(a Allowance, now time.Time, served bool)
	// Reset returns what X-RateLimit-Reset says.
	Reset(a Allowance, now time.Time) time.Time
	// Next returns when a request would be served; if never, as long from now
	// as a client should wait before it tries again.
	Next(a Allowance, now time.Time) time.Time
}
