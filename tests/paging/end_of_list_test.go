package paging_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// figures is a list whose pages, and what they say of it, are those of the test.
type figures struct {
	ids   func(page int) []string
	meta  func(page, request, rows int) string // nil: as total says, and what was asked for
	total func(page, request int) int
	reply func(page int) http.HandlerFunc // instead; nil: the page

	ahead int // pages that are fetched ahead

	mu    sync.Mutex
	asked []int
}

func (f *figures) roundTrip(req *http.Request) (*http.Response, error) {
	page, _ := strconv.Atoi(req.URL.Query().Get("page"))
	f.mu.Lock()
	f.asked = append(f.asked, page)
	request := len(f.asked)
	f.mu.Unlock()
	select {
	case <-time.After(time.Duration(page) * time.Millisecond):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if f.reply != nil {
		if handler := f.reply(page); handler != nil {
			return support.ResponseTo(req, handler), nil
		}
	}
	rows := f.ids(page)
	items := make([]string, len(rows))
	for i, id := range rows {
		items[i] = `{"id":"` + id + `"}`
	}
	meta := fmt.Sprintf(`{"total":%d,"page":%d,"per_page":%s}`, 0, page, req.URL.Query().Get("per_page"))
	if f.total != nil {
		meta = fmt.Sprintf(`{"total":%d,"page":%d,"per_page":%s}`, f.total(page, request), page, req.URL.Query().Get("per_page"))
	}
	if f.meta != nil {
		meta = f.meta(page, request, len(rows))
	}
	return support.ResponseTo(req, support.Respond(200, `{"data":[`+strings.Join(items, ",")+`],"meta":`+meta+`}`)), nil
}

// cutInto returns the ids from n to 1 in pages of that size.
func cutInto(n, size int) func(page int) []string {
	return func(page int) []string {
		from := min(max(page-1, 0)*size, n)
		return support.IDs(n)[from:min(from+size, n)]
	}
}

// inPages returns the ids from the first page's to 1 in pages of those sizes.
func inPages(sizes ...int) func(page int) []string {
	return func(page int) []string {
		n := 0
		for _, size := range sizes {
			n += size
		}
		for _, size := range sizes[:min(page, len(sizes)+1)-1] {
			n -= size
		}
		if page > len(sizes) {
			return nil
		}
		return support.IDs(n)[:sizes[page-1]]
	}
}

func constant(total int) func(page, request int) int { return func(int, int) int { return total } }

func inTurn(totals ...int) func(page, request int) int {
	return func(_, request int) int { return totals[(request-1)%len(totals)] }
}

// each runs a test for every way to iterate: All, Pages, with and without
// prefetch.
func each(t *testing.T, name string, f func() *figures, test func(t *testing.T, list *figures, walk support.Iterate)) {
	t.Helper()
	for _, n := range []int{0, 1, 3, 8} {
		eachIterationNamed(t, fmt.Sprint(name, ", ", n, " ahead"), func(t *testing.T, walk support.Iterate) {
			list := f()
			list.ahead = n
			test(t, list, func(ctx context.Context, c *leedo.Client, params *leedo.LeadListParams, opts ...leedo.RequestOption) iter.Seq2[*leedo.Lead, error] {
				return walk(ctx, c, params, append(opts, leedo.WithPrefetch(n))...)
			})
		})
	}
}

func (f *figures) client(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	return support.NewClient(t, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(f.roundTrip)})}, opts...)...)
}

