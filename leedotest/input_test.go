package leedotest_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func TestBadInput(t *testing.T) {
	t.Parallel()
	const jsonType = "Content-Type"
	tests := []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		code, message              string
	}{
		{name: "no token", method: "GET", target: "/leads", headers: []string{"Authorization", ""}, status: 401, code: "unauthorized", message: "token"},
		{name: "wrong token", method: "GET", target: "/leads", headers: []string{"Authorization", "Bearer x"}, status: 401, code: "unauthorized", message: "token"},
		{name: "basic", method: "GET", target: "/leads", headers: []string{"Authorization", "Basic eDp5"}, status: 401, code: "unauthorized", message: "token"},
		{name: "token before route", method: "GET", target: "/nope", headers: []string{"Authorization", ""}, status: 401, code: "unauthorized", message: "token"},

		{name: "root", method: "GET", target: "", status: 404, code: "not_found", message: "/v1"},
		{name: "slash", method: "GET", target: "/", status: 404, code: "not_found", message: "/v1/"},
		{name: "slashes", method: "GET", target: "//", status: 404, code: "not_found", message: "/v1//"},
		{name: "double slash", method: "GET", target: "//leads", status: 404, code: "not_found", message: "/v1//leads"},
		{name: "trailing slash", method: "GET", target: "/leads/", status: 404, code: "not_found", message: "/v1/leads/"},
		{name: "no route", method: "GET", target: "/widgets", status: 404, code: "not_found", message: "/v1/widgets"},
		{name: "not under /v1", method: "GET", target: "leads", status: 404, code: "not_found", message: "/v1leads"},
		{name: "too deep", method: "GET", target: "/leads/a/b", status: 404, code: "not_found", message: "/v1/leads/a/b"},
		{name: "dot segment", method: "GET", target: "/leads/%2e%2e", status: 404, code: "not_found", message: "no such lead"},
		{name: "no contact route", method: "GET", target: "/contacts/" + contactID, status: 404, code: "not_found", message: "/v1/contacts"},
		{name: "no such lead", method: "GET", target: "/leads/x", status: 404, code: "not_found", message: "no such lead"},
		{name: "of another kind", method: "GET", target: "/accounts/" + leadID, status: 404, code: "not_found", message: "no such account"},
		{name: "update nothing", method: "PATCH", target: "/leads/x", body: `{`, status: 404, code: "not_found", message: "no such lead"},
		{name: "not escaped", method: "GET", target: "/leads/a/b?page=1", status: 404, code: "not_found", message: "/v1/leads/a/b"},

		{name: "delete", method: "DELETE", target: "/leads/" + leadID, status: 405, code: "method_not_allowed", message: "DELETE"},
		{name: "post one", method: "POST", target: "/leads/" + leadID, body: `{}`, status: 405, code: "method_not_allowed", message: "POST"},
		{name: "post campaign", method: "POST", target: "/campaigns", body: `{"name":"x"}`, status: 405, code: "method_not_allowed", message: "POST"},
		{name: "patch account", method: "PATCH", target: "/accounts/" + accountID, body: `{}`, status: 405, code: "method_not_allowed", message: "PATCH"},
		{name: "own method", method: "MOVE", target: "/leads", status: 405, code: "method_not_allowed", message: "MOVE"},

		{name: "page zero", method: "GET", target: "/leads?page=0", status: 400, code: "bad_request", message: "page must"},
		{name: "page negative", method: "GET", target: "/leads?page=-1", status: 400, code: "bad_request", message: "page must"},
		{name: "page empty", method: "GET", target: "/leads?page=", status: 400, code: "bad_request", message: "page must"},
		{name: "page word", method: "GET", target: "/leads?page=two", status: 400, code: "bad_request", message: "page must"},
		{name: "page signed", method: "GET", target: "/leads?page=%2B1", status: 400, code: "bad_request", message: "page must"},
		{name: "per_page zero", method: "GET", target: "/leads?per_page=0", status: 400, code: "bad_request", message: "per_page must"},
		{name: "per_page fraction", method: "GET", target: "/leads?per_page=1.5", status: 400, code: "bad_request", message: "per_page must"},
		{name: "bad query", method: "GET", target: "/leads?page=%zz", status: 400, code: "bad_request", message: "query"},
		{name: "semicolon", method: "GET", target: "/leads?page=1;per_page=2", status: 400, code: "bad_request", message: "query"},

		{name: "no body", method: "POST", target: "/leads", status: 400, code: "bad_request", message: "JSON"},
		{name: "spaces", method: "POST", target: "/leads", body: "  \n", status: 400, code: "bad_request", message: "JSON"},
		{name: "cut JSON", method: "POST", target: "/leads", body: `{"name":"x"`, status: 400, code: "bad_request", message: "JSON"},
		{name: "garbage", method: "POST", target: "/leads", body: "\x00\xff", status: 400, code: "bad_request", message: "JSON"},
		{name: "deep", method: "POST", target: "/leads", body: strings.Repeat(`[`, 100_000), status: 400, code: "bad_request", message: "JSON"},
		{name: "two values", method: "POST", target: "/leads", body: `{"name":"x"}{}`, status: 400, code: "bad_request", message: "follows"},
		{name: "trailing garbage", method: "POST", target: "/leads", body: `{"name":"x"}]`, status: 400, code: "bad_request", message: "follows"},
		{name: "array", method: "POST", target: "/leads", body: `[{"name":"x"}]`, status: 400, code: "bad_request", message: "object"},
		{name: "null", method: "POST", target: "/leads", body: `null`, status: 400, code: "bad_request", message: "object"},
		{name: "string", method: "PATCH", target: "/leads/" + leadID, body: `"x"`, status: 400, code: "bad_request", message: "object"},
		{name: "no name", method: "POST", target: "/leads", body: `{"email":"x"}`, status: 400, code: "bad_request", message: "name must"},
		{name: "empty name", method: "POST", target: "/accounts", body: `{"name":""}`, status: 400, code: "bad_request", message: "name must"},
		{name: "null name", method: "POST", target: "/contacts", body: `{"name":null}`, status: 400, code: "bad_request", message: "name must"},
		{name: "number name", method: "POST", target: "/leads", body: `{"name":5}`, status: 400, code: "bad_request", message: "name must"},
		{name: "patch name null", method: "PATCH", target: "/leads/" + leadID, body: `{"name":null}`, status: 400, code: "bad_request", message: "name must"},
		{name: "patch name empty", method: "PATCH", target: "/leads/" + leadID, body: `{"name":""}`, status: 400, code: "bad_request", message: "name must"},
		{name: "number email", method: "POST", target: "/leads", body: `{"name":"x","email":5}`, status: 400, code: "bad_request", message: "email must"},
		{name: "object status", method: "PATCH", target: "/leads/" + leadID, body: `{"status":{}}`, status: 400, code: "bad_request", message: "status must"},
		{name: "array website", method: "POST", target: "/accounts", body: `{"name":"x","website":[]}`, status: 400, code: "bad_request", message: "website must"},
		{name: "bool account_id", method: "POST", target: "/contacts", body: `{"name":"x","account_id":true}`, status: 400, code: "bad_request", message: "account_id must"},
		{name: "no such account", method: "POST", target: "/contacts", body: `{"name":"x","account_id":"none"}`, status: 400, code: "bad_request", message: "account_id"},
		{name: "lead for account", method: "POST", target: "/contacts", body: `{"name":"x","account_id":"` + leadID + `"}`, status: 400, code: "bad_request", message: "account_id"},

		{name: "form", method: "POST", target: "/leads", body: `name=x`, headers: []string{jsonType, "application/x-www-form-urlencoded"}, status: 415, code: "unsupported_media_type", message: "Content-Type"},
		{name: "bad type", method: "POST", target: "/leads", body: `{"name":"x"}`, headers: []string{jsonType, ";;"}, status: 415, code: "unsupported_media_type", message: "Content-Type"},
		{name: "text", method: "PATCH", target: "/leads/" + leadID, body: `{"name":"x"}`, headers: []string{jsonType, "text/plain"}, status: 415, code: "unsupported_media_type", message: "Content-Type"},
		{name: "huge", method: "POST", target: "/leads", body: `{"name":"` + strings.Repeat("x", 3<<20) + `"}`, status: 413, code: "request_entity_too_large", message: "1048576"},
		{name: "huge on GET", method: "GET", target: "/leads", body: strings.Repeat("x", 1<<20+1), status: 413, code: "request_entity_too_large", message: "1048576"},
	}
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		s := documented()
		f := open(s)
		before := [...]any{s.Leads()[0], s.Accounts()[0], s.Contacts()[0], s.Campaigns()[0]}
		for i, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				r := f.do(t, tt.method, tt.target, tt.body, tt.headers...)
				checkError(t, r, tt.status, tt.code, tt.message)
				if got, want := r.Header.Get("X-Request-Id"), fmt.Sprintf("req_%d", i+1); got != want {
					t.Errorf("X-Request-Id %q, want %q", got, want)
				}
				if (r.StatusCode == 405) != (r.Header.Get("Allow") != "") {
					t.Errorf("Allow %q", r.Header.Get("Allow"))
				}
				if (r.StatusCode == 401) != (r.Header.Get("WWW-Authenticate") != "") {
					t.Errorf("WWW-Authenticate %q", r.Header.Get("WWW-Authenticate"))
				}
				if got := s.Requests()[i]; got.Status != tt.status || got.Method != tt.method {
					t.Errorf("recorded as %s with %d", got.Method, got.Status)
				}
			})
		}
		if after := [...]any{s.Leads()[0], s.Accounts()[0], s.Contacts()[0], s.Campaigns()[0]}; after != before || len(s.Leads()) != 1 {
			t.Errorf("rejected requests changed something: %v", after)
		}
	})
}

