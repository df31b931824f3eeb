package leedo_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
)

const frameGoAway, frameWindowUpdate = 7, 8

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
	send := func(kind, flags byte, stream uint32, payload []byte) {
		frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind)), flags)
		conn.Write(append(binary.BigEndian.AppendUint32(frame, stream), payload...))
	}
	io.CopyN(io.Discard, conn, int64(len(clientPreface)))
	send(frameSettings, 0, 0, nil)
	bodies := map[uint32][]byte{}
	done, last := 0, uint32(0)
	for header := make([]byte, 9); ; {
		if _, err := io.ReadFull(conn, header); err != nil {
			return
		}
		kind, flags, stream := header[3], header[4], binary.BigEndian.Uint32(header[5:])
		payload := make([]byte, binary.BigEndian.Uint32(header)>>8)
		io.ReadFull(conn, payload)
		if kind == frameSettings && flags&flagAck == 0 {
			send(frameSettings, flagAck, 0, nil)
		}
		if kind > frameHeaders {
			continue
		}
		if kind == frameData {
			bodies[stream] = append(bodies[stream], payload...)
			send(frameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, max(uint32(len(payload)), 1)))
		}
		if flags&flagEndStream == 0 {
			continue
		}
		l.mu.Lock()
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
			send(frameHeaders, 4, stream, []byte("\x08\x03201")) // :status 201; 4: no more headers follow
			send(frameData, flagEndStream, stream, fmt.Appendf(nil, `{"id":"lead-%s","name":"%s"}`, name, name))
			if !l.refuse && done == l.after {
				last = stream
				send(frameGoAway, 0, 0, append(binary.BigEndian.AppendUint32(nil, stream), 0, 0, 0, 0))
			}
		}
		l.mu.Unlock()
	}
}

func (l *leaving) client(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	l.made = map[string]int{}
	s := newServer(t, answer(500, ""))
	s.EnableHTTP2 = true
	s.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) {
			context.AfterFunc(t.Context(), func() { conn.Close() })
			l.speak(conn)
		},
	}
	s.StartTLS()
	return s.tlsClient(t, append(opts, leedo.WithoutRateLimiter())...)
}

// TestWhatAServerDidNotProcessIsSentAgain: HTTP/2 lets a server say so, of streams
// behind a GOAWAY and of refused ones. Nothing is lost and nothing doubled.
func TestWhatAServerDidNotProcessIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]*leaving{"GOAWAY": {after: 100}, "REFUSED_STREAM": {after: 10, refuse: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := l.client(t, leedo.WithBackoff(time.Millisecond, 10*time.Millisecond), leedo.WithRetries(20))
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if err := create(ctx, c); err != nil { // from now on the client knows that this is HTTP/2
				t.Fatal(err)
			}
			const workers, each = 64, 20
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

// TestARefusedStreamWasNotDone: without a retry the error is no unknown outcome.
func TestARefusedStreamWasNotDone(t *testing.T) {
	t.Parallel()
	l := &leaving{after: 2, refuse: true}
	c := l.client(t, leedo.WithRetries(0))
	if err := create(t.Context(), c); err != nil { // from now on the client knows that this is HTTP/2
		t.Fatal(err)
	}
	err := create(t.Context(), c)
	if !is[*leedo.TransportError](err) || is[*leedo.UnknownOutcomeError](err) || l.dropped != 1 {
		t.Errorf("%v, %d requests not processed", err, l.dropped)
	}
	const want = "leedo: POST /leads: no complete response: the server closed the HTTP/2 stream without processing the request (1 attempt)"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// TestOnlyTheServerSaysWhatItDidNotProcess: a text that is not exactly one of
// net/http's proves nothing, such as one that quotes the server.
func TestOnlyTheServerSaysWhatItDidNotProcess(t *testing.T) {
	t.Parallel()
	const goAway = "http2: Transport received Server's graceful shutdown GOAWAY"
	for text, sent := range map[string]int{
		goAway: 2,
		"http2: Transport received GOAWAY from server ErrCode:ENHANCE_YOUR_CALM":                                                                                                        2,
		"http2: Transport: cannot retry err [" + goAway + "] after Request.Body was written; define Request.GetBody to avoid this error":                                                2,
		"http2: Transport: cannot retry err [stream error: stream ID 3; REFUSED_STREAM; received from peer] after Request.Body was written; define Request.GetBody to avoid this error": 2,
		"http2: Transport: cannot retry err [stream error: stream ID 3; PROTOCOL_ERROR; received from peer] after Request.Body was written; define Request.GetBody to avoid this error": 1,
		"stream error: stream ID 3; INTERNAL_ERROR; received from peer":                                                                                                                 1,
		`http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug="` + goAway + `"`:                                                                 1,
		`http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug="` + "\n" + goAway + "\n" + `"`:                                                   1,
		"proxy: " + goAway: 1,
	} {
		requests := 0
		c := newClient(t, leedo.WithRetries(1), leedo.WithBackoff(0, time.Millisecond), leedo.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			requests++
			io.Copy(io.Discard, req.Body)
			return nil, errors.New(text)
		})}))
		err := create(t.Context(), c)
		if requests != sent || is[*leedo.UnknownOutcomeError](err) != (sent == 1) {
			t.Errorf("%s: %d requests, %v", text, requests, err)
		}
	}
}
