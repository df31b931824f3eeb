package redaction_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// retryRecords returns the records of retries.
func retryRecords(l *support.Log) (texts []string) {
	for _, r := range *l.Records {
		if r.Level == slog.LevelWarn || strings.Contains(r.Text, "retrying") {
			texts = append(texts, r.Text)
		}
	}
	return texts
}

// A retry is logged at Warn when it is made, and only then.
func TestOnlyRetriesThatAreMadeAreLoggedAsSuch(t *testing.T) {
	t.Parallel()
	busy := func(after string) http.HandlerFunc { return support.Respond(503, "", "Retry-After", after) }
	tests := []struct {
		name    string
		answers []http.HandlerFunc
		retries int
		ends    error // of the call
	}{
		{"a 429 that takes too long", []http.HandlerFunc{support.RateLimited("Retry-After", "3600")}, 0, nil},
		{"a 429, cancelled while waiting", []http.HandlerFunc{support.RateLimited("Retry-After", "40")}, 0, context.Canceled},
		{"a 503 that takes too long", []http.HandlerFunc{busy("3600")}, 0, nil},
		{"a 503, cancelled while waiting", []http.HandlerFunc{busy("40")}, 0, context.Canceled},
		{"a 503, then a 429 that takes too long", []http.HandlerFunc{busy("1"), support.RateLimited("Retry-After", "3600")}, 1, nil},
		{"a 429", []http.HandlerFunc{support.RateLimited("Retry-After", "5"), support.Respond(200, support.LeadJSON)}, 1, nil},
		{"a 429 and a 503", []http.HandlerFunc{support.RateLimited("Retry-After", "5"), busy("1"), support.Respond(200, support.LeadJSON)}, 2, nil},
		{"a redirect", []http.HandlerFunc{support.Respond(307, "", "Location", "/v1/leads/other"), support.Respond(200, support.LeadJSON)}, 0, nil},
		{"nothing wrong", []http.HandlerFunc{support.Respond(200, support.LeadJSON)}, 0, nil},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			log := support.NewLog()
			var logged []int // retries, as of each request
			answers := make([]http.HandlerFunc, len(test.answers))
			for i, h := range test.answers {
				answers[i] = func(w http.ResponseWriter, req *http.Request) {
					logged = append(logged, len(retryRecords(log)))
					h(w, req)
				}
			}
			c, _ := support.InMemory(t, []leedo.Option{leedo.WithLogger(slog.New(log)), leedo.WithBackoff(time.Millisecond, time.Millisecond)}, answers...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(20*time.Second, cancel)
			err := support.Reads[0].Call(ctx, c)
			if test.ends != nil && !errors.Is(err, test.ends) {
				t.Errorf("%s: %v", test.name, err)
			}
			got := retryRecords(log)
			if len(got) != test.retries {
				t.Fatalf("%s: %q, want %d", test.name, got, test.retries)
			}
			for i, text := range got {
				if !strings.Contains(text, "level=WARN msg=\"leedo: retrying\"") || logged[i] != i || logged[i+1] != i+1 {
					t.Errorf("%s: retry %d: %s; logged as of each request: %d", test.name, i+1, text, logged)
				}
			}
		})
	}
}

// Each error type logs itself as a group with the call and a message, without
// attributes that it does not know.
func TestEveryErrorLogsItselfAsAGroup(t *testing.T) {
	t.Parallel()
	failure := func(h http.HandlerFunc, opts ...leedo.Option) (get, post error) {
		c := support.Serve(t, h).Client(t, append([]leedo.Option{leedo.WithRetries(0)}, opts...)...)
		return support.Reads[0].Call(t.Context(), c), support.Create(t.Context(), c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, _ := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
	bad, _ := failure(support.Respond(400, `{"error":{"code":"invalid","message":"name is missing"}}`))
	limited, _ := failure(support.Respond(429, `{"message":"slow down"}`, "Retry-After", "60"), leedo.WithoutRateLimiter())
	broken, unknown := failure(support.Respond(503, `{"message":"sorry"}`))
	cutOff, _ := failure(support.Cut)
	waiting, stop := context.WithCancel(t.Context())
	stopped, _ := support.InMemory(t, []leedo.Option{leedo.WithHooks(leedo.Hooks{
		Attempt: func(context.Context, leedo.AttemptInfo) { stop() },
	})}, support.Respond(503, `{"message":"sorry"}`))
	own, _ := support.InMemory(t, []leedo.Option{leedo.WithInterceptor(func(context.Context, leedo.CallInfo, func(context.Context) error) error {
		return errors.New("circuit breaker open")
	})}, support.Respond(200, ""))
	_, ownOfPage := support.Gather(t, own.Leads.All(t.Context(), nil))
	unusableErr, _ := failure(support.Respond(200, "[1]", "X-Request-Id", "req_9"))
	for want, err := range map[string]error{
		`"method":"GET","path":"/leads/{id}","message":"name is missing","status":400,"code":"invalid","request_id":"","attempts":1`:                                bad,
		`"method":"GET","path":"/leads/{id}","message":"sorry","status":503`:                                                                                        broken,
		`"method":"POST","path":"/leads","message":"outcome unknown: 503: sorry (1 attempt)","outcome_unknown":true,"cause":{"method":"POST"`:                       unknown,
		`"method":"GET","path":"/leads/{id}","message":"429: slow down (1 attempt), retry at`:                                                                       limited,
		`"method":"GET","path":"/leads/{id}","message":"cannot decode a JSON array as an object","status":200,"request_id":"req_9","attempts":1`:                    unusableErr,
		`"method":"GET","path":"/leads/{id}","message":"`:                                                                                                           cutOff,
		`"method":"GET","path":"/leads/{id}","message":"invalid argument: id is empty","error":{"message":"invalid argument: id is empty"`:                          support.ErrorOf(c.Leads.Get(t.Context(), "")),
		`"method":"GET","path":"/leads","message":"circuit breaker open","page":1}`:                                                                                 ownOfPage,
		`"method":"GET","path":"/leads/{id}","message":"context canceled"`:                                                                                          support.Reads[0].Call(ctx, c),
		`"method":"GET","path":"/leads/{id}","message":"context canceled; before that: 503: sorry (1 attempt)","error":"context canceled","before":{"method":"GET"`: support.Reads[0].Call(waiting, stopped),
		`"method":"","path":"","message":"","status":0`:                                                                                                             &leedo.APIError{},
		`"method":"","path":"","message":"rate limit reached, not sent","local":true`:                                                                               &leedo.RateLimitError{},
		`"method":"","path":"","message":"","status":0,"request_id":"","attempts":0`:                                                                                &leedo.DecodeError{},
		`"method":"","path":"","message":"","request_id":"","attempts":0`:                                                                                           &leedo.TransportError{},
		`"method":"","path":"","message":"outcome unknown: ","outcome_unknown":true,"cause":null`:                                                                   &leedo.UnknownOutcomeError{},
	} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "err", err)
		if !strings.Contains(log.String(), `"err":{`+want) {
			t.Errorf("%T logs\n%swant %s", err, &log, want)
		}
		if strings.Contains(log.String(), "0001-01-01") {
			t.Errorf("%T logs a zero time: %s", err, &log)
		}
	}
}
