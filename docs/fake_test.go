package docs_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/token"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// fake sends requests to a server without options, or with those of a test.
type fake struct {
	*leedotest.Server
	t *testing.T
}

func newFake(t *testing.T, opts ...leedotest.ServerOption) fake {
	return fake{leedotest.NewServer(opts...), t}
}

// send returns the response to a request, and its body as text and as an object.
// Headers are pairs of name and value.
func (f fake) send(method, path, body string, headers ...string) (resp *http.Response, text string, object map[string]any) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, "https://api.leedo.app/v1"+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.Token())
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err = f.HTTPClient().Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &object); err != nil {
		f.t.Fatal(err)
	}
	return resp, string(data), object
}

func (f fake) status(method, path, body string, headers ...string) string {
	f.t.Helper()
	resp, _, _ := f.send(method, path, body, headers...)
	return fmt.Sprint(resp.StatusCode)
}

// names returns the names of the leads in a list, and its meta.
func (f fake) names(query string) (string, map[string]any) {
	f.t.Helper()
	_, _, page := f.send("GET", "/leads"+query, "")
	var names []string
	for _, item := range page["data"].([]any) {
		names = append(names, item.(map[string]any)["name"].(string))
	}
	return strings.Join(names, " "), page["meta"].(map[string]any)
}

// withLeads adds leads named 1, 2, … with these numbers as ids.
func (f fake) withLeads(n int) fake {
	for i := range n {
		id := fmt.Sprint(i + 1)
		f.AddLead(leedo.Lead{ID: id, Name: id, Email: id + "@example.com", Phone: "+" + id})
	}
	return f
}

