package exporter_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/exporter"
	"github.com/leedoapp/leedo-go/leedotest"
)

// newFake returns a fake with n leads. Their names need quotes in CSV, and some have
// a field that the SDK does not know.
func newFake(n int) *leedotest.Server {
	var last atomic.Int64
	return fill(leedotest.NewServer(leedotest.WithRecentRequests(0), leedotest.WithIDs(func() string { return fmt.Sprintf("id-%d", last.Add(1)) })), n)
}

func fill(fake *leedotest.Server, n int) *leedotest.Server {
	for i := range n {
		lead := fake.AddLead(leedo.Lead{
			Name: fmt.Sprintf("Zoë \"%d\",\nПетрова", i), Email: fmt.Sprintf("lead%d@example.com", i), Phone: fmt.Sprintf("+1555%04d", i),
			CreatedAt: time.Date(2026, time.May, 1, 0, 0, i, 0, time.UTC), UpdatedAt: time.Date(2026, time.June, 1, 0, 0, i, 0, time.UTC),
		})
		if i%3 == 0 {
			fake.SetField(lead.ID, "score", i)
		}
	}
	return fake
}

// job is an export of the leads of a fake to a new directory.
type job struct {
	exporter.Options
	fake     *leedotest.Server
	requests atomic.Int64
	notes    []string
	seen     []exporter.Progress
}

func newJob(t *testing.T, fake *leedotest.Server, format string, opts ...leedo.Option) *job {
	j := &job{fake: fake}
	fake.OnRequest(func(leedotest.Request) { j.requests.Add(1) })
	j.Options = exporter.Options{
		Client: fake.Client(opts...), Resource: "leads", Format: format, Target: "fake", File: filepath.Join(t.TempDir(), "out"),
		Note:   func(text string) { j.notes = append(j.notes, text) },
		Report: func(p exporter.Progress) { j.seen = append(j.seen, p) },
	}
	return j
}

// run runs the export, and returns what it wrote, the number of requests and its error.
func (j *job) run(t *testing.T) (string, int, error) {
	t.Helper()
	j.notes, j.seen = nil, nil
	before := j.requests.Load()
	_, err := exporter.Run(t.Context(), j.Options)
	content, failed := os.ReadFile(j.File)
	if err == nil && failed != nil {
		t.Fatal(failed)
	}
	if err == nil && j.beside() != "out" {
		t.Errorf("beside the file are %s", j.beside())
	}
	return string(content), int(j.requests.Load() - before), err
}

// stop runs the export until a request for this path, and page of a list, fails.
func (j *job) stop(t *testing.T, path, page string) {
	t.Helper()
	j.fake.Inject(leedotest.Fault{Path: path, Status: http.StatusForbidden, When: func(r leedotest.Request) bool {
		return r.Query.Get("page") == page
	}})
	if _, _, err := j.run(t); err == nil {
		t.Fatal("the export did not stop")
	}
}

