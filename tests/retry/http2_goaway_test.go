package retry_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// leaving is a server that processes so many requests on each connection and then
// sends a GOAWAY, as proxies do and servers that are restarted. The streams that
// are open then it does not process: it drops them, or refuses them without a
// GOAWAY.
type leaving struct {
	after  int
	refuse bool

	mu       sync.Mutex
	made     map[string]int // leads by name
	dropped  int
	requests int
}

// speak serves a connection.
func (l *leaving) speak(conn io.ReadWriter) {
	bodies := map[uint32][]byte{}
	done, last := 0, uint32(0)
	speakHTTP2(conn, conn, int64(len(clientPreface)), func(send sendFrame, kind, flags byte, stream uint32, payload []byte) bool {
		if kind == frameData {
			bodies[stream] = append(bodies[stream], payload...)
		}
		if kind > frameHeaders || flags&flagEndStream == 0 {
			return true
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.requests++
		switch {
		case l.refuse && l.requests%l.after == 0:
			l.dropped++
			send(frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, 7))
		case last > 0 && stream > last:
			l.dropped++
		default:
			done++
			_, name, _ := bytes.Cut(bodies[stream], []byte(`"name":"`))
			name, _, _ = bytes.Cut(name, []byte(`"`))
			l.made[string(name)]++
			send(frameHeaders, flagEndHeaders, stream, []byte("\x08\x03201")) // :status 201
			send(frameData, flagEndStream, stream, fmt.Appendf(nil, `{"id":"lead-%s","name":"%s"}`, name, name))
			if !l.refuse && done == l.after {
				last = stream
				send(frameGoAway, 0, 0, append(binary.BigEndian.AppendUint32(nil, stream), 0, 0, 0, 0))
			}
		}
		return true
	})
}

func (l *leaving) client(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	l.made = map[string]int{}
	s := support.NewServer(t, support.Respond(500, ""))
	startHTTP2(t, s, func(conn *tls.Conn) { l.speak(conn) })
	return s.TLSClient(t, append(opts, leedo.WithoutRateLimiter())...)
}

// Over HTTP/2 a server can report that it did not process a stream: by GOAWAY,
// or by REFUSED_STREAM. Such requests are retried, and nothing is lost or done
// twice.
func TestWhatAServerDidNotProcessIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]*leaving{"GOAWAY": {after: 100}, "REFUSED_STREAM": {after: 10, refuse: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// On a busy machine a call takes as long as it takes.
			c := l.client(t, leedo.WithBackoff(time.Millisecond, 10*time.Millisecond), leedo.WithRetries(20), leedo.WithAttemptTimeout(0))
			ctx := t.Context()
			if err := support.Create(ctx, c); err != nil { // from now on the client knows that this is HTTP/2
				t.Fatal(err)
			}
			const workers, each = 64, 10
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					for i := range each {
						name := fmt.Sprintf("lead-%d-%d", w, i)
						lead, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: name, Email: "john@example.com"})
						if err != nil || lead.Name != name {
							t.Errorf("%s: %v", name, err)
						}
					}
				})
			}
			wg.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			twice := 0
			for _, n := range l.made {
				twice += n - 1
			}
			t.Logf("%d leads made, %d twice; %d requests, %d of them not processed", len(l.made), twice, l.requests, l.dropped)
			if len(l.made) != workers*each+1 || twice > 0 || l.dropped == 0 {
				t.Errorf("%d leads made, %d twice, %d requests not processed", len(l.made), twice, l.dropped)
			}
		})
	}
}

