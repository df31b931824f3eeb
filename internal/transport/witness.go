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

// witness watches what net/http does with a request. The transport calls it
// from goroutines of its own, and perhaps when the attempt is over.
//
// Every request needs that. Whether it got a connection proves that a request
// without a body was not sent, which decides about retries of writes and about
// the permit of a read. Over HTTP/2, net/http would repeat any request, writes
// included, as often as its stream ends in a PROTOCOL_ERROR, unseen by the
// ledger: that ends the attempt. Over HTTP/1 it repeats a write only if nothing
// of it left the machine, and a read once on each idle connection that has died.
type witness struct {
	asked, had   atomic.Bool // for a connection, and got one
	http2        atomic.Bool
	begun        atomic.Bool // to be sent, and no response yet
	begins       atomic.Int32
	repeated     atomic.Bool // it would have been sent again
	certRejected atomic.Bool // the server's certificate, by whoever looks at it
	trace        httptrace.ClientTrace
}

// errRepeated says that the transport was about to send the request again.
var errRepeated = errors.New("stream was reset after the request was sent")

// watch returns ctx with an httptrace that records into w, in addition to any
// existing trace. cancel ends the attempt. Each hook is there whatever the URL
// is: a transport may send the request by other means than the URL says.
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
					conn.Close() // HTTP/1 would send before it looks at the context
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
				w.http2.Store(true) // a connection of another type does not show it
			}
		},
		WroteHeaders: func() { w.begun.Store(true); w.begins.Add(1) },
		// What comes after a response is another request, of the user's transport.
		GotFirstResponseByte: func() { w.begun.Store(false) },
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			w.begun.Store(true) // it was not the response
			return nil
		},
	}
	return httptrace.WithClientTrace(ctx, &w.trace)
}

// inFlight reports whether the request was sent over HTTP/2 and has no response.
func (w *witness) inFlight() bool { return w.http2.Load() && w.begun.Load() }

// brokenOff reports whether a handshake failed because the connection did, rather
// than because one side rejected the other.
func brokenOff(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled)
}
