package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Headers of a client are sent with all of its calls. Those of a call override
// them.
func TestHeadersOfAClient(t *testing.T) {
	t.Parallel()
	for _, op := range support.Calls {
		s := support.Serve(t, support.Respond(200, support.LeadJSON))
		client := s.Client(t, leedo.WithHeader("x-tenant", "first"), leedo.WithHeader("X-Tenant", "acme"), leedo.WithHeader("Accept", "*/*"),
			leedo.WithUserAgent("mine"), leedo.WithHeader("X-Empty", ""))
		op.Call(t.Context(), client)
		op.Call(t.Context(), client, leedo.WithHeader("X-TENANT", "other"), leedo.WithHeader("X-Call", "1"))
		op.Call(t.Context(), client)
		var got []http.Header
		for _, r := range s.Requests() {
			got = append(got, http.Header{"X-Tenant": r.Header["X-Tenant"], "Accept": r.Header["Accept"], "X-Empty": r.Header["X-Empty"], "X-Call": r.Header["X-Call"]})
			if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "mine leedo-go/") {
				t.Errorf("%s: %s", op.Name, agent)
			}
		}
		always := http.Header{"X-Tenant": {"acme"}, "Accept": {"*/*"}, "X-Empty": {""}, "X-Call": nil}
		if diff := cmp.Diff([]http.Header{always, {"X-Tenant": {"other"}, "Accept": {"*/*"}, "X-Empty": {""}, "X-Call": {"1"}}, always}, got); diff != "" {
			t.Errorf("%s: %s", op.Name, diff)
		}
	}
}

