package leedotest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/leedoapp/leedo-go/internal/ratecount"
)

// quota is the rate limit of a server, whose lock guards it. Times are of the
// server's clock.
type quota struct {
	ratecount.Allowance
	counter ratecount.Counter

	algorithm     Algorithm
	countRefusals bool
	format        ResetFormat
	retryAfter    RetryAfterFormat

	latest time.Time // the counter's time
}

// advance returns the time for the counter, which must not go back: a clock can
// be set back, and of requests that arrive together the one that asked for the
// time later may come first.
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

// restart begins to count anew, at any time.
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

// change replaces the allowance; what has been counted counts on.
func (q *quota) change(limit int, window time.Duration, now time.Time) {
	now = q.advance(now)
	q.counter.Settle(q.Allowance, now)
	q.Limit, q.Window = limit, window
	q.counter.Settle(q.Allowance, now)
}

// take reports whether a request that arrives now is served, and counts it.
func (q *quota) take(now time.Time) bool {
	if q.Limit < 0 {
		return true
	}
	now = q.advance(now)
	q.counter.Settle(q.Allowance, now)
	served := q.counter.Left(q.Allowance, now) > 0
	if served || q.countRefusals {
		q.counter.Count(q.Allowance, now, served)
	}
	return served
}

// describe returns the rate limit headers of an answer.
func (q *quota) describe(now time.Time) http.Header {
	if q.Limit < 0 {
		return nil
	}
	h := make(http.Header)
	counted := q.advance(now)
	q.counter.Settle(q.Allowance, counted) // a request that costs nothing sees the time pass, too
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

// refuse returns the answer to a request beyond the limit.
func (q *quota) refuse(now time.Time) *answer {
	ans := refusal(http.StatusTooManyRequests, "rate limit exceeded")
	next := q.counter.Next(q.Allowance, q.advance(now))
	switch q.retryAfter {
	case RetryAfterNone:
	case RetryAfterDate:
		ans.header.Set("Retry-After", ceil(next, time.Second).UTC().Format(http.TimeFormat))
	default:
		ans.header.Set("Retry-After", seconds(next.Sub(now)))
	}
	return ans
}

// ceil rounds t up to a multiple of unit: a time told too early would earn who
// waits for it another refusal.
func ceil(t time.Time, unit time.Duration) time.Time {
	if down := t.Truncate(unit); down.Before(t) {
		return down.Add(unit)
	}
	return t
}

// seconds is d in seconds, rounded up.
func seconds(d time.Duration) string {
	n := d / time.Second
	if d%time.Second > 0 {
		n++
	}
	return strconv.FormatInt(int64(n), 10)
}
