package retry_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// garble responds with half a status line.
func garble(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(conn, "HTTP/1.1 20")
	conn.Close()
}

func TestNeverTwice(t *testing.T) {
	t.Parallel()
	server := support.Is[*leedo.ServerError]
	api := support.Is[*leedo.APIError]
	transport := support.Is[*leedo.TransportError]
	failures := []struct {
		name   string
		answer http.HandlerFunc
		cause  func(error) bool
	}{
		{"500", support.Respond(500, support.ErrorJSON), server},
		{"501", support.Respond(501, support.ErrorJSON), server},
		{"502 HTML", support.Respond(502, "<html>bad gateway</html>", "Content-Type", "text/html"), server},
		{"503", support.Respond(503, "", "Retry-After", "0"), server},
		{"504", support.Respond(504, support.ErrorJSON), server},
		{"599", support.Respond(599, support.ErrorJSON), server},
		{"600", support.Respond(600, support.ErrorJSON), api},
		{"408", support.Respond(408, support.ErrorJSON), api},
		{"500, body cut", support.CutBody(500, "{"), server},
		{"cut", support.Cut, transport},
		{"answer garbled", garble, transport},
	}
	for _, failure := range failures {
		for _, write := range support.Writes {
			t.Run(failure.name+"/"+write.Name, func(t *testing.T) {
				t.Parallel()
				s := support.Serve(t, failure.answer)
				err := write.Call(t.Context(), s.Client(t))
				if n := len(s.Requests()); n != 1 {
					t.Errorf("sent %d times", n)
				}
				if !support.Is[*leedo.UnknownOutcomeError](err) || !failure.cause(err) {
					t.Errorf("got %#v: %v, want an unknown outcome and its cause", err, err)
				}
			})
		}
	}
}

func TestNeverTwiceThoughTheAttemptExpires(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		check  func(error) bool
	}{
		{"no answer", support.Hang, func(err error) bool {
			return support.Is[*leedo.UnknownOutcomeError](err) && support.Is[*leedo.TransportError](err) &&
				errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded)
		}},
		{"half an error", support.HalfBody(500), func(err error) bool {
			return support.Is[*leedo.UnknownOutcomeError](err) && support.Is[*leedo.ServerError](err)
		}},
		{"half a refusal", support.HalfBody(404), func(err error) bool {
			return !support.Is[*leedo.UnknownOutcomeError](err) && support.Is[*leedo.NotFoundError](err) && !errors.Is(err, os.ErrDeadlineExceeded)
		}},
		{"half a success", support.HalfBody(201), func(err error) bool {
			return !support.Is[*leedo.UnknownOutcomeError](err) && support.Is[*leedo.DecodeError](err)
		}},
	}
	for _, test := range tests {
		for _, write := range support.Writes {
			support.Bubble(t, test.name+"/"+write.Name, func(t *testing.T) {
				c, rec := support.ServePipes(t, nil, test.answer)
				start := time.Now()
				err := write.Call(t.Context(), c, leedo.WithResponse(new(leedo.Response)))
				if took := time.Since(start); !test.check(err) || len(rec.Requests()) != 1 || took != 30*time.Second {
					t.Errorf("%v after %v and %d requests", err, took, len(rec.Requests()))
				}
			})
		}
	}
}

