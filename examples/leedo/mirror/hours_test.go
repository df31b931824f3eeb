package mirror

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/crm"
	"github.com/leedoapp/leedo-go/leedotest"
)

var hoursLeads = flag.Int("hours.leads", 110, "how many leads TestSixHours begins with")

// changing is a fake whose records change with each request, so that lists are never
// at rest while they are read.
type changing struct {
	*leedotest.Server
	base   http.RoundTripper
	dice   *rand.Rand
	often  float64                   // changes per request
	made   int                       // records
	ids    []string                  // of records that are there
	kind   map[string]string         // id → resource
	known  map[string]map[string]any // id → the record as the last GET of it returned it
	counts map[string]int            // requests of this hour by what they are
}

func newChanging(plan leedotest.Plan, leads int, often float64) *changing {
	c := &changing{
		Server: leedotest.NewServer(leedotest.WithPlan(plan), leedotest.WithRecentRequests(0)),
		dice:   rand.New(rand.NewPCG(uint64(plan), 1)), often: often,
		kind: map[string]string{}, known: map[string]map[string]any{}, counts: map[string]int{},
	}
	c.base = c.HTTPClient().Transport
	for range leads / 20 {
		c.create("accounts")
		c.create("contacts")
		c.create("contacts")
	}
	for range 5 {
		c.create("campaigns")
	}
	for range leads {
		c.create("leads")
	}
	c.OnRequest(func(leedotest.Request) {
		for n := c.often; n > c.dice.Float64(); n-- {
			c.change()
		}
	})
	return c
}

func (c *changing) create(resource string) {
	c.made++
	name := fmt.Sprintf("%s %d", resource, c.made)
	var id string
	switch resource {
	case "leads":
		id = c.AddLead(leedo.Lead{Name: name, Email: "a@example.com", Phone: fmt.Sprintf("+1555%07d", c.made)}).ID
	case "accounts":
		id = c.AddAccount(leedo.Account{Name: name, Industry: "Retail"}).ID
	case "contacts":
		id = c.AddContact(leedo.Contact{Name: name, Role: "Buyer"}).ID
	case "campaigns":
		id = c.AddCampaign(leedo.Campaign{Name: name}).ID
	}
	c.ids = append(c.ids, id)
	c.kind[id] = resource
}

// change creates, changes or deletes a record: the lists stay about as long as they are.
func (c *changing) change() {
	i := c.dice.IntN(len(c.ids))
	id := c.ids[i]
	switch c.dice.IntN(4) {
	case 0:
		c.create(c.kind[id])
	case 1:
		c.Delete(id)
		c.ids = slices.Delete(c.ids, i, i+1)
	default:
		c.made++
		c.SetField(id, "name", fmt.Sprintf("changed %d", c.made))
		c.SetField(id, "updated_at", time.Now().Format(time.RFC3339))
		switch c.kind[id] {
		case "leads":
			c.SetField(id, "status", []string{"new", "qualified", "lost"}[c.dice.IntN(3)])
			c.SetField(id, "phone", []any{nil, fmt.Sprintf("+1666%07d", c.made)}[min(c.dice.IntN(10), 1)])
			c.SetField(id, "company", []any{nil, "", "Acme"}[c.dice.IntN(3)])
		case "campaigns":
			c.SetField(id, "leads_count", c.made)
		}
	}
}

// RoundTrip notes what the mirror is told. Nothing changes between the response and the
// return of base.
func (c *changing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.base.RoundTrip(req)
	resource, id, one := strings.Cut(strings.TrimPrefix(req.URL.Path, "/v1/"), "/")
	switch {
	case err != nil:
	case resp.StatusCode == http.StatusTooManyRequests:
		c.counts["429"]++
	case one:
		c.counts["details"]++
		if resp.StatusCode == http.StatusOK {
			c.known[id] = c.Record(id)
		}
	default:
		c.counts["lists of "+resource]++
	}
	return resp, err
}

