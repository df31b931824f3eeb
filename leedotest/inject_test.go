package leedotest_test

import (
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go/leedotest"
)

// panics returns the value with which f panics, or nil if it does not.
func panics(f func()) (p any) {
	defer func() { p = recover() }()
	f()
	return nil
}

// A fault that can have no effect, or a field of which can have none, is a mistake in the
// test. Inject adds none of the faults in the same call.
func TestInjectPanics(t *testing.T) {
	t.Parallel()
	type fault = leedotest.Fault
	all := func(leedotest.Request) bool { return true }
	type test struct {
		fault fault
		want  string
	}
	tests := []test{
		{fault{Path: "leads", Status: 500}, "must start with one slash"},
		{fault{Path: "leads/{id}", Status: 500}, "must start with one slash"},
		{fault{Path: " /leads", Status: 500}, "must start with one slash"},
		{fault{Path: "https://api.leedo.app/leads", Status: 500}, "must start with one slash"},
		{fault{Path: "?page=2", Status: 500}, "must start with one slash"},
		{fault{Path: "//leads", Status: 500}, "must start with one slash"},
		{fault{Path: "//", Status: 500}, "must start with one slash"},
		{fault{Path: "/v1", Status: 500}, "must not start with /v1"},
		{fault{Path: "/v1/", Status: 500}, "must not start with /v1"},
		{fault{Path: "/v1/leads", Status: 500}, "must not start with /v1"},
		{fault{Path: "/v1/leads/{id}", Drop: true}, "must not start with /v1"},
		{fault{Path: "/", Status: 500}, "must not end in a slash"},
		{fault{Path: "/leads/", Status: 500}, "must not end in a slash"},
		{fault{Path: "/leads?page=2", Status: 500}, "query"},
		{fault{Path: "/leads?", Status: 500}, "query"},
		{fault{}, "no effect"},
		{fault{Method: "GET", Path: "/leads", When: all, After: 3, Times: -1}, "no effect"},
		{fault{Processed: true}, "no effect"},
		{fault{Header: http.Header{}}, "no effect"},
		{fault{Chance: 0.5}, "no effect"},
		{fault{Chance: -0.1, Status: 500}, "Chance -0.1 must be from 0 to 1"},
		{fault{Chance: math.NaN(), Status: 500}, "Chance NaN must be from 0 to 1"},
		{fault{BytesPerSecond: -1, Status: 500}, "BytesPerSecond must not be negative"},
		{fault{Method: "GET /leads", Drop: true}, `Method "GET /leads" is not valid`},
		{fault{After: -3, Status: 500}, "After must not be negative"},
		{fault{Latency: -time.Second, Status: 500}, "Latency must not be negative"},
		{fault{Status: 42}, "Status 42 must be from 200 to 999"},
		{fault{Status: -1}, "Status -1 must be from 200 to 999"},
		{fault{Status: 1000}, "Status 1000 must be from 200 to 999"},
		{fault{Header: http.Header{"A b": {"c"}}}, `Header "A b" is not valid`},
		{fault{Header: http.Header{"A": {"b\n"}}}, `Header "A" is not valid`},
		{fault{Header: http.Header{"x-a": {"1"}, "X-A": nil}}, "Header has X-A twice"},
		{fault{Header: http.Header{"transfer-encoding": {"gzip"}}}, "Header cannot have Transfer-Encoding"},
		{fault{Header: http.Header{"content-length": {"7"}}}, "Content-Length only with the value 0"},
		{fault{Header: http.Header{"Content-Length": nil}}, "Content-Length only with the value 0"},
	}
	// Pairs of fields, one of which would have no effect.
	empty := http.Header{"content-length": {"0"}}
	for _, with := range []fault{{Status: 500}, {Header: http.Header{"X-A": {"1"}}}, {Body: "x"}, {Truncate: 1}, {BytesPerSecond: 1}} {
		with.Drop = true
		tests = append(tests, test{with, "Drop sends no response: Status, Header, Body, Truncate and BytesPerSecond cannot be set, too"})
	}
	for _, with := range []fault{{Body: "x"}, {Truncate: -1}, {BytesPerSecond: 1}} {
		noContent, notModified, emptied := with, with, with
		noContent.Status, notModified.Status, emptied.Header = 204, 304, empty
		tests = append(tests, test{noContent, "Status 204 has no body: Body,"}, test{notModified, "Status 304 has no body: Body,"},
			test{emptied, "Content-Length 0 means an empty body: Body,"})
	}
	for _, with := range []fault{{Truncate: 1}, {BytesPerSecond: 1}} {
		empty, head := with, with
		empty.Status, head.Method = 302, "head"
		tests = append(tests, test{empty, "Status 302 has an empty body: Truncate and BytesPerSecond need Body"},
			test{head, "a response to HEAD has no body"})
	}
	tests = append(tests,
		test{fault{Status: 204, Header: empty}, "Status 204 has no body"},
		test{fault{Body: "four", Truncate: 4}, "Truncate 4 does not cut Body, which has 4 bytes"},
	)
	for _, tt := range tests {
		s := leedotest.NewServer()
		p, _ := panics(func() { s.Inject(fault{Status: 418}, tt.fault) }).(string)
		if !strings.HasPrefix(p, "leedotest: Server.Inject: fault 2: ") || !strings.Contains(p, tt.want) {
			t.Errorf("%+v: panics with %q, want %q", tt.fault, p, tt.want)
		}
		if pending := s.Pending(); pending != nil {
			t.Errorf("%+v: added %+v", tt.fault, pending)
		}
		checkStatus(t, inMemory(s), 200) // and the lock is not held
	}
}