// An iteration ends when all items have arrived, or with an error that says how
// many are missing.
func TestTheEndOfAListIsProven(t *testing.T) {
	t.Parallel()
	perPage := func(claim string, total int) func(page, request, rows int) string {
		return func(page, _, _ int) string {
			return fmt.Sprintf(`{"total":%d,"page":%d,"per_page":%s}`, total, page, claim)
		}
	}
	for _, tt := range []struct {
		name     string
		list     *figures
		params   leedo.LeadListParams
		want     int    // items
		missing  string // what the error says; empty: none
		requests int    // at most
	}{
		{"a page size that is lowered", &figures{ids: cutInto(120, 50), meta: perPage("100", 120)}, leedo.LeadListParams{}, 120, "", 3},
		{"a page size that is lowered, full last page", &figures{ids: cutInto(150, 50), meta: perPage("100", 150)}, leedo.LeadListParams{}, 150, "", 4},
		{"a page size that is lowered, from page 2", &figures{ids: cutInto(120, 50), meta: perPage("100", 120)}, leedo.LeadListParams{Page: 2}, 70, "", 2},
		{"a page size that is lowered, from the last page", &figures{ids: cutInto(120, 50), meta: perPage("100", 120)}, leedo.LeadListParams{Page: 3}, 20, "", 2},
		{"a page size that is larger than it says", &figures{ids: cutInto(250, 100), meta: perPage("20", 250)}, leedo.LeadListParams{}, 250, "", 3},
		{"a page size that is larger than it says, from the last page", &figures{ids: cutInto(250, 100), meta: perPage("20", 250)}, leedo.LeadListParams{Page: 3}, 50, "", 2},
		{"a page size that changes", &figures{ids: cutInto(7, 3), meta: func(page, _, _ int) string {
			return fmt.Sprintf(`{"total":7,"page":%d,"per_page":%d}`, page, 3+page)
		}}, leedo.LeadListParams{PerPage: 3}, 7, "", 3},
		{"empty pages in the middle", &figures{ids: inPages(2, 0, 0, 2, 1), total: constant(9)}, leedo.LeadListParams{PerPage: 2}, 5, "9 items expected, 5 received", 9},
		{"empty pages in the middle, all there", &figures{ids: inPages(2, 0, 0, 2, 1), total: constant(5)}, leedo.LeadListParams{PerPage: 2}, 5, "", 5},
		{"three empty pages", &figures{ids: inPages(2, 0, 0, 0, 1), total: constant(3)}, leedo.LeadListParams{PerPage: 2}, 3, "", 5},
		{"four empty pages", &figures{ids: inPages(2, 0, 0, 0, 0, 1), total: constant(3)}, leedo.LeadListParams{PerPage: 2}, 2, "3 items expected, 2 received", 5},
		{"an empty first page", &figures{ids: inPages(0, 2, 1), total: constant(3)}, leedo.LeadListParams{PerPage: 2}, 3, "", 3},
		{"short pages", &figures{ids: inPages(2, 1, 2, 1), total: constant(6)}, leedo.LeadListParams{PerPage: 2}, 6, "", 4},
		{"short pages, not all there", &figures{ids: inPages(2, 1, 2, 1), total: constant(7)}, leedo.LeadListParams{PerPage: 2}, 6, "7 items expected, 6 received", 8},
		{"a total that is capped", &figures{ids: cutInto(9, 2), total: constant(4)}, leedo.LeadListParams{PerPage: 2}, 9, "", 6},
		{"a total that is capped in mid-page", &figures{ids: cutInto(9, 2), total: constant(3)}, leedo.LeadListParams{PerPage: 2}, 9, "", 6},
		{"a total of zero", &figures{ids: cutInto(5, 2), total: constant(0)}, leedo.LeadListParams{PerPage: 2}, 5, "", 4},
		{"a total that is late", &figures{ids: cutInto(9, 2), total: inTurn(2, 4, 9, 9, 9, 9)}, leedo.LeadListParams{PerPage: 2}, 9, "", 5},
		{"a full last page", &figures{ids: cutInto(6, 2), total: constant(6)}, leedo.LeadListParams{PerPage: 2}, 6, "", 4},
		{"a short last page", &figures{ids: cutInto(5, 2), total: constant(5)}, leedo.LeadListParams{PerPage: 2}, 5, "", 3},
		{"one page", &figures{ids: cutInto(5, 100), total: constant(5)}, leedo.LeadListParams{}, 5, "", 1},
		{"no items", &figures{ids: cutInto(0, 100), total: constant(0)}, leedo.LeadListParams{}, 0, "", 1},
		{"beyond the end", &figures{ids: cutInto(5, 2), total: constant(5)}, leedo.LeadListParams{Page: 9, PerPage: 2}, 0, "", 1},
		{"zero on empty pages", &figures{ids: inPages(2, 0, 0, 2, 1), total: func(page, _ int) int {
			if page == 2 || page == 3 {
				return 0
			}
			return 5
		}}, leedo.LeadListParams{PerPage: 2}, 5, "", 7},
	} {
		each(t, tt.name, func() *figures { return &figures{ids: tt.list.ids, meta: tt.list.meta, total: tt.list.total} }, func(t *testing.T, list *figures, walk support.Iterate) {
			ids, err := support.Gather(t, walk(t.Context(), list.client(t), &tt.params))
			if n := len(ids); n != tt.want || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != n {
				t.Errorf("got %d items, want %d: %v", n, tt.want, ids)
			}
			if tt.missing == "" && err != nil || tt.missing != "" && (!support.Is[*leedo.DecodeError](err) || !strings.Contains(err.Error(), tt.missing)) {
				t.Errorf("error %v, want %q", err, tt.missing)
			}
			if len(list.asked) > tt.requests+list.ahead {
				t.Errorf("asked for pages %v, want at most %d", list.asked, tt.requests)
			}
		})
	}
}

