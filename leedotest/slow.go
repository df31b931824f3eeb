package leedotest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// sent returns the part of the body that is sent.
func (r *response) sent() []byte {
	if r.cut >= 0 {
		return r.body[:r.cut]
	}
	return r.body
}

// reader reads the part of the body that is sent, at the response's rate. When ctx
// ends, reading at a rate returns its cause.
func (r *response) reader(ctx context.Context) io.Reader {
	if r.rate == 0 {
		return bytes.NewReader(r.sent())
	}
	return &slowReader{ctx: ctx, rest: r.sent(), rate: r.rate}
}

// slowReader reads rest at a rate of bytes per second, about ten times a second.
type slowReader struct {
	ctx  context.Context
	rest []byte
	rate int
}

func (s *slowReader) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(s.rest), max(1, s.rate/10))
	if err := wait(s.ctx, time.Duration(float64(n)/float64(s.rate)*float64(time.Second))); err != nil {
		return 0, err
	}
	copy(p, s.rest[:n])
	s.rest = s.rest[n:]
	return n, nil
}

// flushing is a ResponseWriter that sends each write immediately, if it can.
type flushing struct{ http.ResponseWriter }

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	http.NewResponseController(f.ResponseWriter).Flush() // after a failure, the next Write fails
	return n, err
}
