package wire_test

import (
	"context"
	"errors"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A Response that is used again keeps nothing of the earlier call, also if the
// later one fails before anything is sent.
func TestAResponseIsOfItsOwnCall(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func(*leedo.Client, *leedo.Response) error{
		"an empty id": func(c *leedo.Client, r *leedo.Response) error {
			_, err := c.Leads.Get(t.Context(), "", leedo.WithResponse(r))
			return err
		},
		"an unfit option before": func(c *leedo.Client, r *leedo.Response) error {
			_, err := c.Leads.Get(t.Context(), "x", leedo.WithResponse(r), leedo.WithRetries(-1))
			return err
		},
		"nil params": func(c *leedo.Client, r *leedo.Response) error {
			_, err := c.Leads.Create(t.Context(), nil, leedo.WithResponse(r))
			return err
		},
		"a zero client": func(_ *leedo.Client, r *leedo.Response) error {
			return new(leedo.Client).Do(t.Context(), "GET", "/leads", nil, nil, leedo.WithResponse(r))
		},
		"a context that has ended": func(c *leedo.Client, r *leedo.Response) error {
			_, err := c.Leads.Get(ended, "x", leedo.WithResponse(r))
			return err
		},
	} {
		c, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON, "X-Request-Id", "req_9"))
		var r leedo.Response
		if _, err := c.Leads.Get(t.Context(), "x", leedo.WithResponse(&r)); err != nil || r.StatusCode != 200 || r.RequestID != "req_9" {
			t.Fatalf("%v, %+v", err, r)
		}
		err := call(c, &r)
		if err == nil || r.StatusCode != 0 || r.RequestID != "" || r.Header != nil || r.Body != nil || r.Attempts != 0 {
			t.Errorf("%s: %v, the response is that of the call before: %+v", name, err, r)
		}
		if n := len(rec.Requests()); n != 1 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// A response without rate limit headers has a zero RateLimit, which does not
// mean that the quota is exhausted.
func TestAResponseWithoutRateLimitHeaders(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{nil, {"X-RateLimit-Remaining", "none", "X-RateLimit-Reset", "soon"}} {
		c, _ := support.InMemory(t, nil, support.Respond(200, support.LeadJSON, header...), support.Respond(404, "{}", header...))
		var r leedo.Response
		if err := support.Reads[0].Call(t.Context(), c, leedo.WithResponse(&r)); err != nil || r.RateLimit != (leedo.RateLimit{}) {
			t.Errorf("%v: %v, the response tells %+v", header, err, r.RateLimit)
		}
		err := support.Reads[0].Call(t.Context(), c)
		if api, ok := errors.AsType[*leedo.APIError](err); !ok || api.RateLimit != (leedo.RateLimit{}) {
			t.Errorf("%v: %v tells %+v", header, err, api)
		}
	}
	for name, value := range map[string]string{"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "60"} {
		c, _ := support.InMemory(t, nil, support.Respond(200, support.LeadJSON, name, value))
		var r leedo.Response
		if err := support.Reads[0].Call(t.Context(), c, leedo.WithResponse(&r)); err != nil || r.RateLimit.Observed.IsZero() {
			t.Errorf("%s: %v, the response tells %+v", name, err, r.RateLimit)
		}
	}
}
