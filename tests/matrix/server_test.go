//go:build matrix

package matrix_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// place is where a response ends early.
type place int

const (
	whole        place = iota // it does not
	beforeHeader              // the request has been read
	inHeader
	afterHeader
	inBody
	beforeEnd // the body is there, but not its end
	afterEnd  // all of it is there
)

// ending is how a response ends early.
type ending int

const (
	cut   ending = iota // the connection is closed
	reset               // the stream of HTTP/2 is reset
	stall               // nothing more comes
)

// reply is what the server sends in response to one request.
type reply struct {
	status   int
	header   http.Header
	lines    string // instead of status line and header; over HTTP/2, frames
	number   int    // of the request, among all that the server received
	early    int    // 103 responses before it
	body     string
	page     int // the page asked for
	stop     place
	how      ending
	late     time.Duration // before the header, and again in the body
	endsCall bool          // the context of the call ends when the response gets to stop
}

// server is the API of one cell: it strikes with the fault, and knows what it did.
type server struct {
	call call
	cell cell
	host string
	ctx  *endable // of the call

	mu       sync.Mutex
	requests int
	struck   int // requests that the fault struck
	done     int // writes that were done
	stray    int // requests to another host, or without the token
	open     int // connections, and in memory response bodies
	bytes    int // that were read of the bodies of struck responses, in memory
	over     bool
	received chan struct{} // gets a value when the client has the header of a struck response
	ended    chan struct{} // closed at the end of the cell
}

// answer records a request and returns the reply.
func (s *server) answer(req *http.Request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if req.Host != s.host || req.Header.Get("Authorization") != "Bearer "+support.Token {
		s.stray++
	}
	r := reply{status: 200, header: http.Header{}, number: s.requests, page: 1}
	if n, err := strconv.Atoi(req.URL.Query().Get("page")); err == nil {
		r.page = n
	}
	if req.Method == "POST" {
		r.status = 201
	}
	set(&r, "Content-Type", "application/json", "Date", httpDate(time.Now()),
		"X-RateLimit-Limit", "1000", "X-RateLimit-Remaining", "900", "X-RateLimit-Reset", "3600")
	f := s.cell.fault
	switch req.URL.Path {
	case "/v1" + s.call.path, "/v1/moved", "/v1/loop":
		r.body = s.call.success(r.page)
	default:
		r.body = record("id-0")
	}
	strikes := !s.over && (req.URL.Path == "/v1"+s.call.path || req.URL.Path == "/v1/loop") && req.Method == s.call.method &&
		(!s.call.iterates || f.every || r.page == 2) && !(s.cell.once && s.struck > 0)
	if req.Method != "GET" && (!strikes || s.cell.did) {
		s.done++
	}
	if !strikes {
		if f.others != nil && !s.over {
			f.others(&r)
		}
		return r
	}
	s.struck++
	set(&r, "X-Request-Id", "req-"+support.Token, "X-Echo", secretEmail)
	f.change(&r)
	return r
}

func set(r *reply, header ...string) {
	for i := 0; i < len(header); i += 2 {
		r.header.Set(header[i], header[i+1])
	}
}

func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// arrived waits until the client has the header, if the response got so far, and ends
// the context of the call if that is to happen at this point.
func (s *server) arrived(r reply, gone <-chan struct{}) {
	if s.cell.wrapped() {
		select {
		case <-s.received:
		case <-gone:
		}
	}
	if r.endsCall {
		s.ctx.end()
	}
}

// wrapped reports whether the transport of the client has to report headers: the
// response stops after its header, and then the context of the call ends, or the
// connection, where a server over HTTP/2 may not have written the header yet.
func (c cell) wrapped() bool {
	r := reply{header: http.Header{}}
	c.fault.change(&r)
	return r.stop > inHeader && (r.endsCall || c.wire.http == 2 && r.how == cut)
}

// connKey is the key of the connection in the context of a request.
type connKey struct{}

// ServeHTTP serves both versions of HTTP.
func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	io.Copy(io.Discard, req.Body)
	r := s.answer(req)
	switch {
	case r.stop == whole && r.lines == "":
		s.send(req.Context(), w, r)
	case req.ProtoMajor == 2:
		s.break2(w, req, r)
	default:
		s.break1(w, r)
	}
}

