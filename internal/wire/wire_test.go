package wire

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestIdsAreData(t *testing.T) {
	for id, want := range map[string]string{
		"550e8400-e29b-41d4-a716-446655440000": "/leads/550e8400-e29b-41d4-a716-446655440000",
		"a/b":                                  "/leads/a%2Fb",
		"a?b=c":                                "/leads/a%3Fb=c",
		"a#b":                                  "/leads/a%23b",
		"a b":                                  "/leads/a%20b",
		"a%2e":                                 "/leads/a%252e",
		"...":                                  "/leads/...",
		"a..b":                                 "/leads/a..b",
		"{id}":                                 "/leads/%7Bid%7D",
		"ü":                                    "/leads/%C3%BC",
	} {
		escaped, err := EscapeID(id)
		u := (&Request{Template: "/leads/{id}", ID: escaped}).URL(&url.URL{})
		if got := u.EscapedPath(); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", id, got, err, want)
		}
		if err := CheckPath(u.EscapedPath()); err != nil {
			t.Errorf("the path of %q: %v", id, err)
		}
	}
	for _, id := range []string{"", ".", "..", "a/..", "../b", "a/../b", `..\b`, "./a", "a\x00", "a\nb", "a\r\nb", "\u0085", "\xff"} {
		if got, err := EscapeID(id); err == nil {
			t.Errorf("%q: %q, want an error", id, got)
		}
	}
}

