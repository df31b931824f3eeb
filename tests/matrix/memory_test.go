//go:build matrix

package matrix_test

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// RoundTrip serves a request without HTTP on the wire.
func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	f := s.cell.fault
	if f.readsBody && req.Body != nil {
		req.Body.Read(make([]byte, 1))
	}
	if err := s.dial(ctx); err != nil {
		return nil, err
	}
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	served := req.Clone(ctx)
	served.Host = req.URL.Host
	r := s.answer(served)
	if err := support.Sleep(ctx, r.late); err != nil {
		return nil, err
	}
	if r.stop == beforeHeader || r.stop == inHeader {
		return nil, s.stop(ctx, r)
	}
	resp := &http.Response{StatusCode: r.status, Header: r.header, Request: req, ContentLength: -1, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	b := &body{server: s, reply: r, ctx: ctx, left: r.body}
	switch r.stop {
	case afterHeader:
		b.left = ""
	case inBody:
		b.left = r.body[:len(r.body)/2]
	}
	s.count(1)
	resp.Body = b
	if r.header.Get("Content-Encoding") == "gzip" {
		resp.Body = &unzipped{body: b}
		resp.Header.Del("Content-Encoding")
	}
	return resp, nil
}

// stop is the error of a response that ends early.
func (s *server) stop(ctx context.Context, r reply) error {
	if r.how == cut {
		return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	if r.endsCall {
		s.ctx.end()
	}
	<-ctx.Done()
	return ctx.Err()
}

// body is the body of a response in memory.
type body struct {
	server *server
	reply  reply
	ctx    context.Context
	left   string
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	if b.reply.late > 0 && len(b.left) < len(b.reply.body)/2 {
		if err := support.Sleep(b.ctx, b.reply.late); err != nil {
			return 0, err
		}
		b.reply.late = 0
	}
	if b.left != "" {
		if b.reply.late > 0 {
			p = p[:min(len(p), len(b.reply.body)/2+1)]
		}
		n := copy(p, b.left)
		b.left = b.left[n:]
		b.server.read(b.reply, n)
		return n, nil
	}
	if b.reply.stop == whole || b.reply.stop == afterEnd {
		return 0, io.EOF
	}
	return 0, b.server.stop(b.ctx, b.reply)
}

// read counts the bytes that were read of a struck response.
func (s *server) read(r reply, n int) {
	if r.header.Get("X-Echo") != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bytes += n
	}
}

func (b *body) Close() error {
	if !b.closed {
		b.closed = true
		b.server.count(-1)
	}
	return nil
}

// unzipped decompresses a body as net/http does.
type unzipped struct {
	*body
	zip *gzip.Reader
	err error
}

func (u *unzipped) Read(p []byte) (n int, err error) {
	if u.zip == nil && u.err == nil {
		u.zip, u.err = gzip.NewReader(u.body)
	}
	if u.err != nil {
		return 0, u.err
	}
	n, err = u.zip.Read(p)
	u.server.read(u.reply, n)
	return n, err
}
