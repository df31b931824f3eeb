package paging_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A server that ignores the page parameter but repeats its number, with a total
// that grows, ends the iteration before it spends the quota.
func TestAListThatOnlyClaimsToGrowEndsTheWalk(t *testing.T) {
	t.Parallel()
	total := 10
	c, rec := support.InMemory(t, nil, func(w http.ResponseWriter, req *http.Request) {
		if total += 2; total > 5000 {
			support.Respond(500, "")(w, req) // or the test would not end
			return
		}
		support.Respond(200, fmt.Sprintf(`{"data":[{"id":"1"},{"id":"2"}],"meta":{"total":%d,"page":%s,"per_page":2}}`, total, req.URL.Query().Get("page")))(w, req)
	})
	rows, failed := 0, error(nil)
	for _, err := range c.Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 2}, leedo.WithRetries(0)) {
		if err != nil {
			failed = err
			continue
		}
		rows++
	}
	if n := len(rec.Requests()); rows != 2 || !support.Is[*leedo.DecodeError](failed) || n > 300 {
		t.Errorf("%d rows after %d requests, %v", rows, n, failed)
	}
}
