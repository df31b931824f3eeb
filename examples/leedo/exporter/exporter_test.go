package exporter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
		Client: fake.Client(opts...), Resource: "leads", Format: format, Server: "fake", File: filepath.Join(t.TempDir(), "out"),
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
	content, requests, err := j.run(t)
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

// Wherever the file is cut, and if zeros follow as after a power cut, an export goes on
// with it, and the file is the one of an export that was not disturbed.
func TestCut(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "jsonl"} {
		fake := newFake(110)
		whole := newJob(t, fake, format)
		want, _, err := whole.run(t)
		if err != nil {
			t.Fatal(err)
		}
		j := newJob(t, fake, format)
		j.stop(t, "/leads", "2")
		state, err := os.ReadFile(j.File + ".part.state")
		if err != nil {
			t.Fatal(err)
		}
		for end := 0; end <= len(want); end += len(want)/10 + 7 {
			for _, zeros := range []int{0, 1, 150} {
				part := want[:end] + strings.Repeat("\x00", zeros)
				if zeros == 150 {
					part += want[min(end+zeros, len(want)):] // only one block is lost
				}
				if err := errors.Join(os.WriteFile(j.File+".part", []byte(part), 0o600), os.WriteFile(j.File+".part.state", state, 0o600)); err != nil {
					t.Fatal(err)
				}
				got, requests, err := j.run(t)
				if err != nil || got != want {
					t.Fatalf("%s, cut at %d with %d zeros: %v, %s", format, end, zeros, err, j.note())
				}
				first := strings.Index(want, "id-1") // no record is complete before this
				if end > first+500 && !strings.HasPrefix(j.note(), "going on after ") || requests > 3 {
					t.Fatalf("%s, cut at %d with %d zeros: %d requests, %s", format, end, zeros, requests, j.note())
				}
			}
		}
	}
}

// An export goes on with the last page begun, and details that were read are not
// read again.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	fake := newFake(250)
	j := newJob(t, fake, "csv")
	want, _, _ := newJob(t, fake, "csv").run(t)
	j.stop(t, "/leads", "3")
	if j.beside() != "out.part out.part.state" {
		t.Errorf("the files are %s", j.beside())
	}
	got, requests, err := j.run(t)
	if err != nil || got != want || requests != 3 || j.note() != "going on after 200 of 250 records" { // pages 1, 2 and 3
		t.Errorf("%v, %d requests, %s", err, requests, j.note())
	}
	if first := j.seen[0]; first != (exporter.Progress{Records: 200, Total: 250, Done: 2, Calls: 3}) {
		t.Errorf("the progress is %+v", first)
	}

	j.Details = true
	detailed, _, err := j.run(t)
	if err != nil {
		t.Fatal(err)
	}
	j.stop(t, "/leads/id-95", "") // the 156th
	got, requests, err = j.run(t)
	if err != nil || got != detailed || requests != 1+2+95 || j.note() != "going on after 155 of 250 records" {
		t.Errorf("with details: %v, %d requests, %s", err, requests, j.note())
	}
}

// An export starts again, and says so, if what was written is not the beginning of it.
func TestStartsAgain(t *testing.T) {
	t.Parallel()
	const another, changed = "out.part is of another export: starting again", "the list has changed since: starting again"
	for name, tt := range map[string]struct {
		change func(*job)
		note   string
	}{
		"resource":      {func(j *job) { j.Resource = "accounts" }, another},
		"format":        {func(j *job) { j.Format = "jsonl" }, another},
		"server":        {func(j *job) { j.Server = "another" }, another},
		"details":       {func(j *job) { j.Details = true }, another},
		"a new lead":    {func(j *job) { j.fake.AddLead(leedo.Lead{Name: "New"}) }, changed},
		"a lead less":   {func(j *job) { j.fake.Delete("id-1") }, changed},
		"another first": {func(j *job) { j.fake.Delete("id-230"); j.fake.AddLead(leedo.Lead{Name: "New"}) }, changed},
		"a field":       {func(j *job) { j.fake.SetField("id-230", "company", "Acme") }, changed},
		"moved":         {move, changed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, newFake(230), "csv")
			for range 150 {
				j.fake.AddAccount(leedo.Account{Name: "Acme"})
			}
			j.stop(t, "/leads", "3")
			tt.change(j)
			got, _, err := j.run(t)
			fresh := newJob(t, j.fake, j.Format)
			fresh.Resource, fresh.Details = j.Resource, j.Details
			want, _, _ := fresh.run(t)
			if err != nil || got != want || !strings.HasSuffix(j.note(), tt.note) {
				t.Errorf("%v, %s; equal: %v", err, j.note(), got == want)
			}
		})
	}
}

// move puts other leads on the last page begun. First page and total stay as they are.
func move(j *job) {
	for _, lead := range j.fake.Leads()[100:200] {
		j.fake.SetField(lead.ID, "id", "another-"+lead.ID)
	}
}

