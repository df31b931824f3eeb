package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/command"
	"github.com/leedoapp/leedo-go/examples/leedo/probe"
	"github.com/leedoapp/leedo-go/leedotest"
)

// report decodes the report of a probe, and checks what every report has.
func report(t *testing.T, text []byte) *probe.Report {
	t.Helper()
	var r probe.Report
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	if len(r.Findings) != len(probe.Questions()) || r.Date.IsZero() || r.BaseURL == "" || r.Requests == 0 {
		t.Errorf("the report is %+v", r)
	}
	for i, f := range r.Findings {
		if f.Question != probe.Questions()[i] || f.Result == "" || f.How == "" {
			t.Errorf("finding %d is %+v", i, f)
		}
	}
	return &r
}

func finding(r *probe.Report, question string) string {
	for _, f := range r.Findings {
		if f.Question == question {
			return f.Result
		}
	}
	return ""
}

func TestProbeFake(t *testing.T) {
	t.Setenv("LEEDO_API_TOKEN", "")
	code, out, stderr := run(t, "--fake", "probe")
	r := report(t, []byte(out))
	const server = "leedotest.NewServer(leedotest.WithPlan(leedotest.Pro))"
	if code != 0 || r.Server != server || r.Requests > probe.MaxRequests || len(r.Created) > 0 || r.BaseURL != "fake" ||
		!strings.Contains(stderr, server) || !strings.HasPrefix(stderr, "at most 40 requests, 1 % of the 5000 an hour; 4999 are left\n") {
		t.Errorf("exit code %d, %+v, %q", code, r, stderr)
	}
	for question, want := range map[string]string{"items on a page at most": "100", "404s cost quota": "yes", "Idempotency-Key": probe.Open} {
		if got := finding(r, question); got != want {
			t.Errorf("%s: %q", question, got)
		}
	}
	file := filepath.Join(t.TempDir(), "report.json")
	code, out, _ = run(t, "--fake", "probe", "--write", "--out", file)
	text, err := os.ReadFile(file)
	if code != 0 || out != "" || err != nil {
		t.Fatalf("--out: exit code %d, %q, %v", code, out, err)
	}
	if r := report(t, text); len(r.Created) != 2 || finding(r, "Idempotency-Key") != "ignored" || r.Requests > probe.MaxRequests {
		t.Errorf("--write: %+v", r)
	}
}

// Bad input is one line and the documented exit code; an existing file stays as it is.
func TestProbeBadInput(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	sealed := filepath.Join(dir, "sealed")
	if err := os.Mkdir(sealed, 0o500); err != nil {
		t.Fatal(err)
	}
	check := func(what, args string, code int, want string, requests int) {
		t.Helper()
		before := len(fake.Requests())
		got, out, stderr := run(t, strings.Split(args, "|")...)
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		if got != code || out != "" || !strings.Contains(lines[len(lines)-1], want) || requests == 0 && len(lines) != 1 {
			t.Errorf("%s, %q: exit code %d, %q, %q; want %d, %q", what, args, got, out, stderr, code, want)
		}
		if n := len(fake.Requests()) - before; n != requests {
			t.Errorf("%s, %q: %d requests", what, args, n)
		}
		if text, err := os.ReadFile(old); err != nil || string(text) != "old" {
			t.Errorf("%s, %q: the old file is %q, %v", what, args, text, err)
		}
	}
	check("usage", "probe|x", command.ExitUsage, `unknown command "x"`, 0)
	check("usage", "probe|--rows", command.ExitUsage, "unknown flag: --rows", 0)
	check("usage", "probe|--write=perhaps", command.ExitUsage, `invalid argument "perhaps"`, 0)
	check("usage", "probe|--out", command.ExitUsage, "flag needs an argument: --out", 0)
	check("a directory", "probe|--out|"+dir, command.ExitUsage, "is not a regular file", 0)
	check("a device", "probe|--out|/dev/full", command.ExitUsage, "is not a regular file", 0)
	check("no directory", "probe|--out|"+dir+"/none/report.json", command.ExitUsage, "no such file or directory", 0)
	if os.Getuid() != 0 { // root may write anywhere
		check("a read-only directory", "probe|--out|"+sealed+"/report.json", command.ExitUsage, "permission denied", 0)
	}
	check("no bound", "probe|--exhaust|--out|"+old, command.ExitFailed, "no rate limit headers", 1)

	fake.SetRateLimit(39, time.Hour)
	check("a small quota", "probe|--write|--out|"+old, command.ExitQuota, "38 of 39 requests are left, up to 39 more are needed", 1)
	fake.SetRateLimit(0, time.Hour)
	check("an exhausted quota", "probe|--out|"+old, command.ExitQuota, "429", 1)
	if _, _, stderr := run(t, "probe", "--wait"); strings.Contains(stderr, "--wait") {
		t.Errorf("a probe does not wait for the quota: %q", stderr)
	}
	fake.SetRateLimit(-1, 0)
	t.Setenv("LEEDO_API_TOKEN", "wrong")
	check("a wrong token", "probe|--out|"+old, command.ExitFailed, "401", 1)
	t.Setenv("LEEDO_API_TOKEN", "")
	check("no token", "probe|--out|"+old, command.ExitUsage, "LEEDO_API_TOKEN is empty", 0)
	t.Setenv("LEEDO_API_TOKEN", "token")
	t.Setenv("LEEDO_BASE_URL", "example.com")
	check("an invalid base URL", "probe|--out|"+old, command.ExitUsage, "LEEDO_BASE_URL", 0)
	t.Setenv("LEEDO_BASE_URL", "http://127.0.0.1:1/v1")
	check("an unreachable server", "probe|--out|"+old, command.ExitFailed, "no complete response", 0)
}

