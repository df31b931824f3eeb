package leedo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/leedoapp/leedo-go"
)

const testToken = "tok_Zq81secret"

// received is a request as a server saw it.
type received struct {
	Method, Path, Query string // Path is escaped
	Header              http.Header
	Body                string
	Remote              string // the address of the other end of the connection
}

// recorder keeps what a server saw.
type recorder struct {
	mu       sync.Mutex
	requests []received
}

func (r *recorder) record(req *http.Request) int {
	body, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, received{
		Method: req.Method, Path: req.URL.EscapedPath(), Query: req.URL.RawQuery,
		Header: maps.Clone(req.Header), Body: string(body), Remote: req.RemoteAddr,
	})
	return len(r.requests)
}

// Requests returns what arrived so far.
func (r *recorder) Requests() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.requests...)
}

// server is a server on a real socket that answers as it is told.
type server struct {
	*httptest.Server
	recorder
}

// serve starts a server whose answers come in turn; the last one answers all
// further requests.
func serve(t *testing.T, answers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(s.handler(answers))
	t.Cleanup(s.Close)
	return s
}

func (r *recorder) handler(answers []http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		n := r.record(req)
		answers[min(n, len(answers))-1](w, req)
	})
}

// client returns a client for the server, with back-offs too short to notice.
func (s *server) client(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	return newClient(t, append([]leedo.Option{leedo.WithBaseURL(s.URL + "/v1")}, opts...)...)
}

// newClient returns a client with a transport of its own, whose connections
// are closed at the end of the test.
func newClient(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := leedo.NewClient(testToken, append([]leedo.Option{
		leedo.WithHTTPClient(&http.Client{Transport: transport}),
		leedo.WithBackoff(1, 1), // nanoseconds
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// inMemory returns a client whose requests are answered without a socket, so
// that it works inside a testing/synctest bubble, and what its server saw.
func inMemory(t *testing.T, opts []leedo.Option, answers ...http.HandlerFunc) (*leedo.Client, *recorder) {
	t.Helper()
	rec := &recorder{}
	handler := rec.handler(answers)
	transport := roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Body == nil {
			req.Body = http.NoBody
		}
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		return respond(req, handler.ServeHTTP), nil
	})
	client, err := leedo.NewClient(testToken, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: transport})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client, rec
}

// respond returns the answer of a handler.
func respond(req *http.Request, handler http.HandlerFunc) *http.Response {
	w := httptest.NewRecorder()
	handler(w, req)
	return w.Result()
}

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer answers with a status and a body of JSON; further arguments are
// names and values of header fields.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// cut cuts the connection instead of answering.
func cut(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// cutBody announces more of a body than it sends, then cuts the connection.
func cutBody(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(status)
		io.WriteString(w, body)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// leadJSON is the lead of the API's documentation.
const leadJSON = `{"id":"550e8400-e29b-41d4-a716-446655440000","name":"John Doe","email":"john@example.com","company":"Acme Corp","phone":"+1234567890","status":"new","created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-01T12:00:00Z"}`

// newServer returns a server that is not yet started, to be given another
// listener, or TLS, whose failed handshakes are not logged.
func newServer(t *testing.T, answers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(s.handler(answers))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s
}

// tlsClient returns a client for a server with TLS that trusts it.
func (s *server) tlsClient(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	return s.client(t, append([]leedo.Option{leedo.WithHTTPClient(s.Client())}, opts...)...)
}

// refusingURL returns a URL whose port refuses connections. It belongs to a
// connection for as long as the test runs, or a server of another test might
// be given it.
func refusingURL(t *testing.T, scheme string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return scheme + "://" + conn.LocalAddr().String() + "/v1"
}

// operation is a call as tables of tests name it.
type operation struct {
	name string
	call func(context.Context, *leedo.Client, ...leedo.RequestOption) error
}

// reads are calls that may be repeated.
var reads = []operation{
	{"Get", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		_, err := c.Leads.Get(ctx, "id-1", opts...)
		return err
	}},
	{"HEAD", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "HEAD", "/leads", nil, nil, opts...)
	}},
}

// writes are calls that may not, with a body and without one.
var writes = []operation{
	{"Create", create},
	{"Update", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		_, err := c.Leads.Update(ctx, "id-1", &leedo.LeadUpdateParams{Name: new("John Doe")}, opts...)
		return err
	}},
	{"PUT", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "PUT", "/leads", json.RawMessage(leadJSON), nil, opts...)
	}},
	{"DELETE", remove},
}

func create(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
	_, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe", Email: "john@example.com"}, opts...)
	return err
}

// remove is a write without a body.
func remove(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
	return c.Do(ctx, "DELETE", "/leads/id-1", nil, nil, opts...)
}

// is tells whether an error of type E is in err.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// jar is a cookie jar made of functions; nil ones do nothing.
type jar struct {
	store func([]*http.Cookie)
	load  func() []*http.Cookie
}

func (j jar) SetCookies(_ *url.URL, cookies []*http.Cookie) {
	if j.store != nil {
		j.store(cookies)
	}
}

func (j jar) Cookies(*url.URL) []*http.Cookie {
	if j.load == nil {
		return nil
	}
	return j.load()
}

// pipes is a listener whose connections are pipes in memory: net/http at both
// ends, and time that can be virtual.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// servePipes is serve and client, for a testing/synctest bubble.
func servePipes(t *testing.T, opts []leedo.Option, answers ...http.HandlerFunc) (*leedo.Client, *recorder) {
	t.Helper()
	rec := &recorder{}
	listener := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: rec.handler(answers)}
	go server.Serve(listener)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case listener.conns <- theirs:
			return ours, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		synctest.Wait()
	})
	return newClient(t, append([]leedo.Option{leedo.WithBaseURL("http://localhost/v1"), leedo.WithHTTPClient(&http.Client{Transport: transport})}, opts...)...), rec
}