func TestAllow(t *testing.T) {
	t.Parallel()
	f := inMemory(documented())
	for target, want := range map[string]string{
		"/leads":                   "GET, HEAD, POST",
		"/leads/" + leadID:         "GET, HEAD, PATCH",
		"/accounts":                "GET, HEAD, POST",
		"/accounts/" + accountID:   "GET, HEAD",
		"/contacts":                "GET, HEAD, POST",
		"/campaigns":               "GET, HEAD",
		"/campaigns/" + campaignID: "GET, HEAD",
	} {
		if got := f.do(t, "PUT", target, "").Header.Get("Allow"); got != want {
			t.Errorf("%s: Allow %q, want %q", target, got, want)
		}
	}
}

func TestGoodInput(t *testing.T) {
	t.Parallel()
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		s := leedotest.NewServer()
		f := open(s)
		for _, id := range []string{"a/b", "ä ?#%", "..", "{id}", "%2F"} {
			s.AddLead(leedo.Lead{ID: id, Name: id})
			r := f.do(t, "GET", "/leads/"+strings.ReplaceAll(url.PathEscape(id), "..", "%2e%2e"), "")
			if r.StatusCode != 200 || fields(t, r.body)["id"] != id {
				t.Errorf("GET %q: %s %s", id, r.Status, r.body)
			}
		}
		// Content-Type may be missing, and Bearer may have any case.
		r := f.do(t, "POST", "/leads", `{"name":"x"} `+"\n", "Content-Type", "", "Authorization", "bearer "+s.Token())
		if r.StatusCode != 201 {
			t.Errorf("%s %s", r.Status, r.body)
		}
		name := strings.Repeat("x", 1<<20-len(`{"name":""}`))
		if r := f.do(t, "POST", "/leads", `{"name":"`+name+`"}`); r.StatusCode != 201 {
			t.Errorf("a body of one MiB: %s %s", r.Status, r.body)
		}
	})
}

