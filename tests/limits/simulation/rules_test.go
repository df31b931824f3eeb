package simulation_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// beginning is how far into the hour a simulation begins.
const beginning = 17*time.Minute + 23*time.Second + 456*time.Millisecond

// rules are how a server counts: its options and how many requests a
// clairvoyant client could get served within a time. That is reckoned from the
// rules alone. All windows are an hour.
type rules struct {
	opts    []leedotest.ServerOption
	best    func(plan, then leedotest.Plan, d, change time.Duration) int
	windows bool // all is restored at the reset
}

var (
	fixedWindow    = rules{nil, bestOfWindows, true}
	slidingWindow  = rules{[]leedotest.ServerOption{leedotest.WithAlgorithm(leedotest.SlidingLog)}, bestOfWindows, false}
	slidingCounter = rules{[]leedotest.ServerOption{leedotest.WithAlgorithm(leedotest.SlidingCounter)}, bestOfCounter, false}
	tokenBucket    = rules{[]leedotest.ServerOption{leedotest.WithAlgorithm(leedotest.TokenBucket)}, bestOfBucket, false}
)

// and adds options that do not change how the server counts.
func (r rules) and(opts ...leedotest.ServerOption) rules {
	r.opts = slices.Concat(r.opts, opts)
	return r
}

// bestOfWindows: each window that begins within the time has the whole limit,
// the highest that was in force during it. The first begins with the first
// request; a sliding log gives back the requests made at once all at once.
func bestOfWindows(plan, then leedotest.Plan, d, change time.Duration) int {
	total := 0
	for start := time.Duration(0); start < d; start += time.Hour {
		limit := plan
		if start >= change {
			limit = then
		} else if change < min(d, start+time.Hour) {
			limit = max(plan, then)
		}
		total += int(limit)
	}
	return total
}

// bestOfCounter: windows are those of the clock. By the end of each of them
// the one before counts no more, so each has the whole limit; the one that is
// cut short has what the one before has given back.
func bestOfCounter(plan, _ leedotest.Plan, d, _ time.Duration) int {
	end := beginning + d
	whole, rest := int(end/time.Hour), end%time.Hour
	if whole == 0 {
		return int(plan)
	}
	fading := int(int64(plan) * int64(time.Hour-rest) / int64(time.Hour))
	return whole*int(plan) + int(plan) - fading
}

// bestOfBucket: what is in it at the beginning, and what comes back.
func bestOfBucket(plan, _ leedotest.Plan, d, _ time.Duration) int {
	return int(plan) + int(int64(plan)*int64(d)/int64(time.Hour))
}

// garbage corrupts the headers of every fifth response, one of them or all. What
// it writes is recognizably wrong from the response itself.
func garbage(r *rand.Rand, h http.Header) {
	if r.Float64() >= 0.2 {
		return
	}
	const limit, remaining, reset = "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"
	now := time.Now()
	epoch := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	nonsense := func() string {
		words := []string{
			"", " ", "NaN", "-NaN", "Inf", "+Infinity", "-1", "-0x1", "1e400", "12abc", "null", "\xff", "%d",
			"99999999999999999999", "-9223372036854775808", "1,000", "w=3600; 4", "Thu, 99 Foo 2000 25:61:61 GMT",
		}
		return words[r.IntN(len(words))]
	}
	switch r.IntN(8) {
	case 0: // none at all
		h.Del(limit)
		h.Del(remaining)
		h.Del(reset)
		h.Del("Date")
	case 1:
		h.Set(limit, nonsense())
	case 2:
		h.Set(remaining, nonsense())
	case 3:
		h.Set(reset, nonsense())
	case 4:
		for _, name := range []string{limit, remaining, reset, "Date", "Retry-After"} {
			h.Set(name, nonsense())
		}
	case 5: // more left than there are
		n, _ := strconv.Atoi(h.Get(limit))
		h.Set(remaining, strconv.Itoa(n+1+r.IntN(1000)))
	case 6: // not this year
		h.Set(reset, epoch(now.Add(time.Duration(26+r.IntN(9000))*time.Hour)))
	default: // an answer from yesterday, out of some cache
		n, _ := strconv.Atoi(h.Get(limit))
		h.Set(remaining, strconv.Itoa(r.IntN(n+1)))
		h.Set(reset, epoch(now.Add(-24*time.Hour)))
		h.Set("Date", now.Add(-24*time.Hour-time.Minute).UTC().Format(http.TimeFormat))
		h.Set("Age", "86460")
	}
}

// wordless removes all rate limit headers.
func wordless(_ *rand.Rand, h http.Header) {
	for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
		h.Del(name)
	}
}
