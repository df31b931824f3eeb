package behaviour_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

func retryTraces() []trace {
	var all []trace
	get, create, remove := operationsNamed("Leads.Get")[0], operationsNamed("Leads.Create")[0], operationsNamed("Do DELETE")[0]
	both := []operation{get, create, remove}
	down := respond(503, "")

	for _, n := range []int{0, 1, 2, 5} {
		for _, f := range []struct {
			name string
			r    reply
		}{{"503", down}, {"cut", reset}, {"connection refused", refused}} {
			for _, op := range both {
				all = append(all, trace{fmt.Sprintf("%s: %s, WithRetries %d", op.name, f.name, n), func(s *scene) {
					s.call(op, s.client(op.script(f.r), leedo.WithRetries(n)))
				}})
			}
		}
	}
	for _, op := range []operation{create, remove, operationsNamed("Leads.Update")[0], operationsNamed("Do PUT")[0]} {
		for _, f := range []fault{
			always("503", down), always("cut", reset), always("501", respond(501, "")), always("cut in the body", cutAfter(200, `{"id"`)),
			{"503, then a success", []reply{down, good}}, {"503, then 404", []reply{down, respond(404, "")}},
			{"503, then 429, then a success", []reply{down, respond(429, "", "Retry-After", "3"), good}},
			{"a redirect", []reply{respond(303, "", "Location", "/v1/moved"), good}},
		} {
			all = append(all, trace{op.name + ", WithIdempotent: " + f.name, func(s *scene) {
				s.grain = time.Second
				s.call(op, s.client(op.script(f.replies...)), leedo.WithIdempotent())
			}})
		}
		all = append(all, trace{op.name + ", Idempotency-Key: 503", func(s *scene) {
			s.call(op, s.client(op.script(down)), leedo.WithHeader("Idempotency-Key", "key-1"))
		}})
	}

	// Retry-After, in all forms, of a 503 and of a 429.
	forms := []string{"0", "1", "59", "60", "61", "3600", "90000", "90001", "1.2", "-1", "soon", "", "1e3", " 2 ", "+3", "99999999999999999999",
		"Sat, 01 Jan 2000 00:00:04 GMT", "Saturday, 01-Jan-00 00:00:04 GMT", "Sat Jan  1 00:00:04 2000", "2000-01-01T00:00:04Z",
		"Fri, 31 Dec 1999 23:59:00 GMT", "Sat, 01 Jan 2000 00:02:00 GMT", "946684805"}
	for _, form := range forms {
		for _, status := range []int{503, 429} {
			all = append(all, trace{fmt.Sprintf("Leads.Get: %d with Retry-After %q", status, form), func(s *scene) {
				s.grain = time.Second
				if status == 429 && untold(form) {
					s.bands(get, form)
					return
				}
				s.call(get, s.client(get.script(respond(status, "", "Retry-After", form), good)))
			}})
		}
		if untold(form) {
			continue
		}
		all = append(all, trace{fmt.Sprintf("Leads.Create: 429 with Retry-After %q, WithMaxWait 0", form), func(s *scene) {
			s.grain = time.Second
			s.call(create, s.client(create.script(respond(429, "", "Retry-After", form), good)), leedo.WithMaxWait(0))
		}})
	}
	for _, date := range []string{"Sat, 01 Jan 2000 00:00:00 GMT", "Sat, 01 Jan 2000 01:00:00 GMT", "Fri, 31 Dec 1999 23:00:00 GMT"} {
		all = append(all, trace{"Leads.Get: 429 with Retry-After as a date, by a server whose Date is " + date, func(s *scene) {
			s.grain = time.Second
			at, _ := http.ParseTime(date)
			s.call(get, s.client(get.script(respond(429, "", "Date", date, "Retry-After", at.Add(9*time.Second).Format(http.TimeFormat)), good)))
		}})
	}
	all = append(all,
		trace{"Leads.Get: Retry-After of several 503s within WithMaxWait", func(s *scene) {
			s.call(get, s.client(get.script(respond(503, "", "Retry-After", "20"))))
		}},
		trace{"Leads.Get: Retry-After of several 503s beyond WithMaxWait", func(s *scene) {
			s.call(get, s.client(get.script(respond(503, "", "Retry-After", "25"))))
		}},
		trace{"Leads.Get: Retry-After beyond the deadline", func(s *scene) {
			ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
			defer cancel()
			s.callWith(ctx, get, s.client(get.script(respond(503, "", "Retry-After", "6"))))
		}},
		trace{"Leads.Get: Retry-After, WithMaxWait NoMaxWait", func(s *scene) {
			s.call(get, s.client(get.script(respond(503, "", "Retry-After", "3600"), good)), leedo.WithMaxWait(leedo.NoMaxWait))
		}},
		trace{"Leads.Get: 429s for ever", func(s *scene) {
			s.grain = time.Second
			s.call(get, s.client(server(soon)), leedo.WithMaxWait(leedo.NoMaxWait))
		}},
		trace{"Leads.Create: 429s for ever", func(s *scene) {
			s.grain = time.Second
			s.call(create, s.client(server(soon)))
		}},
		trace{"Leads.Get: 429s are not counted as retries", func(s *scene) {
			s.grain = time.Second
			s.call(get, s.client(get.script(respond(429, "", "Retry-After", "Sat, 01 Jan 2000 00:00:02 GMT"), respond(429, "", "Retry-After", "Sat, 01 Jan 2000 00:00:04 GMT"), down, good)), leedo.WithRetries(1))
		}},
		trace{"Leads.Get: 429 without a time, three times", func(s *scene) { s.grain = time.Second; s.bands(get, "", "", "", "") }},
		trace{"Leads.Get: no back-off", func(s *scene) { s.call(get, s.client(get.script(down), leedo.WithBackoff(0, 0))) }},
		trace{"Leads.Get: 503 until the retry budget is exhausted, and once more", func(s *scene) {
			client := s.client(get.script(down))
			for range 5 {
				s.call(get, client)
			}
		}},
		trace{"Leads.Get: 503 until the retry budget is exhausted, then a success", func(s *scene) {
			client := s.client(get.script(down, down, down, down, down, down, down, down, down, down, down, down, good))
			s.call(get, client, leedo.WithRetries(20))
			s.call(get, client)
			s.call(get, client)
		}},
		exhaust("503, RetryBudget -1", get, leedo.RateLimiterOptions{RetryBudget: -1}, down),
		exhaust("503, RetryBudget 0.1 of 120", get, leedo.RateLimiterOptions{RetryBudget: 0.1}, respond(503, "", "X-RateLimit-Limit", "120", "X-RateLimit-Remaining", "100")),
		exhaust("503, RetryBudget 0.1 and Share 0.5 of 240", get, leedo.RateLimiterOptions{RetryBudget: 0.1, Share: 0.5}, respond(503, "", "X-RateLimit-Limit", "240", "X-RateLimit-Remaining", "200")),
		exhaust("408", get, leedo.RateLimiterOptions{}, respond(408, "")),
		exhaust("cut", get, leedo.RateLimiterOptions{}, reset),
		exhaust("cut in the body", get, leedo.RateLimiterOptions{}, cutAfter(200, `{"id"`)),
		exhaust("connection refused", get, leedo.RateLimiterOptions{}, refused),
		exhaust("connection refused", create, leedo.RateLimiterOptions{}, refused),
		exhaust("connection refused", remove, leedo.RateLimiterOptions{}, refused),
		exhaust("503, WithIdempotent", create, leedo.RateLimiterOptions{}, down, leedo.WithIdempotent()),
		trace{"Leads.Get: 503, the retry budget and WithoutRateLimiter", func(s *scene) {
			s.call(get, s.client(get.script(down), leedo.WithoutRateLimiter()), leedo.WithRetries(14))
		}},
		backoff("by default", 250*time.Millisecond, 4*time.Second, 6),
		backoff("of 2 s to 2 s", 2*time.Second, 2*time.Second, 2, leedo.WithBackoff(2*time.Second, 2*time.Second)),
		backoff("of 1 s to 1 m", time.Second, time.Minute, 8, leedo.WithBackoff(time.Second, time.Minute)),
	)
	return all
}

