package redislimit_test

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// countBetween counts the requests and the 429s between two times.
func countBetween(all []arrival, from, to time.Time) (requests, rejected int) {
	for _, r := range all {
		if r.at.Before(from) || r.at.After(to) {
			continue
		}
		requests++
		if r.status == 429 {
			rejected++
		}
	}
	return requests, rejected
}

// Redis is killed for twenty seconds and returns empty. No call fails, and the store
// decides again after its return.
func TestRedisDies(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	r := startRedis(t)
	a := newAPI(t, limit, length)
	workers := bulk(t, 4, 2, a, r)
	workers = append(workers, start(t, job{
		Name: "interactive", URL: a.url, Token: a.Token(), Redis: r.addr, Key: "test",
		Callers: 1, Every: 50 * time.Millisecond, MaxWait: time.Second,
	}))
	a.await(t, "a window", begun(2))
	down := time.Now()
	r.kill()
	a.await(t, "requests for twenty seconds", func([]arrival) bool { return time.Since(down) > 20*time.Second })
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	up := time.Now()
	rdb := r.client()
	// A process whose first reply is late continues without the store for another five
	// seconds. One with several exchanges in short succession uses the store.
	var first map[string]float64
	a.await(t, "all processes at the store", func([]arrival) bool {
		now := exchanges(t, rdb, "{test}")
		if len(first) < 5 {
			first = now
		}
		n := 0
		for name, number := range first {
			if now[name] >= number+3 {
				n++
			}
		}
		return n == 5
	})
	back := time.Now()
	after := begun(len(windows(a.await(t, "", func([]arrival) bool { return true }))) + 2)
	all := a.await(t, "a window more", after)
	reports := finish(t, workers...)
	noFailures(t, reports)
	var away []time.Time
	for _, report := range reports {
		again := leftSince(report.Away, back, time.Now())
		if n := len(report.Warnings); n == 0 || n > 3 && len(again) == 0 {
			t.Errorf("logged %d warnings: %v", n, report.Warnings)
		}
		away = append(away, report.Away...)
	}
	for name, during := range map[string][2]time.Time{
		"before": {{}, down}, "while it was dead": {down, up}, "while they came back": {up, back}, "after": {back, time.Now()},
	} {
		requests, rejected := countBetween(all, during[0], during[1])
		t.Logf("%s: %d of %d rejected", name, rejected, requests)
		if name == "before" || name == "after" {
			no429s(t, name, all, during[0], during[1], away)
		}
		if requests == 0 && name != "while they came back" {
			t.Errorf("%s: no requests", name)
		}
	}
}

// no429s checks that there are no 429s between two times. On a busy machine an exchange may
// take too long. The process then uses its own figures, and 429s in the next seconds are
// ignored.
func no429s(t *testing.T, what string, all []arrival, from, to time.Time, away []time.Time) {
	t.Helper()
	for _, r := range all {
		if r.status != 429 || r.at.Before(from) || r.at.After(to) {
			continue
		}
		since := r.at.Add(-10 * time.Second)
		if since.Before(from) {
			since = from
		}
		if left := leftSince(away, since, r.at); len(left) > 0 {
			t.Logf("%s: a request of %s rejected %v after an exchange that failed or was slow", what, r.who, r.at.Sub(left[0]))
			continue
		}
		t.Errorf("%s: a request of %s rejected, want none", what, r.who)
	}
}

// leftSince returns the times, between from and to, at which a process may have stopped
// using the store.
func leftSince(away []time.Time, from, to time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(away), func(at time.Time) bool { return at.Before(from) || at.After(to) })
}

// exchanges returns the number of exchanges of each process, from the state in Redis.
func exchanges(t *testing.T, rdb *redis.Client, key string) map[string]float64 {
	t.Helper()
	fields, err := rdb.HGetAll(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]float64{}
	for name, packed := range fields {
		if strings.HasPrefix(name, "process ") {
			numbers[name] = math.Float64frombits(binary.BigEndian.Uint64([]byte(packed)))
		}
	}
	return numbers
}
