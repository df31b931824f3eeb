package leedotest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// transport is the in-memory front end. It stands in for net/http's transport, the
// connection and net/http's server, and treats requests and responses as these do.
type transport struct{ server *Server }

// RoundTrip serves the request in the calling goroutine and does not modify it.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := sendable(req); err != nil {
		return nil, err
	}
	in, err := send(req)
	if err != nil {
		return nil, err
	}
	resp, err := t.server.handle(req.Context(), in)
	if err != nil {
		return nil, err
	}
	if resp.drop {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: errReset}
	}
	return receive(req, resp), nil
}

// send makes the request that a server would see.
func send(req *http.Request) (*arrival, error) {
	in := &arrival{method: req.Method, header: make(http.Header)}
	if in.method == "" {
		in.method = http.MethodGet
	}
	for name, values := range req.Header {
		for _, value := range values {
			if !validHeader(name, value) {
				return nil, fmt.Errorf("leedotest: invalid header field %q", name)
			}
			in.header.Add(name, value) // a server sees canonical names
		}
	}
	for _, name := range []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer"} {
		in.header.Del(name) // net/http writes these itself
	}
	if _, ok := req.Header["User-Agent"]; !ok {
		in.header.Set("User-Agent", "Go-http-client/1.1")
	}
	if req.Body != nil && req.Body != http.NoBody {
		if err := readRequest(in, req); err != nil {
			return nil, err
		}
	}
	target, err := url.ParseRequestURI(req.URL.RequestURI())
	if err != nil {
		in.path = req.URL.RequestURI()
		in.problem = errorResponse(http.StatusBadRequest, "the path is malformed")
		return in, nil
	}
	in.path, in.query = target.EscapedPath(), target.RawQuery
	return in, nil
}

// validHeader reports whether net/http would send a header.
func validHeader(name, value string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	badInName := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(marks, r))
	}
	badInValue := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return name != "" && !strings.ContainsFunc(name, badInName) && !strings.ContainsFunc(value, badInValue)
}

// readRequest reads the body. Like net/http, it returns an error if the length is
// wrong.
func readRequest(in *arrival, req *http.Request) error {
	counted := &countingReader{r: req.Body}
	if err := in.read(counted); err != nil {
		return err
	}
	if req.ContentLength > 0 && req.ContentLength != counted.n {
		return fmt.Errorf("leedotest: ContentLength=%d with Body length %d", req.ContentLength, counted.n)
	}
	in.header.Set("Content-Length", strconv.FormatInt(counted.n, 10))
	return nil
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// sendable returns an error for a request that net/http would not send.
func sendable(req *http.Request) error {
	switch u := req.URL; {
	case u == nil:
		return errors.New("leedotest: nil Request.URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("leedotest: unsupported protocol scheme %q", u.Scheme)
	case u.Host == "":
		return errors.New("leedotest: no Host in request URL")
	}
	return context.Cause(req.Context())
}

// receive makes the response that a client would see.
func receive(req *http.Request, resp *response) *http.Response {
	out := &http.Response{
		Status:        strings.TrimSpace(fmt.Sprintf("%d %s", resp.status, http.StatusText(resp.status))),
		StatusCode:    resp.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        make(http.Header),
		ContentLength: int64(len(resp.body)),
		Body:          http.NoBody,
		Request:       req,
	}
	for name, values := range resp.header {
		if len(values) > 0 {
			out.Header[name] = values
		}
	}
	if !bodyAllowed(resp.status) {
		return out
	}
	out.Header.Set("Content-Length", strconv.Itoa(len(resp.body)))
	if req.Method == http.MethodHead {
		return out
	}
	reader := resp.reader(req.Context())
	if resp.cut >= 0 {
		reader = io.MultiReader(reader, cutEnd{})
	}
	out.Body = &body{Reader: reader}
	return out
}

// body is the body of an in-memory response. Like any response body, it cannot be
// read after it is closed.
type body struct {
	io.Reader
	closed atomic.Bool
}

func (b *body) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.Reader.Read(p)
}

func (b *body) Close() error {
	b.closed.Store(true)
	return nil
}

// cutEnd is the end of a body whose connection was cut: reading it fails.
type cutEnd struct{}

func (cutEnd) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