// Servers respond in many ways to a page behind the last one. While items are
// missing each of these responses is an error, otherwise none is.
func TestTheLookBehindAFullLastPageCannotFail(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]http.HandlerFunc{
		"404": support.Respond(404, ""), "400": support.Respond(400, ""), "403": support.Respond(403, ""), "410": support.Respond(410, ""), "500": support.Respond(500, ""), "301": support.Respond(301, "", "Location", "/v1/leads"),
		"429": support.Respond(429, "", "Retry-After", "3600"), "HTML": support.Respond(200, "<html>", "Content-Type", "text/html"), "null": support.Respond(200, `{"data":null}`),
		"the first page": support.Respond(200, support.PageJSON(4, 1, 2, "4", "3")), "the last page": support.Respond(200, support.PageJSON(4, 2, 2, "2", "1")),
		"the last page, renumbered": support.Respond(200, support.PageJSON(4, 3, 2, "2", "1")), "an empty page": support.Respond(200, support.PageJSON(4, 3, 2)),
		"an empty page without figures": support.Respond(200, support.PageJSON(0, 3, 2)), "no meta": support.Respond(200, `{"data":[]}`),
	} {
		for _, missing := range []bool{false, true} {
			each(t, fmt.Sprint(name, ", missing ", missing), func() *figures {
				total := 4
				if missing {
					total = 5
				}
				return &figures{ids: cutInto(4, 2), total: constant(total), reply: func(page int) http.HandlerFunc {
					if page < 3 {
						return nil
					}
					return reply
				}}
			}, func(t *testing.T, list *figures, walk support.Iterate) {
				client := list.client(t, leedo.WithRetries(0))
				ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 2}))
				if !slices.Equal(ids, support.IDs(4)) {
					t.Errorf("got %v", ids)
				}
				if clear := strings.HasPrefix(name, "the last page") || name == "an empty page"; missing != (err != nil) && !(missing && clear) {
					t.Errorf("error %v", err)
				}
				if err != nil && !strings.Contains(err.Error(), "GET /leads, page ") {
					t.Errorf("the error does not name its page: %v", err)
				}
			})
		}
	}
}