// After six hours of changes the mirror has all that a client can know, and at no time
// was a phone lost.
func TestSixHours(t *testing.T) {
	for _, tt := range []struct {
		name  string
		plan  leedotest.Plan
		often float64
		wait  bool
	}{{"Free", leedotest.Free, 0.3, false}, {"Free, waiting", leedotest.Free, 0.3, true}, {"Pro", leedotest.Pro, 0.2, false}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { sixHours(t, newChanging(tt.plan, *hoursLeads, tt.often), tt.wait) })
		})
	}
}

func sixHours(t *testing.T, c *changing, wait bool) {
	w := newWorld(t, c.Server)
	w.opts.Client = c.Client(leedo.WithHTTPClient(&http.Client{Transport: c}))
	w.opts.Every, w.opts.Wait = time.Hour, wait
	began, passes := time.Now(), 0
	w.opts.End = func(s Summary) error {
		if passes++; !s.Recorded {
			t.Error("a pass has failed")
		}
		t.Logf("pass %d, after %v: %+v; requests: %v", passes, time.Since(began), s, c.counts)
		if n := c.counts["429"]; n > 0 {
			t.Errorf("%d times too many requests", n)
		}
		c.counts = map[string]int{}
		c.checkDetails(w)
		hours := int(time.Since(began).Hours())
		for range 100 {
			if hours < 5 { // what changes after the last list cannot be known
				c.change()
			}
		}
		if hours >= 4 {
			c.often = 0
		}
		return nil
	}
	w.opts.Failed = func(err error, next time.Time) { t.Logf("%v; next at %v", err, next.Sub(began)) }
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Hour-time.Minute)
	defer cancel()
	if err := Run(ctx, w.opts); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if passes != 6 {
		t.Errorf("%d passes", passes)
	}
	c.checkLists(w)
}

// checkDetails compares what only a GET of a record returns with the last one.
func (c *changing) checkDetails(w *world) {
	for _, t := range crm.Resources {
		columns := []string{"updated_at"}
		if t.Name == "leads" {
			columns = append(columns, "phone")
		}
		for _, row := range w.rows("SELECT id, " + strings.Join(columns, ", ") + " FROM " + t.Name) {
			compare(w, c.known[row[0]], columns, row)
		}
	}
}

// checkLists compares what lists return with the fake: it must be at rest since before
// the last list.
func (c *changing) checkLists(w *world) {
	there := map[string]bool{}
	for _, t := range crm.Resources {
		columns := slices.DeleteFunc(slices.Clone(t.Fields), func(c string) bool { return c == "id" || c == "phone" || c == "updated_at" })
		for _, row := range w.rows("SELECT id, " + strings.Join(columns, ", ") + " FROM " + t.Name + " WHERE deleted_at IS NULL AND missing = 0") {
			record := c.Record(row[0])
			if record == nil {
				w.Errorf("%s %s is not deleted in the mirror", t.Name, row[0])
				continue
			}
			there[row[0]] = true
			compare(w, record, columns, row)
		}
	}
	for _, id := range c.ids {
		if !there[id] {
			w.Errorf("%s %s is not in the mirror", c.kind[id], id)
		}
	}
	// Those that only the last list did not have are gone, too; there was no time to ask.
	for _, row := range w.rows("SELECT id FROM contacts WHERE deleted_at IS NULL AND missing = 1") {
		if c.Record(row[0]) != nil {
			w.Errorf("contact %s is missing", row[0])
		}
	}
	w.want("SELECT count(*) FROM leads WHERE deleted_at IS NULL AND missing > 0", "0")
	w.want("PRAGMA integrity_check", "ok")
}

// compare compares the columns of a row, which come after its id, with a record. A
// record that is nil has no fields.
func compare(w *world, record map[string]any, columns, row []string) {
	for i, column := range columns {
		want := null
		if value := record[column]; value != nil {
			want = fmt.Sprint(value)
		}
		if got := row[i+1]; got != want {
			w.Errorf("%s of %s is %q, want %q", column, row[0], got, want)
		}
	}
}
