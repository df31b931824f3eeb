package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go/leedotest"
)

func TestParseFault(t *testing.T) {
	type fault = leedotest.Fault
	for text, want := range map[string]fault{
		"POST /leads status=500 processed chance=0.1 times=3": {Method: "POST", Path: "/leads", Status: 500, Processed: true, Chance: 0.1, Times: 3},
		" GET  drop ": {Method: "GET", Drop: true},
		"/leads/{id} latency=200ms after=2 times=-1":       {Path: "/leads/{id}", Latency: 200 * time.Millisecond, After: 2, Times: -1},
		"status=422 body={\"error\":\"taken\"}":            {Status: 422, Body: `{"error":"taken"}`},
		"bytes_per_second=100 truncate=10 processed=false": {BytesPerSecond: 100, Truncate: 10},
		"method=DELETE path=/leads status=204":             {Method: "DELETE", Path: "/leads", Status: 204},
	} {
		if got, err := parseFault(text); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                            "no effect: set status",
		"POST /leads":                 "no effect: set status",
		"POST /leads PATCH drop":      "method is given twice",
		"status=500 status=400":       "status is given twice",
		"status=many":                 "status must be an integer",
		"status":                      "status must be an integer",
		"status=":                     "status must be an integer",
		"status=500 chance=1.5":       "chance 1.5 must be from 0 to 1",
		"status=500 times=2.5":        "times must be an integer",
		"status=500 processed=yes":    "processed must be true or false",
		"leads status=500":            `unknown field "leads"`,
		"status=500 =3":               `unknown field ""`,
		"/v1/leads status=500":        `path "/v1/leads" must not start with /v1`,
		"status=500 Times=2":          `unknown field "Times"`,
		"drop status=500":             "drop sends no response: status,",
		"status=204 truncate=3":       "status 204 has no body",
		"status=500 latency=5":        `latency "5" must be a positive duration`,
		"status=500 latency=5seconds": "latency \"5seconds\" must be a positive duration",
	} {
		if _, err := parseFault(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Without a host, the server listens on loopback.
func TestListensOnLoopback(t *testing.T) {
	for addr, want := range map[string]string{":8080": "127.0.0.1:8080", "[]:80": "127.0.0.1:80", "0.0.0.0:80": "0.0.0.0:80", "[::1]:80": "[::1]:80"} {
		if s, err := parse([]string{"-addr", addr}, io.Discard); err != nil || s.addr != want {
			t.Errorf("%s: %s, %v, want %s", addr, s.addr, err, want)
		}
	}
	for _, addr := range []string{"", "8080", "::1", ":", "127.0.0.1:"} { // net.Listen takes no port as any port
		var words strings.Builder
		if s, err := parse([]string{"-addr", addr}, &words); err == nil || !strings.Contains(words.String(), "for flag -addr: ") {
			t.Errorf("%q: %q, %v, printed %s", addr, s.addr, err, words.String())
		}
	}
}

// call sends a request to the program and returns the status and the body of the response.
func (p *program) call(ctx context.Context, method, path, body string) (status int, text string, err error) {
	url := strings.TrimSuffix(p.url, "/v1") + path
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Close = true
	r.Header.Set("Authorization", "Bearer leedotest-token")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return response.StatusCode, string(b), err
}

// The faults of the command line apply in their order.
func TestFaultFlags(t *testing.T) {
	t.Parallel()
	p := start(t, "-addr", ":0", "-fault", "GET /leads status=503", "-fault", "GET /leads status=418 times=-1", "-latency", "1ms")
	for _, want := range []int{503, 418, 418} {
		if status, _, err := p.call(t.Context(), "GET", "/v1/leads", ""); err != nil || status != want {
			t.Errorf("status %d, %v, want %d", status, err, want)
		}
	}
}

// With the same flags, the same requests get the same faults.
func TestFaultFlagsChance(t *testing.T) {
	t.Parallel()
	var runs [2]string
	for i := range runs {
		p := start(t, "-addr", ":0", "-seed", "3", "-plan", "none",
			"-fault", "GET /leads status=418 chance=0.5 times=-1", "-fault", "/leads/{id} status=418 chance=0.1 times=2")
		for n := range 60 {
			status, _, err := p.call(t.Context(), "GET", []string{"/v1/leads", "/v1/leads/x"}[n%2], "")
			if err != nil {
				t.Fatal(err)
			}
			runs[i] += strconv.Itoa(status) + " "
		}
	}
	if runs[0] != runs[1] || !strings.Contains(runs[0], "200") || !strings.Contains(runs[0], "418") {
		t.Errorf("got %s\nand %s", runs[0], runs[1])
	}
}

// -latency delays the response, not the request: the lead exists while its response is
// awaited. The control interface is not delayed.
func TestLatencyFlag(t *testing.T) {
	t.Parallel()
	p := start(t, "-addr", ":0", "-latency", "1h")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if status, text, err := p.call(ctx, "POST", "/v1/leads", `{"name":"Ada"}`); !errors.Is(err, context.Canceled) {
			t.Errorf("status %d, %v: %s", status, err, text)
		}
	})
	defer wg.Wait()
	defer cancel()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) { // no more than it takes to arrive
		status, text, err := p.call(ctx, "GET", "/_fake/records/leads", "")
		if err != nil || status != http.StatusOK || time.Now().After(end) {
			t.Fatalf("status %d, %v: %s", status, err, text)
		}
		if strings.Contains(text, "Ada") {
			return
		}
	}
}
