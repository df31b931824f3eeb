package simulation_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// servers are the ways to count, and what X-RateLimit-Reset may mean there. While
// nothing is left, a sliding log whose reset is that of all cannot be distinguished from a
// token bucket: processes that have not seen more left get some 429s. Their number
// varies with the random delays: 2.5 per 1,000 requests in the median of 40 runs, and
// 15 in the worst that was seen.
var servers = []struct {
	name    string
	rules   rules
	reset   func() resetter // nil: as the fake has it
	least   float64         // percent of the quota that are used
	several float64         // 429s per 1,000 requests of several processes
}{
	{"fixed window", fixedWindow, nil, 98, 5},
	{"sliding log", slidingWindow, nil, 97, 5},
	{"sliding log, reset of all", slidingWindow, resetOfAll, 97, 25},
	{"sliding counter", slidingCounter, nil, 97, 8},
	{"token bucket", tokenBucket, nil, 98, 1},
	{"token bucket, reset of the next", tokenBucket, resetOfNext, 98, 5},
}

// resetter returns another reset for a response that leaves the server now.
type resetter func(served bool, limit int, reset time.Time) time.Time

// resetOfAll is when a sliding log has forgotten the newest request.
func resetOfAll() resetter {
	var newest time.Time
	return func(served bool, _ int, reset time.Time) time.Time {
		if served {
			newest = time.Now()
		}
		return newest.Add(time.Hour)
	}
}

// resetOfNext is when a token bucket has its next token.
func resetOfNext() resetter {
	return func(_ bool, limit int, full time.Time) time.Time {
		each := time.Hour / time.Duration(limit)
		return full.Add(-max(time.Until(full)-1, 0) / each * each)
	}
}

// rewrite changes the reset of a response from one in milliseconds since 1970.
func (reset resetter) rewrite(resp *http.Response, delta bool) {
	const name = "X-Ratelimit-Reset"
	limit, _ := strconv.Atoi(resp.Header.Get("X-Ratelimit-Limit"))
	ms, _ := strconv.ParseInt(resp.Header.Get(name), 10, 64)
	at := reset(resp.StatusCode == http.StatusOK, limit, time.UnixMilli(ms))
	value := at.Add(time.Second - 1).Unix()
	if delta {
		value = int64((time.Until(at) + time.Second - 1) / time.Second)
	}
	resp.Header.Set(name, strconv.FormatInt(value, 10))
}

// combinations are scenarios for each server, in each form of its headers, with one
// process and with several that do not know of each other, and some with processes
// that others do not know of either.
func combinations() []scenario {
	var all []scenario
	for _, server := range servers {
		for _, delta := range []bool{false, true} {
			for _, retryAfter := range []bool{true, false} {
				for _, processes := range []int{1, 2, 8} {
					sc := scenario{name: server.name, rules: server.rules, plan: leedotest.Duo, calls: 60,
						clients: processes, apart: processes > 1, reset: server.reset, delta: delta, least: server.least, tolerated: server.several}
					switch {
					case server.reset != nil:
						sc.rules = sc.rules.and(leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds))
					case delta:
						sc.rules = sc.rules.and(leedotest.WithResetFormat(leedotest.ResetDeltaSeconds))
					}
					if delta {
						sc.name += ", in seconds"
					}
					if !retryAfter {
						sc.name += ", no Retry-After"
						sc.rules = sc.rules.and(leedotest.WithRetryAfter(leedotest.RetryAfterNone))
					}
					sc.name += fmt.Sprintf(", %d", processes)
					if processes == 1 {
						sc.tolerated = min(sc.tolerated, 4)
					}
					all = append(all, sc)
				}
			}
		}
	}
	for _, others := range []scenario{
		{name: "30 % foreign use, Duo, 3", plan: leedotest.Duo, calls: 60},
		{name: "30 % foreign use, Pro, 3", plan: leedotest.Pro, calls: 120},
		{name: "30 % foreign use, Free, 3", plan: leedotest.Free, calls: 6, hours: 12, least: 95},
	} {
		others.name, others.rules = "sliding counter, "+others.name, slidingCounter
		others.clients, others.apart, others.foreign, others.tolerated = 3, true, 0.3, 15
		all = append(all, others)
	}
	return all
}

// However a server counts and reports its quota, and however many processes
// spend it without knowing of each other, it is used and few requests get a
// 429. With -v it prints the figures.
func TestSimulationServers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	t.Parallel()
	all := combinations()
	outcomes := make([]*outcome, len(all))
	t.Cleanup(func() { t.Log("\n" + table(outcomes)) })
	for i, sc := range all {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			// Of the 12 for each server these have 8, 1 and 2 processes, both forms of the
			// reset, and Retry-After and none.
			subset(t, i%4 == 2 && !(support.Race && i%8 != 2))
			synctest.Test(t, func(t *testing.T) { outcomes[i] = simulate(t, sc, *simulationSeed) })
			outcomes[i].check(t)
		})
	}
}
