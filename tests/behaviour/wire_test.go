package behaviour_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// wiretap prints the requests that go to a transport.
type wiretap struct {
	scene *scene
	next  http.RoundTripper
}

func (w *wiretap) RoundTrip(req *http.Request) (*http.Response, error) {
	var known reply
	canned, isCanned := w.next.(interface{ reply(*http.Request) reply })
	if isCanned {
		w.scene.turn.Lock() // scripts count
		known = canned.reply(req)
		w.scene.turn.Unlock()
	}
	var body []byte
	if req.Body != nil && req.Body != http.NoBody && !known.dials {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body.Close()
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	l := w.scene.say("%s", show(req, body))
	if isCanned {
		w.scene.more(l, " -> "+known.name)
		return known.give(req)
	}
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		w.scene.more(l, " -> no response")
	} else {
		w.scene.more(l, " -> "+strconv.Itoa(resp.StatusCode))
	}
	return resp, err
}

// show prints a request: method, target, the header fields that are not what
// every request has, and the body.
func show(req *http.Request, body []byte) string {
	target := req.URL.RequestURI()
	if o := req.URL.Scheme + "://" + req.URL.Host; o != origin {
		target = o + target
	}
	var text strings.Builder
	text.WriteString(req.Method + " " + target)
	want := http.Header{"Accept": {"application/json"}, "User-Agent": {"leedo-go/VERSION"}, "Authorization": {"Bearer TOKEN"}}
	if req.Body != nil && req.Body != http.NoBody {
		want["Content-Type"] = []string{"application/json"}
		if body != nil && req.ContentLength != int64(len(body)) {
			fmt.Fprintf(&text, " [Content-Length: %d]", req.ContentLength)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		values := clean(strings.Join(req.Header[name], " | "))
		if got := strings.Join(want[name], " | "); got != values {
			fmt.Fprintf(&text, " [%s: %s]", name, values)
		}
		delete(want, name)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		fmt.Fprintf(&text, " [no %s]", name)
	}
	if req.Host != "" && req.Host != req.URL.Host {
		fmt.Fprintf(&text, " [Host: %s]", req.Host)
	}
	if body != nil {
		text.WriteString(" " + cut(string(body), 300))
	}
	return text.String()
}

// script is a transport whose replies come in turn, the last one for all
// further requests.
type script struct {
	replies []reply
	n       int
}

func replies(r ...reply) *script { return &script{replies: r} }

func (s *script) reply(*http.Request) reply {
	s.n++
	return s.replies[min(s.n, len(s.replies))-1]
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) { return s.reply(req).give(req) }

// reply is what a server does with a request.
type reply struct {
	name  string
	dials bool // it fails before the request is sent
	give  func(*http.Request) (*http.Response, error)
}

// respond replies with a status and a body; further arguments are names and
// values of header fields. It is JSON unless they say otherwise; an empty
// value leaves the field out.
func respond(status int, body string, header ...string) reply {
	h := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"req-9"}}
	var name strings.Builder
	name.WriteString(strconv.Itoa(status))
	for i := 0; i+1 < len(header); i += 2 {
		if h.Set(header[i], header[i+1]); header[i+1] == "" {
			h.Del(header[i])
		} else {
			fmt.Fprintf(&name, " [%s: %s]", header[i], header[i+1])
		}
	}
	return reply{name: name.String(), give: func(req *http.Request) (*http.Response, error) {
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		return newResponse(req, status, h, strings.NewReader(body)), nil
	}}
}

func newResponse(req *http.Request, status int, header http.Header, body io.Reader) *http.Response {
	if req.Method == http.MethodHead {
		body = http.NoBody
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header.Clone(), Body: io.NopCloser(body), ContentLength: -1, Request: req,
	}
}

// cutAfter cuts the connection after part of the body.
func cutAfter(status int, part string) reply {
	return reply{name: fmt.Sprint(status, ", cut in the body"), give: func(req *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(part), failing{io.ErrUnexpectedEOF})
		return newResponse(req, status, http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"req-9"}}, body), nil
	}}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// reset cuts the connection instead of a response.
var reset = reply{name: "connection reset", give: func(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}}

// undialed fails to connect, by net/http's own transport: it shows to those
// who trace a request that there was no connection.
func undialed(name string, err error) reply {
	return reply{name: name, dials: true, give: func(req *http.Request) (*http.Response, error) {
		transport := &http.Transport{
			DialContext:    func(context.Context, string, string) (net.Conn, error) { return nil, err },
			DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return nil, err },
		}
		return transport.RoundTrip(req)
	}}
}

var (
	refused = undialed("connection refused", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)})
	unknown = undialed("unknown host", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api.leedo.app", IsNotFound: true}})
	dnsDown = undialed("DNS does not respond", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving", Name: "api.leedo.app", IsTemporary: true}})
)

// late delays a reply, unless the request's context ends before.
func (r reply) late(d time.Duration) reply {
	give := r.give
	r.name += fmt.Sprintf(" after %v", d)
	r.give = func(req *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return give(req)
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	return r
}

// stalls is a response whose body does not end before the context does.
func stalls(status int, part string) reply {
	return reply{name: fmt.Sprint(status, ", a body that stalls"), give: func(req *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(part), stalled{req.Context()})
		return newResponse(req, status, http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"req-9"}}, body), nil
	}}
}

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// server is a transport made of a function, for replies that depend on the
// request or on time.
type server func(*http.Request) reply

func (f server) reply(req *http.Request) reply { return f(req) }

func (f server) RoundTrip(req *http.Request) (*http.Response, error) { return f(req).give(req) }
