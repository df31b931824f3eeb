package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestCheckKeepsAPathThatIsValid, however long, and shows no query of one that is not.
func TestCheckKeepsAPathThatIsValid(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("a", 2*maxLine)
	for path, want := range map[string]string{
		long: long, "/leads": "/leads", "/leads?token=x?y": "/leads", "/a b": "/a b", "/a\nb": `/a\nb`, long + "?x": long[:maxLine-1] + "…",
	} {
		r := Request{Method: http.MethodGet, Template: path}
		if err := r.Check(nil, nil); (err == nil) != (path == want) && path != "/a b" || r.Template != want {
			t.Errorf("%s becomes %s, %v", path, r.Template, err)
		}
	}
}

func TestCheckOfOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		out  any
		want string
	}{
		{nil, "<nil>"}, {new(int), "<nil>"}, {new(*int), "<nil>"},
		{0, "cannot decode into int: not a pointer, or nil"}, {(*int)(nil), "cannot decode into *int: not a pointer, or nil"},
		{map[string]int{}, "cannot decode into map[string]int: not a pointer, or nil"}, {base{}, "cannot decode into wire.base: not a pointer, or nil"},
	} {
		r := Request{Method: http.MethodGet, Template: "/leads"}
		if err := r.Check(nil, tt.out); fmt.Sprint(err) != tt.want {
			t.Errorf("%T: %v, want %s", tt.out, err, tt.want)
		}
	}
}

// TestSetHeader: the header of other requests stays as it is.
func TestSetHeader(t *testing.T) {
	t.Parallel()
	shared := http.Header{"Accept": {"application/json"}}
	r := Request{Header: shared}
	for _, field := range [][3]string{
		{"x-a", "1", ""}, {"X-B", "", ""}, {"X-A", "2", ""}, {"Idempotency-Key", "k", ""}, {"x-idempotency-key", "k", ""},
		{"Idempotency-Key", "", "empty Idempotency-Key"}, {"host", "x", "header Host is set by the client"}, {"a b", "x", `invalid header name "a b"`},
		{"X-A", "a\nb", "value of header X-A contains control characters"},
	} {
		if err := r.SetHeader(field[0], field[1]); (err != nil || field[2] != "") && fmt.Sprint(err) != field[2] {
			t.Errorf("%q: %v", field, err)
		}
	}
	want := http.Header{"Accept": {"application/json"}, "X-A": {"2"}, "X-B": {""}, "idempotency-key": {"k"}, "x-idempotency-key": {"k"}}
	if fmt.Sprint(r.Header) != fmt.Sprint(want) || len(shared) != 1 {
		t.Errorf("%v, want %v; of other requests: %v", r.Header, want, shared)
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	var r Request
	r.AddQuery(nil)
	if got := r.URL(&url.URL{}).String(); got != "" {
		t.Errorf("no parameters: %s", got)
	}
	r.AddQuery(url.Values{"a": {"1", "2"}, "b": {"3"}})
	r.AddQuery(url.Values{"a": {"4"}})
	if err := r.SetQuery("c", "5"); err != nil || r.URL(&url.URL{}).RawQuery != "a=4&b=3&c=5" {
		t.Errorf("%v, %v", r.Query, err)
	}
	for n, cut := range map[int]string{100: "", 101: "…"} {
		key := strings.Repeat("k", n)
		if err := CheckQuery(key, "\xff"); err == nil || err.Error() != `query parameter "`+key[:100]+cut+`" is not valid UTF-8` {
			t.Error(err)
		}
	}
}
