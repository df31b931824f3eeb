package redislimit_test

import (
	"context"
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

// bulk returns workers that would send without end.
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

// noFailures checks that calls did not fail but for the quota.
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

// Eight processes that would send without end spend each window to the last
// request, and none is refused. The last one that is kept for interactive calls is set
// free so late, the last 25th of the window, that nobody may ask for it in the 160 ms
// that this is here.
func TestProcessesShareWindows(t *testing.T) {
	for reserve, least := range map[float64]int{-1: limit, 0: limit - 1} {
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
			n, refused := sum(w.served), sum(w.refused)
			t.Logf("reserve %v, window %d: %d served, %d refused", reserve, i, n, refused)
			if n < least || n > limit || refused != 0 {
				t.Errorf("reserve %v, window %d: %d served, want %d at least; %d refused, want 0", reserve, i, n, least, refused)
			}
		}
	}
}

// foreign spends from the quota at an even pace without asking anybody, until
// the function that it returns is called.
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

// Others who spend nearly a third of the quota without the store cost one
// refusal in a thousand requests at most.
func TestOthersSpendToo(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	a := newAPI(t, limit, length)
	stop := foreign(t, a, length/(limit*3/10))
	workers := bulk(t, 8, 2, a, r)
	all := a.await(t, "four windows", begun(5))
	noFailures(t, finish(t, workers...))
	stop()
	served, refused := 0, 0
	for i, w := range windows(all)[:4] {
		t.Logf("window %d: of %d served %d are others', %d of ours and %d of theirs refused", i,
			sum(w.served), w.served["foreign"], w.refused["bulk"], w.refused["foreign"])
		served += w.served["bulk"]
		refused += w.refused["bulk"]
	}
	t.Logf("%d refused of %d", refused, served+refused)
	if most := (served + refused + 999) / 1000; refused > most || served < 1000 {
		t.Errorf("%d refused of %d, want %d at most", refused, served+refused, most)
	}
}

// Interactive calls of one process pass the endless bulk of others.
func TestInteractivePassesBulkOfOthers(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	a := newAPI(t, limit, length)
	person := start(t, job{
		Name: "person", URL: a.url, Token: a.Token(), Redis: r.addr, Key: "test",
		Callers: 1, Every: 100 * time.Millisecond, MaxWait: leedo.NoMaxWait,
	})
	workers := bulk(t, 3, 4, a, r)
	all := a.await(t, "three windows", begun(4))
	reports := finish(t, append(workers, person)...)
	noFailures(t, reports)
	took := reports[3].Took
	slices.Sort(took)
	median := took[len(took)/2]
	t.Logf("%d calls, median %v, the longest %v", len(took), median, took[len(took)-1])
	if median > time.Second {
		t.Errorf("median %v", median)
	}
	for i, w := range windows(all)[:3] {
		t.Logf("window %d: %d served, %d of them interactive; %d refused", i, sum(w.served), w.served["person"], sum(w.refused))
		if sum(w.refused) != 0 {
			t.Errorf("window %d: %d refused", i, sum(w.refused))
		}
	}
}
