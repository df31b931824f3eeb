package quota

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// newsList is what was to be logged about a store.
type newsList []string

func (l *newsList) take(n StoreNews) {
	if n.Failed != nil {
		*l = append(*l, "failed: "+n.Failed.Error())
	}
	if n.Returned {
		*l = append(*l, "returned")
	}
	if n.Mixed {
		*l = append(*l, "mixed")
	}
}

func (l newsList) String() string { return strings.Join(l, "; ") }

// A store that fails or is slow costs at most a tenth of a second and no call. Then
// the ledger's own account decides, and after five seconds the store is asked
// again.
func TestAStoreThatFailsIsLeftAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		fail   func(*counter)
		within time.Duration
		want   string
	}{
		"an error":                  {func(c *counter) { c.err = errors.New("down") }, 0, "down"},
		"a panic":                   {func(c *counter) { c.panics = true }, 0, "panic in the QuotaStore"},
		"slow":                      {func(c *counter) { c.delay = time.Minute }, storeTimeout, "context deadline exceeded"},
		"slow, and deaf to context": {func(c *counter) { c.delay, c.deaf = time.Minute, true }, storeTimeout, errHangs.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &counter{left: 1000, again: time.Second}
				d := with(t, c)
				var news newsList
				call := func(class Class) time.Duration {
					start := time.Now()
					p, _, err := d.Acquire(t.Context(), Ask{Class: class, Budget: time.Minute, Notify: quiet,
						StoreNews: news.take})
					if err != nil {
						t.Fatal(err)
					}
					d.Settle(p, false, headers(1000, 900, time.Hour), time.Now())
					return time.Since(start)
				}
				call(Interactive)
				c.set(func() { tt.fail(c) })
				<-time.After(time.Second)
				_, asks := c.seen()
				n := len(asks)
				if took := call(Interactive); took > tt.within {
					t.Errorf("a call took %v", took)
				}
				for range 100 {
					if took := call(Bulk); took != 0 {
						t.Errorf("a later call took %v", took)
					}
				}
				if tt.within == 0 && news.String() != "failed: "+tt.want {
					t.Errorf("the cause was not logged at once: %v", news)
				}
				if _, asks := c.seen(); len(asks)-n > 1 {
					t.Errorf("%d exchanges with a store that fails", len(asks)-n)
				}
				<-time.After(2 * time.Minute)
				c.set(func() { c.err, c.panics, c.delay, c.deaf = nil, false, 0, false })
				call(Interactive) // decided by the own account; the store is asked concurrently
				<-time.After(time.Second)
				before, asks := c.seen()
				n = len(asks)
				call(Interactive)
				<-time.After(time.Second)
				if left, asks := c.seen(); left != before-1 || asks[n].Interactive != 1 {
					t.Errorf("the store does not decide again: %d left of %d, asked for %d", left, before, asks[n].Interactive)
				}
				if news.String() != "failed: "+tt.want+"; returned" {
					t.Errorf("logged in all: %v", news)
				}
			})
		})
	}
}

// A caller that the account fails while the store fails has the store asked, too;
// otherwise a process whose callers all fail would never return to it.
func TestWhoIsRefusedAsksAStoreThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 10, again: time.Second}
		d := with(t, c)
		d.come(t.Context(), "a", Interactive, time.Minute)
		d.respond("a", false, headers(100, 0, time.Hour))
		c.set(func() { c.err = errors.New("down") })
		<-time.After(time.Minute)
		d.come(t.Context(), "b", Interactive, time.Second) // the store fails while it waits
		if d.failedUntil("b").IsZero() {
			t.Error("b was not failed")
		}
		c.set(func() { c.err = nil })
		_, asks := c.seen()
		n := len(asks)
		<-time.After(storeRest - 1)
		for after, name := range []string{"c", "d"} {
			if d.come(t.Context(), name, Interactive, time.Second); d.failedUntil(name).IsZero() {
				t.Errorf("%s was not failed", name)
			}
			if _, asks = c.seen(); len(asks) != n+after {
				t.Errorf("%s: %d exchanges, want %d", name, len(asks)-n, after)
			}
			<-time.After(1)
		}
		d.come(t.Context(), "e", Interactive, time.Second)
		if got := d.passed(); got != "a e" {
			t.Errorf("the store does not decide again: passed %q", got)
		}
	})
}

