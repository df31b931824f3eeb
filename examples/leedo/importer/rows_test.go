package importer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
	"github.com/leedoapp/leedo-go/leedotest"
)

// A row that the API rejects is not sent again, its reason names the field and
// not the value, and the others are sent.
func TestRejected(t *testing.T) {
	t.Parallel()
	content := "name,email,account_id\nAda,ada@example.com,nowhere\nLi,li@example.cn,\nBad,bad,\n"
	virtual(t, "", content, func(w *world) {
		w.opts.Resource = "contacts"
		w.faults(leedotest.Fault{Status: 422, Body: `{"errors":{"email":["li@example.cn is taken"]}}`, After: 1, Header: http.Header{"X-Request-Id": {"req_7"}}})
		for range 2 {
			summary, err := Run(w.Context(), w.opts)
			if err != nil || summary.Rejected != 3 || len(summary.Rejections) != 3 || summary.Rejections[2] != (Rejection{4, "email is not a valid address"}) {
				w.Errorf("%+v, %v", summary, err)
			}
			got := strings.Join(w.result(), "\n")
			if !strings.HasPrefix(got, "2 rejected 400 bad_request: account_id (request ") || strings.Contains(got, "nowhere") ||
				!strings.Contains(got, "\n3 rejected 422: email (request req_7)\n4 rejected email is not a valid address") {
				w.Error(got)
			}
		}
		if w.sent("POST") != 2 {
			w.Errorf("%d requests", w.sent("POST"))
		}
	})
}

// Failed can be corrected and fed back in: what it holds was not created.
func TestFailedIsFedBackIn(t *testing.T) {
	t.Parallel()
	content := "\ufeffFull Name,Mail\r\n\"Ada,\r\nCountess\",ada@example.com\r\n,li@example.cn\r\nAda,ADA@example.com\r\nZoë,zoe\r\nToo,many,columns\r\nLeft,\r\n"
	virtual(t, "", content, func(w *world) {
		w.opts.Map = map[string]string{"Full Name": "name", "Mail": "email"}
		w.server.SetRateLimit(2, time.Hour)
		err := w.run("2 created", "4 rejected no name", "5 duplicate the email of line 2", "6 rejected email is not a valid address",
			"7 rejected 3 columns, the header has 2", "8 not_sent the quota does not allow it now")
		if _, ok := errors.AsType[*leedo.RateLimitError](err); !ok {
			w.Error(err)
		}
		failed, err := os.ReadFile(w.opts.Failed)
		if want := "Full Name,Mail\n,li@example.cn\nZoë,zoe\nToo,many,columns\nLeft,\n"; err != nil || string(failed) != want {
			w.Errorf("%q, %v", failed, err)
		}
		time.Sleep(time.Hour)
		w.server.SetRateLimit(-1, 0)
		w.opts.File = filepath.Join(filepath.Dir(w.opts.File), "again.csv")
		w.write(strings.NewReplacer("\n,li", "\nLi,li", "zoe", "zoe@example.com", ",columns", "").Replace(string(failed)))
		if err := w.run("2 created", "3 created", "4 rejected email is not a valid address", "5 created"); err != nil {
			w.Error(err)
		}
		if len(w.server.Leads()) != 4 {
			w.Error(w.names())
		}
	})
}

// What is sent is trimmed and keeps its case; columns go where they are mapped to,
// custom fields too, and the records are found again by them.
func TestSent(t *testing.T) {
	t.Parallel()
	for resource, tt := range map[string]struct {
		csv  string
		want []string
	}{
		"leads":    {"name,email,company,phone,status,Score\n  Ada ,Ada@Example.com , Acme\u00a0,+1,qualified, 7 \n", []string{"Ada", "Ada@Example.com", "Acme", "+1", "qualified", "7"}},
		"accounts": {"name,industry,website,Score\nAcme, Retail,https://example.com,\"a\r\nb\"\n", []string{"Acme", "Retail", "https://example.com", "a\nb"}},
		"contacts": {"name,email,role,Score\nAda,ada@example.com,CEO,x\n", []string{"Ada", "ada@example.com", "CEO", "x"}},
	} {
		for _, fault := range []leedotest.Fault{{Latency: 1}, {Drop: true, Processed: true}, {Drop: true}, {Status: 502, Processed: true}} {
			virtual(t, resource, tt.csv, func(w *world) {
				w.opts.Resource, w.opts.Extra = resource, map[string]string{"Score": "score"}
				w.faults(fault)
				if err := w.run("2 created"); err != nil {
					w.Error(err)
				}
				var ids []string
				for _, l := range w.server.Leads() {
					ids = append(ids, l.ID)
				}
				for _, a := range w.server.Accounts() {
					ids = append(ids, a.ID)
				}
				for _, c := range w.server.Contacts() {
					ids = append(ids, c.ID)
				}
				if len(ids) != 1 {
					w.Fatalf("%d records", len(ids))
				}
				record := w.server.Record(ids[0])
				for _, value := range tt.want {
					found := false
					for _, got := range record {
						found = found || got == value
					}
					if !found {
						w.Errorf("%q is not in %v", value, record)
					}
				}
			})
		}
	}
}

