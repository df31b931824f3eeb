package quota

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// received is the local time of the responses in these tests: not a whole second.
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
		"delta milliseconds":    "100090", // 100.09 s: below 100,000 it would mean seconds
		"HTTP date":             at.Format(http.TimeFormat),
		"RFC 850 date":          at.Format("Monday, 02-Jan-06 15:04:05 GMT"),
		"asctime":               at.Format(time.ANSIC),
		"RFC 3339":              at.Format(time.RFC3339),
		"RFC 3339, other zone":  at.In(time.FixedZone("", 5*3600)).Format(time.RFC3339),
		"RFC 3339 without zone": at.Format("2006-01-02T15:04:05"),
		"RFC 1123, other zone":  at.In(time.FixedZone("", -7*3600)).Format(time.RFC1123Z),
		"RFC 1123, UTC":         at.Format("Mon, 02 Jan 2006 15:04:05 UTC"),
		"RFC 2822, short day":   at.Format("Mon, 2 Jan 2006 15:04:05 +0000"),
		"RFC 850, other zone":   at.In(time.FixedZone("", 3600)).Format("Monday, 02-Jan-06 15:04:05 -0700"),
		"asctime, zone":         at.In(time.FixedZone("", 3600)).Format("Mon Jan _2 15:04:05 -0700 2006"),
		"RFC 3339, no colon":    at.In(time.FixedZone("", 3600)).Format("2006-01-02T15:04:05-0700"),
		"of a database":         at.Format("2006-01-02 15:04:05"),
		"a list":                "90, 3600",
		"a list of dates":       at.Format(http.TimeFormat) + ", " + at.Add(time.Hour).Format(http.TimeFormat),
		"words, then a date":    "soon, " + at.Format(http.TimeFormat),
		"words, then seconds":   "soon, 90",
		"parameters":            "90;w=3600",
		"a date, parameters":    at.Format(http.TimeFormat) + ";w=3600",
		"quotes":                `"90"`,
		"surrounded by spaces":  "  90 ",
		"24 characters":         "000000000000000000000090",
	} {
		t.Run(name, func(t *testing.T) {
			want := ahead
			if name == "delta milliseconds" {
				want = 100090 * time.Millisecond
			}
			got := Read(header(HeaderReset, value), received).Reset
			// Never early, and late by at most the second that may have been lost
			// by rounding.
			most := grain
			if strings.Contains(name, "decimals") {
				most = 0
			}
			if late := got.Sub(received) - want; late < 0 || late > most {
				t.Errorf("%q is read as %v after the response, want %v", value, got.Sub(received), want)
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
		"0000000000000000000000090", // 25 characters
		"99999999",                  // more than a day in milliseconds
		"Sun, 01 Mar 2026 12:01:00 CET", "Sun, 01 Mar 2026", ",", ", ;", ";90", "w=90",
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
		"7, 60": 7 * time.Second, "7;reason=load": 7 * time.Second, "a while, 7": 7 * time.Second, `"7"`: 7 * time.Second,
		received.Add(30 * time.Second).Format(time.RFC1123Z):         30750 * time.Millisecond,
		received.Add(30*time.Second).Format(http.TimeFormat) + "; x": 30750 * time.Millisecond,
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
	for _, value := range []string{"", "-1", "x", "0", "0.5", "2147483648", "4294967296", "99999999999999999999", "1e3", "NaN", "1 000", "1,000", "5,000", " 12,050,000 ", "1,000;w=3600", ";7", "w=7", ","} {
		if got := Read(header(HeaderLimit, value, HeaderRemaining, value), received); got.Limit != -1 || got.Remaining != -1 {
			t.Errorf("%q is read as limit %d, remaining %d", value, got.Limit, got.Remaining)
		}
	}
	if got := Read(header(HeaderLimit, "100", HeaderRemaining, "101"), received); got.Remaining != -1 {
		t.Errorf("more left than the limit is read as %d", got.Remaining)
	}
	if got := Read(header(HeaderLimit, "100", HeaderRemaining, "0"), received); got.Limit != 100 || got.Remaining != 0 || got.Garbled {
		t.Errorf("limit 100, remaining 0 are read as %+v", got)
	}
	if got := Read(header(HeaderLimit, "2147483647", HeaderRemaining, "2147483647"), received); got.Limit != math.MaxInt32 || got.Remaining != math.MaxInt32 {
		t.Errorf("the largest limit is read as %+v", got)
	}
}

// TestCountsAsProxiesWriteThem: of a list, in one field or several, the first valid
// element counts, and nothing after a semicolon.
func TestCountsAsProxiesWriteThem(t *testing.T) {
	for value, want := range map[string]int{
		"100": 100, " 100 ": 100, "100, 100;w=3600": 100, "100;w=3600": 100, "100,1000": 100, "100 , 5000": 100,
		"100; w=3600; burst=20, 5000; w=86400": 100, "100.0": 100, "100.9": 100, `"100"`: 100, "none, 100": 100,
		", 100": 100, "\t100": 100, "unlimited;w=1, 100": 100,
	} {
		got := Read(header(HeaderLimit, value, HeaderRemaining, "7"), received)
		if got.Limit != want || got.Remaining != 7 || got.Garbled {
			t.Errorf("the limit %q is read as %+v", value, got)
		}
		got = Read(header(HeaderLimit, "5000", HeaderRemaining, value), received)
		if got.Limit != 5000 || got.Remaining != want || got.Garbled {
			t.Errorf("the rest %q is read as %+v", value, got)
		}
	}
	h := http.Header{HeaderLimit: {"", "100", "1000"}, HeaderRemaining: {"7", "8"}, HeaderReset: {"", "60", "90"}, HeaderRetryAfter: {"x", "5"}}
	got := Read(h, received)
	if got.Limit != 100 || got.Remaining != 7 || got.Reset.Sub(received) != 61*time.Second || got.RetryAfter.Sub(received) != 5*time.Second {
		t.Errorf("several fields are read as %+v", got)
	}
	// A half request cannot be sent.
	if got := Read(header(HeaderLimit, "100", HeaderRemaining, "0.9"), received); got.Remaining != 0 {
		t.Errorf("a rest of 0.9 is read as %d", got.Remaining)
	}
}

// TestWhatCannotBeReadIsNoSilence: a server whose figures cannot be parsed has a
// quota.
func TestWhatCannotBeReadIsNoSilence(t *testing.T) {
	for name, tt := range map[string]struct {
		h       http.Header
		garbled bool
	}{
		"nothing":           {header(), false},
		"empty":             {header(HeaderLimit, "", HeaderRemaining, " "), false},
		"readable":          {header(HeaderLimit, "100", HeaderRemaining, "7"), false},
		"only a limit":      {header(HeaderLimit, "100"), false},
		"a limit of zero":   {header(HeaderLimit, "0", HeaderRemaining, "0"), false},
		"words":             {header(HeaderLimit, "many", HeaderRemaining, "some"), true},
		"a negative rest":   {header(HeaderLimit, "100", HeaderRemaining, "-1"), true},
		"more than all":     {header(HeaderLimit, "100", HeaderRemaining, "101"), true},
		"a rest of nothing": {header(HeaderLimit, "many", HeaderRemaining, "7"), true},
		"of another day":    {header(HeaderLimit, "100", HeaderRemaining, "0", HeaderReset, "93601"), true},
		"a clock far off":   {header(HeaderLimit, "100", HeaderRemaining, "0", "Date", received.Add(-13*time.Hour).Format(http.TimeFormat)), true},
		"only a bad clock":  {header("Date", received.Add(-13*time.Hour).Format(http.TimeFormat)), false},
		"out of a cache":    {header(HeaderLimit, "100", HeaderRemaining, "0", "Age", "60"), false},
	} {
		if got := Read(tt.h, received); got.Garbled != tt.garbled {
			t.Errorf("%s: %+v", name, got)
		}
	}

	far := header(HeaderRetryAfter, "30", HeaderReset, "60", "Date", received.Add(-13*time.Hour).Format(http.TimeFormat))
	if got := Read(far, received); got.RetryAfter.Sub(received) != 30*time.Second || !got.Reset.IsZero() {
		t.Errorf("with a clock that is far off: %+v", got)
	}

	d := newTestAccount(Options{})
	for range 3 * maxSilent {
		d.settle(d.sends(1)[0], false, Reading{Limit: -1, Remaining: -1, Garbled: true}, d.now)
	}
	n := 0
	for ; n < 20 && d.gate(Interactive, d.now).pass; n++ {
		d.sends(1)
	}
	known := newTestAccount(Options{})
	known.hears(50, time.Hour)
	known.now = known.now.Add(2 * time.Hour)
	for range 2 * maxSilent {
		known.settle(known.sends(1)[0], false, Reading{Limit: -1, Remaining: -1, Garbled: true}, known.now)
	}
	if known.limit != 100 || known.left != 10 {
		t.Errorf("%d of %d are left of what was known", known.left, known.limit)
	}
	if n != coldStart {
		t.Errorf("%d are in flight to a server whose figures cannot be read", n)
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

// Which times are credible: up to a minute ago, and up to a day and an hour ahead.
func TestHowFarATimeMayBe(t *testing.T) {
	for d, ok := range map[time.Duration]bool{-stale - 1: false, -stale: true, 0: true, horizon: true, horizon + 1: false} {
		got := toLocal(received.Add(d), received, 0)
		if got.IsZero() == ok || ok && !got.Equal(received.Add(d)) {
			t.Errorf("%v from now is read as %v", d, got)
		}
		if got := toLocal(received.Add(d-time.Minute), received, time.Minute); got.IsZero() == ok {
			t.Errorf("%v from now, of another clock, is read as %v", d, got)
		}
	}
	for value, want := range map[string]time.Duration{"90000": horizon, "89999.5": horizon - time.Second/2, "90000.5": -1} {
		got := Read(header(HeaderRetryAfter, value), received).RetryAfter
		if got.IsZero() != (want < 0) || want > 0 && got.Sub(received) != want {
			t.Errorf("Retry-After: %s is read as in %v", value, got.Sub(received))
		}
	}
	for value, want := range map[string]time.Duration{"89999": horizon, "100000": 100 * time.Second, "100000.5": 100*time.Second + 500*time.Microsecond} {
		if got := Read(header(HeaderReset, value), received).Reset; got.Sub(received) != want {
			t.Errorf("a reset of %s is read as in %v", value, got.Sub(received))
		}
	}
}

// A clock of the server that is behind by any time, or ahead by more than two seconds,
// is set right. One that is ahead by less is taken for latency.
func TestWhichClockIsSetRight(t *testing.T) {
	now := received.Truncate(time.Second)
	for ahead, want := range map[time.Duration]time.Duration{
		-time.Second: time.Minute, 0: time.Minute, time.Second: time.Minute + time.Second,
		tolerance: time.Minute + tolerance, tolerance + time.Second: time.Minute,
		12*time.Hour + 30*time.Minute: time.Minute, -12*time.Hour - 30*time.Minute: time.Minute,
		12*time.Hour + 30*time.Minute + time.Second: -1, -12*time.Hour - 30*time.Minute - time.Second: -1,
	} {
		server := now.Add(ahead)
		got := Read(header("Date", server.Format(http.TimeFormat), HeaderReset, strconv.FormatInt(server.Add(time.Minute).UnixMilli(), 10)), now).Reset
		if got.IsZero() != (want < 0) || want > 0 && got.Sub(now) != want {
			t.Errorf("the server is ahead by %v: a reset in a minute is read as in %v", ahead, got.Sub(now))
		}
	}
}

func TestAnswersOutOfACacheTellNothing(t *testing.T) {
	for age, old := range map[string]bool{"0": false, "2": false, "2.1": true, "3": true, "3600": true} {
		h := header("Age", age, HeaderLimit, "100", HeaderRemaining, "7",
			HeaderReset, strconv.FormatInt(received.Add(time.Minute).Unix(), 10))
		if got := Read(h, received); (got == Reading{Limit: -1, Remaining: -1}) != old {
			t.Errorf("at an age of %s s read as %+v", age, got)
		}
	}
}

// plain matches a number of requests or seconds that needs no interpretation.
var plain = regexp.MustCompile(`^[0-9]{1,4}$`)

// FuzzRead: whatever the headers are, figures and times are credible; plain numbers
// are read as they are, and a Retry-After that net/http reads is the same time.
func FuzzRead(f *testing.F) {
	f.Add("500", "0", "60", "Sun, 01 Mar 2026 13:00:00 GMT", "")
	f.Add("100", "99", "1772366490", "7", "Sun, 01 Mar 2026 12:00:00 GMT")
	f.Add("-1", "NaN", "9e99", "99999999999", "yesterday")
	f.Add("100, 100;w=3600", "7;w=1, 8", "soon, 90", "Sun, 01 Mar 2026 12:00:30 +0000, 7", "Sunday, 01-Mar-26 12:00:00 -0700")
	f.Fuzz(func(t *testing.T, limit, remaining, reset, retryAfter, date string) {
		r := Read(http.Header{
			"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset},
			"Retry-After": {retryAfter}, "Date": {date},
		}, received)
		if r.Limit < -1 || r.Remaining < -1 || r.Limit >= 0 && r.Remaining > r.Limit {
			t.Errorf("limit %d, remaining %d", r.Limit, r.Remaining)
		}
		if n, _ := strconv.Atoi(limit); plain.MatchString(limit) && r.Valid() && r.Limit != n {
			t.Errorf("limit %s is read as %d", limit, r.Limit)
		}
		if n, _ := strconv.Atoi(remaining); plain.MatchString(remaining) && r.Valid() && r.Remaining != n {
			t.Errorf("remaining %s is read as %d", remaining, r.Remaining)
		}
		if n, _ := strconv.Atoi(retryAfter); plain.MatchString(retryAfter) && r.RetryAfter.Sub(received) != time.Duration(n)*time.Second {
			t.Errorf("Retry-After %s is read as in %v", retryAfter, r.RetryAfter.Sub(received))
		}
		at, err := http.ParseTime(retryAfter)
		if d := at.Sub(received); err == nil && date == "" && strings.HasSuffix(retryAfter, "GMT") && d > 0 && d < horizon-grain && r.RetryAfter.Sub(received) != d+grain {
			t.Errorf("Retry-After %s is read as %v", retryAfter, r.RetryAfter)
		}
		for _, at := range []time.Time{r.Reset, r.RetryAfter} {
			if d := at.Sub(received); !at.IsZero() && (d > horizon+grain || d < -stale) {
				t.Errorf("a time %v from now", d)
			}
		}
	})
}