// soon is a 429 until the next full ten seconds: a date, so that the random
// parts of waits do not add up.
func soon(*http.Request) reply {
	return respond(429, "", "Retry-After", time.Now().Add(10*time.Second).UTC().Truncate(10*time.Second).Format(http.TimeFormat))
}

// untold reports whether a Retry-After of a 429 tells no time in the future,
// so that the limiter waits for a random time.
func untold(form string) bool {
	switch form {
	case "0", "90001", "-1", "soon", "", "1e3", "+3", "99999999999999999999", "Fri, 31 Dec 1999 23:59:00 GMT", "946684805":
		return true
	}
	return false
}

// bands makes a call that is answered with 429s that tell no time. The waits
// are random then, within bounds that grow; the trace has the bounds.
func (s *scene) bands(op operation, forms ...string) {
	var waits []time.Duration
	last := time.Now()
	answered := 0
	transport := server(func(*http.Request) reply {
		waits, last = append(waits, time.Since(last)), time.Now()
		if answered++; answered <= len(forms) {
			return respond(429, "", "Retry-After", forms[answered-1])
		}
		return op.success()
	})
	value, err := op.call(s.t.Context(), s.unseen(transport))
	text := "returns " + s.describe(value)
	if err != nil {
		text = "fails: " + s.failure(err)
	}
	var lines strings.Builder
	for i, wait := range waits[1:] {
		longest := time.Second << i
		within := fmt.Sprintf("%v to %v", longest/2, longest+500*time.Millisecond)
		if wait < longest/2 || wait > longest+500*time.Millisecond {
			within = "not " + within + " but " + wait.String()
		}
		lines.WriteString("after a 429: " + within + "\n")
	}
	s.say("%s", lines.String()+text)
	s.lines[0].at = 0
}

