//go:build matrix

package matrix_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// wire is a way between client and server.
type wire struct {
	name    string
	http    int  // the version; 0 means that the transport calls the server
	virtual bool // in virtual time, in memory; otherwise over real sockets
}

var wires = []*wire{
	{"without HTTP", 0, true},
	{"HTTP/1 in memory", 1, true},
	{"HTTP/2 in memory", 2, true},
	{"HTTP/1 on sockets", 1, false},
	{"HTTP/2 on sockets", 2, false},
}

// In real time a call that stalls is attempted once, for realTimeout; others twice.
const realTimeout = 10 * time.Second

// realTime is how long a call may take in real time, on a slow machine.
const realTime = 30 * time.Second

// retries returns how often a call is repeated.
func (w *wire) retries(f fault) int {
	switch {
	case w.virtual:
		return 3
	case f.takes >= attemptTimeout:
		return 0
	}
	return 1
}

// options are those of a client. In virtual time they are the defaults.
func (w *wire) options(f fault) []leedo.Option {
	if w.virtual {
		return nil
	}
	opts := []leedo.Option{leedo.WithRetries(w.retries(f)), leedo.WithMaxWait(0), leedo.WithBackoff(1, 1)}
	if f.takes >= attemptTimeout {
		opts = append(opts, leedo.WithAttemptTimeout(realTimeout))
	}
	return opts
}

// identity is the certificate of the servers, and what makes a client trust it.
var identity = sync.OnceValues(func() (server, client *tls.Config) {
	s := httptest.NewUnstartedServer(nil)
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	server, client = s.TLS.Clone(), s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	server.NextProtos = nil
	server.SetSessionTicketKeys([][32]byte{{1}}) // all servers resume the same sessions: handshakes cost less
	client.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	return server, client
})

// serve starts the server of a cell. It returns the transport of the client, and a
// function that ends both and reports how many connections were left open.
func (s *server) serve() (transport http.RoundTripper, scheme string, end func() int) {
	w := s.cell.wire
	if w.http == 0 {
		s.host = "api.leedo.app"
		return s, "https", func() int { return s.count(0) }
	}
	listener, dial := s.listen()
	config := &http.Server{
		Handler: s, ErrorLog: log.New(io.Discard, "", 0), Protocols: new(http.Protocols),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.count(1)
			case http.StateClosed: // a connection that was hijacked is counted by the handler
				s.count(-1)
			}
		},
	}
	base := &http.Transport{Protocols: new(http.Protocols), DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if err := s.dial(ctx); err != nil {
			return nil, err
		}
		return dial(ctx, network, addr)
	}}
	scheme = "http"
	switch {
	case w.http == 1:
		config.Protocols.SetHTTP1(true)
		base.Protocols.SetHTTP1(true)
	case w.virtual:
		config.Protocols.SetUnencryptedHTTP2(true)
		base.Protocols.SetUnencryptedHTTP2(true)
	default:
		scheme = "https"
		config.Protocols.SetHTTP2(true)
		base.Protocols.SetHTTP2(true)
		ours, theirs := identity()
		config.TLSConfig, base.TLSClientConfig = ours.Clone(), theirs.Clone()
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if scheme == "https" {
			config.ServeTLS(listener, "", "")
		} else {
			config.Serve(listener)
		}
	}()
	transport = base
	if s.cell.wrapped() {
		transport = support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(req)
			if err == nil && resp.Header.Get("X-Echo") != "" {
				s.received <- struct{}{}
			}
			return resp, err
		})
	}
	return transport, scheme, func() int {
		left := s.settle(base)
		config.Close()
		<-served
		return left
	}
}

// listen returns a listener in memory or on a real socket.
func (s *server) listen() (net.Listener, func(context.Context, string, string) (net.Conn, error)) {
	if s.cell.wire.virtual {
		s.host = "localhost"
		pipes := support.ListenPipes()
		return pipes, pipes.DialContext
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s.host = listener.Addr().String()
	return listener, new(net.Dialer).DialContext
}

// settle closes idle connections until none is open, and returns how many still are
// in the end. Over HTTP/2 a connection becomes idle soon after a call has ended.
func (s *server) settle(transport *http.Transport) int {
	if s.cell.wire.virtual {
		synctest.Wait()
		transport.CloseIdleConnections()
		synctest.Wait()
		return s.count(0)
	}
	for start := time.Now(); s.count(0) > 0 && time.Since(start) < realTime; time.Sleep(2 * time.Millisecond) {
		transport.CloseIdleConnections()
	}
	return s.count(0)
}

// texts collects what a client logs and passes to hooks.
type texts struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *texts) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *texts) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// client returns a client of the server; its log and hooks write to l.
func (s *server) client(t *testing.T, transport http.RoundTripper, scheme string, l *texts) *leedo.Client {
	f := s.cell.fault
	opts := append(s.cell.wire.options(f),
		leedo.WithHTTPClient(&http.Client{Transport: transport}), leedo.WithBaseURL(scheme+"://"+s.host+"/v1"),
		leedo.WithMaxResponseBytes(maxBody), leedo.WithLogger(l.logger()), leedo.WithHooks(l.hooks(func() {
			if f.inWait {
				s.ctx.end()
			}
		})))
	client, err := leedo.NewClient(support.Token, append(opts, f.opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
