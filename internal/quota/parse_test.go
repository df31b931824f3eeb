package quota

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// received is the local time of the answers in these tests: not a whole
// second, as in life.
var received = time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.UTC)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestResetInEveryForm(t *testing.T) {
	const ahead = 90 * time.Second
	at := received.Add(ahead)
	unix := func(unit time.Duration) string { return strconv.FormatInt(at.UnixNano()/int64(unit), 10) }
	for name, value := range map[string]string{
		"epoch seconds":         unix(time.Second),
		"epoch milliseconds":    unix(time.Millisecond),
		"epoch microseconds":    unix(time.Microsecond),
		"epoch nanoseconds":     unix(time.Nanosecond),
		"epoch with decimals":   "1772366490.25",
		"delta seconds":         "90",
		"delta with decimals":   "90.0",
		"delta milliseconds":    "100090", // 100.09 s: below 100,000 it would be seconds
		"HTTP date":             at.Format(http.TimeFormat),
		"RFC 850 date":          at.Format("Monday, 02-Jan-06 15:04:05 GMT"),
		"asctime":               at.Format(time.ANSIC),
		"RFC 3339":              at.Format(time.RFC3339),
		"RFC 3339, other zone":  at.In(time.FixedZone("", 5*3600)).Format(time.RFC3339),
		"RFC 3339 without zone": at.Format("2006-01-02T15:04:05"),
		"surrounded by spaces":  "  90 ",
	} {
		t.Run(name, func(t *testing.T) {
			want := ahead
			if name == "delta milliseconds" {
				want = 100090 * time.Millisecond
			}
			got := Read(header(HeaderReset, value), received).Reset
			// Never early, and late by no more than the second that may have
			// been rounded away.
			if late := got.Sub(received) - want; late < 0 || late > grain {
				t.Errorf("%q is read as %v after the answer, want %v", value, got.Sub(received), want)
			}
		})
	}
}

func TestResetThatIsNonsenseIsNotTold(t *testing.T) {
	for _, value := range []string{
		"", " ", "-5", "NaN", "Inf", "+Inf", "1e5", "0x10", "1_000", "soon", "1.2.3", "12:30",
		"99999999999999999999999999", "9223372036854775807",
		strconv.FormatInt(received.Add(-2*time.Minute).Unix(), 10),
		strconv.FormatInt(received.Add(26*time.Hour).Unix(), 10),
		"99999999", // over a day in milliseconds
		received.Add(26 * time.Hour).Format(time.RFC3339),
		received.Add(-time.Hour).Format(http.TimeFormat),
	} {
		if got := Read(header(HeaderReset, value), received).Reset; !got.IsZero() {
			t.Errorf("%q is read as %v", value, got)
		}
	}
}

func TestRetryAfterInEveryForm(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "1.5": 1500 * time.Millisecond,
		received.Add(30 * time.Second).Format(http.TimeFormat): 30750 * time.Millisecond, // the date's second, to its end
	} {
		if got := Read(header(HeaderRetryAfter, value), received).RetryAfter; got.Sub(received) != want {
			t.Errorf("%q is read as %v, want %v", value, got.Sub(received), want)
		}
	}
	for _, value := range []string{"", "-1", "90001", "9223372036854775807", "tomorrow", "NaN"} {
		if got := Read(header(HeaderRetryAfter, value), received).RetryAfter; !got.IsZero() {
			t.Errorf("%q is read as %v", value, got)
		}
	}
}

func TestCountsThatAreNonsenseAreNotTold(t *testing.T) {
	for _, value := range []string{"", "-1", "1.5", "x", "4294967296", "99999999999999999999", "1e3", "NaN"} {
		if got := Read(header(HeaderLimit, value, HeaderRemaining, value), received); got.Limit != -1 || got.Remaining != -1 {
			t.Errorf("%q is read as limit %d, remaining %d", value, got.Limit, got.Remaining)
		}
	}
	if got := Read(header(HeaderLimit, "100", HeaderRemaining, "101"), received); got.Remaining != -1 {
		t.Errorf("more left than the limit is read as %d", got.Remaining)
	}
	if got := Read(header(HeaderLimit, "100", HeaderRemaining, "0"), received); got.Limit != 100 || got.Remaining != 0 {
		t.Errorf("limit 100, remaining 0 are read as %d, %d", got.Limit, got.Remaining)
	}
}

func TestResetIsBroughtToTheLocalClock(t *testing.T) {
	for _, skew := range []time.Duration{5 * time.Minute, -5 * time.Minute, 10 * time.Hour} {
		server := received.Add(skew)
		h := header("Date", server.Format(http.TimeFormat), HeaderReset, strconv.FormatInt(server.Add(time.Hour).Unix(), 10))
		got := Read(h, received).Reset.Sub(received)
		if got < time.Hour || got > time.Hour+2*time.Second {
			t.Errorf("clock off by %v: the reset in an hour is read as in %v", skew, got)
		}
	}
}

func TestAnswersOutOfACacheTellNothing(t *testing.T) {
	h := header("Age", "3600", HeaderLimit, "100", HeaderRemaining, "7",
		HeaderReset, strconv.FormatInt(received.Add(time.Minute).Unix(), 10))
	if got := Read(h, received); got != (Reading{Limit: -1, Remaining: -1}) {
		t.Errorf("read as %+v", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("100", "99", "1772366490", "7", "Sun, 01 Mar 2026 12:00:00 GMT")
	f.Add("-1", "NaN", "9e99", "99999999999", "yesterday")
	f.Fuzz(func(t *testing.T, limit, remaining, reset, retryAfter, date string) {
		r := Read(http.Header{
			"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset},
			"Retry-After": {retryAfter}, "Date": {date},
		}, received)
		if r.Limit < -1 || r.Remaining < -1 || r.Limit >= 0 && r.Remaining > r.Limit {
			t.Errorf("limit %d, remaining %d", r.Limit, r.Remaining)
		}
		for _, at := range []time.Time{r.Reset, r.RetryAfter} {
			if d := at.Sub(received); !at.IsZero() && (d > horizon+grain || d < -stale) {
				t.Errorf("a time %v from now", d)
			}
		}
	})
}
