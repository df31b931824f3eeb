package quota

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The names of the rate limit headers, as http.Header keys them. Retry-After is
// defined in RFC 9110, section 10.2.3.
const (
	HeaderLimit      = "X-Ratelimit-Limit"
	HeaderRemaining  = "X-Ratelimit-Remaining"
	HeaderReset      = "X-Ratelimit-Reset"
	HeaderRetryAfter = "Retry-After"
)

const (
	// horizon is how far ahead a time may be to be accepted. The longest window of
	// the API is an hour, so a day and an hour is generous.
	horizon = 25 * time.Hour
	// stale is how far in the past a reset may be to be accepted.
	stale = time.Minute
	// grain is how much a value in whole seconds may have lost by rounding down.
	grain = time.Second
	// tolerance is the difference between two clocks that is attributed to rounding
	// and latency rather than to a wrong clock.
	tolerance = 2 * time.Second
)

// Reading is the content of the rate limit headers of one response. A header that
// is missing, malformed or absurd is unknown.
//
// Headers are read as servers and proxies write them. Of a list, in one field or
// several, the first valid element counts; parameters after it, such as the window
// in "100;w=3600", are ignored.
type Reading struct {
	// Garbled means that the rate limit headers are present but cannot be parsed.
	Garbled    bool
	Limit      int       // requests per window; -1 if unknown
	Remaining  int       // requests left in the window; -1 if unknown
	Reset      time.Time // the latest end of the window, on the local clock; zero if unknown
	RetryAfter time.Time // when a request may be repeated, on the local clock; zero if unknown
}

// Valid reports whether both Limit and Remaining are known.
func (r Reading) Valid() bool { return r.Limit > 0 && r.Remaining >= 0 }

// Read parses the headers of a response that was received at the given time of the
// local clock.
func Read(h http.Header, received time.Time) Reading {
	if age, ok := first(h["Age"], number); ok && age > tolerance.Seconds() {
		// The figures of a response from a cache (RFC 9111, section 5.1) are old.
		return Reading{Limit: -1, Remaining: -1}
	}
	r := Reading{Limit: -1, Remaining: -1}
	if n, ok := first(h[HeaderLimit], count); ok {
		r.Limit = n
	}
	if n, ok := first(h[HeaderRemaining], count); ok && (r.Limit < 0 || n <= r.Limit) {
		r.Remaining = n
	}
	r.Garbled = r.Limit < 0 && present(h[HeaderLimit]) || r.Remaining < 0 && present(h[HeaderRemaining])
	wait, waits := first(h[HeaderRetryAfter], readMoment)
	// skew is how far the local clock is ahead of the server's, at most. A server
	// that seems to be ahead by no more than tolerance is assumed to agree, so that
	// its times are too late rather than too early.
	skew := time.Duration(0)
	if date, ok := first(h["Date"], readDate); ok {
		if d := received.Sub(date); d > 0 || d < -tolerance {
			skew = d
		}
	}
	if skew.Abs() > horizon/2 { // one clock is wrong; times relative to now are still valid
		r.discard()
		if waits && wait.date.IsZero() {
			r.RetryAfter = wait.retryAfter(received, 0)
		}
		return r
	}
	if reset, ok := first(h[HeaderReset], readMoment); ok {
		if r.Reset = reset.reset(received, skew); r.Reset.IsZero() {
			r.discard() // the time is absurd
		}
	}
	if r.Limit == 0 {
		r.discard() // a limit of 0 is not usable
	}
	if waits {
		r.RetryAfter = wait.retryAfter(received, skew)
	}
	return r
}

// discard makes figures unknown that are present but not credible.
func (r *Reading) discard() {
	r.Garbled = r.Garbled || r.Valid()
	r.Limit, r.Remaining = -1, -1
}

// Figures returns what the response itself reports, or the zero value.
func (r Reading) Figures(received time.Time) Figures {
	if r.Limit < 0 && r.Remaining < 0 && r.Reset.IsZero() {
		return Figures{}
	}
	return Figures{Limit: max(r.Limit, 0), Remaining: max(r.Remaining, 0), Reset: r.Reset, Observed: received}
}