// An iteration that begins behind page 1 may not know how many items precede its first
// page: these are 2 if pages have 2 items, and then none of 3 is missing; or 1 for each
// page, and then one is. The page behind must then be said not to exist, or say nothing.
func TestTheLookBehindAPageOfUnknownSize(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply http.HandlerFunc
		end   bool
	}{
		"404": {support.Respond(404, ""), true}, "400": {support.Respond(400, ""), true}, "the first page": {support.Respond(200, support.PageJSON(3, 1, 4, "3")), true},
		"an empty page": {support.Respond(200, support.PageJSON(3, 3, 4)), true},
		"401":           {support.Respond(401, ""), false}, "403": {support.Respond(403, ""), false}, "500": {support.Respond(500, ""), false},
		"429": {support.Respond(429, "", "Retry-After", "3600"), false}, "HTML": {support.Respond(200, "<html>", "Content-Type", "text/html"), false},
	} {
		for way, walk := range support.Iterations {
			client, rec := support.InMemory(t, []leedo.Option{leedo.WithRetries(0)}, support.Respond(200, support.PageJSON(3, 2, 4, "1")), tt.reply)
			ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{Page: 2, PerPage: 4}))
			if !slices.Equal(ids, []string{"1"}) || (err == nil) != tt.end || len(rec.Requests()) != 2 {
				t.Errorf("%s, %s: %v, %v after %d requests", name, way, ids, err, len(rec.Requests()))
			}
		}
	}
}

// The request for the page behind a full last page fails only if the context
// ends.
func TestTheLookBehindAFullLastPageEndsWithTheContext(t *testing.T) {
	t.Parallel()
	each(t, "canceled", func() *figures { return &figures{ids: cutInto(4, 2), total: constant(4)} }, func(t *testing.T, list *figures, walk support.Iterate) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var failed error
		n := 0
		for _, err := range walk(ctx, list.client(t), &leedo.LeadListParams{PerPage: 2}) {
			if failed = err; err == nil {
				if n++; n == 4 {
					cancel()
				}
			}
		}
		if n != 4 || !errors.Is(failed, context.Canceled) || !strings.Contains(failed.Error(), "GET /leads, page 3: ") {
			t.Errorf("%d items, %v", n, failed)
		}
	})
}

// With WithMaxItems the page behind the last item is not requested.
func TestMaxItemsNeedNoLook(t *testing.T) {
	t.Parallel()
	each(t, "4 of 4", func() *figures { return &figures{ids: cutInto(4, 2), total: constant(4)} }, func(t *testing.T, list *figures, walk support.Iterate) {
		ids, err := support.Gather(t, walk(t.Context(), list.client(t), &leedo.LeadListParams{PerPage: 2}, leedo.WithMaxItems(4)))
		if err != nil || len(ids) != 4 || len(list.asked) != 2 {
			t.Errorf("%v, %v, asked for %v", ids, err, list.asked)
		}
	})
}

// A total that becomes smaller in a list that does not change costs at most two
// requests a page and six at the end.
func TestTotalsThatWobbleProveNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		rows  int
		per   int
		total func(page, request int) int
	}{
		{"two replicas", 1000, 50, inTurn(999, 1000)},
		{"two replicas, the other one first", 1000, 50, inTurn(1000, 999)},
		{"an estimate", 1000, 50, inTurn(1003, 998, 1005, 996, 1001, 1000)},
		{"two replicas, short last page", 975, 50, inTurn(976, 975, 974)},
		{"it falls", 1000, 50, func(_, request int) int { return 1000 - request }},
		{"it falls from above", 1000, 50, func(_, request int) int { return 1020 - request }},
		{"it is what is left", 1000, 50, func(page, _ int) int { return 1000 - 50*(page-1) }},
		{"a zero on the last page", 1000, 50, func(page, _ int) int { return 1000 * min(21-page, 1) }},
		{"a zero on every second page", 1000, 50, func(page, _ int) int { return 1000 * (page % 2) }},
		{"one page", 40, 50, inTurn(40, 39)},
		{"two pages", 100, 50, inTurn(100, 99)},
		{"three pages", 120, 50, inTurn(121, 120, 119)},
	} {
		each(t, tt.name, func() *figures { return &figures{ids: cutInto(tt.rows, tt.per), total: tt.total} }, func(t *testing.T, list *figures, walk support.Iterate) {
			ids, err := support.Gather(t, walk(t.Context(), list.client(t), &leedo.LeadListParams{PerPage: tt.per}))
			pages := (tt.rows + tt.per - 1) / tt.per
			if err != nil || !slices.Equal(ids, support.IDs(tt.rows)) || len(list.asked) > 2*pages+6+list.ahead { // which are thrown away once
				t.Errorf("%d items, %v, %d requests for %d pages: %v", len(ids), err, len(list.asked), pages, list.asked)
			}
		})
	}
}