// exhaust makes a call with more retries than the budget has.
func exhaust(name string, op operation, o leedo.RateLimiterOptions, r reply, opts ...leedo.RequestOption) trace {
	return trace{op.name + ": the retry budget: " + name, func(s *scene) {
		limiter, err := leedo.NewRateLimiter(&o)
		if err != nil {
			s.t.Fatal(err)
		}
		s.call(op, s.client(op.script(r), leedo.WithRateLimiter(limiter)), append(opts, leedo.WithRetries(14))...)
	}}
}

// backoff makes many calls that fail, and prints the longest of their random
// waits, which are up to a bound, in tenths of that.
func backoff(name string, first, most time.Duration, retries int, opts ...leedo.Option) trace {
	return trace{"the back-off " + name, func(s *scene) {
		longest := make([]time.Duration, retries+1)
		for range 300 {
			last, n := time.Now(), 0
			transport := server(func(*http.Request) reply {
				if n == len(longest) { // a retry too many
					longest = append(longest, 0)
				}
				longest[n], last = max(longest[n], time.Since(last)), time.Now()
				n++
				return respond(503, "")
			})
			client := s.unseen(transport, append(opts, leedo.WithRetries(retries), leedo.WithMaxWait(leedo.NoMaxWait))...)
			if _, err := client.Leads.Get(s.t.Context(), "id-1"); err == nil {
				s.t.Error("no error")
			}
		}
		var text strings.Builder
		for i, wait := range longest[1:] {
			tenth := min(first<<i, most) / 10
			fmt.Fprintf(&text, "before retry %d: up to %v\n", i+1, (wait+tenth-1)/tenth*tenth)
		}
		s.say("%s", text.String())
		s.lines[0].at = 0
	}}
}
