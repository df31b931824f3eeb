package leedo_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
)

func TestFailingCallsLeaveOneConnectionOpen(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("x", 60<<10)
	tests := map[string]http.HandlerFunc{
		"404":             answer(404, refusalJSON),
		"400, large":      answer(400, page),
		"500":             answer(500, "<html>"),
		"503, large":      answer(503, page),
		"302":             answer(302, page, "Location", "http://localhost:1/"),
		"not JSON":        answer(200, page),
		"success at last": answer(200, leadJSON),
	}
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			used := func() int {
				s := serve(t, bad)
				c := s.client(t)
				for i := range 20 {
					ops := []operation{reads[0], writes[0], writes[3]}
					ops[i%3].call(t.Context(), c)
				}
				connections := map[string]bool{}
				for _, r := range s.Requests() {
					connections[r.Remote] = true
				}
				return len(connections)
			}
			// On a busy machine net/http may give up a connection that it could
			// use again: it waits no longer than 50 ms to hear that all is sent.
			for try := 1; ; try++ {
				if n := used(); n == 1 {
					break
				} else if try == 5 {
					t.Fatalf("%d connections", n)
				}
			}
		})
	}
}

func TestTheJarKeepsWorking(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var kept []*http.Cookie
	cookies := jar{
		store: func(c []*http.Cookie) { mu.Lock(); defer mu.Unlock(); kept = c },
		load:  func() []*http.Cookie { mu.Lock(); defer mu.Unlock(); return kept },
	}
	s := serve(t, answer(200, leadJSON, "Set-Cookie", "a=1"), answer(500, ""), cut,
		answer(302, "", "Location", "/v1/leads/moved"), answer(200, leadJSON, "Set-Cookie", "a=2"), answer(200, leadJSON))
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c := s.client(t, leedo.WithHTTPClient(&http.Client{Transport: transport, Jar: cookies}))
	for range 3 {
		if err := reads[0].call(t.Context(), c, leedo.WithHeader("X-Own", "1")); err != nil {
			t.Fatal(err)
		}
	}
	var sent []string
	for _, r := range s.Requests() {
		sent = append(sent, strings.Join(r.Header["Cookie"], "; "))
	}
	if diff := cmp.Diff([]string{"", "a=1", "a=1", "a=1", "a=1", "a=2"}, sent); diff != "" {
		t.Error(diff)
	}
}

func TestTheProxyKeepsWorking(t *testing.T) {
	t.Parallel()
	proxy := serve(t, answer(200, leadJSON))
	to, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(to)}
	defer transport.CloseIdleConnections()
	c := newClient(t, leedo.WithBaseURL("http://api.leedo.example/v1"), leedo.WithInsecureHTTP(),
		leedo.WithHTTPClient(&http.Client{Transport: transport}))
	if err := reads[0].call(t.Context(), c); err != nil || len(proxy.Requests()) != 1 {
		t.Errorf("%v, the proxy got %v", err, proxy.Requests())
	}
}
