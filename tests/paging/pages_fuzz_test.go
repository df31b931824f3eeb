package paging_test

import (
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Whatever pages a server sends, an iteration ends after few requests, one page
// at a time or ahead, yields no item twice, and ends without an error only if
// every page that it read is JSON.
func FuzzPages(f *testing.F) {
	for _, seed := range [][3]string{
		{support.PageJSON(3, 1, 2, "a", "b"), support.PageJSON(3, 2, 2, "c"), ""},
		{support.PageJSON(4, 1, 2, "a", "b"), support.PageJSON(3, 2, 2, "b"), support.PageJSON(3, 1, 2, "a", "d")},
		{support.PageJSON(math.MaxInt32, 1, 1, "a"), support.PageJSON(math.MaxInt32, 2, 1), support.PageJSON(math.MaxInt32, 3, 1, "c")},
		{support.PageJSON(0, 1, 100), "", ""},
		{support.PageJSON(-1, 1, 0, "a"), "[]", "{}"},
		{`{"data":[],"meta":[]}`, `{"data":{}}`, `{"data":null}`},
		{`{"data":[{"id":""}],"meta":{"total":"2","page":1.0,"per_page":1}}`, `{"data":[null],"meta":{"page":2}}`, `<html>`},
		{`{"data":[{"id":7},{"id":"7"}],"meta":{"total":9223372036854775807,"page":1,"per_page":9223372036854775807}}`, `{"data":[{"id":8}],"meta":{"page":2,"per_page":2}}`, ``},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, first, second, third string) {
		pages := map[string]string{"1": first, "2": second, "3": third}
		for _, ahead := range []int{0, 3} {
			client, rec := support.InMemory(t, []leedo.Option{leedo.WithRetries(0)}, func(w http.ResponseWriter, req *http.Request) {
				page, there := pages[req.URL.Query().Get("page")]
				if !there { // the last one, with the number that was requested
					page = strings.ReplaceAll(third, `"page":3`, `"page":`+req.URL.Query().Get("page"))
				}
				support.Respond(200, page)(w, req)
			})
			seen := map[string]bool{}
			ids, err := support.Gather(t, client.Leads.All(t.Context(), nil, leedo.WithPrefetch(ahead)))
			for _, id := range ids {
				if id == "" || seen[id] {
					t.Errorf("%q is yielded, or is yielded twice, in %q", id, ids)
				}
				seen[id] = true
			}
			requests := len(rec.Requests())
			if requests == 0 || requests > 100 {
				t.Errorf("%d requests", requests)
			}
			if err != nil && !support.Is[*leedo.DecodeError](err) && !support.Is[*leedo.APIError](err) {
				t.Errorf("%T: %v", err, err)
			}
			if err == nil && !strings.Contains(first, "{") {
				t.Errorf("%q is a list", first)
			}
		}
	})
}
