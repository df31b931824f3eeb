package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
)

// witness records, through httptrace, what net/http does with a request. The
// transport calls it from its own goroutines, perhaps even after the attempt has
// ended.
//
// Every request needs a witness. If it got no connection, a request without a body
// is known not to have been sent; that decides whether a write is retried and
// whether the permit of a read is returned. Over HTTP/2, net/http repeats any
// request, writes included, as often as its stream ends in a PROTOCOL_ERROR, unseen
// by the ledger; the witness ends the attempt instead. Over HTTP/1, net/http
// repeats a write only if no byte of it was sent, and a read once for each idle
// connection that turned out to be closed.
type witness struct {
	asked, had   atomic.Bool // a connection was asked for, and obtained
	http2        atomic.Bool
	begins       atomic.Int32 // how often its headers were written
	responses    atomic.Int32 // how many responses have begun, perhaps before net/http reports the headers
	repeated     atomic.Bool  // it was about to be sent again
	certRejected atomic.Bool  // by net/http or the user's verification
	interim      atomic.Int32 // 1xx responses
	trace        httptrace.ClientTrace
}

// errRepeated is the error of an attempt whose request the transport was about to
// send again.
var errRepeated = errors.New("stream was reset after the request was sent")

// maxInterim is the number of 1xx responses that an attempt may get. Without a
// Got1xxResponse hook, net/http would limit them itself.
const maxInterim = 100

var errInterim = errors.New("more than 100 responses with a 1xx status")

// watch returns ctx with an httptrace that records into w, in addition to any
// existing trace. cancel ends the attempt. All hooks are set whatever the URL is,
// because a transport may use another protocol than the URL suggests.
func (w *witness) watch(ctx context.Context, cancel context.CancelFunc) context.Context {
	w.trace = httptrace.ClientTrace{
		GetConn: func(string) { w.asked.Store(true) },
		GotConn: func(info httptrace.GotConnInfo) {
			conn, overTLS := info.Conn.(*tls.Conn)
			http2 := overTLS && conn.ConnectionState().NegotiatedProtocol == "h2"
			if w.inFlight() {
				w.repeated.Store(true)
				cancel()
				if overTLS && !http2 {
					conn.Close() // HTTP/1 would send before it checks the context
				}
			}
			w.had.Store(true)
			if http2 {
				w.http2.Store(true)
			}
		},
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err != nil && !brokenOff(err) {
				w.certRejected.Store(true)
			}
		},
		WroteHeaderField: func(name string, _ []string) {
			if strings.HasPrefix(name, ":") {
				w.http2.Store(true) // GotConn cannot see it if the connection has another type
			}
		},
		WroteHeaders: func() { w.begins.Add(1) },
		// Whatever follows a response is another request, made by the user's
		// transport.
		GotFirstResponseByte: func() { w.responses.Add(1) },
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			switch n := w.interim.Add(1); {
			case n == 1:
				w.responses.Add(-1) // the byte was not of the final response
			case n > maxInterim:
				return errInterim
			}
			return nil
		},
	}
	return httptrace.WithClientTrace(ctx, &w.trace)
}

// inFlight reports whether the request was sent over HTTP/2 and has no response
// yet.
func (w *witness) inFlight() bool { return w.http2.Load() && w.begins.Load() > w.responses.Load() }

// brokenOff reports whether a handshake failed because the connection did, rather
// than because one side rejected the other.
func brokenOff(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled)
}
