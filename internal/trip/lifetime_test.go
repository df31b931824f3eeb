package trip

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type testKey struct{}

// started returns the lifetime of an attempt that may take a minute.
func started(parent context.Context) *lifetime {
	return &lifetime{parent: context.WithValue(parent, testKey{}, "value"), deadline: time.Now().Add(time.Minute), witness: &witness{}}
}

func TestALifetimeEndsWithTheAttempt(t *testing.T) {
	for name, looks := range map[string]func(context.Context){
		"not looked at":           func(context.Context) {},
		"looked at":               func(ctx context.Context) { ctx.Value(testKey{}) },
		"looked at for its end":   func(ctx context.Context) { ctx.Done() },
		"looked at by a child":    func(ctx context.Context) { child, cancel := context.WithCancel(ctx); defer cancel(); child.Err() },
		"looked at for deadlines": func(ctx context.Context) { ctx.Deadline() },
	} {
		synctest.Test(t, func(t *testing.T) {
			l := started(t.Context())
			looks(l)
			l.end()
			select {
			case <-l.Done():
			default:
				t.Errorf("%s: not done", name)
			}
			if l.Err() != context.Canceled || l.Value(testKey{}) != "value" {
				t.Errorf("%s: %v, %v", name, l.Err(), l.Value(testKey{}))
			}
		})
	}
}

func TestALifetimeEndsWithItsDeadline(t *testing.T) {
	for name, looked := range map[string]bool{"looked at before": true, "looked at afterwards": false} {
		synctest.Test(t, func(t *testing.T) {
			l := started(t.Context())
			defer l.end()
			if at, ok := l.Deadline(); looked && (!ok || !at.Equal(time.Now().Add(time.Minute)) || l.Err() != nil) {
				t.Errorf("%s: %v, %v, %v", name, at, ok, l.Err())
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if l.Err() != context.DeadlineExceeded {
				t.Errorf("%s: %v", name, l.Err())
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // without one
		l := started(t.Context())
		l.deadline = time.Time{}
		_, bounded := l.Deadline()
		time.Sleep(time.Hour)
		if l.Err() != nil || bounded {
			t.Errorf("without a deadline: %v", l.Err())
		}
		l.end()
	})
}

func TestALifetimeEndsWithTheCall(t *testing.T) {
	for name, looked := range map[string]bool{"looked at before": true, "looked at afterwards": false} {
		parent, cancel := context.WithCancelCause(t.Context())
		l := started(parent)
		if looked {
			l.Done()
		}
		reason := errors.New("reason")
		cancel(reason)
		<-l.Done()
		if l.Err() != context.Canceled || context.Cause(l) != reason {
			t.Errorf("%s: %v, %v", name, l.Err(), context.Cause(l))
		}
		l.end()
	}
}

// TestALifetimeHasOneTrace that tells the witness and whoever watched before.
func TestALifetimeHasOneTrace(t *testing.T) {
	asked := ""
	l := started(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GetConn: func(host string) { asked = host }}))
	defer l.end()
	traces := make([]*httptrace.ClientTrace, 8)
	var wg sync.WaitGroup
	for i := range traces {
		wg.Go(func() { traces[i] = httptrace.ContextClientTrace(l) })
	}
	wg.Wait()
	for _, trace := range traces {
		if trace == nil || trace != traces[0] {
			t.Fatalf("traces %v", traces)
		}
	}
	if l.witness.neverConnected() {
		t.Error("asked for a connection before it was")
	}
	traces[0].GetConn("host")
	if !l.witness.neverConnected() || asked != "host" {
		t.Errorf("told %q, %v", asked, l.witness.neverConnected())
	}
}
