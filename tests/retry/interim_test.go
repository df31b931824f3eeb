package retry_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// An attempt gets up to 100 responses with a 1xx status before the final one.
func TestInterimResponsesAreBounded(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{100: "", 101: "more than 100 responses with a 1xx status"} {
		s := support.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for range n {
				w.WriteHeader(http.StatusEarlyHints)
			}
			io.WriteString(w, `{"id":"id-1","name":"Jane Roe"}`)
		})
		_, err := s.Client(t, leedo.WithRetries(0)).Leads.Get(t.Context(), "id-1")
		if support.Is[*leedo.TransportError](err) != (want != "") || want != "" && !strings.Contains(err.Error(), want) || want == "" && err != nil {
			t.Errorf("%d: %v", n, err)
		}
	}
}
