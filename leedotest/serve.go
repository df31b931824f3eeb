package leedotest

import (
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
)

// ServeHTTP implements [http.Handler], to serve the fake on a real connection with
// httptest.NewServer or http.Serve. Its routes are under /v1.
//
// A [Fault] with Drop or Truncate closes the connection. If w cannot be hijacked, as
// with HTTP/2 or httptest.ResponseRecorder, Drop panics with http.ErrAbortHandler,
// as other handlers do to abort. Over a real connection, net/http repeats some
// requests on its own if a reused connection breaks; in memory it never does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := &arrival{method: r.Method, header: r.Header.Clone()}
	if in.method == "" {
		in.method = http.MethodGet
	}
	if r.URL != nil {
		in.path, in.query = r.URL.EscapedPath(), r.URL.RawQuery
	}
	if r.Body != nil {
		if err := in.read(r.Body); err != nil {
			in.problem = errorResponse(http.StatusBadRequest, "the body did not arrive in full")
		}
	}
	resp, err := s.handle(r.Context(), in)
	if err != nil || resp.drop {
		hangUp(w)
		return
	}
	resp.write(w, r)
}

// write sends the response. It returns early if the request's context ends.
func (r *response) write(w http.ResponseWriter, req *http.Request) {
	header := w.Header()
	maps.Copy(header, r.header) // net/http omits headers that have no values
	if !bodyAllowed(r.status) {
		w.WriteHeader(r.status)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.status)
	// net/http closes the connection after a body that is shorter than its
	// Content-Length.
	if r.rate == 0 || req.Method == http.MethodHead {
		w.Write(r.sent())
		return
	}
	io.Copy(flushing{w}, r.reader(req.Context()))
}

// hangUp closes the connection. Without lingering, the client sees a reset rather
// than the end of the stream.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = wrapped.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
