package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// quotaTraces are several calls under a quota. All print times to the second:
// after a reset the limiter waits for a random part of half a second.
func quotaTraces() []trace {
	var all []trace
	add := func(name string, play func(*scene)) {
		all = append(all, trace{name, func(s *scene) { s.grain, s.waited = time.Second, true; play(s) }})
	}
	get, create := operationsNamed("Leads.Get")[0], operationsNamed("Leads.Create")[0]

	// Servers, by how they count.
	servers := []struct {
		name    string
		gradual bool // what was used does not come back at a full second
		opts    []leedotest.ServerOption
	}{
		{"a fixed window", false, nil},
		{"a fixed window, 429s that cost", false, []leedotest.ServerOption{leedotest.WithCountedRefusals()}},
		{"a fixed window, no Retry-After", false, []leedotest.ServerOption{leedotest.WithRetryAfter(leedotest.RetryAfterNone)}},
		{"a fixed window, Retry-After as a date", false, []leedotest.ServerOption{leedotest.WithRetryAfter(leedotest.RetryAfterDate)}},
		{"a sliding window", true, []leedotest.ServerOption{leedotest.WithAlgorithm(leedotest.SlidingLog)}},
		{"a sliding counter", true, []leedotest.ServerOption{leedotest.WithAlgorithm(leedotest.SlidingCounter)}},
		{"a token bucket", true, []leedotest.ServerOption{leedotest.WithAlgorithm(leedotest.TokenBucket)}},
		{"a clock an hour ahead", false, []leedotest.ServerOption{leedotest.WithClockSkew(time.Hour)}},
		{"a clock an hour behind", false, []leedotest.ServerOption{leedotest.WithClockSkew(-time.Hour)}},
		{"Reset in milliseconds", true, []leedotest.ServerOption{leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds)}},
		{"Reset in seconds from now", false, []leedotest.ServerOption{leedotest.WithResetFormat(leedotest.ResetDeltaSeconds)}},
		{"Reset as an HTTP date", false, []leedotest.ServerOption{leedotest.WithResetFormat(leedotest.ResetHTTPDate)}},
		{"Reset as RFC 3339", false, []leedotest.ServerOption{leedotest.WithResetFormat(leedotest.ResetRFC3339)}},
	}
	for _, srv := range servers {
		limited := func(limit int, window time.Duration) *leedotest.Server {
			server := leedotest.NewServer(append(srv.opts, leedotest.WithToken(token))...)
			server.AddLead(leedo.Lead{ID: "id-1", Name: "John Doe"})
			server.SetRateLimit(limit, window)
			return server
		}
		add(srv.name+": used up, waits for the reset", func(s *scene) {
			client := s.fake(limited(3, 40*time.Second))
			for range 4 {
				s.call(get, client)
			}
			if !srv.gradual { // else the next wait depends on the random part of this one
				s.call(get, client)
				s.quota(client)
			}
		})
		if strings.HasPrefix(srv.name, "Reset") {
			continue
		}
		add(srv.name+": used up, WithMaxWait 0", func(s *scene) {
			client := s.fake(limited(2, time.Hour), leedo.WithMaxWait(0))
			for range 3 {
				s.call(get, client)
			}
			s.sleep(2 * time.Hour)
			s.call(get, client)
			s.quota(client)
		})
		add(srv.name+": used up, the reset is beyond WithMaxWait", func(s *scene) {
			client := s.fake(limited(2, time.Hour))
			for range 3 {
				s.call(create, client)
			}
		})
		add(srv.name+": used up, NoMaxWait", func(s *scene) {
			client := s.fake(limited(2, time.Hour), leedo.WithMaxWait(leedo.NoMaxWait))
			for range 3 {
				s.call(get, client)
			}
		})
		add(srv.name+": used up, the deadline is before the reset", func(s *scene) {
			client := s.fake(limited(2, time.Hour), leedo.WithMaxWait(leedo.NoMaxWait))
			for range 2 {
				s.call(get, client)
			}
			ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
			defer cancel()
			s.callWith(ctx, get, client)
		})
		add(srv.name+": used up by others", func(s *scene) {
			server := limited(6, 40*time.Second)
			client, other := s.fake(server), server.Client()
			s.call(get, client)
			for range 5 {
				if _, err := get.call(s.t.Context(), other); err != nil {
					s.say("the other client: %v", err)
				}
			}
			s.call(get, client)
		})
		add(srv.name+": nothing at all is allowed", func(s *scene) {
			client := s.fake(limited(0, 50*time.Second), leedo.WithMaxWait(0))
			s.call(create, client)
		})
		add(srv.name+": another plan", func(s *scene) {
			server := limited(2, time.Hour)
			client := s.fake(server, leedo.WithMaxWait(0))
			s.call(get, client)
			server.SetPlan(4)
			s.call(get, client)
			s.quota(client)
			s.call(get, client)
			s.quota(client)
		})
	}

	// Local bounds.
	limiter := func(s *scene, o leedo.RateLimiterOptions) leedo.Option {
		l, err := leedo.NewRateLimiter(&o)
		if err != nil {
			s.t.Fatal(err)
		}
		return leedo.WithRateLimiter(l)
	}
	plenty := func(limit int) *leedotest.Server {
		server := leedotest.NewServer(leedotest.WithToken(token), leedotest.WithPlan(leedotest.Plan(limit)))
		server.AddLead(leedo.Lead{ID: "id-1", Name: "John Doe"})
		return server
	}
	for _, name := range []string{
		"five failures, then six calls at the same time",
		"five failures, then six calls at the same time, WithMaxWait 0",
		"five failures, then six calls at the same time to a server that hangs",
		"six calls at the same time to a server that hangs from the start",
	} {
		add(name, func(s *scene) {
			var n atomic.Int32
			failures := 5
			hangs, never := strings.Contains(name, "hangs"), strings.Contains(name, "WithMaxWait 0")
			if strings.Contains(name, "from the start") {
				failures = 0
			}
			client := s.client(server(func(*http.Request) reply {
				switch {
				case int(n.Add(1)) <= failures:
					return respond(502, "", rate("100", "50", "3600")...)
				case hangs:
					return respond(200, leadJSON).late(time.Hour)
				}
				return respond(200, leadJSON, rate("100", "50", "3600")...).late(2 * time.Second)
			}), leedo.WithRetries(0))
			for range failures {
				client.Leads.Get(s.t.Context(), "id-1")
			}
			var opts []leedo.RequestOption
			if never {
				opts = append(opts, leedo.WithMaxWait(0))
			}
			var calls []func()
			for range 6 {
				calls = append(calls, func() { s.call(get, client, opts...) })
			}
			s.together(calls...)
		})
	}
	for _, n := range []float64{0.5, 1, 2, 10} {
		all = append(all, trace{fmt.Sprintf("RequestsPerSecond %v", n), func(s *scene) {
			client := s.fake(plenty(1000), limiter(s, leedo.RateLimiterOptions{RequestsPerSecond: n}))
			for range 4 {
				s.call(get, client)
			}
			s.call(get, client, leedo.WithMaxWait(0))
		}}, trace{fmt.Sprintf("RequestsPerSecond %v, retries count", n), func(s *scene) {
			s.call(get, s.client(get.script(respond(503, "")), limiter(s, leedo.RateLimiterOptions{RequestsPerSecond: n})))
		}})
	}
	for _, share := range []float64{0.1, 0.25, 0.5, 0.9, 1} {
		add(fmt.Sprintf("Share %v of 10", share), func(s *scene) {
			client := s.fake(plenty(10), limiter(s, leedo.RateLimiterOptions{Share: share}), leedo.WithMaxWait(0))
			for range 7 {
				s.call(get, client)
			}
			s.quota(client)
			s.sleep(2 * time.Hour)
			s.call(get, client)
		})
	}
	for _, reserve := range []float64{-1, 0, 0.1, 0.5, 1} {
		add(fmt.Sprintf("Reserve %v of 10", reserve), func(s *scene) {
			client := s.fake(plenty(10), limiter(s, leedo.RateLimiterOptions{Reserve: reserve}), leedo.WithMaxWait(0))
			for range 6 {
				s.call(get, client, leedo.WithPriority(leedo.PriorityBulk))
			}
			s.call(get, client)
			s.quota(client)
		})
	}
	for _, class := range []leedo.Priority{leedo.PriorityInteractive, leedo.PriorityBulk} {
		for _, limit := range []int{20, 100, 500} {
			add(fmt.Sprintf("the reserve of %d, priority %d", limit, class), func(s *scene) {
				client := s.unseen(plenty(limit).HTTPClient().Transport, leedo.WithMaxWait(0))
				for n := range limit {
					if _, err := get.call(s.t.Context(), client, leedo.WithPriority(class)); err != nil {
						s.say("after %s", plural(n, "call"))
						s.result(nil, err)
						break
					}
				}
				s.quota(client)
				s.call(get, client)
				s.quota(client)
			})
		}
	}
	add("two clients share a limiter", func(s *scene) {
		server := plenty(2)
		shared := limiter(s, leedo.RateLimiterOptions{})
		a, b := s.fake(server, shared, leedo.WithMaxWait(0)), s.fake(server, shared, leedo.WithMaxWait(0))
		s.call(get, a)
		s.call(get, b)
		s.call(get, a)
		s.quota(b)
	})
	add("two clients without a common limiter", func(s *scene) {
		server := plenty(2)
		a, b := s.fake(server, leedo.WithMaxWait(0)), s.fake(server, leedo.WithMaxWait(0))
		s.call(get, a)
		s.call(get, b)
		s.call(get, a)
		s.quota(b)
	})
	add("WithoutRateLimiter, used up", func(s *scene) {
		client := s.fake(plenty(2), leedo.WithoutRateLimiter())
		for range 3 {
			s.call(get, client)
		}
		s.quota(client)
	})

	// Calls at the same time. The server takes a second for each.
	slow := func(header ...string) server {
		n := 0
		return func(*http.Request) reply {
			n++ // no two responses at the same time
			return respond(200, leadJSON, header...).late(time.Second + time.Duration(n)*10*time.Millisecond)
		}
	}
	several := func(s *scene, n int, client *leedo.Client, opts ...leedo.RequestOption) (calls []func()) {
		for range n {
			calls = append(calls, func() { s.call(get, client, opts...) })
		}
		return calls
	}
	for _, n := range []int{3, 4, 5, 9} {
		add(fmt.Sprintf("%d calls at the same time before anything is known", n), func(s *scene) {
			s.together(several(s, n, s.client(slow()))...)
		})
		add(fmt.Sprintf("%d calls at the same time, 3 left", n), func(s *scene) {
			client := s.client(slow(rate("100", "3", "60")...))
			s.call(get, client)
			s.together(several(s, n, client, leedo.WithMaxWait(0))...)
		})
	}
	add("429s to calls at the same time", func(s *scene) {
		n := 0
		client := s.client(server(func(*http.Request) reply {
			if n++; n <= 3 {
				return respond(429, problem("rate_limited", "slow down"), "Retry-After", "10").late(time.Second + time.Duration(n)*10*time.Millisecond)
			}
			return respond(200, leadJSON).late(time.Second + time.Duration(n)*10*time.Millisecond)
		}))
		s.together(several(s, 3, client)...)
	})
	add("one probe after the reset", func(s *scene) {
		n := 0
		client := s.client(server(func(*http.Request) reply {
			if time.Since(s.start) < 20*time.Second {
				return respond(200, leadJSON, rate("100", "0", "946684820")...)
			}
			n++
			return respond(200, leadJSON, rate("100", "99", "946688420")...).late(2*time.Second + time.Duration(n)*10*time.Millisecond)
		}))
		s.call(get, client)
		s.together(several(s, 4, client)...)
	})
	add("figures while calls are in flight and wait", func(s *scene) {
		client := s.client(slow(rate("10", "2", "60")...), leedo.WithMaxWait(0))
		s.call(get, client)
		s.together(func() { s.call(get, client) }, func() { s.call(get, client) }, func() { s.quota(client) }, func() { s.sleep(3 * time.Second); s.quota(client) })
	})
	add("interactive calls pass before bulk", func(s *scene) {
		client := s.client(slow())
		bulk := several(s, 6, client, leedo.WithPriority(leedo.PriorityBulk), leedo.WithHeader("X-Class", "bulk"))
		s.together(append(bulk, several(s, 2, client, leedo.WithHeader("X-Class", "interactive"))...)...)
	})
	add("a call that waits is canceled", func(s *scene) {
		client := s.client(replies(respond(200, leadJSON, rate("10", "0", "30")...)))
		s.call(get, client)
		ctx, cancel := context.WithCancelCause(s.t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(errOwn) })
		s.callWith(ctx, create, client)
	})
	add("waits add up to WithMaxWait", func(s *scene) {
		client := s.client(server(soon))
		s.call(get, client)
		s.call(get, client, leedo.WithMaxWait(25*time.Second))
	})
	add("a 503, then a wait for the quota that is too long", func(s *scene) {
		s.call(get, s.client(replies(respond(503, problem("down", "maintenance"), rate("10", "0", "3600")...))))
		s.call(create, s.client(replies(respond(503, problem("down", "maintenance"), rate("10", "0", "3600")...))), leedo.WithIdempotent())
	})
	add("requests without a response cost quota", func(s *scene) {
		client := s.client(replies(respond(200, leadJSON, rate("10", "3", "3600")...), reset), leedo.WithMaxWait(0))
		s.call(get, client)
		s.call(get, client, leedo.WithRetries(1))
		s.quota(client)
		s.call(get, client)
		s.quota(client)
	})
	add("requests that were not sent cost nothing", func(s *scene) {
		client := s.client(replies(respond(200, leadJSON, rate("10", "3", "3600")...), refused), leedo.WithMaxWait(0))
		s.call(get, client)
		s.call(create, client)
		s.quota(client)
	})
	add("an older response does not raise what is left", func(s *scene) {
		n := 0
		client := s.client(server(func(*http.Request) reply {
			n++
			return respond(200, leadJSON, rate("10", fmt.Sprint(10-n), "3600")...).late(time.Duration(10-n) * time.Second)
		}))
		s.together(append(several(s, 3, client), func() { s.sleep(11 * time.Second); s.quota(client) })...)
	})
	return append(all, storeTraces()...)
}

