package redislimit_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
)

const (
	limit  = 500
	length = 4 * time.Second
)

// bulk returns workers that send bulk calls continuously.
func bulk(t *testing.T, n, callers int, a *api, r *redisServer) []*worker {
	t.Helper()
	var workers []*worker
	for range n {
		workers = append(workers, start(t, job{
			Name: "bulk", URL: a.url, Token: a.Token(), Redis: r.addr, Key: "test",
			Callers: callers, Priority: leedo.PriorityBulk, MaxWait: leedo.NoMaxWait,
		}))
	}
	return workers
}

// noFailures checks that no calls failed except because of the quota.
func noFailures(t *testing.T, reports []report) {
	t.Helper()
	for i, r := range reports {
		if r.Calls == 0 {
			t.Errorf("worker %d made no call", i)
		}
		if len(r.Failed) > 0 {
			t.Errorf("worker %d: %d calls failed: %s", i, len(r.Failed), r.Failed[0])
		}
	}
}

// Eight processes that send continuously spend each window to the last request, without a
// 429. The reserve for interactive calls releases its last request in the last 25th of
// the window, which is only 160 ms here, so bulk may not ask for it in time.
func TestProcessesShareWindows(t *testing.T) {
	t.Parallel()
	for reserve, least := range map[float64]int{-1: limit, 0: limit - 1} {
		t.Run(fmt.Sprint("reserve ", reserve), func(t *testing.T) {
			t.Parallel()
			r := startRedis(t)
			a := newAPI(t, limit, length)
			var workers []*worker
			for range 8 {
				workers = append(workers, start(t, job{
					Name: "bulk", URL: a.url, Token: a.Token(), Redis: r.addr, Key: "test",
					Callers: 4, Priority: leedo.PriorityBulk, MaxWait: leedo.NoMaxWait, Reserve: reserve,
				}))
			}
			all := a.await(t, "three windows", begun(4))
			noFailures(t, finish(t, workers...))
			for i, w := range windows(all)[:3] {
				n, rejected := sum(w.served), sum(w.rejected)
				t.Logf("window %d: %d served, %d rejected", i, n, rejected)
				if n < least || n > limit || rejected != 0 {
					t.Errorf("window %d: %d served, want %d at least; %d rejected, want 0", i, n, least, rejected)
				}
			}
		})
	}
}

// foreign spends from the quota at an even rate without the store, until the function
// that it returns is called.
func foreign(t *testing.T, a *api, every time.Duration) func() {
	ctx, cancel := context.WithCancel(t.Context())
	client := &http.Client{Transport: &http.Transport{}}
	var all sync.WaitGroup
	all.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			req, _ := http.NewRequestWithContext(ctx, "GET", a.url+"/leads", nil)
			req.Header.Set("Authorization", "Bearer "+a.Token())
			req.Header.Set("User-Agent", "foreign")
			if resp, err := client.Do(req); err == nil {
				resp.Body.Close()
			}
		}
	})
	stop := func() {
		cancel()
		all.Wait()
		client.CloseIdleConnections()
	}
	t.Cleanup(stop)
	return stop
}

// If others spend nearly a third of the quota without the store, at most five in a
// thousand requests get a 429: on a busy machine, some of theirs arrive at once.
func TestOthersSpendToo(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	a := newAPI(t, limit, length)
	stop := foreign(t, a, length/(limit*3/10))
	workers := bulk(t, 8, 2, a, r)
	all := a.await(t, "four windows", begun(5))
	noFailures(t, finish(t, workers...))
	stop()
	served, rejected := 0, 0
	for i, w := range windows(all)[:4] {
		t.Logf("window %d: of %d served %d are others', %d of ours and %d of theirs rejected", i,
			sum(w.served), w.served["foreign"], w.rejected["bulk"], w.rejected["foreign"])
		served += w.served["bulk"]
		rejected += w.rejected["bulk"]
	}
	t.Logf("%d rejected of %d", rejected, served+rejected)
	if most := (served + rejected) * 5 / 1000; rejected > most || served < 1000 {
		t.Errorf("%d rejected of %d, want %d at most", rejected, served+rejected, most)
	}
}

// Interactive calls of one process pass the continuous bulk calls of others.
func TestInteractivePassesBulkOfOthers(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	a := newAPI(t, limit, length)
	interactive := start(t, job{
		Name: "interactive", URL: a.url, Token: a.Token(), Redis: r.addr, Key: "test",
		Callers: 1, Every: 100 * time.Millisecond, MaxWait: leedo.NoMaxWait,
	})
	workers := bulk(t, 3, 4, a, r)
	all := a.await(t, "three windows", begun(4))
	reports := finish(t, append(workers, interactive)...)
	noFailures(t, reports)
	took := reports[3].Took
	slices.Sort(took)
	median := took[len(took)/2]
	t.Logf("%d calls, median %v, the longest %v", len(took), median, took[len(took)-1])
	if median > time.Second {
		t.Errorf("median %v", median)
	}
	for i, w := range windows(all)[:3] {
		t.Logf("window %d: %d served, %d of them interactive; %d rejected", i, sum(w.served), w.served["interactive"], sum(w.rejected))
		if sum(w.rejected) != 0 {
			t.Errorf("window %d: %d rejected", i, sum(w.rejected))
		}
	}
}
