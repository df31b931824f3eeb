package leedotest_test

import (
	"math"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// checkRate checks the rate limit headers of a response in a bubble. A limit of -1 means
// that there must be none.
func checkRate(t *testing.T, r reply, status, limit, remaining int, reset time.Time) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("status %d, want %d", r.StatusCode, status)
	}
	want := map[string]string{"Limit": "", "Remaining": "", "Reset": ""}
	if limit >= 0 {
		want = map[string]string{
			"Limit":     strconv.Itoa(limit),
			"Remaining": strconv.Itoa(remaining),
			"Reset":     strconv.FormatInt(reset.Unix(), 10),
		}
	}
	for name, w := range want {
		if got := r.Header.Get("X-RateLimit-" + name); got != w {
			t.Errorf("X-RateLimit-%s %q, want %q", name, got, w)
		}
	}
}

func TestNoRateLimitByDefault(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	f := inMemory(s)
	for range 20 {
		checkRate(t, f.do(t, "GET", "/leads", ""), 200, -1, 0, time.Time{})
	}
	s.SetRateLimit(1, time.Hour)
	f.do(t, "GET", "/leads", "")
	if r := f.do(t, "GET", "/leads", ""); r.StatusCode != 429 {
		t.Error(r.Status)
	}
	s.SetRateLimit(-1, 0)
	checkRate(t, f.do(t, "GET", "/leads", ""), 200, -1, 0, time.Time{})
}

func TestPlans(t *testing.T) {
	t.Parallel()
	for plan, want := range map[leedotest.Plan]int{leedotest.Free: 100, leedotest.Duo: 500, leedotest.Pro: 5000, 7: 7} {
		synctest.Test(t, func(t *testing.T) {
			f := inMemory(leedotest.NewServer(leedotest.WithPlan(plan)))
			checkRate(t, f.do(t, "GET", "/leads", ""), 200, want, want-1, time.Now().Add(time.Hour))
		})
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := documented()
		f := inMemory(s)
		s.SetRateLimit(5, 10*time.Minute)
		time.Sleep(time.Hour) // the window starts with its first request

		// A wrong token costs nothing and starts no window.
		r := f.do(t, "GET", "/leads", "", "Authorization", "")
		checkRate(t, r, 401, 5, 5, time.Now().Add(10*time.Minute))
		time.Sleep(time.Minute)

		reset := time.Now().Add(10 * time.Minute)
		checkRate(t, f.do(t, "GET", "/leads", ""), 200, 5, 4, reset)
		time.Sleep(4 * time.Minute)
		checkRate(t, f.do(t, "GET", "/nothing", ""), 404, 5, 3, reset)
		s.Inject(leedotest.Fault{Drop: true}, leedotest.Fault{Drop: true, Processed: true}, leedotest.Fault{Status: 503})
		for range 2 { // only the second costs quota
			if _, err := f.try(t, "GET", "/leads", ""); err == nil {
				t.Error("not dropped")
			}
		}
		checkRate(t, f.do(t, "GET", "/leads", ""), 503, 5, 1, reset)
		checkRate(t, f.do(t, "POST", "/leads", `{"name":"x"}`), 201, 5, 0, reset)

		time.Sleep(time.Minute + time.Millisecond)
		for range 3 {
			r = f.do(t, "POST", "/leads", `{"name":"y"}`)
			checkError(t, r, 429, "rate_limited", "rate limit")
			checkRate(t, r, 429, 5, 0, reset)
			if got := r.Header.Get("Retry-After"); got != "300" { // 299.999 rounded up
				t.Errorf("Retry-After %q", got)
			}
		}
		s.Inject(leedotest.Fault{Status: 500}) // a fault applies all the same
		r = f.do(t, "GET", "/leads", "")
		checkRate(t, r, 500, 5, 0, reset)
		if got := r.Header.Get("Retry-After"); got != "" {
			t.Errorf("Retry-After %q on a 500", got)
		}
		if n := len(s.Leads()); n != 2 {
			t.Errorf("%d leads, want 2", n)
		}

		time.Sleep(time.Until(reset) - time.Nanosecond)
		checkRate(t, f.do(t, "GET", "/leads", ""), 429, 5, 0, reset)
		time.Sleep(time.Nanosecond)
		checkRate(t, f.do(t, "GET", "/leads", ""), 200, 5, 4, reset.Add(10*time.Minute))

		s.SetRateLimit(5, 10*time.Minute) // discards what was counted
		checkRate(t, f.do(t, "GET", "/leads", ""), 200, 5, 4, reset.Add(10*time.Minute))
	})
}

func TestLimitZero(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, opts := range [][]leedotest.ServerOption{nil, {leedotest.WithCountedRefusals()}} {
			s := leedotest.NewServer(opts...)
			f := inMemory(s)
			s.SetRateLimit(0, 0) // an hour
			start := time.Now()
			for range 3 {
				checkRate(t, f.do(t, "GET", "/leads", ""), 429, 0, 0, start.Add(time.Hour))
			}
			time.Sleep(5 * time.Hour)
			checkRate(t, f.do(t, "GET", "/leads", ""), 429, 0, 0, time.Now().Add(time.Hour))
		}
	})
}

