package retry_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A transport may modify the request in place, as those of gateways and tests
// do. The next attempt is not affected.
func TestATransportMayRewriteTheRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		first http.HandlerFunc
		ops   []support.Operation
	}{
		{"a retry", support.Respond(503, ""), support.Reads},
		{"a return to the queue", support.RateLimited("Retry-After", "1"), append(append([]support.Operation{}, support.Reads...), support.Writes...)},
		{"a redirect", support.Respond(307, "", "Location", "/v1/leads/other"), support.Reads[:1]},
	}
	for _, test := range tests {
		for _, op := range test.ops {
			synctest.Test(t, func(t *testing.T) {
				handler := (&support.Recorder{}).Handler([]http.HandlerFunc{test.first, support.Respond(200, support.LeadJSON)})
				var saw []string
				transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
					saw = append(saw, req.URL.Host+req.Header.Get("X-Gateway"))
					req.URL.Scheme, req.URL.Host, req.URL.Path, req.URL.RawQuery = "http", "gateway.example", "/", "to=leedo"
					req.Header.Set("X-Gateway", "passed")
					if req.Body == nil {
						req.Body = http.NoBody
					}
					return support.ResponseTo(req, handler.ServeHTTP), nil
				})
				c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: transport}))
				if err := op.Call(t.Context(), c); err != nil {
					t.Errorf("%s, %s: %v", test.name, op.Name, err)
				}
				if len(saw) != 2 || saw[0] != "api.leedo.app" || saw[1] != saw[0] {
					t.Errorf("%s, %s: requests as they came to the transport: %q", test.name, op.Name, saw)
				}
			})
		}
	}
}
