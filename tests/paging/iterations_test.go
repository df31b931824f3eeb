package paging_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// asked returns page and per_page of the requests that arrived.
func asked(server *leedotest.Server) []string {
	var queries []string
	for _, r := range server.Requests() {
		queries = append(queries, r.Query.Get("page")+"/"+r.Query.Get("per_page"))
	}
	return queries
}

func TestWalksReadEverything(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rows   int
		params *leedo.LeadListParams
		want   []string // ids
		asked  []string
	}{
		{0, nil, nil, []string{"1/100"}},
		{1, nil, support.IDs(1), []string{"1/100"}},
		{100, nil, support.IDs(100), []string{"1/100", "2/100"}},
		{101, nil, support.IDs(101), []string{"1/100", "2/100"}},
		{250, &leedo.LeadListParams{}, support.IDs(250), []string{"1/100", "2/100", "3/100"}},
		{250, &leedo.LeadListParams{Page: 1}, support.IDs(250), []string{"1/100", "2/100", "3/100"}},
		{250, &leedo.LeadListParams{Page: 3}, support.IDs(50), []string{"3/100", "4/100"}}, // it may be a full one
		{250, &leedo.LeadListParams{Page: 4}, nil, []string{"4/100"}},
		{7, &leedo.LeadListParams{PerPage: 3}, support.IDs(7), []string{"1/3", "2/3", "3/3"}},
		{7, &leedo.LeadListParams{Page: 2, PerPage: 3}, support.IDs(4), []string{"2/3", "3/3"}},
		{150, &leedo.LeadListParams{PerPage: 1000}, support.IDs(150), []string{"1/1000", "2/1000"}}, // the API gives 100
	}
	for _, tt := range tests {
		for name, walk := range support.Iterations {
			server := support.Fake(tt.rows)
			ids, err := support.Gather(t, walk(t.Context(), server.Client(), tt.params))
			if err != nil || !slices.Equal(ids, tt.want) {
				t.Errorf("%s of %d, %+v: %d rows, %v", name, tt.rows, tt.params, len(ids), err)
			}
			if got := asked(server); !slices.Equal(got, tt.asked) {
				t.Errorf("%s of %d, %+v: asked for %v, want %v", name, tt.rows, tt.params, got, tt.asked)
			}
		}
	}
}