// One field that has an effect is enough, and unknown paths are accepted.
func TestInjectAccepts(t *testing.T) {
	t.Parallel()
	type fault = leedotest.Fault
	for _, f := range []fault{
		{Status: 200},
		{Status: 999},
		{Drop: true},
		{Drop: true, Processed: true, Latency: 1},
		{Method: "M-SEARCH", Drop: true},
		{Method: "HEAD", Body: "x"}, // its length is sent
		{Status: 200, Body: "four", Truncate: 3, BytesPerSecond: 1},
		{Status: 400, Truncate: 1000, BytesPerSecond: 1}, // with the usual error body
		{Status: 204, Header: http.Header{"X-A": {"1"}}},
		{Header: http.Header{"X-A": nil}},
		{Header: http.Header{"Content-Length": {"0"}}},
		{Body: "x"},
		{Latency: 1},
		{Truncate: 1},
		{Truncate: -1},
		{Path: "/widgets/{id}/parts", Status: 500},
		{Path: "/v1beta", Status: 500},
		{Path: "/v2/leads", Status: 500},
		{Path: "/leads/v1", Status: 500},
		{Path: "/leads//x", Status: 500},
		{Path: "/leads/a%3Fb", Status: 500},
		{Path: "/leads/{id}", Status: 500},
	} {
		if p := panics(func() { leedotest.NewServer().Inject(f) }); p != nil {
			t.Errorf("%+v: %v", f, p)
		}
	}
	leedotest.NewServer().Inject() // adds nothing
}

func TestPending(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	f := inMemory(s)
	if p := s.Pending(); p != nil {
		t.Errorf("at first: %+v", p)
	}
	once := leedotest.Fault{Method: "POST", Path: "/leads", Status: 501}
	twice := leedotest.Fault{Path: "/accounts", Status: 502, Times: 2, After: 1, Header: http.Header{"X-A": {"1"}}}
	always := leedotest.Fault{Path: "/contacts", Status: 503, Times: -1}
	never := leedotest.Fault{Path: "/widgets", Status: 504}
	s.Inject(once, twice, always, never)
	check := func(want ...leedotest.Fault) {
		t.Helper()
		got := s.Pending()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pending (-want +got):\n%s", diff)
		}
		for _, f := range got { // changing the copies has no effect
			if f.Header != nil {
				f.Header.Set("X-A", "2")
			}
		}
	}
	check(once, twice, always, never)
	f.do(t, "POST", "/leads", `{"name":"x"}`)
	check(twice, always, never)
	f.do(t, "GET", "/contacts", "")
	check(twice, never) // it still applies, but is not pending
	f.do(t, "GET", "/accounts", "")
	f.do(t, "GET", "/accounts", "")
	check(twice, never)
	if r := f.do(t, "GET", "/accounts", ""); r.StatusCode != 502 || r.Header.Get("X-A") != "1" {
		t.Errorf("%s, X-A %q", r.Status, r.Header.Get("X-A"))
	}
	check(never)
	if r := f.do(t, "GET", "/contacts", ""); r.StatusCode != 503 {
		t.Error(r.Status)
	}
}

