package leedotest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// transport is the front end in memory. It stands for net/http's transport,
// the wire and net/http's server, and keeps to what these would do to a
// request and an answer.
type transport struct{ server *Server }

// RoundTrip answers in the caller's goroutine and leaves the request alone.
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
	ans, err := t.server.handle(req.Context(), in)
	if err != nil {
		return nil, err
	}
	if ans.drop {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return receive(req, ans), nil
}

// send turns a request into what a server would see of it.
func send(req *http.Request) (*arrival, error) {
	in := &arrival{method: req.Method, header: make(http.Header)}
	if in.method == "" {
		in.method = http.MethodGet
	}
	for name, values := range req.Header {
		for _, value := range values {
			if name == "" || strings.ContainsAny(name, " :\r\n\x00") || strings.ContainsAny(value, "\r\n\x00") {
				return nil, fmt.Errorf("leedotest: invalid header field %q", name)
			}
			in.header.Add(name, value) // header names are canonical on the other side
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
		in.problem = refusal(http.StatusBadRequest, "the path is malformed")
		return in, nil
	}
	in.path, in.query = target.EscapedPath(), target.RawQuery
	return in, nil
}

// readRequest reads the body, and finds fault with one of the wrong length as
// net/http would.
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

// sendable refuses a request that net/http would not send.
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

// receive turns an answer into what a client would see of it.
func receive(req *http.Request, ans *answer) *http.Response {
	resp := &http.Response{
		Status:        strings.TrimSpace(fmt.Sprintf("%d %s", ans.status, http.StatusText(ans.status))),
		StatusCode:    ans.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        make(http.Header),
		ContentLength: int64(len(ans.body)),
		Body:          http.NoBody,
		Request:       req,
	}
	for name, values := range ans.header {
		if len(values) > 0 {
			resp.Header[name] = values
		}
	}
	if !bodyAllowed(ans.status) {
		return resp
	}
	resp.Header.Set("Content-Length", strconv.Itoa(len(ans.body)))
	if req.Method == http.MethodHead {
		return resp
	}
	if ans.cut >= 0 {
		resp.Body = &body{Reader: io.MultiReader(bytes.NewReader(ans.body[:ans.cut]), cutOff{})}
	} else {
		resp.Body = &body{Reader: bytes.NewReader(ans.body)}
	}
	return resp
}

// body is the body of an answer in memory. It cannot be read once it is
// closed, as no body can.
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

// cutOff is the end of a body whose connection was cut.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
