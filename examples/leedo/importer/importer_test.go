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

const twoLeads = "name,email,company,phone\nAda,Ada@Example.com,Acme,1\nLi,li@example.cn,,\n"

// looks is how a reason begins for a row that stays unknown.
const looks = "the list has a record with this "

// again is how the reason ends for one that is still to be looked for.
const again = ": the same command looks for it"

func TestUnknown(t *testing.T) {
	t.Parallel()
	cut, before := leedotest.Fault{Drop: true, Processed: true}, leedotest.Fault{Drop: true}
	for name, tt := range map[string]struct {
		fault leedotest.Fault
		there leedo.Lead        // before the import
		since leedo.Lead        // created by somebody else after the request
		edit  map[string]string // of the record that the import created
		want  string            // outcome of the first row
		leads string
	}{
		"created":                  {fault: cut, want: "created", leads: "Ada Li"},
		"both created":             {fault: leedotest.Fault{Drop: true, Processed: true, Times: 2}, want: "created", leads: "Ada Li"},
		"not created":              {fault: before, want: "created", leads: "Li Ada"},
		"others are there":         {fault: before, there: leedo.Lead{Name: "Ada", Email: "ada@example.org"}, want: "created", leads: "Ada Li Ada"},
		"other case":               {fault: cut, edit: map[string]string{"email": " ADA@example.com"}, want: "created", leads: "Ada Li"},
		"edited":                   {fault: cut, edit: map[string]string{"company": "Acme Inc."}, want: "unknown " + looks + "email that differs", leads: "Ada Li"},
		"its phone edited":         {fault: cut, edit: map[string]string{"phone": "2"}, want: "unknown " + looks + "email that differs", leads: "Ada Li"},
		"there before":             {fault: before, there: leedo.Lead{Name: "Ada L.", Email: "ada@example.COM"}, want: "unknown " + looks + "email that is older", leads: "Ada L. Li"},
		"the same before":          {fault: before, there: leedo.Lead{Name: "Ada", Email: "Ada@Example.com", Company: "Acme", Phone: "1"}, want: "unknown " + looks + "email that is older", leads: "Ada Li"},
		"the same before, created": {fault: cut, there: leedo.Lead{Name: "Ada", Email: "Ada@Example.com", Company: "Acme", Phone: "1"}, want: "created", leads: "Ada Ada Li"},
		"another since":            {fault: before, since: leedo.Lead{Name: "Ada", Email: "ada@example.com", Company: "Acme", Phone: "3"}, want: "unknown " + looks + "email that differs", leads: "Ada Li"},
		"another and itself":       {fault: cut, since: leedo.Lead{Name: "Ada", Email: "ada@example.com", Company: "Acme", Phone: "3"}, want: "created", leads: "Ada Ada Li"},
	} {
		virtual(t, name, twoLeads, func(w *world) {
			if tt.there.Name != "" {
				w.server.AddLead(tt.there)
			}
			time.Sleep(time.Hour)
			w.faults(tt.fault)
			posts := 0
			w.server.OnRequest(func(r leedotest.Request) {
				for _, l := range w.server.Leads() { // the API has whole seconds
					w.server.SetField(l.ID, "created_at", l.CreatedAt.UTC().Format(time.RFC3339))
				}
				if r.Method != "POST" {
					return
				}
				if posts++; posts != 2 {
					return
				}
				for _, l := range w.server.Leads() {
					for field, value := range tt.edit {
						w.server.SetField(l.ID, field, value)
					}
				}
				if tt.since.Name != "" {
					w.server.AddLead(tt.since)
				}
			})
			want := []string{"2 " + tt.want, "3 created"}
			if err := w.run(want...); err != nil || w.summary.Open != 0 {
				w.Errorf("%v, %+v", err, w.summary)
			}
			if w.names() != tt.leads {
				w.Errorf("leads: %s, want %s", w.names(), tt.leads)
			}
			// It stays so, even when what it was taken for is gone.
			for _, l := range w.server.Leads() {
				if strings.HasPrefix(tt.want, "unknown") {
					w.server.Delete(l.ID)
				}
			}
			w.opts.Result = ""
			requests := len(w.server.Requests())
			if err := w.run(); err != nil || len(w.server.Requests()) != requests {
				w.Errorf("again: %d requests, %v", len(w.server.Requests())-requests, err)
			}
		})
	}
}

