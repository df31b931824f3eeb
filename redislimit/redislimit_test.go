package redislimit_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/redislimit"
	"github.com/redis/go-redis/v9"
)

func newStore(t testing.TB, rdb redis.Scripter, key string) *redislimit.Store {
	t.Helper()
	store, err := redislimit.New(rdb, key)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// ask returns a first ask for that many permits.
func ask(interactive, bulk int) leedo.QuotaAsk {
	return leedo.QuotaAsk{Process: "p", Number: 1, Interactive: interactive, Bulk: bulk}
}

func TestNewInvalidArguments(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer rdb.Close()
	for name, make := range map[string]func() (*redislimit.Store, error){
		"nil client":               func() (*redislimit.Store, error) { return redislimit.New(nil, "k") },
		"nil *redis.Client":        func() (*redislimit.Store, error) { return redislimit.New((*redis.Client)(nil), "k") },
		"nil *redis.ClusterClient": func() (*redislimit.Store, error) { return redislimit.New((*redis.ClusterClient)(nil), "k") },
		"empty key":                func() (*redislimit.Store, error) { return redislimit.New(rdb, "") },
	} {
		if store, err := make(); store != nil || !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("%s: %v, %v", name, store, err)
		}
	}
	for _, store := range []*redislimit.Store{nil, {}} {
		if _, err := store.Exchange(t.Context(), ask(1, 0)); !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("a store not created by New: %v", err)
		}
	}
}

// The state is in one key, with a hash tag and a time to live.
func TestOneKey(t *testing.T) {
	rdb := startRedis(t).client()
	for key, want := range map[string]string{"leedo": "{leedo}", "a{b}c": "a{b}c", "a{}c": "{a{}c}", "a}b{c": "{a}b{c}"} {
		rdb.FlushAll(t.Context())
		got, err := newStore(t, rdb, key).Exchange(t.Context(), ask(1, 0))
		if err != nil || got.Interactive != 1 {
			t.Errorf("%s: %+v, %v", key, got, err)
		}
		keys := rdb.Keys(t.Context(), "*").Val()
		if len(keys) != 1 || keys[0] != want {
			t.Errorf("%s: keys %q, want %q", key, keys, want)
			continue
		}
		if ttl := rdb.TTL(t.Context(), want).Val(); ttl < 5*time.Minute || ttl > 2*time.Hour {
			t.Errorf("%s: lives for %v", key, ttl)
		}
	}
}

// The cluster node of the key is found.
func TestCluster(t *testing.T) {
	r := startRedis(t, "--cluster-enabled", "yes")
	node := r.client()
	if err := node.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); !strings.Contains(node.ClusterInfo(t.Context()).Val(), "cluster_state:ok"); {
		if time.Since(start) > 30*time.Second {
			t.Fatal("the cluster does not come up")
		}
		time.Sleep(10 * time.Millisecond)
	}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{r.addr}})
	defer rdb.Close()
	got, err := newStore(t, rdb, "k").Exchange(t.Context(), ask(1, 1))
	if err != nil || got.Interactive != 1 || got.Bulk != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// The script is sent again to a server that no longer has it.
