package limits_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// After a 429 a call waits for as long as the API asks, in whatever form.
func TestA429IsWaitedOut(t *testing.T) {
	t.Parallel()
	forms := []struct {
		name   string
		header func(until time.Time) []string
		wait   time.Duration
	}{
		{"Retry-After in seconds", func(time.Time) []string { return []string{"Retry-After", "40"} }, 40 * time.Second},
		{"Retry-After with decimals", func(time.Time) []string { return []string{"Retry-After", "12.5"} }, 12500 * time.Millisecond},
		{"Retry-After as a date", func(until time.Time) []string {
			return []string{"Retry-After", until.Format(http.TimeFormat)}
		}, 40 * time.Second},
		{"Retry-After as an old date", func(until time.Time) []string {
			return []string{"Retry-After", until.Format("Monday, 02-Jan-06 15:04:05 GMT")}
		}, 40 * time.Second},
		{"Retry-After over the reset", func(until time.Time) []string {
			return append(support.Exhausted(until.Add(time.Hour)), "Retry-After", "40")
		}, 40 * time.Second},
		{"reset in epoch seconds", support.Exhausted, 40 * time.Second},
		{"reset in epoch milliseconds", func(until time.Time) []string {
			return []string{"X-RateLimit-Reset", strconv.FormatInt(until.UnixMilli(), 10)}
		}, 40 * time.Second},
		{"reset in seconds from now", func(time.Time) []string { return []string{"X-RateLimit-Reset", "40"} }, 40 * time.Second},
		{"reset as a date", func(until time.Time) []string {
			return []string{"X-RateLimit-Reset", until.Format(http.TimeFormat)}
		}, 40 * time.Second},
		{"reset in RFC 3339", func(until time.Time) []string {
			return []string{"X-RateLimit-Reset", until.Format(time.RFC3339)}
		}, 40 * time.Second},
		{"reset in RFC 3339 elsewhere", func(until time.Time) []string {
			return []string{"X-RateLimit-Reset", until.In(time.FixedZone("", 7200)).Format(time.RFC3339)}
		}, 40 * time.Second},
		{"nonsense beside the reset", func(until time.Time) []string {
			return append(support.Exhausted(until), "Retry-After", "soon")
		}, 40 * time.Second},
		{"a server's clock that is wrong", func(until time.Time) []string {
			wrong := -3 * time.Hour
			return append(support.Exhausted(until.Add(wrong)), "Date", time.Now().Add(wrong).UTC().Format(http.TimeFormat))
		}, 40 * time.Second},
	}
	for _, form := range forms {
		for _, op := range support.GetAndCreate {
			t.Run(form.name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					client, rec := support.InMemory(t, nil, support.RateLimited(form.header(time.Now().Add(form.wait).UTC())...), support.Respond(200, support.LeadJSON))

					start := time.Now()
					var response leedo.Response
					if err := op.Call(t.Context(), client, leedo.WithResponse(&response)); err != nil {
						t.Fatal(err)
					}
					if waited := time.Since(start); waited < form.wait || waited > form.wait+2*time.Second {
						t.Errorf("waited %v, told %v", waited, form.wait)
					}
					if n := len(rec.Requests()); n != 2 || response.Attempts != 2 || response.StatusCode != 200 {
						t.Errorf("%d requests, response %+v", n, response)
					}
				})
			})
		}
	}
}

// After a 429 without a usable time a call waits with a growing backoff.
func TestA429WithoutATimeIsWaitedOut(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{nil, {"Retry-After", "soon"}, {"Retry-After", "99999999999"}, {"X-RateLimit-Reset", "99999999999999999999"}, {"Retry-After", "-5"}} {
		for _, op := range support.GetAndCreate {
			synctest.Test(t, func(t *testing.T) {
				client, rec := support.InMemory(t, nil, support.RateLimited(header...), support.RateLimited(header...), support.RateLimited(header...), support.Respond(200, support.LeadJSON))

				start := time.Now()
				if err := op.Call(t.Context(), client); err != nil {
					t.Fatal(err)
				}
				// 1, 2 and 4 seconds, at least half of each, and up to half a second more.
				if waited := time.Since(start); waited < 3500*time.Millisecond || waited > 8500*time.Millisecond {
					t.Errorf("%v, %s: waited %v", header, op.Name, waited)
				}
				if n := len(rec.Requests()); n != 4 {
					t.Errorf("%v, %s: %d requests", header, op.Name, n)
				}
			})
		}
	}
}

