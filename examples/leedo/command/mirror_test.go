package command_test

import (
	"bytes"
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/command"
	"github.com/leedoapp/leedo-go/leedotest"
)

// mirrored returns what a query finds in a mirror, as one text.
func mirrored(t *testing.T, file, query string) (text string) {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro"}).String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestMirror(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a b#%3f?.db")
	code, out, stderr := run(t, "--fake", "mirror", "--db", file)
	if code != 0 || out != "300 leads, 300 accounts, 300 contacts, 300 campaigns: 1200 new, 0 deleted; details of 900 of 900 read\n" || !strings.Contains(stderr, " 916/916") {
		t.Errorf("exit code %d, %q, %q", code, out, stderr)
	}
	if left := files(t, file); left != filepath.Base(file) {
		t.Error("the files are", left)
	}
	if got := mirrored(t, file, "SELECT phone || updated_at FROM leads WHERE email = 'lead7@example.com'"); got != "+155500000072026-01-05T15:00:00Z" {
		t.Errorf("got %q", got)
	}
}

// Without --wait a pass takes what the quota gives; with it, it reads everything.
func TestMirrorQuota(t *testing.T) {
	virtual(t, func(t *testing.T, fake *leedotest.Server) {
		for range 15 {
			fake.AddLead(leedo.Lead{Name: "Lead", Phone: "+1"})
		}
		fake.SetRateLimit(12, time.Hour)
		file := filepath.Join(t.TempDir(), "m.db")
		code, out, _ := run(t, "mirror", "--db", file)
		if code != 0 || !strings.HasSuffix(out, " of 15 read\n") || !strings.HasPrefix(out, "15 leads, 0 accounts, 0 contacts, 0 campaigns: 15 new, 0 deleted; details of ") {
			t.Errorf("exit code %d, %q", code, out)
		}
		if code, out, stderr := run(t, "mirror", "--db", file); code != command.ExitQuota || out != "" || !strings.Contains(stderr, "nothing was recorded") {
			t.Errorf("exit code %d, %q, %q", code, out, stderr)
		}
		time.Sleep(time.Minute)
		code, out, _ = run(t, "mirror", "--db", file, "--wait")
		if code != 0 || !strings.HasSuffix(out, "details of 15 of 15 read\n") || mirrored(t, file, "SELECT count(phone) FROM leads") != "15" {
			t.Errorf("exit code %d, %q", code, out)
		}
	})
}

// With --every a failure is a line on standard error, and the end of ctx, as on Ctrl-C,
// the normal end. Without it that is a failure.
func TestMirrorEvery(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	file := filepath.Join(t.TempDir(), "m.db")
	ctx, cancel := context.WithCancel(t.Context())
	third := 0
	fake.OnRequest(func(r leedotest.Request) {
		if r.Path == "/campaigns" {
			if third++; third == 3 {
				cancel()
			}
		}
	})
	fake.Inject(leedotest.Fault{Path: "/campaigns", Status: 501}, leedotest.Fault{Path: "/campaigns", After: 1, Latency: time.Minute})
	var out, stderr bytes.Buffer
	if code := command.Run(ctx, []string{"mirror", "--db", file, "--every", "10ms"}, &out, &stderr); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkError(t, 0, stderr.String())
	const line = "0 leads, 0 accounts, 0 contacts, 0 campaigns: 0 new, 0 deleted\n"
	if out.String() != line || !strings.Contains(stderr.String(), "GET /campaigns, page 1: 501 ") || !strings.Contains(stderr.String(), "; nothing was recorded; the next pass begins at ") {
		t.Errorf("%q, %q", &out, &stderr)
	}
	stderr.Reset()
	code := command.Run(ctx, []string{"mirror", "--db", file}, &out, &stderr)
	checkError(t, code, stderr.String())
	if code != command.ExitFailed || !strings.Contains(stderr.String(), "context canceled") {
		t.Errorf("exit code %d, %q", code, &stderr)
	}
}

