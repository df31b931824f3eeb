package support

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// Token is the token of the clients made here, except those of the fake.
const Token = "tok_Zq81secret"

// BaseURL is the base URL of a client that sets none.
const BaseURL = "https://api.leedo.app/v1"

// Server is a server on a real socket. It records its requests.
type Server struct {
	*httptest.Server
	Recorder
}

// Serve starts a server. The handlers serve one request each, in order; the
// last one serves all further requests.
func Serve(t *testing.T, handlers ...http.HandlerFunc) *Server {
	t.Helper()
	s := &Server{}
	s.Server = httptest.NewServer(s.Handler(handlers))
	t.Cleanup(s.Close)
	return s
}

// NewServer is Serve without the start, for a test that sets another listener,
// or TLS. Failed handshakes are not logged.
func NewServer(t *testing.T, handlers ...http.HandlerFunc) *Server {
	t.Helper()
	s := &Server{}
	s.Server = httptest.NewUnstartedServer(s.Handler(handlers))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s
}

// Client returns a client of the server, with a negligible backoff.
func (s *Server) Client(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	return NewClient(t, append([]leedo.Option{leedo.WithBaseURL(s.URL + "/v1")}, opts...)...)
}

// TLSClient returns a client that trusts the certificate of the server.
func (s *Server) TLSClient(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	return s.Client(t, append([]leedo.Option{leedo.WithHTTPClient(s.Server.Client())}, opts...)...)
}

// NewClient returns a client with a negligible backoff and a transport that no
// other client uses. Its connections are closed at the end of the test.
func NewClient(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := leedo.NewClient(Token, append([]leedo.Option{
		leedo.WithHTTPClient(&http.Client{Transport: transport}),
		leedo.WithBackoff(1, 1), // nanoseconds
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// NewTokenClient returns a client with a token source that is to fail: the test
// fails if a request is sent.
func NewTokenClient(t *testing.T, source func(context.Context) (string, error)) *leedo.Client {
	t.Helper()
	c, err := leedo.NewClient("", leedo.WithTokenSource(source), leedo.WithHTTPClient(&http.Client{Transport: RoundTripper(func(*http.Request) (*http.Response, error) {
		t.Error("sent without a token")
		return nil, errors.New("no")
	})}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// InMemory returns a client whose transport calls the handlers, and the
// recorder of its requests. It uses no socket, so it works in virtual time.
func InMemory(t *testing.T, opts []leedo.Option, handlers ...http.HandlerFunc) (*leedo.Client, *Recorder) {
	t.Helper()
	rec := &Recorder{}
	handler := rec.Handler(handlers)
	transport := RoundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Body == nil {
			req.Body = http.NoBody
		}
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		return ResponseTo(req, handler.ServeHTTP), nil
	})
	client, err := leedo.NewClient(Token, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: transport})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client, rec
}

// RoundTripper is a transport made of a function.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f RoundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Fake returns a fake with n leads, newest first: "n" to "1" (see [IDs]).
func Fake(n int, opts ...leedotest.ServerOption) *leedotest.Server {
	server := leedotest.NewServer(opts...)
	for i := range n {
		server.AddLead(leedo.Lead{ID: fmt.Sprint(i + 1), Name: fmt.Sprint(i + 1)})
	}
	return server
}

// Pipes is a listener whose connections are pipes in memory, for a
// testing/synctest bubble.
type Pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

// ListenPipes returns a listener, as yet without connections.
func ListenPipes() Pipes { return Pipes{make(chan net.Conn), make(chan struct{})} }

// Accept implements [net.Listener].
func (p Pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p Pipes) Close() error { close(p.done); return nil }

// Addr implements [net.Listener].
func (p Pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// DialContext connects to the listener, whatever the address.
func (p Pipes) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ServePipes starts a server whose connections are pipes in memory, for a
// testing/synctest bubble, and returns a client and the recorder of its requests.
func ServePipes(t *testing.T, opts []leedo.Option, handlers ...http.HandlerFunc) (*leedo.Client, *Recorder) {
	t.Helper()
	rec := &Recorder{}
	listener := ListenPipes()
	server := &http.Server{Handler: rec.Handler(handlers)}
	go server.Serve(listener)
	transport := &http.Transport{DialContext: listener.DialContext}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		synctest.Wait()
	})
	return NewClient(t, append([]leedo.Option{leedo.WithBaseURL("http://localhost/v1"), leedo.WithHTTPClient(&http.Client{Transport: transport})}, opts...)...), rec
}

// ClosedPortURL returns a base URL with a port on which connections are refused.
// The port belongs to a connection until the end of the test, as the server of
// another test could otherwise be given it.
func ClosedPortURL(t *testing.T, scheme string) string {
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