// If the wait after a 429 would be too long, the call fails immediately, with
// the 429 as its *APIError.
func TestAWaitThatIsTooLongFailsAtOnce(t *testing.T) {
	t.Parallel()
	for _, op := range support.GetAndCreate {
		for name, opts := range map[string][]leedo.Option{"a minute": nil, "no bound": {leedo.WithMaxWait(leedo.NoMaxWait)}} {
			synctest.Test(t, func(t *testing.T) {
				client, rec := support.InMemory(t, opts, support.RateLimited(support.Exhausted(time.Now().Add(time.Hour))...))

				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				refused := support.AsRateLimitError(t, op.Call(ctx, client))
				if refused.Local() || !support.Near(refused.RetryAt, start.Add(time.Hour)) || time.Since(start) != 0 || len(rec.Requests()) != 1 {
					t.Errorf("%s, %s: after %v and %d requests %+v", op.Name, name, time.Since(start), len(rec.Requests()), refused)
				}
				if l := refused.RateLimit; l.Limit != 100 || l.Remaining != 0 || !support.Near(l.Reset, start.Add(time.Hour)) {
					t.Errorf("%s, %s: %+v", op.Name, name, l)
				}
			})
		}
	}
}

// After a response that says that no request is left, calls fail without
// sending, or wait for the reset.
func TestNothingIsSentWhileNoneAreLeft(t *testing.T) {
	t.Parallel()
	for _, op := range support.GetAndCreate {
		synctest.Test(t, func(t *testing.T) {
			client, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON, support.Exhausted(time.Now().Add(time.Hour))...), support.Respond(200, support.LeadJSON))

			start := time.Now()
			if err := op.Call(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			for _, bound := range []time.Duration{3 * time.Second, 0} {
				ctx, cancel := context.WithCancel(t.Context())
				if bound > 0 {
					ctx, cancel = context.WithTimeout(t.Context(), bound)
				}
				response := leedo.Response{StatusCode: 200, Attempts: 7, RequestID: "old", Body: []byte("old")} // of another call
				refused := support.AsRateLimitError(t, op.Call(ctx, client, leedo.WithResponse(&response)))
				cancel()
				if !refused.Local() || !support.Near(refused.RetryAt, start.Add(time.Hour)) || time.Since(start) != 0 {
					t.Errorf("%s: after %v %+v", op.Name, time.Since(start), refused)
				}
				if response.StatusCode != 0 || response.Attempts != 0 || response.RequestID != "" || response.Body != nil {
					t.Errorf("%s: response %+v", op.Name, response)
				}
			}
			if n := len(rec.Requests()); n != 1 {
				t.Errorf("%s: %d requests were sent", op.Name, n-1)
			}
			// With leave to wait it goes out when the hour is over.
			if err := op.Call(t.Context(), client, leedo.WithMaxWait(leedo.NoMaxWait)); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); waited < time.Hour || waited > time.Hour+2*time.Second || len(rec.Requests()) != 2 {
				t.Errorf("%s: waited %v, %d requests", op.Name, waited, len(rec.Requests()))
			}
		})
	}
}