// Rows that differ only in a custom field, or in nothing, and come without an
// address: each request that was processed is one row's, the others are sent again.
func TestClaims(t *testing.T) {
	t.Parallel()
	content := "name,industry,size\nAcme,Retail,1\nAcme,Energy,1\nAcme,Retail,1\nAcme,Retail,2\n"
	for lost := range 1 << 4 { // the rows whose request is not processed
		for settled := range 3 { // how many rows get their response
			virtual(t, fmt.Sprintf("%04b %d", lost, settled), content, func(w *world) {
				w.opts.Resource, w.opts.Extra = "accounts", map[string]string{"size": ""}
				for i := settled; i < 4; i++ {
					w.faults(leedotest.Fault{Drop: true, Processed: lost>>i&1 == 0, After: settled})
				}
				if err := w.run("2 created", "3 created", "4 created", "5 created"); err != nil {
					w.Error(err)
				}
				held := map[string]int{}
				for _, a := range w.server.Accounts() {
					held[fmt.Sprint(a.Industry, w.server.Record(a.ID)["size"])]++
				}
				if fmt.Sprint(held) != "map[Energy1:1 Retail1:2 Retail2:1]" {
					w.Error(held)
				}
			})
		}
	}
}

// A row that makes the server fail is tried three times and does not keep the
// others from being sent.
func TestServerFailsOnOneRow(t *testing.T) {
	t.Parallel()
	virtual(t, "", "name\na\npoison\nb\n", func(w *world) {
		poisoned := func(r leedotest.Request) bool { return r.JSON()["name"] == "poison" }
		w.faults(leedotest.Fault{Status: 500, Times: -1, When: poisoned})
		summary, err := Run(w.Context(), w.opts)
		if err != nil || summary.NotSent != 1 || summary.Created != 2 || w.sent("POST") != 5 {
			w.Errorf("%+v, %v, %d requests", summary, err, w.sent("POST"))
		}
		if got := w.result()[1]; !strings.HasPrefix(got, "3 not_sent 500 ") {
			w.Error(got)
		}
	})
}

// An outage ends the import before it has cost every row a request.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]leedotest.Fault{
		"500": {Status: 500, Times: -1}, "cut": {Drop: true, Times: -1}, "401": {Status: 401, Times: -1},
	} {
		virtual(t, name, numbered(50), func(w *world) {
			w.faults(fault)
			summary, err := Run(w.Context(), w.opts)
			if err == nil || w.sent("POST") > 10 || summary.NotSent+summary.Unknown != 50 {
				w.Errorf("%d requests, %+v, %v", w.sent("POST"), summary, err)
			}
		})
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	virtual(t, "", twoLeads+"Ada,ada@example.com,,\n,,,\n", func(w *world) {
		w.server.SetPlan(leedotest.Free)
		w.server.OnRequest(func(leedotest.Request) {
			if w.opts.DryRun && w.server.Leads() == nil && w.journal() != nil {
				w.Error("there is a journal")
			}
		})
		w.opts.DryRun, w.opts.Extra = true, map[string]string{"company": "branch"}
		summary, err := Run(w.Context(), w.opts)
		if err != nil || summary.Calls != 2 || summary.Rejected != 1 || summary.Duplicate != 1 || summary.RateLimit.Limit != 100 {
			w.Errorf("%+v, %v", summary, err)
		}
		if w.sent("POST") != 0 || len(w.server.Requests()) != 1 || w.journal() != nil {
			w.Error("it sent something, or left a journal")
		}
		w.opts.DryRun = false
		if err := w.run("2 created", "3 created", "4 duplicate the email of line 2", "5 rejected no name"); err != nil {
			w.Error(err)
		}
		w.opts.DryRun = true
		if summary, err := Run(w.Context(), w.opts); err != nil || summary.Calls != 0 || summary.Created != 2 {
			w.Errorf("%+v, %v", summary, err)
		}
	})
}

