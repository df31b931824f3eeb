package leedotest

import (
	"net/http"
	"strconv"
	"time"
)

// allowance is how many requests a window allows.
type allowance struct {
	limit  int // negative: no limit
	window time.Duration
}

// counting is how a server counts requests against an allowance. The time it
// is given never goes back, and the allowance may change at any time.
type counting interface {
	// settle forgets what no longer counts. The other methods are called
	// after it, with the same time.
	settle(a allowance, now time.Time)
	// left is how many requests would be served now.
	left(a allowance, now time.Time) int
	// count counts a request.
	count(a allowance, now time.Time, served bool)
	// reset is what X-RateLimit-Reset tells.
	reset(a allowance, now time.Time) time.Time
	// next is when a request would be served; if never, as long from now as
	// anybody should wait before trying again.
	next(a allowance, now time.Time) time.Time
}

// retryAfter is the form of the Retry-After header.
type retryAfter int

const (
	retryAfterSeconds retryAfter = iota
	retryAfterNone
	retryAfterDate
)

// quota is the rate limit of a server, whose lock guards it. Times are of the
// server's clock.
type quota struct {
	allowance
	counts    counting
	algorithm func() counting // a new one

	countRefusals bool
	format        ResetFormat
	retryAfter    retryAfter
}

// change replaces the allowance; what has been counted counts on.
func (q *quota) change(limit int, window time.Duration, now time.Time) {
	q.counts.settle(q.allowance, now)
	q.limit, q.window = limit, window
	q.counts.settle(q.allowance, now)
}

// take reports whether a request that arrives now is served, and counts it.
func (q *quota) take(now time.Time) bool {
	if q.limit < 0 {
		return true
	}
	q.counts.settle(q.allowance, now)
	served := q.counts.left(q.allowance, now) > 0
	if served || q.countRefusals {
		q.counts.count(q.allowance, now, served)
	}
	return served
}

// describe writes the rate limit headers of an answer.
func (q *quota) describe(h http.Header, now time.Time) {
	if q.limit < 0 {
		return
	}
	q.counts.settle(q.allowance, now) // a request that costs nothing sees the time pass, too
	h.Set("X-Ratelimit-Limit", strconv.Itoa(q.limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(q.counts.left(q.allowance, now)))
	h.Set("X-Ratelimit-Reset", q.formatReset(now))
}

func (q *quota) formatReset(now time.Time) string {
	reset := q.counts.reset(q.allowance, now)
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
	next := q.counts.next(q.allowance, now)
	switch q.retryAfter {
	case retryAfterSeconds:
		ans.header.Set("Retry-After", seconds(next.Sub(now)))
	case retryAfterDate:
		ans.header.Set("Retry-After", ceil(next, time.Second).UTC().Format(http.TimeFormat))
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
