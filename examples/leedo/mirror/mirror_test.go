package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// Texts are stored as the API sent them, null is NULL, anything else is JSON, and a
// field that the API left out stays as it was.
func TestFields(t *testing.T) {
	virtual(t, "bubble", func(w *world) {
		at := time.Date(2025, time.October, 1, 12, 0, 0, 0, time.UTC)
		lead := w.server.AddLead(leedo.Lead{ID: "l/1", Name: "Zoë \"Z\"", Phone: "+1", Company: "Acme", CreatedAt: at, UpdatedAt: at})
		w.server.SetField(lead.ID, "email", json.Number("12345678901234567890"))
		w.server.SetField(lead.ID, "status", []string{"a"})
		w.server.AddAccount(leedo.Account{ID: "a1", Website: "https://acme.example", CreatedAt: at, UpdatedAt: at})
		w.server.AddContact(leedo.Contact{ID: "c1", Name: "Jane", AccountID: "a1", CreatedAt: at, UpdatedAt: at})
		w.server.AddCampaign(leedo.Campaign{ID: "p1", LeadsCount: 42, CreatedAt: at, UpdatedAt: at})
		w.mustPass()
		const date = "2025-10-01T12:00:00Z"
		w.want("SELECT * FROM leads", `l/1 Zoë "Z" 12345678901234567890 Acme +1 ["a"] `+date+" "+date+" 2000-01-01T00:01:00.000Z - 2000-01-01T00:01:00.000Z 0")
		w.want("SELECT id, name, industry, website, created_at, updated_at FROM accounts", "a1 - - https://acme.example "+date+" "+date)
		w.want("SELECT id, name, email, role, account_id, created_at, updated_at FROM contacts", "c1 Jane - - a1 "+date+" -")
		w.want("SELECT name, status, leads_count, typeof(leads_count), updated_at FROM campaigns", "- active 42 integer "+date)

		// The list has no phone. It is known until a response says that it is null.
		w.server.SetField(lead.ID, "company", nil)
		w.server.SetField(lead.ID, "phone", nil)
		w.server.Inject(leedotest.Fault{Path: "/leads/{id}", Status: 500, Times: 4})
		if err := w.pass(); err == nil || !strings.HasPrefix(err.Error(), "records could not be read: 1, the last: GET /leads/l%2F1: 500") {
			t.Error(err)
		}
		w.want("SELECT company, phone FROM leads", "- +1")
		w.mustPass()
		w.want("SELECT company, phone FROM leads", "- -")
	})
}

// A record that a list does not have is deleted if a GET says so or the next list does
// not have it either. One that comes back is not deleted any more.
func TestVanished(t *testing.T) {
	virtual(t, "a lead that is gone", func(w *world) {
		w.server.AddLead(leedo.Lead{ID: "1", Phone: "+1"})
		w.mustPass()
		w.server.Delete("1")
		w.mustPass()
		w.want("SELECT id, phone, seen_at, deleted_at FROM leads", "1 +1 2000-01-01T00:01:00.000Z 2000-01-01T00:02:00.000Z")
		if w.sum.Deleted != 1 || w.sum.Records["leads"] != 0 {
			t.Errorf("%+v", w.sum)
		}
		w.paths()
		w.mustPass()
		if got := w.paths(); got != "/leads /accounts /contacts /campaigns" || w.sum.Deleted != 0 {
			t.Errorf("%+v, requests: %s", w.sum, got)
		}
		w.server.AddLead(leedo.Lead{ID: "1"})
		w.mustPass()
		w.want("SELECT id, phone, seen_at, deleted_at FROM leads", "1 - 2000-01-01T00:04:00.000Z -")
		if w.sum.New != 0 || w.sum.Records["leads"] != 1 {
			t.Errorf("%+v", w.sum)
		}
	})
	empty := leedotest.Fault{Path: "/leads", Body: `{"data": [], "meta": {"total": 0, "page": 1, "per_page": 100}}`}
	virtual(t, "a lead that a list does not have", func(w *world) {
		w.server.AddLead(leedo.Lead{ID: "1"})
		w.mustPass()
		for range 3 {
			w.server.Inject(empty)
			w.mustPass()
			w.want("SELECT deleted_at, missing FROM leads", "- 0")
		}
	})
	virtual(t, "leads that are listed, of a server that fails with 404", func(w *world) {
		w.server.AddLead(leedo.Lead{ID: "1"})
		w.server.AddLead(leedo.Lead{ID: "2"})
		w.server.Inject(leedotest.Fault{Path: "/leads/{id}", Status: 404, Times: 2})
		w.mustPass()
		w.want("SELECT count(*) FROM leads WHERE deleted_at IS NULL", "2")
		w.server.Delete("2")
		w.mustPass()
		w.want("SELECT id FROM leads WHERE deleted_at IS NULL", "1")
	})
	virtual(t, "a lead that two lists do not have, with nothing left to ask", func(w *world) {
		w.server.AddLead(leedo.Lead{ID: "1"})
		w.mustPass()
		w.server.Delete("1")
		w.server.Inject(leedotest.Fault{Path: "/leads/{id}", Status: 429, Times: -1})
		w.mustPass()
		w.want("SELECT deleted_at, missing FROM leads", "- 1")
		w.mustPass()
		w.want("SELECT deleted_at FROM leads", "2000-01-01T00:03:00.000Z")
	})
	virtual(t, "a contact", func(w *world) {
		w.server.AddContact(leedo.Contact{ID: "1"})
		w.mustPass()
		empty.Path = "/contacts"
		w.server.Inject(empty)
		w.mustPass()
		w.want("SELECT deleted_at, missing FROM contacts", "- 1")
		w.mustPass()
		w.want("SELECT deleted_at, missing FROM contacts", "- 0")
		w.server.Delete("1")
		w.mustPass()
		w.want("SELECT deleted_at, missing FROM contacts", "- 1")
		w.mustPass()
		w.want("SELECT deleted_at FROM contacts", "2000-01-01T00:05:00.000Z")
	})
}

