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

// refusedBetween counts the requests and refusals of a time.
func refusedBetween(all []arrival, from, to time.Time) (requests, refused int) {
	for _, r := range all {
		if r.at.Before(from) || r.at.After(to) {
			continue
		}
		requests++
		if r.status == 429 {
			refused++
		}
	}
	return requests, refused
}

// Redis dies for twenty seconds and comes back empty. No call fails for it, and
// when it is back it decides again.
func TestRedisDies(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	r := startRedis(t)
	a := newAPI(t, limit, length)
	workers := bulk(t, 4, 2, a, r)
	workers = append(workers, start(t, job{
		Name: "person", URL: a.url, Token: a.Token(), Redis: r.addr, Key: "test",
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
	// One whose first answer came too late goes on alone for another five seconds.
	// Who has several soon after one another goes by the store.
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
		requests, refused := refusedBetween(all, during[0], during[1])
		t.Logf("%s: %d of %d refused", name, refused, requests)
		if name == "before" || name == "after" {
			noRefusals(t, name, all, during[0], during[1], away)
		}
		if requests == 0 && name != "while they came back" {
			t.Errorf("%s: no requests", name)
		}
	}
}

// noRefusals checks that none was refused in a time. On a machine that is busy an
// exchange may take too long: then a process goes by its own account, and what is
// refused in the next seconds says nothing.
func noRefusals(t *testing.T, what string, all []arrival, from, to time.Time, away []time.Time) {
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
			t.Logf("%s: one of %s refused %v after an exchange that failed or was slow", what, r.who, r.at.Sub(left[0]))
			continue
		}
		t.Errorf("%s: one of %s refused, want none", what, r.who)
	}
}

// leftSince returns those times in a time when a process may have left the store.
func leftSince(away []time.Time, from, to time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(away), func(at time.Time) bool { return at.Before(from) || at.After(to) })
}

// exchanges asks Redis how many each process had.
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