// A write during which the caller's context ends is not repeated.
func TestNeverTwiceCancelled(t *testing.T) {
	t.Parallel()
	for _, write := range support.Writes {
		t.Run(write.Name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			s := support.Serve(t, func(w http.ResponseWriter, req *http.Request) { cancel(); support.Hang(w, req) })
			err := write.Call(ctx, s.Client(t))
			if !support.Is[*leedo.UnknownOutcomeError](err) || !support.Is[*leedo.TransportError](err) || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if n := len(s.Requests()); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

// Responses that leave no doubt about a write do not make its outcome unknown.
func TestUnknownOutcomeOnlyWhenInDoubt(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 301, 304, 307, 308, 400, 401, 403, 404, 409, 422} {
		for _, write := range support.Writes {
			s := support.Serve(t, support.Respond(status, "", "Location", "/v1/elsewhere"))
			err := write.Call(t.Context(), s.Client(t))
			if !support.Is[*leedo.APIError](err) || support.Is[*leedo.UnknownOutcomeError](err) || len(s.Requests()) != 1 {
				t.Errorf("%s answered %d: %v, sent %d times", write.Name, status, err, len(s.Requests()))
			}
		}
	}
}

// tooEarly cuts the first connections to a listener before a byte is read.
type tooEarly struct {
	net.Listener
	left atomic.Int32
}

func (l *tooEarly) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil && l.left.Add(-1) >= 0 {
		conn.Close()
	}
	return conn, err
}

func TestNeverTwiceButWhatWasNotSent(t *testing.T) {
	t.Parallel()
	for _, op := range append(support.Writes[:len(support.Writes):len(support.Writes)], support.Reads...) {
		check := func(t *testing.T, err error) {
			t.Helper()
			e, ok := errors.AsType[*leedo.TransportError](err)
			if !ok || support.Is[*leedo.UnknownOutcomeError](err) || e.Attempts != 4 {
				t.Errorf("got %v, want a transport error after 4 attempts, surely not done", err)
			}
		}
		t.Run("connection refused/"+op.Name, func(t *testing.T) {
			t.Parallel()
			check(t, op.Call(t.Context(), support.NewClient(t, leedo.WithBaseURL(support.ClosedPortURL(t, "http")))))
		})
		t.Run("handshake cut/"+op.Name, func(t *testing.T) {
			t.Parallel()
			s := support.NewServer(t, support.Respond(500, ""))
			early := &tooEarly{Listener: s.Listener}
			early.left.Store(1000)
			s.Listener = early
			s.StartTLS()
			check(t, op.Call(t.Context(), s.TLSClient(t)))
		})
		t.Run("handshake slow/"+op.Name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, says nothing
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			err = op.Call(t.Context(), support.NewClient(t, leedo.WithBaseURL("https://"+listener.Addr().String()),
				leedo.WithAttemptTimeout(20*time.Millisecond)))
			check(t, err)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v, want a timeout", err)
			}
		})
		t.Run("third handshake/"+op.Name, func(t *testing.T) {
			t.Parallel()
			s := support.NewServer(t, support.Respond(200, support.LeadJSON))
			early := &tooEarly{Listener: s.Listener}
			early.left.Store(2)
			s.Listener = early
			s.StartTLS()
			if err := op.Call(t.Context(), s.TLSClient(t)); err != nil || len(s.Requests()) != 1 {
				t.Errorf("got %v after %d requests", err, len(s.Requests()))
			}
		})
	}
}

// With any transport the read of the body shows whether a write may have been
// sent.
func TestNeverTwiceUnderAnyTransport(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := []struct {
		name    string
		call    func(context.Context, *leedo.Client, ...leedo.RequestOption) error
		fail    func(*http.Request)
		retried bool
	}{
		{"body untouched", support.Create, func(*http.Request) {}, true},
		{"body closed", support.Create, func(req *http.Request) { req.Body.Close() }, true},
		{"one byte read", support.Create, func(req *http.Request) { req.Body.Read(make([]byte, 1)) }, false},
		{"copied", support.Create, func(req *http.Request) { io.Copy(io.Discard, req.Body) }, false},
		{"copied by another name", support.Create, func(req *http.Request) { req.Body.(io.WriterTo).WriteTo(io.Discard) }, false},
		{"another reader", support.Create, func(req *http.Request) {
			body, _ := req.GetBody()
			io.Copy(io.Discard, body)
		}, false},
		{"another reader untouched", support.Create, func(req *http.Request) { req.GetBody() }, true},
		{"no body, no word of connections", support.Delete, func(*http.Request) {}, false},
		{"no body, refused", support.Delete, func(req *http.Request) { dialNowhere(t, req) }, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := test.call(t.Context(), support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(
				func(req *http.Request) (*http.Response, error) {
					calls++
					test.fail(req)
					return nil, broken
				})})))
			want := 1
			if test.retried {
				want = 4
			}
			if calls != want || support.Is[*leedo.UnknownOutcomeError](err) == test.retried || !errors.Is(err, broken) {
				t.Errorf("%d calls, %v", calls, err)
			}
		})
	}
}

// dialNowhere makes a real transport fail to connect.
func dialNowhere(t *testing.T, req *http.Request) {
	u := *req.URL
	u.Scheme, u.Host = "http", strings.TrimSuffix(strings.TrimPrefix(support.ClosedPortURL(t, "http"), "http://"), "/v1")
	elsewhere := req.Clone(req.Context())
	elsewhere.URL = &u
	if _, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(elsewhere); err == nil {
		t.Error("got an answer from a port that refuses")
	}
}

