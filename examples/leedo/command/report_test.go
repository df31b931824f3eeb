package command_test

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go/examples/leedo/command"
	_ "modernc.org/sqlite" // for the mirror
)

// mirror makes a mirror at path, in which statements have been executed.
func mirror(t *testing.T, path string, statements ...string) *sql.DB {
	t.Helper()
	schema, err := os.ReadFile(filepath.Join("..", "report", "testdata", "mirror.sql"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	for _, statement := range append([]string{string(schema)}, statements...) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// Without a terminal the bars are as wide as 80 columns; labels cannot control it.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	db, page := filepath.Join(dir, "crm.db"), filepath.Join(dir, "report.html")
	t.Setenv("LEEDO_API_TOKEN", "") // it needs none
	mirror(t, db)
	if code, out, _ := run(t, "report", "--db", db, "--out", page); code != 0 || out != "The mirror has no records.\n" {
		t.Errorf("exit code %d, %q", code, out)
	}
	if html, err := os.ReadFile(page); err != nil || !bytes.Contains(html, []byte("The mirror has no records.")) {
		t.Errorf("%v: %s", err, html)
	}
	if err := os.Remove(db); err != nil {
		t.Fatal(err)
	}

	mirror(t, db, `
		INSERT INTO leads (id, name, email, phone, company, status, created_at, seen_at) VALUES
			('1', 'Secret', 'Secret', 'Secret', 'Secret', 'new', '2026-03-02T00:00:00Z', '2026-03-20T10:00:00Z'),
			('2', 'Secret', 'Secret', 'Secret', 'Secret', 'new', '2026-03-09T00:00:00Z', '2026-03-20T10:00:00Z'),
			('3', 'Secret', 'Secret', 'Secret', 'Secret', 'won', '2026-03-09T00:00:00Z', '2026-03-20T10:00:00Z')`, `
		INSERT INTO campaigns (id, name, leads_count) VALUES
			('1', char(27, 10) || '[31m', 300), ('2', '山田 花子', 1), ('3', 'None', 0), ('4', 'Rest', 0)`, `
		INSERT INTO contacts (id, name, email) VALUES ('1', 'Secret', 'Secret')`)
	code, out, _ := run(t, "--fake", "--wait", "report", "--db", db, "--out", page, "--top", "3")
	want := `The CRM as of 2026-03-20 10:00 UTC
leads 3, accounts 0, contacts 1, campaigns 4

Leads by status
  new  2  ` + strings.Repeat("█", 70) + `
  won  1  ` + strings.Repeat("█", 35) + `

Leads by week
  2026-03-02  1  ` + strings.Repeat("█", 31) + `▌
  2026-03-09  2  ` + strings.Repeat("█", 63) + `

Campaigns by leads
  \x1b\n[31m  300  ` + strings.Repeat("█", 61) + `
  山田 花子     1  ▏
  None          0
  others (1)    0

Accounts by contacts
  no account  1
`
	if code != 0 || out != want {
		t.Errorf("exit code %d, got\n%s\nwant\n%s", code, out, want)
	}
	html, err := os.ReadFile(page)
	if err != nil || !bytes.Contains(html, []byte("山田 花子")) || bytes.Contains(html, []byte("Secret")) {
		t.Errorf("%v: %s", err, html)
	}
}

// What is wrong is said in one line, and no file is written.
func TestReportErrors(t *testing.T) {
	dir := t.TempDir()
	mirror(t, filepath.Join(dir, "crm.db")).Close()
	busy := mirror(t, filepath.Join(dir, "busy.db"))
	t.Chdir(dir)
	if err := os.WriteFile("text", bytes.Repeat([]byte("text"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := busy.Exec(`PRAGMA locking_mode = EXCLUSIVE; INSERT INTO leads (id) VALUES ('1')`); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("crm.db", "link.db"); err != nil {
		t.Fatal(err)
	}
	before := names(t)
	for _, tt := range []struct {
		args, stderr string
		code         int
	}{
		{"", `leedo: required flag(s) "db" not set (see leedo report --help)`, command.ExitUsage},
		{"--db", `leedo: flag needs an argument: --db (see leedo report --help)`, command.ExitUsage},
		{"--db|crm.db|leads", `leedo: unknown command "leads" for "leedo report" (see leedo report --help)`, command.ExitUsage},
		{"--db|crm.db|--top|0", "leedo: --top 0: must be at least 1 (see leedo report --help)", command.ExitUsage},
		{"--db|crm.db|--top|x", `leedo: invalid argument "x" for "--top" flag: strconv.ParseInt: parsing "x": invalid syntax (see leedo report --help)`, command.ExitUsage},
		{"--db|none.db", "leedo: none.db: not a mirror of the CRM: no such file or directory", command.ExitUsage},
		{"--db|", "leedo: --db: want the name of a file (see leedo report --help)", command.ExitUsage},
		{"--db|none/crm.db", "leedo: none/crm.db: not a mirror of the CRM: no such file or directory", command.ExitUsage},
		{"--db|.", "leedo: .: not a mirror of the CRM: not a regular file", command.ExitUsage},
		{"--db|text", "leedo: text: not a mirror of the CRM: file is not a database (26)", command.ExitUsage},
		{"--db|te\nxt", `leedo: te\nxt: not a mirror of the CRM: no such file or directory`, command.ExitUsage},
		{"--db|busy.db", "leedo: busy.db: another process has locked the mirror", command.ExitFailed},
		{"--db|crm.db|--out|", "leedo: --out: want the name of a file (see leedo report --help)", command.ExitUsage},
		{"--db|crm.db|--out|.", "leedo: write .: is not a regular file", command.ExitUsage},
		{"--db|crm.db|--out|/dev/full", "leedo: write /dev/full: is not a regular file", command.ExitUsage},
		{"--db|crm.db|--out|none/report.html", "leedo: open none/.report.html.", command.ExitUsage},
		{"--db|crm.db|--out|crm.db", "leedo: crm.db is the mirror: the page needs another --out", command.ExitUsage},
		{"--db|link.db|--out|./crm.db", "leedo: ./crm.db is the mirror: the page needs another --out", command.ExitUsage},
		{"--db|text|--out|report.html", "leedo: text: not a mirror of the CRM: file is not a database (26)", command.ExitUsage},
	} {
		args := []string{"report"}
		if tt.args != "" {
			args = append(args, strings.Split(tt.args, "|")...)
		}
		code, stdout, stderr := run(t, args...)
		if code != tt.code || stdout != "" || !strings.HasPrefix(stderr, tt.stderr) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, %q", tt.args, code, stdout, stderr)
		}
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := command.Run(interrupted, []string{"report", "--db", "crm.db", "--out", "report.html"}, &stdout, &stderr)
	if code != command.ExitFailed || stdout.Len() > 0 || stderr.String() != "leedo: crm.db: context canceled\n" {
		t.Errorf("interrupted: exit code %d, %q, %q", code, &stdout, &stderr)
	}
	if after := names(t); after != before {
		t.Errorf("the files were %s, now they are %s", before, after)
	}
	stderr.Reset()
	if code := command.Run(t.Context(), []string{"report", "--db", "crm.db"}, brokenWriter{}, &stderr); code != command.ExitFailed {
		t.Errorf("exit code %d when it cannot print: %s", code, &stderr)
	}
	checkError(t, command.ExitFailed, stderr.String())
}

// names returns the names of the files in the directory.
func names(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*") // with those that begin with a dot
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(files, " ")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
