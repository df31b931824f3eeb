package wire_test

import (
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Whatever an id and a query parameter are, the server reads what the caller
// gave, or nothing is sent.
func FuzzSent(f *testing.F) {
	f.Add("a/b c", "q", "x&y=z", 0, 0)
	f.Add("..%2f", "page", "2", 1, 100)
	f.Add(`a\..\b`, "", "", -1, 7)
	f.Add("%00?#;", "a;b", "+ %20", math.MaxInt32, math.MaxInt32)
	f.Add("\u2028é\U0001F388", "per_page", "\xff", math.MaxInt, math.MinInt)
	f.Add("\x7f", "\x00", "\r\n", 0, -1)
	f.Add("{id}", "[]", "{}", 3, 3)
	f.Fuzz(func(t *testing.T, id, key, value string, page, perPage int) {
		sendable := key != "" && utf8.ValidString(key) && utf8.ValidString(value)
		get := func(server *leedotest.Server, client *leedo.Client) (url.Values, bool, error) {
			if id != "" {
				server.AddLead(leedo.Lead{ID: id})
			}
			lead, err := client.Leads.Get(t.Context(), id, leedo.WithQuery(key, value))
			if err == nil && lead.ID != id {
				t.Errorf("the lead is %q, not %q", lead.ID, id)
			}
			return url.Values{key: {value}}, sendable && usableID(id), err
		}
		list := func(_ *leedotest.Server, client *leedo.Client) (url.Values, bool, error) {
			_, err := client.Contacts.List(t.Context(), &leedo.ContactListParams{Page: page, PerPage: perPage}, leedo.WithQuery(key, value))
			want := url.Values{}
			for name, n := range map[string]int{"page": page, "per_page": perPage} {
				if n != 0 {
					want.Set(name, strconv.Itoa(n))
				}
			}
			want.Set(key, value)
			bad := false
			for _, name := range []string{"page", "per_page"} {
				n, invalid := strconv.ParseUint(want.Get(name), 10, 31)
				bad = bad || want.Has(name) && (invalid != nil || n == 0)
			}
			if bad && support.Is[*leedo.BadRequestError](err) {
				err = nil // as it should be
			}
			return want, sendable && page >= 0 && perPage >= 0, err
		}
		for name, call := range map[string]func(*leedotest.Server, *leedo.Client) (url.Values, bool, error){"get": get, "list": list} {
			server := leedotest.NewServer()
			want, valid, err := call(server, server.Client())
			requests := server.Requests()
			switch {
			case !valid:
				support.CheckInvalidArgument(t, err)
				if len(requests) != 0 {
					t.Errorf("%s: sent %v", name, requests)
				}
			case err != nil || len(requests) != 1:
				t.Errorf("%s: %v, %d requests", name, err, len(requests))
			case !cmp.Equal(requests[0].Query, want):
				t.Errorf("%s: arrives as %v, not %v", name, requests[0].Query, want)
			}
		}
	})
}

// usableID reports whether an id is safe in a path, as documented.
func usableID(id string) bool {
	if id == "" || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return false
	}
	for segment := range strings.SplitSeq(strings.ReplaceAll(id, `\`, "/"), "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// Whatever path is given to Do, the server reads that path, or nothing is sent.
func FuzzPaths(f *testing.F) {
	for _, path := range []string{"/leads/a%2Fb", "/..%2f", "//x", "/leads?x", "/leads/%zz", "/a b", "/é", "/%C3%A9", "/a;b=c/@:&=+$,!", "/%25", "/v1//x", `/a\b`} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		server := leedotest.NewServer()
		err := server.Client().Do(t.Context(), "DELETE", path, nil, nil)
		requests := server.Requests()
		if errors.Is(err, leedo.ErrInvalidArgument) {
			support.CheckInvalidArgument(t, err)
			if len(requests) != 0 {
				t.Errorf("sent %v", requests)
			}
			return
		}
		if len(requests) != 1 || requests[0].Path != path {
			t.Errorf("%q arrives as %+v, %v", path, requests, err)
		}
	})
}
