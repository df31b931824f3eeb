// Fakeserver serves the fake API of package leedotest on a port, to test programs in
// any language.
//
//	go run ./examples/fakeserver -addr 127.0.0.1:8080 -plan free -seed 250
//
// When it is ready, it prints "listening on http://HOST:PORT/v1" on standard output,
// and on standard error how to call it. It keeps all records and the newest 10,000
// requests in memory. Under /_fake/ it can be controlled while it runs; see
// docs/fakeserver.md. At / is a page for the browser, which shows what arrives and adds
// faults. An interrupt ends it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// errUsage is the error of an invalid command line. The message has been printed.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "fakeserver:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	fake := leedotest.NewServer(leedotest.WithToken(s.token), leedotest.WithPlan(s.plan),
		leedotest.WithAlgorithm(s.algorithm), leedotest.WithLatency(s.latency), leedotest.WithRecentRequests(10_000))
	if s.limited {
		fake.SetRateLimit(s.limit, s.window)
	}
	seed(fake, s.seed)
	fake.Inject(s.faults...)

	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	url := "http://" + host(listener.Addr()) + "/v1"
	fmt.Fprintf(stdout, "listening on %s\n", url)
	fmt.Fprintf(stderr, "to look at it and to add faults: http://%s/\n", host(listener.Addr()))
	fmt.Fprintf(stderr, "LEEDO_BASE_URL=%s LEEDO_API_TOKEN=%s go run ./examples/quickstart\n", url, fake.Token())

	server := &http.Server{Handler: guard(s.addr, s.token, withPage(fake, routes(fake))), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// Requests in flight have five seconds to end.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		server.Close()
	}
	<-failed // http.ErrServerClosed
	return nil
}

// routes returns the fake with its control interface. It is no http.ServeMux, because
// that redirects some paths.
func routes(fake *leedotest.Server) http.Handler {
	control := fake.ControlHandler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_fake/") {
			control.ServeHTTP(w, r)
		} else {
			fake.ServeHTTP(w, r)
		}
	})
}

// host returns an address that this machine can connect to.
func host(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return addr.String()
}
