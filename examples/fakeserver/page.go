package main

import (
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
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/leedoapp/leedo-go"
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
// faults.
type page struct {
	fake *leedotest.Server
	log  requestLog

	mu     sync.Mutex // guards all below
	faults []*pageFault
	added  int // how many faults were added so far
}

// pageFault is a fault that the page added.
type pageFault struct {
	leedotest.Fault
	ID   int
	Left int // how many more requests it applies to; negative means all
}

// withPage serves the page at / and everything else by next, whose requests the page
// shows, except those under /_fake/.
func withPage(fake *leedotest.Server, next http.Handler) http.Handler {
	p := &page{fake: fake}
	own := http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(http.HandlerFunc(p.serve), 16<<10))
	logged := p.log.handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			own.ServeHTTP(w, r)
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
	host := (&url.URL{Host: r.Host}).Hostname()
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// change does what the page's forms ask for. It returns what is wrong with the form,
// or "".
func (p *page) change(r *http.Request) (problem string) {
	if err := r.ParseForm(); err != nil {
		return "The form is incomplete or too large."
	}
	form := r.PostForm
	if id := form.Get("clear"); id != "" {
		p.clear(id)
		return ""
	}
	f := leedotest.Fault{
		Method:    form.Get("method"),
		Path:      strings.TrimSpace(form.Get("path")),
		Processed: form.Has("processed"),
		Times:     -1,
	}
	var errStatus, errTimes error
	if f.Drop = form.Get("status") == cut; !f.Drop {
		f.Status, errStatus = strconv.Atoi(form.Get("status"))
	}
	limited := form.Get("times") != ""
	if limited {
		f.Times, errTimes = strconv.Atoi(form.Get("times"))
	}
	switch {
	case !slices.Contains(methods, f.Method):
		return "The method is not one of those that the API has."
	case !validPath.MatchString(f.Path) || strings.HasPrefix(f.Path+"/", "/v1/"):
		return "The path must be empty or like /leads/{id}, without /v1 and without a query."
	case errStatus != nil || !f.Drop && (f.Status < 200 || f.Status > 999):
		return "The status must be a number from 200 to 999."
	case errTimes != nil || limited && f.Times < 1:
		return "Times must be a number from 1, or empty."
	}
	p.add(f)
	return ""
}

var (
	methods   = []string{"", http.MethodGet, http.MethodPost, http.MethodPatch}
	validPath = regexp.MustCompile(`^(/[^/?#\s]+)*$`)
	paths     = []string{"/leads", "/leads/{id}", "/accounts", "/accounts/{id}", "/contacts", "/campaigns", "/campaigns/{id}"}
)

// choice is a value that the form offers.
type choice struct{ Value, Text string }

// cut is the status of a fault that cuts the connection.
const cut = "cut"

var statuses = func() []choice {
	var all []choice
	for _, code := range []int{500, 502, 503, 504, 429, 400, 401, 403, 404} {
		all = append(all, choice{strconv.Itoa(code), statusText(code)})
	}
	return append(all, choice{cut, "connection cut"})
}()

// add injects a fault that clear can end.
func (p *page) add(fault leedotest.Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.added++
	f := &pageFault{Fault: fault, ID: p.added, Left: fault.Times}
	f.When = func(leedotest.Request) bool { return p.use(f) }
	p.faults = append(p.faults, f)
	p.fake.Inject(f.Fault)
}

// use counts a request that the fault matches. It reports whether the fault applies to
// it: not if it was cleared.
func (p *page) use(f *pageFault) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.faults, f)
	if i < 0 {
		return false
	}
	if f.Left > 0 {
		f.Left--
	}
	if f.Left == 0 {
		p.faults = slices.Delete(p.faults, i, i+1)
	}
	return true
}

// clear ends the fault with the id, if there is one.
func (p *page) clear(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(f *pageFault) bool { return strconv.Itoa(f.ID) == id })
}

// What returns what the fault does.
func (f *pageFault) What() string {
	what := "connection cut"
	if !f.Drop {
		what = statusText(f.Status)
	}
	if f.Processed {
		what += ", but processed"
	}
	switch {
	case f.Left < 0:
		return what + ", until cleared"
	case f.Left == 1:
		return what + ", once"
	}
	return fmt.Sprintf("%s, %d times", what, f.Left)
}

// show sends the page, with the problem of a form if there is one.
func (p *page) show(w http.ResponseWriter, r *http.Request, problem string) {
	v := struct {
		Host, Problem string
		Style         template.CSS
		Script        template.JS

		Form           url.Values
		Methods, Paths []string
		Statuses       []choice
		Faults         []pageFault
		Resources      []resource
		Quota          *quota
		Requests       []request
	}{
		Host: r.Host, Problem: problem,
		Style: template.CSS(style), Script: template.JS(script),
		Form:    url.Values{"status": {"500"}, "times": {"1"}},
		Methods: methods, Paths: paths, Statuses: statuses,
		Resources: resources(p.fake),
	}
	v.Quota, v.Requests = p.log.newest()
	p.mu.Lock()
	for _, f := range p.faults {
		v.Faults = append(v.Faults, *f)
	}
	p.mu.Unlock()
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

// maxRecords is how many records of a resource the page shows.
const maxRecords = 5

// resource is what the page shows of a resource.
type resource struct {
	Name   string
	Count  int
	Newest []record
}

// record is what the page shows of a record.
type record struct{ ID, Name, Detail string }

// resources returns what the fake holds.
func resources(fake *leedotest.Server) []resource {
	return []resource{
		newest("Leads", fake.Leads(), func(l leedo.Lead) record { return record{l.ID, l.Name, join(l.Email, string(l.Status))} }),
		newest("Accounts", fake.Accounts(), func(a leedo.Account) record { return record{a.ID, a.Name, join(a.Industry, a.Website)} }),
		newest("Contacts", fake.Contacts(), func(c leedo.Contact) record { return record{c.ID, c.Name, join(c.Email, c.Role)} }),
		newest("Campaigns", fake.Campaigns(), func(c leedo.Campaign) record {
			return record{c.ID, c.Name, join(string(c.Status), fmt.Sprint("leads: ", c.LeadsCount))}
		}),
	}
}

// newest returns the resource that has the records, the newest of which are first.
func newest[T any](name string, all []T, show func(T) record) resource {
	r := resource{Name: name, Count: len(all)}
	for _, one := range all[:min(len(all), maxRecords)] {
		r.Newest = append(r.Newest, show(one))
	}
	return r
}

// join joins the texts that are not empty.
func join(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), " · ")
}