// beside returns the names of the files in the directory.
func (j *job) beside() string {
	entries, _ := os.ReadDir(filepath.Dir(j.File))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func (j *job) note() string { return strings.Join(j.notes, "; ") }

// CSV is RFC 4180 with the documented columns, JSONL is what the API sent.
func TestFormats(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, time.October, 1, 12, 0, 0, 0, time.UTC)
	next := 0
	fake := leedotest.NewServer(leedotest.WithIDs(func() string { next++; return fmt.Sprint(next) }))
	fake.AddLead(leedo.Lead{Name: "Ada", Email: "ada@example.com", Company: "A\r\nB\n\"C\", D", Phone: "+1", CreatedAt: at, UpdatedAt: at})
	fake.SetField("1", "email", nil)
	fake.SetField("1", "tags", json.RawMessage(`[1, {"a": "é"}]`))
	fake.AddAccount(leedo.Account{Name: "Acme", Industry: "=1+1", Website: "https://acme.example", CreatedAt: at, UpdatedAt: at})
	fake.SetField("2", "industry", json.RawMessage(`{"a": [1, 2]}`))
	fake.AddContact(leedo.Contact{Name: " Jane ", Email: "jane@example.com", Role: "Buyer", AccountID: "2", CreatedAt: at, UpdatedAt: at})
	fake.AddCampaign(leedo.Campaign{Name: "Q4", LeadsCount: 42, CreatedAt: at, UpdatedAt: at})
	fake.SetField("4", "leads_count", json.Number("12345678901234567890"))
	for _, tt := range []struct {
		resource, format string
		details          bool
		want             string
	}{
		{"leads", "csv", false, "id,name,email,company,phone,status,created_at,updated_at\r\n" +
			"1,Ada,,\"A\r\nB\n\"\"C\"\", D\",,new,2025-10-01T12:00:00Z,\r\n"},
		{"leads", "csv", true, "id,name,email,company,phone,status,created_at,updated_at\r\n" +
			"1,Ada,,\"A\r\nB\n\"\"C\"\", D\",+1,new,2025-10-01T12:00:00Z,2025-10-01T12:00:00Z\r\n"},
		{"leads", "jsonl", false, `{"id":"1","name":"Ada","email":null,"company":"A\r\nB\n\"C\", D","status":"new","tags":[1,{"a":"é"}],"created_at":"2025-10-01T12:00:00Z"}` + "\n"},
		{"leads", "jsonl", true, `{"id":"1","name":"Ada","email":null,"company":"A\r\nB\n\"C\", D","phone":"+1","status":"new","tags":[1,{"a":"é"}],` +
			`"created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-01T12:00:00Z"}` + "\n"},
		{"accounts", "csv", true, "id,name,industry,website,created_at,updated_at\r\n" +
			"2,Acme,\"{\"\"a\"\":[1,2]}\",https://acme.example,2025-10-01T12:00:00Z,2025-10-01T12:00:00Z\r\n"},
		{"contacts", "csv", false, "id,name,email,role,account_id,created_at,updated_at\r\n" +
			"3,\" Jane \",jane@example.com,Buyer,2,2025-10-01T12:00:00Z,\r\n"},
		{"campaigns", "csv", true, "id,name,status,leads_count,created_at,updated_at\r\n" +
			"4,Q4,active,12345678901234567890,2025-10-01T12:00:00Z,2025-10-01T12:00:00Z\r\n"},
		{"campaigns", "jsonl", false, `{"id":"4","name":"Q4","status":"active","leads_count":12345678901234567890,"created_at":"2025-10-01T12:00:00Z"}` + "\n"},
	} {
		j := newJob(t, fake, tt.format)
		j.Resource, j.Details = tt.resource, tt.details
		if got, _, err := j.run(t); err != nil || got != tt.want {
			t.Errorf("%s as %s: %v,\n%q, want\n%q", tt.resource, tt.format, err, got, tt.want)
		}
		var out bytes.Buffer
		if _, err := exporter.Write(t.Context(), &out, j.Options); err != nil || out.String() != tt.want {
			t.Errorf("Write of %s as %s: %v, %q", tt.resource, tt.format, err, &out)
		}
	}
	for format, want := range map[string]string{"csv": "id,name,industry,website,created_at,updated_at\r\n", "jsonl": ""} {
		j := newJob(t, leedotest.NewServer(), format)
		j.Resource = "accounts"
		if got, _, err := j.run(t); err != nil || got != want {
			t.Errorf("an empty list as %s: %q, %v", format, got, err)
		}
	}
}

// An export takes one request for each page, and one for each record with details.
func TestRequests(t *testing.T) {
	t.Parallel()
	j := newJob(t, newFake(250), "jsonl")
	if content, requests, err := j.run(t); err != nil || requests != 3 || strings.Count(content, "\n") != 250 {
		t.Errorf("%d requests, %d records: %v", requests, strings.Count(content, "\n"), err)
	}
	if last := j.seen[len(j.seen)-1]; last != (exporter.Progress{Records: 250, Total: 250, Done: 3, Calls: 3}) {
		t.Errorf("in the end the progress is %+v", last)
	}
	j.Details = true
	var details, before atomic.Int64
	j.fake.OnRequest(func(r leedotest.Request) {
		if r.Path != "/leads" {
			details.Add(1)
		} else if r.Query.Get("page") == "2" {
			before.Store(details.Load())
		}
	})
	content, requests, err := j.run(t)
	if before.Load() != 100 {
		t.Errorf("the second page was read after %d details", before.Load())
	}
	if err != nil || requests != 253 || strings.Count(content, `"phone":"+1555`) != 250 {
		t.Errorf("with details: %d requests, %v", requests, err)
	}
	if first, last := j.seen[0], j.seen[len(j.seen)-1]; first != (exporter.Progress{Total: 250, Done: 1, Calls: 253}) ||
		last != (exporter.Progress{Records: 250, Total: 250, Done: 253, Calls: 253}) {
		t.Errorf("with details the progress is %+v and in the end %+v", first, last)
	}
	for i, lead := range j.fake.Leads() { // in the order of the list, whatever comes first
		if line := strings.Split(content, "\n")[i]; !strings.HasPrefix(line, `{"id":"`+lead.ID+`",`) {
			t.Fatalf("record %d is %s", i, line)
		}
	}
}
