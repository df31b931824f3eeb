package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
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
	for _, addr := range []string{"", "8080", "::1"} { // net.Listen takes the first as any port on all addresses
		var words strings.Builder
		if s, err := parse([]string{"-addr", addr}, &words); err == nil || !strings.Contains(words.String(), "for flag -addr: ") {
			t.Errorf("%q: %q, %v, printed %s", addr, s.addr, err, words.String())
		}
	}
}

// A latency delays the API, but not the control interface.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := leedotest.NewServer()
		handler := routes(fake, time.Second)
		for path, want := range map[string]time.Duration{"/v1/leads": time.Second, "/_fake/faults": 0} {
			req := httptest.NewRequest(http.MethodGet, path, nil)
			req.Header.Set("Authorization", "Bearer "+fake.Token())
			w, start := httptest.NewRecorder(), time.Now()
			handler.ServeHTTP(w, req)
			if w.Code != http.StatusOK || time.Since(start) != want {
				t.Errorf("%s: status %d after %v, want 200 after %v", path, w.Code, time.Since(start), want)
			}
		}
	})
}

// The faults of the command line apply in their order.
func TestFaultFlags(t *testing.T) {
	t.Parallel()
	p := start(t, "-addr", ":0", "-fault", "GET /leads status=503", "-fault", "GET /leads status=418 times=-1", "-latency", "1ms")
	for _, want := range []int{503, 418, 418} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/leads", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	}
}
