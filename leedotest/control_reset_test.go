package leedotest_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// A reset restores what there was when ControlHandler was called.
func TestControlReset(t *testing.T) {
	t.Parallel()
	s := documented(leedotest.WithPlan(leedotest.Free), leedotest.WithIdempotencyKeys())
	s.Inject(leedotest.Fault{Path: "/accounts", Status: 500})
	f := controlled(t, s)
	leads := f.do(t, "GET", "/leads", "").body
	for range 2 { // a reset can be repeated
		f.do(t, "GET", "/accounts", "") // uses the fault up
		f.do(t, "PATCH", "/leads/"+leadID, `{"name":"Jane"}`)
		s.AddLead(leedo.Lead{Name: "another"})
		s.Delete(contactID)
		created := f.do(t, "POST", "/leads", `{"name":"Max"}`, "Idempotency-Key", "1")
		if created.StatusCode != 201 || created.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("status %d; a write from before the reset may be remembered", created.StatusCode)
		}
		for _, command := range [][2]string{
			{"/clock", `{"advance":"1h"}`},
			{"/plan", `{"limit":3}`},
		} {
			ask(t, f, 200, "POST", command[0], command[1])
		}
		f.do(t, "GET", "/leads", "") // counts
		ask(t, f, 201, "POST", "/faults", `{"status":500}`)

		ask(t, f, 204, "POST", "/reset", "")
		if got := ask(t, f, 200, "GET", "/requests", "").body; got != `{"data":[]}` {
			t.Errorf("requests %s", got)
		}
		if got := ask(t, f, 200, "GET", "/faults", "").body; got != `{"data":[{"path":"/accounts","status":500,"applied":0}]}` {
			t.Errorf("faults %s", got)
		}
		if got := fields(t, ask(t, f, 200, "GET", "/clock", "").body)["advanced"]; got != "0s" {
			t.Errorf("advanced %v", got)
		}
		if got := fields(t, ask(t, f, 200, "GET", "/plan", "").body); got["plan"] != "free" || got["remaining"] != 100.0 {
			t.Errorf("plan %v", got)
		}
		if got := f.do(t, "GET", "/leads", "").body; got != leads || len(s.Contacts()) != 1 {
			t.Errorf("%s, %d contacts", got, len(s.Contacts()))
		}
	}
	ask(t, f, 204, "POST", "/reset", "{}")
}

// A request that arrived before a reset and is executed later changes nothing that the
// reset restored, and uses up no fault.
func TestControlResetInFlight(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"on request", "on id"} {
		var f front
		calls := 0
		reset := func(now string) {
			if now != when {
				return
			}
			if calls++; calls == 1 {
				ask(t, f, 204, "POST", "/reset", "")
			}
		}
		s := leedotest.NewServer(leedotest.WithPlan(leedotest.Free), leedotest.WithIDs(func() string {
			reset("on id")
			return ""
		}))
		s.Inject(leedotest.Fault{Method: "POST", Status: 418, Processed: true, After: 1})
		f = controlled(t, s)
		s.OnRequest(func(leedotest.Request) { reset("on request") })
		r := f.do(t, "POST", "/leads", `{"name":"x"}`)
		checkError(t, r, 503, "service_unavailable", "reset before it executed")
		left := fields(t, ask(t, f, 200, "GET", "/plan", "").body)["remaining"]
		faults := ask(t, f, 200, "GET", "/faults", "").body
		if len(s.Leads()) != 0 || len(s.Requests()) != 0 || left != 100.0 || !strings.Contains(faults, `"applied":0`) {
			t.Errorf("%s: %d leads, %d requests, %v left, faults %s", when, len(s.Leads()), len(s.Requests()), left, faults)
		}
		// The fault does not count the request, which is from before the reset.
		statuses := []int{f.do(t, "POST", "/leads", `{"name":"x"}`).StatusCode, f.do(t, "POST", "/leads", `{"name":"x"}`).StatusCode}
		if !slices.Equal(statuses, []int{201, 418}) {
			t.Errorf("%s: statuses %v", when, statuses)
		}
	}
}

// A command that reads the clock before a reset, and is executed after it, uses the clock
// that the reset has set back.
func TestControlResetWhileTheClockIsRead(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		method, target, body string
		status, leads        int
	}{
		{"GET", "/plan", "", 200, 0},
		{"POST", "/plan", `{"plan":"free"}`, 200, 0},
		{"POST", "/records/leads", `{}`, 201, 1},
	} {
		var f front
		var reset atomic.Bool // when the clock is read next
		s := leedotest.NewServer(leedotest.WithPlan(leedotest.Free), leedotest.WithClock(func() time.Time {
			if reset.CompareAndSwap(true, false) {
				ask(t, f, 204, "POST", "/reset", "")
			}
			return noon
		}))
		f = controlled(t, s)
		ask(t, f, 200, "POST", "/clock", `{"advance":"1h"}`)
		reset.Store(true)
		ask(t, f, test.status, test.method, test.target, test.body)
		checkRate(t, f.do(t, "GET", "/leads", ""), 200, 100, 99, noon.Add(time.Hour))
		leads := s.Leads()
		if len(leads) != test.leads || len(leads) > 0 && !leads[0].CreatedAt.Equal(noon) {
			t.Errorf("%s %s: leads %v", test.method, test.target, leads)
		}
	}
}

// A request that waits for its latency during a reset was executed before.
func TestControlResetDuringLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer(leedotest.WithLatency(time.Hour))
		control := s.ControlHandler()
		var wg sync.WaitGroup
		wg.Go(func() {
			if r := inMemory(s).do(t, "POST", "/leads", `{"name":"x"}`); r.StatusCode != 201 {
				t.Errorf("%s: %s", r.Status, r.body)
			}
		})
		synctest.Wait()
		if len(s.Leads()) != 1 {
			t.Errorf("%d leads before the reset", len(s.Leads()))
		}
		req := httptest.NewRequest("POST", "/_fake/reset", nil)
		req.Header.Set("Authorization", "Bearer "+s.Token())
		control.ServeHTTP(httptest.NewRecorder(), req)
		wg.Wait()
		if len(s.Leads()) != 0 || len(s.Requests()) != 0 {
			t.Errorf("%d leads, %d requests after the reset", len(s.Leads()), len(s.Requests()))
		}
	})
}
