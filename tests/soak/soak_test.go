package soak_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

const (
	goroutines = 64
	rounds     = 10
	// few is how many calls each goroutine makes in a round if no time is given.
	few = 1
)

// The bounds on what may be left at the end of a round, when no call is running and
// all connections are closed, compared with the first round.
const (
	moreHeap = 2 << 20 // bytes
	// idle is how many goroutines there are without connections. Others end a little after
	// their connection, which is waited for, up to patience.
	idle     = 4
	patience = 10 * time.Second
	// A transport may dial for a call that then gets a connection that has become
	// free, so with HTTP/1 there may be more connections than calls.
	maxConnsHTTP1 = 2 * goroutines
	// With HTTP/2 the calls of a client share one connection.
	maxConnsHTTP2 = 3
)

// Under load, with faults and a short quota, nothing leaks: after the last round heap
// and goroutines are those of the first. Each create has the outcome that OutcomeOf
// says.
func TestSoak(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		version, maxConns := 1, maxConnsHTTP1
		if http2 {
			version, maxConns = 2, maxConnsHTTP2
		}
		t.Run(fmt.Sprintf("HTTP%d", version), func(t *testing.T) {
			w := newWorld(t, http2)
			first := w.round(*duration / rounds)
			t.Log("after the first round:", first)
			last := first
			for range rounds - 1 {
				last = w.round(*duration / rounds)
			}
			t.Log("after the last round: ", last)
			t.Log(w.ledger)
			if last.heap > first.heap+moreHeap {
				t.Errorf("the heap grew from %d to %d KiB", first.heap>>10, last.heap>>10)
			}
			if last.goroutines > idle {
				t.Errorf("%d goroutines are left, want %d", last.goroutines, idle)
			}
			if last.maxConns > maxConns {
				t.Errorf("%d connections were open at the same time, at most %d are expected", last.maxConns, maxConns)
			}
			if w.major.Load() != int32(version) {
				t.Errorf("the last request was HTTP/%d", w.major.Load())
			}
			w.ledger.checkExercised(t)
		})
	}
}

// figures are what is measured after a round.
type figures struct {
	heap             uint64 // bytes that live
	goroutines       int
	maxConns         int // that were open at the same time, since the start
	requests, failed int // since the start
}

func (f figures) String() string {
	return fmt.Sprintf("heap %d KiB, %d goroutines, at most %d connections at a time, %d requests, %d calls that failed",
		f.heap>>10, f.goroutines, f.maxConns, f.requests, f.failed)
}

// round lets all goroutines make calls, for a while if d is not zero, waits until nothing is in flight,
// compares the records with the outcomes, and measures.
func (w *world) round(d time.Duration) figures {
	w.t.Helper()
	w.connect()
	ctx := w.t.Context()
	if d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	var callers sync.WaitGroup
	for i := range goroutines {
		callers.Go(func() {
			c := w.caller(ctx, i)
			for n := 0; ctx.Err() == nil && (d > 0 || n < few); n++ {
				c.call()
			}
		})
	}
	callers.Wait()
	w.disconnect()
	w.settle()
	for start := time.Now(); runtime.NumGoroutine() > idle && time.Since(start) < patience; {
		time.Sleep(time.Millisecond)
	}

	runtime.GC()
	runtime.GC() // what has a finalizer, and pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return figures{
		heap: m.HeapAlloc, goroutines: runtime.NumGoroutine(), maxConns: w.conns.most(),
		requests: int(w.requests.Load()), failed: int(w.failed.Load()),
	}
}
