package quota

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

// The cost of a permit without waiters, including its response.
func BenchmarkReadyPermit(b *testing.B) {
	l := New(usual)
	r := headers(2e9, 1e9, 24*time.Hour)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		p, _, err := l.Acquire(ctx, Ask{Notify: quiet})
		if err != nil {
			b.Fatal(err)
		}
		l.Settle(p, false, r, time.Now())
	}
}

func BenchmarkWaiters10(b *testing.B)    { benchmarkWaiters(b, 10) }
func BenchmarkWaiters1000(b *testing.B)  { benchmarkWaiters(b, 1000) }
func BenchmarkWaiters10000(b *testing.B) { benchmarkWaiters(b, 10000) }

// benchmarkWaiters measures the cost of a call while n others wait: a call that
// passes them, one that gives up, and one that fails.
func benchmarkWaiters(b *testing.B, n int) {
	// waiters returns a ledger with n bulk callers waiting, half of them with a
	// bound, and a function that releases them.
	waiters := func(b *testing.B, left int) (*Ledger, func()) {
		l := New(usual)
		l.Settle(l.Grant(), false, headers(1e6, left, time.Hour), time.Now())
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan struct{})
		for i := range n {
			budget := Forever
			if i%2 == 1 {
				budget = 24 * time.Hour
			}
			go func() {
				l.Acquire(ctx, Ask{Class: Bulk, Budget: budget, Notify: quiet})
				done <- struct{}{}
			}()
		}
		for l.Figures().Waiting < n {
			runtime.Gosched()
		}
		return l, func() {
			cancel()
			for range n {
				<-done
			}
		}
	}
	b.Run("passes", func(b *testing.B) {
		l, leave := waiters(b, 10000) // within the reserve
		defer leave()
		r := headers(1e6, 10000, time.Hour)
		b.ReportAllocs()
		for b.Loop() {
			p, _, err := l.Acquire(b.Context(), Ask{Notify: quiet})
			if err != nil {
				b.Fatal(err)
			}
			l.Settle(p, false, r, time.Now())
		}
	})
	b.Run("gives up", func(b *testing.B) {
		l, leave := waiters(b, 0)
		defer leave()
		b.ReportAllocs()
		for b.Loop() {
			ctx, cancel := context.WithCancel(b.Context())
			if _, _, err := l.Acquire(ctx, Ask{Budget: Forever, Notify: func(Wait) { cancel() }}); !errors.Is(err, context.Canceled) {
				b.Fatal(err)
			}
		}
	})
	b.Run("fails", func(b *testing.B) {
		l, leave := waiters(b, 0)
		defer leave()
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := l.Acquire(b.Context(), Ask{Budget: time.Minute, Notify: quiet}); err == nil {
				b.Fatal("got a permit")
			}
		}
	})
}