// As long as the list cannot be read, everything stays as it is.
func TestListFails(t *testing.T) {
	t.Parallel()
	virtual(t, "", twoLeads, func(w *world) {
		failing := true
		w.faults(leedotest.Fault{Drop: true, Processed: true},
			leedotest.Fault{Method: "GET", After: 1, Status: 500, Times: -1, When: func(leedotest.Request) bool { return failing }})
		err := w.run("2 unknown POST /leads: outcome unknown: no complete response: read tcp: read: connection reset by peer (1 attempt)"+again, "3 created")
		if failure, ok := errors.AsType[*leedo.ServerError](err); !ok {
			w.Error(failure, err)
		}
		if w.summary.Unknown != 1 || w.summary.Open != 1 {
			w.Errorf("%+v", w.summary)
		}
		failing = false
		if err := w.run("2 created", "3 created"); err != nil || w.summary.Open != 0 {
			w.Errorf("%v, %+v", err, w.summary)
		}
		if w.names() != "Ada Li" {
			w.Error(w.names())
		}
	})
}

func TestQuotaWithoutWait(t *testing.T) {
	t.Parallel()
	virtual(t, "", "name\na\nb\nc\nd\n", func(w *world) {
		w.server.SetRateLimit(3, time.Hour) // one for the first look
		for i, want := range [][]string{
			{"2 created", "3 created", "4 not_sent the quota does not allow it now", "5 not_sent"},
			{"2 created", "3 created", "4 created", "5 created"},
		} {
			err := w.run(want...)
			if _, ok := errors.AsType[*leedo.RateLimitError](err); ok != (i == 0) {
				w.Error(err)
			}
			time.Sleep(time.Hour)
		}
		if states := w.journal(); len(states) != 4 {
			w.Error(states)
		}
		if w.names() != "a b c d" {
			w.Error(w.names())
		}
	})
}

// With Wait an import goes on over hours. While it waits no row is being sent: a
// process that is killed then has nothing to look for.
func TestWaits(t *testing.T) {
	t.Parallel()
	var want []string
	for i := range 250 {
		want = append(want, fmt.Sprint(i+2, " created"))
	}
	virtual(t, "", numbered(250), func(w *world) {
		w.server.SetPlan(leedotest.Free)
		w.server.SetRateLimit(100, time.Hour)
		w.opts.Wait, w.opts.Concurrency = true, 4
		looked := 0
		for _, after := range []time.Duration{50 * time.Minute, 110 * time.Minute} {
			time.AfterFunc(after, func() {
				for line, state := range w.journal() {
					if state != journal.Created {
						w.Errorf("line %d is %s", line, state)
					}
					looked++
				}
			})
		}
		start := time.Now()
		if err := w.run(want...); err != nil {
			w.Error(err)
		}
		if took := time.Since(start); took < 2*time.Hour || took > 150*time.Minute || looked < 200 {
			w.Errorf("it took %s, looked at %d rows", took, looked)
		}
		for _, r := range w.server.Requests() {
			if r.Status == http.StatusTooManyRequests {
				w.Error("a 429")
			}
		}
	})
}

// A 429 is followed by a wait in which no row is being sent either.
func TestWaitsAfter429(t *testing.T) {
	t.Parallel()
	virtual(t, "", twoLeads, func(w *world) {
		w.opts.Wait = true
		w.faults(leedotest.Fault{Status: 429, Header: http.Header{"Retry-After": {"600"}}})
		time.AfterFunc(5*time.Minute, func() {
			if states := w.journal(); len(states) != 0 {
				w.Error(states)
			}
		})
		if err := w.run("2 created", "3 created"); err != nil {
			w.Error(err)
		}
	})
}

// An interrupted import lets the request in flight end, so that its outcome is
// known, and ends a wait at once.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault leedotest.Fault
		took  time.Duration
		want  string
	}{
		"in flight":   {leedotest.Fault{Latency: 5 * time.Second}, 5 * time.Second, "2 created"},
		"after a 429": {leedotest.Fault{Status: 429, Header: http.Header{"Retry-After": {"40"}}}, time.Second, "2 not_sent interrupted"},
		"no response": {leedotest.Fault{Latency: time.Hour, Processed: true, Drop: true}, 30 * time.Second, "2 unknown POST /leads: outcome unknown: no complete response: attempt timed out after 30s (1 attempt)" + again},
	} {
		virtual(t, name, twoLeads, func(w *world) {
			w.faults(tt.fault)
			ctx, cancel := context.WithCancel(w.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			err := w.runContext(ctx, tt.want, "3 not_sent")
			if took := time.Since(start); took != tt.took || !errors.Is(err, context.Canceled) {
				w.Errorf("it took %s, %v", took, err)
			}
			if err := w.run("2 created", "3 created"); err != nil || len(w.server.Leads()) != 2 {
				w.Error(w.names(), err)
			}
		})
	}
}

