package quota

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The names of the rate limit headers, as http.Header keys them;
// Retry-After is RFC 9110, section 10.2.3.
const (
	HeaderLimit      = "X-Ratelimit-Limit"
	HeaderRemaining  = "X-Ratelimit-Remaining"
	HeaderReset      = "X-Ratelimit-Reset"
	HeaderRetryAfter = "Retry-After"
)

const (
	// horizon is how far ahead a time may lie to be believed: the longest
	// window of the API is an hour, so a day and an hour is generous.
	horizon = 25 * time.Hour
	// stale is how long ago a reset may lie to be taken for one at all.
	stale = time.Minute
	// grain is what a value in whole seconds may have lost to rounding down.
	grain = time.Second
	// tolerance is the difference between two clocks that is put down to
	// rounding and travel rather than to a clock that is wrong.
	tolerance = 2 * time.Second
)

// Reading is what the headers of one response say. A header that is missing,
// malformed or absurd is unknown.
type Reading struct {
	Limit      int       // requests per window; -1: unknown
	Remaining  int       // requests left in the window; -1: unknown
	Reset      time.Time // when the window ends, at the latest, on the local clock; zero: unknown
	RetryAfter time.Time // when a request that got a 429 may be repeated, on the local clock; zero: unknown
}

// Tells reports whether the limit and what is left of it are known.
func (r Reading) Tells() bool { return r.Limit > 0 && r.Remaining >= 0 }

// Read reads the headers of a response that was received at the given time of
// the local clock.
func Read(h http.Header, received time.Time) Reading {
	if age, ok := number(h.Get("Age")); ok && age > tolerance.Seconds() {
		// A response from a cache (RFC 9111, section 5.1) is about long ago.
		return Reading{Limit: -1, Remaining: -1}
	}
	r := Reading{
		Limit:     count(h.Get(HeaderLimit)),
		Remaining: count(h.Get(HeaderRemaining)),
	}
	if r.Limit >= 0 && r.Remaining > r.Limit {
		r.Remaining = -1
	}
	// skew is how far the local clock is ahead of the server's at the most. A server
	// that seems to be ahead by no more than tolerance is taken to agree, so that
	// its times are rather too late than too early.
	skew := time.Duration(0)
	if s := h.Get("Date"); s != "" {
		date, err := http.ParseTime(s)
		if d := received.Sub(date); err == nil && (d > 0 || d < -tolerance) {
			skew = d
		}
	}
	if skew.Abs() > horizon/2 {
		return Reading{Limit: -1, Remaining: -1} // of another day
	}
	if reset := h.Get(HeaderReset); reset != "" {
		r.Reset = readReset(reset, received, skew)
		if r.Reset.IsZero() && readable(reset) {
			r.Limit, r.Remaining = -1, -1 // of another day
		}
	}
	if r.Limit == 0 {
		r.Limit, r.Remaining = -1, -1 // nothing to count with
	}
	if s := h.Get(HeaderRetryAfter); s != "" {
		r.RetryAfter = readRetryAfter(s, received, skew)
	}
	return r
}

// Figures returns what the response itself says, the zero value if nothing.
func (r Reading) Figures(received time.Time) Figures {
	if r.Limit < 0 && r.Remaining < 0 && r.Reset.IsZero() {
		return Figures{}
	}
	return Figures{Limit: max(r.Limit, 0), Remaining: max(r.Remaining, 0), Reset: r.Reset, Observed: received}
}

// readable reports whether a reset has one of the known forms, however absurd.
func readable(reset string) bool {
	_, ok := number(reset)
	return ok || !readDate(strings.TrimSpace(reset)).IsZero()
}

// count reads a number of requests; -1 means that s is none.
func count(s string) int {
	n, ok := number(s)
	if !ok || n != float64(int32(n)) {
		return -1
	}
	return int(n)
}

// number reads a plain decimal number: no sign, no exponent, no words such as
// NaN or Inf, which strconv would take.
func number(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 24 {
		return 0, false
	}
	if n, err := strconv.ParseUint(s, 10, 52); err == nil {
		return float64(n), true // the usual case
	}
	if strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// readReset reads the time of the reset in any of the forms that APIs use: the
// documentation names none. They are told apart by form and size.
func readReset(s string, received time.Time, skew time.Duration) time.Time {
	s = strings.TrimSpace(s)
	n, ok := number(s)
	if !ok {
		return toLocal(readDate(s), received, skew)
	}
	round := grain
	if strings.Contains(s, ".") {
		round = 0
	}
	switch {
	case n < 1e5: // seconds from now
		return toLocal(received.Add(time.Duration(n*float64(time.Second))+round), received, 0)
	case n < 1e8: // milliseconds from now
		return toLocal(received.Add(time.Duration(n*float64(time.Millisecond))), received, 0)
	case n < 1e11: // seconds since 1970
		return toLocal(time.UnixMilli(int64(n*1e3)).Add(round), received, skew)
	case n < 1e14: // milliseconds
		return toLocal(time.UnixMilli(int64(n)), received, skew)
	case n < 1e17: // microseconds
		return toLocal(time.UnixMicro(int64(n)), received, skew)
	case n < 9e18: // nanoseconds, of which a float64 holds all but the last few hundred
		return toLocal(time.Unix(0, int64(n)).Add(time.Microsecond), received, skew)
	}
	return time.Time{}
}

// readRetryAfter reads a Retry-After: seconds or a date, RFC 9110, section
// 10.2.3. Decimals are taken as well.
func readRetryAfter(s string, received time.Time, skew time.Duration) time.Time {
	if n, ok := number(s); ok {
		if n > horizon.Seconds() {
			return time.Time{}
		}
		return received.Add(time.Duration(n * float64(time.Second)))
	}
	return toLocal(readDate(strings.TrimSpace(s)), received, skew)
}

// readDate reads an HTTP date in its three forms or an RFC 3339 time, with or
// without a zone; zero means that s is none of them.
func readDate(s string) time.Time {
	if t, err := http.ParseTime(s); err == nil {
		return t.Add(grain)
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Add(grain)
	}
	if t, err := time.Parse("2006-01-02T15:04:05", s); err == nil {
		return t.Add(grain)
	}
	return time.Time{}
}

// toLocal brings a time of the server's clock to the local one and drops it if it
// lies beyond belief.
func toLocal(t, received time.Time, skew time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	// Counted from received, the result carries its monotonic reading: a step
	// of the local clock does not move it.
	d := t.Sub(received) + skew
	if d < -stale || d > horizon {
		return time.Time{}
	}
	return received.Add(d)
}