// present reports whether a header has a value.
func present(fields []string) bool {
	for _, field := range fields {
		if strings.TrimSpace(field) != "" {
			return true
		}
	}
	return false
}

// grouped matches a number such as "5,000", which is not a list. It is not read,
// because what a server that writes so means by "4,999" is ambiguous.
var grouped = regexp.MustCompile(`^\s*\d{1,3}(,\d{3})*,0\d\d(,\d{3})*\s*(;.*)?$`)

// first returns the first element in the fields of a header that read accepts.
// Elements are separated by commas, but a date contains one, too.
func first[T any](fields []string, read func(string) (T, bool)) (value T, ok bool) {
	for _, field := range fields {
		if strings.Contains(field, ",") && grouped.MatchString(field) {
			return value, false
		}
		for rest := field; rest != ""; {
			element, behind, _ := strings.Cut(rest, ",")
			if value, ok = read(bare(element)); ok {
				return value, true
			}
			next, _, _ := strings.Cut(behind, ",")
			if value, ok = read(bare(rest[:len(rest)-len(behind)+len(next)])); ok {
				return value, true
			}
			rest = behind
		}
	}
	return value, false
}

// bare returns an element without its parameters and quotes.
func bare(element string) string {
	value, _, _ := strings.Cut(element, ";")
	return strings.Trim(value, " \t\"")
}

// count reads a number of requests, rounded down.
func count(s string) (int, bool) {
	n, ok := number(s)
	return int(n), ok && n <= math.MaxInt32
}

// number reads a plain decimal number: no sign, no exponent, and no words such as
// NaN or Inf, which strconv would accept.
func number(s string) (float64, bool) {
	if s == "" || len(s) > 24 || strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// moment is a time in one of the forms used in headers: a number of seconds, from
// now or since 1970, or a date.
type moment struct {
	number  float64
	decimal bool
	date    time.Time // zero if number is used
}

func readMoment(s string) (moment, bool) {
	if n, ok := number(s); ok {
		return moment{number: n, decimal: strings.Contains(s, ".")}, true
	}
	date, ok := readDate(s)
	return moment{date: date}, ok
}

// reset returns the moment as the time of the reset. The documentation does not
// define its form, so the size of a number decides what it means.
func (m moment) reset(received time.Time, skew time.Duration) time.Time {
	if !m.date.IsZero() {
		return toLocal(m.date.Add(grain), received, skew)
	}
	n, round := m.number, grain
	if m.decimal {
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

// retryAfter returns the moment as a Retry-After: seconds or a date (RFC 9110,
// section 10.2.3). Decimals are accepted, too.
func (m moment) retryAfter(received time.Time, skew time.Duration) time.Time {
	if !m.date.IsZero() {
		return toLocal(m.date.Add(grain), received, skew)
	}
	if m.number > horizon.Seconds() {
		return time.Time{}
	}
	return received.Add(time.Duration(m.number * float64(time.Second)))
}

// dates are the forms of a date in a header: the three of RFC 9110, section 5.6.7,
// with "GMT" or a numeric zone, and those of RFC 3339. A time without a zone is in
// UTC.
var dates = []string{
	"Mon, 2 Jan 2006 15:04:05 GMT", "Mon, 2 Jan 2006 15:04:05 -0700",
	"Monday, 2-Jan-06 15:04:05 GMT", "Monday, 2-Jan-06 15:04:05 -0700",
	"Mon Jan _2 15:04:05 2006", "Mon Jan _2 15:04:05 -0700 2006",
	"2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05-0700",
	"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -07:00",
}

// readDate reads a date in any of its forms.
func readDate(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05") {
		return time.Time{}, false // avoids the cost of the errors below
	}
	if rest, found := strings.CutSuffix(s, " UTC"); found {
		s = rest + " GMT" // all other names of zones are ambiguous
	}
	for _, layout := range dates {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// toLocal converts a time of the server's clock to the local clock. It returns zero
// if the time is not credible.
func toLocal(t, received time.Time, skew time.Duration) time.Time {
	// Computed from received, the result has a monotonic clock reading: a step of
	// the local clock does not move it.
	d := t.Sub(received) + skew
	if d < -stale || d > horizon {
		return time.Time{}
	}
	return received.Add(d)
}
