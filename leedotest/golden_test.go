package leedotest_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// counted returns a function for WithIDs that returns consecutive numbers.
func counted() func() string {
	n := 0
	return func() string { n++; return "id-" + strconv.Itoa(n) }
}

var noon = time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)

// With WithIDs and WithClock, all responses of the fake are reproducible.
func TestGolden(t *testing.T) {
	t.Parallel()
	now := noon
	s := leedotest.NewServer(
		leedotest.WithIDs(counted()),
		leedotest.WithClock(func() time.Time { return now }),
		leedotest.WithPlan(3),
	)
	s.AddAccount(leedo.Account{Name: "Acme"})
	f := inMemory(s)
	var b strings.Builder
	ask := func(method, target, body string) {
		r := f.do(t, method, target, body)
		fmt.Fprintf(&b, "%s %s\n%s\n", method, target, r.Status)
		r.Header.Write(&b)
		fmt.Fprintf(&b, "%s\n\n", r.body)
	}
	ask("POST", "/leads", `{"name":"John Doe","score":7}`)
	ask("PATCH", "/leads/id-2", `{"company":"Acme"}`)
	now = now.Add(90 * time.Second)
	ask("GET", "/accounts", "")
	ask("GET", "/accounts", "")
	const want = `POST /leads
201 Created
Content-Length: 169
Content-Type: application/json
Date: Wed, 01 Oct 2025 12:00:00 GMT
X-Ratelimit-Limit: 3
X-Ratelimit-Remaining: 2
X-Ratelimit-Reset: 1759323600
X-Request-Id: req_1
{"id":"id-2","name":"John Doe","email":null,"company":null,"phone":null,"status":"new","score":7,"created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-01T12:00:00Z"}

PATCH /leads/id-2
200 OK
Content-Length: 178
Content-Type: application/json
Date: Wed, 01 Oct 2025 12:00:00 GMT
X-Ratelimit-Limit: 3
X-Ratelimit-Remaining: 1
X-Ratelimit-Reset: 1759323600
X-Request-Id: req_2
{"id":"id-2","name":"John Doe","email":null,"company":"Acme","phone":null,"status":"new","score":7,"created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-01T12:00:00.000001Z"}

GET /accounts
200 OK
Content-Length: 147
Content-Type: application/json
Date: Wed, 01 Oct 2025 12:01:30 GMT
X-Ratelimit-Limit: 3
X-Ratelimit-Remaining: 0
X-Ratelimit-Reset: 1759323600
X-Request-Id: req_3
{"data":[{"id":"id-1","name":"Acme","industry":null,"website":null,"created_at":"2025-10-01T12:00:00Z"}],"meta":{"total":1,"page":1,"per_page":20}}

GET /accounts
429 Too Many Requests
Content-Length: 65
Content-Type: application/json
Date: Wed, 01 Oct 2025 12:01:30 GMT
Retry-After: 3510
X-Ratelimit-Limit: 3
X-Ratelimit-Remaining: 0
X-Ratelimit-Reset: 1759323600
X-Request-Id: req_4
{"error":{"code":"rate_limited","message":"rate limit exceeded"}}

`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(strings.ReplaceAll(b.String(), "\r", ""), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The function of WithIDs is called once per record, whether a request or the test
// creates it, and not for requests that create nothing.
func TestWithIDs(t *testing.T) {
	t.Parallel()
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		s := leedotest.NewServer(leedotest.WithIDs(counted()), leedotest.WithIdempotencyKeys())
		f := open(s)
		s.Inject(
			leedotest.Fault{Method: "POST", Path: "/contacts", Status: 500},
			leedotest.Fault{Method: "POST", Path: "/contacts", Status: 500, Processed: true},
		)
		for _, request := range [][]string{
			{"POST", "/leads", `{}`},
			{"POST", "/leads", `{"name":"x"}`, "Authorization", ""},
			{"POST", "/contacts", `{"name":"x"}`}, // 500
			{"POST", "/leads", `{"name":"a"}`, "Idempotency-Key", "1"},
			{"POST", "/leads", `{"name":"a"}`, "Idempotency-Key", "1"},
			{"POST", "/contacts", `{"name":"b"}`}, // 500, yet done
			{"POST", "/campaigns", `{"name":"x"}`},
			{"POST", "/contacts", `{"name":"x","account_id":"none"}`},
			{"PATCH", "/leads/id-1", `{"email":"a"}`},
			{"GET", "/leads", ""},
		} {
			f.do(t, request[0], request[1], request[2], request[3:]...)
		}
		if got := s.AddCampaign(leedo.Campaign{Name: "c"}).ID; got != "id-3" {
			t.Errorf("campaign %q", got)
		}
		if got := s.AddLead(leedo.Lead{ID: "own"}).ID; got != "own" {
			t.Errorf("lead %q", got)
		}
		if got := s.AddAccount(leedo.Account{}).ID; got != "id-4" {
			t.Errorf("account %q", got)
		}
		if lead, contact := s.Leads()[1].ID, s.Contacts()[0].ID; lead != "id-1" || contact != "id-2" {
			t.Errorf("lead %q, contact %q", lead, contact)
		}
	})
}