// If the lists cannot all be read, none is recorded.
func TestAllOrNothing(t *testing.T) {
	for name, fault := range map[string]leedotest.Fault{
		"at the end of a list": {Path: "/contacts", After: 1, Status: 403},
		"in the last list":     {Path: "/campaigns", Status: 403},
		"with the quota":       {Path: "/campaigns", Status: 429},
	} {
		virtual(t, name, func(w *world) {
			w.server.AddAccount(leedo.Account{ID: "a"})
			w.mustPass()
			before := w.query("SELECT * FROM accounts")
			w.server.SetField("a", "name", "B")
			w.server.AddLead(leedo.Lead{})
			for range 101 {
				w.server.AddContact(leedo.Contact{})
			}
			w.server.Inject(fault)
			if err := w.pass(); err == nil || !strings.HasSuffix(err.Error(), "; nothing was recorded") || w.sum.Recorded {
				t.Error(err, w.sum)
			}
			w.want("SELECT * FROM accounts", before)
			w.want("SELECT (SELECT count(*) FROM leads) + (SELECT count(*) FROM contacts)", "0")
			w.mustPass()
			w.want("SELECT name FROM accounts", "B")
			w.want("SELECT (SELECT count(*) FROM leads) + (SELECT count(*) FROM contacts)", "102")
		})
	}
}

// local is a time of the first day of a bubble.
func local(hour, minute int) string {
	return time.Date(2000, time.January, 1, hour, minute, 0, 0, time.UTC).Local().Format(time.TimeOnly)
}

