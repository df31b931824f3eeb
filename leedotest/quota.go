package leedotest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/leedoapp/leedo-go/internal/ratecount"
)

// quota is the rate limit of a server. The server's lock guards it. All times are
// those of the server's clock.
type quota struct {
	ratecount.Allowance
	counter ratecount.Counter

	algorithm  Algorithm
	count429   bool
	format     ResetFormat
	retryAfter RetryAfterFormat

	latest time.Time // the latest time given to counter
}

// advance returns the time to give to counter, which must not go back. now can go
// back if the clock is set back, and because concurrent requests read the clock
// before they take the lock.
func (q *quota) advance(now time.Time) time.Time {
	if now.After(q.latest) {
		q.latest = now
	}
	return q.latest
}

// newQuota returns the quota of a server without a rate limit.
func newQuota() quota {
	return quota{Allowance: ratecount.Allowance{Limit: -1, Window: time.Hour}}
}

// restart discards what was counted. The next time may be any time.
func (q *quota) restart() {
	q.latest = time.Time{}
	switch q.algorithm {
	case SlidingLog:
		q.counter = ratecount.NewSlidingLog()
	case SlidingCounter:
		q.counter = ratecount.NewSlidingCounter()
	case TokenBucket:
		q.counter = ratecount.NewTokenBucket()
	default:
		q.counter = ratecount.NewFixedWindow()
	}
}

// change replaces the allowance and keeps the count.
func (q *quota) change(limit int, window time.Duration, now time.Time) {
	now = q.advance(now)
	q.counter.Settle(q.Allowance, now)
	q.Limit, q.Window = limit, window
	q.counter.Settle(q.Allowance, now)
}

// take reports whether a request that arrives now is served. It counts the request
// if it is served or if 429s cost quota.
func (q *quota) take(now time.Time) bool {
	if q.Limit < 0 {
		return true
	}
	now = q.advance(now)
	q.counter.Settle(q.Allowance, now)
	served := q.counter.Left(q.Allowance, now) > 0
	if served || q.count429 {
		q.counter.Count(q.Allowance, now, served)
	}
	return served
}

// header returns the rate limit headers of a response, or nil if there is no limit.
func (q *quota) header(now time.Time) http.Header {
	if q.Limit < 0 {
		return nil
	}
	h := make(http.Header)
	counted := q.advance(now)
	q.counter.Settle(q.Allowance, counted) // take was not called for a request with a wrong token
	h.Set("X-Ratelimit-Limit", strconv.Itoa(q.Limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(q.counter.Left(q.Allowance, counted)))
	h.Set("X-Ratelimit-Reset", q.formatReset(now))
	return h
}

func (q *quota) formatReset(now time.Time) string {
	reset := q.counter.Reset(q.Allowance, q.advance(now))
	switch q.format {
	case ResetEpochMilliseconds:
		return strconv.FormatInt(ceil(reset, time.Millisecond).UnixMilli(), 10)
	case ResetDeltaSeconds:
		return seconds(reset.Sub(now))
	case ResetHTTPDate:
		return ceil(reset, time.Second).UTC().Format(http.TimeFormat)
	case ResetRFC3339:
		return ceil(reset, time.Second).UTC().Format(time.RFC3339)
	default:
		return strconv.FormatInt(ceil(reset, time.Second).Unix(), 10)
	}
}

// reject returns the 429 response to a request beyond the limit.
func (q *quota) reject(now time.Time) *response {
	resp := errorResponse(http.StatusTooManyRequests, "rate limit exceeded")
	next := q.counter.Next(q.Allowance, q.advance(now))
	switch q.retryAfter {
	case RetryAfterNone:
	case RetryAfterDate:
		resp.header.Set("Retry-After", ceil(next, time.Second).UTC().Format(http.TimeFormat))
	default:
		resp.header.Set("Retry-After", seconds(next.Sub(now)))
	}
	return resp
}

// ceil rounds t up to a multiple of unit, because a client that retried at an
// earlier time would get another 429.
func ceil(t time.Time, unit time.Duration) time.Time {
	if down := t.Truncate(unit); down.Before(t) {
		return down.Add(unit)
	}
	return t
}

// seconds formats d in seconds, rounded up.
func seconds(d time.Duration) string {
	n := d / time.Second
	if d%time.Second > 0 {
		n++
	}
	return strconv.FormatInt(int64(n), 10)
}
