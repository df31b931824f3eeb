package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/leedoapp/leedo-go/leedotest"
)

// With the default token, which everybody knows, only hosts that no foreign site can have
// are served, whatever the path; with another one, all.
func TestGuard(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		addr, host string
		served     bool // with the default token
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", true},
		{"127.0.0.1:8080", "localhost:8080", true},
		{"127.0.0.1:8080", "LocalHost", true},
		{"127.0.0.1:8080", "[::1]:8080", true},
		{"0.0.0.0:8080", "192.0.2.1:8080", true}, // an address is no name that could resolve to it
		{"fake:8080", "Fake:8080", true},
		{"fake:8080", "site.example:8080", false},
		{"127.0.0.1:8080", "fake:8080", false},
		{"127.0.0.1:8080", "site.example:8080", false}, // a name that resolves to this machine
		{"127.0.0.1:8080", "site.example", false},
		{"127.0.0.1:8080", "127.0.0.1.site.example:8080", false},
		{"127.0.0.1:8080", "localhost.site.example:8080", false},
		{"127.0.0.1:8080", "localhost@site.example:8080", false},
		{"127.0.0.1:8080", "", false},
		{":8080", "", false},
	} {
		for _, token := range []string{leedotest.NewServer().Token(), "my-token"} {
			fake := leedotest.NewServer(leedotest.WithToken(token))
			handler := guard(test.addr, token, withPage(fake, routes(fake)))
			for _, path := range []string{"/", "/v1/leads", "/_fake/requests"} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				r.Host, r.RemoteAddr = test.host, "127.0.0.1:50000"
				r.Header.Set("Authorization", "Bearer "+token)
				if path == "/" {
					r.SetBasicAuth("", token)
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				want := http.StatusOK
				if !test.served && token != "my-token" {
					want = http.StatusForbidden
					var body struct {
						Error struct{ Code, Message string }
					}
					if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Error.Code != "forbidden" || body.Error.Message == "" {
						t.Errorf("%s: %v", w.Body, err)
					}
				}
				if w.Code != want || want == http.StatusForbidden && len(fake.Requests()) > 0 {
					t.Errorf("-addr %s -token %s, Host %q, %s: status %d, want %d", test.addr, token, test.host, path, w.Code, want)
				}
			}
		}
	}
}

// A site in a browser cannot use up a fault; a link to the page can be followed.
func TestGuardAcrossSites(t *testing.T) {
	t.Parallel()
	fake := leedotest.NewServer(leedotest.WithToken("my-token"))
	fake.Inject(leedotest.Fault{Status: http.StatusInternalServerError})
	handler := guard("127.0.0.1:8080", "my-token", withPage(fake, routes(fake)))
	for _, test := range []struct {
		path, site string
		want       int
	}{
		{"/v1/leads", "cross-site", http.StatusForbidden},
		{"/_fake/requests", "cross-site", http.StatusForbidden},
		{"/", "cross-site", http.StatusOK},
		{"/v1/leads", "none", http.StatusInternalServerError}, // the fault is still there
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.path, nil)
		r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:50000"
		r.Header.Set("Sec-Fetch-Site", test.site)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s, %s: status %d, want %d", test.path, test.site, w.Code, test.want)
		}
	}
}

// The program has the guard.
func TestGuardServed(t *testing.T) {
	t.Parallel()
	p := start(t, "-addr", "127.0.0.1:0")
	for host, want := range map[string]int{"": http.StatusOK, "site.example": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/leads", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.Close = host, true
		r.Header.Set("Authorization", "Bearer leedotest-token")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("Host %q: status %d, want %d", host, response.StatusCode, want)
		}
	}
}
