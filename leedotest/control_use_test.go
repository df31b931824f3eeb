package leedotest_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func TestControlFaults(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	f := controlled(t, s)
	if got := ask(t, f, 200, "GET", "/faults", "").body; got != `{"data":[]}` {
		t.Errorf("%s", got)
	}
	ask(t, f, 201, "POST", "/faults", `{"method":"POST","path":"/leads","status":503,"processed":true,"times":2,"header":{"Retry-After":["7"]}}`)
	ask(t, f, 201, "POST", "/faults", `{"status":418,"times":-1}`)
	r := f.do(t, "POST", "/leads", `{"name":"John Doe"}`)
	checkError(t, r, 503, "service_unavailable", "injected")
	if len(s.Leads()) != 1 || r.Header.Get("Retry-After") != "7" {
		t.Errorf("%d leads, %v", len(s.Leads()), r.Header)
	}
	want := `{"data":[{"method":"POST","path":"/leads","times":2,"processed":true,"status":503,"header":{"Retry-After":["7"]},"applied":1},` +
		`{"times":-1,"status":418,"applied":0}]}`
	if got := ask(t, f, 200, "GET", "/faults", "").body; got != want {
		t.Errorf("%s", got)
	}
	if r := ask(t, f, 204, "DELETE", "/faults", ""); r.body != "" {
		t.Errorf("%s", r.body)
	}
	if r := f.do(t, "GET", "/leads", ""); r.StatusCode != 200 {
		t.Errorf("status %d after the faults were removed", r.StatusCode)
	}
}

