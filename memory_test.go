package leedo_test

import (
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
)

// TestADecodeErrorKeepsTheBeginningOnly: errors are kept, and ten of them would
// hold 100 MiB.
func TestADecodeErrorKeepsTheBeginningOnly(t *testing.T) {
	t.Parallel()
	c, _ := inMemory(t, nil, answer(200, `{"id":"`+strings.Repeat("x", 1<<20)+`","name":7}`))
	var r leedo.Response
	err := reads[0].call(t.Context(), c, leedo.WithResponse(&r))
	e, ok := errors.AsType[*leedo.DecodeError](err)
	if !ok || len(e.Body) != 64<<10 || cap(e.Body) > 2*64<<10 {
		t.Fatalf("%v: %d bytes of %d", err, len(e.Body), cap(e.Body))
	}
	e.Body[0] = '!'
	if r.Body[0] != '{' {
		t.Error("the response changes with the error")
	}
}

// Not parallel: it measures what the process allocates.
func TestAFailureCostsNoMoreForALargeBody(t *testing.T) {
	const size = 1 << 20
	transport := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") })
	c := newClient(t, leedo.WithRetries(3), leedo.WithHTTPClient(&http.Client{Transport: transport}))
	body := map[string]string{"note": strings.Repeat("x", size)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := c.Do(t.Context(), "POST", "/leads", body, nil, leedo.WithQuery("q", strings.Repeat("y", size)))
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; !is[*leedo.TransportError](err) || allocated > 64*size {
		t.Errorf("%v: %d bytes allocated", err, allocated)
	}
}

// A page of three bytes a row would be fifty times as much in memory.
func TestAPageOfTooManyRowsIsNotDecoded(t *testing.T) {
	body := `{"data":[` + strings.Repeat(`{},`, 3_000_000) + `{}],"meta":{"total":1,"page":1,"per_page":1}}`
	client, _ := inMemory(t, nil, answer(200, body))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.Leads.List(t.Context(), nil)
	runtime.ReadMemStats(&after)
	if !is[*leedo.DecodeError](err) || !strings.Contains(err.Error(), "more than 50000 objects") {
		t.Errorf("%v", err)
	}
	if cost := after.TotalAlloc - before.TotalAlloc; cost > 100<<20 {
		t.Errorf("cost %d MiB", cost>>20)
	}
}
