package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// site is a fake with its page, in memory.
type site struct {
	t       *testing.T
	fake    *leedotest.Server
	handler http.Handler
}

func newSite(t *testing.T) *site {
	fake := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	return &site{t, fake, withPage(fake, routes(fake))}
}

// call sends a request to the API. It returns 0 if the connection is cut.
func (s *site) call(method, path, body string) (status int) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.fake.Token())
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Code
}

// local returns a request to the page from this machine. A form makes it a POST.
func (s *site) local(form url.Values) *http.Request {
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://127.0.0.1:8080/", nil)
	if form != nil {
		r = httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://127.0.0.1:8080/", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.RemoteAddr = "127.0.0.1:50000"
	return r
}

func (s *site) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// expect checks that the page has the texts.
func (s *site) expect(texts ...string) {
	s.t.Helper()
	w := s.serve(s.local(nil))
	body := html.UnescapeString(w.Body.String())
	for _, text := range texts {
		if w.Code != http.StatusOK || !strings.Contains(body, text) {
			s.t.Errorf("status %d, %q is missing in:\n%s", w.Code, text, body[strings.Index(body, "<main>"):])
		}
	}
}

// post sends a form that changes the faults.
func (s *site) post(form url.Values) {
	s.t.Helper()
	if w := s.serve(s.local(form)); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/#faults" {
		s.t.Fatalf("status %d, to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
}

func TestPageFaults(t *testing.T) {
	s := newSite(t)
	s.expect("No faults", "Leads: 0", "No request has arrived yet.", "100 of 100 requests left")
	add := func(fault string) {
		t.Helper()
		form, err := url.ParseQuery(fault)
		if err != nil {
			t.Fatal(err)
		}
		s.post(form)
	}
	create := func(want, leads int) {
		t.Helper()
		if status := s.call("POST", "/v1/leads", `{"name":"Ada"}`); status != want || len(s.fake.Leads()) != leads {
			t.Errorf("status %d and %d leads, want %d and %d", status, len(s.fake.Leads()), want, leads)
		}
	}

	if body := s.serve(s.local(nil)).Body.String(); strings.Contains(body, "Reset at") {
		t.Error("an unused quota has a reset")
	}

	add("method=POST&path=/leads&status=503&times=2")
	s.expect("POST /leads", "503 Service Unavailable, 2 times")
	s.call("GET", "/v1/leads", "")
	create(503, 0)
	s.expect("503 Service Unavailable, once")
	create(503, 0)
	s.expect("No faults")
	create(201, 1)

	add("status=500&times=1&processed=yes")
	s.expect("any method any path", "500 Internal Server Error, but processed, once")
	create(500, 2)
	add("status=cut&times=")
	s.expect("connection cut, until cleared")
	create(0, 2)
	create(0, 2)
	add("clear=all")
	create(201, 3)
	add("clear=all") // again, in another window

	// Faults from elsewhere.
	s.fake.Inject(leedotest.Fault{Header: http.Header{"X-A": {"b"}}, Body: "{}", Truncate: 1, Latency: time.Second, BytesPerSecond: 9, Chance: 0.5, After: 3})
	s.expect("other headers, another body, truncated to 1 B, 9 B/s, 1s late, with a chance of 0.5, not for the first 3, once")
	add("clear=all")

	s.expect("No faults", "Leads: 3", "94 of 100 requests left", "Reset at", `<span class="bad">no response</span>`, `<span class="ok">201 Created</span>`)
}

func TestPageForms(t *testing.T) {
	for _, test := range []struct{ form, want string }{
		{"method=post&status=500", "method &#34;post&#34; must"},
		{"path=leads&status=500", "path &#34;leads&#34; must"},
		{"path=/leads?page=1&status=500", "path &#34;/leads?page=1&#34; must"},
		{"path=/v1/leads&status=500", "path &#34;/v1/leads&#34; must"},
		{"", "the status must"},
		{"status=199", "status 199 must"},
		{"status=0", "no effect"},
		{"status=500&times=0", "times must"},
		{"status=500&times=-1", "times must"},
		{"status=500&times=many", "times must"},
		{"status=500&path=" + strings.Repeat("/long", 5000), "the form"},
		{"path=%zz", "the form"},
	} {
		s := newSite(t)
		r := s.local(url.Values{})
		r.Body = io.NopCloser(strings.NewReader(test.form))
		w := s.serve(r)
		if body := w.Body.String(); w.Code != http.StatusBadRequest || !strings.Contains(body, `<p role="alert">Not added: `+test.want) {
			t.Errorf("%.40q: status %d, without %q", test.form, w.Code, test.want)
		}
		if s.fake.Pending() != nil {
			t.Errorf("%.40q adds a fault", test.form)
		}
	}
	s := newSite(t)
	w := s.serve(s.local(url.Values{"method": {"POST"}, "path": {"leads"}, "status": {"403"}, "times": {"7"}, "processed": {"yes"}}))
	for _, want := range []string{`"POST" selected`, `value="leads"`, `"403" selected`, `value="7"`, " checked"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the form lost %s", want)
		}
	}
}

func TestPageAccess(t *testing.T) {
	for _, test := range []struct {
		peer, host, password string
		want                 int
	}{
		{"127.0.0.1:50000", "127.0.0.1:8080", "", 200},
		{"127.0.0.1:50000", "localhost:8080", "", 200},
		{"127.0.0.1:50000", "LOCALHOST", "", 200},
		{"[::1]:50000", "[::1]:8080", "", 200},
		{"[::ffff:127.0.0.1]:50000", "127.0.0.1:8080", "", 200},
		{"127.0.0.1:50000", "site.example:8080", "", 401}, // a name that resolves to this machine
		{"127.0.0.1:50000", "127.0.0.1.site.example", "", 401},
		{"127.0.0.1:50000", "", "", 401},
		{"192.0.2.1:50000", "127.0.0.1:8080", "", 401},
		{"192.0.2.1:50000", "192.0.2.2:8080", "", 401},
		{"192.0.2.1:50000", "192.0.2.2:8080", "wrong", 401},
		{"192.0.2.1:50000", "192.0.2.2:8080", "leedotest-token", 200},
		{"127.0.0.1:50000", "site.example:8080", "leedotest-token", 200},
	} {
		s := newSite(t)
		s.fake.AddLead(leedo.Lead{Name: "Ada"})
		r := s.local(nil)
		r.RemoteAddr, r.Host = test.peer, test.host
		if test.password != "" {
			r.SetBasicAuth("", test.password)
		}
		w := s.serve(r)
		if w.Code != test.want || strings.Contains(w.Body.String(), "Ada") != (w.Code == 200) {
			t.Errorf("%+v: status %d, %s", test, w.Code, w.Body)
		}
		if (w.Header().Get("WWW-Authenticate") != "") != (w.Code == 401) {
			t.Errorf("%+v: WWW-Authenticate %q", test, w.Header().Get("WWW-Authenticate"))
		}
	}

	// Another origin cannot post a form, not even one of this machine with another port.
	for _, header := range []string{
		"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
		"Origin: http://site.example", "Origin: http://127.0.0.1:3000", "Origin: http://localhost:8080", "Origin: null",
	} {
		for _, form := range []url.Values{{"status": {"500"}}, {"clear": {"all"}}} {
			s := newSite(t)
			s.fake.Inject(leedotest.Fault{Drop: true})
			r := s.local(form)
			name, value, _ := strings.Cut(header, ": ")
			r.Header.Set(name, value)
			if w := s.serve(r); w.Code != http.StatusForbidden || len(s.fake.Pending()) != 1 {
				t.Errorf("%s, %v: status %d, faults %v", header, form, w.Code, s.fake.Pending())
			}
		}
	}
	// That of the page can.
	for _, header := range []string{"Sec-Fetch-Site: same-origin", "Origin: http://127.0.0.1:8080"} {
		s := newSite(t)
		r := s.local(url.Values{"status": {"500"}})
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
		if w := s.serve(r); w.Code != http.StatusSeeOther {
			t.Errorf("%s: status %d", header, w.Code)
		}
	}

	s := newSite(t)
	r := s.local(nil)
	r.Method = http.MethodDelete
	if w := s.serve(r); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("DELETE: status %d, %v", w.Code, w.Header())
	}
	w := s.serve(s.local(nil))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("policy %q", policy)
	}
	for _, text := range []string{style, script} { // the policy has their hashes
		if !strings.Contains(w.Body.String(), ">"+text+"<") {
			t.Error("the style or the script is changed")
		}
	}
}

