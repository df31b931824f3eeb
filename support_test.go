package leedo_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/leedoapp/leedo-go"
)

const (
	testToken = "tok_Zq81secret"
	leadJSON  = `{"id":"550e8400-e29b-41d4-a716-446655440000","name":"John Doe","status":"new","created_at":"2025-10-01T12:00:00Z"}`
	errorJSON = `{"error":{"code":"broken","message":"something is broken"}}`
)

// server serves each request with the next of its handlers, and all further
// ones with the last. It records the requests.
type server struct {
	url      string // of the socket, if there is one
	handlers []http.HandlerFunc
	mu       sync.Mutex
	requests []*http.Request
}

func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, req.Clone(req.Context()))
	handler := s.handlers[min(len(s.requests), len(s.handlers))-1]
	s.mu.Unlock()
	handler(w, req)
}

// Requests returns the requests received so far.
func (s *server) Requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.requests...)
}

// serve starts a server on a real socket.
func serve(t *testing.T, handlers ...http.HandlerFunc) *server {
	s := &server{handlers: handlers}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	s.url = listening.URL + "/v1"
	return s
}

// client returns a client of the socket, with a negligible backoff.
func (s *server) client(t *testing.T, opts ...leedo.Option) *leedo.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return newClient(t, transport, append([]leedo.Option{leedo.WithBaseURL(s.url), leedo.WithBackoff(1, 1)}, opts...))
}

// inMemory returns a client whose transport calls the handlers, and the server.
func inMemory(t *testing.T, opts []leedo.Option, handlers ...http.HandlerFunc) (*leedo.Client, *server) {
	s := &server{handlers: handlers}
	return newClient(t, roundTripper(func(req *http.Request) (*http.Response, error) { return canned(req, s.ServeHTTP), nil }), opts), s
}

func newClient(t *testing.T, transport http.RoundTripper, opts []leedo.Option) *leedo.Client {
	t.Helper()
	client, err := leedo.NewClient(testToken, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: transport})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// canned returns the response of a handler.
func canned(req *http.Request, handler http.HandlerFunc) *http.Response {
	w := httptest.NewRecorder()
	handler(w, req)
	return w.Result()
}

// respond returns a handler that responds with a status, a JSON body, and names
// and values of header fields.
func respond(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}
