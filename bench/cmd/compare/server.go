package main

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/leedoapp/leedo-go/bench/internal/subject"
	"github.com/leedoapp/leedo-go/bench/internal/wire"
)

// server is the API of one subject on the loopback interface. It runs in this
// process; the client that is measured runs in another.
type server struct {
	wire.Server
	url         string
	connections atomic.Int64 // accepted so far
	close       func() error
}

func serve(s subject.Subject, total int, delay time.Duration) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	out := &server{Server: wire.Server{Format: s.Format, Total: total, Delay: delay}, url: "http://" + listener.Addr().String()}
	serving := &http.Server{Handler: &out.Server, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			out.connections.Add(1)
		}
	}}
	out.close = serving.Close
	go serving.Serve(listener)
	return out, nil
}