// TestPageEscapes checks that no text of a request or record becomes part of the page.
func TestPageEscapes(t *testing.T) {
	s := newSite(t)
	const hostile = `"'><script>x</script>{{.}}</pre>`
	s.fake.AddLead(leedo.Lead{ID: hostile, Name: hostile, Email: hostile, Status: hostile})
	s.fake.AddAccount(leedo.Account{ID: "a", Name: hostile, Industry: hostile, Website: hostile})
	s.fake.AddContact(leedo.Contact{ID: "b", Name: hostile, Email: hostile, Role: hostile})
	s.fake.AddCampaign(leedo.Campaign{ID: "c", Name: hostile, Status: hostile})
	s.fake.Inject(leedotest.Fault{Status: 500, Body: hostile, Header: http.Header{"X-Hostile": {hostile}}})
	s.call("POST", "/v1/leads?x="+url.QueryEscape(hostile), hostile)
	s.call("POST", "/v1/leads", "\xff\x00")
	s.post(url.Values{"path": {`/"'><script>`}, "status": {"500"}})
	r := s.local(url.Values{"path": {hostile}, "times": {hostile}})
	r.Host = "localhost"
	for _, w := range []*httptest.ResponseRecorder{s.serve(s.local(nil)), s.serve(r)} {
		body := w.Body.String()
		if n := strings.Count(body, "<script>"); n != 1 || strings.Contains(body, `"'>`) || strings.Contains(body, "\xff") {
			t.Errorf("%d scripts in:\n%s", n, body)
		}
	}
	s.expect(hostile, "X-Hostile: "+hostile)
}

