package retry_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// The frames of HTTP/2 that are needed here (RFC 9113, section 6).
const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway, frameWindowUpdate = 0, 1, 3, 4, 7, 8
	flagAck, flagEndStream, flagEndHeaders                                             = 1, 1, 4
)

// resetting is a server that ends the stream of each request that it has
// received in full with an error, as a proxy does whose upstream is broken.
type resetting struct {
	code  uint32
	early bool         // it does not wait for the body
	hint  bool         // it sends a 103 before
	got   atomic.Int32 // requests received in full, or, early, begun
}

// sendFrame sends a frame.
type sendFrame func(kind, flags byte, stream uint32, payload []byte)

// speakHTTP2 is the server's end of a connection whose first bytes, so many of
// them, are yet to be skipped. It acknowledges what has to be, and hands all
// frames to handle until that returns false.
func speakHTTP2(in io.Reader, out io.Writer, skip int64, handle func(send sendFrame, kind, flags byte, stream uint32, payload []byte) bool) {
	send := func(kind, flags byte, stream uint32, payload []byte) {
		frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind)), flags)
		out.Write(append(binary.BigEndian.AppendUint32(frame, stream), payload...))
	}
	io.CopyN(io.Discard, in, skip)
	send(frameSettings, 0, 0, nil)
	for header := make([]byte, 9); ; {
		if _, err := io.ReadFull(in, header); err != nil {
			return
		}
		kind, flags, stream := header[3], header[4], binary.BigEndian.Uint32(header[5:])
		payload := make([]byte, binary.BigEndian.Uint32(header)>>8)
		if _, err := io.ReadFull(in, payload); err != nil {
			return
		}
		switch {
		case kind == frameSettings && flags&flagAck == 0:
			send(frameSettings, flagAck, 0, nil)
		case kind == frameData && len(payload) > 0:
			send(frameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, uint32(len(payload))))
		}
		if !handle(send, kind, flags, stream, payload) {
			return
		}
	}
}

// speak serves a connection. It stops after a few requests more than expected.
func (r *resetting) speak(in io.Reader, out io.Writer, skip int64) {
	speakHTTP2(in, out, skip, func(send sendFrame, kind, flags byte, stream uint32, _ []byte) bool {
		if r.early && kind == frameHeaders || !r.early && kind <= frameHeaders && flags&flagEndStream != 0 {
			r.got.Add(1)
			if r.hint {
				send(frameHeaders, flagEndHeaders, stream, []byte("\x08\x03103")) // :status 103
			}
			send(frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, r.code))
		}
		return r.got.Load() < 5
	})
}

const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// overTLS returns a client of the server; the TLS handshake settles on HTTP/2.
func (r *resetting) overTLS(t *testing.T) *leedo.Client {
	t.Helper()
	s := support.NewServer(t, support.Respond(500, ""))
	startHTTP2(t, s, func(conn *tls.Conn) { r.speak(conn, conn, int64(len(clientPreface))) })
	return s.TLSClient(t)
}

// startHTTP2 starts a server. It passes the connections whose TLS handshake
// negotiates HTTP/2 to speak.
func startHTTP2(t *testing.T, s *support.Server, speak func(*tls.Conn)) {
	t.Helper()
	s.EnableHTTP2 = true
	s.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) {
			context.AfterFunc(t.Context(), func() { conn.Close() })
			speak(conn)
		},
	}
	s.StartTLS()
}

// clear returns the server without TLS, and a transport that begins with HTTP/2
// unasked.
func (r *resetting) clear(t *testing.T) (*support.Server, *http.Transport) {
	t.Helper()
	s := support.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		context.AfterFunc(t.Context(), func() { conn.Close() })
		r.speak(buffered, conn, int64(len("SM\r\n\r\n"))) // the rest of the preface looks like a request
	})
	transport := &http.Transport{Protocols: &http.Protocols{}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return s, transport
}

// inTheClear returns a client of the server that begins with HTTP/2 unasked.
func (r *resetting) inTheClear(t *testing.T) *leedo.Client {
	t.Helper()
	s, transport := r.clear(t)
	return s.Client(t, leedo.WithHTTPClient(&http.Client{Transport: transport}))
}

// byASidecar is inTheClear by a transport whose URLs do not say so.
func (r *resetting) byASidecar(t *testing.T) *leedo.Client {
	t.Helper()
	s, sidecar := r.clear(t)
	return support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host = "http", strings.TrimPrefix(s.URL, "http://")
		return sidecar.RoundTrip(req)
	})}))
}

// net/http by itself repeats a request whose stream ends in a PROTOCOL_ERROR,
// again and again, whatever the method. Writes are not repeated.
func TestNeverTwiceOverHTTP2(t *testing.T) {
	t.Parallel()
	codes := map[string]uint32{"PROTOCOL_ERROR": 1, "INTERNAL_ERROR": 2, "CANCEL": 8}
	clients := map[string]func(*resetting, *testing.T) *leedo.Client{
		"TLS": (*resetting).overTLS, "in the clear": (*resetting).inTheClear, "by a sidecar": (*resetting).byASidecar,
	}
	for name, code := range codes {
		for way, client := range clients {
			for i, write := range append(support.Writes, support.Writes...) {
				hint := i >= len(support.Writes)
				t.Run(fmt.Sprintf("%s/%s/%s, 103 before: %v", name, way, write.Name, hint), func(t *testing.T) {
					t.Parallel()
					r := &resetting{code: code, hint: hint}
					c := client(r, t)
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					for call := int32(1); call <= 2; call++ { // on a new connection and on one in use
						err := write.Call(ctx, c)
						if n := r.got.Load(); n != call {
							t.Fatalf("call %d: %d requests", call, n)
						}
						if !support.Is[*leedo.UnknownOutcomeError](err) || !support.Is[*leedo.TransportError](err) || errors.Is(err, context.Canceled) {
							t.Errorf("call %d: %v", call, err)
						}
					}
				})
			}
		}
	}
}

// A write whose stream ends before its body is sent is not repeated either.
func TestNeverTwiceOverHTTP2ThoughTheBodyIsOnItsWay(t *testing.T) {
	t.Parallel()
	r := &resetting{code: 1, early: true}
	c := r.overTLS(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := c.Do(ctx, "POST", "/leads", map[string]string{"name": strings.Repeat("x", 1<<20)}, nil)
	if n := r.got.Load(); n != 1 || !support.Is[*leedo.UnknownOutcomeError](err) {
		t.Errorf("%d requests, %v", n, err)
	}
}

// A read is repeated as often as WithRetries allows, each time with a permit
// and a backoff, and not more often.
func TestReadsOverHTTP2AreRepeatedByTheirOwnCountAlone(t *testing.T) {
	t.Parallel()
	for way, client := range map[string]func(*resetting, *testing.T) *leedo.Client{"TLS": (*resetting).overTLS, "in the clear": (*resetting).inTheClear} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := &resetting{code: 1}
			c := client(r, t)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := c.Leads.Get(ctx, "id-1", leedo.WithRetries(2))
			if n := r.got.Load(); n != 3 || !support.Is[*leedo.TransportError](err) || support.Is[*leedo.UnknownOutcomeError](err) {
				t.Errorf("%d requests, %v", n, err)
			}
		})
	}
}