// A late reply is better than none: the store decides again, and if the reply
// before was in time, as when the connection was new, it is not a failure.
func TestALateAnswerCounts(t *testing.T) {
	for late, want := range map[time.Duration]string{
		storeTimeout + 50*time.Millisecond: "",
		storeDial:                          "",
		storeDial + time.Millisecond:       "failed: an exchange took 301ms, longer than the limit of 100ms; returned",
		time.Second:                        "failed: an exchange took 1s, longer than the limit of 100ms; returned",
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &counter{left: 10, again: time.Second}
			d := with(t, c)
			var news newsList
			call := func() {
				p, _, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet, StoreNews: news.take})
				if err != nil {
					t.Fatal(err)
				}
				d.Settle(p, false, headers(1000, 900, time.Hour), time.Now())
			}
			call()
			<-time.After(time.Second)
			c.set(func() { c.delay = late })
			call()
			c.set(func() { c.delay = 0 })
			<-time.After(late + time.Second)
			before, _ := c.seen()
			call()
			<-time.After(time.Second)
			if left, _ := c.seen(); left != before-1 || d.keeper.(*shared).local {
				t.Errorf("%d left of %d; left alone: %v", left, before, d.keeper.(*shared).local)
			}
			if d.Report(news.take); news.String() != want {
				t.Errorf("logged: %v, want %q", news, want)
			}
		})
	}
}

// A store that is always slow is not asked more often than one that fails, and not
// at all without calls.
func TestAStoreThatIsAlwaysSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 1000, again: time.Second, delay: 150 * time.Millisecond, deaf: true}
		d := with(t, c)
		var news newsList
		for range 60 {
			p, waited, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet, StoreNews: news.take})
			if err != nil || waited > storeTimeout {
				t.Fatalf("%v after %v", err, waited)
			}
			<-time.After(time.Second)
			d.Settle(p, false, headers(1000, 900, time.Hour), time.Now())
		}
		_, asks := c.seen()
		if len(asks) > 20 || news.String() != "failed: an exchange took 150ms, longer than the limit of 100ms" {
			t.Errorf("%d exchanges in a minute, logged: %v", len(asks), news)
		}
		n := len(asks)
		<-time.After(time.Hour)
		if _, asks = c.seen(); len(asks) > n+2 {
			t.Errorf("%d exchanges while nobody calls", len(asks)-n)
		}
	})
}

// broken is an error whose text cannot be read.
type broken struct{ text string }

func (b *broken) Error() string { return b.text }

// storeFunc is a function as a store.
type storeFunc func() (StoreReply, error)

func (f storeFunc) Exchange(context.Context, StoreAsk) (StoreReply, error) { return f() }

// Whatever a store does, no caller is blocked or harmed by it.
func TestAStoreMayDoAnything(t *testing.T) {
	for name, store := range map[string]storeFunc{
		"an error that cannot be printed": func() (StoreReply, error) { var err *broken; return StoreReply{}, err },
		"the end of the goroutine":        func() (StoreReply, error) { runtime.Goexit(); return StoreReply{}, nil },
		"nonsense": func() (StoreReply, error) {
			return StoreReply{Interactive: -5, Bulk: math.MaxInt, AskAgain: -1, Opens: -1, Turn: -1}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				o := usual
				o.Store = storeFunc(func() (StoreReply, error) { asked.Add(1); return store() })
				l := New(o)
				for i := range 10 {
					p, waited, err := l.Acquire(t.Context(), Ask{Class: Bulk, Budget: time.Minute, Notify: quiet, StoreNews: func(n StoreNews) {
						if n.Failed.Error() == "" {
							t.Error("trouble without a text")
						}
					}})
					if err != nil || waited > storeTimeout {
						t.Fatalf("call %d: %v after %v", i, err, waited)
					}
					l.Settle(p, false, headers(100, 99-i, time.Hour), time.Now())
				}
				<-time.After(time.Minute)
				if n := asked.Load(); n > 20 {
					t.Errorf("%d exchanges", n)
				}
			})
		})
	}
}