// Without a retry a refused stream does not make the outcome of a write
// unknown.
func TestARefusedStreamWasNotDone(t *testing.T) {
	t.Parallel()
	l := &leaving{after: 2, refuse: true}
	c := l.client(t, leedo.WithRetries(0))
	if err := support.Create(t.Context(), c); err != nil { // from now on the client knows that this is HTTP/2
		t.Fatal(err)
	}
	err := support.Create(t.Context(), c)
	if !support.Is[*leedo.TransportError](err) || support.Is[*leedo.UnknownOutcomeError](err) || l.dropped != 1 {
		t.Errorf("%v, %d requests not processed", err, l.dropped)
	}
	const want = "leedo: POST /leads: no complete response: the server closed the HTTP/2 stream without processing the request (1 attempt)"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// A text that is not exactly one of net/http's proves nothing, such as one that
// quotes the server. Nor does the error of a transport that sent the request
// more than once, or that does not report that it sent it.
func TestOnlyTheServerSaysWhatItDidNotProcess(t *testing.T) {
	t.Parallel()
	const (
		goAway  = "http2: Transport received Server's graceful shutdown GOAWAY"
		cannot  = "http2: Transport: cannot retry err [%s] after Request.Body was written; define Request.GetBody to avoid this error"
		stream  = "stream error: stream ID 3; %s; received from peer"
		closing = "http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug="
	)
	refused := fmt.Sprintf(stream, "REFUSED_STREAM")
	for _, tt := range []struct {
		text     string
		written  int
		requests int
	}{
		{goAway, 1, 2},
		{"http2: Transport received GOAWAY from server ErrCode:ENHANCE_YOUR_CALM", 1, 2},
		{fmt.Sprintf(cannot, goAway), 1, 2},
		{fmt.Sprintf(cannot, refused), 1, 2},
		{fmt.Sprintf(cannot, goAway), 0, 1},
		{fmt.Sprintf(cannot, goAway), 2, 1},
		{fmt.Sprintf(cannot, fmt.Sprintf(stream, "PROTOCOL_ERROR")), 1, 1},
		{fmt.Sprintf(stream, "INTERNAL_ERROR"), 1, 1},
		{closing + strconv.Quote(goAway), 1, 1},
		{closing + "\n" + goAway + "\n", 1, 1},
		{"proxy: " + goAway, 1, 1},
	} {
		requests := 0
		c := support.NewClient(t, leedo.WithRetries(1), leedo.WithBackoff(0, time.Millisecond), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			requests++
			for range tt.written {
				httptrace.ContextClientTrace(req.Context()).WroteHeaders()
			}
			io.Copy(io.Discard, req.Body)
			return nil, errors.New(tt.text)
		})}))
		err := support.Create(t.Context(), c)
		if requests != tt.requests || support.Is[*leedo.UnknownOutcomeError](err) != (tt.requests == 1) {
			t.Errorf("%s, written %d times: %d requests, %v", tt.text, tt.written, requests, err)
		}
	}
}

// A write whose response body is cut was processed, whatever cut it.
func TestABodyThatIsCutWasProcessed(t *testing.T) {
	t.Parallel()
	c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		httptrace.ContextClientTrace(req.Context()).WroteHeaders()
		io.Copy(io.Discard, req.Body)
		cut := readFunc(func([]byte) (int, error) {
			return 0, errors.New("http2: Transport received Server's graceful shutdown GOAWAY")
		})
		return &http.Response{StatusCode: 201, Body: io.NopCloser(cut)}, nil
	})}))
	err := support.Create(t.Context(), c)
	if leedo.OutcomeOf(err) != leedo.OutcomeDone || strings.Contains(err.Error(), "without processing") {
		t.Errorf("%v: %v", leedo.OutcomeOf(err), err)
	}
}

// mixed is a server whose first connection speaks HTTP/2 and ends each stream with
// a PROTOCOL_ERROR once it has done what was asked, and all others HTTP/1.
type mixed struct {
	conns, done atomic.Int32
}

func (m *mixed) client(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) *leedo.Client {
	t.Helper()
	s := support.NewServer(t, func(w http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body)
		m.done.Add(1)
		support.Respond(201, support.LeadJSON)(w, req)
	})
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		config := s.TLS.Clone()
		config.GetConfigForClient = nil
		if m.conns.Add(1) > 1 {
			config.NextProtos = []string{"http/1.1"}
		}
		return config, nil
	}}
	startHTTP2(t, s, func(conn *tls.Conn) {
		speakHTTP2(conn, conn, int64(len(clientPreface)), func(send sendFrame, kind, flags byte, stream uint32, _ []byte) bool {
			if kind <= frameHeaders && flags&flagEndStream != 0 {
				m.done.Add(1)
				send(frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, 1))
			}
			return true
		})
	})
	return s.Client(t, leedo.WithHTTPClient(&http.Client{Transport: wrap(s.Server.Client().Transport)}))
}

// No write is sent twice when net/http falls back to HTTP/1, where it sends
// without looking at the context, or by a transport that ignores the end of the
// context.
func TestNeverTwiceWhenTheConnectionChanges(t *testing.T) {
	t.Parallel()
	wraps := map[string]func(http.RoundTripper) http.RoundTripper{
		"bare": func(base http.RoundTripper) http.RoundTripper { return base },
		"without cancellation": func(base http.RoundTripper) http.RoundTripper {
			return support.RoundTripper(func(req *http.Request) (*http.Response, error) {
				return base.RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
			})
		},
		"without the context": func(base http.RoundTripper) http.RoundTripper {
			return support.RoundTripper(func(req *http.Request) (*http.Response, error) {
				return base.RoundTrip(req.WithContext(context.Background()))
			})
		},
	}
	for name, wrap := range wraps {
		for _, write := range support.Writes {
			if name != "bare" && write.Name == "DELETE" {
				continue // without a body nothing but the context can hold it back
			}
			for range 20 {
				m := &mixed{}
				err := write.Call(t.Context(), m.client(t, wrap), leedo.WithRetries(0))
				if n := m.done.Load(); n != 1 || !support.Is[*leedo.UnknownOutcomeError](err) {
					t.Errorf("%s, %s: done %d times, %v", name, write.Name, n, err)
				}
			}
		}
	}
}
