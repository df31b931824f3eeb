package report_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/examples/leedo/report"
)

// mirror makes a mirror at path, in which statements have been executed.
func mirror(t *testing.T, path string, statements ...string) *sql.DB {
	t.Helper()
	schema, err := os.ReadFile(filepath.Join("testdata", "mirror.sql"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	for _, statement := range append([]string{"PRAGMA journal_mode = WAL", string(schema)}, statements...) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "what is this?.db") // a ? begins the query of a URL
	db := mirror(t, path, `
		INSERT INTO leads (id, name, email, status, created_at, deleted_at, seen_at) VALUES
			('1', 'Ada', 'ada@example.com', 'new', '2026-03-02T00:00:00Z', NULL, '2026-03-20T10:00:00Z'), -- a Monday
			('2', 'Ada', 'ada@example.com', 'new', '2026-03-02T00:30:00+01:00', NULL, '2026-03-20T10:00:00Z'), -- still Sunday
			('3', NULL, NULL, 'won', '2026-03-15T23:59:59.5Z', NULL, '2026-03-20T10:00:00Z'), -- a Sunday
			('4', NULL, NULL, 'lost', '2025-12-21T23:59:59Z', NULL, '2026-03-20T10:00:00Z'), -- 12 weeks before
			('5', NULL, NULL, 'lost', '2025-12-22T00:00:00Z', NULL, '2026-03-20T10:00:00Z'),
			('6', NULL, NULL, 'lost', '2999-01-01T00:00:00Z', NULL, '2026-03-20T10:00:00Z'),
			('7', NULL, NULL, '', NULL, NULL, '2026-03-20T10:00:00Z'),
			('8', NULL, NULL, NULL, 'yesterday', NULL, '2026-03-20T10:00:00Z'),
			('9', NULL, NULL, 'new', '2026-03-02T00:00:00Z', '2026-03-19T10:00:00Z', '2026-03-18T10:00:00Z')`, `
		INSERT INTO accounts (id, name, deleted_at, seen_at) VALUES
			('1', 'Acme', NULL, '2026-03-20T10:00:01Z'), ('2', 'Globex', NULL, ''), ('3', 'Acme', NULL, NULL),
			('4', 'Gone', '2026-03-19T10:00:00Z', NULL), ('5', NULL, NULL, NULL)`, `
		INSERT INTO contacts (id, name, account_id, deleted_at) VALUES
			('1', 'Bob', '2', NULL), ('2', 'Bob', '2', NULL), ('3', 'Bob', '3', NULL), ('4', 'Bob', '4', NULL),
			('5', 'Bob', 'none', NULL), ('6', 'Bob', NULL, NULL), ('7', 'Bob', '2', '2026-03-19T10:00:00Z'), ('8', 'Bob', '5', NULL)`, `
		INSERT INTO campaigns (id, name, leads_count, deleted_at) VALUES
			('1', 'Spring', 7, NULL), ('2', 'Autumn', 9, NULL), ('3', 'Gone', 99, '2026-03-19T10:00:00Z'),
			('4', 'Winter', NULL, NULL), ('5', 'Wrong', -5, NULL), ('6', 'Text', 'many', NULL)`)
	want := &report.Report{
		MirroredAt: time.Date(2026, time.March, 20, 10, 0, 1, 0, time.UTC),
		Records:    []report.Figure{{"leads", 8}, {"accounts", 4}, {"contacts", 7}, {"campaigns", 5}},
		Charts: []report.Chart{
			{"Leads by status", "Status", "Leads",
				[]report.Figure{{"lost", 3}, {"(no status)", 2}, {"new", 2}}, []report.Figure{{"others (1)", 1}}},
			{"Leads by week", "Week from", "Leads", []report.Figure{
				{"2025-12-22", 1}, {"2025-12-29", 0}, {"2026-01-05", 0}, {"2026-01-12", 0}, {"2026-01-19", 0}, {"2026-01-26", 0},
				{"2026-02-02", 0}, {"2026-02-09", 0}, {"2026-02-16", 0}, {"2026-02-23", 1}, {"2026-03-02", 1}, {"2026-03-09", 1},
			}, []report.Figure{{"earlier", 1}, {"later", 1}, {"no date", 2}}},
			{"Campaigns by leads", "Campaign", "Leads",
				[]report.Figure{{"Autumn", 9}, {"Spring", 7}, {"Text", 0}}, []report.Figure{{"others (2)", 0}}},
			{"Accounts by contacts", "Account", "Contacts",
				[]report.Figure{{"Globex", 2}, {"(no name)", 1}, {"Acme", 1}}, []report.Figure{{"others (1)", 0}, {"no account", 3}}},
		},
	}
	// The records are in the write-ahead log yet, as after a crash of who wrote them.
	before := content(t, path)
	if got, err := report.Read(t.Context(), path, 3); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, %v, want\n%+v", got, err, want)
	}
	if content(t, path) != before {
		t.Error("the mirror has been changed")
	}

	all, err := report.Read(t.Context(), path, 5)
	if err != nil || len(all.Charts[2].Bars) != 5 || all.Charts[2].Rest != nil {
		t.Errorf("%+v, %v", all.Charts[2], err)
	}
	if _, err := db.Exec(`DELETE FROM leads WHERE id NOT IN ('6', '7')`); err != nil {
		t.Fatal(err)
	}
	later, err := report.Read(t.Context(), path, 5)
	if err != nil || later.Charts[1].Bars != nil || !reflect.DeepEqual(later.Charts[1].Rest, []report.Figure{{"later", 1}, {"no date", 1}}) {
		t.Errorf("%+v, %v", later.Charts[1], err)
	}
}

