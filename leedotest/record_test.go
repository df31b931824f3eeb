package leedotest_test

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func TestRequests(t *testing.T) {
	t.Parallel()
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		s := documented()
		f := open(s)
		if got := s.Requests(); len(got) != 0 {
			t.Errorf("before the first: %v", got)
		}
		s.Inject(leedotest.Fault{Method: "PUT", Status: 503})
		f.do(t, "GET", "/leads?page=1&x=a&x=%zz", "", "X-A", "b")
		f.do(t, "POST", "/leads", `{"name":"x","score":5}`)
		f.do(t, "PATCH", "/leads/a%2Fb%20c", `[1]`)
		f.do(t, "PUT", "/", `null`)
		f.do(t, "GET", "x", "", "Authorization", "")

		want := []struct {
			method, path, body string
			status             int
			json               map[string]any
		}{
			{"GET", "/leads", "", 400, nil},
			{"POST", "/leads", `{"name":"x","score":5}`, 201, map[string]any{"name": "x", "score": 5.0}},
			{"PATCH", "/leads/a%2Fb%20c", `[1]`, 404, nil},
			{"PUT", "/", `null`, 503, nil},
			{"GET", "/v1x", "", 401, nil},
		}
		got := s.Requests()
		if len(got) != len(want) {
			t.Fatalf("%d requests: %v", len(got), got)
		}
		for i, w := range want {
			g := got[i]
			if g.Method != w.method || g.Path != w.path || string(g.Body) != w.body || g.Status != w.status || !reflect.DeepEqual(g.JSON(), w.json) {
				t.Errorf("request %d: %+v, want %+v", i+1, g, w)
			}
		}
		if q := (url.Values{"page": {"1"}, "x": {"a"}}); !reflect.DeepEqual(got[0].Query, q) || got[0].Header.Get("X-A") != "b" {
			t.Errorf("query %v, header %v", got[0].Query, got[0].Header)
		}

		// Changing the result has no other effect.
		got[0].Query["page"][0], got[0].Header["X-A"][0], got[1].Body[0] = "9", "9", '9'
		again := s.Requests()
		if again[0].Query.Get("page") != "1" || again[0].Header.Get("X-A") != "b" || again[1].Body[0] != '{' {
			t.Error("Requests does not copy")
		}
	})
}

func TestRecentRequests(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, 1, 2, 7, 100} {
		s := leedotest.NewServer(leedotest.WithRecentRequests(n))
		f := inMemory(s)
		for i := 1; i <= 30; i++ {
			r := f.do(t, "GET", fmt.Sprintf("/leads?page=%d", i), "")
			if got := r.Header.Get("X-Request-Id"); got != fmt.Sprintf("req_%d", i) {
				t.Errorf("request %d has the id %s", i, got)
			}
			want := i
			if n >= 0 {
				want = min(i, n)
			}
			got := s.Requests()
			if len(got) != want {
				t.Fatalf("%d of %d requests remembered, want %d", len(got), i, want)
			}
			for k, r := range got {
				if page := fmt.Sprint(i - want + k + 1); r.Query.Get("page") != page || r.Status != 200 {
					t.Errorf("%+v, want page %s", r, page)
				}
			}
		}
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		s := documented(leedotest.WithIdempotencyKeys())
		f := open(s)
		post := func(target, body, key string) reply {
			t.Helper()
			return f.do(t, "POST", target, body, "idempotency-key", key)
		}
		checkError(t, post("/accounts", `{}`, "k"), 400, "bad_request", "name") // not remembered

		s.Inject(leedotest.Fault{Drop: true, Processed: true})
		// Over a socket, net/http may repeat this on its own, because it has a key.
		if r, err := f.try(t, "POST", "/accounts", `{"name":"x"}`, "Idempotency-Key", "k"); err == nil && r.StatusCode != 201 {
			t.Error(r.Status)
		}
		first := post("/accounts", `{"name":"x"}`, "k")
		second := post("/accounts", `{"name":"x"}`, "k")
		for _, r := range []reply{first, second} {
			if r.StatusCode != 201 || r.body != first.body || r.Header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("again: %s %v %s", r.Status, r.Header, r.body)
			}
		}
		if first.Header.Get("X-Request-Id") == second.Header.Get("X-Request-Id") {
			t.Error("two responses have the same request id")
		}
		if n := len(s.Accounts()); n != 2 {
			t.Errorf("%d accounts, want 2", n)
		}
		checkError(t, post("/accounts", `{"name":"y"}`, "k"), 400, "bad_request", "Idempotency-Key")

		// Other keys, other paths and no key at all are other requests.
		post("/accounts", `{"name":"x"}`, "l")
		post("/leads", `{"name":"x"}`, "k")
		post("/accounts", `{"name":"x"}`, "")
		if a, l := len(s.Accounts()), len(s.Leads()); a != 4 || l != 2 {
			t.Errorf("%d accounts, %d leads", a, l)
		}
	})
}

func TestIdempotencyKeysAreOffByDefault(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	f := inMemory(s)
	for range 2 {
		f.do(t, "POST", "/leads", `{"name":"x"}`, "Idempotency-Key", "k")
	}
	if n := len(s.Leads()); n != 2 {
		t.Errorf("%d leads", n)
	}
}

func TestParallelUse(t *testing.T) {
	t.Parallel()
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		const workers, rounds = 8, 8
		s := leedotest.NewServer(leedotest.WithIdempotencyKeys())
		s.SetRateLimit(1_000_000, 0)
		f := open(s)
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := range rounds {
					name := fmt.Sprintf("%d.%d", w, i)
					s.Inject(leedotest.Fault{Path: "/never", Status: 500})
					r, err := f.try(t, "POST", "/leads", `{"name":"`+name+`"}`, "Idempotency-Key", name)
					if err != nil || r.StatusCode != 201 {
						t.Errorf("%v: %v", r, err)
						return
					}
					id := fields(t, r.body)["id"].(string)
					f.try(t, "PATCH", "/leads/"+id, `{"company":"x"}`)
					f.try(t, "GET", "/leads?per_page=100", "")
					s.Leads()
					s.Requests()
					added := s.AddCampaign(leedo.Campaign{Name: name})
					if !s.Delete(added.ID) {
						t.Errorf("campaign %s is gone", added.ID)
					}
				}
			})
		}
		wg.Wait()
		leads := s.Leads()
		ids := make(map[string]bool)
		for _, lead := range leads {
			ids[lead.ID] = true
			if lead.Company != "x" || !lead.UpdatedAt.After(lead.CreatedAt) {
				t.Errorf("%+v", lead)
			}
		}
		if len(leads) != workers*rounds || len(ids) != len(leads) {
			t.Errorf("%d leads, %d ids", len(leads), len(ids))
		}
		if n := len(s.Requests()); n != 3*workers*rounds {
			t.Errorf("%d requests", n)
		}
		for _, r := range s.Requests() {
			if r.Status == 0 || strings.HasPrefix(r.Path, "/v1") {
				t.Errorf("recorded: %+v", r)
			}
		}
	})
}