// Many rows at a time, with faults: no race, and every report adds up.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	virtual(t, "", numbered(200), func(w *world) {
		w.opts.Concurrency = 8
		for i := range 30 {
			w.faults(leedotest.Fault{Drop: true, Processed: i%2 == 0, After: 5 * i})
		}
		reports := 0
		w.opts.Report = func(s Summary) {
			reports++
			if s.Created+s.Unknown+s.NotSent != 200 {
				w.Errorf("%+v", s)
			}
		}
		summary, err := Run(w.Context(), w.opts)
		if err != nil || summary.Created != 200 || len(w.server.Leads()) != 200 || reports < 400 {
			w.Errorf("%+v, %v, %d leads, %d reports", summary, err, len(w.server.Leads()), reports)
		}
	})
}

// A journal that cannot be written to, on a full disk say, ends the import before
// a request that it does not know of.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for room := range 12 { // commits until the disk is full
		virtual(t, fmt.Sprint(room), numbered(5), func(w *world) {
			s := &fullStore{room: room}
			w.opts.wrap = func(j store) store { s.store = j; return s }
			_, err := Run(w.Context(), w.opts)
			if want := room < 10; errors.Is(err, errFull) != want {
				w.Errorf("%v, want an error: %t", err, want)
			}
			if got, most := w.sent("POST"), (room+1)/2; got > most {
				w.Errorf("%d requests after %d commits", got, room)
			}
			w.opts.wrap = nil
			if err := w.run("2 created", "3 created", "4 created", "5 created", "6 created"); err != nil || len(w.server.Leads()) != 5 {
				w.Error(err, w.names())
			}
		})
	}
}

var errFull = errors.New("database or disk is full")

type fullStore struct {
	store
	room int
}

func (s *fullStore) Put(row journal.Row) error {
	if s.room--; s.room < 0 {
		return errFull
	}
	return s.store.Put(row)
}

// A 429 after which the quota is exhausted for an hour, and then Ctrl-C: the row is not
// being sent any more, and the wait ends at once.
func TestInterruptedAfterRealRateLimit(t *testing.T) {
	t.Parallel()
	virtual(t, "", twoLeads, func(w *world) {
		w.opts.Wait = true
		w.server.SetRateLimit(2, time.Hour)
		others := w.server.Client()
		w.server.OnRequest(func(r leedotest.Request) {
			if r.Method == "POST" && len(w.server.Requests()) == 2 { // somebody else was faster
				if _, err := others.Leads.List(w.Context(), nil); err != nil {
					w.Error(err)
				}
			}
		})
		ctx, cancel := context.WithCancel(w.Context())
		time.AfterFunc(10*time.Minute, func() {
			if states := w.journal(); len(states) != 0 || w.sent("POST") != 1 {
				w.Errorf("%v after %d requests", states, w.sent("POST"))
			}
			cancel()
		})
		start := time.Now()
		err := w.runContext(ctx, "2 not_sent interrupted", "3 not_sent")
		if took := time.Since(start); took != 10*time.Minute || !errors.Is(err, context.Canceled) {
			w.Errorf("it took %s, %v", took, err)
		}
		if w.journal() != nil {
			w.Error("a journal without rows is left")
		}
		if err := w.run("2 created", "3 created"); err != nil || w.names() != "Ada Li" {
			w.Error(w.names(), err)
		}
	})
}

// An error that ends the import does so while other rows wait for the quota, too.
func TestWrongTokenWhileOthersWait(t *testing.T) {
	t.Parallel()
	virtual(t, "", numbered(20), func(w *world) {
		w.opts.Wait, w.opts.Concurrency = true, 4
		w.server.SetRateLimit(8, time.Hour)
		w.faults(leedotest.Fault{Status: 401, Latency: 20 * time.Second})
		start := time.Now()
		_, err := Run(w.Context(), w.opts)
		if _, ok := errors.AsType[*leedo.UnauthorizedError](err); !ok || time.Since(start) > time.Minute {
			w.Errorf("%v after %s", err, time.Since(start))
		}
		made := len(w.server.Leads())
		if got := w.result(); made == 0 || made > 7 || len(got) != 20 || got[19] != "21 not_sent" {
			w.Errorf("%d leads, %v", made, got)
		}
		for _, state := range w.journal() {
			if state != journal.Created {
				w.Error(state)
			}
		}
	})
}
