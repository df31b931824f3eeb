package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
		"token": {token[1]}, "name": {" Ada Example "}, "email": {"ada@example.com"},
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
			t.Errorf("status %d, want %d and %q in:\n%s", w.Code, status, text, shown)
		}
	}
}

func TestFormBecomesALead(t *testing.T) {
	server := leedotest.NewServer()
	site := newSite(server.Client())
	w := send(t.Context(), site, open(t, site))
	expect(t, w, http.StatusOK, "Thank you")
	if h := w.Header(); h.Get("Cache-Control") != "private, no-cache" || // another visitor must not get the token
		!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("headers: %v", h)
	}
	if leads := server.Leads(); len(leads) != 1 || leads[0].Name != "Ada Example" ||
		leads[0].Email != "ada@example.com" || leads[0].Company != "Example Inc" || leads[0].Phone != "+1 234 567" {
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

	// The API need not name a field. The same form can be sent again.
	form.Set("name", " ")
	expect(t, send(t.Context(), site, form), http.StatusUnprocessableEntity, "name must be a non-empty string")
	form.Set("name", "Ada Example")
	expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you")
}

func TestQuotaSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.SetRateLimit(1, time.Hour)
		site := newSite(server.Client())
		expect(t, send(t.Context(), site, open(t, site)), http.StatusOK, "Thank you")

		time.Sleep(59*time.Minute + 50*time.Second)
		start, form := time.Now(), open(t, site)
		w := send(t.Context(), site, form)
		expect(t, w, http.StatusServiceUnavailable, "Nothing was sent", "in 1 min.", `value="ada@example.com"`)
		if waited := time.Since(start); waited > 2*time.Second || len(server.Requests()) != 1 {
			t.Errorf("the visitor waited %v, and the API got %d requests", waited, len(server.Requests()))
		}
		if after := w.Header().Get("Retry-After"); after != "60" {
			t.Errorf("Retry-After is %q", after)
		}
		time.Sleep(time.Minute)
		expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you")
	})
}

// A double click sends the form twice, at the same time. All requests get the result of
// the first, also if it failed. After Back, a form that failed is sent again, and others are not.
func TestDoubleClick(t *testing.T) {
	texts := map[int]string{200: "Thank you", 422: "is taken", 202: "may or may not have arrived"}
	for status, fault := range map[int]leedotest.Fault{
		200: {Latency: 5 * time.Second},
		422: {Latency: 5 * time.Second, Status: 422, Body: `{"errors": {"email": ["is taken"]}}`},
		202: {Latency: 5 * time.Second, Drop: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			server, text := leedotest.NewServer(), texts[status]
			server.Inject(fault)
			site := newSite(server.Client())
			form := open(t, site)
			var clicks sync.WaitGroup
			for range 3 {
				clicks.Go(func() { expect(t, send(t.Context(), site, form), status, text) })
			}
			clicks.Wait()
			if status != 422 {
				time.Sleep(23 * time.Hour)
				form.Set("name", "Bob Example")
				expect(t, send(t.Context(), site, form), status, text)
			}
			if n := len(server.Requests()); n != 1 {
				t.Errorf("%q: the API got %d requests", text, n)
			}
			time.Sleep(2 * time.Hour) // until the site has forgotten the form
			expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you")
			if n := len(server.Requests()); n != 2 {
				t.Errorf("%q: after a day, the API got %d requests", text, n)
			}
		})
	}
}

// A browser that goes away does not end the call.
func TestBrowserGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.Inject(leedotest.Fault{Latency: 5 * time.Second})
		site := newSite(server.Client())
		form := open(t, site)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		send(ctx, site, form)
		if requests := server.Requests(); len(requests) != 1 || requests[0].Status != http.StatusCreated {
			t.Errorf("requests: %+v", requests)
		}
		expect(t, send(t.Context(), site, form), http.StatusOK, "Thank you")
	})
}

// When no response says whether the lead was created, the page says so, with a reference
// that is in the log. However slow the API is, the visitor gets a page in time.
func TestFailures(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	for _, fault := range []leedotest.Fault{{Status: 500, Processed: true}, {Drop: true}, {Latency: time.Hour}, {Status: 401}} {
		synctest.Test(t, func(t *testing.T) {
			server := leedotest.NewServer()
			server.Inject(fault)
			site := newSite(server.Client())
			start, form := time.Now(), open(t, site)
			w, reference := send(t.Context(), site, form), form.Get("token")[:8]
			if waited := time.Since(start); waited > 20*time.Second {
				t.Errorf("the visitor waited %v", waited)
			}
			if fault.Status == 401 {
				reference = "401"
				expect(t, w, http.StatusServiceUnavailable, "our system is not available", `value="Ada Example"`)
			} else {
				expect(t, w, http.StatusAccepted, "do not send them again", "<b>"+reference+"</b>")
			}
			if !strings.Contains(logged.String(), reference) || strings.Contains(strings.ToLower(logged.String()), "ada") {
				t.Errorf("the log has no %s, or personal data: %s", reference, &logged)
			}
		})
	}
}

// These requests do not reach the API.
func TestRejected(t *testing.T) {
	server := leedotest.NewServer()
	site := newSite(server.Client())
	large, incomplete := open(t, site), open(t, site)
	large.Set("phone", strings.Repeat("1", 16<<10))
	incomplete.Del("token")
	expect(t, send(t.Context(), site, large), http.StatusBadRequest, "too large")
	expect(t, send(t.Context(), site, incomplete), http.StatusBadRequest, "incomplete")

	r := httptest.NewRequest("POST", "/?"+open(t, site).Encode(), nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	expect(t, w, http.StatusForbidden, "cross-origin")
	if n := len(server.Requests()); n != 0 {
		t.Errorf("the API got %d requests", n)
	}
}

// When the program is interrupted, a request in flight still gets its response.
func TestServe(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	addr, ended := make(chan net.Addr, 1), make(chan error, 1)
	server := &http.Server{
		Addr:        "127.0.0.1:0",
		BaseContext: func(l net.Listener) context.Context { addr <- l.Addr(); return context.Background() },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			interrupt()
			time.Sleep(100 * time.Millisecond) // long enough to notice a serve that does not wait
			if len(ended) > 0 {
				t.Error("serve has returned")
			}
			io.WriteString(w, "done")
		}),
	}
	go func() { ended <- serve(ctx, server) }()
	resp, err := http.Get("http://" + (<-addr).String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if served := <-ended; string(body) != "done" || err != nil || served != nil {
		t.Errorf("the request in flight got %q, %v; serve returned %v", body, err, served)
	}
}
