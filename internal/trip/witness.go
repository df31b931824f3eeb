package trip

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// witness watches what net/http does with a request. The transport calls it
// from goroutines of its own, and perhaps when the attempt is over.
//
// Over HTTP/2 a request is not sent again by net/http: it would do so, writes
// included, as often as streams end in a PROTOCOL_ERROR, as proxies end them,
// unseen by the ledger. Over HTTP/1 it repeats a write only if nothing of it
// left the machine, and a read once on each idle connection that has died.
type witness struct {
	asked, had atomic.Bool // for a connection, and got one
	http2      atomic.Bool
	begun      atomic.Bool // to be sent
	repeated   atomic.Bool // it would have been sent again
	refused    atomic.Bool // the server's certificate, by whoever looks at it
}

// errRepeated says that the transport was about to send the request again.
var errRepeated = errors.New("stream was reset after the request was sent")

// watch returns ctx with a trace that tells w, and whoever watched its requests
// before. cancel is to end the attempt.
func (w *witness) watch(ctx context.Context, cancel context.CancelFunc) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.asked.Store(true) },
		GotConn: func(info httptrace.GotConnInfo) {
			if w.begun.Load() && w.http2.Load() {
				w.repeated.Store(true)
				cancel()
			}
			w.had.Store(true)
			if conn, ok := info.Conn.(*tls.Conn); ok && conn.ConnectionState().NegotiatedProtocol == "h2" {
				w.http2.Store(true)
			}
		},
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err != nil && !brokenOff(err) {
				w.refused.Store(true)
			}
		},
		WroteHeaderField: func(name string, _ []string) {
			if strings.HasPrefix(name, ":") {
				w.http2.Store(true) // without TLS nothing else tells
			}
		},
		WroteHeaders: func() { w.begun.Store(true) },
	})
}

// brokenOff tells whether a handshake failed for the connection's sake: errors
// of the network and ends of the stream are, a verdict on the other side is not.
func brokenOff(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled)
}

// neverConnected tells whether the transport asked for a connection and never
// had one. A transport that does not speak of its connections proves nothing.
func (w *witness) neverConnected() bool { return w.asked.Load() && !w.had.Load() }
