// Package ratecount counts requests as servers with a rate limit do: in fixed
// windows, with a sliding log, with a sliding counter or with a token bucket. The
// fake server of package leedotest and the tests of the limiter share it.
package ratecount

import "time"

// Allowance is how many requests a window allows.
type Allowance struct {
	Limit  int // negative means no limit
	Window time.Duration
}

// Counter counts the requests of a server against its allowance. The times passed
// to it never go back; the allowance may change at any time. A Counter is not safe
// for concurrent use.
type Counter interface {
	// Settle drops what no longer counts. The other methods are called after it,
	// with the same time.
	Settle(a Allowance, now time.Time)
	// Left returns how many requests would be served now.
	Left(a Allowance, now time.Time) int
	// Count counts a request; served is false if it got a 429.
	Count(a Allowance, now time.Time, served bool)
	// Reset returns the time for X-RateLimit-Reset.
	Reset(a Allowance, now time.Time) time.Time
	// Next returns when a request would be served. If none ever would, it returns a
	// time at which a client may try again.
	Next(a Allowance, now time.Time) time.Time
}