// Lists that are too long for what is left of the quota cost no more requests than it
// takes to see that.
func TestTooLong(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		contacts, limit, ask int
		want                 string
	}{
		{"for what is left", 300, 20, 12, "the lists are too long for the quota: they take 3 more requests, and 2 are left for them until "},
		{"for any hour", 700, 6, 0, "the lists are too long for the quota: they take 7 more requests, and an hour has 6 for them; it takes --wait; nothing was recorded"},
		{"not at all", 299, 15, 0, ""},
	} {
		virtual(t, tt.name, func(w *world) {
			for range tt.contacts {
				w.server.AddContact(leedo.Contact{})
			}
			w.server.SetRateLimit(tt.limit, time.Hour)
			time.Sleep(time.Minute)
			for range tt.ask {
				if _, err := w.server.Client().Leads.List(w.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			w.paths()
			err := Run(w.Context(), w.opts)
			if (err == nil) != (tt.want == "") || err != nil && (!strings.HasPrefix(err.Error(), tt.want) || !errors.Is(err, ErrTooLong)) {
				t.Error(err)
			}
			if n := len(strings.Fields(w.paths())); err != nil && n != 4 {
				t.Errorf("%d requests", n)
			}
			if err == nil {
				w.want("SELECT count(*) FROM contacts", fmt.Sprint(w.sum.New))
			} else if left, _ := filepath.Glob(w.opts.File + "*"); len(left) > 0 {
				t.Errorf("the first pass failed and left %v", left)
			}
			w.opts.Wait = true // they are then read over two hours
			w.mustPass()
			w.want("SELECT count(*) FROM contacts", fmt.Sprint(tt.contacts))
		})
	}
}

// The details that the quota allows are read, those that have waited longest first.
func TestLongestUnseenFirst(t *testing.T) {
	virtual(t, "bubble", func(w *world) {
		for i := range 30 {
			w.server.AddLead(leedo.Lead{ID: fmt.Sprint("l", 29-i)})
		}
		w.server.AddAccount(leedo.Account{ID: "a"})
		w.server.SetRateLimit(16, time.Hour)
		w.server.Inject(leedotest.Fault{Path: "/leads/{id}", Latency: time.Second, Times: -1})
		seen := map[string]int{}
		for range 5 {
			w.mustPass()
			if w.sum.Due != 31 || w.sum.Details < 10 || w.sum.Details > 12 {
				t.Errorf("%+v", w.sum)
			}
			for _, path := range strings.Fields(w.paths())[4:] {
				seen[path]++
				fewest := slices.Min(slices.Collect(maps.Values(seen)))
				if len(seen) < 31 && seen[path] > 1 || seen[path] > fewest+1 {
					t.Errorf("%s was read %d times, others not", path, seen[path])
				}
			}
			time.Sleep(time.Hour + 10*time.Second)
		}
	})
}

// Lists that have all fields leave no details to read.
func TestCompleteLists(t *testing.T) {
	virtual(t, "bubble", func(w *world) {
		w.server.Inject(leedotest.Fault{Path: "/leads", Times: 2, Body: `{"data": [
			{"id": 7, "name": "A", "email": null, "company": "", "phone": "+1", "status": "new", "created_at": "x", "updated_at": "y"}
			], "meta": {"total": 1, "page": 1, "per_page": 100}}`})
		w.mustPass()
		w.mustPass()
		w.want("SELECT id, name, email, company, phone, status, created_at, updated_at FROM leads", "7 A -  +1 new x y")
		if got := w.paths(); w.sum.Due != 0 || strings.Contains(got, "leads/") {
			t.Errorf("%+v, requests: %s", w.sum, got)
		}
	})
}

// A record that cannot be read keeps none from being read, in this pass or the next; a
// server that fails does.
func TestFailures(t *testing.T) {
	virtual(t, "records", func(w *world) {
		for _, id := range []string{"..", "broken", "ok", "other"} {
			w.server.AddLead(leedo.Lead{ID: id})
		}
		w.server.Inject(leedotest.Fault{Path: "/leads/broken", Body: "[]", Times: -1}, leedotest.Fault{Path: "/leads/other", Body: `{"id": "x", "phone": "+1"}`, Times: -1})
		for range 2 {
			if err := w.pass(); err == nil || err.Error() != "records could not be read: 3, the last: GET /leads/..: invalid argument: path contains a dot segment" {
				t.Error(err)
			}
			w.want("SELECT id FROM leads WHERE updated_at NOT NULL", "ok")
			w.want("SELECT count(*) FROM leads WHERE phone NOT NULL", "0")
		}
	})
	virtual(t, "a record that is cut", func(w *world) {
		for _, id := range []string{"ok", "cut"} {
			w.server.AddLead(leedo.Lead{ID: id})
		}
		w.server.Inject(leedotest.Fault{Path: "/leads/cut", Truncate: 5, Times: -1})
		for range 2 {
			if err := w.pass(); err == nil || !strings.HasPrefix(err.Error(), "records could not be read: 1, the last: GET /leads/cut: no complete response") {
				t.Error(err)
			}
			w.want("SELECT id FROM leads WHERE updated_at NOT NULL", "ok")
		}
	})
	virtual(t, "the context", func(w *world) {
		w.server.AddLead(leedo.Lead{})
		w.server.Inject(leedotest.Fault{Path: "/leads/{id}", Truncate: 5, Latency: 5 * time.Second, Times: -1})
		ctx, cancel := context.WithTimeout(w.Context(), 8*time.Second) // in the second attempt
		defer cancel()
		if err := Run(ctx, w.opts); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errRecords) {
			t.Error(err)
		}
		w.want("SELECT count(details_at) FROM leads", "0")
	})
	virtual(t, "the server", func(w *world) {
		for range 9 {
			w.server.AddLead(leedo.Lead{})
		}
		w.opts.Client = w.server.Client(leedo.WithRetries(0))
		w.server.Inject(leedotest.Fault{Path: "/leads/{id}", Status: 500, Times: 3})
		if err := w.pass(); err == nil || !strings.HasPrefix(err.Error(), "records could not be read: 3") || !w.sum.Recorded || w.sum.Details > 0 {
			t.Error(err, w.sum)
		}
		failed := strings.Fields(w.paths())[4:]
		w.mustPass()
		if again := strings.Fields(w.paths())[4:]; slices.Contains(failed, again[0]) || !slices.Contains(again, failed[0]) {
			t.Errorf("after %v, %v", failed, again)
		}
		w.server.Inject(leedotest.Fault{Path: "/leads/{id}", Status: 401})
		w.paths()
		if err := w.pass(); err == nil || strings.Count(w.paths(), "leads/") != 1 {
			t.Error(err)
		}
	})
}

