package leedotest_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// The response to one request to which one fault applies.
func TestFaultAnswers(t *testing.T) {
	t.Parallel()
	const page = `{"data":[],"meta":{"total":0,"page":1,"per_page":20}}`
	const problem = `{"error":{"code":"internal_server_error","message":"injected fault"}}`
	tests := []struct {
		name   string
		fault  leedotest.Fault
		status int
		body   string
		header map[string]string // "" means that it must be absent
	}{
		{"status", leedotest.Fault{Status: 500}, 500, problem, map[string]string{"Content-Type": "application/json", "X-Request-Id": "req_1"}},
		{"unknown status", leedotest.Fault{Status: 599}, 599, `{"error":{"code":"error","message":"injected fault"}}`, nil},
		{"status 429", leedotest.Fault{Status: 429}, 429, `{"error":{"code":"rate_limited","message":"injected fault"}}`, map[string]string{"Retry-After": ""}},
		{"highest status", leedotest.Fault{Status: 999}, 999, `{"error":{"code":"error","message":"injected fault"}}`, nil},
		{"JSON body", leedotest.Fault{Status: 503, Body: `{"message":"x"}`}, 503, `{"message":"x"}`, map[string]string{"Content-Type": "application/json"}},
		{"HTML body", leedotest.Fault{Status: 502, Body: "<html>"}, 502, "<html>", map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{
			"typed body",
			leedotest.Fault{Status: 502, Body: "<html>", Header: http.Header{"content-type": {"text/html"}}},
			502, "<html>", map[string]string{"Content-Type": "text/html"},
		},
		{"empty 200", leedotest.Fault{Status: 200}, 200, "", map[string]string{"Content-Type": "", "X-Request-Id": "req_1"}},
		{"204", leedotest.Fault{Status: 204}, 204, "", map[string]string{"Content-Type": ""}},
		{"redirect", leedotest.Fault{Status: 307, Header: http.Header{"Location": {"/v1/x"}}}, 307, "", map[string]string{"Location": "/v1/x"}},
		{"empty 500", leedotest.Fault{Status: 500, Header: http.Header{"Content-Length": {"0"}}}, 500, "", nil},
		{
			"headers only", leedotest.Fault{Header: http.Header{"X-Request-Id": nil, "Date": {}, "x-a": {"b"}}},
			200, page, map[string]string{"X-Request-Id": "", "Date": "", "X-A": "b"},
		},
		{"body only", leedotest.Fault{Body: "[]"}, 200, "[]", map[string]string{"Content-Type": "application/json"}},
		{"longer than the body", leedotest.Fault{Truncate: len(page)}, 200, page, nil},
	}
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				s := leedotest.NewServer()
				f := open(s)
				f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				s.Inject(tt.fault)
				r := f.do(t, "GET", "/leads", "")
				if r.StatusCode != tt.status || r.body != tt.body {
					t.Errorf("%s %q, want %d %q", r.Status, r.body, tt.status, tt.body)
				}
				for name, want := range tt.header {
					if got, ok := r.Header[name]; want != r.Header.Get(name) || want == "" && ok {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				if got := s.Requests()[0].Status; got != tt.status {
					t.Errorf("recorded with %d", got)
				}
				if r := f.do(t, "GET", "/leads", ""); r.StatusCode != 200 || r.body != page {
					t.Errorf("the next request: %s %q", r.Status, r.body)
				}
			})
		}
	})
}