// Each format of the headers. A request at the reported time is served.
func TestHeaderForms(t *testing.T) {
	t.Parallel()
	epoch := func(unit time.Duration) func(string, time.Time) (time.Time, error) {
		return func(s string, _ time.Time) (time.Time, error) {
			n, err := strconv.ParseInt(s, 10, 64)
			return time.Unix(0, 0).Add(time.Duration(n) * unit), err
		}
	}
	delta := func(s string, now time.Time) (time.Time, error) {
		n, err := strconv.Atoi(s)
		return now.Add(time.Duration(n) * time.Second), err
	}
	layout := func(layout string) func(string, time.Time) (time.Time, error) {
		return func(s string, _ time.Time) (time.Time, error) { return time.Parse(layout, s) }
	}
	seconds, date := epoch(time.Second), layout(http.TimeFormat)
	type parse = func(string, time.Time) (time.Time, error)
	tests := []struct {
		name       string
		opts       []leedotest.ServerOption
		reset      parse
		retryAfter parse // nil means that the header is absent
	}{
		{"default", nil, seconds, delta},
		{"epoch seconds", []leedotest.ServerOption{leedotest.WithResetFormat(leedotest.ResetEpochSeconds)}, seconds, delta},
		{"unknown", []leedotest.ServerOption{leedotest.WithResetFormat(99)}, seconds, delta},
		{"epoch milliseconds", []leedotest.ServerOption{leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds)}, epoch(time.Millisecond), delta},
		{"delta seconds", []leedotest.ServerOption{leedotest.WithResetFormat(leedotest.ResetDeltaSeconds)}, delta, delta},
		{"HTTP date", []leedotest.ServerOption{leedotest.WithResetFormat(leedotest.ResetHTTPDate)}, date, delta},
		{"RFC 3339", []leedotest.ServerOption{leedotest.WithResetFormat(leedotest.ResetRFC3339)}, layout(time.RFC3339), delta},
		{"no Retry-After", []leedotest.ServerOption{leedotest.WithRetryAfter(leedotest.RetryAfterNone)}, seconds, nil},
		{"Retry-After date", []leedotest.ServerOption{leedotest.WithRetryAfter(leedotest.RetryAfterDate)}, seconds, date},
		{"Retry-After seconds", []leedotest.ServerOption{leedotest.WithRetryAfter(leedotest.RetryAfterSeconds)}, seconds, delta},
		{"unknown Retry-After", []leedotest.ServerOption{leedotest.WithRetryAfter(-1)}, seconds, delta},
		{
			"the last Retry-After",
			[]leedotest.ServerOption{leedotest.WithRetryAfter(leedotest.RetryAfterNone), leedotest.WithRetryAfter(leedotest.RetryAfterDate)},
			seconds, date,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, window := range []time.Duration{time.Hour, 1500 * time.Millisecond, time.Nanosecond, 90*time.Second + 1} {
					s := leedotest.NewServer(tt.opts...)
					s.SetRateLimit(1, window)
					f := inMemory(s)
					time.Sleep(123_456_789) // away from the full second
					end := time.Now().Add(window)
					f.do(t, "GET", "/leads", "")
					r := f.do(t, "GET", "/leads", "")
					if r.StatusCode != 429 {
						t.Fatal(r.Status)
					}
					wait, err := tt.reset(r.Header.Get("X-RateLimit-Reset"), time.Now())
					if late := wait.Sub(end); err != nil || late < 0 || late >= time.Second {
						t.Errorf("reset %v is %v after %v: %v", r.Header["X-Ratelimit-Reset"], late, end, err)
					}
					got := r.Header.Get("Retry-After")
					if tt.retryAfter == nil {
						if got != "" {
							t.Errorf("Retry-After %q", got)
						}
					} else {
						again, err := tt.retryAfter(got, time.Now())
						if late := again.Sub(end); err != nil || late < 0 || late >= time.Second {
							t.Errorf("Retry-After %q is %v after %v: %v", got, late, end, err)
						}
					}
					time.Sleep(time.Until(wait))
					if r := f.do(t, "GET", "/leads", ""); r.StatusCode != 200 {
						t.Errorf("after the reset: %s", r.Status)
					}
				}
			})
		})
	}
}

func TestCountedRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer(leedotest.WithCountedRefusals())
		s.SetRateLimit(2, time.Hour)
		f := inMemory(s)
		start := time.Now()
		steps := []struct{ status, remaining, windows int }{
			{200, 1, 1},
			{200, 0, 1},
			{429, 0, 1}, // one remains in the next window
			{429, 0, 2}, // none remains in the next window
			{429, 0, 2},
		}
		for _, step := range steps {
			reset := start.Add(time.Duration(step.windows) * time.Hour)
			checkRate(t, f.do(t, "GET", "/leads", ""), step.status, 2, step.remaining, reset)
		}
		time.Sleep(2 * time.Hour)
		// One of the five counts in the next window.
		checkRate(t, f.do(t, "GET", "/leads", ""), 200, 2, 0, start.Add(3*time.Hour))
		time.Sleep(100 * time.Hour)
		checkRate(t, f.do(t, "GET", "/leads", ""), 200, 2, 1, time.Now().Add(time.Hour))

		// Nothing overflows.
		s.SetRateLimit(math.MaxInt, time.Nanosecond)
		time.Sleep(100 * time.Hour)
		for range 2 {
			checkStatus(t, f, 200)
			time.Sleep(100 * time.Hour)
		}
	})
}

func checkStatus(t *testing.T, f front, want int) {
	t.Helper()
	if r := f.do(t, "GET", "/leads", ""); r.StatusCode != want {
		t.Errorf("%s, want %d", r.Status, want)
	}
}