// A pass follows one that the quota, the network or the server has failed, and no
// other.
func TestEvery(t *testing.T) {
	passes := func(w *world) (n int, failed []string, err error) {
		ctx, cancel := context.WithTimeout(w.Context(), 3*time.Hour-time.Second)
		defer cancel()
		w.opts.Every = time.Hour
		w.opts.End = func(s Summary) error {
			if s.Recorded {
				n++
			}
			return nil
		}
		w.opts.Failed = func(err error, next time.Time) {
			failed = append(failed, fmt.Sprint(err, next.Local().Format(" 15:04:05")))
		}
		err = Run(ctx, w.opts)
		return n, failed, err
	}
	for _, tt := range []struct {
		name   string
		fault  leedotest.Fault
		passes int
		failed string
		want   error
	}{
		{"nothing", leedotest.Fault{Path: "/other", Status: 500}, 3, "", context.DeadlineExceeded},
		{"server", leedotest.Fault{Path: "/contacts", Status: 503, Times: 4}, 2, " " + local(1, 0), context.DeadlineExceeded},
		{"network", leedotest.Fault{Path: "/contacts", Drop: true, Times: 4}, 2, " " + local(1, 0), context.DeadlineExceeded},
		{"a page of a proxy", leedotest.Fault{Path: "/contacts", Status: 200, Body: "<html>"}, 2, " " + local(1, 0), context.DeadlineExceeded},
		{"quota", leedotest.Fault{Path: "/contacts", Status: 429, Header: map[string][]string{"Retry-After": {"1200"}}}, 3, " " + local(0, 20), context.DeadlineExceeded},
		{"a short wait", leedotest.Fault{Path: "/contacts", Status: 429, Header: map[string][]string{"Retry-After": {"20"}}}, 3, "", context.DeadlineExceeded},
		{"a record", leedotest.Fault{Path: "/leads/{id}", Body: "[]"}, 3, " " + local(1, 0), context.DeadlineExceeded},
		{"token", leedotest.Fault{Path: "/contacts", Status: 401}, 0, "", nil},
	} {
		virtual(t, tt.name, func(w *world) {
			w.server.AddLead(leedo.Lead{})
			w.server.Inject(tt.fault)
			n, failed, err := passes(w)
			if text := strings.Join(failed, "; "); n != tt.passes || (text == "") != (tt.failed == "") || !strings.HasSuffix(text, tt.failed) ||
				err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%d passes, %q, %v", n, text, err)
			}
		})
	}
	virtual(t, "lists that take much more than the time", func(w *world) {
		w.server.Inject(leedotest.Fault{Path: "/contacts", Latency: 20 * time.Second})
		ctx, cancel := context.WithCancel(w.Context())
		w.opts.Every = 1
		w.opts.End = func(Summary) error { cancel(); return nil }
		if err := Run(ctx, w.opts); err != nil {
			t.Error(err)
		}
	})
	virtual(t, "details that take more than an hour", func(w *world) {
		for range 30 {
			w.server.AddLead(leedo.Lead{})
		}
		w.server.SetRateLimit(10, time.Hour)
		w.opts.Wait = true
		if n, failed, _ := passes(w); n != 3 || failed != nil {
			t.Errorf("%d passes, %q", n, failed)
		}
	})
	virtual(t, "lists that take more than an hour", func(w *world) {
		w.server.AddLead(leedo.Lead{})
		for range 500 {
			w.server.AddContact(leedo.Contact{})
		}
		w.server.SetRateLimit(5, time.Hour)
		w.opts.Wait = true
		if n, _, _ := passes(w); n != 1 {
			t.Errorf("%d passes", n)
		}
		w.want("SELECT count(details_at) FROM leads", "1")
	})
}

// A process that is killed when it has made the tables leaves a mirror of no target. The
// next one makes it its own.
func TestNoTarget(t *testing.T) {
	virtual(t, "killed", func(w *world) {
		s, err := open(w.opts.File, w.opts.Target)
		if err != nil {
			w.Fatal(err)
		}
		if _, err := s.db.Exec("DELETE FROM mirror"); err != nil {
			w.Fatal(err)
		}
		if err := s.close(); err != nil {
			w.Fatal(err)
		}
		w.mustPass()
		w.want("SELECT target FROM mirror", "fake")
	})
}

// When the reset is unknown, no error names one.
func TestHopeOfUnknownReset(t *testing.T) {
	t.Parallel()
	long := &tooLong{need: 5, left: 1, most: 90}
	before := long.Error()
	from, ok := hope(long)
	if in := time.Until(from); !ok || in < 59*time.Minute || in > time.Hour || long.Error() != before {
		t.Errorf("in %v, %v, %q", in, ok, long)
	}
}
