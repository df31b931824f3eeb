package otel_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

// TestNothingSecretIsRecorded makes calls of all kinds, each with parts that nobody
// should find in a trace or a metric.
func TestNothingSecretIsRecorded(t *testing.T) {
	const token = "SECRET-token"
	server, r := leedotest.NewServer(leedotest.WithToken(token)), newRecorder(t)
	transport := server.HTTPClient().Transport
	failing := roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("X-Unreachable") != "" {
			return nil, fmt.Errorf("cannot reach %s with %s", req.URL, req.Header.Get("Authorization"))
		}
		return transport.RoundTrip(req)
	})
	options := r.instrument(leedootel.WithHTTPClient(&http.Client{Transport: failing}),
		leedootel.WithRateLimiter(newLimiter(t, nil)), leedootel.WithURLTemplate())
	options = append(options, leedo.WithBackoff(time.Millisecond, time.Millisecond), leedo.WithHeader("X-Header", "SECRET-header"))
	c := client(t, server, options...)
	ctx := t.Context()

	lead := server.AddLead(leedo.Lead{ID: "SECRET-id", Name: "SECRET-name"})
	query := leedo.WithQuery("q", "SECRET-query")
	unreachable := leedo.WithHeader("X-Unreachable", "yes")
	server.Inject(
		leedotest.Fault{Path: "/leads/{id}", Status: 503, Header: http.Header{"X-Request-Id": {"SECRET-request"}}},
		leedotest.Fault{Path: "/accounts", Status: 400, Body: `{"message": "SECRET-message"}`},
		leedotest.Fault{Path: "/contacts", Body: `SECRET-html`, Status: 200},
	)
	var errs []error
	add := func(_ any, err error) { errs = append(errs, err) }
	add(c.Leads.Get(ctx, lead.ID, query))
	add(c.Leads.Update(ctx, lead.ID, &leedo.LeadUpdateParams{Email: new("SECRET-email")}))
	add(c.Leads.Get(ctx, "SECRET-unknown"))
	add(c.Leads.Get(ctx, lead.ID, query, unreachable))
	add(c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "SECRET-name"}, unreachable))
	add(c.Leads.Get(ctx, "SECRET-\x00"))
	add(c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "SECRET-account"}))
	add(c.Contacts.List(ctx, nil, query))
	add(nil, c.Do(ctx, "GET", "/SECRET-path", nil, nil))
	add(nil, c.Do(ctx, "GET", "/leads/SECRET-id/notes", nil, nil))
	add(nil, c.Do(ctx, "SECRET-METHOD", "/leads", nil, nil))
	server.SetRateLimit(0, time.Hour)
	add(c.Leads.List(ctx, nil, query))
	failed := 0
	for _, err := range errs {
		if err != nil {
			failed++
		}
	}
	if failed != len(errs)-2 {
		t.Errorf("%d of %d calls failed: %v", failed, len(errs), errors.Join(errs...))
	}

	var metrics metricdata.ResourceMetrics
	if err := r.reader.Collect(ctx, &metrics); err != nil {
		t.Fatal(err)
	}
	for _, recorded := range []any{tracetest.SpanStubsFromReadOnlySpans(r.spans.Ended()), metrics.ScopeMetrics} {
		text, err := json.Marshal(recorded)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "/leads/{id}") {
			t.Errorf("this is not what was recorded: %s", text)
		}
		if at := strings.Index(strings.ToUpper(string(text)), "SECRET"); at >= 0 {
			t.Errorf("secret: %s", text[max(at-200, 0):min(at+100, len(text))])
		}
	}
}