// Labels and sums of any size have bounds.
func TestBounds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "crm.db")
	mirror(t, path, fmt.Sprintf(`
		INSERT INTO campaigns (id, name, leads_count) VALUES
			('1', '%s', 9223372036854775807), ('2', '%s', 1e300), ('3', 'x', 9223372036854775807), ('4', 'y', 9223372036854775807)`,
		strings.Repeat("é", 1_000_000), "a\u0316\u0301e"+strings.Repeat("\u0301", 5000)+"x"))
	r, err := report.Read(t.Context(), path, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := report.Chart{"Campaigns by leads", "Campaign", "Leads",
		[]report.Figure{{"a\u0316\u0301e\u0301\u0301\u0301\u0301x", math.MaxInt}, {"x", math.MaxInt}}, []report.Figure{{"others (2)", math.MaxInt}}}
	if !reflect.DeepEqual(r.Charts[2], want) {
		t.Errorf("%+v", r.Charts[2])
	}
	r, err = report.Read(t.Context(), path, 4)
	if want := strings.Repeat("é", 1000) + "…"; err != nil || r.Charts[2].Bars[3].Label != want {
		t.Errorf("%v, a label of %d bytes", err, len(r.Charts[2].Bars[3].Label))
	}
	write(t, r)
}

// content returns what is in the file of a mirror and its write-ahead log.
func content(t *testing.T, path string) string {
	t.Helper()
	db, err := os.ReadFile(path)
	log, err2 := os.ReadFile(path + "-wal")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return string(db) + string(log)
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(in("text"), []byte("no database, but more than a hundred bytes of text"+strings.Repeat(".", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("empty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mirror(t, in("no column"), `ALTER TABLE accounts RENAME COLUMN seen_at TO seen`).Close()
	mirror(t, in("no table"), `DROP TABLE contacts`).Close()
	busy := mirror(t, in("busy"))
	if _, err := busy.Exec(`PRAGMA locking_mode = EXCLUSIVE; INSERT INTO leads (id) VALUES ('1')`); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"none": report.ErrNoMirror, "": report.ErrNoMirror, "text/x": report.ErrNoMirror, "text": report.ErrNoMirror, "empty": report.ErrNoMirror,
		"no column": report.ErrNoMirror, "no table": report.ErrNoMirror, "busy": report.ErrLocked,
	} {
		r, err := report.Read(t.Context(), in(name), 3)
		if r != nil || !errors.Is(err, want) || !strings.HasPrefix(err.Error(), in(name)+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, %v", name, r, err)
		}
	}
	if _, err := report.Read(t.Context(), os.DevNull, 3); !errors.Is(err, report.ErrNoMirror) {
		t.Error(err)
	}
	if _, err := os.Stat(in("none")); err == nil {
		t.Error("the file is there now")
	}
}

// A page shows names as text, and has one style sheet, the one that its policy allows.
// What a browser makes of it is tested in tests/browser.
func TestWriteHTML(t *testing.T) {
	t.Parallel()
	hostile := `<script>"x"</script></text></svg>&lt; style="fill:#000001"`
	figures := []report.Figure{{hostile, 3}, {"two\nlines", 1}, {"\u202enone", 0}}
	r := &report.Report{
		MirroredAt: time.Date(2026, time.March, 20, 10, 0, 1, 0, time.UTC),
		Records:    []report.Figure{{"leads", 8}},
		Charts: []report.Chart{
			{"Title", "Item", "Unit", figures, []report.Figure{{hostile, 12}}},
			{"Zeros", "Item", "Unit", figures[2:], nil},
			{"Only a rest", "Item", "Unit", nil, figures[:1]},
			{"Empty", "Item", "Unit", nil, nil},
		},
	}
	page := write(t, r)
	if n := strings.Count(page, "<svg role=\"img\" aria-label="); n != 2 || strings.Count(page, "</svg>") != 2 || strings.Count(page, "<table>") != 3 {
		t.Errorf("%d drawings", n)
	}
	for _, bad := range []string{"<script", "style=", "<svg width", "<?xml", "NaN", "Inf", "ZgotmplZ", "http:", "https:", "src=", "href="} {
		text := strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, "")
		text = strings.ReplaceAll(text, `xmlns:xlink="http://www.w3.org/1999/xlink"`, "")
		text = strings.ReplaceAll(text, "style=&#34;", "")
		if strings.Contains(text, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, want := range []string{"20 March 2026, 10:00 UTC", "<b>8</b> leads", "Nothing to count", `class="bar"`, `class="label"`, `class="count"`, "> none</text>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	sum := sha256.Sum256([]byte(style[1]))
	if policy := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(html.UnescapeString(page), policy) {
		t.Errorf("the page does not allow its style: %s", policy)
	}

	if empty := write(t, &report.Report{}); !strings.Contains(empty, "The mirror has no records.") {
		t.Error(empty)
	}
	if err := r.WriteHTML(full{}); !errors.Is(err, errFull) {
		t.Error(err)
	}
}

func write(t *testing.T, r *report.Report) string {
	t.Helper()
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestShorten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "abcde": "abcde", "abcdef": "abcd…", "日本": "日本", "日本語": "日本…", "a日本語": "a日…",
		"e\u0301e\u0301e\u0301e\u0301e\u0301": "e\u0301e\u0301e\u0301e\u0301e\u0301", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦": "👩‍👩‍👧‍👦👩‍👩‍👧‍👦…",
	} {
		if got := report.Shorten(text, 5); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := fmt.Sprint(report.Shorten("abc", 1), report.Shorten("abc", 0)); got != "……" {
		t.Error(got)
	}
}