// Whatever is wrong, there is one line, the exit code, no request if nothing can be
// recorded, and no file that was not there before.
func TestMirrorBadInput(t *testing.T) {
	serve(t, leedotest.NewServer())
	dir := t.TempDir()
	text, other, mirror := filepath.Join(dir, "text"), filepath.Join(dir, "other.db"), filepath.Join(dir, "mirror.db")
	for _, file := range []string{text, filepath.Join(dir, "locked.lock")} {
		if err := os.WriteFile(file, []byte(strings.Repeat("no database\n", 100)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE x (y)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if code, _, stderr := run(t, "mirror", "--db", mirror); code != 0 {
		t.Fatal(stderr)
	}
	fake := serve(t, leedotest.NewServer()) // another one
	before := files(t, mirror)
	const usage, failed = command.ExitUsage, command.ExitFailed
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"", usage, `required flag(s) "db" not set (see leedo mirror --help)`},
		{"|x", usage, `unknown command "x" for "leedo mirror"`},
		{"|--db", usage, "flag needs an argument: --db"},
		{"|--db|", usage, "the mirror cannot be opened: "},
		{"|--db|" + dir, usage, "the mirror cannot be opened: " + dir + ": not a regular file"},
		{"|--db|" + dir + "/no/m.db", usage, "no such file or directory"},
		{"|--db|" + text + "/m.db", usage, "not a directory"},
		{"|--db|" + text, usage, "the mirror cannot be opened: " + text + ": file is not a database"},
		{"|--db|" + other, usage, "not a mirror"},
		{"|--db|" + dir + "/locked", usage, "/locked.lock is not the lock of a mirror"},
		{"|--db|" + mirror, usage, "the mirror of http://127.0.0.1:"},
		{"|--db|" + dir + "/m.db|--every|soon", usage, `invalid argument "soon" for "--every"`},
		{"|--db|" + dir + "/m.db|--every|-1h", usage, "--every must not be negative"},
	} {
		code, out, stderr := run(t, strings.Split("mirror"+tt.args, "|")...)
		if code != tt.code || out != "" || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q; want %d, %q", tt.args, code, stderr, tt.code, tt.want)
		}
	}
	if n := len(fake.Requests()); n > 0 || files(t, mirror) != before {
		t.Errorf("%d requests; files: %s", n, files(t, mirror))
	}

	// What fails later leaves a mirror without records.
	file := filepath.Join(dir, "m.db")
	check := func(code int, want string) {
		t.Helper()
		if got, out, stderr := run(t, "mirror", "--db", file); got != code || out != "" || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("exit code %d, %q; want %d, %q", got, stderr, code, want)
		}
		if _, err := os.Stat(file); err == nil && mirrored(t, file, "SELECT count(*) FROM leads") != "0" {
			t.Error("something was recorded")
		}
	}
	fake.AddLead(leedo.Lead{})
	fake.Inject(leedotest.Fault{Path: "/campaigns", Body: "<html>"})
	check(failed, "GET /campaigns, page 1: ")
	broken := fake.AddLead(leedo.Lead{ID: ".."})
	if code, out, stderr := run(t, "mirror", "--db", filepath.Join(dir, "broken.db")); code != failed || !strings.HasPrefix(out, "2 leads, ") ||
		!strings.Contains(stderr, "leedo: records could not be read: 1, the last: ") {
		t.Errorf("exit code %d, %q, %q", code, out, stderr)
	}
	fake.Delete(broken.ID)
	fake.SetRateLimit(0, time.Hour)
	check(command.ExitQuota, "nothing was recorded")
	fake.SetRateLimit(-1, 0)
	t.Setenv("LEEDO_API_TOKEN", "wrong")
	check(failed, "401")
	t.Setenv("LEEDO_API_TOKEN", "")
	check(usage, "LEEDO_API_TOKEN is empty")
	t.Setenv("LEEDO_API_TOKEN", "token")
	t.Setenv("LEEDO_BASE_URL", "http://127.0.0.1:1/v1")
	os.Remove(file)
	check(failed, "GET /leads, page 1: no complete response")
}

// One process at a time has the mirror, others read it.
func TestMirrorInUse(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	fake.AddLead(leedo.Lead{})
	file := filepath.Join(t.TempDir(), "m.db")
	link := file + ".link"
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	run(t, "mirror", "--db", file)
	asked := false
	fake.OnRequest(func(r leedotest.Request) {
		if asked || r.Path == "/leads" {
			return
		}
		asked = true
		for _, name := range []string{file, link} {
			if code, _, stderr := run(t, "mirror", "--db", name); code != command.ExitFailed || stderr != "leedo: the mirror is in use by another process\n" {
				t.Errorf("exit code %d, %q", code, stderr)
			}
		}
		if got := mirrored(t, file, "SELECT count(*) FROM leads"); got != "1" {
			t.Errorf("%s leads", got)
		}
	})
	if code, _, stderr := run(t, "mirror", "--db", file); code != 0 || !asked {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	if code, _, _ := run(t, "mirror", "--db", file); code != 0 {
		t.Error("it is still in use")
	}
}

func TestMirrorOutputFails(t *testing.T) {
	serve(t, leedotest.NewServer())
	for _, every := range []string{"0", "1h"} {
		var stderr bytes.Buffer
		code := command.Run(t.Context(), []string{"mirror", "--db", filepath.Join(t.TempDir(), "m.db"), "--every", every}, fullDisk{}, &stderr)
		checkError(t, code, stderr.String())
		if code != command.ExitFailed || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("exit code %d, %q", code, &stderr)
		}
	}
}
