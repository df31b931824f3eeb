package redislimit_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// BenchmarkExchange compares an exchange with a PING on the same connection, for states
// of several numbers of processes.
func BenchmarkExchange(b *testing.B) {
	rdb := startRedis(b).client()
	b.Run("ping", func(b *testing.B) {
		for b.Loop() {
			if err := rdb.Ping(b.Context()).Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, processes := range []int{1, 8, 50} {
		store := newStore(b, rdb, fmt.Sprint("k", processes))
		asks := make([]leedo.QuotaAsk, processes)
		for i := range asks {
			asks[i] = leedo.QuotaAsk{Process: fmt.Sprintf("%032d", i), Interactive: 1, Limit: 1e6, Remaining: 1e6, Reset: time.Hour}
		}
		n := 0
		exchange := func(b *testing.B) {
			ask := &asks[n%processes]
			n++
			ask.Number++
			reply, err := store.Exchange(b.Context(), *ask)
			if err != nil {
				b.Fatal(err)
			}
			ask.Served, ask.Sent, ask.Remaining = ask.Served+1, reply.Turn, ask.Remaining-1
		}
		b.Run(fmt.Sprintf("exchange/processes=%d", processes), func(b *testing.B) {
			for range processes {
				exchange(b)
			}
			for b.Loop() {
				exchange(b)
			}
		})
	}
}

// BenchmarkCalls reports how many exchanges a call costs: in a burst of bulk calls, in an
// iteration of one page after the other, and for interactive calls that are far apart.
func BenchmarkCalls(b *testing.B) {
	list := func(client *leedo.Client, opts ...leedo.RequestOption) {
		if _, err := client.Leads.List(b.Context(), nil, opts...); err != nil {
			b.Error(err)
		}
	}
	for name, calls := range map[string]func(*testing.B, *leedo.Client) int{
		"bulk": func(b *testing.B, client *leedo.Client) (calls int) {
			var all sync.WaitGroup
			next := make(chan struct{})
			for range 8 {
				all.Go(func() {
					for range next {
						list(client, leedo.WithPriority(leedo.PriorityBulk))
					}
				})
			}
			for b.Loop() {
				next <- struct{}{}
				calls++
			}
			close(next)
			all.Wait()
			return calls
		},
		"pages": func(b *testing.B, client *leedo.Client) (calls int) {
			for b.Loop() {
				list(client, leedo.WithPriority(leedo.PriorityBulk))
				calls++
			}
			return calls
		},
		"sparse": func(b *testing.B, client *leedo.Client) (calls int) {
			for b.Loop() {
				list(client)
				calls++
				pause(b)
			}
			return calls
		},
	} {
		b.Run(name, func(b *testing.B) {
			store := &counting{QuotaStore: newStore(b, startRedis(b).client(), "k")}
			client := leedotest.NewServer(leedotest.WithPlan(1e6), leedotest.WithRecentRequests(1)).Client(
				leedo.WithRateLimiter(newLimiter(b, store)))
			n := calls(b, client)
			b.ReportMetric(float64(store.good.Load())/float64(n), "exchanges/call")
		})
	}
}

// pause lets the machine become idle, as between calls that are far apart.
func pause(b *testing.B) {
	b.StopTimer()
	time.Sleep(25 * time.Millisecond)
	b.StartTimer()
}

// BenchmarkReport measures the report that a call makes when it leaves its process idle,
// and a PING for comparison.
func BenchmarkReport(b *testing.B) {
	rdb := startRedis(b).client()
	b.Run("ping", func(b *testing.B) {
		for b.Loop() {
			if err := rdb.Ping(b.Context()).Err(); err != nil {
				b.Fatal(err)
			}
			pause(b)
		}
	})
	b.Run("report", func(b *testing.B) {
		store := newStore(b, rdb, "k")
		a := ask(1, 0)
		for b.Loop() {
			b.StopTimer()
			a.Interactive = 1
			reply, err := store.Exchange(b.Context(), a)
			if err != nil || reply.Interactive != 1 {
				b.Fatal(reply, err)
			}
			a.Number, a.Served, a.Calls, a.Sent, a.Interactive = a.Number+1, a.Served+1, a.Calls+1, reply.Turn, 0
			a.Limit, a.Remaining, a.Reset = 1e6, 1e6-int(a.Served), time.Hour
			pause(b)
			if _, err := store.Exchange(b.Context(), a); err != nil {
				b.Fatal(err)
			}
			a.Number++
		}
	})
}
