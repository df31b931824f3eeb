//go:build matrix

package matrix_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// fault is what goes wrong with a request, and where that stands in the documents.
type fault struct {
	kind, name string
	row        row
	did        []bool       // whether the server does a write; both if it may
	change     func(*reply) // makes the reply out of a success; nil means no change
	others     func(*reply) // the same for requests that the fault does not strike
	wires      func(*wire) bool
	writes     bool // it strikes writes only
	every      bool // it strikes every page of an iteration, not only page 2
	garbles    bool // over HTTP/2, other streams of the connection, too
	replays    bool // net/http may repeat a read on a connection in use
	once       bool // it strikes one request only
	alone      bool // run alone, because the memory of the process is measured
	hits       int  // requests that it strikes, if these are not retries
	never      bool // the request is not sent
	atOnce     bool // a 429 that is not waited out

	takes time.Duration // what one request takes
	wait  time.Duration // what the response asks to wait; negative if it does not say
	next  time.Duration // what the next call waits
	opts  []leedo.Option

	dial      func(context.Context, *server) error // fails instead of a connection
	readsBody bool                                 // by then the body was read in part

	ends     error         // how the context of the call ends, if it does
	first    bool          // before the call
	inWait   bool          // in the first wait
	deadline time.Duration // of the context
	prime    bool          // a request is made before
}

var (
	yes    = []bool{true}
	no     = []bool{false}
	either = []bool{false, true}
)

// faults returns all of them.
func faults() []fault {
	return slices.Concat(statuses(), cuts(), slow(), bodies(), tooLarge(), headers(), redirects(), tooManyRequests(), clocks(),
		connections(), phases("canceled", context.Canceled), phases("deadline", context.DeadlineExceeded), deadlines())
}

// problem is an error body that echoes the token.
const problem = `{"error":{"code":"broken","message":"key ` + support.Token + ` is broken"},"name":"` + secretName + `","email":"` + secretEmail + `"}`

func status(code int, body string, header ...string) func(*reply) {
	return func(r *reply) {
		r.status, r.body = code, body
		set(r, header...)
	}
}

// statuses are all that exist but 429.
func statuses() (all []fault) {
	for code := 300; code < 600; code++ {
		if http.StatusText(code) == "" || code == 429 {
			continue
		}
		all = append(all, fault{kind: "status", name: strconv.Itoa(code), row: rowOf(code), did: didIf(rowOf(code)), change: status(code, problem)})
	}
	return append(all,
		fault{kind: "status", name: "503, Retry-After 5", row: rowOf(503), did: either, change: status(503, problem, "Retry-After", "5"), wait: 5 * time.Second, wires: virtual},
		fault{kind: "status", name: "503, Retry-After beyond the maximum wait", row: noRetry(rowOf(503)), did: either, change: status(503, problem, "Retry-After", "3600")},
		fault{kind: "status", name: "503, Retry-After garbage", row: rowOf(503), did: either, change: status(503, problem, "Retry-After", "soon")},
	)
}

// didIf returns whether a server may have done a write: no if the row says so.
func didIf(r row) []bool {
	if r.outcome == leedo.OutcomeNotDone {
		return no
	}
	return either
}

func noRetry(r row) row { r.again = nobody; return r }

func virtual(w *wire) bool { return w.virtual }