// When is called after Method and Path match and before After counts, and not at all for
// requests to which an earlier fault applies.
func TestFaultWhen(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	f := inMemory(s)
	var asked []string
	s.Inject(
		leedotest.Fault{Path: "/accounts", Status: 502, Times: -1},
		leedotest.Fault{
			Method: "GET", Status: 503, After: 1, Times: 2,
			When: func(r leedotest.Request) bool {
				asked = append(asked, r.Method+" "+r.Path+"?"+r.Query.Encode())
				if r.Status != 0 || r.Header.Get("Authorization") == "" {
					t.Errorf("request %+v", r)
				}
				r.Header["Authorization"][0] = "changed"
				return r.Query.Get("page") == "2"
			},
		},
	)
	var got []int
	for _, target := range []string{
		"GET /leads?page=1", "GET /leads?page=2", "POST /leads?page=2", "GET /accounts?page=2",
		"GET /leads?page=1", "GET /leads?page=2", "GET /leads?page=3", "GET /contacts?page=2", "GET /leads?page=2",
	} {
		method, path, _ := strings.Cut(target, " ")
		got = append(got, f.do(t, method, path, "").StatusCode)
	}
	if diff := cmp.Diff([]int{200, 200, 400, 502, 200, 503, 200, 503, 200}, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	want := []string{"GET /leads?page=1", "GET /leads?page=2", "GET /leads?page=1", "GET /leads?page=2", "GET /leads?page=3", "GET /contacts?page=2"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if r := s.Requests()[0]; r.Header.Get("Authorization") == "changed" {
		t.Error("When changed the request")
	}
}

// When gets the body, and is called without the lock.
func TestFaultWhenUnlocked(t *testing.T) {
	t.Parallel()
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		s := leedotest.NewServer()
		f := open(s)
		s.Inject(leedotest.Fault{
			Method: "POST", Status: 409, Times: -1,
			When: func(r leedotest.Request) bool {
				for _, lead := range s.Leads() {
					if lead.Email == r.JSON()["email"] {
						return true
					}
				}
				s.Inject(leedotest.Fault{Method: "GET", Status: 418})
				return len(s.Requests()) == 0 || len(s.Pending()) == 0
			},
		})
		for i, want := range []int{201, 409} {
			if r := f.do(t, "POST", "/leads", `{"name":"x","email":"x@example.com"}`); r.StatusCode != want {
				t.Errorf("request %d: %s", i+1, r.Status)
			}
		}
		checkStatus(t, f, 418)
		checkStatus(t, f, 200)
	})
}

// With concurrent requests, a fault applies as often as it should.
func TestFaultsAtOnce(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	s.Inject(
		leedotest.Fault{Status: 501, After: 10, Times: 20, When: func(leedotest.Request) bool { return true }},
		leedotest.Fault{Status: 502, Times: 30},
	)
	f := inMemory(s)
	var statuses [600]atomic.Int64
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			r, err := f.try(t, "GET", "/leads", "")
			if err != nil {
				t.Error(err)
				return
			}
			statuses[r.StatusCode].Add(1)
		})
	}
	wg.Wait()
	for status, want := range map[int]int64{200: 50, 501: 20, 502: 30} {
		if got := statuses[status].Load(); got != want {
			t.Errorf("%d requests with %d, want %d", got, status, want)
		}
	}
	if p := s.Pending(); p != nil {
		t.Errorf("pending: %d", len(p))
	}
}

// A fault that other requests use up while When runs does not apply to its request, and is
// not injected again.
func TestFaultUsedUpMeanwhile(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	f := inMemory(s)
	s.Inject(leedotest.Fault{Status: 503, When: func(r leedotest.Request) bool {
		if r.Path == "/leads" {
			if r := f.do(t, "GET", "/accounts", ""); r.StatusCode != 503 {
				t.Error(r.Status)
			}
		}
		return true
	}})
	checkStatus(t, f, 200)
	if p := s.Pending(); p != nil {
		t.Errorf("pending: %d", len(p))
	}
}