func TestFaultMatching(t *testing.T) {
	t.Parallel()
	type fault = leedotest.Fault
	tests := []struct {
		name     string
		faults   []fault
		requests string // each as "METHOD target"
		want     string // their statuses
	}{
		{"once", []fault{{Status: 500}}, "GET /leads,GET /leads", "500 200"},
		{"twice", []fault{{Status: 500, Times: 2}}, "GET /leads,GET /leads,GET /leads", "500 500 200"},
		{"for ever", []fault{{Status: 500, Times: -1}}, "GET /leads,GET /x,PUT /leads", "500 500 500"},
		{"after", []fault{{Status: 500, After: 2, Times: 2}}, "GET /leads,GET /leads,GET /leads,GET /leads,GET /leads", "200 200 500 500 200"},
		{"after, for ever", []fault{{Status: 500, After: 1, Times: -1}}, "GET /leads,GET /leads,GET /leads", "200 500 500"},
		{"method", []fault{{Method: "POST", Status: 500}}, "GET /leads,PATCH /leads/x,POST /leads", "200 404 500"},
		{"method case", []fault{{Method: "get", Status: 500}}, "GET /leads", "500"},
		{"HEAD is not GET", []fault{{Method: "GET", Status: 500}}, "HEAD /leads,GET /leads", "200 500"},
		{"template", []fault{{Path: "/leads/{id}", Status: 500, Times: -1}}, "GET /leads,GET /leads/a,GET /leads/a%2Fb,GET /leads/,GET /accounts/a,GET /leads/a/b", "200 500 500 404 404 404"},
		{"list", []fault{{Path: "/leads", Status: 500, Times: -1}}, "GET /leads/a,GET /leads?page=2,GET /accounts", "404 500 200"},
		{"one record", []fault{{Path: "/leads/a/b", Status: 500}, {Path: "/leads/a b", Status: 501}}, "GET /leads/a,GET /leads/a%20b", "404 501"},
		{"as sent", []fault{{Path: "/leads/a%2Fb", Status: 500}}, "GET /leads/a%2Fb", "500"},
		{"unknown route", []fault{{Path: "/widgets/{id}/parts", Status: 500}}, "GET /widgets/7/parts", "500"},
		{"not under /v1", []fault{{Path: "/leads", Status: 500}, {Path: "/v1leads", Status: 500}}, "GET leads", "404"},
		{"in order", []fault{{Status: 500}, {Path: "/leads", Status: 501}, {Status: 502}}, "GET /accounts,GET /accounts,GET /leads", "500 502 501"},
		{"two count apart", []fault{{Status: 500, After: 1}, {Status: 501, After: 1}}, "GET /leads,GET /leads,GET /leads,GET /leads", "200 500 501 200"},
		{"before the token", []fault{{Status: 500}}, "NOAUTH /leads,NOAUTH /leads", "500 401"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := leedotest.NewServer()
			s.Inject(tt.faults...)
			f := inMemory(s)
			wants := strings.Fields(tt.want)
			for i, line := range strings.Split(tt.requests, ",") {
				method, target, _ := strings.Cut(line, " ")
				var headers []string
				if method == "NOAUTH" {
					method, headers = "GET", []string{"Authorization", ""}
				}
				if r := f.do(t, method, target, "", headers...); !strings.HasPrefix(r.Status, wants[i]) {
					t.Errorf("request %d, %s: %s, want %s", i+1, line, r.Status, wants[i])
				}
			}
		})
	}
}

func TestInjectCopies(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	header := http.Header{"X-A": {"1"}}
	s.Inject(leedotest.Fault{Header: header, Times: 2})
	header["X-A"][0] = "2"
	f := inMemory(s)
	for range 2 {
		r := f.do(t, "GET", "/leads", "")
		if got := r.Header.Get("X-A"); got != "1" {
			t.Errorf("X-A: %s", got)
		}
		r.Header["X-A"][0] = "3"
	}
}

func TestProcessed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault leedotest.Fault
		leads int
	}{
		{"failed", leedotest.Fault{Status: 500}, 0},
		{"done, then failed", leedotest.Fault{Status: 500, Processed: true}, 1},
		{"dropped", leedotest.Fault{Drop: true}, 0},
		{"done, then dropped", leedotest.Fault{Drop: true, Processed: true}, 1},
		{"truncated", leedotest.Fault{Truncate: 10}, 1},
		{"truncated at once", leedotest.Fault{Truncate: -1}, 1},
	}
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				s := leedotest.NewServer()
				f := open(s)
				s.Inject(tt.fault)
				r, err := f.try(t, "POST", "/leads", `{"name":"x"}`)
				if len(s.Leads()) != tt.leads {
					t.Errorf("%d leads, want %d", len(s.Leads()), tt.leads)
				}
				note := s.Requests()[0]
				switch {
				case tt.fault.Drop:
					if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
						t.Errorf("%v, %v: not cut", r, err)
					}
					if note.Status != 0 {
						t.Errorf("recorded with %d", note.Status)
					}
				case err != nil:
					t.Error(err)
				case tt.fault.Truncate != 0:
					if !errors.Is(r.err, io.ErrUnexpectedEOF) || len(r.body) != max(0, tt.fault.Truncate) {
						t.Errorf("read %q, then %v", r.body, r.err)
					}
					if r.StatusCode != 201 || note.Status != 201 || r.ContentLength < 100 {
						t.Errorf("status %d, recorded %d, %d bytes announced", r.StatusCode, note.Status, r.ContentLength)
					}
				case r.StatusCode != tt.fault.Status:
					t.Error(r.Status)
				}
			})
		}
	})
}