// A store that has no permits and names no time is asked less and less often, at
// irregular intervals.
func TestAStoreWithoutPermitsIsAskedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		d := with(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		d.come(ctx, "a", Interactive, Forever)
		const most = 320 * time.Millisecond // and an eighth
		time.Sleep(time.Second)
		_, asks := c.seen()
		first := len(asks)
		time.Sleep(20 * time.Second)
		_, asks = c.seen()
		if n, least := len(asks)-first, int(20*time.Second/(most+most/8)); first < 4 || n < least || n >= int(20*time.Second/most) {
			t.Errorf("asked %d times in the first second and %d in 20 more", first, n)
		}
		cancel()
		time.Sleep(time.Second)
	})
}

// A store that failed is asked again after five seconds, and then decides.
func TestAStoreThatFailsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 100, err: errors.New("down")}
		d := with(t, c)
		learn(t, d.Ledger, headers(100, 50, time.Hour))
		_, asks := c.seen()
		before := len(asks)
		c.set(func() { c.err = nil })
		time.Sleep(4 * time.Second)
		learn(t, d.Ledger, headers(100, 49, time.Hour))
		if _, asks = c.seen(); len(asks) != before {
			t.Errorf("asked %d times more within 4 s", len(asks)-before)
		}
		time.Sleep(2 * time.Second)
		learn(t, d.Ledger, headers(100, 48, time.Hour))
		synctest.Wait()
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.keeper.(*shared).local {
			t.Errorf("not asked again after 6 s")
		}
	})
}

// If a store fails while callers that do not wait ask it, none of them is delayed:
// what is unknown forbids nothing.
func TestAStoreThatFailsRefusesNobodyWhoDoesNotWait(t *testing.T) {
	for name, c := range map[string]*counter{
		"slow": {delay: 90 * time.Millisecond, err: errors.New("down")},
		"hung": {delay: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := with(t, c)
			for i := range 20 {
				go func() {
					_, waited, err := d.Acquire(t.Context(), Ask{Class: Class(i % 2), Notify: quiet})
					if err != nil || waited > storeTimeout {
						t.Errorf("%s, class %d: %v after %v", name, i%2, err, waited)
					}
				}()
			}
			time.Sleep(2 * storeTimeout)
			inFlight(t, d.Ledger, 20)
			time.Sleep(2 * storeRest)
		})
	}
}

// A failure is reported once until a reply comes in time. A late reply does not
// count as that: a store that is always slow is reported once.
func TestAFailureIsReportedAgainAfterAnAnswerInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 100, again: time.Second}
		d := with(t, c)
		var news newsList
		call := func(delay time.Duration, want int) {
			t.Helper()
			c.set(func() { c.delay = delay })
			p, _, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet, StoreNews: news.take})
			if err != nil {
				t.Fatal(err)
			}
			d.Settle(p, false, headers(1000, 900, time.Hour), time.Now())
			<-time.After(20 * time.Second)
			if d.Report(news.take); len(news) != want {
				t.Errorf("after a reply in %v: %v", delay, news)
			}
		}
		call(0, 0)
		call(time.Second, 1)
		call(time.Second, 1)
		call(0, 2) // the store returned
		call(time.Second, 3)
	})
}

// A reply at the very moment when it would be late is either in time or late, not
// both.
func TestAnAnswerAtTheLastMoment(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			c := &counter{left: 10, again: time.Second, delay: storeTimeout}
			d := with(t, c)
			p, _, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			d.mu.Lock()
			if d.shared.local {
				t.Error("the store has replied and does not decide")
			}
			d.mu.Unlock()
			d.Settle(p, false, headers(1000, 900, time.Hour), time.Now())
			<-time.After(time.Second)
		})
	}
}

// While calls wait, a store that failed is asked again even if no other call comes.
func TestWhoWaitsAsksAStoreThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{left: 100, err: errors.New("down")}
		d := with(t, c)
		learn(t, d.Ledger, headers(100, 0, time.Hour))
		d.come(t.Context(), "a", Interactive, Forever)
		d.come(t.Context(), "b", Bulk, Forever)
		c.set(func() { c.err = nil })
		if got := d.passed(); got != "" {
			t.Errorf("passed at once: %q", got)
		}
		<-time.After(storeRest + storeTimeout)
		if got := d.passed(); got != "a b" {
			t.Errorf("passed after %v: %q", storeRest+storeTimeout, got)
		}
	})
}

