package cost_test

import (
	"net/http/httptest"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A fake whose control interface is not used serves a request with the allocations
// of the fake that had none. The bounds are those of the Go release with more. Not
// parallel: it counts the allocations of the process.
func TestTheFakeCostsNoMore(t *testing.T) {
	if support.Race {
		t.Skip("the race detector allocates, too, and empties pools")
	}
	server := leedotest.NewServer(leedotest.WithPlan(1_000_000), leedotest.WithRecentRequests(0))
	lead := server.AddLead(leedo.Lead{Name: "John Doe"})
	req := httptest.NewRequest("GET", "https://api.leedo.app/v1/leads/"+lead.ID, nil)
	req.RequestURI = "" // so that a client can send it
	req.Header.Set("Authorization", "Bearer "+server.Token())
	client := server.HTTPClient()
	status := 0
	inMemory := testing.AllocsPerRun(200, func() {
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		status = resp.StatusCode
		resp.Body.Close()
	})
	asHandler := testing.AllocsPerRun(200, func() {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, req)
		status = max(status, w.Code)
	})
	t.Logf("%v allocations in memory, %v as a handler", inMemory, asHandler)
	if status != 200 || inMemory > 99 || asHandler > 95 {
		t.Errorf("status %d, %v allocations in memory, at most 99; %v as a handler, at most 95", status, inMemory, asHandler)
	}
}
