package retry_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

func TestFailingCallsLeaveOneConnectionOpen(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("x", 60<<10)
	tests := map[string]http.HandlerFunc{
		"404":             support.Respond(404, support.ErrorJSON),
		"400, large":      support.Respond(400, page),
		"500":             support.Respond(500, "<html>"),
		"503, large":      support.Respond(503, page),
		"302":             support.Respond(302, page, "Location", "http://localhost:1/"),
		"not JSON":        support.Respond(200, page),
		"success at last": support.Respond(200, support.LeadJSON),
	}
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			used := func() int {
				s := support.Serve(t, bad)
				c := s.Client(t)
				for i := range 20 {
					ops := []support.Operation{support.Reads[0], support.Writes[0], support.Writes[3]}
					ops[i%3].Call(t.Context(), c)
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
	cookies := support.Jar{
		Store: func(c []*http.Cookie) { mu.Lock(); defer mu.Unlock(); kept = c },
		Load:  func() []*http.Cookie { mu.Lock(); defer mu.Unlock(); return kept },
	}
	s := support.Serve(t, support.Respond(200, support.LeadJSON, "Set-Cookie", "a=1"), support.Respond(500, ""), support.Cut,
		support.Respond(302, "", "Location", "/v1/leads/moved"), support.Respond(200, support.LeadJSON, "Set-Cookie", "a=2"), support.Respond(200, support.LeadJSON))
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c := s.Client(t, leedo.WithHTTPClient(&http.Client{Transport: transport, Jar: cookies}))
	for range 3 {
		if err := support.Reads[0].Call(t.Context(), c, leedo.WithHeader("X-Own", "1")); err != nil {
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

// Over HTTP/1, net/http itself repeats a read whose idle connection turns out to be closed:
// that is one attempt.
func TestAClosedIdleConnectionIsNoAttempt(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		s := support.NewServer(t, support.Respond(200, support.LeadJSON), support.Cut, support.Respond(200, support.LeadJSON))
		start := s.Start
		if tls {
			start = s.StartTLS
		}
		start()
		c := s.TLSClient(t, leedo.WithRetries(0))
		for range 2 {
			var resp leedo.Response
			if _, err := c.Leads.Get(t.Context(), "x", leedo.WithResponse(&resp)); err != nil || resp.Attempts != 1 {
				t.Errorf("TLS %t: %v after %d attempts", tls, err, resp.Attempts)
			}
		}
		if n := len(s.Requests()); n != 3 {
			t.Errorf("TLS %t: %d requests", tls, n)
		}
	}
}

func TestTheProxyKeepsWorking(t *testing.T) {
	t.Parallel()
	proxy := support.Serve(t, support.Respond(200, support.LeadJSON))
	to, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(to)}
	defer transport.CloseIdleConnections()
	c := support.NewClient(t, leedo.WithBaseURL("http://api.leedo.example/v1"), leedo.WithInsecureHTTP(),
		leedo.WithHTTPClient(&http.Client{Transport: transport}))
	if err := support.Reads[0].Call(t.Context(), c); err != nil || len(proxy.Requests()) != 1 {
		t.Errorf("%v, the proxy got %v", err, proxy.Requests())
	}
}