func TestPageRequests(t *testing.T) {
	s := newSite(t)
	s.fake.AddLead(leedo.Lead{ID: "1", Name: "Ada"})
	s.fake.Inject(leedotest.Fault{Path: "/leads/1", Truncate: 5})
	s.call("GET", "/v1/leads/1", "")
	s.expect(`<span class="bad">200 OK, cut</span>`)
	s.call("HEAD", "/v1/leads/1", "")
	s.expect(`<b>HEAD</b> <code>/v1/leads/1</code> <span class="ok">200 OK</span>`)
	if body := s.serve(s.local(nil)).Body.String(); strings.Contains(body, "updated_at") {
		t.Error("the page shows a body of a response to HEAD")
	}
	s.call("POST", "/v1/leads", `{"name":"Grace"}`)
	s.expect("{\n  \"name\": \"Grace\"\n}", "X-Request-Id: req_3", `"updated_at"`)
	s.call("POST", "/v1/leads", `{"name":"`+strings.Repeat("A", maxExcerpt)+`"}`)
	s.expect(`{"name":"` + strings.Repeat("A", maxExcerpt-9) + "…")
	if n := len(s.fake.Leads()[0].Name); n != maxExcerpt {
		t.Errorf("the fake got a name of %d bytes", n)
	}

	s.fake.OnRequest(func(r leedotest.Request) { // while it is handled
		if r.Path == "/campaigns" {
			s.expect(`<code>/v1/campaigns?page=2</code> <span class="open">pending</span>`)
		}
	})
	s.call("GET", "/v1/campaigns?page=2", "")
	s.expect(`<code>/v1/campaigns?page=2</code> <span class="ok">200 OK</span>`)

	s.fake.SetRateLimit(0, time.Hour)
	s.call("GET", "/v1/leads", "")
	s.expect(`<span class="bad">429 Too Many Requests</span>`, "Spent: none of 0 requests is left")
	s.fake.SetRateLimit(-1, time.Hour)
	s.call("GET", "/v1/leads", "")
	s.expect("There is no rate limit.")

	for i := range 2 * maxRequests {
		s.call("GET", fmt.Sprintf("/v1/leads/%d", i), "")
	}
	s.call("GET", "/_fake/faults", "")
	body := s.serve(s.local(nil)).Body.String()
	newest, next := strings.Index(body, fmt.Sprintf("/v1/leads/%d<", 2*maxRequests-1)), strings.Index(body, fmt.Sprintf("/v1/leads/%d<", 2*maxRequests-2))
	if n := strings.Count(body, "<summary>"); n != maxRequests || newest < 0 || newest > next {
		t.Errorf("%d requests, the newest at %d and %d", n, newest, next)
	}
	if strings.Contains(body, "/_fake/") {
		t.Error("the page shows a request of the control interface")
	}
	if strings.Contains(body, s.fake.Token()) {
		t.Error("the page shows the token")
	}
}

// A reset empties the list of requests on the page, too, for those in flight as well.
func TestPageReset(t *testing.T) {
	s := newSite(t)
	s.call("GET", "/v1/leads?page=1", "")
	reset := func(token string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/_fake/reset", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		s.serve(r)
	}
	reset("wrong")
	s.expect(`id="request-1"`)
	s.fake.OnRequest(func(r leedotest.Request) {
		if r.Query.Get("page") == "2" {
			reset(s.fake.Token())
		}
	})
	s.call("GET", "/v1/leads?page=2", "")
	s.expect("No request has arrived yet.")
	s.call("GET", "/v1/leads?page=3", "")
	s.expect(`id="request-3"`)
}

// TestPageRecords checks which records the page shows.
func TestPageRecords(t *testing.T) {
	s := newSite(t)
	seed(s.fake, 7)
	if at := s.fake.Leads()[0].CreatedAt; at.Nanosecond() != 0 {
		t.Errorf("created at %v, not in whole seconds as in the documentation", at)
	}
	s.fake.AddAccount(leedo.Account{})
	s.expect("Leads: 7", "Accounts: 8", "Contacts: 7", "Campaigns: 7",
		"lead7@example.com · qualified", "(no name)", "contact3@example.com · Product Manager", "active · leads: 3")
	if body := s.serve(s.local(nil)).Body.String(); strings.Contains(body, "Lead 2") {
		t.Error("the page shows more than the newest leads")
	}
}

// TestPageServed opens the page of the program.
func TestPageServed(t *testing.T) {
	t.Parallel()
	p := start(t, "-addr", "127.0.0.1:0", "-seed", "1")
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Get(strings.TrimSuffix(p.url, "v1"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), "<code>"+p.url+"</code>") {
		t.Errorf("status %d, %v:\n%s", response.StatusCode, err, body)
	}
}