// A lead that may have been created is exit code 4, and what is known is reported.
func TestProbeUnknownOutcome(t *testing.T) {
	for _, after := range []int{0, 1} {
		fake := serve(t, leedotest.NewServer())
		fake.Inject(leedotest.Fault{Method: "POST", After: after, Status: 500, Processed: true})
		code, out, stderr := run(t, "probe", "--write")
		r := report(t, []byte(out))
		leads := fake.Leads()
		if code != command.ExitUnknown || len(leads) != after+1 || len(r.Created) != after || !strings.HasPrefix(leads[0].Name, "leedo probe 2") ||
			!strings.Contains(stderr, leads[0].Name) || finding(r, "Idempotency-Key") != probe.Open {
			t.Errorf("exit code %d, %d leads, %q, %+v", code, len(leads), stderr, r)
		}
		if after == 1 && !strings.Contains(stderr, "created the lead "+leads[1].ID+"\n") {
			t.Errorf("no id in %q", stderr)
		}
	}
}

// A lead whose id was lost with the response is named.
func TestProbeUnknownID(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	fake.Inject(leedotest.Fault{Method: "POST", Truncate: 5})
	code, _, stderr := run(t, "probe", "--write")
	if leads := fake.Leads(); code != 0 || len(leads) != 1 || !strings.Contains(stderr, `created a lead named "`+leads[0].Name+`"; the response does not say its id`) {
		t.Errorf("exit code %d, %d leads, %q", code, len(leads), stderr)
	}
}

// An interrupt leaves no file, and the ids of leads are printed by then.
func TestProbeCanceled(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	ctx, cancel := context.WithCancel(t.Context())
	fake.Inject(leedotest.Fault{Method: "PATCH", Latency: time.Minute})
	fake.OnRequest(func(r leedotest.Request) {
		if r.Method == "PATCH" {
			cancel()
		}
	})
	dir := t.TempDir()
	var out, stderr bytes.Buffer
	code := command.Run(ctx, []string{"probe", "--write", "--out", filepath.Join(dir, "report.json")}, &out, &stderr)
	checkError(t, code, stderr.String())
	files, err := os.ReadDir(dir)
	if code != command.ExitFailed || len(files) > 0 || err != nil || !strings.Contains(stderr.String(), "context canceled") {
		t.Errorf("exit code %d, %v, %v, %q", code, files, err, &stderr)
	}
	for _, lead := range fake.Leads() {
		if !strings.Contains(stderr.String(), lead.ID) {
			t.Errorf("no %s in %q", lead.ID, &stderr)
		}
	}
}

func TestProbeOutputFails(t *testing.T) {
	var stderr bytes.Buffer
	code := command.Run(t.Context(), []string{"--fake", "probe"}, fullDisk{}, &stderr)
	checkError(t, code, stderr.String())
	if code != command.ExitFailed || !strings.Contains(stderr.String(), "no space left on device") {
		t.Errorf("exit code %d, %q", code, &stderr)
	}
}

// What the server sends cannot control the terminal.
func TestProbeIsPrintable(t *testing.T) {
	id := ""
	serve(t, leedotest.NewServer(leedotest.WithIDs(func() string { id += "\x1b"; return id })))
	code, _, stderr := run(t, "probe", "--write")
	if code != 0 || strings.Contains(stderr, "\x1b") || !strings.Contains(stderr, "created the lead \\x1b\n") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

// No value of a record is printed.
func TestProbePrintsNoRecords(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	for range 30 {
		fake.AddLead(leedo.Lead{Name: "Secret", Email: "secret@example.com", Phone: "+1secret", Company: "Secret Inc."})
	}
	if _, out, stderr := run(t, "probe"); strings.Contains(strings.ToLower(out+stderr), "secret") {
		t.Errorf("%s%s", out, stderr)
	}
}

// Redirects, and requests that net/http repeats on its own, are no way around the
// maximum.
func TestProbeMaximum(t *testing.T) {
	fake := leedotest.NewServer(leedotest.WithPlan(leedotest.Pro))
	for range 130 {
		fake.AddLead(leedo.Lead{Name: "Lead"})
	}
	for name, odd := range map[string]func(w http.ResponseWriter, r *http.Request, n int) bool{
		"redirects": func(w http.ResponseWriter, r *http.Request, n int) bool {
			switch {
			case n > 35:
				http.Redirect(w, r, fmt.Sprintf("/v1/leads?n=%d", n), http.StatusFound)
			case n > 5 && n%2 == 0: // so that so many are made
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return n > 35 || n > 5 && n%2 == 0
		},
		"cut connections": func(w http.ResponseWriter, _ *http.Request, n int) bool {
			if n%2 == 0 {
				conn, _, _ := w.(http.Hijacker).Hijack()
				conn.Close()
			}
			return n%2 == 0
		},
	} {
		var requests atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n := requests.Add(1); n == 1 || !odd(w, r, int(n)) {
				fake.ServeHTTP(w, r)
			}
		}))
		t.Setenv("LEEDO_BASE_URL", server.URL+"/v1")
		t.Setenv("LEEDO_API_TOKEN", fake.Token())
		code, out, stderr := run(t, "probe")
		server.Close()
		if code != 0 {
			t.Fatalf("%s: exit code %d, %q", name, code, stderr)
		}
		if r, n := report(t, []byte(out)), int(requests.Load()); r.Requests != n || n < 36 || n > probe.MaxRequests {
			t.Errorf("%s: %d requests, not %d", name, n, r.Requests)
		}
	}
}