// A transport that reads the body of a failed attempt late gets nothing, as
// otherwise the request could be sent after it was reported as not sent.
func TestNeverTwiceThoughTheTransportIsLate(t *testing.T) {
	t.Parallel()
	var late io.Reader
	var again func() (io.ReadCloser, error)
	c := support.NewClient(t, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(
		func(req *http.Request) (*http.Response, error) {
			late, again = req.Body, req.GetBody
			return nil, errors.New("broken")
		})}))
	if err := support.Create(t.Context(), c); support.Is[*leedo.UnknownOutcomeError](err) {
		t.Fatal(err)
	}
	other, err := again()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []io.Reader{late, other} {
		if data, err := io.ReadAll(body); err == nil || len(data) > 0 {
			t.Errorf("read %d bytes after the end of the attempt", len(data))
		}
	}
}

// A write with a response of success was done, whatever else is wrong.
func TestWritesAnsweredWithSuccessWereDone(t *testing.T) {
	t.Parallel()
	text := func(c string) http.HandlerFunc { return support.Respond(201, c) }
	tests := []struct {
		name   string
		answer http.HandlerFunc
		opts   []leedo.Option
	}{
		{"cut", support.CutBody(201, support.LeadJSON[:20]), nil},
		{"empty", text(""), nil},
		{"no content", support.Respond(204, ""), nil},
		{"trailing garbage", text(support.LeadJSON + "x"), nil},
		{"no id", text(`{"name":"John Doe"}`), nil},
		{"wrong type", text(`{"id":[5]}`), nil},
		{"too large", text(support.LeadJSON), []leedo.Option{leedo.WithMaxResponseBytes(20)}},
	}
	for _, test := range tests {
		for _, write := range support.Writes[:2] {
			t.Run(test.name+"/"+write.Name, func(t *testing.T) {
				t.Parallel()
				s := support.Serve(t, test.answer)
				err := write.Call(t.Context(), s.Client(t, test.opts...))
				if !support.Is[*leedo.DecodeError](err) || support.Is[*leedo.UnknownOutcomeError](err) || support.Is[*leedo.TransportError](err) {
					t.Errorf("got %v", err)
				}
				if n := len(s.Requests()); n != 1 {
					t.Errorf("sent %d times", n)
				}
			})
		}
	}
}

func TestReceivedSuccessIsNeverThrownAway(t *testing.T) {
	t.Parallel()
	ops := []support.Operation{support.Reads[0], support.Writes[0], support.Writes[1], support.Writes[3], {Name: "List", Call: func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
		return c.Do(ctx, "GET", "/leads", nil, new(json.RawMessage))
	}}}
	moments := []struct {
		name string
		opts func(cancel func(), base http.RoundTripper) []leedo.Option
	}{
		{"the body is closed", func(cancel func(), base http.RoundTripper) []leedo.Option {
			return []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil {
					resp.Body = &support.ClosingBody{ReadCloser: resp.Body, Then: cancel}
				}
				return resp, err
			})})}
		}},
		{"the jar is filled", func(cancel func(), base http.RoundTripper) []leedo.Option {
			return []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: base, Jar: support.Jar{Store: func([]*http.Cookie) { cancel() }}})}
		}},
		{"the hook is called", func(cancel func(), base http.RoundTripper) []leedo.Option {
			return []leedo.Option{
				leedo.WithHTTPClient(&http.Client{Transport: base}),
				leedo.WithHooks(leedo.Hooks{Attempt: func(context.Context, leedo.AttemptInfo) { cancel() }}),
			}
		}},
	}
	for _, moment := range moments {
		for _, op := range ops {
			t.Run(moment.name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s := support.Serve(t, support.Respond(200, support.LeadJSON, "Set-Cookie", "a=b"))
				transport := &http.Transport{}
				defer transport.CloseIdleConnections()
				if err := op.Call(ctx, s.Client(t, moment.opts(cancel, transport)...)); err != nil {
					t.Error(err)
				}
				if ctx.Err() == nil {
					t.Error("the context was not cancelled: the test shows nothing")
				}
			})
		}
	}
}

