package cost_test

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A DecodeError keeps the beginning of the body only: programs keep errors, and
// ten whole bodies would hold 100 MiB.
func TestADecodeErrorKeepsTheBeginningOnly(t *testing.T) {
	t.Parallel()
	c, _ := support.InMemory(t, nil, support.Respond(200, `{"id":"`+strings.Repeat("x", 1<<20)+`","name":{}}`))
	var r leedo.Response
	err := support.Reads[0].Call(t.Context(), c, leedo.WithResponse(&r))
	e, ok := errors.AsType[*leedo.DecodeError](err)
	if !ok || len(e.Body) != 64<<10 || cap(e.Body) > 2*64<<10 {
		t.Fatalf("%v: %d bytes of %d", err, len(e.Body), cap(e.Body))
	}
	e.Body[0] = '!'
	if r.Body[0] != '{' {
		t.Error("the response changes with the error")
	}
}

// Not parallel: it measures the allocations of the process.
func TestAFailureCostsNoMoreForALargeBody(t *testing.T) {
	const size = 1 << 20
	transport := support.RoundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") })
	c := support.NewClient(t, leedo.WithRetries(3), leedo.WithHTTPClient(&http.Client{Transport: transport}))
	body := map[string]string{"note": strings.Repeat("x", size)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := c.Do(t.Context(), "POST", "/leads", body, nil, leedo.WithQuery("q", strings.Repeat("y", size)))
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; !support.Is[*leedo.TransportError](err) || allocated > 64*size {
		t.Errorf("%v: %d bytes allocated", err, allocated)
	}
}

// A page with items of three bytes would take fifty times as much memory when
// decoded.
func TestAPageOfTooManyRowsIsNotDecoded(t *testing.T) {
	body := `{"data":[` + strings.Repeat(`{},`, 3_000_000) + `{}],"meta":{"total":1,"page":1,"per_page":1}}`
	client, _ := support.InMemory(t, nil, support.Respond(200, body))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.Leads.List(t.Context(), nil)
	runtime.ReadMemStats(&after)
	if !support.Is[*leedo.DecodeError](err) || !strings.Contains(err.Error(), "more than 50000 objects") {
		t.Errorf("%v", err)
	}
	if cost := after.TotalAlloc - before.TotalAlloc; cost > 100<<20 {
		t.Errorf("cost %d MiB", cost>>20)
	}
}

// Not parallel: it measures the heap of the process. An iteration holds the
// pages that it has fetched, and 10,000 ids: as much at item 20,000 as near the
// end.
func TestALongWalkDoesNotGrow(t *testing.T) {
	const perPage = 100
	pages := 1000
	if support.Race {
		pages = 300
	}
	transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		number, _ := strconv.Atoi(req.URL.Query().Get("page"))
		ids := make([]string, perPage)
		if number > pages {
			ids = nil
		}
		for i := range ids {
			ids[i] = fmt.Sprintf("550e8400-e29b-41d4-a716-%012d", number*perPage+i)
		}
		return support.ResponseTo(req, support.Respond(200, support.PageJSON(pages*perPage, number, perPage, ids...))), nil
	})
	held := func() int {
		synctest.Wait() // for the pages ahead
		var stats runtime.MemStats
		runtime.GC() // pooled buffers outlive the first
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	for _, n := range []int{0, 8} {
		synctest.Test(t, func(t *testing.T) {
			client := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: transport}))
			rows, early := 0, 0
			for _, err := range client.Leads.All(t.Context(), nil, leedo.WithPrefetch(n)) {
				if err != nil {
					t.Fatal(err)
				}
				switch rows++; rows {
				case 20_000:
					early = held()
				case (pages - 20) * perPage:
					if grown := held() - early; grown > 256<<10 {
						t.Errorf("%d ahead: %d bytes more after %d rows than after 20,000", n, grown, rows)
					} else {
						t.Logf("%d ahead: %d bytes more after %d rows than after 20,000", n, grown, rows)
					}
				}
			}
			if rows != pages*perPage {
				t.Errorf("%d rows", rows)
			}
		})
	}
}
