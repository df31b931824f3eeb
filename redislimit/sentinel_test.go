package redislimit_test

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/redis/go-redis/v9"
)

// startSentinel starts a sentinel for the master "m", and returns its address. Its
// timeout is long at first, so that a busy machine does not look like a dead master.
func startSentinel(t *testing.T, host, port string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	conf := "sentinel resolve-hostnames no\nsentinel monitor m " + host + " " + port + " 1\n" +
		"sentinel down-after-milliseconds m 600000\nsentinel failover-timeout m 3000\n"
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return startRedis(t, file, "--sentinel").addr
}

// eventually waits until the condition holds, and fails the test after a minute.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// The master is killed, and Sentinel promotes its replica. The store continues there with
// the same state, and no call fails.
func TestSentinelFailsOver(t *testing.T) {
	t.Parallel()
	master := startRedis(t, "--repl-diskless-sync-delay", "0")
	host, port, _ := net.SplitHostPort(master.addr)
	from, to := master.client(), startRedis(t, "--replicaof", host, port).client()
	addr := startSentinel(t, host, port)
	sentinel := redis.NewSentinelClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { sentinel.Close() })
	eventually(t, "the sentinel knows the replica", func() bool {
		all, _ := sentinel.Replicas(t.Context(), "m").Result()
		return len(all) == 1 && all[0]["flags"] == "slave" && all[0]["master-link-status"] == "ok"
	})
	rdb := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{addr}})
	t.Cleanup(func() { rdb.Close() })

	// A caller makes calls all the time, with a quota that is never exhausted.
	log, decides := new(recorder), &counting{QuotaStore: newStore(t, rdb, "calls")}
	client := leedotest.NewServer(leedotest.WithPlan(1e6), leedotest.WithRecentRequests(1)).Client(
		leedo.WithRateLimiter(newLimiter(t, decides)), leedo.WithLogger(slog.New(log)))
	ctx, cancel := context.WithCancel(context.Background())
	var caller sync.WaitGroup
	var calls atomic.Int64
	caller.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			if _, err := client.Leads.List(context.Background(), nil); err != nil {
				t.Errorf("call %d: %v", calls.Load(), err)
			}
			calls.Add(1)
		}
	})
	t.Cleanup(func() { cancel(); caller.Wait() })
	eventually(t, "the store decides", func() bool { return decides.good.Load() > 2 })

	store, p, q := newStore(t, rdb, "quota"), ask(1, 0), ask(100, 0)
	q.Process = "q"
	exchange := func(ask *leedo.QuotaAsk, want int) int64 {
		t.Helper()
		got, err := store.Exchange(t.Context(), *ask)
		if err != nil || got.Interactive != want {
			t.Fatalf("%s: %+v, %v; want %d", ask.Process, got, err, want)
		}
		ask.Number, ask.Held = ask.Number+1, ask.Held+want
		return got.Turn
	}
	p.Sent = exchange(&p, 1)
	p.Held, p.Served, p.Limit, p.Remaining, p.Reset, p.Interactive = 0, 1, 100, 10, time.Hour, 100
	granted := exchange(&p, 9) // of ten, because others may send without the store
	last := exchange(&q, 0)
	p.Interactive = 0
	eventually(t, "the replica has the state", func() bool { // replication is asynchronous
		state := from.HGetAll(t.Context(), "{quota}").Val()
		return len(state) == 3 && maps.Equal(state, to.HGetAll(t.Context(), "{quota}").Val())
	})
	master.kill()
	died, before := time.Now(), calls.Load()
	sentinel.Set(t.Context(), "m", "down-after-milliseconds", "500")
	eventually(t, "the failover", func() bool {
		_, err := store.Exchange(t.Context(), p)
		p.Number++
		return err == nil
	})
	during := calls.Load() - before
	t.Logf("%d calls in %v without a master", during, time.Since(died))
	if turn, ttl := exchange(&q, 0), to.TTL(t.Context(), "{quota}").Val(); turn <= last || ttl < time.Hour {
		t.Errorf("turn %d after turn %d, and the state lives for %v", turn, last, ttl)
	}
	p.Held, p.Served, p.Remaining, p.Sent = 0, 10, 1, granted
	exchange(&p, 0)
	exchange(&q, 1) // the one that p has left
	good := decides.good.Load()
	eventually(t, "the store decides again", func() bool { return decides.good.Load() > good+2 })
	if t.Logf("logged: %q", log.all()); during == 0 { // the log may be empty, if go-redis repeated the exchanges in time
		t.Error("no calls without a master")
	}
}
