package leedo_test

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
)

const refusedBody = `{"error":{"code":"rate_limited","message":"rate limit exceeded"}}`

// refuse answers with a 429 and header fields.
func refuse(header ...string) http.HandlerFunc { return answer(429, refusedBody, header...) }

// usedUp is the header of an answer that says that none are left until the
// given time.
func usedUp(until time.Time) []string {
	return []string{
		"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", strconv.FormatInt(until.Unix(), 10),
	}
}

// inBubble runs a test in virtual time, with a client of a server whose answers
// come in turn.
func inBubble(t *testing.T, opts []leedo.Option, answers func() []http.HandlerFunc, test func(t *testing.T, client *leedo.Client, rec *recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, rec := inMemory(t, opts, answers()...)
		test(t, client, rec)
	})
}

// always gives answers that do not depend on the time.
func always(answers ...http.HandlerFunc) func() []http.HandlerFunc {
	return func() []http.HandlerFunc { return answers }
}

// refusedWith checks that a call was refused for want of quota.
func refusedWith(t *testing.T, err error) *leedo.RateLimitError {
	t.Helper()
	refused, ok := errors.AsType[*leedo.RateLimitError](err)
	if !ok {
		t.Fatalf("%v, want a RateLimitError", err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || is[*leedo.UnknownOutcomeError](err) {
		t.Errorf("%v is more than a refusal", err)
	}
	api, ok := errors.AsType[*leedo.APIError](err)
	if refused.Local() != (refused.Err == nil) || refused.Local() == ok || ok && api.StatusCode != 429 {
		t.Errorf("Local() is %v, Err %v", refused.Local(), refused.Err)
	}
	return refused
}

// near tells whether a time is as expected, to within two seconds.
func near(got, want time.Time) bool { return got.Sub(want).Abs() <= 2*time.Second }

// getLead and createLead are a read and a write for tables.
var bothWays = []operation{reads[0], {"Create", create}}

// TestA429IsWaitedOut for as long as the API says, in whatever form.
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
			return append(usedUp(until.Add(time.Hour)), "Retry-After", "40")
		}, 40 * time.Second},
		{"reset in epoch seconds", usedUp, 40 * time.Second},
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
			return append(usedUp(until), "Retry-After", "soon")
		}, 40 * time.Second},
		{"a server's clock that is wrong", func(until time.Time) []string {
			wrong := -3 * time.Hour
			return append(usedUp(until.Add(wrong)), "Date", time.Now().Add(wrong).UTC().Format(http.TimeFormat))
		}, 40 * time.Second},
	}
	for _, form := range forms {
		for _, op := range bothWays {
			t.Run(form.name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				inBubble(t, nil, func() []http.HandlerFunc {
					return []http.HandlerFunc{refuse(form.header(time.Now().Add(form.wait).UTC())...), answer(200, leadJSON)}
				}, func(t *testing.T, client *leedo.Client, rec *recorder) {
					start := time.Now()
					var response leedo.Response
					if err := op.call(t.Context(), client, leedo.WithResponse(&response)); err != nil {
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

// TestA429WithoutATimeIsWaitedOut with a back-off that grows.
func TestA429WithoutATimeIsWaitedOut(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{nil, {"Retry-After", "soon"}, {"Retry-After", "99999999999"}, {"X-RateLimit-Reset", "99999999999999999999"}, {"Retry-After", "-5"}} {
		for _, op := range bothWays {
			inBubble(t, nil, always(refuse(header...), refuse(header...), refuse(header...), answer(200, leadJSON)), func(t *testing.T, client *leedo.Client, rec *recorder) {
				start := time.Now()
				if err := op.call(t.Context(), client); err != nil {
					t.Fatal(err)
				}
				// 1, 2 and 4 seconds, at least half of each, and up to half a second more.
				if waited := time.Since(start); waited < 3500*time.Millisecond || waited > 8500*time.Millisecond {
					t.Errorf("%v, %s: waited %v", header, op.name, waited)
				}
				if n := len(rec.Requests()); n != 4 {
					t.Errorf("%v, %s: %d requests", header, op.name, n)
				}
			})
		}
	}
}

// TestAWaitThatIsTooLongIsRefusedAtOnce after a 429, as its *APIError.
func TestAWaitThatIsTooLongIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for _, op := range bothWays {
		for name, opts := range map[string][]leedo.Option{"a minute": nil, "no bound": {leedo.WithMaxWait(leedo.NoMaxWait)}} {
			inBubble(t, opts, func() []http.HandlerFunc {
				return []http.HandlerFunc{refuse(usedUp(time.Now().Add(time.Hour))...)}
			}, func(t *testing.T, client *leedo.Client, rec *recorder) {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				refused := refusedWith(t, op.call(ctx, client))
				if refused.Local() || !near(refused.RetryAt, start.Add(time.Hour)) || time.Since(start) != 0 || len(rec.Requests()) != 1 {
					t.Errorf("%s, %s: after %v and %d requests %+v", op.name, name, time.Since(start), len(rec.Requests()), refused)
				}
				if l := refused.RateLimit; l.Limit != 100 || l.Remaining != 0 || !near(l.Reset, start.Add(time.Hour)) {
					t.Errorf("%s, %s: %+v", op.name, name, l)
				}
			})
		}
	}
}

// TestNothingIsSentWhileNoneAreLeft: the last answer said so.
func TestNothingIsSentWhileNoneAreLeft(t *testing.T) {
	t.Parallel()
	for _, op := range bothWays {
		inBubble(t, nil, func() []http.HandlerFunc {
			return []http.HandlerFunc{answer(200, leadJSON, usedUp(time.Now().Add(time.Hour))...), answer(200, leadJSON)}
		}, func(t *testing.T, client *leedo.Client, rec *recorder) {
			start := time.Now()
			if err := op.call(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			for _, bound := range []time.Duration{3 * time.Second, 0} {
				ctx, cancel := context.WithCancel(t.Context())
				if bound > 0 {
					ctx, cancel = context.WithTimeout(t.Context(), bound)
				}
				response := leedo.Response{StatusCode: 200, Attempts: 7, RequestID: "old", Body: []byte("old")} // of another call
				refused := refusedWith(t, op.call(ctx, client, leedo.WithResponse(&response)))
				cancel()
				if !refused.Local() || !near(refused.RetryAt, start.Add(time.Hour)) || time.Since(start) != 0 {
					t.Errorf("%s: after %v %+v", op.name, time.Since(start), refused)
				}
				if response.StatusCode != 0 || response.Attempts != 0 || response.RequestID != "" || response.Body != nil {
					t.Errorf("%s: response %+v", op.name, response)
				}
			}
			if n := len(rec.Requests()); n != 1 {
				t.Errorf("%s: %d requests were sent", op.name, n-1)
			}
			// With leave to wait it goes out when the hour is over.
			if err := op.call(t.Context(), client, leedo.WithMaxWait(leedo.NoMaxWait)); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); waited < time.Hour || waited > time.Hour+2*time.Second || len(rec.Requests()) != 2 {
				t.Errorf("%s: waited %v, %d requests", op.name, waited, len(rec.Requests()))
			}
		})
	}
}

// TestARefusalTakesNoTime over a real socket: under 50 ms, with a deadline of
// three seconds and a reset that is an hour ahead.
func TestARefusalTakesNoTime(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(...string) http.HandlerFunc{
		"local":       func(header ...string) http.HandlerFunc { return answer(200, leadJSON, header...) },
		"after a 429": refuse,
	} {
		best := time.Hour
		for range 5 { // the machine may be busy
			reset := time.Now().Add(time.Hour)
			server := serve(t, first(usedUp(reset)...))
			client := server.client(t)
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
			refused := refusedWith(t, err)
			if refused.Local() != (name == "local") || !near(refused.RetryAt, reset) || len(server.Requests()) != 1 {
				t.Errorf("%s: %+v after %d requests", name, refused, len(server.Requests()))
			}
		}
		if best > 50*time.Millisecond {
			t.Errorf("%s: refused after %v", name, best)
		}
	}
}

// TestMaxWaitBoundsTheWaits of a call, by default at a minute.
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
		for _, op := range bothWays {
			t.Run(tt.name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				seconds := strconv.Itoa(int(tt.told / time.Second))
				inBubble(t, tt.client, always(refuse("Retry-After", seconds), answer(200, leadJSON)), func(t *testing.T, client *leedo.Client, rec *recorder) {
					start := time.Now()
					err := op.call(t.Context(), client, tt.call...)
					waited, n := time.Since(start), len(rec.Requests())
					switch {
					case !tt.refused && (err != nil || waited < tt.told || waited > tt.told+2*time.Second || n != 2):
						t.Errorf("%v after %v and %d requests", err, waited, n)
					case tt.refused && (waited != 0 || n != 1):
						t.Errorf("%v after %v and %d requests", err, waited, n)
					case tt.refused:
						if refused := refusedWith(t, err); refused.Local() || !near(refused.RetryAt, start.Add(tt.told)) {
							t.Errorf("%+v", refused)
						}
					}
				})
			})
		}
	}
}

// TestMaxWaitBoundsTheSumOfTheWaits, of those for the quota and of back-offs.
func TestMaxWaitBoundsTheSumOfTheWaits(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, always(refuse("Retry-After", "25")), func(t *testing.T, client *leedo.Client, rec *recorder) {
		start := time.Now()
		err := create(t.Context(), client)
		if waited := time.Since(start); waited < 50*time.Second || waited > 54*time.Second || len(rec.Requests()) != 3 {
			t.Errorf("%v after %v and %d requests", err, waited, len(rec.Requests()))
		}
		if refused := refusedWith(t, err); !near(refused.RetryAt, start.Add(75*time.Second)) || refused.Local() {
			t.Errorf("%+v", refused)
		}
	})
	inBubble(t, nil, always(answer(503, "", "Retry-After", "35"), refuse("Retry-After", "35")), func(t *testing.T, client *leedo.Client, rec *recorder) {
		start := time.Now()
		_, err := client.Leads.Get(t.Context(), "x")
		if waited := time.Since(start); waited != 35*time.Second || len(rec.Requests()) != 2 {
			t.Errorf("%v after %v and %d requests", err, waited, len(rec.Requests()))
		}
		refusedWith(t, err)
	})
	inBubble(t, nil, always(refuse("Retry-After", "35"), answer(503, "", "Retry-After", "35")), func(t *testing.T, client *leedo.Client, rec *recorder) {
		start := time.Now()
		_, err := client.Leads.Get(t.Context(), "x")
		if waited := time.Since(start); waited < 35*time.Second || waited > 37*time.Second || len(rec.Requests()) != 2 {
			t.Errorf("%v after %v and %d requests", err, waited, len(rec.Requests()))
		}
		if !is[*leedo.ServerError](err) || is[*leedo.RateLimitError](err) {
			t.Errorf("%v, want the ServerError", err)
		}
	})
}

// TestACallGoesBackIntoTheQueueTenTimes and no more.
func TestACallGoesBackIntoTheQueueTenTimes(t *testing.T) {
	t.Parallel()
	for _, op := range bothWays {
		inBubble(t, []leedo.Option{leedo.WithRetries(0)}, always(refuse("Retry-After", "1")), func(t *testing.T, client *leedo.Client, rec *recorder) {
			refused := refusedWith(t, op.call(t.Context(), client))
			if api, ok := errors.AsType[*leedo.APIError](refused); !ok || api.Attempts != 11 || len(rec.Requests()) != 11 {
				t.Errorf("%s: %v after %d requests", op.name, refused, len(rec.Requests()))
			}
		})
	}
}

// TestAContextThatEndsDuringAWait is matched, and so is what was waited for.
func TestAContextThatEndsDuringAWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		is     func(error) bool
		reads  bool
	}{
		"a 429":                    {refuse("Retry-After", "30"), is[*leedo.RateLimitError], false},
		"a 503 with Retry-After":   {answer(503, "", "Retry-After", "30"), is[*leedo.ServerError], true},
		"none left, said by a 200": {answer(200, leadJSON, "X-RateLimit-Limit", "5", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "30"), nil, false},
	} {
		for _, op := range bothWays {
			if tt.reads && op.name == "Create" {
				continue
			}
			inBubble(t, nil, always(tt.answer), func(t *testing.T, client *leedo.Client, rec *recorder) {
				if tt.is == nil {
					if err := op.call(t.Context(), client); err != nil {
						t.Fatal(err)
					}
				}
				start := time.Now()
				ctx, cancel := context.WithCancelCause(t.Context())
				cause := errors.New("shutting down")
				time.AfterFunc(10*time.Second, func() { cancel(cause) })
				err := op.call(ctx, client)
				if time.Since(start) != 10*time.Second || len(rec.Requests()) != 1 {
					t.Errorf("%s, %s: after %v and %d requests", name, op.name, time.Since(start), len(rec.Requests()))
				}
				if err == nil {
					t.Fatalf("%s, %s: no error", name, op.name)
				}
				if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s, %s: %v is not the end of the context", name, op.name, err)
				}
				if tt.is != nil && (!tt.is(err) || !is[*leedo.APIError](err)) {
					t.Errorf("%s, %s: %v does not hold what came before", name, op.name, err)
				}
				if is[*leedo.UnknownOutcomeError](err) || is[*leedo.TransportError](err) {
					t.Errorf("%s, %s: %v, but nothing was under way", name, op.name, err)
				}
				want := fmt.Sprintf("leedo: %s: context canceled: shutting down", map[string]string{"Get": "GET /leads/{id}", "Create": "POST /leads"}[op.name])
				if text := err.Error(); len(text) < len(want) || text[:len(want)] != want {
					t.Errorf("text %q", text)
				}
			})
		}
	}
}

// TestFiguresAsProxiesWriteThem: the limit followed by its policies, fields that
// were joined, dates with a zone.
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
		s := serve(t, answer(200, leadJSON, header...))
		c := s.client(t)
		if err := reads[0].call(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		got := c.RateLimit()
		if until := time.Until(got.Reset); got.Limit != 100 || got.Remaining != 7 || until < 59*time.Minute || until > 61*time.Minute {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
