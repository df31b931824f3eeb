package leedo_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/leedoapp/leedo-go"
)

// TestATransportMayRewriteTheRequest in place, as those of gateways and tests
// do: the next attempt is not that of a stranger.
func TestATransportMayRewriteTheRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		first http.HandlerFunc
		ops   []operation
	}{
		{"a retry", answer(503, ""), reads},
		{"a return to the queue", refuse("Retry-After", "1"), append(append([]operation{}, reads...), writes...)},
		{"a redirect", answer(307, "", "Location", "/v1/leads/other"), reads[:1]},
	}
	for _, test := range tests {
		for _, op := range test.ops {
			synctest.Test(t, func(t *testing.T) {
				handler := (&recorder{}).handler([]http.HandlerFunc{test.first, answer(200, leadJSON)})
				var saw []string
				transport := roundTripper(func(req *http.Request) (*http.Response, error) {
					saw = append(saw, req.URL.Host+req.Header.Get("X-Gateway"))
					req.URL.Scheme, req.URL.Host, req.URL.Path, req.URL.RawQuery = "http", "gateway.example", "/", "to=leedo"
					req.Header.Set("X-Gateway", "passed")
					if req.Body == nil {
						req.Body = http.NoBody
					}
					return respond(req, handler.ServeHTTP), nil
				})
				c := newClient(t, leedo.WithHTTPClient(&http.Client{Transport: transport}))
				if err := op.call(t.Context(), c); err != nil {
					t.Errorf("%s, %s: %v", test.name, op.name, err)
				}
				if len(saw) != 2 || saw[0] != "api.leedo.app" || saw[1] != saw[0] {
					t.Errorf("%s, %s: requests as they came to the transport: %q", test.name, op.name, saw)
				}
			})
		}
	}
}