// field returns a field of the lead that a POST or PATCH returns, as JSON.
func (f fake) field(name, method, path, body string) string {
	f.t.Helper()
	_, text, lead := f.send(method, path, body)
	value, ok := lead[name]
	if !ok {
		f.t.Fatalf("%s has no %s", text, name)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(encoded)
}

// left returns X-RateLimit-Remaining after requests.
func (f fake) left() string {
	f.t.Helper()
	resp, _, _ := f.send("GET", "/none", "", "Authorization", "Bearer wrong") // costs nothing
	return resp.Header.Get("X-RateLimit-Remaining")
}

// when returns text if ok, otherwise something that no row has.
func when(ok bool, text string) string {
	if ok {
		return text
	}
	return "something else"
}

const fullLead = `{"name":"A","email":"B","phone":"C"}`

// measured returns what stands in the second column of docs/fake.md for each behaviour,
// in the order of the table, as a server without options does it.
var measured = []struct {
	behaviour string
	value     func(t *testing.T) string
}{
	{"token that is wrong or missing", func(t *testing.T) string {
		return newFake(t).status("GET", "/leads", "", "Authorization", "Bearer wrong")
	}},
	{"record that does not exist", func(t *testing.T) string { return newFake(t).status("GET", "/leads/1", "") }},
	{"path that does not exist", func(t *testing.T) string { return newFake(t).status("GET", "/none", "") }},
	{"method that does not exist", func(t *testing.T) string { return newFake(t).status("DELETE", "/leads/1", "") }},
	{"body of an error", func(t *testing.T) string {
		_, text, _ := newFake(t).send("GET", "/none", "")
		return "`" + regexp.MustCompile(`:"[^"]*"`).ReplaceAllString(text, ":…") + "`"
	}},
	{"request id", func(t *testing.T) string {
		resp, _, _ := newFake(t).send("GET", "/leads", "")
		return when(resp.Header.Get("X-Request-Id") != "", "`X-Request-Id`")
	}},
	{"id of a new record", func(t *testing.T) string {
		f := newFake(t)
		one, two := f.field("id", "POST", "/leads", fullLead), f.field("id", "POST", "/leads", fullLead)
		return when(one != two && regexp.MustCompile(`^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$`).MatchString(one), "random UUID")
	}},
	{"time of a new record", func(t *testing.T) string {
		start := time.Now().Truncate(time.Microsecond)
		text := strings.Trim(newFake(t).field("created_at", "POST", "/leads", fullLead), `"`)
		created, err := time.Parse(time.RFC3339Nano, text)
		return when(err == nil && strings.HasSuffix(text, "Z") && !created.Before(start) && !created.After(time.Now()), "now, in UTC")
	}},
	{"unit of times", func(t *testing.T) string {
		lead := newFake(t, leedotest.WithClock(func() time.Time { return time.Unix(0, 123456789) })).
			field("created_at", "POST", "/leads", fullLead)
		return when(lead == `"1970-01-01T00:00:00.123456Z"`, "microsecond")
	}},
	{"field that was never set", func(t *testing.T) string { return newFake(t).field("email", "POST", "/leads", `{"name":"A"}`) }},
	{"status of a new lead", func(t *testing.T) string {
		return strings.Trim(newFake(t).field("status", "POST", "/leads", fullLead), `"`)
	}},
	{"item of a list", func(t *testing.T) string {
		f := newFake(t).withLeads(1)
		_, _, lead := f.send("GET", "/leads/1", "")
		_, _, page := f.send("GET", "/leads", "")
		item := page["data"].([]any)[0].(map[string]any)
		var lacks []string
		for _, name := range slices.Sorted(maps.Keys(lead)) {
			if _, ok := item[name]; !ok {
				lacks = append(lacks, "no `"+name+"`")
			}
		}
		return strings.Join(lacks, ", ")
	}},
	{"order of a list", func(t *testing.T) string {
		names, _ := newFake(t).withLeads(3).names("")
		return when(names == "3 2 1", "newest first")
	}},
	{"parameters of a page", func(t *testing.T) string {
		names, _ := newFake(t).withLeads(5).names("?page=2&per_page=2")
		return when(names == "3 2", "`page`, `per_page`")
	}},
	{"items on a page", func(t *testing.T) string {
		names, _ := newFake(t).withLeads(30).names("")
		return fmt.Sprint(len(strings.Fields(names)))
	}},
	{"most items on a page", func(t *testing.T) string {
		names, _ := newFake(t).withLeads(300).names("?per_page=250")
		return fmt.Sprint(len(strings.Fields(names)))
	}},
	{"`per_page` over the most", func(t *testing.T) string {
		names, meta := newFake(t).withLeads(300).names("?per_page=250")
		return when(float64(len(strings.Fields(names))) == meta["per_page"], "the most, also in `meta`")
	}},
	{"`meta.total`", func(t *testing.T) string {
		_, meta := newFake(t).withLeads(30).names("?per_page=2")
		return when(meta["total"] == 30.0, "all records")
	}},
	{"page after the last", func(t *testing.T) string {
		f := newFake(t).withLeads(3)
		resp, text, _ := f.send("GET", "/leads?page=9", "")
		return fmt.Sprint(resp.StatusCode) + when(strings.Contains(text, `"data":[]`), ", no items")
	}},
	{"page 0", func(t *testing.T) string { return newFake(t).status("GET", "/leads?page=0", "") }},
	{"other query parameters", func(t *testing.T) string {
		names, _ := newFake(t).withLeads(3).names("?status=qualified&sort=name")
		return when(names == "3 2 1", "ignored")
	}},
	{"lead without a name", func(t *testing.T) string { return newFake(t).status("POST", "/leads", `{"email":"B"}`) }},
	{"contact of an account that does not exist", func(t *testing.T) string {
		return newFake(t).status("POST", "/contacts", `{"name":"A","account_id":"none"}`)
	}},
	{"status that is not documented", func(t *testing.T) string {
		return when(newFake(t).field("status", "POST", "/leads", `{"name":"A","status":"won"}`) == `"won"`, "stored")
	}},
	{"custom fields", func(t *testing.T) string {
		f := newFake(t)
		stored := f.field("score", "POST", "/leads", `{"name":"A","score":7}`) == "7"
		_, text, _ := f.send("GET", "/leads", "")
		return when(stored && strings.Contains(text, `"score":7`), "stored, in lists too")
	}},
	{"id and times in a request", func(t *testing.T) string {
		_, text, _ := newFake(t).send("POST", "/leads", `{"name":"A","id":"mine","created_at":"mine","updated_at":"mine"}`)
		return when(!strings.Contains(text, "mine"), "ignored")
	}},
	{"fields that an update does not have", func(t *testing.T) string {
		return when(newFake(t).withLeads(1).field("email", "PATCH", "/leads/1", `{"phone":"D"}`) == `"1@example.com"`, "unchanged")
	}},
	{"`updated_at` after an update", func(t *testing.T) string {
		f := newFake(t).withLeads(1)
		before := f.Leads()[0].UpdatedAt
		f.send("PATCH", "/leads/1", `{"phone":"D"}`)
		return when(f.Leads()[0].UpdatedAt.After(before), "later")
	}},
	{"null in an update", func(t *testing.T) string {
		return when(newFake(t).withLeads(1).field("phone", "PATCH", "/leads/1", `{"phone":null}`) == "null", "clears the field")
	}},
	{"body over 1 MiB", func(t *testing.T) string {
		f := newFake(t)
		fits := strings.Repeat(" ", 1<<20-len(fullLead)) + fullLead
		return when(f.status("POST", "/leads", fits) == "201", f.status("POST", "/leads", " "+fits))
	}},
	{"body that is no JSON", func(t *testing.T) string { return newFake(t).status("POST", "/leads", "name=A") }},
	{"`Content-Type` other than JSON", func(t *testing.T) string {
		return newFake(t).status("POST", "/leads", fullLead, "Content-Type", "text/plain")
	}},
	{"`Idempotency-Key`", func(t *testing.T) string {
		f := newFake(t)
		f.send("POST", "/leads", fullLead, "Idempotency-Key", "key-1")
		f.send("POST", "/leads", fullLead, "Idempotency-Key", "key-1")
		return when(len(f.Leads()) == 2, "ignored")
	}},
	{"requests per hour", func(t *testing.T) string {
		var limits []string
		for _, plan := range []leedotest.Plan{leedotest.Free, leedotest.Duo, leedotest.Pro} {
			resp, _, _ := newFake(t, leedotest.WithPlan(plan)).send("GET", "/leads", "")
			limits = append(limits, resp.Header.Get("X-RateLimit-Limit"))
		}
		return strings.Join(limits, ", ")
	}},
	{"counting of requests", func(t *testing.T) string {
		now := time.Date(2025, 10, 1, 12, 34, 56, 0, time.UTC)
		f := newFake(t, leedotest.WithPlan(2), leedotest.WithClock(func() time.Time { return now }))
		first := f.status("GET", "/leads", "")
		now = now.Add(59 * time.Minute)
		last, over := f.status("GET", "/leads", ""), f.status("GET", "/leads", "")
		now = now.Add(time.Minute) // an hour after the first: both are restored
		next, after := f.status("GET", "/leads", ""), f.status("GET", "/leads", "")
		statuses := strings.Join([]string{first, last, over, next, after}, " ")
		return when(statuses == "200 200 429 200 200", "fixed window, from the first request")
	}},
	{"rate limit headers", func(t *testing.T) string {
		f := newFake(t, leedotest.WithPlan(2))
		all := true
		for _, path := range []string{"/leads", "/leads/1", "/leads"} { // 200, 404, 429
			resp, _, _ := f.send("GET", path, "")
			for _, name := range []string{"Limit", "Remaining", "Reset"} {
				all = all && resp.Header.Get("X-RateLimit-"+name) != ""
			}
		}
		return when(all, "on every response")
	}},
	{"`X-RateLimit-Reset`", func(t *testing.T) string {
		now := time.Unix(1_700_000_000, 0)
		f := newFake(t, leedotest.WithPlan(leedotest.Free), leedotest.WithClock(func() time.Time { return now }))
		resp, _, _ := f.send("GET", "/leads", "")
		return when(resp.Header.Get("X-RateLimit-Reset") == "1700003600", "epoch seconds")
	}},
	{"beyond the limit", func(t *testing.T) string { return newFake(t, leedotest.WithPlan(0)).status("GET", "/leads", "") }},
	{"`Retry-After` of a 429", func(t *testing.T) string {
		now := time.Unix(1_700_000_000, 0)
		f := newFake(t, leedotest.WithPlan(1), leedotest.WithClock(func() time.Time { return now }))
		f.send("GET", "/leads", "")
		resp, _, _ := f.send("GET", "/leads", "")
		return when(resp.Header.Get("Retry-After") == "3600", "seconds")
	}},
	{"cost of a 429", func(t *testing.T) string {
		now := time.Unix(1_700_000_000, 0)
		f := newFake(t, leedotest.WithPlan(1), leedotest.WithClock(func() time.Time { return now }))
		f.send("GET", "/leads", "")
		f.send("GET", "/leads", "") // 429
		now = now.Add(time.Hour)
		return when(f.status("GET", "/leads", "") == "200", "0")
	}},
	{"cost of a 401", func(t *testing.T) string {
		f := newFake(t, leedotest.WithPlan(leedotest.Free))
		f.send("GET", "/leads", "", "Authorization", "Bearer wrong")
		return when(f.left() == "100", "0")
	}},
	{"cost of another error", func(t *testing.T) string {
		f := newFake(t, leedotest.WithPlan(leedotest.Free))
		f.send("GET", "/leads/1", "")
		return when(f.left() == "99", "1")
	}},
}

// TestDocsFakeTable compares the table of the fake's behaviour with the fake.
func TestDocsFakeTable(t *testing.T) {
	var rows [][]string
	for line := range strings.Lines(read(t, "docs/fake.md")) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) == 4 {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	rows = rows[min(2, len(rows)):] // without the head
	basis := regexp.MustCompile(`^(documented|assumed(: .+)?|seen on 20\d\d-\d\d-\d\d)$`)
	for i := range max(len(rows), len(measured)) {
		if i >= len(rows) || i >= len(measured) || rows[i][0] != measured[i].behaviour {
			t.Fatalf("row %d of the table, of %d, is not about behaviour %d here, of %d", i+1, len(rows), i+1, len(measured))
		}
		row := rows[i]
		if value := measured[i].value(t); value != row[1] {
			t.Errorf("%s: the table has %q, the fake does %q", row[0], row[1], value)
		}
		if !basis.MatchString(row[2]) {
			t.Errorf("%s: the text does not explain the basis %q", row[0], row[2])
		}
	}
}

// TestDocsFakeOptions checks that docs/fake.md names every option, and the values of
// each in the order of the code: the zero value, which is the default, is first.
func TestDocsFakeOptions(t *testing.T) {
	text := read(t, "docs/fake.md")
	found := 0
	for _, file := range glob(t, "leedotest/*.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, decl := range parse(t, token.NewFileSet(), file).Decls {
			var names []string
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && strings.HasPrefix(d.Name.Name, "With") {
					names = append(names, "`"+d.Name.Name+"`")
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.CONST && v.Names[0].IsExported() {
						names = append(names, "`"+v.Names[0].Name+"`")
					}
				}
			}
			found += len(names)
			if want := strings.Join(names, ", "); !strings.Contains(text, want) {
				t.Errorf("docs/fake.md does not have %s", want)
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d options and values", found)
	}
}