// A call that may not wait fails within 50 ms over a real socket, with a
// deadline of three seconds and a reset in an hour.
func TestAFailureWithoutAWaitTakesNoTime(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(...string) http.HandlerFunc{
		"local":       func(header ...string) http.HandlerFunc { return support.Respond(200, support.LeadJSON, header...) },
		"after a 429": support.RateLimited,
	} {
		best := time.Hour
		for range 5 { // the machine may be busy
			reset := time.Now().Add(time.Hour)
			server := support.Serve(t, first(support.Exhausted(reset)...))
			client := server.Client(t)
			if name == "local" {
				if _, err := client.Leads.Get(t.Context(), "x"); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			start := time.Now()
			_, err := client.Leads.Get(ctx, "x")
			best = min(best, time.Since(start))
			cancel()
			refused := support.AsRateLimitError(t, err)
			if refused.Local() != (name == "local") || !support.Near(refused.RetryAt, reset) || len(server.Requests()) != 1 {
				t.Errorf("%s: %+v after %d requests", name, refused, len(server.Requests()))
			}
		}
		if best > 50*time.Millisecond {
			t.Errorf("%s: refused after %v", name, best)
		}
	}
}

// The maximum wait bounds the waits of a call. The default is a minute.
func TestMaxWaitBoundsTheWaits(t *testing.T) {
	t.Parallel()
	on := func(d time.Duration) []leedo.RequestOption { return []leedo.RequestOption{leedo.WithMaxWait(d)} }
	of := func(d time.Duration) []leedo.Option { return []leedo.Option{leedo.WithMaxWait(d)} }
	tests := []struct {
		name    string
		client  []leedo.Option
		call    []leedo.RequestOption
		told    time.Duration
		refused bool
	}{
		{"a minute by default", nil, nil, 58 * time.Second, false},
		{"over a minute by default", nil, nil, 61 * time.Second, true},
		{"0", of(0), nil, time.Second, true},
		{"long enough", of(2 * time.Hour), nil, time.Hour, false},
		{"too short", of(10 * time.Second), nil, 11 * time.Second, true},
		{"NoMaxWait", of(leedo.NoMaxWait), nil, 24 * time.Hour, false},
		{"0 on the call", nil, on(0), time.Second, true},
		{"0 on the call of a patient client", of(leedo.NoMaxWait), on(0), time.Second, true},
		{"a patient call of a hasty client", of(0), on(leedo.NoMaxWait), time.Hour, false},
		{"the last of two", nil, append(on(0), on(time.Minute)...), 30 * time.Second, false},
	}
	for _, tt := range tests {
		for _, op := range support.GetAndCreate {
			t.Run(tt.name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				seconds := strconv.Itoa(int(tt.told / time.Second))
				synctest.Test(t, func(t *testing.T) {
					client, rec := support.InMemory(t, tt.client, support.RateLimited("Retry-After", seconds), support.Respond(200, support.LeadJSON))

					start := time.Now()
					err := op.Call(t.Context(), client, tt.call...)
					waited, n := time.Since(start), len(rec.Requests())
					switch {
					case !tt.refused && (err != nil || waited < tt.told || waited > tt.told+2*time.Second || n != 2):
						t.Errorf("%v after %v and %d requests", err, waited, n)
					case tt.refused && (waited != 0 || n != 1):
						t.Errorf("%v after %v and %d requests", err, waited, n)
					case tt.refused:
						if refused := support.AsRateLimitError(t, err); refused.Local() || !support.Near(refused.RetryAt, start.Add(tt.told)) {
							t.Errorf("%+v", refused)
						}
					}
				})
			})
		}
	}
}

// The maximum wait bounds the sum of the waits, those for the quota and those
// between retries.
func TestMaxWaitBoundsTheSumOfTheWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, rec := support.InMemory(t, nil, support.RateLimited("Retry-After", "25"))

		start := time.Now()
		err := support.Create(t.Context(), client)
		if waited := time.Since(start); waited < 50*time.Second || waited > 54*time.Second || len(rec.Requests()) != 3 {
			t.Errorf("%v after %v and %d requests", err, waited, len(rec.Requests()))
		}
		if refused := support.AsRateLimitError(t, err); !support.Near(refused.RetryAt, start.Add(75*time.Second)) || refused.Local() {
			t.Errorf("%+v", refused)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		client, rec := support.InMemory(t, nil, support.Respond(503, "", "Retry-After", "35"), support.RateLimited("Retry-After", "35"))

		start := time.Now()
		_, err := client.Leads.Get(t.Context(), "x")
		if waited := time.Since(start); waited != 35*time.Second || len(rec.Requests()) != 2 {
			t.Errorf("%v after %v and %d requests", err, waited, len(rec.Requests()))
		}
		support.AsRateLimitError(t, err)
	})
	synctest.Test(t, func(t *testing.T) {
		client, rec := support.InMemory(t, nil, support.RateLimited("Retry-After", "35"), support.Respond(503, "", "Retry-After", "35"))

		start := time.Now()
		_, err := client.Leads.Get(t.Context(), "x")
		if waited := time.Since(start); waited < 35*time.Second || waited > 37*time.Second || len(rec.Requests()) != 2 {
			t.Errorf("%v after %v and %d requests", err, waited, len(rec.Requests()))
		}
		if !support.Is[*leedo.ServerError](err) || support.Is[*leedo.RateLimitError](err) {
			t.Errorf("%v, want the ServerError", err)
		}
	})
}

// A call waits again after up to ten 429s.
func TestACallGoesBackIntoTheQueueTenTimes(t *testing.T) {
	t.Parallel()
	for _, op := range support.GetAndCreate {
		synctest.Test(t, func(t *testing.T) {
			client, rec := support.InMemory(t, []leedo.Option{leedo.WithRetries(0)}, support.RateLimited("Retry-After", "1"))

			refused := support.AsRateLimitError(t, op.Call(t.Context(), client))
			if api, ok := errors.AsType[*leedo.APIError](refused); !ok || api.Attempts != 11 || len(rec.Requests()) != 11 {
				t.Errorf("%s: %v after %d requests", op.Name, refused, len(rec.Requests()))
			}
		})
	}
}

