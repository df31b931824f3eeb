package probe

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
)

// What a server may do with the PATCHes, by their statuses and the record after them.
func TestJudgeWrites(t *testing.T) {
	for _, tt := range []struct {
		statuses [3]int
		record   string
		want     map[string]string // the rest stays open
	}{
		{[3]int{200, 200, 400}, `{"name":"x","phone":null,"leedo_probe":"custom","email":null,"company":null}`, map[string]string{
			askUpdate: "200", askNull: "clears the field: null", askCustom: "stored", askEmpty: "rejected with 400", askUnset: "null"}},
		{[3]int{200, 200, 200}, `{"name":"","phone":""}`, map[string]string{
			askUpdate: "200", askNull: "clears the field: an empty text", askCustom: "ignored", askEmpty: "accepted", askUnset: "left out"}},
		{[3]int{204, 422, 200}, `{"name":"x","phone":"+1","email":"","company":""}`, map[string]string{
			askUpdate: "204", askNull: "ignored", askCustom: "rejected with 422", askEmpty: "ignored", askUnset: "an empty text"}},
		{[3]int{400, 0, 0}, `{"name":"x","phone":"+1","email":"","company":null}`, map[string]string{
			askNull: "rejected with 400", askUnset: "differ: null, an empty text"}},
	} {
		p := &prober{found: make(map[string]Finding), stored: true}
		var record map[string]any
		if err := json.Unmarshal([]byte(tt.record), &record); err != nil {
			t.Fatal(err)
		}
		p.judgeWrites(tt.statuses, record)
		for _, question := range []string{askUpdate, askNull, askCustom, askEmpty, askUnset} {
			if got := p.found[question].Result; got != tt.want[question] {
				t.Errorf("%v %s: %s is %q, want %q", tt.statuses, tt.record, question, got, tt.want[question])
			}
		}
	}
}

// A time has the form that its size or its text has, and must be near the Date.
func TestMoment(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]struct {
		form string
		in   time.Duration
	}{
		"1772368200":                    {epochSeconds, 30 * time.Minute},
		"1772368200250":                 {epochMilliseconds, 30*time.Minute + 250*time.Millisecond},
		"0":                             {deltaSeconds, 0},
		"1800":                          {deltaSeconds, 30 * time.Minute},
		"Sun, 01 Mar 2026 12:30:00 GMT": {httpDate, 30 * time.Minute},
		"2026-03-01T12:30:00Z":          {rfc3339, 30 * time.Minute},
		"2026-03-01T13:30:00+01:00":     {rfc3339, 30 * time.Minute},
		"-5":                            {},
		"1800000":                       {}, // milliseconds from now?
		"1672368200":                    {},
		"2020-03-01T12:30:00Z":          {},
		"soon":                          {},
		"":                              {},
	} {
		x := &exchange{Response: leedo.Response{Header: http.Header{}}}
		x.Header.Set("Date", now.Format(http.TimeFormat))
		x.Header.Set(headerReset, value)
		if form, in := x.moment(headerReset); form != want.form || in != want.in {
			t.Errorf("%q is %q in %v", value, form, in)
		}
	}
}

// The shape of a body has no texts of it.
func TestShapeOf(t *testing.T) {
	for _, tt := range []struct{ media, body, want string }{
		{"application/json", `{"error":{"message":"no Ada","code":"x"}}`, `{"error":{"code":text,"message":text}}`},
		{"application/json", `{"errors":[{"field":"id","n":1}],"ok":false,"x":null}`, `{"errors":[{"field":text,"n":number}],"ok":boolean,"x":null}`},
		{"application/problem+json", `{"title":"Ada"}`, `application/problem+json {"title":text}`},
		{"application/json", `{"ada@example.com":1,"a1b2c3":2,"address_1":3,"` + strings.Repeat("n", 41) + `":4}`, `{"?":number,"?":number,"address_1":number,"?":number}`},
		{"text/html; charset=utf-8", "Ada", "HTML"},
		{"", "<html>", "HTML"},
		{"application/json", "no Ada", "plain text"},
		{"text/plain", " ", "empty"},
	} {
		x := &exchange{Response: leedo.Response{Header: http.Header{"Content-Type": {tt.media}}, Body: []byte(tt.body)}}
		x.decode()
		if got := shapeOf(x); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.body, got, tt.want)
		}
	}
}

// Ids may be numbers, larger than a float64 holds. They must differ.
func TestNumericIDs(t *testing.T) {
	x := &exchange{Response: leedo.Response{StatusCode: 200, Body: []byte(`{"data":[{"id":12345678901234567890},{"id":"a"}],"meta":{"total":3,"page":1,"per_page":20}}`)}}
	got, ok := x.page()
	if want := []string{"12345678901234567890", "a"}; !ok || !slices.Equal(got.ids, want) {
		t.Errorf("%q, %v", got.ids, ok)
	}
	for _, other := range []string{`{}`, `{"id":""}`, `{"id":"a"}`} {
		x.Body = []byte(`{"data":[{"id":"a"},` + other + `],"meta":{"total":2,"page":1,"per_page":20}}`)
		if got, ok := x.page(); !ok || got.ids != nil || len(got.items) != 2 {
			t.Errorf("%s: %q, %v", other, got.ids, ok)
		}
	}
	if form := idForm(got.items[0]["id"]); form != "numbers" {
		t.Errorf("the form is %s", form)
	}
}

// A name of a field that may be a value is not shown.
func TestFields(t *testing.T) {
	items := []map[string]any{{"id": 1, "ada@example.com": 2, "eve@example.com": 3}, {"id": 1, "ada@example.com": 2, "name": ""}}
	if got, want := fields(items), "?, ? (in some), id, name (in some)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := lacking(items, map[string]any{"bob@example.com": 1, "joe@example.com": 1, "phone": 2}); !slices.Equal(got, []string{"?", "phone"}) {
		t.Errorf("lacking %q", got)
	}
}