func TestPathsAreRelativeAndEscaped(t *testing.T) {
	for _, path := range []string{"/", "/leads", "/leads/a%2Fb", "/leads/a..b", "/leads/%C3%BC", "/leads/a:b@c;d=e", "/leads/"} {
		if err := CheckPath(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
	for _, path := range []string{
		"", "leads", "//evil.example/leads", "https://evil.example/", "/leads?x=y", "/leads?", "/leads#a", "/a b", "/a\nb", "/\x7f",
		"/..", "/leads/..", "/leads/../x", "/leads/./x", "/leads/%2e%2E/x", "/leads/%2e", "/leads/..%2fx", "/leads/..%5cx", `/leads/..\x`,
		"/leads/%zz", "/leads/%", "/leads/{id}", "/leads/ü", "/leads/%00", "/leads/%0a", `/"`, "/%ff",
	} {
		if err := CheckPath(path); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
}

func TestJoinKeepsTheEscapedPath(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.leedo.app/v1":   "https://api.leedo.app/v1/leads/a%2Fb?q=1",
		"https://api.leedo.app/v1/":  "https://api.leedo.app/v1/leads/a%2Fb?q=1",
		"https://api.leedo.app":      "https://api.leedo.app/leads/a%2Fb?q=1",
		"https://proxy/a%2Fb%20c/v1": "https://proxy/a%2Fb%20c/v1/leads/a%2Fb?q=1",
	} {
		u, err := ParseBase(base, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Request{Template: "/leads/a%2Fb", RawQuery: "q=1"}).URL(u); got.String() != want {
			t.Errorf("%s: %v, want %s", base, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"  plain ":               "plain",
		"a\nb\r\n\tc":            `a\nb\r\n\tc`,
		"a\x1b[31mred":           `a\x1b[31mred`,
		"bidi \u202e evil":       `bidi \u202e evil`,
		"line\u2028separator":    `line\u2028separator`,
		"Zürich, 東京":             "Zürich, 東京",
		strings.Repeat("é", 200): strings.Repeat("é", 200),
		strings.Repeat("é", 201): strings.Repeat("é", 199) + "…",
	} {
		if got := Line(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Line("bad \xff utf8"); !utf8.ValidString(got) {
		t.Errorf("%q", got)
	}
}

func TestDecodeSaysWhatIsWrongAndQuotesNothing(t *testing.T) {
	const secret = "jane@example.com"
	type row struct {
		ID string `json:"id"`
		N  int    `json:"n"`
	}
	for name, tt := range map[string]struct{ contentType, body, want string }{
		"empty":            {"application/json", " \n", "empty body"},
		"html":             {"text/html", "<p>" + secret, "not JSON, according to its Content-Type"},
		"html as json":     {"application/json", "<p>" + secret, "invalid JSON at offset 1"},
		"cut":              {"application/json", `{"id":"` + secret, "JSON is truncated: unexpected EOF"},
		"trailing garbage": {"application/json", `{"id":"a"} ` + secret, "invalid JSON at offset 12"},
		"two values":       {"application/json", `{"id":"a"}{}`, "invalid JSON at offset 11"},
		"wrong type":       {"application/json", `{"id":{"a":"` + secret + `"}}`, `field "id": cannot decode a JSON object as a string`},
		"number too large": {"application/json", `{"n":99999999999999999999}`, `field "n": cannot decode a JSON number as an integer`},
	} {
		var out row
		err := Decode(http.Header{"Content-Type": {tt.contentType}}, []byte(tt.body), &out)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
		if name == "cut" && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v is no unexpected EOF", err)
		}
	}
	for _, contentType := range []string{"", "application/json", "application/json; charset=utf-8", "application/vnd.leedo+json", "application/json; =bad"} {
		var out row
		h := http.Header{"Content-Type": {contentType}}
		if err := Decode(h, []byte(` {"id":"a","extra":[1]} `), &out); err != nil || out.ID != "a" {
			t.Errorf("%q: %v", contentType, err)
		}
	}
}

func fields(key string, value any) []Field {
	field, err := NewField(key, value)
	if err != nil {
		panic(err)
	}
	return []Field{field}
}

func TestEncodeAddsFields(t *testing.T) {
	type params struct {
		Name string `json:"name,omitzero"`
	}
	for name, tt := range map[string]struct {
		body   any
		fields []Field
		want   string
	}{
		"nothing":      {nil, nil, ""},
		"body":         {&params{"x"}, nil, `{"name":"x"}`},
		"a field":      {&params{"x"}, fields("score", 7), `{"name":"x","score":7}`},
		"a field wins": {&params{"x"}, fields("name", nil), `{"name":null}`},
		"fields alone": {nil, append(fields("a", 1), fields("a", 2)...), `{"a":2}`},
	} {
		got, err := Encode(tt.body, tt.fields)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, tt.want)
		}
	}
	for name, body := range map[string]any{"array": []int{1}, "text": "x", "null": json.RawMessage("null")} {
		if got, err := Encode(body, fields("a", 1)); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, path := range []string{"/leads/a%2Fb", "/..%2f", "/..", `/a%5c..%5C..`, "/%2e%2e/x", "/...", "/a//b/"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		base, _ := ParseBase("https://api.leedo.app/v1", false)
		if CheckPath(escaped) != nil {
			return
		}
		u := (&Request{Template: escaped}).URL(base)
		got, err := url.Parse(u.String())
		if err != nil || got.EscapedPath() != "/v1"+escaped || got.Host != base.Host || got.RawQuery != "" || got.Fragment != "" {
			t.Fatalf("%q leads to %v, %v", escaped, u, err)
		}
		// Whatever a server resolves on its side is still below the base URL.
		if resolved := path.Clean(strings.ReplaceAll(got.Path, `\`, "/")); resolved != "/v1" && !strings.HasPrefix(resolved, "/v1/") {
			t.Errorf("%q leads to %s", escaped, resolved)
		}
	})
}

// TestABaseURLThatHoldsTheTokenIsNotQuoted, in any case.
func TestABaseURLThatHoldsTheTokenIsNotQuoted(t *testing.T) {
	for _, base := range []string{"leedo.app/tok-12345", "tok-12345.leedo.app", "leedo.app/TOK-12345/v1"} {
		for _, secret := range []string{"", "another-token"} {
			if _, err := ParseBase(base, false, secret); err == nil || !strings.Contains(err.Error(), base) {
				t.Errorf("%s: %v", base, err)
			}
		}
		if _, err := ParseBase(base, false, "tok-12345"); err == nil || err.Error() != "has no scheme: it must begin with https://" {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// TestTextThatIsNotUTF8HasItsOwnWords, in ids and in paths, escaped or not.
func TestTextThatIsNotUTF8HasItsOwnWords(t *testing.T) {
	for _, id := range []string{"M\xfcller", "\xff", "a\x00\xff", "ab\xc3"} {
		if _, err := EscapeID(id); err == nil || err.Error() != "id is not valid UTF-8" {
			t.Errorf("%q: %v", id, err)
		}
		for _, path := range []string{"/" + url.PathEscape(id), "/a/" + id} {
			if err := CheckPath(path); err == nil || err.Error() != "path is not valid UTF-8" {
				t.Errorf("%q: %v", path, err)
			}
		}
	}
	if _, err := EscapeID("a\x00"); err == nil || err.Error() != "id contains control characters" {
		t.Error(err)
	}
	if err := CheckPath("/a%00"); err == nil || err.Error() != "path contains control characters" {
		t.Error(err)
	}
	if err := CheckPath("/M%C3%BCller"); err != nil {
		t.Error(err)
	}
}

// TestHeaderNamesAreTokens of RFC 9110, section 5.6.2, and of nothing else.
func TestHeaderNamesAreTokens(t *testing.T) {
	const allowed = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		name := "X-" + string([]byte{byte(c)})
		if got, want := ValidHeaderName(name), strings.Contains(allowed, name[2:]); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	if ValidHeaderName("") {
		t.Error("an empty name is valid")
	}
}
