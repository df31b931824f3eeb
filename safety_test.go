package leedo_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
)

func TestTheTokenStaysHome(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]func(home, other *server, plain string) string{
		"another port":       func(_, other *server, _ string) string { return other.URL + "/v1/leads" },
		"another host":       func(home, _ *server, _ string) string { return strings.Replace(home.URL, "127.0.0.1", "localhost", 1) },
		"another scheme":     func(home, _ *server, _ string) string { return swapScheme(home.URL) },
		"http, another port": func(_, _ *server, plain string) string { return plain },
		"no scheme":          func(_, other *server, _ string) string { return strings.TrimPrefix(other.URL, "https:") },
		"user and password": func(_, other *server, _ string) string {
			return strings.Replace(other.URL, "//", "//leedo:"+testToken+"@", 1)
		},
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, target := range elsewhere {
			t.Run(http.StatusText(status)+"/"+name, func(t *testing.T) {
				t.Parallel()
				home, other, plain := newServer(t), newServer(t, answer(200, leadJSON)), serve(t, answer(200, leadJSON))
				other.StartTLS()
				var to string
				home.Config.Handler = home.handler([]http.HandlerFunc{func(w http.ResponseWriter, req *http.Request) {
					answer(status, "", "Location", to)(w, req)
				}})
				home.StartTLS()
				to = target(home, other, plain.URL)
				for _, op := range append(writes[:len(writes):len(writes)], reads...) {
					before := len(home.Requests())
					err := op.call(t.Context(), home.tlsClient(t))
					e, ok := errors.AsType[*leedo.APIError](err)
					write := op.name != reads[0].name && op.name != reads[1].name
					if unknown := write && (status == 302 || status == 303); !ok || e.StatusCode != status || is[*leedo.UnknownOutcomeError](err) != unknown {
						t.Errorf("%s: got %v", op.name, err)
					}
					if ok && !strings.Contains(e.Message, hostOf(t, to)) {
						t.Errorf("%s: %q does not name %s", op.name, e.Message, hostOf(t, to))
					}
					if n := len(home.Requests()) - before; n != 1 {
						t.Errorf("%s: %d requests", op.name, n)
					}
				}
				if got := append(other.Requests(), plain.Requests()...); len(got) > 0 {
					t.Errorf("followed: %v", got)
				}
			})
		}
	}
}

func swapScheme(u string) string { return strings.Replace(u, "https:", "http:", 1) }