// Items that a removal moves to an earlier page are found.
func TestRemovalsThatEmptyTheLastPage(t *testing.T) {
	t.Parallel()
	for _, gone := range [][]string{{"7"}, {"7", "6"}, {"3"}, {"7", "5", "4"}, {"7", "6", "5", "4"}} {
		for name, walk := range support.Iterations {
			synctest.Test(t, func(t *testing.T) {
				list := support.NewSlowList(7)
				list.OnRead = func(page int) {
					if page == 4 && len(list.IDs) == 7 {
						list.Remove(gone...)
					}
				}
				ids, err := support.Gather(t, walk(t.Context(), list.Client(t), &leedo.LeadListParams{PerPage: 2}))
				if err != nil || !slices.Equal(ids, support.IDs(7)) {
					t.Errorf("%s without %v: %v, %v, asked for %v", name, gone, ids, err, list.Asked)
				}
			})
		}
	}
}

// Errors of an iteration name their page, in their text and in the log, and
// keep their type and fields, wherever the iteration began.
func TestErrorsOfAnIterationNameTheirPage(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]http.HandlerFunc{"404": support.Respond(404, ""), "500": support.Respond(500, ""), "429": support.RateLimited("Retry-After", "7200"), "broken": support.Respond(200, "{}")} {
		each(t, name, func() *figures {
			return &figures{ids: cutInto(9, 2), total: constant(9), reply: func(page int) http.HandlerFunc {
				if page == 3 {
					return reply
				}
				return nil
			}}
		}, func(t *testing.T, list *figures, walk support.Iterate) {
			for _, start := range []int{0, 2} {
				_, err := support.Gather(t, walk(t.Context(), list.client(t, leedo.WithRetries(0)), &leedo.LeadListParams{Page: start, PerPage: 2}))
				if err == nil || !strings.HasPrefix(err.Error(), "leedo: GET /leads, page 3: ") || strings.Count(err.Error(), "/leads") != 1 {
					t.Errorf("from page %d: error %v", start, err)
				}
				if api, ok := errors.AsType[*leedo.APIError](err); ok && (api.Path != "/leads" || api.Method != "GET") {
					t.Errorf("%+v", api)
				}
				if !support.Is[*leedo.NotFoundError](err) && !support.Is[*leedo.ServerError](err) && !support.Is[*leedo.RateLimitError](err) && !support.Is[*leedo.DecodeError](err) {
					t.Errorf("%v has no type", err)
				}
				if record := logText(err); !strings.Contains(record, `"page":3`) || !strings.Contains(record, `"path":"/leads"`) {
					t.Errorf("logged as %s", record)
				}
			}
		})
	}
}

// logText returns err as a log has it.
func logText(err error) string {
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "err", err)
	return log.String()
}

// WithResponse returns the last page that was read, not a failed request for
// the page behind it.
func TestAResponseIsNotOfAFailedLook(t *testing.T) {
	t.Parallel()
	each(t, "404", func() *figures {
		return &figures{ids: cutInto(4, 2), total: constant(4), reply: func(page int) http.HandlerFunc {
			if page == 3 {
				return support.Respond(404, "")
			}
			return nil
		}}
	}, func(t *testing.T, list *figures, walk support.Iterate) {
		var response leedo.Response
		ids, err := support.Gather(t, walk(t.Context(), list.client(t), &leedo.LeadListParams{PerPage: 2}, leedo.WithResponse(&response)))
		if err != nil || len(ids) != 4 || response.StatusCode != 200 || !strings.Contains(string(response.Body), `"page":2`) {
			t.Errorf("%v, %v, %d %s", ids, err, response.StatusCode, response.Body)
		}
	})
}