func TestPagesHoldTheirMeta(t *testing.T) {
	t.Parallel()
	var metas []leedo.PageMeta
	for page, err := range support.Fake(5).Client().Leads.Pages(t.Context(), &leedo.LeadListParams{PerPage: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		metas = append(metas, page.Meta)
		if want := len(metas) < 3; page.HasNext() != want {
			t.Errorf("page %d: HasNext is %v", len(metas), !want)
		}
	}
	if want := []leedo.PageMeta{{Total: 5, Page: 1, PerPage: 2}, {Total: 5, Page: 2, PerPage: 2}, {Total: 5, Page: 3, PerPage: 2}}; !cmp.Equal(metas, want) {
		t.Errorf("got %+v", metas)
	}
}

// Nothing is sent before the first item is requested, and a second range is a
// second iteration.
func TestWalksAreLazyAndRangeAgain(t *testing.T) {
	t.Parallel()
	for name, walk := range support.Iterations {
		support.Bubble(t, name, func(t *testing.T) {
			server := support.Fake(3)
			seq := walk(t.Context(), server.Client(), &leedo.LeadListParams{PerPage: 2}, leedo.WithMaxItems(3))
			if n := len(server.Requests()); n != 0 {
				t.Errorf("%s: %d requests before the range", name, n)
			}
			for n := range 3 {
				ids, err := support.Gather(t, seq)
				if err != nil || !slices.Equal(ids, support.IDs(3)) {
					t.Errorf("%s: range %d gives %v, %v", name, n, ids, err)
				}
				if got := len(server.Requests()); got != 2*(n+1) {
					t.Errorf("%s: %d requests after %d ranges", name, got, n+1)
				}
			}
			next, stop := iter.Pull2(seq)
			next()
			synctest.Wait() // for what is read ahead
			if got := len(server.Requests()); got != 7 {
				t.Errorf("%s: %d requests for the first row", name, got-6)
			}
			next()
			synctest.Wait()
			if got := len(server.Requests()); got != 7 {
				t.Errorf("%s: the second page was fetched before it was needed", name)
			}
			stop()
		})
	}
}

// An iteration does not change its params, and later changes of them do not
// affect it.
func TestParamsAreCopiedAndNeverChanged(t *testing.T) {
	t.Parallel()
	for name, walk := range support.Iterations {
		server := support.Fake(5)
		params := &leedo.LeadListParams{Page: 2, PerPage: 2}
		seq := walk(t.Context(), server.Client(), params)
		*params = leedo.LeadListParams{Page: 1, PerPage: 5}
		for lead, err := range seq {
			if err != nil || lead.ID != "3" {
				t.Errorf("%s: first %+v, %v", name, lead, err)
			}
			*params = leedo.LeadListParams{Page: -7, PerPage: 1}
			break
		}
		ids, err := support.Gather(t, seq)
		if err != nil || !slices.Equal(ids, support.IDs(3)) {
			t.Errorf("%s: got %v, %v", name, ids, err)
		}
		if *params != (leedo.LeadListParams{Page: -7, PerPage: 1}) {
			t.Errorf("%s: params are now %+v", name, *params)
		}
		if got := asked(server); !slices.Equal(got, []string{"2/2", "2/2", "3/2"}) {
			t.Errorf("%s: asked for %v", name, got)
		}
	}
}

// Query parameters are sent with each page, and override params.
func TestQueriesGoWithEveryPage(t *testing.T) {
	t.Parallel()
	for name, walk := range support.Iterations {
		server := support.Fake(5)
		ids, err := support.Gather(t, walk(t.Context(), server.Client(), &leedo.LeadListParams{Page: 1, PerPage: 1},
			leedo.WithQuery("per_page", "2"), leedo.WithQuery("page", "2"), leedo.WithQuery("status", "new & old")))
		if err != nil || !slices.Equal(ids, support.IDs(3)) {
			t.Errorf("%s: got %v, %v", name, ids, err)
		}
		if got := asked(server); !slices.Equal(got, []string{"2/2", "3/2"}) {
			t.Errorf("%s: asked for %v", name, got)
		}
		for _, r := range server.Requests() {
			if got := r.Query["status"]; !slices.Equal(got, []string{"new & old"}) {
				t.Errorf("%s: status %q", name, got)
			}
		}
		for _, page := range []string{"0", "-1", "x", "1.5", "99999999999999999999"} {
			_, err := support.Gather(t, walk(t.Context(), server.Client(), nil, leedo.WithQuery("page", page)))
			support.CheckInvalidArgument(t, err)
		}
		if n := len(server.Requests()); n != 2 {
			t.Errorf("%s: %d requests for pages that are none", name, n-2)
		}
	}
}

// WithMaxItems yields exactly that many items, and sends no request that they
// do not need.
func TestMaxItemsIsExact(t *testing.T) {
	t.Parallel()
	for max, requests := range map[int]int{0: 4, 1: 1, 2: 1, 3: 1, 4: 2, 6: 2, 7: 3, 9: 3, 10: 4, 11: 4, 1000: 4} {
		for name, walk := range support.Iterations {
			server := support.Fake(10)
			ids, err := support.Gather(t, walk(t.Context(), server.Client(), &leedo.LeadListParams{PerPage: 3}, leedo.WithMaxItems(max)))
			want := support.IDs(10)
			if max > 0 {
				want = want[:min(max, 10)]
			}
			if err != nil || !slices.Equal(ids, want) {
				t.Errorf("%s, at most %d: %v, %v", name, max, ids, err)
			}
			if got := len(server.Requests()); got != requests {
				t.Errorf("%s, at most %d: %d requests, want %d", name, max, got, requests)
			}
		}
	}
}

// After a break no further page is requested.
func TestBreakingOffStopsFetching(t *testing.T) {
	t.Parallel()
	for name, walk := range support.Iterations {
		server := support.Fake(10)
		rows := 0
		for _, err := range walk(t.Context(), server.Client(), &leedo.LeadListParams{PerPage: 3}) {
			if err != nil {
				t.Fatal(err)
			}
			if rows++; rows == 4 {
				break
			}
		}
		if n := len(server.Requests()); n != 2 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// An error ends the iteration. It is yielded once, after all items before it.
func TestAnErrorEndsTheWalk(t *testing.T) {
	t.Parallel()
	for name, walk := range support.Iterations {
		server := support.Fake(10)
		server.Inject(leedotest.Fault{Path: "/leads", After: 2, Status: 403, Times: -1})
		ids, err := support.Gather(t, walk(t.Context(), server.Client(), &leedo.LeadListParams{PerPage: 3}))
		if !support.Is[*leedo.ForbiddenError](err) || !slices.Equal(ids, support.IDs(10)[:6]) {
			t.Errorf("%s: %v, %v", name, ids, err)
		}
		if n := len(server.Requests()); n != 3 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
	for name, walk := range support.Iterations { // each page recovers by itself
		server := support.Fake(10)
		server.Inject(leedotest.Fault{After: 1, Status: 500, Times: 2}, leedotest.Fault{After: 2, Drop: true, Times: 3})
		ids, err := support.Gather(t, walk(t.Context(), server.Client(), &leedo.LeadListParams{PerPage: 3}))
		if err != nil || !slices.Equal(ids, support.IDs(10)) {
			t.Errorf("%s: %v, %v", name, ids, err)
		}
	}
}

// WithResponse is filled with the last page of the iteration so far.
func TestAResponseHoldsTheLastPage(t *testing.T) {
	t.Parallel()
	for name, walk := range support.Iterations {
		server := support.Fake(5)
		server.Inject(leedotest.Fault{After: 2, Status: 404})
		var response leedo.Response
		n := 0
		for _, err := range walk(t.Context(), server.Client(), &leedo.LeadListParams{PerPage: 2}, leedo.WithResponse(&response)) {
			n++
			page := min((n+1)/2, 3)
			if want := fmt.Sprintf("req_%d", page); response.RequestID != want || response.Attempts != 1 {
				t.Errorf("%s, row %d: response %s", name, n, response.RequestID)
			}
			if want := map[bool]int{true: 200, false: 404}[err == nil]; response.StatusCode != want {
				t.Errorf("%s, row %d: status %d", name, n, response.StatusCode)
			}
		}
		if n != 5 || response.StatusCode != 404 {
			t.Errorf("%s: %d rows, response %+v", name, n, response)
		}
	}
}

// An iteration whose context is canceled ends with the error of the context.
func TestACancelledWalkEnds(t *testing.T) {
	t.Parallel()
	for name, walk := range support.Iterations {
		server := support.Fake(10)
		ctx, cancel := context.WithCancel(t.Context())
		var ids []string
		var failed error
		for lead, err := range walk(ctx, server.Client(), &leedo.LeadListParams{PerPage: 3}) {
			if failed = err; err == nil {
				ids = append(ids, lead.ID)
			}
			if len(ids) == 2 {
				cancel()
			}
		}
		cancel()
		if !errors.Is(failed, context.Canceled) || !slices.Equal(ids, support.IDs(10)[:3]) || len(server.Requests()) != 1 {
			t.Errorf("%s: %v, %v after %d requests", name, ids, failed, len(server.Requests()))
		}
	}
}

// An export that is larger than the quota ends with a RateLimitError, unless it
// may wait.
func TestALongExportOnTheFreePlan(t *testing.T) {
	t.Parallel()
	for name, walk := range support.Iterations {
		synctest.Test(t, func(t *testing.T) {
			server := support.Fake(150, leedotest.WithPlan(leedotest.Free))
			client := server.Client()
			start := time.Now()
			ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 1}, leedo.WithMaxWait(5*time.Second)))
			refused := support.AsRateLimitError(t, err)
			if at := refused.RetryAt.Sub(start); !refused.Local() || refused.Reason != leedo.WaitReserve || at < 5*time.Second || at > 20*time.Second || time.Since(start) > time.Second {
				t.Errorf("%s: %v after %v", name, refused, time.Since(start))
			}
			// An iteration leaves a tenth of so small a quota to interactive calls, which has
			// begun to shrink.
			if !slices.Equal(ids, support.IDs(150)[:91]) || len(server.Requests()) != 91 {
				t.Errorf("%s: %d rows, %d requests", name, len(ids), len(server.Requests()))
			}
			// It can be resumed, and may wait.
			rest, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{Page: 92, PerPage: 1}, leedo.WithMaxWait(leedo.NoMaxWait)))
			if err != nil || !slices.Equal(rest, support.IDs(59)) || len(server.Requests()) != 151 {
				t.Errorf("%s: %d more rows, %d requests, %v", name, len(rest), len(server.Requests()), err)
			}
			if waited := time.Since(start); waited < time.Hour || waited > time.Hour+2*time.Second {
				t.Errorf("%s: %v in all", name, waited)
			}
		})
	}
}

// Leads that are created and deleted during an iteration make it neither miss
// nor repeat others.
func TestRowsThatMoveAreNeitherMissedNorRepeated(t *testing.T) {
	t.Parallel()
	for name, walk := range support.Iterations {
		server := support.Fake(20)
		gone := map[int]string{2: "19", 5: "3", 9: "12", 10: "11", 11: "4"} // after so many rows
		var ids []string
		for lead, err := range walk(t.Context(), server.Client(), &leedo.LeadListParams{PerPage: 3}) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, lead.ID)
			if id, ok := gone[len(ids)]; ok {
				server.Delete(id)
			}
			if len(ids)%4 == 0 {
				server.AddLead(leedo.Lead{Name: "new"})
			}
		}
		for _, id := range support.IDs(20) {
			n := len(slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return other != id }))
			if n > 1 || n == 0 && id != "3" && id != "4" { // which went before they were read
				t.Errorf("%s: lead %s comes %d times: %v", name, id, n, ids)
			}
		}
	}
}
