package command_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/command"
	"github.com/leedoapp/leedo-go/leedotest"
)

// write makes a file in a new directory and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// files returns the names of the files beside path.
func files(t *testing.T, path string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const people = "Full Name,E-Mail,Score=,Notes\n" +
	"Ada, ada@example.com ,7,x\n" +
	"\"Björn,\nPh.D.\",bjorn@example.com,,\n" +
	",noname@example.com,,\n" +
	"Ada again,ADA@example.com,,\n" +
	"Zoë,,8,\n"

func TestImport(t *testing.T) {
	fake := serve(t, leedotest.NewServer(leedotest.WithPlan(leedotest.Free)))
	file := write(t, "people.csv", people)
	result, failed := filepath.Join(filepath.Dir(file), "result.csv"), filepath.Join(filepath.Dir(file), "failed.csv")
	args := []string{"import", "leads", "--file", file, "--map", "Full Name=name", "--extra", "Score==score"}

	code, out, stderr := run(t, append(args, "--dry-run")...)
	if code != command.ExitFailed || !strings.Contains(out, "\n3 calls will be done at once\n") || !strings.Contains(stderr, "line 5: no name\n") ||
		!strings.Contains(stderr, "column Notes is not imported") || len(fake.Leads()) != 0 || files(t, file) != "people.csv" {
		t.Errorf("the dry run: exit code %d, %q, %q, files %s", code, out, stderr, files(t, file))
	}

	args = append(args, "--result", result, "--failed", failed, "--concurrency", "1")
	for _, shown := range []string{" 5/5, ", " 5/5\n"} { // the second time there is nothing left to do
		code, out, stderr = run(t, args...)
		if code != command.ExitFailed || out != "5 rows: 3 created, 1 duplicate, 1 rejected, 0 unknown, 0 not sent\n" ||
			!strings.HasSuffix(stderr, "line 5: no name\nleedo: 1 of 5 rows were rejected\n") || !strings.Contains(stderr, shown) {
			t.Errorf("exit code %d, %q, %q", code, out, stderr)
		}
		leads := fake.Leads()
		if len(leads) != 3 || leads[2].Email != "ada@example.com" || fake.Record(leads[2].ID)["score"] != "7" {
			t.Fatalf("the leads are %+v", leads)
		}
		want := "line,outcome,id,reason\n2,created," + leads[2].ID + ",\n3,created," + leads[1].ID + ",\n5,rejected,,no name\n" +
			"6,duplicate,,the email of line 2\n7,created," + leads[0].ID + ",\n"
		if got := read(t, result); got != want {
			t.Errorf("the result is\n%swant\n%s", got, want)
		}
	}
	if got := read(t, failed); got != "Full Name,E-Mail,Score=,Notes\n,noname@example.com,,\n" {
		t.Errorf("failed: %q", got)
	}

	// What failed can be corrected and imported; a file without a fault is success.
	fixed := write(t, "fixed.csv", strings.Replace(read(t, failed), "\n,", "\nNora,", 1))
	args[3] = fixed
	if code, out, stderr := run(t, args...); code != 0 || out != "1 rows: 1 created, 0 duplicate, 0 rejected, 0 unknown, 0 not sent\n" || len(fake.Leads()) != 4 {
		t.Errorf("exit code %d, %q, %q", code, out, stderr)
	}
}

// An import without --wait ends when the quota does, and goes on with the next one.
func TestImportGoesOn(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	fake.SetRateLimit(12, time.Hour)
	var rows strings.Builder
	for i := range 30 {
		rows.WriteString("Lead " + strings.Repeat("i", i+1) + "\n")
	}
	file := write(t, "leads.csv", "name\n"+rows.String())
	args := []string{"import", "leads", "--file", file}
	if code, out, _ := run(t, append(args, "--dry-run")...); code != 0 || !strings.Contains(out, "\n30 calls will be done about ") {
		t.Errorf("the dry run: exit code %d, %q", code, out)
	}
	code, _, stderr := run(t, args...)
	if n := len(fake.Leads()); code != command.ExitQuota || n == 0 || n > 11 || !strings.HasSuffix(stderr, "of 30 rows are not sent yet: the same command goes on\n") {
		t.Errorf("exit code %d after %d leads: %q", code, n, stderr)
	}
	fake.SetRateLimit(100, time.Hour)
	code, _, stderr = run(t, args...)
	if n := len(fake.Leads()); code != 0 || n != 30 {
		t.Errorf("exit code %d after %d leads: %q", code, n, stderr)
	}
}

// A row that may have been created and cannot be told from another stays unknown.
func TestImportUnknown(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	fake.Inject(leedotest.Fault{Method: "POST", Status: 500, Processed: true})
	fake.OnRequest(func(r leedotest.Request) {
		if leads := fake.Leads(); r.Method == "GET" && len(leads) > 0 {
			fake.SetField(leads[0].ID, "company", "Another")
		}
	})
	file := write(t, "leads.csv", "name,email,company\nAda,ada@example.com,Acme\n")
	code, out, stderr := run(t, "import", "leads", "--file", file, "--attempt-timeout", "1s")
	if code != command.ExitUnknown || out != "1 rows: 0 created, 0 duplicate, 0 rejected, 1 unknown, 0 not sent\n" ||
		!strings.HasSuffix(stderr, "leedo: 1 of 1 rows may or may not have been created\n") || len(fake.Leads()) != 1 {
		t.Errorf("exit code %d, %q, %q", code, out, stderr)
	}
}

// With --fake an import leaves nothing behind: the fake forgets the records.
func TestImportIntoTheFake(t *testing.T) {
	t.Setenv("LEEDO_API_TOKEN", "")
	for _, resource := range []string{"leads", "accounts", "contacts"} {
		file := write(t, "names.csv", "name\nAda\n")
		for range 2 {
			code, out, stderr := run(t, "--fake", "import", resource, "--file", file)
			if code != 0 || !strings.HasPrefix(out, "1 rows: 1 created") || files(t, file) != "names.csv" {
				t.Errorf("%s: exit code %d, %q, %q, files %s", resource, code, out, stderr, files(t, file))
			}
		}
	}
}

// Bad input to an import leaves no file behind and sends nothing.
func TestImportBadInput(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	const usage = command.ExitUsage
	socket, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, tt := range []struct {
		args, want string
	}{
		{"", "accepts 1 arg(s), received 0"},
		{"leads", `required flag(s) "file" not set`},
		{"campaigns --file FILE", `invalid argument "campaigns" for "leedo import"`},
		{"leads --file DIR/none.csv", "no such file"},
		{"leads --file DIR", "is a directory"},
		{"leads --file FILE --map name", "want column=field"},
		{"leads --file FILE --map name=", "want column=field"},
		{"leads --file FILE --map a=name --map a=email", "the column is given twice"},
		{"leads --file FILE --map a=name", `there is no column "a"`},
		{"leads --file FILE --map mail=email", "no column goes to the field name"},
		{"leads --file FILE --extra a=b", `there is no column "a"`},
		{"leads --file FILE --concurrency some", `invalid argument "some" for "--concurrency"`},
		{"leads --file FILE --concurrency -1", "the concurrency is negative"},
		{"leads --file FILE --attempt-timeout -1s", "negative"},
		{"leads --file FILE --map mail=name --journal DIR", "journal"},
		{"leads --file FILE --map mail=name --journal DIR/none/j", "journal"},
		{"leads --file FILE --map mail=name --journal TEXT", "not a journal"},
		{"leads --file FILE --map mail=name --journal FILE", "two purposes"},
		{"leads --file FILE --map mail=name --result FILE", "two purposes"},
		{"leads --file FILE --map mail=name --result DIR/none/r", "no such file"},
		{"leads --file FILE --map mail=name --result DIR", "not a regular file"},
		{"leads --file FILE --map mail=name --failed SOCKET", "not a regular file"}, // as /dev/stdout, which a file would replace
	} {
		file := write(t, "file.csv", "mail,b\na@example.com,\n")
		text := write(t, "text", strings.Repeat("This is no journal. ", 100))
		dir := filepath.Dir(file)
		args := strings.NewReplacer("FILE", file, "DIR", dir, "TEXT", text, "SOCKET", socket.Addr().String()).Replace(tt.args)
		code, out, stderr := run(t, append([]string{"import"}, strings.Fields(args)...)...)
		if code != usage || out != "" || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q, %q; want %q", tt.args, code, out, stderr, tt.want)
		}
		if files(t, file) != "file.csv" || files(t, text) != "text" || !strings.HasPrefix(read(t, text), "This is no") {
			t.Errorf("%q: the files are %s and %s", tt.args, files(t, file), files(t, text))
		}
	}
	if n := len(fake.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// A journal belongs to one file by content, to one resource and to one server.
func TestImportJournalOfAnother(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	file := write(t, "file.csv", "name\nAda\n")
	journal := filepath.Join(filepath.Dir(file), "journal")
	if code, _, stderr := run(t, "import", "leads", "--file", file, "--journal", journal); code != 0 {
		t.Fatal(stderr)
	}
	other := write(t, "file.csv", "name\nBob\n")
	for _, args := range [][]string{
		{"import", "accounts", "--file", file, "--journal", journal},
		{"import", "leads", "--file", other, "--journal", journal},
		{"import", "leads", "--file", file, "--journal", journal, "--fake"},
	} {
		code, out, stderr := run(t, args...)
		if code != command.ExitUsage || out != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "belongs to another import") {
			t.Errorf("%q: exit code %d, %q, %q", args, code, out, stderr)
		}
	}
	if leads := fake.Leads(); len(leads) != 1 || len(fake.Accounts()) > 0 {
		t.Errorf("the leads are %v", leads)
	}
}

// Errors that every command has. An import that sent nothing leaves no journal.
func TestImportFailures(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	file := write(t, "file.csv", "name\nAda\n")
	args := []string{"import", "leads", "--file", file}
	check := func(what string, code int, want, left string) {
		t.Helper()
		if got, _, stderr := run(t, args...); got != code || !strings.Contains(stderr, want) || files(t, file) != left {
			t.Errorf("%s: exit code %d, %q, files %s; want %d, %q", what, got, stderr, files(t, file), code, want)
		}
	}
	t.Setenv("LEEDO_API_TOKEN", "")
	check("without a token", command.ExitUsage, "LEEDO_API_TOKEN is empty", "file.csv")
	t.Setenv("LEEDO_API_TOKEN", "wrong")
	check("with a wrong token", command.ExitFailed, "401", "file.csv")
	t.Setenv("LEEDO_API_TOKEN", fake.Token())
	fake.SetRateLimit(0, time.Hour)
	check("with an exhausted quota", command.ExitQuota, "the same command goes on", "file.csv")
	fake.SetRateLimit(-1, 0)
	check("with all that it needs", command.ExitOK, "1/1", "file.csv file.csv.journal")
	if leads := fake.Leads(); len(leads) != 1 || leads[0].Status != leedo.LeadStatusNew {
		t.Errorf("the leads are %v", leads)
	}
	file = write(t, "file.csv", "name\nAda\n")
	args[3] = file
	t.Setenv("LEEDO_BASE_URL", "http://127.0.0.1:1/v1")
	check("with an unreachable server", command.ExitFailed, "connection refused", "file.csv")
}

// A dry run writes no files: that of --failed may be one that is being corrected.
func TestDryRunWritesNoFiles(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	file := write(t, "leads.csv", "name\nAda\n")
	failed := write(t, "failed.csv", "name\nBob\n")
	result := filepath.Join(t.TempDir(), "result.csv")
	if code, _, stderr := run(t, "import", "leads", "--file", file, "--dry-run", "--failed", failed, "--result", result); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if content, err := os.ReadFile(failed); err != nil || string(content) != "name\nBob\n" {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := os.Stat(result); !os.IsNotExist(err) {
		t.Errorf("%s: %v", result, err)
	}
	if n := len(fake.Leads()); n != 0 {
		t.Errorf("%d leads", n)
	}
}