// hostOf returns host and port of a URL.
func hostOf(t *testing.T, s string) string {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestRedirectsAtHome(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := serve(t, answer(status, "", "Location", "/v1/leads/moved"), answer(200, leadJSON))
		var got leedo.Response
		err := reads[0].call(t.Context(), s.client(t), leedo.WithResponse(&got))
		requests := s.Requests()
		if err != nil || len(requests) != 2 || got.Attempts != 2 || requests[1].Path != "/v1/leads/moved" {
			t.Fatalf("%d: %v, %v", status, err, requests)
		}
		if h := requests[1].Header; h.Get("Authorization") != "Bearer "+testToken || h.Get("Accept") != "application/json" {
			t.Errorf("%d: the second request has %v", status, h)
		}
		for _, op := range append(writes[:len(writes):len(writes)], reads[1]) {
			s := serve(t, answer(status, "", "Location", "/v1/leads/moved"), answer(200, leadJSON))
			err := op.call(t.Context(), s.client(t))
			e, ok := errors.AsType[*leedo.APIError](err)
			unknown := op.name != reads[1].name && (status == 302 || status == 303)
			if !ok || e.StatusCode != status || len(s.Requests()) != 1 || is[*leedo.UnknownOutcomeError](err) != unknown {
				t.Errorf("%s, %d: %v after %d requests", op.name, status, err, len(s.Requests()))
			}
		}
	}
	odd := map[string]struct {
		location string
		requests int
	}{
		"for ever":     {"/v1/leads", 10},
		"no target":    {"", 1},
		"bad target":   {"http://[::1", 1},
		"worse target": {"http://a b/", 1},
		"no host":      {"mailto:" + testToken, 1},
	}
	for name, test := range odd {
		for _, op := range []operation{reads[0], writes[0]} {
			s := serve(t, answer(302, "", "Location", test.location))
			err := op.call(t.Context(), s.client(t))
			e, ok := errors.AsType[*leedo.APIError](err)
			want := test.requests
			if op.name == "Create" {
				want = 1
			}
			if !ok || e.StatusCode != 302 || e.Attempts != want || len(s.Requests()) != want {
				t.Errorf("%s, %s: %v after %d requests", name, op.name, err, len(s.Requests()))
			}
			if ok && strings.Contains(e.Error(), testToken) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestTheUsersCheckRedirectRunsAfterOurs(t *testing.T) {
	t.Parallel()
	other := serve(t, answer(200, leadJSON))
	refused := errors.New("I do not want to")
	tests := []struct {
		name  string
		check func(*http.Request, []*http.Request) error
		want  func(error) bool
		sent  int
	}{
		{"follow", func(*http.Request, []*http.Request) error { return nil }, func(err error) bool { return err == nil }, 2},
		{"stop", func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, is[*leedo.APIError], 1},
		{"refuse", func(*http.Request, []*http.Request) error { return refused }, func(err error) bool {
			return errors.Is(err, refused) && is[*leedo.APIError](err)
		}, 1},
		{"lead astray", func(req *http.Request, _ []*http.Request) error {
			req.URL.Host = strings.TrimPrefix(other.URL, "http://")
			return nil
		}, func(err error) bool { return err != nil }, 1},
	}
	for _, test := range tests {
		called := 0
		s := serve(t, answer(302, "", "Location", "/v1/leads/moved"), answer(200, leadJSON))
		transport := &http.Transport{}
		c := s.client(t, leedo.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
			called++
			for _, r := range append(via, req) {
				if r.Header.Get("Authorization") != "" {
					t.Errorf("%s: shown the token", test.name)
				}
			}
			return test.check(req, via)
		}}))
		if err := reads[0].call(t.Context(), c); !test.want(err) || called != 1 || len(s.Requests()) != test.sent {
			t.Errorf("%s: %v, called %d times, %d requests", test.name, err, called, len(s.Requests()))
		}
		// Ours comes first: what it does not follow is not asked about.
		called = 0
		away := serve(t, answer(302, "", "Location", other.URL))
		c = away.client(t, leedo.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			called++
			return nil
		}}))
		if err := reads[0].call(t.Context(), c); !is[*leedo.APIError](err) || called != 0 {
			t.Errorf("%s: %v, called %d times", test.name, err, called)
		}
		transport.CloseIdleConnections()
	}
	if len(other.Requests()) > 0 {
		t.Errorf("another server got %v", other.Requests())
	}
}

func TestPlainHTTPIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		base string
		ok   bool
	}{
		{"https://api.leedo.app/v1", true},
		{"http://localhost:8080/v1", true},
		{"http://127.8.9.10/v1", true},
		{"http://[::1]:8080/v1", true},
		{"http://[::ffff:127.0.0.1]/v1", true},
		{"http://api.leedo.app/v1", false},
		{"HTTP://api.leedo.app/v1", false},
		{"http://localhost.example.com/v1", false},
		{"http://127.0.0.1.example.com/v1", false},
		{"http://10.0.0.1/v1", false},
		{"http://[::]/v1", false},
		{"http://2130706433/v1", false}, // 127.0.0.1 to some resolvers
	}
	for _, test := range tests {
		if _, err := leedo.NewClient(testToken, leedo.WithBaseURL(test.base)); (err == nil) != test.ok || err != nil && !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("%s: %v", test.base, err)
		}
		if _, err := leedo.NewClient(testToken, leedo.WithBaseURL(test.base), leedo.WithInsecureHTTP()); err != nil {
			t.Errorf("%s, although told so: %v", test.base, err)
		}
	}
}