// storeFunc is a QuotaStore made of a function.
type storeFunc func(leedo.QuotaAsk) (leedo.QuotaAnswer, error)

func (f storeFunc) Exchange(_ context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
	return f(ask)
}

func storeTraces() []trace {
	stores := map[string]func(int, leedo.QuotaAsk) (leedo.QuotaAnswer, error){
		"grants what is wanted": func(n int, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
			return leedo.QuotaAnswer{Interactive: ask.Interactive, Bulk: ask.Bulk, Turn: int64(n)}, nil
		},
		"grants nothing for an hour": func(n int, _ leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
			return leedo.QuotaAnswer{AskAgain: time.Hour, Opens: time.Hour, Turn: int64(n)}, nil
		},
		"fails": func(int, leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
			return leedo.QuotaAnswer{}, errors.New("store: no connection")
		},
		"is slow": func(int, leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
			time.Sleep(time.Second)
			return leedo.QuotaAnswer{}, nil
		},
	}
	var all []trace
	for name, exchange := range inOrder(stores) {
		all = append(all, trace{"a store that " + name, func(s *scene) {
			s.grain, s.logs, s.sorting = time.Second, true, true
			// A caller who is rejected may or may not hear of the wait before.
			s.noWaits = strings.HasPrefix(name, "grants nothing")
			n := 0
			l, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: storeFunc(func(ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
				n++
				s.say("the store is asked for %d interactive and %d bulk, %d held, %d served, limit %d, remaining %d", ask.Interactive, ask.Bulk, ask.Held, ask.Served, ask.Limit, ask.Remaining)
				return exchange(n, ask)
			})})
			if err != nil {
				s.t.Fatal(err)
			}
			client := s.client(replies(respond(200, leadJSON, rate("10", "5", "3600")...)), leedo.WithRateLimiter(l), leedo.WithMaxWait(0))
			s.call(operationsNamed("Leads.Get")[0], client)
			time.Sleep(time.Second)
			s.call(operationsNamed("Leads.Get")[0], client, leedo.WithPriority(leedo.PriorityBulk))
			time.Sleep(10 * time.Minute) // until the limiter has nothing to ask any more
		}})
	}
	return all
}