// send sends a whole response.
func (s *server) send(ctx context.Context, w http.ResponseWriter, r reply) {
	if support.Sleep(ctx, r.late) != nil {
		return
	}
	for range r.early {
		w.WriteHeader(http.StatusEarlyHints)
	}
	writeHead(w, r)
	if r.late > 0 {
		io.WriteString(w, r.body[:len(r.body)/2])
		w.(http.Flusher).Flush()
		if support.Sleep(ctx, r.late) != nil {
			return
		}
		r.body = r.body[len(r.body)/2:]
	}
	io.WriteString(w, r.body)
}

func writeHead(w http.ResponseWriter, r reply) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(r.status)
}

// break1 sends a part of a response over HTTP/1.
func (s *server) break1(w http.ResponseWriter, r reply) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer s.count(-1)
	defer conn.Close()
	var text bytes.Buffer
	fmt.Fprintf(&text, "HTTP/1.1 %d %s %s\r\n", r.status, http.StatusText(r.status), support.Token)
	r.header.Write(&text)
	body := r.body
	if r.stop == beforeEnd {
		text.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		body = fmt.Sprintf("%x\r\n%s\r\n", len(r.body), r.body)
	} else {
		fmt.Fprintf(&text, "Content-Length: %d\r\n\r\n", len(r.body))
	}
	head := text.String()
	if r.lines != "" {
		head, body = r.lines+"\r\n\r\n", r.body
	}
	parts := map[place]string{inHeader: head[:len(head)/2], afterHeader: head, inBody: head + body[:len(body)/2], beforeEnd: head + body, afterEnd: head + body, whole: head + body}
	io.WriteString(conn, parts[r.stop])
	gone := make(chan struct{})
	go func() {
		io.Copy(io.Discard, conn) // until the client closes it
		close(gone)
	}()
	s.arrived(r, gone)
	if r.how == cut {
		conn.Close()
	}
	<-gone
}

// break2 sends a part of a response over HTTP/2.
func (s *server) break2(w http.ResponseWriter, req *http.Request, r reply) {
	conn := req.Context().Value(connKey{}).(net.Conn)
	support.Sleep(req.Context(), time.Millisecond) // until net/http has sent its SETTINGS
	if r.stop == inHeader {
		conn.Write([]byte{0, 0, 100, 1, 4, 0, 0, 0, 1, 0x08, 0x03}) // 2 bytes of a HEADERS frame of 100
	}
	if r.lines != "" {
		io.WriteString(conn, r.lines)
		r.how = stall // the client closes the connection
	}
	if r.stop > inHeader {
		writeHead(w, r)
		w.(http.Flusher).Flush()
	}
	switch r.stop {
	case inBody:
		io.WriteString(w, r.body[:len(r.body)/2])
		w.(http.Flusher).Flush()
	case beforeEnd, afterEnd:
		io.WriteString(w, r.body)
		w.(http.Flusher).Flush()
	}
	s.arrived(r, req.Context().Done())
	switch r.how {
	case cut:
		conn.Close()
	case reset:
		panic(http.ErrAbortHandler)
	}
	<-req.Context().Done()
}

// count adds to the number of open connections and returns it.
func (s *server) count(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += n
	return s.open
}

// dial returns the error of a connection that is not to be had, if that is the fault.
func (s *server) dial(ctx context.Context) error {
	s.mu.Lock()
	strikes := s.cell.fault.dial != nil && !s.over && !(s.cell.once && s.struck > 0)
	if strikes {
		s.struck++
	}
	s.mu.Unlock()
	if !strikes {
		return nil
	}
	return s.cell.fault.dial(ctx, s)
}

// endable is a context that ends when a test wants it to.
type endable struct {
	context.Context
	done chan struct{}
	as   error

	once sync.Once
	mu   sync.Mutex
	err  error
}

func newEndable(as error) *endable {
	return &endable{Context: context.Background(), done: make(chan struct{}), as: as}
}

func (e *endable) Done() <-chan struct{} { return e.done }

func (e *endable) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

func (e *endable) end() {
	e.once.Do(func() {
		e.mu.Lock()
		e.err = e.as
		e.mu.Unlock()
		close(e.done)
	})
}
