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

// recorder is the server of a subject and keeps the last request.
type recorder struct {
	server wire.Server
	method string
	query  url.Values
	body   string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	authorized := strings.Contains(req.Header.Get("Authorization"), token) || req.Header.Get("Private-Token") == token
	if err != nil || !authorized {
		http.Error(w, "no token", http.StatusUnauthorized)
		return
	}
	r.method, r.query, r.body = req.Method, req.URL.Query(), string(body)
	r.server.ServeHTTP(w, req)
}

const token = "0123456789abcdef0123456789abcdef"

// connect makes a client of the subject that sends its requests to handler.
func connect(t *testing.T, s subject.Subject, handler http.Handler) subject.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := s.New(server.Client().Transport, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestCalls checks that each subject requests what the others request, and returns
// everything in the response. Otherwise their figures could not be compared.
func TestCalls(t *testing.T) {
	for _, s := range subject.All() {
		t.Run(s.Name, func(t *testing.T) {
			r := &recorder{server: wire.Server{Format: s.Format, Total: 10 * subject.PerPage}}
			client := connect(t, s, r)
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

// TestWrongResponses checks that a wrong object and a short page are errors.
func TestWrongResponses(t *testing.T) {
	for _, s := range subject.All() {
		t.Run(s.Name, func(t *testing.T) {
			other := *s.Format
			other.Object = func(i int) string { return s.Format.Object(i + 1) }
			client := connect(t, s, &wire.Server{Format: &other, Total: 10 * subject.PerPage})
			if object, err := client.Get(t.Context()); err == nil {
				t.Errorf("Get returns %v", object)
			}
			if object, err := client.Create(t.Context()); err == nil {
				t.Errorf("Create returns %v", object)
			}
			if object, err := client.List(t.Context()); err == nil {
				t.Errorf("List returns %v", object)
			}
			client = connect(t, s, &wire.Server{Format: s.Format, Total: subject.PerPage - 1})
			if object, err := client.List(t.Context()); err == nil {
				t.Errorf("List of 99 returns %v", object)
			}
		})
	}
}

// TestWalks checks that each subject returns each object once and in order, with as
// many pages in flight as its Pager says.
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
			// No response after the first page is sent before want more pages are
			// requested.
			var requested atomic.Int64
			full := make(chan struct{})
			server := &wire.Server{Format: s.Format, Total: total}
			client := connect(t, s, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				n := int(requested.Add(1))
				if n == 1+want {
					close(full)
				}
				if n > 1 {
					select {
					case <-full:
					case <-time.After(10 * time.Second):
						t.Errorf("%d pages are requested at the same time, want %d", requested.Load()-1, want)
					}
				}
				server.ServeHTTP(w, req)
			}))
			seen := 0
			err := client.Walk(t.Context(), func(i int) {
				if i != seen {
					t.Fatalf("object %d comes after %d others", i, seen)
				}
				seen++
			})
			if err != nil || seen != total {
				t.Errorf("%d of %d objects: %v", seen, total, err)
			}
			if most := server.MostInFlight(); most > want {
				t.Errorf("%d pages in flight, want %d", most, want)
			}
		})
	}
}

// holds checks that the object that a client decoded contains every value of the JSON
// object.
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

// values returns every value in a JSON text that is neither an array nor an object.
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
