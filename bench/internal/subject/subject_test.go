package subject_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/bench/internal/subject"
	"github.com/leedoapp/leedo-go/bench/internal/wire"
)

// recorder answers with object 0 or a page and keeps the request.
type recorder struct {
	format *wire.Format
	method string
	query  url.Values
	body   string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.method, r.query = req.Method, req.URL.Query()
	if strings.Contains(req.Header.Get("Authorization"), "0123456789abcdef") == (req.Header.Get("Private-Token") != "") {
		return nil, fmt.Errorf("no token in %v", req.Header)
	}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		r.body, req.Body = string(body), nil
	}
	switch {
	case req.Method == http.MethodPost:
		return r.format.CannedOne(r.format.Created).RoundTrip(req)
	case r.query.Has(r.format.PerPage):
		return r.format.CannedPage(subject.PerPage).RoundTrip(req)
	}
	return r.format.CannedOne(http.StatusOK).RoundTrip(req)
}

// TestCalls: a row of a table is worth something only if the subject asks for
// what the others ask for, and has all of the answer in its hands afterwards.
func TestCalls(t *testing.T) {
	for _, s := range subject.All() {
		t.Run(s.Name, func(t *testing.T) {
			r := &recorder{format: s.Format}
			client, err := s.New(r, "")
			if err != nil {
				t.Fatal(err)
			}
			object, err := client.Get(t.Context())
			if err != nil || r.method != http.MethodGet || len(r.query) > 0 {
				t.Fatalf("Get sends a %s, %v: %v", r.method, r.query, err)
			}
			holds(t, object, s.Format.Object(0))

			object, err = client.List(t.Context())
			if err != nil || r.method != http.MethodGet || r.query.Get(s.Format.PerPage) != "100" {
				t.Fatalf("List sends a %s, %v: %v", r.method, r.query, err)
			}
			holds(t, object, s.Format.Object(subject.PerPage-1))

			object, err = client.Create(t.Context())
			sent, _ := url.QueryUnescape(r.body)
			if err != nil || r.method != http.MethodPost || !strings.Contains(sent, "Jane Doe") || !strings.Contains(sent, "Example Inc.") {
				t.Fatalf("Create sends a %s, %s: %v", r.method, r.body, err)
			}
			holds(t, object, s.Format.Object(0))
		})
	}
}

// TestWrongAnswers: an object that was not asked for and a page that is too
// short are errors, in memory as for the benchmarks.
func TestWrongAnswers(t *testing.T) {
	for _, s := range subject.All() {
		t.Run(s.Name, func(t *testing.T) {
			other := *s.Format
			other.Object = func(i int) string { return s.Format.Object(i + 1) }
			client, err := s.New(other.CannedOne(http.StatusOK), "")
			if err != nil {
				t.Fatal(err)
			}
			if object, err := client.Get(t.Context()); err == nil {
				t.Errorf("Get returns %v", object)
			}
			if client, err = s.New(other.CannedOne(s.Format.Created), ""); err != nil {
				t.Fatal(err)
			}
			if object, err := client.Create(t.Context()); err == nil {
				t.Errorf("Create returns %v", object)
			}
			if client, err = s.New(other.CannedPage(subject.PerPage), ""); err != nil {
				t.Fatal(err)
			}
			if object, err := client.List(t.Context()); err == nil {
				t.Errorf("List returns %v", object)
			}
			if client, err = s.New(s.Format.CannedPage(subject.PerPage-1), ""); err != nil {
				t.Fatal(err)
			}
			if object, err := client.List(t.Context()); err == nil {
				t.Errorf("List of 99 returns %v", object)
			}
		})
	}
}

// TestWalks: each subject sees each object once and in order, with as many
// pages in flight as its row says.
func TestWalks(t *testing.T) {
	const total = 2050
	for _, s := range subject.All() {
		if s.Pager == "" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			want := 1
			if strings.Contains(s.Pager, "8 in flight") {
				want = 8
			}
			// No page after the first is answered before so many were asked for.
			var asked atomic.Int64
			full := make(chan struct{})
			server := &wire.Server{Format: s.Format, Total: total}
			listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				n := int(asked.Add(1))
				if n == 1+want {
					close(full)
				}
				if n > 1 {
					select {
					case <-full:
					case <-time.After(10 * time.Second):
						t.Errorf("%d pages are asked for at the same time, want %d", asked.Load()-1, want)
					}
				}
				server.ServeHTTP(w, req)
			}))
			defer listener.Close()
			client, err := s.New(listener.Client().Transport, listener.URL)
			if err != nil {
				t.Fatal(err)
			}
			seen := 0
			err = client.Walk(t.Context(), func(i int) {
				if i != seen {
					t.Fatalf("object %d comes after %d others", i, seen)
				}
				seen++
			})
			if err != nil || seen != total {
				t.Errorf("%d of %d objects: %v", seen, total, err)
			}
			if most := server.Most(); most > want {
				t.Errorf("%d pages in flight, want %d", most, want)
			}
		})
	}
}

// holds checks that all that the wire says of an object is somewhere in the
// object that a client made of it.
func holds(t *testing.T, object any, text string) {
	t.Helper()
	if len(text) != wire.ObjectSize {
		t.Errorf("an object of %d bytes: %s", len(text), text)
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	have := values(t, string(encoded))
	for _, v := range values(t, text) {
		if !slices.Contains(have, v) {
			t.Errorf("%T has no %s, only %s", object, v, encoded)
		}
	}
}

// values is every value in a JSON text that is neither array nor object.
func values(t *testing.T, text string) []string {
	t.Helper()
	var parsed any
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	var collect func(any) []string
	collect = func(v any) []string {
		var all []string
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				all = append(all, collect(v[key])...)
			}
		case []any:
			for _, element := range v {
				all = append(all, collect(element)...)
			}
		default:
			all = append(all, fmt.Sprintf("%#v", v))
		}
		return all
	}
	return collect(parsed)
}
