package leedotest

import (
	"maps"
	"net"
	"net/http"
	"strconv"
)

// ServeHTTP answers requests that come by a real connection: mount the server
// on httptest.NewServer, or with http.Serve on a port. Routes are under /v1.
//
// A [Fault] that drops or truncates really cuts the connection. Where w cannot
// be hijacked, as with HTTP/2 or httptest.ResponseRecorder, Drop panics with
// http.ErrAbortHandler, as handlers do to abort. A client of net/http repeats
// some requests by itself when a connection is cut that it used before; in
// memory there is no such thing.
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
			in.problem = refusal(http.StatusBadRequest, "the body did not arrive in full")
		}
	}
	ans, err := s.handle(r.Context(), in)
	if err != nil || ans.drop {
		hangUp(w)
		return
	}
	header := w.Header()
	maps.Copy(header, ans.header) // where a name has no values net/http adds none
	if !bodyAllowed(ans.status) {
		w.WriteHeader(ans.status)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(ans.body)))
	w.WriteHeader(ans.status)
	if ans.cut >= 0 {
		// net/http closes a connection on which less was written than announced.
		ans.body = ans.body[:ans.cut]
	}
	w.Write(ans.body)
}

// hangUp cuts the connection. With no time to linger the client sees a reset
// rather than an end.
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
