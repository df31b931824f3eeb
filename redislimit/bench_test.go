package redislimit_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// BenchmarkExchange compares an exchange with a PING on the same connection,
// among as many processes as the state knows.
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
			answer, err := store.Exchange(b.Context(), *ask)
			if err != nil {
				b.Fatal(err)
			}
			ask.Served, ask.Sent, ask.Remaining = ask.Served+1, answer.Turn, ask.Remaining-1
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

// BenchmarkCalls tells how many exchanges a call costs: in a burst of bulk, and
// for interactive calls that are far apart.
func BenchmarkCalls(b *testing.B) {
	for name, bulk := range map[string]bool{"bulk": true, "sparse": false} {
		b.Run(name, func(b *testing.B) {
			store := &counting{QuotaStore: newStore(b, startRedis(b).client(), "k")}
			client := leedotest.NewServer(leedotest.WithPlan(1e6), leedotest.WithRecentRequests(1)).Client(
				leedo.WithRateLimiter(newLimiter(b, store)))
			calls := 0
			if bulk {
				var all sync.WaitGroup
				next := make(chan struct{})
				for range 8 {
					all.Go(func() {
						for range next {
							if _, err := client.Leads.List(b.Context(), nil, leedo.WithPriority(leedo.PriorityBulk)); err != nil {
								b.Error(err)
							}
						}
					})
				}
				for b.Loop() {
					next <- struct{}{}
					calls++
				}
				close(next)
				all.Wait()
			} else {
				for b.Loop() {
					if _, err := client.Leads.List(b.Context(), nil); err != nil {
						b.Fatal(err)
					}
					calls++
					b.StopTimer()
					time.Sleep(25 * time.Millisecond) // until all is reported
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(store.good.Load())/float64(calls), "exchanges/call")
		})
	}
}
