package exporter_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/exporter"
)

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
		n := len(want)
		for _, end := range []int{0, n / 9, n / 5, n / 3, n / 2, n * 2 / 3, n * 4 / 5, n - 3, n - 2, n - 1, n} {
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

// A record that is on the first page twice is written once, and an export goes on after
// it all the same.
func TestTwice(t *testing.T) {
	t.Parallel()
	fake := newFake(150)
	fake.SetField("id-149", "id", "id-150")
	j := newJob(t, fake, "jsonl")
	j.stop(t, "/leads", "2")
	content, requests, err := j.run(t)
	if err != nil || strings.Count(content, "\n") != 149 || j.note() != "going on after 99 of 150 records" {
		t.Errorf("%v, %d records, %d requests, %s", err, strings.Count(content, "\n"), requests, j.note())
	}
}

// A power cut may leave zeros in the place of the state. No record was written before
// the state was on the disk, so the export starts.
func TestStateOfZeros(t *testing.T) {
	t.Parallel()
	j := newJob(t, newFake(1), "csv")
	if err := errors.Join(os.WriteFile(j.File+".part", nil, 0o600), os.WriteFile(j.File+".part.state", make([]byte, 190), 0o600)); err != nil {
		t.Fatal(err)
	}
	if got, _, err := j.run(t); err != nil || strings.Count(got, "@") != 1 {
		t.Errorf("%v, %q", err, got)
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
		"target":        {func(j *job) { j.Target = "another" }, another},
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