// A write that may be repeated and got one response of success is not reported
// as not done.
func TestReceivedSuccessIsNeverThrownAwayByRetries(t *testing.T) {
	t.Parallel()
	later := map[string]http.HandlerFunc{"400": support.Respond(400, ""), "409": support.Respond(409, ""), "503": support.Respond(503, ""), "cut": support.Cut}
	for name, after := range later {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := support.Serve(t, support.CutBody(201, `{"id":"id-7",`), after)
			err := support.Create(t.Context(), s.Client(t), leedo.WithIdempotent(), leedo.WithRetries(1))
			decode, ok := errors.AsType[*leedo.DecodeError](err)
			if !ok || decode.RecordID != "id-7" || leedo.OutcomeOf(err) != leedo.OutcomeDone {
				t.Errorf("got %v after a 201", err)
			}
		})
	}
	t.Run("context ends", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			io.Copy(io.Discard, req.Body)
			rest := readFunc(func([]byte) (int, error) { cancel(); return 0, ctx.Err() })
			return &http.Response{StatusCode: 201, Body: io.NopCloser(io.MultiReader(strings.NewReader("{"), rest))}, nil
		})}))
		err := support.Create(ctx, c, leedo.WithIdempotent())
		if !support.Is[*leedo.UnknownOutcomeError](err) && !support.Is[*leedo.DecodeError](err) {
			t.Errorf("got %v after a 201", err)
		}
	})
}

// readFunc is a reader made of a function.
type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestUnknownOutcomeNamesItsCause(t *testing.T) {
	t.Parallel()
	s := support.Serve(t, support.Respond(500, support.ErrorJSON, "X-Request-Id", "req_9"))
	err := support.Create(t.Context(), s.Client(t))
	want := "leedo: POST /leads: outcome unknown: 500 broken: something is broken (request req_9, 1 attempt)"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

// The result of an earlier attempt neither decides about a later one nor
// replaces it in the error.
func TestTheLastFailureIsTheOneReported(t *testing.T) {
	t.Parallel()
	// On a connection that was used before, net/http would repeat a read by itself.
	busy, broken := support.RateLimited("Retry-After", "1", "Connection", "close"), support.Respond(500, "", "Connection", "close")
	for _, write := range support.Writes {
		support.Bubble(t, write.Name+", 429, then cut", func(t *testing.T) {
			c, rec := support.ServePipes(t, nil, busy, support.Cut, support.Respond(200, support.LeadJSON))
			err := write.Call(t.Context(), c)
			if n := len(rec.Requests()); n != 2 || !support.Is[*leedo.UnknownOutcomeError](err) || !support.Is[*leedo.TransportError](err) || support.Is[*leedo.RateLimitError](err) {
				t.Errorf("%d requests, %v", n, err)
			}
		})
	}
	server, transport, limited := support.Is[*leedo.ServerError], support.Is[*leedo.TransportError], support.Is[*leedo.RateLimitError]
	tests := []struct {
		name    string
		answers []http.HandlerFunc
		last    func(error) bool
		not     []func(error) bool
	}{
		{"500, then cut", []http.HandlerFunc{broken, support.Cut}, transport, []func(error) bool{server, limited}},
		{"cut, then 500", []http.HandlerFunc{support.Cut, broken}, server, []func(error) bool{transport, limited}},
		{"429, 500, then cut", []http.HandlerFunc{busy, broken, support.Cut}, transport, []func(error) bool{server, limited}},
		{"429, cut, then 500", []http.HandlerFunc{busy, support.Cut, broken}, server, []func(error) bool{transport, limited}},
		{"500, then 404", []http.HandlerFunc{broken, support.Respond(404, "")}, support.Is[*leedo.NotFoundError], []func(error) bool{server, transport}},
	}
	for _, tt := range tests {
		for _, read := range support.Reads {
			support.Bubble(t, read.Name+", "+tt.name, func(t *testing.T) {
				c, rec := support.ServePipes(t, []leedo.Option{leedo.WithRetries(1)}, tt.answers...)
				err := read.Call(t.Context(), c)
				if n := len(rec.Requests()); n != len(tt.answers) || !tt.last(err) || slices.ContainsFunc(tt.not, func(f func(error) bool) bool { return f(err) }) {
					t.Errorf("%d requests, %v", n, err)
				}
			})
		}
	}
}