// What makes a start fail leaves no journal, no result, and sends no record.
func TestStartFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil func(*world)
		input bool
		want  string
	}{
		"wrong token":      {func(w *world) { w.faults(leedotest.Fault{Method: "GET", Status: 401}) }, false, "401"},
		"unreachable":      {func(w *world) { w.faults(leedotest.Fault{Method: "GET", Drop: true, Times: -1}) }, false, "GET /leads"},
		"no quota":         {func(w *world) { w.server.SetRateLimit(0, time.Hour) }, false, "rate limit"},
		"a bare client":    {func(w *world) { w.opts.Client = w.server.Client() }, true, "importer.HTTPClient"},
		"no client":        {func(w *world) { w.opts.Client = nil }, true, "no client"},
		"other resource":   {func(w *world) { w.opts.Resource = "campaigns" }, true, `"campaigns" cannot be imported`},
		"no file":          {func(w *world) { w.opts.File += "x" }, true, "no such file"},
		"wrong header":     {func(w *world) { w.write("full name\nAda\n") }, true, "no column goes to the field name"},
		"not CSV":          {func(w *world) { w.write("name\n\"Ada\n") }, true, "line 2"},
		"no directory":     {func(w *world) { w.opts.Result = filepath.Join(w.opts.File+"x", "result") }, true, "no such file"},
		"over the file":    {func(w *world) { w.opts.Failed = w.opts.File }, true, "two purposes"},
		"two in one":       {func(w *world) { w.opts.Failed = w.opts.Result }, true, "two purposes"},
		"over the journal": {func(w *world) { w.opts.Result = w.opts.File + ".journal-wal" }, true, "two purposes"},
		"other's journal":  {func(w *world) { w.opts.Journal = w.opts.File + "2"; os.Link(w.opts.File, w.opts.Journal) }, true, "two purposes"},
		"negative":         {func(w *world) { w.opts.Concurrency = -1 }, true, "negative"},
		"negative timeout": {func(w *world) { w.opts.AttemptTimeout = -1 }, true, "negative"},
	} {
		virtual(t, name, twoLeads, func(w *world) {
			tt.spoil(w)
			before, _ := os.ReadDir(filepath.Dir(w.opts.File))
			err := w.run()
			if err == nil || errors.Is(err, ErrInput) != tt.input || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				w.Errorf("%v, want %s", err, tt.want)
			}
			if after, _ := os.ReadDir(filepath.Dir(w.opts.File)); len(after) != len(before) {
				w.Errorf("left: %v", after)
			}
			if w.sent("POST") != 0 {
				w.Error("something was sent")
			}
		})
	}
}

// An import whose files cannot be written fails with one line.
func TestFilesCannotBeWritten(t *testing.T) {
	t.Parallel()
	virtual(t, "", twoLeads, func(w *world) {
		dir := w.TempDir()
		w.opts.Result, w.opts.Failed = filepath.Join(dir, "result"), filepath.Join(dir, "failed")
		w.server.OnRequest(func(leedotest.Request) { os.Remove(dir) })
		summary, err := Run(w.Context(), w.opts)
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "no such file") != 2 || summary.Created != 2 {
			w.Errorf("%+v, %v", summary, err)
		}
	})
}

func TestJournalOfAnotherImport(t *testing.T) {
	t.Parallel()
	virtual(t, "", twoLeads, func(w *world) {
		if err := w.run("2 created", "3 created"); err != nil {
			w.Fatal(err)
		}
		requests := len(w.server.Requests())
		changes := []func(*Options){
			func(o *Options) { o.Resource = "contacts" },
			func(o *Options) { o.Target = "fake" },
			func(o *Options) { o.Map = map[string]string{"company": "phone", "phone": "company"} },
			func(o *Options) { o.Extra = map[string]string{"phone": "fax"} },
			func(*Options) { w.write(twoLeads + "x,,,\n") },
		}
		for _, change := range changes {
			opts := w.opts
			change(&opts)
			if _, err := Run(w.Context(), opts); !errors.Is(err, ErrInput) || !errors.Is(err, journal.ErrOther) {
				w.Error(err)
			}
		}
		if len(w.server.Requests()) != requests {
			w.Error("something was sent")
		}
	})
}
