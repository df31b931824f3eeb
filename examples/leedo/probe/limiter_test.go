package probe

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// A limiter counts a request that arrives now. It returns whether the request is
// served, how many more are, and the reset.
type limiter func(now time.Time) (ok bool, left int, reset time.Time)

const limiterLimit = 100

// fixed windows begin with their first request.
func fixed(window time.Duration) limiter {
	var end time.Time
	left := 0
	return func(now time.Time) (bool, int, time.Time) {
		if !now.Before(end) {
			end, left = now.Add(window), limiterLimit
		}
		left--
		return left >= 0, max(left, 0), end
	}
}

// bucket restores a request after each period, the next one at the reset.
func bucket(every time.Duration) limiter {
	var empty time.Time // when all the requests that were made are restored
	return func(now time.Time) (bool, int, time.Time) {
		if empty.Before(now) {
			empty = now
		}
		used := int((empty.Sub(now) + every - 1) / every)
		ok := used < limiterLimit
		if ok {
			used++
			empty = empty.Add(every)
		}
		return ok, limiterLimit - used, empty.Add(-time.Duration(used-1) * every)
	}
}

// sliding windows have the requests of the time before now. The reset is that of the
// oldest one, or the length of the window from now.
func sliding(window time.Duration, fromNow bool) limiter {
	var times []time.Time
	return func(now time.Time) (bool, int, time.Time) {
		for len(times) > 0 && !now.Before(times[0].Add(window)) {
			times = times[1:]
		}
		ok := len(times) < limiterLimit
		if ok {
			times = append(times, now)
		}
		reset := times[0].Add(window)
		if fromNow {
			reset = now.Add(window)
		}
		return ok, limiterLimit - len(times), reset
	}
}

// No algorithm is found that the server does not have, also if its reset means
// something else, or its window is not an hour.
func TestLimiters(t *testing.T) {
	for _, tt := range []struct {
		name             string
		limiter          func() limiter
		limit, algorithm string // if the probe may wait
	}{
		{"an hour", func() limiter { return fixed(time.Hour) }, "100", fixedWindow},
		{"five seconds", func() limiter { return fixed(5 * time.Second) }, Open, Open},
		{"a bucket with the next request", func() limiter { return bucket(36 * time.Second) }, "100", Open},
		{"ten minutes, sliding", func() limiter { return sliding(10*time.Minute, false) }, "100", Open},
		{"ten minutes from now", func() limiter { return sliding(10*time.Minute, true) }, Open, Open},
		{"an hour from now", func() limiter { return sliding(time.Hour, true) }, "100", Open},
	} {
		for _, wait := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, wait), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(25 * time.Minute)
					fake := leedotest.NewServer()
					fill(fake)
					limiter := tt.limiter()
					server := &strange{fake, 30 * time.Millisecond, func(_ *http.Request, resp *http.Response, body []byte) []byte {
						ok, left, reset := limiter(time.Now())
						resp.Header.Set(headerLimit, fmt.Sprint(limiterLimit))
						resp.Header.Set(headerRemaining, fmt.Sprint(left))
						resp.Header.Set(headerReset, fmt.Sprint(reset.Add(time.Second-1).Unix()))
						if !ok {
							resp.StatusCode = http.StatusTooManyRequests
						}
						return body
					}}
					client := fake.Client(leedo.WithHTTPClient(&http.Client{Transport: server}), leedo.WithoutRateLimiter())
					report, err := Run(t.Context(), Options{Client: client, Exhaust: true, Wait: wait})
					if err != nil {
						t.Fatal(err)
					}
					wants := map[string]string{askLimit: fmt.Sprint(limiterLimit), askAlgorithm: Open, askCost429: Open}
					if wait {
						wants[askLimit], wants[askAlgorithm] = tt.limit, tt.algorithm
					}
					if wants[askAlgorithm] != Open {
						wants[askCost429] = "no"
					}
					for _, f := range report.Findings {
						if want, ok := wants[f.Question]; ok && f.Result != want {
							t.Errorf("%s is %q (%s), want %q", f.Question, f.Result, f.How, want)
						}
					}
				})
			})
		}
	}
}