// An empty id, and one that any record already has, is replaced.
func TestWithIDsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "1"} {
		s := leedotest.NewServer(leedotest.WithIDs(func() string { return id }))
		s.AddAccount(leedo.Account{ID: "1", Name: "Acme"})
		client := s.Client()
		for range 2 {
			if _, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "x"}); err != nil {
				t.Fatal(err)
			}
			s.AddLead(leedo.Lead{Name: "y"})
		}
		ids := map[string]bool{}
		for _, lead := range s.Leads() {
			ids[lead.ID] = len(lead.ID) == 36
		}
		if len(ids) != 4 || !ids[s.Leads()[0].ID] || !ids[s.Leads()[1].ID] || s.Accounts()[0].Name != "Acme" {
			t.Errorf("%q: ids %v", id, ids)
		}
	}
	if id := leedotest.NewServer(leedotest.WithIDs(nil)).AddLead(leedo.Lead{}).ID; len(id) != 36 {
		t.Errorf("WithIDs(nil): %q", id)
	}
}

// The functions of the options may call the server's methods: no lock is held.
func TestOptionsUnlocked(t *testing.T) {
	t.Parallel()
	var s *leedotest.Server
	s = leedotest.NewServer(
		leedotest.WithIDs(func() string { return fmt.Sprint(len(s.Leads())) }),
		leedotest.WithClock(func() time.Time { return noon.Add(time.Duration(len(s.Requests())) * time.Minute) }),
	)
	s.SetRateLimit(5, time.Hour)
	s.SetPlan(6)
	s.AddLead(leedo.Lead{Name: "x"})
	lead, err := s.Client().Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if lead.ID != "1" || !lead.CreatedAt.Equal(noon.Add(time.Minute)) {
		t.Errorf("id %q, created at %v", lead.ID, lead.CreatedAt)
	}
}

// Of concurrent requests with one idempotency key, one creates a record.
func TestWithIDsAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	next := counted()
	s := leedotest.NewServer(leedotest.WithIdempotencyKeys(), leedotest.WithIDs(func() string {
		mu.Lock()
		defer mu.Unlock()
		return next()
	}))
	f := inMemory(s)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if r, err := f.try(t, "POST", "/leads", `{"name":"x"}`, "Idempotency-Key", "1"); err != nil || r.StatusCode != 201 {
				t.Error(r, err)
			}
		})
	}
	wg.Wait()
	if n := len(s.Leads()); n != 1 {
		t.Errorf("%d leads, want 1", n)
	}
}

// WithClockSkew is added to the time of WithClock.
func TestClockWithSkew(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]leedotest.ServerOption{
		{leedotest.WithClock(func() time.Time { return noon }), leedotest.WithClockSkew(time.Hour)},
		{leedotest.WithClockSkew(time.Hour), leedotest.WithClock(func() time.Time { return noon })},
	} {
		if got := leedotest.NewServer(opts...).AddLead(leedo.Lead{}).CreatedAt; !got.Equal(noon.Add(time.Hour)) {
			t.Errorf("created at %v", got)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		if got := leedotest.NewServer(leedotest.WithClock(nil)).AddLead(leedo.Lead{}).CreatedAt; !got.Equal(time.Now()) {
			t.Errorf("WithClock(nil): created at %v", got)
		}
	})
}

// Setting the clock back restores no requests, and times in the future are right by that
// clock.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	for _, a := range algorithms {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			now := noon
			s := leedotest.NewServer(a.opt, leedotest.WithClock(func() time.Time { return now }))
			s.SetRateLimit(2, time.Hour)
			f := inMemory(s)
			for _, back := range []time.Duration{0, -time.Minute, -2 * time.Hour, -1000 * time.Hour} {
				now = noon.Add(back)
				r := f.do(t, "GET", "/leads", "")
				if want := map[bool]int{true: 200, false: 429}[back >= -time.Minute]; r.StatusCode != want {
					t.Fatalf("%v back: %s, want %d", back, r.Status, want)
				}
				if r.Header.Get("X-RateLimit-Reset") == "" {
					t.Errorf("%v back: %v", back, r.Header)
				}
				s.SetPlan(2)
			}
			now = noon.Add(-time.Hour)
			wait, err := strconv.Atoi(f.do(t, "GET", "/leads", "").Header.Get("Retry-After"))
			if err != nil || wait <= 3600 {
				t.Errorf("Retry-After %d, %v", wait, err)
			}
			now = now.Add(time.Duration(wait) * time.Second)
			checkStatus(t, f, http.StatusOK)

			now = noon.Add(-5 * time.Hour)
			s.SetRateLimit(1, time.Hour) // starts again, in the past
			checkStatus(t, f, http.StatusOK)
			checkStatus(t, f, http.StatusTooManyRequests)
			now = now.Add(2 * time.Hour)
			checkStatus(t, f, http.StatusOK)
		})
	}
}
