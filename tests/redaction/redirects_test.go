package redaction_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

func TestTheTokenIsNotSentElsewhere(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]func(home, other *support.Server, plain string) string{
		"another port": func(_, other *support.Server, _ string) string { return other.URL + "/v1/leads" },
		"another host": func(home, _ *support.Server, _ string) string {
			return strings.Replace(home.URL, "127.0.0.1", "localhost", 1)
		},
		"another scheme":     func(home, _ *support.Server, _ string) string { return swapScheme(home.URL) },
		"http, another port": func(_, _ *support.Server, plain string) string { return plain },
		"no scheme":          func(_, other *support.Server, _ string) string { return strings.TrimPrefix(other.URL, "https:") },
		"user and password": func(_, other *support.Server, _ string) string {
			return strings.Replace(other.URL, "//", "//leedo:"+support.Token+"@", 1)
		},
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, target := range elsewhere {
			t.Run(http.StatusText(status)+"/"+name, func(t *testing.T) {
				t.Parallel()
				home, other, plain := support.NewServer(t), support.NewServer(t, support.Respond(200, support.LeadJSON)), support.Serve(t, support.Respond(200, support.LeadJSON))
				other.StartTLS()
				var to string
				home.Config.Handler = home.Handler([]http.HandlerFunc{func(w http.ResponseWriter, req *http.Request) {
					support.Respond(status, "", "Location", to)(w, req)
				}})
				home.StartTLS()
				to = target(home, other, plain.URL)
				for _, op := range append(support.Writes[:len(support.Writes):len(support.Writes)], support.Reads...) {
					before := len(home.Requests())
					err := op.Call(t.Context(), home.TLSClient(t))
					e, ok := errors.AsType[*leedo.APIError](err)
					write := op.Name != support.Reads[0].Name && op.Name != support.Reads[1].Name
					if unknown := write && (status == 302 || status == 303); !ok || e.StatusCode != status || support.Is[*leedo.UnknownOutcomeError](err) != unknown {
						t.Errorf("%s: got %v", op.Name, err)
					}
					if ok && !strings.Contains(e.Message, hostOf(t, to)) {
						t.Errorf("%s: %q does not name %s", op.Name, e.Message, hostOf(t, to))
					}
					if n := len(home.Requests()) - before; n != 1 {
						t.Errorf("%s: %d requests", op.Name, n)
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

func TestRedirectsWithinTheOrigin(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := support.Serve(t, support.Respond(status, "", "Location", "/v1/leads/moved"), support.Respond(200, support.LeadJSON))
		var got leedo.Response
		err := support.Reads[0].Call(t.Context(), s.Client(t), leedo.WithResponse(&got))
		requests := s.Requests()
		if err != nil || len(requests) != 2 || got.Attempts != 2 || requests[1].Path != "/v1/leads/moved" {
			t.Fatalf("%d: %v, %v", status, err, requests)
		}
		if h := requests[1].Header; h.Get("Authorization") != "Bearer "+support.Token || h.Get("Accept") != "application/json" {
			t.Errorf("%d: the second request has %v", status, h)
		}
		for _, op := range append(support.Writes[:len(support.Writes):len(support.Writes)], support.Reads[1]) {
			s := support.Serve(t, support.Respond(status, "", "Location", "/v1/leads/moved"), support.Respond(200, support.LeadJSON))
			err := op.Call(t.Context(), s.Client(t))
			e, ok := errors.AsType[*leedo.APIError](err)
			unknown := op.Name != support.Reads[1].Name && (status == 302 || status == 303)
			if !ok || e.StatusCode != status || len(s.Requests()) != 1 || support.Is[*leedo.UnknownOutcomeError](err) != unknown {
				t.Errorf("%s, %d: %v after %d requests", op.Name, status, err, len(s.Requests()))
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
		"no host":      {"mailto:" + support.Token, 1},
	}
	for name, test := range odd {
		for _, op := range []support.Operation{support.Reads[0], support.Writes[0]} {
			s := support.Serve(t, support.Respond(302, "", "Location", test.location))
			err := op.Call(t.Context(), s.Client(t))
			e, ok := errors.AsType[*leedo.APIError](err)
			want := test.requests
			if op.Name == "Create" {
				want = 1
			}
			if !ok || e.StatusCode != 302 || e.Attempts != want || len(s.Requests()) != want {
				t.Errorf("%s, %s: %v after %d requests", name, op.Name, err, len(s.Requests()))
			}
			if ok && strings.Contains(e.Error(), support.Token) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestTheUsersCheckRedirectRunsAfterOurs(t *testing.T) {
	t.Parallel()
	other := support.Serve(t, support.Respond(200, support.LeadJSON))
	refused := errors.New("I do not want to")
	tests := []struct {
		name  string
		check func(*http.Request, []*http.Request) error
		want  func(error) bool
		sent  int
	}{
		{"follow", func(*http.Request, []*http.Request) error { return nil }, func(err error) bool { return err == nil }, 2},
		{"stop", func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, support.Is[*leedo.APIError], 1},
		{"refuse", func(*http.Request, []*http.Request) error { return refused }, func(err error) bool {
			return errors.Is(err, refused) && support.Is[*leedo.APIError](err)
		}, 1},
		{"lead astray", func(req *http.Request, _ []*http.Request) error {
			req.URL.Host = strings.TrimPrefix(other.URL, "http://")
			return nil
		}, func(err error) bool { return err != nil }, 1},
	}
	for _, test := range tests {
		called := 0
		s := support.Serve(t, support.Respond(302, "", "Location", "/v1/leads/moved"), support.Respond(200, support.LeadJSON))
		transport := &http.Transport{}
		c := s.Client(t, leedo.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
			called++
			for _, r := range append(via, req) {
				if r.Header.Get("Authorization") != "" {
					t.Errorf("%s: shown the token", test.name)
				}
			}
			return test.check(req, via)
		}}))
		if err := support.Reads[0].Call(t.Context(), c); !test.want(err) || called != 1 || len(s.Requests()) != test.sent {
			t.Errorf("%s: %v, called %d times, %d requests", test.name, err, called, len(s.Requests()))
		}
		// Ours comes first: what it does not follow is not asked about.
		called = 0
		away := support.Serve(t, support.Respond(302, "", "Location", other.URL))
		c = away.Client(t, leedo.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			called++
			return nil
		}}))
		if err := support.Reads[0].Call(t.Context(), c); !support.Is[*leedo.APIError](err) || called != 0 {
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
		if _, err := leedo.NewClient(support.Token, leedo.WithBaseURL(test.base)); (err == nil) != test.ok || err != nil && !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("%s: %v", test.base, err)
		}
		if _, err := leedo.NewClient(support.Token, leedo.WithBaseURL(test.base), leedo.WithInsecureHTTP()); err != nil {
			t.Errorf("%s, although told so: %v", test.base, err)
		}
	}
}