func TestScriptFlush(t *testing.T) {
	rdb := startRedis(t).client()
	store := newStore(t, rdb, "k")
	a := ask(1, 0)
	for range 3 {
		if _, err := store.Exchange(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		a.Number++
		if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// A key that holds anything else is not changed, and every exchange is an error.
func TestForeignKeys(t *testing.T) {
	rdb := startRedis(t).client()
	ctx := t.Context()
	for name, tt := range map[string]struct {
		fill  func() error
		holds func() string
		want  string
	}{
		"a list":          {func() error { return rdb.RPush(ctx, "{k}", "x").Err() }, func() string { return rdb.LIndex(ctx, "{k}", 0).Val() }, "x"},
		"a string":        {func() error { return rdb.Set(ctx, "{k}", "mine", 0).Err() }, func() string { return rdb.Get(ctx, "{k}").Val() }, "mine"},
		"an empty string": {func() error { return rdb.Set(ctx, "{k}", "", 0).Err() }, func() string { return rdb.Type(ctx, "{k}").Val() + rdb.Get(ctx, "{k}").Val() }, "string"},
		"a hash":          {func() error { return rdb.HSet(ctx, "{k}", "f", "x").Err() }, func() string { return rdb.HGet(ctx, "{k}", "f").Val() }, "x"},
		"a broken state":  {func() error { return rdb.HSet(ctx, "{k}", "leedo-quota-1", "x").Err() }, func() string { return rdb.HGet(ctx, "{k}", "leedo-quota-1").Val() }, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			rdb.FlushAll(ctx)
			if err := tt.fill(); err != nil {
				t.Fatal(err)
			}
			store := newStore(t, rdb, "k")
			if got, err := store.Exchange(ctx, ask(1, 1)); err == nil || got != (leedo.QuotaAnswer{}) {
				t.Errorf("%+v, %v", got, err)
			}
			if got := tt.holds(); got != tt.want {
				t.Errorf("the key holds %q now", got)
			}

			// A client uses its own figures, and logs that once.
			log := new(recorder)
			client := leedotest.NewServer(leedotest.WithPlan(leedotest.Free)).Client(leedo.WithRateLimiter(newLimiter(t, store)), leedo.WithLogger(slog.New(log)))
			for range 5 {
				if _, err := client.Leads.List(ctx, nil); err != nil {
					t.Fatal(err)
				}
			}
			if said := log.all(); len(said) != 1 || !strings.Contains(said[0], "redislimit: ") {
				t.Errorf("logged %q", said)
			}
			if left := client.RateLimit().Remaining; left != 95 {
				t.Errorf("%d left", left)
			}
			if got := tt.holds(); got != tt.want {
				t.Errorf("the key holds %q now", got)
			}
		})
	}
}

func newLimiter(t testing.TB, store leedo.QuotaStore) *leedo.RateLimiter {
	t.Helper()
	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	return limiter
}

// scripted is a Redis client with a fixed reply.
type scripted struct {
	redis.Scripter
	reply any
	err   error
}

func (s scripted) EvalSha(ctx context.Context, _ string, _ []string, _ ...any) *redis.Cmd {
	return redis.NewCmdResult(s.reply, s.err)
}

// A reply that the script cannot have sent is an error.
func TestRepliesAreChecked(t *testing.T) {
	n := func(v ...float64) string {
		var packed []byte
		for i := range v {
			packed = binary.BigEndian.AppendUint64(packed, math.Float64bits(v[i]))
		}
		return string(packed)
	}
	for _, tt := range []struct {
		reply any
		err   error
		good  bool
	}{
		{n(1, 2, 3, 4, 5, 0), nil, true},
		{n(1, 2, 3, 4, 5, 3), nil, true},
		{n(0, 0, 0, 0, 1, 0), nil, true},
		{n(2, 2, 3, 4, 5, 0), nil, false},
		{n(1, 3, 3, 4, 5, 0), nil, false},
		{n(-1, 2, 3, 4, 5, 0), nil, false},
		{n(1, -2, 3, 4, 5, 0), nil, false},
		{n(1, 2, -3, 4, 5, 0), nil, false},
		{n(1, 2, 3, -4, 5, 0), nil, false},
		{n(1, 2, 3, 4, 0, 0), nil, false},
		{n(1, 2, 3, 4, 5, 4), nil, false},
		{n(1, 2, 3, 4, 5), nil, false},
		{n(1, 2, 3, 4, 5, 0, 0), nil, false},
		{n(1, 2, math.NaN(), 4, 5, 0), nil, false},
		{n(1, 2, 3, math.Inf(1), 5, 0), nil, false},
		{n(1, 2, 3, 4, 1e300, 0), nil, false},
		{n(1, 2, 3, 4, 5, 0) + "x", nil, false},
		{[]any{int64(1), int64(2), int64(3), int64(4), int64(5), int64(0)}, nil, false},
		{"OK", nil, false},
		{nil, nil, false},
		{n(1, 2, 3, 4, 5, 0), errors.New("down"), false},
	} {
		store := newStore(t, scripted{reply: tt.reply, err: tt.err}, "k")
		got, err := store.Exchange(t.Context(), ask(1, 2))
		if (err == nil) != tt.good || err != nil && got != (leedo.QuotaAnswer{}) {
			t.Errorf("%q, %v: %+v, %v", tt.reply, tt.err, got, err)
		}
		if tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
}

// counting counts successful exchanges.
type counting struct {
	leedo.QuotaStore
	good atomic.Int64
}

func (c *counting) Exchange(ctx context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
	reply, err := c.QuotaStore.Exchange(ctx, ask)
	if err == nil {
		c.good.Add(1)
	}
	return reply, err
}

// While Redis is slow, calls continue without the store; then it decides again.
func TestRedisIsSlow(t *testing.T) {
	rdb := startRedis(t).client()
	log, store := new(recorder), &counting{QuotaStore: newStore(t, rdb, "k")}
	client := leedotest.NewServer(leedotest.WithPlan(1e6)).Client(
		leedo.WithRateLimiter(newLimiter(t, store)), leedo.WithLogger(slog.New(log)))
	until := func(what string, done func() bool) (calls int) {
		for start := time.Now(); !done(); calls++ {
			if _, err := client.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if time.Since(start) > 30*time.Second {
				t.Fatalf("%s: not within half a minute", what)
			}
		}
		return calls
	}
	until("the store decides", func() bool { return store.good.Load() > 2 })
	const pause = time.Second
	if err := rdb.Do(t.Context(), "CLIENT", "PAUSE", pause.Milliseconds(), "ALL").Err(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	n := until("the pause is over", func() bool { return time.Since(start) > pause*8/10 })
	if t.Logf("%d calls meanwhile", n); n < 10 {
		t.Errorf("%d calls while Redis was slow", n)
	}
	until("the pause is logged", func() bool { return len(log.all()) > 0 })
	before := store.good.Load()
	until("the store decides again", func() bool { return store.good.Load() > before+2 })
	if said := log.all(); len(said) != 1 {
		t.Errorf("logged %q", said)
	}
}