// Two late replies count as failures if they are less than ten seconds apart.
func TestASecondLateReplyIsAFailure(t *testing.T) {
	for apart, want := range map[time.Duration]string{
		9 * time.Second:  "failed: an exchange took 150ms, longer than the limit of 100ms; returned",
		11 * time.Second: "",
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &counter{left: 100, again: time.Second}
			d := with(t, c)
			var news newsList
			call := func(delay time.Duration) {
				c.set(func() { c.delay = delay })
				p, _, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet, StoreNews: news.take})
				if err != nil {
					t.Fatal(err)
				}
				d.Settle(p, false, headers(1000, 900, time.Hour), time.Now())
				c.set(func() { c.delay = 0 })
			}
			call(0)
			time.Sleep(time.Minute)
			start := time.Now()
			call(150 * time.Millisecond)
			time.Sleep(apart - time.Since(start) + storeTimeout)
			call(150 * time.Millisecond)
			time.Sleep(20 * time.Second)
			call(0)
			time.Sleep(time.Second)
			if d.Report(news.take); news.String() != want {
				t.Errorf("%v apart: %v, want %q", apart, news, want)
			}
		})
	}
}

// A store that ignores the end of its context is reported after ten seconds: five
// seconds after that end.
func TestAStoreThatIgnoresItsContextIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{delay: time.Minute, deaf: true}
		d := with(t, c)
		var news newsList
		p, _, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet})
		if err != nil {
			t.Fatal(err)
		}
		d.Cancel(p, false)
		for _, want := range []string{"", "failed: " + errHangs.Error()} {
			time.Sleep(2*storeRest - storeTimeout - 1)
			if d.shared.deliver(news.take); news.String() != want {
				t.Errorf("logged: %v, want %q", news, want)
			}
		}
		time.Sleep(time.Minute)
	})
}

// A late reply counts if it comes before the end of the context, not if the store has
// ignored that.
func TestHowLateAReplyMayBe(t *testing.T) {
	for late, counts := range map[time.Duration]bool{storeRest - 1: true, storeRest: false, storeRest * 3 / 2: false} {
		synctest.Test(t, func(t *testing.T) {
			d := with(t, &counter{left: 10, delay: late, deaf: true})
			d.come(t.Context(), "a", Interactive, time.Minute)
			time.Sleep(late)
			synctest.Wait()
			d.Ledger.mu.Lock()
			if d.shared.local == counts {
				t.Errorf("a reply after %v: the account decides: %v", late, d.shared.local)
			}
			d.Ledger.mu.Unlock()
			d.Cancel(d.permit("a"), false)
			time.Sleep(time.Minute)
		})
	}
}

// When an exchange has ended, so has its context: what the store began in it can end, too.
func TestTheContextEndsWithTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &contextStore{}
		o := usual
		o.Store = s
		l := New(o)
		p, _, err := l.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s.ctx.Err() == nil {
			t.Error("the context goes on")
		}
		l.Cancel(p, false)
		time.Sleep(time.Minute)
	})
}

// contextStore keeps the context of an exchange.
type contextStore struct{ ctx context.Context }

func (s *contextStore) Exchange(ctx context.Context, ask StoreAsk) (StoreReply, error) {
	s.ctx = ctx
	return StoreReply{Interactive: ask.Interactive}, nil
}

// A wait that was one for a store at first, and then so short a one for the quota that it
// is not reported, has its reason when it is over.
func TestAWaitAfterAStoreFailedHasAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := with(t, &counter{err: errors.New("down"), delay: storeTimeout / 2})
		now := time.Now()
		d.account.settle(d.account.grant(Interactive, now), false, headers(100, 0, 400*time.Millisecond), now)
		var waited Wait
		p, took, err := d.Acquire(t.Context(), Ask{Budget: time.Minute, Notify: quiet, Waited: func(w Wait, _ time.Duration) { waited = w }})
		if err != nil || took < 400*time.Millisecond || waited.Reason != WaitQuota {
			t.Errorf("%v after %v for %q", err, took, waited.Reason)
		}
		d.Cancel(p, false)
		time.Sleep(time.Minute)
	})
}