// The query of a client is a default. Params and options of a call override it.
func TestQueryOfAClient(t *testing.T) {
	t.Parallel()
	s := support.Serve(t, support.Respond(200, `{"data":[],"meta":{"total":0,"page":1,"per_page":7},"id":"1"}`))
	client, ctx := s.Client(t, leedo.WithQuery("tenant", "first"), leedo.WithQuery("tenant", "acme"), leedo.WithQuery("per_page", "7")), t.Context()
	check := func(name string, err error, want string) {
		t.Helper()
		requests := s.Requests()
		if got := requests[len(requests)-1].Query; err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	check("Get", support.ErrorOf(client.Leads.Get(ctx, "1")), "per_page=7&tenant=acme")
	check("Create", support.Create(ctx, client), "per_page=7&tenant=acme")
	check("Do", client.Do(ctx, "GET", "/x", nil, nil, leedo.WithQuery("a", "b")), "a=b&per_page=7&tenant=acme")
	check("an option", support.ErrorOf(client.Leads.Get(ctx, "1", leedo.WithQuery("tenant", "other"))), "per_page=7&tenant=other")
	check("List", support.ErrorOf(client.Leads.List(ctx, nil)), "per_page=7&tenant=acme")
	check("params", support.ErrorOf(client.Leads.List(ctx, &leedo.LeadListParams{PerPage: 5})), "per_page=5&tenant=acme")
	check("both", support.ErrorOf(client.Leads.List(ctx, &leedo.LeadListParams{PerPage: 5}, leedo.WithQuery("per_page", "3"))), "per_page=3&tenant=acme")
	check("All", support.ErrorOf(support.Gather(t, client.Leads.All(ctx, nil))), "per_page=7&tenant=acme&page=1")
	check("All with params", support.ErrorOf(support.Gather(t, client.Leads.All(ctx, &leedo.LeadListParams{PerPage: 5}))), "per_page=5&tenant=acme&page=1")
	check("All of a type", support.ErrorOf(support.Gather(t, leedo.All[leedo.Lead](ctx, client, "/leads", nil))), "per_page=7&tenant=acme&page=1")
	check("Get again", support.ErrorOf(client.Leads.Get(ctx, "1")), "per_page=7&tenant=acme")
}

func TestClientsRefuseHeadersAndQueries(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]leedo.Option{
		"Authorization": leedo.WithHeader("authorization", "Bearer x"), "Host": leedo.WithHeader("Host", "x"), "a name": leedo.WithHeader("a b", "x"),
		"a value": leedo.WithHeader("X-A", "a\nb"), "an idempotency key": leedo.WithHeader("idempotency-key", "1"), "another": leedo.WithHeader("X-Idempotency-Key", "1"),
		"no key": leedo.WithQuery("", "x"), "not UTF-8": leedo.WithQuery("a", "\xff"),
	} {
		if _, err := leedo.NewClient(support.Token, opt); !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Options print their names, and no values that may be secret or personal.
func TestOptionsPrint(t *testing.T) {
	t.Parallel()
	limiter, err := leedo.NewRateLimiter(nil)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "s3cret-Value"
	for want, opt := range map[string]any{
		`WithBaseURL("https://crm.example/v1")`: leedo.WithBaseURL("https://crm.example/v1"), `WithBaseURL(…)`: leedo.WithBaseURL(secret),
		`WithInsecureHTTP()`: leedo.WithInsecureHTTP(), `WithHTTPClient(…)`: leedo.WithHTTPClient(http.DefaultClient),
		`WithTokenSource(…)`:         leedo.WithTokenSource(func(context.Context) (string, error) { return secret, nil }),
		`WithUserAgent("myapp/1.2")`: leedo.WithUserAgent("myapp/1.2"), `WithMaxResponseBytes(1024)`: leedo.WithMaxResponseBytes(1024),
		`WithBackoff(1s, 1m0s)`: leedo.WithBackoff(time.Second, time.Minute), `WithRateLimiter(…)`: leedo.WithRateLimiter(limiter),
		`WithoutRateLimiter()`: leedo.WithoutRateLimiter(), `WithLogger(…)`: leedo.WithLogger(slog.Default()), `WithHooks(…)`: leedo.WithHooks(leedo.Hooks{}),
		`WithInterceptor(…)`: leedo.WithInterceptor(support.PassOn), `WithDump(…)`: leedo.WithDump(os.Stderr),
		`WithRetries(3)`: leedo.WithRetries(3), `WithAttemptTimeout(30s)`: leedo.WithAttemptTimeout(30 * time.Second),
		`WithMaxWait(0s)`: leedo.WithMaxWait(0), `WithMaxWait(NoMaxWait)`: leedo.WithMaxWait(leedo.NoMaxWait),
		`WithPriority(PriorityInteractive)`: leedo.WithPriority(leedo.PriorityInteractive), `WithPriority(PriorityBulk)`: leedo.WithPriority(leedo.PriorityBulk), `WithPriority(7)`: leedo.WithPriority(7),
		`WithHeader("X-Key", …)`: leedo.WithHeader("X-Key", secret), `WithQuery("email", …)`: leedo.WithQuery("email", secret),
		`WithBodyField("score", …)`: leedo.WithBodyField("score", secret), `WithResponse(…)`: leedo.WithResponse(new(leedo.Response)),
		`WithIdempotent()`: leedo.WithIdempotent(), `WithMaxItems(5)`: leedo.WithMaxItems(5), `WithPrefetch(-1)`: leedo.WithPrefetch(-1),
	} {
		for verb, want := range map[string]string{"%v": want, "%+v": want, "%s": want, "%d": want, "%x": want, "%#v": "leedo." + want, "%q": fmt.Sprintf("%q", want)} {
			if got := fmt.Sprintf(verb, opt); got != want {
				t.Errorf("%s: %s, want %s", verb, got, want)
			}
		}
		if encoded, err := json.Marshal(opt); err != nil || strings.Contains(string(encoded), secret) {
			t.Errorf("%s: %s, %v", want, encoded, err)
		}
	}
	if got := fmt.Sprint([]leedo.RequestOption{leedo.WithMaxItems(5), leedo.WithIdempotent()}); got != "[WithMaxItems(5) WithIdempotent()]" {
		t.Error(got)
	}
}