func TestWithToken(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer(leedotest.WithToken("secret"), leedotest.WithToken(""), nil)
	if s.Token() != "secret" {
		t.Fatalf("Token() = %q", s.Token())
	}
	f := inMemory(s)
	if r := f.do(t, "GET", "/leads", ""); r.StatusCode != 401 {
		t.Errorf("the default token: %s", r.Status)
	}
	if r := f.do(t, "GET", "/leads", "", "Authorization", "Bearer secret"); r.StatusCode != 200 {
		t.Errorf("the right token: %s", r.Status)
	}
}

// A path that net/http's client does not send, and its server rejects.
func TestMalformedPath(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	req := &http.Request{
		Method: "GET",
		URL:    &url.URL{Scheme: "https", Host: "x", Opaque: "/v1/leads/%zz"},
		Header: http.Header{"Authorization": {"Bearer " + s.Token()}},
	}
	resp, err := s.HTTPClient().Transport.RoundTrip(req)
	if err != nil || resp.StatusCode != 400 {
		t.Errorf("in memory: %v, %v", resp, err)
	}

	ts := httptest.NewServer(s)
	defer ts.Close()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", ts.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /v1/leads/%%zz HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err = http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != 400 {
		t.Errorf("over a socket: %v, %v", resp, err)
	}
}

// Requests that no server would pass to a handler.
func TestServeHTTPBare(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, &http.Request{})
	if w.Code != 401 {
		t.Errorf("a zero request: %d", w.Code)
	}

	w = httptest.NewRecorder()
	r := httptest.NewRequestWithContext(context.Background(), "POST", "/v1/leads", badReader{})
	r.Header.Set("Authorization", "Bearer "+s.Token())
	s.ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "in full") {
		t.Errorf("a body cut off: %d %s", w.Code, w.Body)
	}
}
