package exporter_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/examples/leedo/exporter"
	"github.com/leedoapp/leedo-go/leedotest"
)

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

// Exports to one file that begin and end at the same time do not get in each other's way.
func TestInUseAtTheEnd(t *testing.T) {
	t.Parallel()
	j := newJob(t, newFake(1), "csv")
	j.Note, j.Report = nil, nil
	var exports sync.WaitGroup
	for range 3 {
		exports.Go(func() {
			for range 60 {
				if _, err := exporter.Run(t.Context(), j.Options); err != nil && !errors.Is(err, exporter.ErrInUse) {
					t.Error(err)
				}
			}
		})
	}
	exports.Wait()
	if _, _, err := j.run(t); err != nil { // looks at what is beside the file, too
		t.Error(err)
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
		{"the file has no name", func(j *job) { j.File = "" }, ""},
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
