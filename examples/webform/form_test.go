package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// The pattern of these tests: a fake of the API in memory, a client of that fake for the
// code under test, and then a look at what the fake was sent and what it holds. Tests in
// which something waits run in a bubble of testing/synctest, where waiting takes no time.

// open opens the form as a browser does, and fills it in.
func open(t *testing.T, site http.Handler) url.Values {
	t.Helper()
	w := httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	token := regexp.MustCompile(`name="token" value="(\w+)"`).FindStringSubmatch(w.Body.String())
	if w.Code != http.StatusOK || token == nil {
		t.Fatalf("status %d, no token in the form:\n%s", w.Code, w.Body)
	}
	return url.Values{
		"token": {token[1]}, "name": {"Ada Example"}, "email": {"ada@example.com"},
		"company": {"Example Inc"}, "phone": {"+1 234 567"},
	}
}

// send presses the button. The browser goes away when ctx ends.
func send(ctx context.Context, site http.Handler, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, "POST", "/?sent", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w
}

// expect checks the status and that the page has the texts.
func expect(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			_, shown, _ := strings.Cut(w.Body.String(), "<main>")
			t.Fatalf("status %d, want %d and %q in:\n%s", w.Code, status, text, shown)
		}
	}
}

// posts returns how many requests to create a lead the fake received.
func posts(server *leedotest.Server) (n int) {
	for _, r := range server.Requests() {
		if r.Method == "POST" {
			n++
		}
	}
	return n
}

func TestFormBecomesALead(t *testing.T) {
	server := leedotest.NewServer()
	site := newSite(server.Client())
	form := open(t, site)
	form.Set("name", " Ada Example ") // as browsers fill it in

	w := send(t.Context(), site, form)
	expect(t, w, http.StatusOK, "Thank you")
	if got := w.Header().Get("Cache-Control"); got != "private, no-cache" {
		t.Errorf("Cache-Control is %q", got) // another visitor must not get the token
	}
	if leads := server.Leads(); len(leads) != 1 || leads[0].Name != "Ada Example" || leads[0].Email != "ada@example.com" ||
		leads[0].Company != "Example Inc" || leads[0].Phone != "+1 234 567" {
		t.Errorf("the fake holds %+v", leads)
	}
}

// The API's messages stand beside the inputs, which keep their values.
func TestFieldErrors(t *testing.T) {
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Method: "POST", Status: 422, Body: `{"errors": {"email": ["is <taken>"]}}`})
	site := newSite(server.Client())
	form := open(t, site)
	form.Set("company", `"><b>`)

	w := send(t.Context(), site, form)
	expect(t, w, http.StatusUnprocessableEntity, `role="alert"`, `id="email-error">is &lt;taken&gt;`,
		`value="ada@example.com" type="email" autocomplete="email" required aria-invalid="true" aria-describedby="email-error"`,
		`value="&#34;&gt;&lt;b&gt;"`, `value="&#43;1 234 567"`)
	if n := strings.Count(w.Body.String(), "aria-invalid="); n != 1 {
		t.Errorf("%d inputs are marked", n)
	}

	// The same form can be sent again.
	form.Set("email", "ada@example.org")
	expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you")
	if leads := server.Leads(); len(leads) != 1 || leads[0].Email != "ada@example.org" {
		t.Errorf("the fake holds %+v", leads)
	}
}

// The API need not name a field.
func TestInvalidWithoutField(t *testing.T) {
	site := newSite(leedotest.NewServer().Client())
	form := open(t, site)
	form.Set("name", " ")
	expect(t, send(t.Context(), site, form), http.StatusUnprocessableEntity, "Please correct this: name must be a non-empty string")
}

func TestQuotaSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.SetRateLimit(1, time.Hour)
		site := newSite(server.Client())
		expect(t, send(t.Context(), site, open(t, site)), http.StatusOK, "Thank you")

		time.Sleep(59*time.Minute + 50*time.Second)
		start := time.Now()
		form := open(t, site)
		w := send(t.Context(), site, form)
		expect(t, w, http.StatusServiceUnavailable, "Nothing was sent", "in 1 min.", `value="ada@example.com"`)
		if waited := time.Since(start); waited > 2*time.Second || posts(server) != 1 {
			t.Errorf("the visitor waited %v, and the API got %d requests", waited, posts(server))
		}

		after, err := time.ParseDuration(w.Header().Get("Retry-After") + "s")
		if err != nil || after < 10*time.Second || after > 12*time.Second {
			t.Fatalf("Retry-After is %v, %v", after, err)
		}
		time.Sleep(after)
		expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you")
		if len(server.Leads()) != 2 {
			t.Errorf("the fake holds %d leads", len(server.Leads()))
		}
	})
}

// A double click sends the form twice, at the same time. All requests get the result of
// the first.
func TestDoubleClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.Inject(leedotest.Fault{Method: "POST", Latency: 5 * time.Second})
		site := newSite(server.Client())
		form := open(t, site)

		var clicks sync.WaitGroup
		for range 3 {
			clicks.Go(func() {
				if w := send(t.Context(), site, form); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Thank you") {
					t.Errorf("status %d:\n%s", w.Code, w.Body)
				}
			})
		}
		clicks.Wait()
		expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you") // and once more, later
		if posts(server) != 1 || len(server.Leads()) != 1 {
			t.Errorf("%d requests created %d leads", posts(server), len(server.Leads()))
		}
	})
}

// A browser that goes away does not end the call. One that waits for another's request
// ends at once.
func TestBrowserGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.Inject(leedotest.Fault{Method: "POST", Latency: 5 * time.Second})
		site := newSite(server.Client())
		form := open(t, site)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()

		var first sync.WaitGroup
		first.Go(func() { send(ctx, site, form) })
		synctest.Wait()
		start := time.Now()
		send(ctx, site, form)
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("the second request ended after %v", waited)
		}
		first.Wait()
		if requests := server.Requests(); len(requests) != 1 || requests[0].Status != http.StatusCreated {
			t.Errorf("requests: %+v", requests)
		}
		expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you")
	})
}

// When no response says whether the lead was created, the site looks for it. It never
// sends the form again.
func TestUnknownOutcome(t *testing.T) {
	for name, test := range map[string]struct {
		fault leedotest.Fault
		known bool
	}{
		"500 after the write":      {leedotest.Fault{Status: 500, Processed: true}, true},
		"cut after the write":      {leedotest.Fault{Drop: true, Processed: true}, true},
		"too late":                 {leedotest.Fault{Latency: time.Hour}, true},
		"500 before the write":     {leedotest.Fault{Status: 500}, false},
		"cut before the write":     {leedotest.Fault{Drop: true}, false},
		"too late, and not at all": {leedotest.Fault{Drop: true, Latency: time.Hour}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := captureLog(t)
				server := leedotest.NewServer()
				// The same visitor was here before, and with another company.
				server.AddLead(leedo.Lead{Name: "Ada Example", Email: "ada@example.com", Company: "Example Inc", CreatedAt: time.Now().Add(-time.Hour)})
				server.AddLead(leedo.Lead{Name: "Ada Example", Email: "ada@example.com"})
				test.fault.Method = "POST"
				server.Inject(test.fault)
				site := newSite(server.Client())
				form := open(t, site)

				w := send(t.Context(), site, form)
				if test.known {
					expect(t, w, http.StatusOK, "Thank you")
					return
				}
				reference := form.Get("token")[:8]
				expect(t, w, http.StatusAccepted, "may or may not have arrived", "do not send them again", "<b>"+reference+"</b>")
				if !strings.Contains(log.String(), reference) || strings.Contains(strings.ToLower(log.String()), "ada") {
					t.Errorf("the log has no reference, or personal data: %s", log)
				}

				// The same form again, and the button of the page: both look only.
				again := url.Values{"token": form["token"]}
				expect(t, send(t.Context(), site, form), http.StatusAccepted, "may or may not have arrived")
				expect(t, send(t.Context(), site, again), http.StatusAccepted, "may or may not have arrived")
				server.AddLead(leedo.Lead{Name: "Ada Example", Email: "ADA@example.com", Company: "Example Inc"}) // a slow server
				expect(t, send(t.Context(), site, again), http.StatusOK, "Thank you")
				expect(t, send(t.Context(), site, again), http.StatusOK, "Thank you")
				expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you")
				if posts(server) != 1 || strings.Count(log.String(), "\n") != 1 {
					t.Errorf("%d requests to create the lead, and the log is\n%s", posts(server), log)
				}
			})
		})
	}
}