// When the context ends during a wait, the error matches the context's error,
// its cause, and the failure before the wait.
func TestAContextThatEndsDuringAWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		is     func(error) bool
		reads  bool
	}{
		"a 429":                    {support.RateLimited("Retry-After", "30"), support.Is[*leedo.RateLimitError], false},
		"a 503 with Retry-After":   {support.Respond(503, "", "Retry-After", "30"), support.Is[*leedo.ServerError], true},
		"none left, said by a 200": {support.Respond(200, support.LeadJSON, "X-RateLimit-Limit", "5", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "30"), nil, false},
	} {
		for _, op := range support.GetAndCreate {
			if tt.reads && op.Name == "Create" {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				client, rec := support.InMemory(t, nil, tt.answer)

				if tt.is == nil {
					if err := op.Call(t.Context(), client); err != nil {
						t.Fatal(err)
					}
				}
				start := time.Now()
				ctx, cancel := context.WithCancelCause(t.Context())
				cause := errors.New("shutting down")
				time.AfterFunc(10*time.Second, func() { cancel(cause) })
				err := op.Call(ctx, client)
				if time.Since(start) != 10*time.Second || len(rec.Requests()) != 1 {
					t.Errorf("%s, %s: after %v and %d requests", name, op.Name, time.Since(start), len(rec.Requests()))
				}
				if err == nil {
					t.Fatalf("%s, %s: no error", name, op.Name)
				}
				if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s, %s: %v is not the end of the context", name, op.Name, err)
				}
				if tt.is != nil && (!tt.is(err) || !support.Is[*leedo.APIError](err)) {
					t.Errorf("%s, %s: %v does not hold what came before", name, op.Name, err)
				}
				if support.Is[*leedo.UnknownOutcomeError](err) || support.Is[*leedo.TransportError](err) {
					t.Errorf("%s, %s: %v, but nothing was under way", name, op.Name, err)
				}
				want := fmt.Sprintf("leedo: %s: context canceled: shutting down", map[string]string{"Get": "GET /leads/{id}", "Create": "POST /leads"}[op.Name])
				if text := err.Error(); len(text) < len(want) || text[:len(want)] != want {
					t.Errorf("text %q", text)
				}
			})
		}
	}
}

// Rate limit headers are read in the forms that proxies produce: a limit
// followed by its policies, joined fields, dates with a zone.
func TestFiguresAsProxiesWriteThem(t *testing.T) {
	t.Parallel()
	inAnHour := func() string { return strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10) }
	for name, header := range map[string][]string{
		"policies":     {"X-RateLimit-Limit", "100, 100;w=3600", "X-RateLimit-Remaining", "7", "X-RateLimit-Reset", inAnHour()},
		"parameters":   {"X-RateLimit-Limit", "100;w=3600", "X-RateLimit-Remaining", "7", "X-RateLimit-Reset", inAnHour()},
		"no space":     {"X-RateLimit-Limit", "100,1000", "X-RateLimit-Remaining", "7", "X-RateLimit-Reset", inAnHour()},
		"all joined":   {"X-RateLimit-Limit", "100, 5000", "X-RateLimit-Remaining", "7, 4999", "X-RateLimit-Reset", inAnHour() + ", 60"},
		"decimals":     {"X-RateLimit-Limit", "100.0", "X-RateLimit-Remaining", "7.5", "X-RateLimit-Reset", "3600.0"},
		"numeric zone": {"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "7;t=1", "X-RateLimit-Reset", time.Now().Add(time.Hour).Format(time.RFC1123Z)},
		"RFC 850":      {"X-RateLimit-Limit", `"100"`, "X-RateLimit-Remaining", `"7"`, "X-RateLimit-Reset", time.Now().UTC().Add(time.Hour).Format("Monday, 02-Jan-06 15:04:05 GMT")},
	} {
		s := support.Serve(t, support.Respond(200, support.LeadJSON, header...))
		c := s.Client(t)
		if err := support.Reads[0].Call(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		got := c.RateLimit()
		if until := time.Until(got.Reset); got.Limit != 100 || got.Remaining != 7 || until < 59*time.Minute || until > 61*time.Minute {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
