package main

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed" // of the page
	"encoding/base64"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/leedoapp/leedo-go/leedotest"
)

//go:embed page.html
var pageText string

//go:embed page.css
var style string

//go:embed page.js
var script string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// policy allows the page its own style and script, and requests to its own server only.
var policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; connect-src 'self'; "+
	"img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", hash(style), hash(script))

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// page is the page at /. It shows what the fake holds and what it is sent, and adds
// faults. It has no state but the log: faults and the quota are those of the control
// interface, so that the page shows what other programs change, too.
type page struct {
	fake *leedotest.Server
	next http.Handler
	log  requestLog
}

// withPage serves the page at / and everything else by next, which has the control
// interface at /_fake/. The page shows all other requests to next.
func withPage(fake *leedotest.Server, next http.Handler) http.Handler {
	p := &page{fake: fake, next: next}
	own := http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(http.HandlerFunc(p.serve), 16<<10))
	logged := p.log.handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			own.ServeHTTP(w, r)
		case r.URL.Path == "/_fake/reset":
			response := &recorder{ResponseWriter: w}
			next.ServeHTTP(response, r)
			if response.status == http.StatusNoContent {
				p.log.clear()
			}
		case strings.HasPrefix(r.URL.Path, "/_fake/"):
			next.ServeHTTP(w, r)
		default:
			logged.ServeHTTP(w, r)
		}
	})
}

func (p *page) serve(w http.ResponseWriter, r *http.Request) {
	if !p.allowed(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="the password is the API token", charset="UTF-8"`)
		http.Error(w, "From another machine, or by another host name than localhost, the page needs the API token as the password.", http.StatusUnauthorized)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		p.show(w, r, "")
	case http.MethodPost:
		if problem := p.change(r); problem != "" {
			p.show(w, r, problem)
			return
		}
		http.Redirect(w, r, "/#faults", http.StatusSeeOther)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "Use GET or POST.", http.StatusMethodNotAllowed)
	}
}

// allowed reports whether a request may see the page. From this machine it needs no
// token, unless the host name in its URL is another one than localhost: it may be one
// of a foreign site that resolves to this machine, which could then read the page.
func (p *page) allowed(r *http.Request) bool {
	if _, password, ok := r.BasicAuth(); ok && subtle.ConstantTimeCompare([]byte(password), []byte(p.fake.Token())) == 1 {
		return true
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	host := hostname(r)
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// change does what the page's forms ask for. It returns what is wrong with the form,
// or "".
func (p *page) change(r *http.Request) (problem string) {
	if err := r.ParseForm(); err != nil {
		return "the form is incomplete or too large"
	}
	form := r.PostForm
	if form.Has("clear") {
		return p.control(r, http.MethodDelete, "/_fake/faults", nil, nil)
	}
	f := fault{
		Method:    form.Get("method"),
		Path:      strings.TrimSpace(form.Get("path")),
		Processed: form.Has("processed"),
		Times:     -1,
	}
	var err error
	if f.Drop = form.Get("status") == cut; !f.Drop {
		if f.Status, err = strconv.Atoi(form.Get("status")); err != nil {
			return "the status must be a number"
		}
	}
	if times := form.Get("times"); times != "" {
		if f.Times, err = strconv.Atoi(times); err != nil || f.Times < 1 {
			return "times must be a number from 1, or empty"
		}
	}
	return p.control(r, http.MethodPost, "/_fake/faults", f, nil)
}

// The choices of the form.
var (
	methods  = []string{"", http.MethodGet, http.MethodPost, http.MethodPatch}
	paths    = []string{"/leads", "/leads/{id}", "/accounts", "/accounts/{id}", "/contacts", "/campaigns", "/campaigns/{id}"}
	statuses = []choice{status(500), status(502), status(503), status(504), status(429), status(400), status(401), status(403), status(404), {cut, "connection cut"}}
)

// cut is the status of a fault that cuts the connection.
const cut = "cut"

type choice struct{ Value, Text string }

func status(code int) choice { return choice{strconv.Itoa(code), statusText(code)} }

// show sends the page, with the problem of a form if there is one.
func (p *page) show(w http.ResponseWriter, r *http.Request, problem string) {
	v := struct {
		Host, Problem string
		Style         template.CSS
		Script        template.JS

		Form           url.Values
		Methods, Paths []string
		Statuses       []choice
		Faults         struct{ Data []fault }
		Resources      []resource
		Quota          quota
		Requests       []request
	}{
		Host: r.Host, Problem: problem,
		Style: template.CSS(style), Script: template.JS(script),
		Form:    url.Values{"status": {"500"}, "times": {"1"}},
		Methods: methods, Paths: paths, Statuses: statuses,
		Resources: resources(p.fake),
	}
	v.Requests = p.log.newest()
	failed := cmp.Or(
		p.control(r, http.MethodGet, "/_fake/faults", nil, &v.Faults),
		p.control(r, http.MethodGet, "/_fake/plan", nil, &v.Quota))
	if failed != "" {
		http.Error(w, failed, http.StatusInternalServerError)
		return
	}
	if problem != "" {
		v.Form = r.PostForm
	}

	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policy)
	if problem != "" {
		w.WriteHeader(http.StatusBadRequest)
	}
	pageTemplate.Execute(w, v) // an error means that the browser is gone
}

// statusText returns a status code with its name, if it has one.
func statusText(code int) string {
	return strings.TrimSpace(fmt.Sprint(code, " ", http.StatusText(code)))
}
