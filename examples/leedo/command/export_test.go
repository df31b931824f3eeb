package command_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/command"
	"github.com/leedoapp/leedo-go/leedotest"
)

// out returns the path of a file to write in a new directory.
func out(t *testing.T) string { return filepath.Join(t.TempDir(), "out") }

// Each resource of the fake can be exported, and all that it has comes.
func TestExport(t *testing.T) {
	t.Setenv("LEEDO_API_TOKEN", "")
	for resource, column := range map[string]string{"leads": "phone", "accounts": "website", "contacts": "account_id", "campaigns": "leads_count"} {
		file := out(t)
		code, stdout, stderr := run(t, "--fake", "export", resource, "--out", file, "--format", "csv")
		if code != 0 || stdout != "300 records\n" || !strings.Contains(stderr, " 3/3, ") || files(t, file) != "out" {
			t.Errorf("%s: exit code %d, %q, %q, files %s", resource, code, stdout, stderr, files(t, file))
		}
		if csv := read(t, file); strings.Count(csv, "\r\n") != 301 || !strings.HasPrefix(csv, "id,name,") || !strings.Contains(strings.SplitN(csv, "\r\n", 2)[0], ","+column+",") {
			t.Errorf("%s: %q", resource, csv[:200])
		}
		_, list, _ := run(t, "--fake", resource, "list", "--json")
		if code, jsonl, stderr := run(t, "--fake", "export", resource, "--out", "-", "--format", "jsonl"); code != 0 || jsonl != list || stderr != "" {
			t.Errorf("%s to standard output: exit code %d, %q; equal to the list: %v", resource, code, stderr, jsonl == list)
		}
		if resource == "contacts" {
			continue
		}
		code, jsonl, stderr := run(t, "--fake", "export", resource, "--out", "-", "--format", "jsonl", "--details")
		if code != 0 || strings.Count(jsonl, `"updated_at":"`) != 300 || stderr != "302 requests for 300 records with their details will be done at once\n" {
			t.Errorf("%s with details: exit code %d, %q", resource, code, stderr)
		}
	}
}

// When the quota is exhausted, an export ends with what it has, says so, and the same
// command goes on. With --wait it waits for the next window.
func TestExportQuota(t *testing.T) {
	virtual(t, func(t *testing.T, fake *leedotest.Server) {
		for range 450 {
			fake.AddLead(leedo.Lead{Name: "Lead"})
		}
		file := out(t)
		args := []string{"export", "leads", "--out", file, "--format", "csv"}
		fake.SetRateLimit(3, time.Hour)
		code, stdout, stderr := run(t, args...)
		if code != command.ExitQuota || stdout != "" || !strings.HasSuffix(stderr, " of 450 records are in "+file+".part: the same command goes on\n") || files(t, file) != "out.part out.part.state" {
			t.Errorf("exit code %d, %q, %q, files %s", code, stdout, stderr, files(t, file))
		}
		fake.SetRateLimit(0, time.Hour)
		code, _, stderr = run(t, args...)
		if code != command.ExitQuota || strings.Count(stderr, "\n") != 1 || !strings.HasSuffix(stderr, "the same command goes on\n") {
			t.Errorf("the second time: exit code %d, %q", code, stderr)
		}
		fake.SetRateLimit(-1, 0)
		fake.SetRateLimit(3, time.Minute)
		code, stdout, stderr = run(t, append(args, "--wait")...)
		if code != 0 || stdout != "450 records\n" || !strings.Contains(stderr, "going on after ") || strings.Count(read(t, file), "\r\n") != 451 || files(t, file) != "out" {
			t.Errorf("with --wait: exit code %d, %q, %q, files %s", code, stdout, stderr, files(t, file))
		}
	})
}

// An export that has to wait for its first page says so.
func TestExportWaits(t *testing.T) {
	virtual(t, func(t *testing.T, fake *leedotest.Server) {
		fake.SetRateLimit(1, time.Hour)
		run(t, "quota")
		code, _, stderr := run(t, "export", "leads", "--out", out(t), "--format", "csv", "--wait")
		if code != 0 || !strings.HasPrefix(stderr, "waiting until ") {
			t.Errorf("exit code %d, %q", code, stderr)
		}
	})
}

