// Webform serves a form on the web and creates a lead from each form that is sent.
//
//	go run ./examples/webform
//	LEEDO_API_TOKEN=... go run ./examples/webform -addr 127.0.0.1:8080
//
// Without a token, or with -fake, leads go to a fake in memory, where the companies
// "invalid", "quota" and "unknown" make the API fail. The parts to copy are form.go and
// page.go, and form_test.go shows how to test code that uses the SDK.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "the `address` to listen on")
	fake := flag.Bool("fake", os.Getenv("LEEDO_API_TOKEN") == "", "create leads in memory only")
	flag.Parse()
	client, err := leedo.NewClientFromEnv()
	if *fake {
		client, err = fakeServer().Client(), nil
	}
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("serving on http://%s, fake: %t", listener.Addr(), *fake)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := serve(ctx, listener, newSite(client)); err != nil {
		log.Fatal(err)
	}
}

// serve serves until ctx ends. Requests in flight then have 30 seconds to end.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       time.Minute, // longer than a response takes: it ends the request's context, too
		WriteTimeout:      time.Minute,
	}
	ended := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		ended <- server.Shutdown(grace)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// fakeServer returns a fake of the API that fails for some companies.
func fakeServer() *leedotest.Server {
	server := leedotest.NewServer()
	for company, fault := range map[string]leedotest.Fault{
		"invalid": {Status: 422, Body: `{"errors": {"email": ["is already taken"], "phone": ["is too short"]}}`},
		"quota":   {Status: 429, Header: http.Header{"Retry-After": {"90"}}},
		"unknown": {Drop: true},
	} {
		fault.Method, fault.Times = "POST", -1
		fault.When = func(r leedotest.Request) bool { return r.JSON()["company"] == company }
		server.Inject(fault)
	}
	return server
}
