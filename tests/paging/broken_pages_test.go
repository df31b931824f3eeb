package paging_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// The DecodeError of a page that breaks the rules has the first KiB of its body.
func TestABrokenPageKeepsTheBeginningOfItsBody(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 1 << 10, 1<<10 + 1, 100 << 10} {
		page := support.PageJSON(6, 7, 2, "a", "b")
		page += strings.Repeat(" ", n-len(page))
		for name, walk := range support.Iterations {
			client, _ := support.InMemory(t, nil, support.Respond(200, page))
			_, err := support.Gather(t, walk(t.Context(), client, nil))
			if e, ok := errors.AsType[*leedo.DecodeError](err); !ok || string(e.Body) != page[:min(n, 1<<10)] {
				t.Errorf("%s, %d bytes: %v", name, n, err)
			}
		}
	}
}

// An iteration over a list whose pages contradict the request ends with a
// DecodeError: a server that ignores the page parameter must not look like
// success.
func TestPagingThatIsBrokenEndsTheWalk(t *testing.T) {
	t.Parallel()
	first := support.PageJSON(6, 1, 2, "a", "b")
	tests := []struct {
		name  string
		pages []string
		text  string
		rows  []string
	}{
		{"page is ignored", []string{first}, "requested page 2, but meta.page is 1", []string{"a", "b"}},
		{"page is ignored but repeated", []string{first, support.PageJSON(6, 2, 2, "a", "b")}, "page 2 repeats items", []string{"a", "b"}},
		{"page is ignored later", []string{first, support.PageJSON(6, 2, 2, "c", "d"), support.PageJSON(6, 3, 2, "c", "d")}, "page 3 repeats items", []string{"a", "b", "c", "d"}},
		{"page is ignored on the last page", []string{support.PageJSON(4, 1, 2, "a", "b"), support.PageJSON(4, 2, 2, "a", "b")}, "page 2 repeats items", []string{"a", "b"}},
		{"page is ignored on the last page, which is short", []string{support.PageJSON(3, 1, 2, "a", "b"), support.PageJSON(3, 2, 2, "a", "b")}, "page 2 repeats items", []string{"a", "b"}},
		{"page is another", []string{support.PageJSON(6, 0, 2, "a", "b")}, "requested page 1, but meta.page is 0", nil},
		{"per_page is 0", []string{support.PageJSON(6, 1, 0, "a", "b")}, "meta.per_page is 0", nil},
		{"per_page is negative", []string{support.PageJSON(6, 1, -2, "a", "b")}, "meta.per_page is -2", nil},
		{"total is negative", []string{support.PageJSON(-6, 1, 2, "a", "b")}, "meta.total -6", nil},
		{"no meta", []string{`{"data":[{"id":"a"}]}`}, "requested page 1, but meta.page is 0", nil},
	}
	for _, tt := range tests {
		for name, walk := range support.Iterations {
			answers := make([]http.HandlerFunc, len(tt.pages))
			for i, page := range tt.pages {
				answers[i] = support.Respond(200, page)
			}
			client, rec := support.InMemory(t, nil, answers...)
			ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 2}))
			if !slices.Equal(ids, tt.rows) {
				t.Errorf("%s, %s: rows %v", tt.name, name, ids)
			}
			decode, ok := errors.AsType[*leedo.DecodeError](err)
			if !ok || !strings.Contains(err.Error(), tt.text) || decode.StatusCode != 200 || decode.Path != "/leads" || decode.Method != "GET" ||
				decode.ContentType != "application/json" || string(decode.Body) != tt.pages[min(len(rec.Requests()), len(tt.pages))-1] {
				t.Errorf("%s, %s: %v, want %q", tt.name, name, err, tt.text)
			}
		}
	}
}