// The details are announced before the first of them is read, with their cost.
func TestExportDetails(t *testing.T) {
	fake := serve(t, leedotest.NewServer(leedotest.WithPlan(leedotest.Free)))
	for i := range 150 {
		fake.AddLead(leedo.Lead{Name: "Lead", Phone: fmt.Sprint("+1555", i)})
	}
	file := out(t)
	args := []string{"export", "leads", "--out", file, "--format", "jsonl", "--details"}
	code, _, stderr := run(t, args...)
	if code != command.ExitQuota || !strings.HasPrefix(stderr, "151 requests for 150 records with their details will be done about ") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	have := strings.Count(read(t, file+".part"), "\n")
	if have < 80 {
		t.Errorf("the quota of 100 gave %d records", have)
	}
	fake.SetRateLimit(-1, 0)
	fake.Inject(leedotest.Fault{Path: "/leads/" + fake.Leads()[149].ID, Status: 404})
	code, stdout, stderr := run(t, args...)
	want := fmt.Sprintf("going on after %d of 150 records\n", have)
	if code != 0 || stdout != "150 records\n" || !strings.HasPrefix(stderr, want) || strings.Count(read(t, file), `"phone":"+1555`) != 149 ||
		!strings.HasSuffix(stderr, "\nrecords deleted meanwhile: 1; they are as the list had them, without details\n") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// When the context ends, as on Ctrl-C, the export says how to go on.
func TestExportCanceled(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	for range 250 {
		fake.AddLead(leedo.Lead{Name: "Lead"})
	}
	file := out(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	fake.Inject(leedotest.Fault{When: func(r leedotest.Request) bool { return r.Query.Get("page") == "3" }, Latency: time.Minute})
	go func() {
		for {
			if content, _ := os.ReadFile(file + ".part"); bytes.Count(content, []byte("\n")) == 200 {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var stdout, stderr bytes.Buffer
	code := command.Run(ctx, []string{"export", "leads", "--out", file, "--format", "jsonl"}, &stdout, &stderr)
	checkError(t, code, stderr.String())
	if code != command.ExitFailed || !strings.Contains(stderr.String(), "context canceled") ||
		!strings.HasSuffix(stderr.String(), "; 200 of 250 records are in "+file+".part: the same command goes on\n") {
		t.Errorf("exit code %d, %q", code, &stderr)
	}
	if code, _, stderr := run(t, "export", "leads", "--out", file, "--format", "jsonl"); code != 0 || !strings.HasPrefix(stderr, "going on after 200 of 250 records\n") || files(t, file) != "out" {
		t.Errorf("the second time: exit code %d, %q", code, stderr)
	}
}

// Bad input to an export is one line and the documented exit code. It sends nothing and
// leaves the files as they are.
func TestExportBadInput(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	fake.AddLead(leedo.Lead{Name: "Ada"})
	for _, tt := range []struct{ args, want string }{
		{"", "accepts 1 arg(s), received 0"},
		{"leads", `required flag(s) "format", "out" not set`},
		{"leads --out FILE", `required flag(s) "format" not set`},
		{"leads --format csv", `required flag(s) "out" not set`},
		{"leads --format csv --out", "flag needs an argument: --out"},
		{"deals --format csv --out FILE", `invalid argument "deals" for "leedo export"`},
		{"leads accounts --format csv --out FILE", "accepts 1 arg(s), received 2"},
		{"leads --format xml --out FILE", `the format is csv or jsonl, not "xml"`},
		{"leads --format xml --out -", `the format is csv or jsonl, not "xml"`},
		{"contacts --format csv --out FILE --details", "the API has no call to read a contact by its id"},
		{"leads --format csv --out DIR", "is not a regular file"},
		{"leads --format csv --out /dev/full", "is not a regular file"},
		{"leads --format csv --out DIR/none/out", "no such file"},
		{"leads --format csv --out READONLY", "permission denied"},
		{"leads --format csv --out FILE --page 2", "unknown flag: --page"},
	} {
		file := out(t)
		dir, readonly := filepath.Dir(file), writeFile(t, "readonly", "as it was")
		if err := os.Chmod(readonly, 0o400); err != nil {
			t.Fatal(err)
		}
		args := strings.NewReplacer("FILE", file, "DIR", dir, "READONLY", readonly).Replace(tt.args)
		code, stdout, stderr := run(t, append([]string{"export"}, strings.Fields(args)...)...)
		if code != command.ExitUsage || stdout != "" || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q, %q; want %q", tt.args, code, stdout, stderr, tt.want)
		}
		if files(t, file) != "" || files(t, readonly) != "readonly" || read(t, readonly) != "as it was" {
			t.Errorf("%q: the files are %s and %s", tt.args, files(t, file), files(t, readonly))
		}
	}
	if n := len(fake.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// Errors that every command has: the file that was there stays, and nothing is beside it.
func TestExportFailures(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	fake.AddLead(leedo.Lead{Name: "Ada"})
	file := writeFile(t, "out", "as it was")
	check := func(what string, code int, want string) {
		t.Helper()
		got, stdout, stderr := run(t, "export", "leads", "--out", file, "--format", "csv")
		if got != code || stdout != "" || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 || files(t, file) != "out" || read(t, file) != "as it was" {
			t.Errorf("%s: exit code %d, %q, %q, files %s; want %d, %q", what, got, stdout, stderr, files(t, file), code, want)
		}
	}
	fake.SetRateLimit(0, time.Hour)
	check("with an exhausted quota", command.ExitQuota, "GET /leads")
	lock := flock.New(file + ".part.state")
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := run(t, "export", "leads", "--out", file, "--format", "csv")
	if code != command.ExitFailed || stderr != "leedo: another process is exporting to this file\n" {
		t.Errorf("beside another: exit code %d, %q", code, stderr)
	}
	if err := errors.Join(os.Remove(lock.Path()), lock.Unlock()); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEEDO_API_TOKEN", "")
	check("without a token", command.ExitUsage, "LEEDO_API_TOKEN is empty")
	t.Setenv("LEEDO_API_TOKEN", "wrong")
	check("with a wrong token", command.ExitFailed, "401")
	t.Setenv("LEEDO_BASE_URL", "example.com")
	check("with an invalid base URL", command.ExitUsage, "LEEDO_BASE_URL")
	t.Setenv("LEEDO_BASE_URL", "http://127.0.0.1:1/v1")
	check("with an unreachable server", command.ExitFailed, "connection refused")
}

// A full disk, here that of standard output, is an error.
func TestExportOutputFails(t *testing.T) {
	for _, format := range []string{"csv", "jsonl"} {
		var stderr bytes.Buffer
		code := command.Run(t.Context(), []string{"--fake", "export", "leads", "--out", "-", "--format", format}, fullDisk{}, &stderr)
		checkError(t, code, stderr.String())
		if code != command.ExitFailed || stderr.String() != "leedo: no space left on device\n" {
			t.Errorf("%s: exit code %d, %q", format, code, &stderr)
		}
	}
}