// A record that is deleted before its details are read is written as the list had it.
func TestGone(t *testing.T) {
	t.Parallel()
	fake := newFake(5)
	j := newJob(t, fake, "jsonl")
	j.Details = true
	fake.Inject(leedotest.Fault{Path: "/leads/id-3", Status: http.StatusNotFound})
	progress, err := exporter.Run(t.Context(), j.Options)
	content, _ := os.ReadFile(j.File)
	lines := strings.Split(string(content), "\n")
	if err != nil || progress.Gone != 1 || len(lines) != 6 || !strings.Contains(lines[2], `"id-3"`) || strings.Contains(lines[2], "phone") || !strings.Contains(lines[3], "phone") {
		t.Errorf("%v, %+v, %q", err, progress, lines)
	}
}

// The details of another record are an error.
func TestAnotherRecord(t *testing.T) {
	t.Parallel()
	fake := newFake(5)
	j := newJob(t, fake, "jsonl")
	j.Details = true
	fake.Inject(leedotest.Fault{Path: "/leads/id-3", Status: http.StatusOK, Body: `{"id":"id-2","name":"Zoë"}`})
	if _, _, err := j.run(t); err == nil || err.Error() != "GET /leads/{id}: the response is another record" {
		t.Errorf("%v", err)
	}
}

// While one export writes to a file, a second one to it fails.
func TestInUse(t *testing.T) {
	t.Parallel()
	j := newJob(t, newFake(250), "csv")
	var second error
	j.Report = func(exporter.Progress) {
		if second == nil {
			_, second = exporter.Run(t.Context(), j.Options)
		}
	}
	if content, _, err := j.run(t); err != nil || strings.Count(content, "@") != 250 || !errors.Is(second, exporter.ErrInUse) {
		t.Errorf("the first: %v; the second: %v", err, second)
	}
}

// A context that ends is the error, and what has been written stays.
func TestCanceled(t *testing.T) {
	t.Parallel()
	for _, details := range []bool{false, true} {
		j := newJob(t, newFake(120), "csv")
		j.Details = details
		want, _, _ := j.run(t)
		ctx, cancel := context.WithCancel(t.Context())
		if !details { // nor is the second page read ahead before cancel
			j.fake.Inject(leedotest.Fault{When: func(r leedotest.Request) bool { return r.Query.Get("page") == "2" }, Latency: time.Minute})
		}
		report := j.Report
		j.Report = func(p exporter.Progress) {
			if p.Records >= 100 {
				cancel()
			}
		}
		if progress, err := exporter.Run(ctx, j.Options); !errors.Is(err, context.Canceled) || progress.Records < 100 || progress.Records > 119 {
			t.Errorf("%v after %d records", err, progress.Records)
		}
		j.Report = report
		if got, _, err := j.run(t); err != nil || got != want || !strings.HasPrefix(j.note(), "going on after ") {
			t.Errorf("%v, %s", err, j.note())
		}
	}
}

// Options and files that are not right are ErrInput, send nothing and leave no file.
func TestErrors(t *testing.T) {
	t.Parallel()
	write := func(path, text string, mode os.FileMode) {
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Error(err)
		}
	}
	for _, tt := range []struct {
		want   string
		change func(*job)
		left   string
	}{
		{`there is no resource "deals"`, func(j *job) { j.Resource = "deals" }, ""},
		{`csv or jsonl, not "xml"`, func(j *job) { j.Format = "xml" }, ""},
		{"no call to read a contact", func(j *job) { j.Resource, j.Details = "contacts", true }, ""},
		{"no such file", func(j *job) { j.File = filepath.Join(filepath.Dir(j.File), "none", "out") }, ""},
		{"is not a regular file", func(j *job) { os.Mkdir(j.File, 0o700) }, "out"},
		{"permission denied", func(j *job) { write(j.File, "", 0o400) }, "out"},
		{"out.part is not of an export", func(j *job) { write(j.File+".part", "a film", 0o600) }, "out.part"},
		{"out.part: is a directory", func(j *job) { os.Mkdir(j.File+".part", 0o700) }, "out.part"},
		{"out.part.state is not of an export", func(j *job) { write(j.File+".part.state", "{}", 0o600) }, "out.part.state"},
		{"out.part.state: is a directory", func(j *job) { os.Mkdir(j.File+".part.state", 0o700) }, "out.part.state"},
	} {
		j := newJob(t, newFake(1), "csv")
		dir := filepath.Dir(j.File)
		tt.change(j)
		_, err := exporter.Run(t.Context(), j.Options)
		j.File = filepath.Join(dir, "out")
		if !errors.Is(err, exporter.ErrInput) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") ||
			j.beside() != tt.left || j.requests.Load() > 0 {
			t.Errorf("%v, want %s; left: %s", err, tt.want, j.beside())
		}
	}
}
