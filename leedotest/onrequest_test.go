package leedotest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// A record that appears between two pages.
func TestOnRequest(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	for _, name := range []string{"a", "b", "c", "d"} {
		s.AddLead(leedo.Lead{Name: name})
	}
	s.OnRequest(func(r leedotest.Request) {
		if r.Path == "/leads" && r.Query.Get("page") == "2" {
			s.AddLead(leedo.Lead{Name: "e"})
		}
	})
	var names []string
	for lead, err := range s.Client().Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, lead.Name)
	}
	if diff := cmp.Diff([]string{"d", "c", "b", "a"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if n := len(s.Leads()); n != 5 {
		t.Errorf("%d leads, want 5", n)
	}
}

// The functions of OnRequest are called in order for every request, even one that fails,
// before faults, token, quota and route apply.
func TestOnRequestOrder(t *testing.T) {
	t.Parallel()
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		for _, keep := range []int{-1, 0, 1} {
			s := leedotest.NewServer(leedotest.WithRecentRequests(keep))
			f := open(s)
			var seen []string
			s.OnRequest(func(r leedotest.Request) {
				seen = append(seen, "first "+r.Method+" "+r.Path+" "+string(r.Body))
				r.Header["Authorization"] = nil
				clear(r.Body)
				s.Inject(leedotest.Fault{Status: 418}) // for this request
			})
			s.OnRequest(nil)
			s.OnRequest(func(r leedotest.Request) {
				seen = append(seen, "second "+r.Method+" "+r.Path+" "+string(r.Body))
				if r.Header == nil || r.Query == nil || r.Status != 0 || r.Header.Get("Content-Type") == "" {
					t.Errorf("request %+v", r)
				}
				s.SetRateLimit(0, 0)
			})
			for _, request := range []string{"POST /leads {}", "GET /nothing ", "GET /leads "} {
				part := strings.SplitN(request, " ", 3)
				if r := f.do(t, part[0], part[1], part[2], "Authorization", ""); r.StatusCode != 418 {
					t.Error(r.Status)
				}
			}
			want := []string{
				"first POST /leads {}", "second POST /leads {}",
				"first GET /nothing ", "second GET /nothing ",
				"first GET /leads ", "second GET /leads ",
			}
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
			if kept := s.Requests(); keep >= 0 && len(kept) != keep {
				t.Errorf("%d requests are kept, want %d", len(kept), keep)
			} else if keep < 0 && string(kept[0].Body) != "{}" {
				t.Errorf("changed to %+v", kept[0])
			}
		}
	})
}

// What OnRequest changes applies to the same request: quota, records and faults.
func TestOnRequestChangesWhatIsMet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer()
		f := inMemory(s)
		var before func()
		s.OnRequest(func(leedotest.Request) { before() })
		start := time.Now()
		for _, tt := range []struct {
			before func()
			status int
		}{
			{func() { s.AddLead(leedo.Lead{ID: "1"}) }, 200},
			{func() { s.Delete("1") }, 404},
			{func() { s.Inject(leedotest.Fault{Status: 503}) }, 503},
			{func() { s.SetRateLimit(0, 0) }, 429},
			{func() { s.SetPlan(-1); time.Sleep(time.Minute); s.AddLead(leedo.Lead{ID: "1"}) }, 200}, // the lock is not held
			{func() { before = func() {}; s.Delete("1"); f.do(t, "POST", "/leads", `{"name":"x"}`) }, 404},
		} {
			before = tt.before
			if r := f.do(t, "GET", "/leads/1", ""); r.StatusCode != tt.status {
				t.Errorf("%s, want %d", r.Status, tt.status)
			}
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v", took)
		}
		if n := len(s.Leads()); n != 1 {
			t.Errorf("%d leads, want 1", n)
		}
	})
}