// cuts are responses that end early, with a connection that is closed or a stream
// that is reset, and stalls: nothing more comes.
func cuts() (all []fault) {
	http2 := func(w *wire) bool { return w.http == 2 }
	places := []struct {
		name string
		at   place
		cut  row
		time row
	}{
		{"before the header", beforeHeader, rowCut, rowTimeout},
		{"in the header", inHeader, rowCut, rowTimeout},
		{"after the header", afterHeader, rowBodyCut, rowBodyTimeout},
		{"in the body", inBody, rowBodyCut, rowBodyTimeout},
		{"before the end of the body", beforeEnd, rowBodyCut, rowBodyTimeout},
	}
	for _, p := range places {
		did := yes
		if p.at <= inHeader {
			did = either
		}
		stop := func(how ending) func(*reply) { return func(r *reply) { r.stop, r.how = p.at, how } }
		all = append(all,
			fault{kind: "cut", name: "cut " + p.name, row: p.cut, did: did, change: stop(cut), replays: p.at <= inHeader},
			fault{kind: "slow", name: "stalls " + p.name, row: p.time, did: did, change: stop(stall), takes: attemptTimeout, garbles: p.at == inHeader})
		if p.at != inHeader {
			all = append(all, fault{kind: "cut", name: "reset " + p.name, row: p.cut, did: did, change: stop(reset), wires: http2, replays: true})
		}
	}
	refuse := func(r *reply) {
		r.lines = fmt.Sprintf("\x00\x00\x04\x03\x00\x00\x00\x00%c\x00\x00\x00\x07", 2*r.number-1)
	}
	goAway := func(r *reply) { r.lines = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00" }
	return append(all, fault{kind: "cut", name: "refused stream", row: rowUnsent, did: no, change: refuse, writes: true, prime: true, wires: http2},
		fault{kind: "cut", name: "GOAWAY that excludes the request", row: rowUnsent, did: no, change: goAway, writes: true, prime: true, once: true, wires: http2},
		fault{kind: "cut", name: "cut after the body", row: rowSuccess, did: yes, change: func(r *reply) { r.stop = afterEnd },
			wires: func(w *wire) bool { return w.http != 2 }})
}

func slow() []fault {
	late := func(d time.Duration) func(*reply) { return func(r *reply) { r.late = d } }
	return []fault{
		{kind: "slow", name: "stalls after a GOAWAY that includes the request", row: rowTimeout, did: either, takes: attemptTimeout, wires: func(w *wire) bool { return w.http == 2 },
			change: func(r *reply) { r.lines = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00" }},
		{kind: "slow", name: "header and body in time", row: rowSuccess, did: yes, change: late(14 * time.Second), takes: 28 * time.Second, wires: virtual},
		{kind: "slow", name: "body too late", row: rowBodyTimeout, did: yes, change: late(20 * time.Second), takes: attemptTimeout, wires: virtual},
		{kind: "slow", name: "header too late", row: rowTimeout, did: either, change: late(40 * time.Second), takes: attemptTimeout, wires: virtual},
		{kind: "slow", name: "header and body, a little", row: rowSuccess, did: yes, change: late(5 * time.Millisecond), wires: func(w *wire) bool { return !w.virtual }},
	}
}

const html = "<!DOCTYPE html><title>Sign in as " + secretEmail + "</title>"

func bodies() []fault {
	body := func(f func(string) string) func(*reply) { return func(r *reply) { r.body = f(r.body) } }
	is := func(text string) func(*reply) { return body(func(string) string { return text }) }
	page := func(r *reply) { r.body = html; set(r, "Content-Type", "text/html") }
	all := []fault{
		{kind: "body", name: "empty", row: rowUnusable, did: yes, change: is("")},
		{kind: "body", name: "204", row: rowUnusable, did: yes, change: status(204, "")},
		{kind: "body", name: "truncated JSON", row: rowUnusable, did: yes, change: body(func(s string) string { return s[:len(s)/2] })},
		{kind: "body", name: "garbage after it", row: rowUnusable, did: yes, change: body(func(s string) string { return s + " " + secretName })},
		{kind: "body", name: "another shape", row: rowUnusable, did: yes, change: is(`["` + secretName + `"]`)},
		{kind: "body", name: "a field of another type", row: rowUnusable, did: yes, change: body(func(s string) string {
			return strings.ReplaceAll(s, `"`+secretName+`"`, `["`+secretName+`"]`)
		})},
		{kind: "body", name: "text", row: rowForeign, did: either, change: is("not now, " + secretName)},
		{kind: "body", name: "HTML", row: rowForeign, did: either, change: page},
		{kind: "body", name: "HTML labeled as JSON", row: rowForeign, did: either, change: is(html)},
		{kind: "body", name: "a failure", row: rowFailed, did: either, change: status(200, `{"success":false,"message":"key `+support.Token+`"}`)},
		{kind: "body", name: "not gzip", row: rowBodyCut, did: yes, change: func(r *reply) { set(r, "Content-Encoding", "gzip") }},
		{kind: "body", name: "truncated gzip", row: rowBodyCut, did: yes, change: func(r *reply) {
			r.body = zip(r.body)
			r.body = r.body[:len(r.body)-6]
			set(r, "Content-Encoding", "gzip")
		}},
		{kind: "body", name: "invalid chunks", row: rowBodyCut, did: yes, wires: func(w *wire) bool { return w.http == 1 },
			change: func(r *reply) { r.lines = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" }},
		{kind: "body", name: "gzip", row: rowSuccess, did: yes, change: func(r *reply) {
			r.body = zip(r.body)
			set(r, "Content-Encoding", "gzip")
		}},
		{kind: "body", name: "JSON labeled as HTML", row: rowSuccess, did: yes, change: func(r *reply) { set(r, "Content-Type", "text/html") }},
		{kind: "body", name: "a byte order mark", row: rowSuccess, did: yes, change: body(func(s string) string { return "\ufeff" + s })},
	}
	for _, code := range []int{400, 404, 503} {
		for name, change := range map[string]func(*reply){
			"empty":              status(code, ""),
			"HTML":               status(code, html, "Content-Type", "text/html"),
			"truncated JSON":     status(code, problem[:60]),
			"body cut":           func(r *reply) { status(code, problem)(r); r.stop = inBody },
			"cut before its end": func(r *reply) { status(code, problem)(r); r.stop = beforeEnd },
		} {
			all = append(all, fault{kind: "body", name: fmt.Sprint(code, ", ", name), row: rowOf(code), did: didIf(rowOf(code)), change: change})
		}
		all = append(all, fault{kind: "slow", name: fmt.Sprint(code, ", stalls in the body"), row: rowOf(code), did: didIf(rowOf(code)),
			change: func(r *reply) { status(code, problem)(r); r.stop, r.how = inBody, stall }, takes: attemptTimeout})
	}
	return all
}

func zip(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.String()
}

const (
	maxBody      = 1 << 20 // the limit of the clients
	maxErrorBody = 64 << 10
)

// huge is a body far over the limit, as it is and compressed.
var huge = sync.OnceValues(func() (plain, zipped string) {
	plain = `{"id":"id-1","data":[],"padding":"` + strings.Repeat("a", 64<<20) + `"}`
	return plain, zip(plain)
})

// hugeHeader is the value of a header field that is longer than net/http accepts.
var hugeHeader = sync.OnceValue(func() string { return strings.Repeat("a", 11<<20) })

func tooLarge() (all []fault) {
	add := func(name string, row row, code int) {
		did := didIf(row)
		if row.outcome == leedo.OutcomeDone {
			did = yes
		}
		turn := func(r *reply, body string) {
			if code != 0 {
				r.status = code
			}
			r.body = body
		}
		all = append(all,
			fault{kind: "too large", name: name, row: row, did: did, alone: true, change: func(r *reply) {
				plain, _ := huge()
				turn(r, plain)
			}},
			fault{kind: "too large", name: name + ", announced", row: row, did: did, alone: true, change: func(r *reply) {
				plain, _ := huge()
				turn(r, plain)
				set(r, "Content-Length", strconv.Itoa(len(plain)))
			}},
			fault{kind: "too large", name: name + ", compressed", row: row, did: did, alone: true, change: func(r *reply) {
				_, zipped := huge()
				turn(r, zipped)
				set(r, "Content-Encoding", "gzip")
			}})
	}
	add("success", rowUnusable, 0)
	add("404", rowOf(404), 404)
	add("503", rowOf(503), 503)
	return all
}

func headers() (all []fault) {
	for _, h := range [][]string{
		{"X-RateLimit-Limit", "many", "X-RateLimit-Remaining", "-1", "X-RateLimit-Reset", "never"},
		{"X-RateLimit-Limit", "0", "X-RateLimit-Remaining", "99999999999999999999", "X-RateLimit-Reset", "-5"},
		{"X-RateLimit-Limit", "\u00a0", "X-RateLimit-Remaining", "1e3", "X-RateLimit-Reset", "0000-00-00"},
		{"Content-Type", "; ;;=\"" + secretName},
		{"Content-Type", ""},
		{"Date", "yesterday", "Age", "old", "Retry-After", "perhaps"},
		{"Location", "://" + secretEmail, "Link", "<<<", "Set-Cookie", "=;=;"},
		{"X-Large", strings.Repeat(support.Token+" ", 4000)},
		{"X-Request-Id", strings.Repeat(support.Token, 100)},
	} {
		all = append(all, fault{kind: "headers", name: fmt.Sprint(h[0], " ", h[1][:min(len(h[1]), 10)]), row: rowSuccess, did: yes, change: func(r *reply) { set(r, h...) }})
	}
	overHTTP := func(w *wire) bool { return w.http > 0 }
	early := func(n int) func(*reply) { return func(r *reply) { r.early = n } }
	all = append(all,
		fault{kind: "headers", name: "five 103 first", row: rowSuccess, did: yes, change: early(5), wires: overHTTP},
		fault{kind: "headers", name: "a thousand 103 first", row: rowCut, did: either, change: early(1000), wires: overHTTP, replays: true},
		fault{kind: "too large", name: "header", row: rowCut, did: either, change: func(r *reply) { set(r, "X-Large", hugeHeader()) },
			wires: overHTTP, replays: true})
	const first = "HTTP/1.1 200 OK\r\n"
	for name, lines := range map[string]string{
		"another protocol":       "SSH-2.0-" + support.Token,
		"no status":              "HTTP/1.1 " + support.Token + " " + secretEmail,
		"a status of two digits": "HTTP/1.1 20 " + support.Token,
		"a line without a colon": first + support.Token + " " + secretEmail,
		"a colon first":          first + ": " + secretName,
		"no number as length":    first + "Content-Length: " + support.Token,
		"two lengths":            first + "Content-Length: 5\r\nContent-Length: 7",
		"a negative length":      first + "Content-Length: -5",
		"an unknown encoding":    first + "Transfer-Encoding: " + support.Token,
	} {
		all = append(all, fault{kind: "headers", name: name, row: rowCut, did: either, change: func(r *reply) { r.lines = lines },
			wires: func(w *wire) bool { return w.http == 1 }, replays: true})
	}
	for name, frames := range map[string]string{
		"HTTP/1 in HTTP/2":    "HTTP/1.1 400 Bad Request\r\n" + support.Token + "\r\n\r\n",
		"a frame of 16 MiB":   "\xff\xff\xff\x00\x00\x00\x00\x00\x01",
		"headers of stream 0": "\x00\x00\x01\x01\x04\x00\x00\x00\x00\x88",
		"unreadable headers":  "\x00\x00\x04\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff",
	} {
		all = append(all, fault{kind: "headers", name: name, row: rowCut, did: either, change: func(r *reply) { r.lines = frames },
			wires: func(w *wire) bool { return w.http == 2 }, replays: true})
	}
	return all
}

func redirects() (all []fault) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		to := func(location string) func(*reply) {
			return func(r *reply) {
				status(code, "moved", "Location", location)(r)
			}
		}
		followed := rowOf(code)
		followed.read = ""
		add := func(name string, f fault) {
			f.kind, f.name, f.did = "redirect", fmt.Sprint(code, " ", name), didIf(rowOf(code))
			all = append(all, f)
		}
		add("within the origin", fault{row: followed, change: func(r *reply) { to(fmt.Sprint("/v1/moved?page=", r.page))(r) }})
		add("to another host", fault{row: rowOf(code), change: to("https://elsewhere.example/v1/moved?q=" + secretQuery)})
		add("to another port", fault{row: rowOf(code), change: to("//127.0.0.1:9/v1/moved")})
		add("to another scheme", fault{row: rowOf(code), change: to("ftp://127.0.0.1/v1/moved")})
		add("in circles", fault{row: rowOf(code), hits: 10, change: func(r *reply) { to(fmt.Sprint("/v1/loop?page=", r.page))(r) }})
		add("with an invalid Location", fault{row: rowOf(code), change: to("https://%zz/" + support.Token)})
		add("with an empty Location", fault{row: rowOf(code), change: to("")})
	}
	return all
}