func TestControlRequests(t *testing.T) {
	t.Parallel()
	s := documented()
	f := controlled(t, s)
	f.do(t, "GET", "/leads?page=2", "")
	f.do(t, "GET", "/leads/"+leadID, "", "X-Test", "1")
	f.do(t, "POST", "/leads", `{"email":""}`)
	for query, want := range map[string]string{
		"":                        "/leads /leads/" + leadID + " /leads",
		"?method=post":            "/leads",
		"?path=/leads/{id}":       "/leads/" + leadID,
		"?path=/leads&method=GET": "/leads",
		"?status=400":             "/leads",
		"?status=200":             "/leads /leads/" + leadID,
		"?status=0":               "",
		"?path=/leads&status=404": "",
	} {
		var got []string
		for _, item := range fields(t, ask(t, f, 200, "GET", "/requests"+query, "").body)["data"].([]any) {
			got = append(got, item.(map[string]any)["path"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	r := ask(t, f, 200, "GET", "/requests?method=POST", "")
	for _, want := range []string{`"query":{}`, `"body":"{\"email\":\"\"}"`, `"Authorization":["[hidden]"]`, `"status":400}]}`} {
		if !strings.Contains(r.body, want) || strings.Contains(r.body, s.Token()) {
			t.Errorf("%s is missing, or the token is not, in %s", want, r.body)
		}
	}
	if got := s.Requests()[0].Header.Get("Authorization"); got != "Bearer "+s.Token() {
		t.Errorf("the list hid the token of the server's own list: %q", got)
	}
}

func TestControlRecords(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	f := controlled(t, s)
	r := ask(t, f, 201, "POST", "/records/leads", `{"id":"a/b","name":"John Doe","score":7.50,"created_at":"2025-10-01T14:00:00+02:00"}`)
	want := `{"id":"a/b","name":"John Doe","email":null,"company":null,"phone":null,"status":"new","score":7.50,` +
		`"created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-01T12:00:00Z"}`
	if r.body != want {
		t.Errorf("added %s", r.body)
	}
	if got := f.do(t, "GET", "/leads/a%2Fb", "").body; got != want {
		t.Errorf("GET returns %s", got)
	}
	if got := ask(t, f, 200, "GET", "/records/leads", "").body; got != `{"data":[`+want+`]}` {
		t.Errorf("listed %s", got)
	}
	r = ask(t, f, 200, "PATCH", "/records/leads/a%2Fb", `{"name":5,"updated_at":"2025-10-02T12:00:00Z"}`)
	if got := fields(t, r.body); got["name"] != 5.0 || got["score"] != 7.5 || got["updated_at"] != "2025-10-02T12:00:00Z" {
		t.Errorf("changed %v", got)
	}
	ask(t, f, 204, "DELETE", "/records/leads/a%2Fb", "")
	if s.Leads() != nil {
		t.Errorf("%v", s.Leads())
	}
	ask(t, f, 201, "POST", "/records/campaigns", `{}`) // nothing is required
	if got := ask(t, f, 200, "GET", "/records/campaigns", "").body; !strings.Contains(got, `"status":"active"`) {
		t.Errorf("%s", got)
	}
}

// What is given is stored, also null and "" where a record that is created by other means
// gets an initial value. Times that are missing follow from those that are given.
func TestControlRecordAsGiven(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f := controlled(t, leedotest.NewServer(leedotest.WithClock(func() time.Time { return now })))
	const past, future = "2025-10-01T12:00:00Z", "2027-10-01T12:00:00Z"
	for _, test := range []struct {
		kind, body    string
		name          string
		value         any
		created, then string // created_at and updated_at; "" means now
	}{
		{"leads", `{}`, "status", "new", "", ""},
		{"leads", `{"status":null}`, "status", nil, "", ""},
		{"leads", `{"status":""}`, "status", "", "", ""},
		{"leads", `{"status":5}`, "status", 5.0, "", ""},
		{"leads", `{"Status":"won"}`, "Status", "won", "", ""}, // a custom field
		{"campaigns", `{"leads_count":null}`, "leads_count", nil, "", ""},
		{"campaigns", `{}`, "leads_count", 0.0, "", ""},
		{"contacts", `{}`, "account_id", nil, "", ""},
		{"leads", `{"created_at":"` + past + `"}`, "status", "new", past, past},
		{"leads", `{"created_at":"` + future + `"}`, "status", "new", future, future},
		{"leads", `{"updated_at":"` + past + `"}`, "status", "new", past, past},
		{"leads", `{"updated_at":"` + future + `"}`, "status", "new", "", future},
		{"leads", `{"created_at":"` + future + `","updated_at":"` + past + `"}`, "status", "new", future, past},
		{"leads", `{"created_at":"2025-10-01T07:00:00.123456789-05:00"}`, "status", "new", "2025-10-01T12:00:00.123456789Z", "2025-10-01T12:00:00.123456789Z"},
		{"leads", `{"created_at":"9999-12-31T23:59:59Z"}`, "status", "new", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
	} {
		got := fields(t, ask(t, f, 201, "POST", "/records/"+test.kind, test.body).body)
		value, given := got[test.name]
		created, updated := cmp.Or(test.created, now.Format(time.RFC3339)), cmp.Or(test.then, now.Format(time.RFC3339))
		if !given || value != test.value || got["created_at"] != created || got["updated_at"] != updated {
			t.Errorf("%s gives %v, want %s %v, %s and %s", test.body, got, test.name, test.value, created, updated)
		}
	}
	if body := ask(t, f, 201, "POST", "/records/leads", `{"score":1e400}`).body; !strings.Contains(body, `"score":1e400`) { // more than a float64
		t.Error(body)
	}
	if got := fields(t, f.do(t, "POST", "/leads", `{"name":"x","status":null}`).body)["status"]; got != "new" { // the API
		t.Errorf("status %v", got)
	}
}

// An id is not taken twice, even if another record gets it while the request is
// handled.
func TestControlRecordConflict(t *testing.T) {
	t.Parallel()
	var s *leedotest.Server
	var asked atomic.Bool
	s = leedotest.NewServer(leedotest.WithClock(func() time.Time {
		if asked.CompareAndSwap(false, true) {
			s.AddLead(leedo.Lead{ID: "a", Name: "first"})
		}
		return time.Now()
	}))
	ask(t, controlled(t, s), 409, "POST", "/records/leads", `{"id":"a","name":"second"}`)
	if got := s.Leads(); len(got) != 1 || got[0].Name != "first" {
		t.Errorf("%v", got)
	}
}

func TestControlPlan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f := controlled(t, leedotest.NewServer(leedotest.WithClock(func() time.Time { return now })))
	if got := ask(t, f, 200, "GET", "/plan", "").body; got != `{"plan":"none"}` {
		t.Errorf("%s", got)
	}
	ask(t, f, 200, "POST", "/plan", `{"plan":"pro"}`)
	checkRate(t, f.do(t, "GET", "/leads", ""), 200, 5000, 4999, now.Add(time.Hour))
	want := `{"plan":"free","limit":100,"window":"1h0m0s","remaining":99,"reset":"2026-03-01T13:00:00Z"}`
	if got := ask(t, f, 200, "POST", "/plan", `{"plan":"free"}`).body; got != want { // keeps the count
		t.Errorf("%s", got)
	}
	want = `{"limit":3,"window":"10m0s","remaining":3,"reset":"2026-03-01T12:10:00Z"}`
	if got := ask(t, f, 200, "POST", "/plan", `{"limit":3,"window":"10m"}`).body; got != want {
		t.Errorf("%s", got)
	}
	checkRate(t, f.do(t, "GET", "/leads", ""), 200, 3, 2, now.Add(10*time.Minute))
	if got := ask(t, f, 200, "POST", "/plan", `{"plan":"none"}`).body; got != `{"plan":"none"}` {
		t.Errorf("%s", got)
	}
}

// A PATCH of many fields copies the record once. With a copy for each field it would hold
// the lock of the server for minutes.
func TestControlChangesManyFields(t *testing.T) {
	t.Parallel()
	f := controlled(t, documented())
	var body strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&body, `,"f%d":1`, i)
	}
	start := time.Now()
	ask(t, f, 200, "PATCH", "/records/leads/"+leadID, "{"+body.String()[1:]+"}")
	if since := time.Since(start); since > 30*time.Second {
		t.Errorf("it took %v", since)
	}
}

// An hour advanced frees the quota, or two with a sliding counter, and all times in
// responses follow.
func TestControlClock(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, algorithm := range []leedotest.Algorithm{leedotest.FixedWindow, leedotest.SlidingLog, leedotest.SlidingCounter, leedotest.TokenBucket} {
		s := leedotest.NewServer(leedotest.WithAlgorithm(algorithm), leedotest.WithClock(func() time.Time { return noon }))
		s.SetRateLimit(1, time.Hour)
		f := controlled(t, s)
		created := fields(t, f.do(t, "POST", "/leads", `{"name":"John Doe"}`).body)
		if r := f.do(t, "GET", "/leads", ""); r.StatusCode != 429 {
			t.Fatalf("status %d", r.StatusCode)
		}
		if got := ask(t, f, 200, "GET", "/clock", "").body; got != `{"now":"2026-03-01T12:00:00Z","advanced":"0s"}` {
			t.Errorf("%s", got)
		}
		ask(t, f, 200, "POST", "/clock", `{"advance":"1h"}`)
		if algorithm == leedotest.SlidingCounter { // counts the previous window in part, and here as a whole
			if got := fields(t, ask(t, f, 200, "GET", "/plan", "").body)["remaining"]; got != 0.0 {
				t.Errorf("%v requests remain after an hour", got)
			}
			ask(t, f, 200, "POST", "/clock", `{"advance":"1h"}`)
		}
		if got := fields(t, ask(t, f, 200, "GET", "/plan", "").body)["remaining"]; got != 1.0 {
			t.Errorf("%v requests remain", got)
		}
		now := s.AddLead(leedo.Lead{Name: "x"}).CreatedAt
		if got := now.Sub(noon); got != time.Hour && (algorithm != leedotest.SlidingCounter || got != 2*time.Hour) {
			t.Errorf("advanced by %v", got)
		}
		r := f.do(t, "PATCH", "/leads/"+created["id"].(string), `{"email":"john@example.com"}`)
		checkRate(t, r, 200, 1, 0, now.Add(time.Hour))
		if got := r.Header.Get("Date"); got != now.Format(http.TimeFormat) {
			t.Errorf("Date %s", got)
		}
		if got := fields(t, r.body); got["updated_at"] != now.Format(time.RFC3339) || got["created_at"] != "2026-03-01T12:00:00Z" {
			t.Errorf("%v", got)
		}
	}
}

// A client that is made after the clock was advanced can call.
func TestControlClockFreesTheQuotaOfANewClient(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	s.SetRateLimit(1, time.Hour)
	f := controlled(t, s)
	list := func(c *leedo.Client) error {
		_, err := c.Leads.List(t.Context(), nil)
		return err
	}
	before := s.Client(leedo.WithMaxWait(0))
	if err := list(before); err != nil {
		t.Fatal(err)
	}
	ask(t, f, 200, "POST", "/clock", `{"advance":"1h"}`)
	if err := list(before); err == nil {
		t.Error("a running client noticed the server's clock")
	}
	if err := list(s.Client(leedo.WithMaxWait(0))); err != nil {
		t.Error(err)
	}
}