// However slow the API is, the visitor gets a page in time.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.Inject(leedotest.Fault{Latency: time.Hour, Times: -1})
		site := newSite(server.Client())
		form, start := open(t, site), time.Now()
		expect(t, send(t.Context(), site, form), http.StatusAccepted, "may or may not have arrived")
		if waited := time.Since(start); waited > 20*time.Second {
			t.Errorf("the visitor waited %v", waited)
		}
	})
}

// The form is sent, and then again with other values, after the Back button of a browser
// that keeps pages.
func TestOtherValues(t *testing.T) {
	server := leedotest.NewServer()
	site := newSite(server.Client())
	form := open(t, site)
	expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you")
	form.Set("name", "Bob Example")

	w := send(t.Context(), site, form)
	expect(t, w, http.StatusConflict, "You sent this form before", `value="Bob Example"`)
	if strings.Contains(w.Body.String(), form.Get("token")) || len(server.Leads()) != 1 {
		t.Errorf("no other token, or %d leads", len(server.Leads()))
	}
}

func TestUnavailable(t *testing.T) {
	log := captureLog(t)
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 401})
	site := newSite(server.Client())
	expect(t, send(t.Context(), site, open(t, site)), http.StatusServiceUnavailable, "our system is not available", `value="Ada Example"`)
	if !strings.Contains(log.String(), "401") || strings.Contains(strings.ToLower(log.String()), "ada") {
		t.Errorf("the log does not have the status, or it has personal data: %s", log)
	}
}

// These requests do not reach the API.
func TestRejected(t *testing.T) {
	for name, test := range map[string]struct {
		change func(form url.Values, header http.Header)
		status int
	}{
		"from another site":   {func(_ url.Values, h http.Header) { h.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"from another origin": {func(_ url.Values, h http.Header) { h.Set("Origin", "https://example.org") }, http.StatusForbidden},
		"too large":           {func(f url.Values, _ http.Header) { f.Set("phone", strings.Repeat("1", 16<<10)) }, http.StatusBadRequest},
		"no token":            {func(f url.Values, _ http.Header) { f.Del("token") }, http.StatusBadRequest},
		"not a form":          {func(_ url.Values, h http.Header) { h.Set("Content-Type", "text/plain") }, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			server := leedotest.NewServer()
			site := newSite(server.Client())
			form := open(t, site)
			header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
			test.change(form, header)
			r := httptest.NewRequest("POST", "/?sent", strings.NewReader(form.Encode()))
			r.Header = header
			w := httptest.NewRecorder()
			site.ServeHTTP(w, r)
			if w.Code != test.status || len(server.Requests()) != 0 {
				t.Errorf("status %d, and %d requests to the API", w.Code, len(server.Requests()))
			}
		})
	}
}

// The site remembers a bounded number of forms, the newest.
func TestRemembered(t *testing.T) {
	s := &site{sent: map[string]*submission{}}
	tokens := make([]string, 5*remembered/2)
	for i := range tokens {
		tokens[i] = strings.Repeat("A", 18) + time.Unix(int64(i), 0).UTC().Format("02150405")
		s.submission(tokens[i]).outcome = leedo.OutcomeDone
		if n := len(s.sent) + len(s.before); n > 2*remembered {
			t.Fatalf("%d forms are remembered", n)
		}
	}
	for _, token := range tokens[len(tokens)-remembered:] {
		if s.submission(token).outcome != leedo.OutcomeDone {
			t.Fatalf("%s is forgotten", token)
		}
	}
}

// captureLog returns what is logged during the test.
func captureLog(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}
