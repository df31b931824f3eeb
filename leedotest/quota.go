package leedotest

import (
	"net/http"
	"strconv"
	"time"
)

// retryAfter is the form of the Retry-After header.
type retryAfter int

const (
	retryAfterSeconds retryAfter = iota
	retryAfterNone
	retryAfterDate
)

// quota is a rate limit with a fixed window. The server's lock guards it.
type quota struct {
	limit  int // negative: none
	window time.Duration

	start time.Time // of the current window; zero: it begins with the next request
	used  int       // beyond limit only by counted refusals: what the next window owes

	countRefusals bool
	format        ResetFormat
	retryAfter    retryAfter
}

func (q *quota) set(limit int, window time.Duration) {
	if window <= 0 {
		window = time.Hour
	}
	q.limit, q.window = limit, window
	q.start, q.used = time.Time{}, 0
}

// take reports whether a request that arrives now is served, and counts it.
func (q *quota) take(now time.Time) bool {
	if q.limit < 0 {
		return true
	}
	q.roll(now)
	if q.start.IsZero() {
		q.start = now
	}
	served := q.used < q.limit
	if served || q.countRefusals {
		q.used++
	}
	return served
}

// roll ends a window whose time is over.
func (q *quota) roll(now time.Time) {
	if q.start.IsZero() || now.Sub(q.start) < q.window {
		return
	}
	passed := int64(now.Sub(q.start) / q.window)
	if q.limit == 0 || passed > int64(q.used/q.limit) {
		q.used = 0
	} else {
		q.used -= int(passed) * q.limit // what refusals owe stays
	}
	q.start = time.Time{}
}

// reset returns when the next request is sure to be served; with a limit of
// zero, when the window ends.
func (q *quota) reset(now time.Time) time.Time {
	start, windows := q.start, 1
	if start.IsZero() {
		start = now
	}
	if q.limit > 0 {
		windows = max(1, q.used/q.limit)
	}
	return start.Add(time.Duration(windows) * q.window)
}

// describe writes the rate limit headers of an answer.
func (q *quota) describe(h http.Header, now time.Time) {
	if q.limit < 0 {
		return
	}
	q.roll(now) // a request that costs nothing sees the time pass, too
	h.Set("X-Ratelimit-Limit", strconv.Itoa(q.limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(0, q.limit-q.used)))
	h.Set("X-Ratelimit-Reset", q.formatReset(now))
}

func (q *quota) formatReset(now time.Time) string {
	reset := q.reset(now)
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
	switch q.retryAfter {
	case retryAfterSeconds:
		ans.header.Set("Retry-After", seconds(q.reset(now).Sub(now)))
	case retryAfterDate:
		ans.header.Set("Retry-After", ceil(q.reset(now), time.Second).UTC().Format(http.TimeFormat))
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