// Drop works with TLS, with HTTP/2, and if the connection cannot be hijacked.
func TestDropElsewhere(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		s := leedotest.NewServer()
		s.Inject(leedotest.Fault{Drop: true}, leedotest.Fault{Truncate: 5})
		ts := httptest.NewUnstartedServer(s)
		ts.EnableHTTP2 = http2
		ts.StartTLS()
		defer ts.Close()
		f := front{ts.URL, ts.Client()}
		if r, err := f.try(t, "POST", "/leads", `{"name":"x"}`); err == nil {
			t.Errorf("HTTP/2 %t: dropped, and yet %s", http2, r.Status)
		}
		r, err := f.try(t, "GET", "/leads", "")
		if err != nil || r.err == nil || r.body != `{"dat` {
			t.Errorf("HTTP/2 %t: truncated: %q, %v, %v", http2, r.body, r.err, err)
		}
	}

	s := leedotest.NewServer()
	s.Inject(leedotest.Fault{Drop: true})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("panic: %v", p)
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/v1/leads", nil))
}

func TestLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer()
		f := inMemory(s)
		start := time.Now()
		check := func(what string, want time.Duration) {
			t.Helper()
			if got := time.Since(start); got != want {
				t.Errorf("%s after %v, want %v", what, got, want)
			}
			start = time.Now()
		}

		s.Inject(leedotest.Fault{Latency: time.Minute})
		if r := f.do(t, "GET", "/leads", ""); r.StatusCode != 200 || r.Header.Get("Date") != time.Now().UTC().Format(http.TimeFormat) {
			t.Errorf("%s %v", r.Status, r.Header)
		}
		check("served", time.Minute)

		s.Inject(leedotest.Fault{Latency: time.Hour, Status: 500})
		f.do(t, "GET", "/leads", "")
		check("failed", time.Hour)

		s.Inject(leedotest.Fault{Latency: time.Second, Drop: true})
		if _, err := f.try(t, "GET", "/leads", ""); err == nil {
			t.Error("not dropped")
		}
		check("dropped", time.Second)

		// Delays that together are over 292 years stay a delay.
		late := leedotest.NewServer(leedotest.WithLatency(time.Second))
		late.Inject(leedotest.Fault{Latency: math.MaxInt64})
		slow := inMemory(late)
		slow.http.Timeout = time.Hour
		if _, err := slow.try(t, "GET", "/leads", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		check("gave up", time.Hour)

		// A client that gives up does not learn that the write was done.
		s.Inject(leedotest.Fault{Latency: time.Hour})
		f.http.Timeout = 3 * time.Second
		if _, err := f.try(t, "POST", "/leads", `{"name":"x"}`); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		check("gave up", 3*time.Second)
		if n := len(s.Leads()); n != 1 {
			t.Errorf("%d leads", n)
		}
		if got := s.Requests()[3].Status; got != 0 {
			t.Errorf("recorded with %d", got)
		}
	})
}

func TestLatencyOverSocket(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	f := overSocket(t, s)
	s.Inject(leedotest.Fault{Latency: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", f.base+"/v1/leads", nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		resp, err := f.http.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
	for len(s.Requests()) == 0 {
		time.Sleep(time.Millisecond) // no more than it takes to arrive
	}
	cancel()
	wg.Wait()
}

// A fault is one JSON object, also if UnmarshalJSON is called directly.
func TestNothingFollowsAFault(t *testing.T) {
	t.Parallel()
	var fault leedotest.Fault
	if err := fault.UnmarshalJSON([]byte(`{"status":500} {}`)); err == nil || fault.Status != 0 {
		t.Errorf("%v, %+v", err, fault)
	}
}
