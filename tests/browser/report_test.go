package browser_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/examples/leedo/command"
	_ "modernc.org/sqlite"
)

// hostile are names that a page must show as text.
var hostile = []string{
	`<script>document.title = "hacked"</script>`,
	`<img src="http://127.0.0.1:9/x.png">`,
	`</text></svg><h1>hacked</h1>`,
	`" onload="alert(1)`,
	`&lt;b&gt; {{.Style}} ]]>`,
	"two\nlines and a name that is far too long for the drawing: " + strings.Repeat("long", 40),
	strings.Repeat("<&\"'", 8),
	strings.Repeat("W", 60),
}

// mirror writes a mirror with some hundred records, one in ten of them deleted.
func mirror(t *testing.T, path string) *sql.DB {
	t.Helper()
	schema, err := os.ReadFile(filepath.Join("..", "..", "examples", "leedo", "report", "testdata", "mirror.sql"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	exec := func(query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(string(schema))
	exec("BEGIN")
	random := rand.New(rand.NewPCG(1, 2))
	seen := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	deleted := func(i int) any {
		if i%10 == 9 {
			return "2026-02-28T00:00:00Z"
		}
		return nil
	}
	for i := range 500 {
		status := []string{"new", "qualified", "won", "<i>lost</i>"}[min(random.IntN(4), random.IntN(4))]
		created := seen.Add(-time.Duration(random.IntN(150*24)) * time.Hour).Format(time.RFC3339)
		exec(`INSERT INTO leads (id, name, status, created_at, deleted_at, seen_at) VALUES (?, 'Ada', ?, ?, ?, ?)`,
			i, status, created, deleted(i), seen.Format(time.RFC3339))
	}
	for i := range 40 { // the hostile names have the longest bars
		name := fmt.Sprint("Name ", i)
		if i < len(hostile) {
			name = hostile[i]
		}
		exec(`INSERT INTO campaigns (id, name, leads_count, deleted_at) VALUES (?, ?, ?, ?)`, i, name, 10000/(i+3), deleted(i))
		exec(`INSERT INTO accounts (id, name, deleted_at) VALUES (?, ?, ?)`, i, name, deleted(i))
		for n := range 100 / (i + 1) {
			exec(`INSERT INTO contacts (id, account_id, deleted_at) VALUES (?, ?, ?)`, fmt.Sprint(i, "-", n), i, deleted(n))
		}
	}
	exec("COMMIT")
	return db
}

// chart is what the page shows of one subject.
type chart struct {
	Title          string
	Widths         []float64 // of the bars, from top to bottom
	Labels, Counts []string  // of the bars, as drawn
	Role, Name     string    // of the drawing, for screen readers
	Caption        string
	Scopes         string // of the head cells of the table
	Rows           []struct {
		Label string
		Count int
	}
}

const readCharts = `[...document.querySelectorAll("section")].map(s => {
	const top = e => e.getBoundingClientRect().top;
	const drawn = c => [...s.querySelectorAll("svg ." + c)].sort((a, b) => top(a) - top(b));
	return {
		Title: s.querySelector("h2").textContent,
		Widths: drawn("bar").map(e => e.getBBox().width),
		Labels: drawn("label").map(e => e.textContent),
		Counts: drawn("count").map(e => e.textContent),
		Role: s.querySelector("svg").getAttribute("role"),
		Name: s.querySelector("svg").getAttribute("aria-label"),
		Caption: s.querySelector("caption").textContent,
		Scopes: [...s.querySelectorAll("th")].map(e => e.scope).join(" "),
		Rows: [...s.querySelectorAll("tbody tr")].map(r => ({
			Label: r.querySelector("th").textContent, Count: Number(r.querySelector("td").textContent)})),
	};
})`

// subjects are the charts: how many bars they have, and what the database says about
// one bar and about all that is counted.
var subjects = []struct {
	title    string
	bars     int
	one, all string
}{
	{"Leads by status", 4,
		`SELECT count(*) FROM leads WHERE deleted_at IS NULL AND status = ?`,
		`SELECT count(*) FROM leads WHERE deleted_at IS NULL`},
	{"Leads by week", 12,
		`SELECT count(*) FROM leads WHERE deleted_at IS NULL AND date(created_at) BETWEEN ?1 AND date(?1, '+6 days')`,
		`SELECT count(*) FROM leads WHERE deleted_at IS NULL`},
	{"Campaigns by leads", 10,
		`SELECT leads_count FROM campaigns WHERE deleted_at IS NULL AND name = ?`,
		`SELECT sum(leads_count) FROM campaigns WHERE deleted_at IS NULL`},
	{"Accounts by contacts", 10,
		`SELECT count(*) FROM contacts WHERE deleted_at IS NULL AND
			account_id = (SELECT id FROM accounts WHERE deleted_at IS NULL AND name = ?)`,
		`SELECT count(*) FROM contacts WHERE deleted_at IS NULL`},
}

// The page of leedo report shows what is in the mirror, sends no request but that for
// itself, and can be read on a phone, in light and in dark colors.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	db := mirror(t, filepath.Join(dir, "crm.db"))
	var out, diagnostics bytes.Buffer
	args := []string{"report", "--db", filepath.Join(dir, "crm.db"), "--out", filepath.Join(dir, "report.html")}
	if code := command.Run(t.Context(), args, &out, &diagnostics); code != 0 {
		t.Fatalf("exit code %d: %s", code, &diagnostics)
	}
	if err := os.WriteFile(filepath.Join(dir, "requests.html"), []byte(`<title>x</title><img src="x.png">`), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	b := start(t)

	b.open(server.URL + "/report.html")
	charts := eval[[]chart](b, readCharts)
	if title := eval[string](b, "document.title"); title != "Leedo report" || len(charts) != len(subjects) {
		t.Fatalf("%q has %d charts", title, len(charts))
	}
	for i, c := range charts {
		t.Run(c.Title, func(t *testing.T) {
			s := subjects[i]
			if c.Title != s.title {
				t.Fatalf("is in the place of %s", s.title)
			}
			checkTable(t, c, s.bars, func(label string) (count int) {
				if err := db.QueryRow(s.one, label).Scan(&count); err != nil {
					t.Errorf("%q: %v", label, err)
				}
				return count
			})
			sum, all := 0, 0
			for _, row := range c.Rows {
				sum += row.Count
			}
			if err := db.QueryRow(s.all).Scan(&all); err != nil || sum != all {
				t.Errorf("the sum is %d, in the database %d: %v", sum, all, err)
			}
			checkBars(t, c, s.bars)
		})
	}

	backgrounds := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1200, 360} {
			b.show(width, scheme)
			checkReadable(t, b, fmt.Sprintf("%s, %d pixels", scheme, width), width)
		}
		backgrounds[scheme] = eval[string](b, "getComputedStyle(document.body).backgroundColor")
	}
	if backgrounds["light"] == backgrounds["dark"] {
		t.Errorf("the background is %s both in light and in dark", backgrounds["light"])
	}

	requests, problems := b.seen()
	if !slices.Equal(requests, []string{server.URL + "/report.html"}) || len(problems) > 0 {
		t.Errorf("requests %q, problems %q", requests, problems)
	}
	b.open(server.URL + "/requests.html")
	if requests, _ := b.seen(); len(requests) < 2 {
		t.Errorf("the test sees no requests of a page: %q", requests)
	}
}

// checkTable compares the table with what count finds in the database.
func checkTable(t *testing.T, c chart, bars int, count func(label string) int) {
	if len(c.Rows) < bars || c.Caption != c.Title || c.Scopes != "col col"+strings.Repeat(" row", len(c.Rows)) {
		t.Fatalf("the table is %+v", c)
	}
	for _, row := range c.Rows[:bars] {
		if n := count(row.Label); n != row.Count {
			t.Errorf("%q has %d, in the database %d", row.Label, row.Count, n)
		}
	}
}

// checkBars compares the drawing with the table.
func checkBars(t *testing.T, c chart, bars int) {
	if len(c.Widths) != bars || len(c.Labels) != bars || len(c.Counts) != bars || c.Role != "img" || !strings.Contains(c.Name, c.Title) {
		t.Fatalf("the drawing is %+v", c)
	}
	largest := 0
	for _, row := range c.Rows[:bars] {
		largest = max(largest, row.Count)
	}
	widest := slices.Max(c.Widths)
	if widest < 200 {
		t.Errorf("the widest bar is %g wide", widest)
	}
	for i, row := range c.Rows[:bars] {
		short, cut := strings.CutSuffix(c.Labels[i], "…")
		label := strings.ReplaceAll(row.Label, "\n", " ")
		if c.Counts[i] != fmt.Sprint(row.Count) || label != short && !(cut && strings.HasPrefix(label, short)) {
			t.Errorf("bar %d is %q %s, the table has %q %d", i, c.Labels[i], c.Counts[i], row.Label, row.Count)
		}
		if want := widest * float64(row.Count) / float64(largest); math.Abs(c.Widths[i]-want) > widest/500 {
			t.Errorf("the bar of %q is %g wide, want %g", row.Label, c.Widths[i], want)
		}
	}
}

// The smallest contrast of a text and of a bar to what is behind it, by WCAG.
const readContrast = `(() => {
	const parse = s => s.match(/[\d.]+/g).map(Number);
	const luminance = c => {
		const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
		return .2126 * r + .7152 * g + .0722 * b;
	};
	const behind = e => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.length === 3) return c;
		}
	};
	const contrast = (e, c) => {
		const [dark, light] = [luminance(parse(c)), luminance(behind(e))].sort((a, b) => a - b);
		return (light + .05) / (dark + .05);
	};
	const result = {Text: 99, Bar: 99, Small: 99};
	for (const e of document.body.querySelectorAll("*")) {
		const style = getComputedStyle(e), drawn = e instanceof SVGElement;
		if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
			result.Text = Math.min(result.Text, contrast(e, drawn ? style.fill : style.color));
			const scale = drawn ? e.getScreenCTM().a : 1;
			result.Small = Math.min(result.Small, parseFloat(style.fontSize) * scale);
		}
		if (e.matches(".bar")) result.Bar = Math.min(result.Bar, contrast(e, style.fill));
	}
	return result;
})()`

// checkReadable checks that the page is not wider than the window, with its tables open
// and closed, and that its texts are large and distinct enough.
func checkReadable(t *testing.T, b *browser, name string, width int64) {
	for _, open := range []bool{false, true} {
		script := fmt.Sprintf(`document.querySelectorAll("details").forEach(d => d.open = %v);
			Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll("body *")].map(e => e.getBoundingClientRect().right))`, open)
		if got := eval[float64](b, script); got > float64(width) {
			t.Errorf("%s: the page is %g wide, with open tables: %v", name, got, open)
		}
	}
	seen := eval[struct{ Text, Bar, Small float64 }](b, readContrast)
	if seen.Text < 4.5 || seen.Bar < 3 || seen.Small < 11 {
		t.Errorf("%s: contrast of texts %.2f, of bars %.2f, smallest text %.1f pixels", name, seen.Text, seen.Bar, seen.Small)
	}
	t.Logf("%s: contrast of texts at least %.1f, of bars %.1f, smallest text %.1f pixels", name, seen.Text, seen.Bar, seen.Small)
}
