package command_test

import (
	"database/sql"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/command"
	"github.com/leedoapp/leedo-go/leedotest"
	_ "modernc.org/sqlite"
)

// writeFile makes a file in a new directory and returns its path.
func writeFile(t *testing.T, name, text string) string {
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
	file := writeFile(t, "people.csv", people)
	result, failed := filepath.Join(filepath.Dir(file), "result.csv"), filepath.Join(filepath.Dir(file), "failed.csv")
	args := []string{"import", "leads", "--file", file, "--map", "Full Name=name", "--extra", "Score==score"}

	code, out, stderr := run(t, append(args, "--dry-run")...)
	if code != command.ExitFailed || !strings.Contains(out, "\n4 calls will be done at once\n") || !strings.Contains(stderr, "line 5: no name\n") ||
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
	fixed := writeFile(t, "fixed.csv", strings.Replace(read(t, failed), "\n,", "\nNora,", 1))
	args[3] = fixed
	if code, out, stderr := run(t, args...); code != 0 || out != "1 row: 1 created, 0 duplicate, 0 rejected, 0 unknown, 0 not sent\n" || len(fake.Leads()) != 4 {
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
	file := writeFile(t, "leads.csv", "name\n"+rows.String())
	args := []string{"import", "leads", "--file", file}
	if code, out, _ := run(t, append(args, "--dry-run")...); code != 0 || !strings.Contains(out, "\n31 calls will be done about ") {
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
	virtual(t, func(t *testing.T, fake *leedotest.Server) {
		fake.SetRateLimit(2, time.Hour) // the first request and the record
		fake.Inject(leedotest.Fault{Method: "POST", Status: 500, Processed: true})
		file := writeFile(t, "leads.csv", "name,email,company\nAda,ada@example.com,Acme\n")
		args := []string{"import", "leads", "--file", file}
		for _, step := range []struct {
			args []string
			want string
		}{
			{args, ", not sent, retry at 2000-01-01T01:00:01Z; 1 of 1 rows may or may not have been created: the same command looks for them\n"},
			{append(args, "--dry-run"), "leedo: 1 of 1 rows may or may not have been created: the same command looks for them\n"},
			{args, "leedo: 1 of 1 rows may or may not have been created and stay unknown: look yourself\n"},
		} {
			code, out, stderr := run(t, step.args...)
			want := "1 row: 0 created, 0 duplicate, 0 rejected, 1 unknown, 0 not sent\n"
			if len(step.args) > len(args) {
				want += "1 call will be done at once\nand one for each 100 records of the list, to look for 1 of the rows\n"
			}
			if code != command.ExitUnknown || out != want || !strings.HasSuffix(stderr, step.want) || len(fake.Leads()) != 1 {
				t.Errorf("%q: exit code %d, %q, %q", step.args, code, out, stderr)
			}
			fake.SetRateLimit(-1, 0)
			fake.SetField(fake.Leads()[0].ID, "company", "Another")
		}
	})
}

// What a dry run says is what the import then needs, on a quota of 20 calls.
func TestDryRunIsRight(t *testing.T) {
	for _, tt := range []struct {
		rows        int
		want        string
		least, most time.Duration
	}{
		{0, "no calls are needed\n", 0, 0},
		{1, "2 calls will be done at once\n", 0, 0},
		{16, "17 calls will be done at once\n", 0, time.Second},
		{17, "18 calls will be done within a quarter of an hour, with --wait: at first 2 are reserved for interactive calls\n", 0, 15 * time.Minute},
		{18, "19 calls will be done within a quarter of an hour, with --wait: at first 2 are reserved for interactive calls\n", time.Second, 15 * time.Minute},
		{19, "20 calls will be done about 01:00:01\n", time.Hour, 61 * time.Minute},
		{40, "41 calls will be done about 02:00:01\n", 2 * time.Hour, 2*time.Hour + 5*time.Minute},
	} {
		virtual(t, func(t *testing.T, fake *leedotest.Server) {
			fake.SetRateLimit(20, time.Hour)
			file := writeFile(t, "leads.csv", "name\n"+strings.Repeat("Ada\n", tt.rows))
			if code, out, stderr := run(t, "import", "leads", "--file", file, "--dry-run"); code != 0 || !strings.HasSuffix(out, " not sent\n"+tt.want) {
				t.Errorf("%d rows: exit code %d, %q, %q", tt.rows, code, out, stderr)
			}
			began := time.Now()
			code, _, stderr := run(t, "import", "leads", "--file", file, "--wait")
			if took := time.Since(began); code != 0 || took < tt.least || took > tt.most || len(fake.Leads()) != tt.rows {
				t.Errorf("%d rows: exit code %d after %v, %q", tt.rows, code, took, stderr)
			}
		})
	}
}

// A dry run says what it waits for.
func TestDryRunWaits(t *testing.T) {
	virtual(t, func(t *testing.T, fake *leedotest.Server) {
		fake.SetRateLimit(1, time.Hour)
		run(t, "quota")
		file := writeFile(t, "leads.csv", "name\nAda\n")
		code, _, stderr := run(t, "import", "leads", "--file", file, "--dry-run", "--wait")
		if code != 0 || !strings.HasPrefix(stderr, "waiting until 01:00:") || time.Now().Hour() != 1 {
			t.Errorf("exit code %d, %q", code, stderr)
		}
	})
}

// Without --wait an import ends when what is left is reserved for interactive calls.
func TestImportLeavesTheReserve(t *testing.T) {
	virtual(t, func(t *testing.T, fake *leedotest.Server) {
		fake.SetPlan(leedotest.Free)
		file := writeFile(t, "leads.csv", "name\n"+strings.Repeat("Ada\n", 95))
		result := filepath.Join(filepath.Dir(file), "result.csv")
		code, _, stderr := run(t, "import", "leads", "--file", file, "--result", result, "--concurrency", "1")
		if code != command.ExitQuota || !strings.Contains(stderr, "9 of 100 left are reserved for interactive calls") ||
			!strings.HasSuffix(stderr, "; 5 of 95 rows are not sent yet: the same command goes on\n") {
			t.Errorf("exit code %d, %q", code, stderr)
		}
		if text := read(t, result); !strings.Contains(text, ",not_sent,,the quota does not allow it now\n") {
			t.Errorf("the result is %q", text)
		}
	})
}

// A file without rows is imported at once.
func TestImportNothing(t *testing.T) {
	serve(t, leedotest.NewServer())
	file := writeFile(t, "leads.csv", "name\n")
	result := filepath.Join(filepath.Dir(file), "result.csv")
	code, out, stderr := run(t, "import", "leads", "--file", file, "--result", result)
	if code != 0 || out != "0 rows: 0 created, 0 duplicate, 0 rejected, 0 unknown, 0 not sent\n" || stderr != "" ||
		read(t, result) != "line,outcome,id,reason\n" {
		t.Errorf("exit code %d, %q, %q", code, out, stderr)
	}
}

// With --fake an import leaves nothing behind: the fake forgets the records.
func TestImportIntoTheFake(t *testing.T) {
	t.Setenv("LEEDO_API_TOKEN", "")
	for _, resource := range []string{"leads", "accounts", "contacts"} {
		file := writeFile(t, "names.csv", "name\nAda\n")
		for range 2 {
			code, out, stderr := run(t, "--fake", "import", resource, "--file", file)
			if code != 0 || !strings.HasPrefix(out, "1 row: 1 created") || files(t, file) != "names.csv" {
				t.Errorf("%s: exit code %d, %q, %q, files %s", resource, code, out, stderr, files(t, file))
			}
		}
	}
}

// Bad input to an import leaves no file behind and sends nothing.
func TestImportBadInput(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	const usage = command.ExitUsage
	t.Chdir(t.TempDir())
	socket, err := net.Listen("unix", "socket") // a longer path may be too long
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
		{"leads --file FILE --map mail=name --extra mail=x", "the column is given twice"},
		{"leads --file FILE --extra mail=x --map mail=name", "the column is given twice"},
		{"leads --file FILE --map mail=name --map b=name", "the field is given twice"},
		{"leads --file FILE --map mail=name --extra b=name", "the field is given twice"},
		{"leads --file FILE --map mail=name --extra b=\xff", "not UTF-8"},
		{"leads --file FILE --map =name", "want column=field"},
		{"leads --file FILE --map a=name", `there is no column "a"`},
		{"leads --file FILE --map mail=email", "no column goes to the field name"},
		{"leads --file FILE --extra a=b", `there is no column "a"`},
		{"leads --file FILE --concurrency some", `invalid argument "some" for "--concurrency"`},
		{"leads --file FILE --concurrency 0", "--concurrency is 0"},
		{"leads --file FILE --attempt-timeout 0s", "--attempt-timeout is 0"},
		{"leads --file FILE --concurrency -1", "the concurrency is negative"},
		{"leads --file FILE --attempt-timeout -1s", "negative"},
		{"leads --file FILE --look-after -1s", "negative"},
		{"leads --file FILE --map mail=name --journal DIR", "journal"},
		{"leads --file FILE --map mail=name --journal DIR/none/j", "journal"},
		{"leads --file FILE --map mail=name --journal TEXT", "not a journal"},
		{"leads --file FILE --map mail=name --journal FILE", "two purposes"},
		{"leads --file FILE --map mail=name --journal DIR/j --fake", "--journal is not for --fake"},
		{"leads --file FILE --map mail=name --result FILE", "two purposes"},
		{"leads --file FILE --map mail=name --result DIR/none/r", "no such file"},
		{"leads --file FILE --map mail=name --result DIR", "not a regular file"},
		{"leads --file FILE --map mail=name --failed SOCKET", "not a regular file"}, // as /dev/stdout, which a file would replace
	} {
		file := writeFile(t, "file.csv", "mail,b\na@example.com,\n")
		text := writeFile(t, "text", strings.Repeat("This is no journal. ", 100))
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
	file := writeFile(t, "file.csv", "name\nAda\n")
	journal := filepath.Join(filepath.Dir(file), "journal")
	if code, _, stderr := run(t, "import", "leads", "--file", file, "--journal", journal); code != 0 {
		t.Fatal(stderr)
	}
	other := writeFile(t, "file.csv", "name\nBob\n")
	for _, args := range [][]string{
		{"import", "accounts", "--file", file, "--journal", journal},
		{"import", "leads", "--file", other, "--journal", journal},
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

// A second process that imports the file fails, and leaves the import as it is.
func TestImportInUse(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	file := writeFile(t, "file.csv", "name\nAda\n")
	fake.OnRequest(func(r leedotest.Request) {
		if r.Method != "POST" {
			return
		}
		code, out, stderr := run(t, "import", "leads", "--file", file)
		if code != command.ExitFailed || out != "" || !strings.HasSuffix(stderr, "the journal is in use by another process\n") {
			t.Errorf("exit code %d, %q, %q", code, out, stderr)
		}
	})
	if code, _, stderr := run(t, "import", "leads", "--file", file); code != 0 || len(fake.Leads()) != 1 {
		t.Errorf("exit code %d, %q, %d leads", code, stderr, len(fake.Leads()))
	}
}

// Errors that every command has. An import that sent nothing leaves no journal.
func TestImportFailures(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	file := writeFile(t, "file.csv", "name\nAda\n")
	args := []string{"import", "leads", "--file", file}
	check := func(t *testing.T, what string, code int, want, left string) {
		t.Helper()
		if got, _, stderr := run(t, args...); got != code || !strings.Contains(stderr, want) || files(t, file) != left {
			t.Errorf("%s: exit code %d, %q, files %s; want %d, %q", what, got, stderr, files(t, file), code, want)
		}
	}
	t.Setenv("LEEDO_API_TOKEN", "")
	check(t, "without a token", command.ExitUsage, "LEEDO_API_TOKEN is empty", "file.csv")
	t.Setenv("LEEDO_API_TOKEN", "wrong")
	check(t, "with a wrong token", command.ExitFailed, "401", "file.csv")
	t.Setenv("LEEDO_API_TOKEN", fake.Token())
	fake.SetRateLimit(0, time.Hour)
	check(t, "with an exhausted quota", command.ExitQuota, "the same command goes on", "file.csv")
	fake.SetRateLimit(-1, 0)
	check(t, "with all that it needs", command.ExitOK, "1/1", "file.csv file.csv.journal")
	if leads := fake.Leads(); len(leads) != 1 || leads[0].Status != leedo.LeadStatusNew {
		t.Errorf("the leads are %v", leads)
	}
	file = writeFile(t, "file.csv", "name\nAda\n")
	args[3] = file
	t.Setenv("LEEDO_BASE_URL", "http://127.0.0.1:1/v1")
	synctest.Test(t, func(t *testing.T) { // connecting is tried again for some seconds
		check(t, "with an unreachable server", command.ExitFailed, "connection refused", "file.csv")
	})
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, filepath.Join(filepath.Dir(file), "none"))
	}
	args = append(args, "--fake")
	check(t, "without a directory for temporary files", command.ExitFailed, "no such file", "file.csv")
}

// A journal whose rows cannot be read is wrong input.
func TestImportUnreadableJournal(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	file := writeFile(t, "file.csv", "name\nAda\n")
	args := []string{"import", "leads", "--file", file}
	if code, _, stderr := run(t, args...); code != 0 {
		t.Fatal(stderr)
	}
	db, err := sql.Open("sqlite", file+".journal")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`UPDATE rows SET sent_at = 'yesterday'`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := run(t, args...)
	if code != command.ExitUsage || out != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "file.csv.journal: ") || len(fake.Leads()) != 1 {
		t.Errorf("exit code %d, %q, %q", code, out, stderr)
	}
}

// A dry run writes no files: that of --failed may be one that is being corrected.
func TestDryRunWritesNoFiles(t *testing.T) {
	fake := serve(t, leedotest.NewServer())
	file := writeFile(t, "leads.csv", "name\nAda\n")
	failed := writeFile(t, "failed.csv", "name\nBob\n")
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
