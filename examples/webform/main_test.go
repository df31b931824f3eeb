package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
)

// When the program is interrupted, a request in flight still gets its response, and new
// ones do not.
func TestServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	arrived, release := make(chan bool), make(chan bool)
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(arrived)
			<-release
			io.WriteString(w, "done")
		}))
	}()
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		got <- string(body)
	}()

	<-arrived
	interrupt()
	for { // until the port is closed
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
	}
	close(release)
	if body, err := <-got, <-ended; body != "done" || err != nil {
		t.Errorf("the request in flight got %q; serve returned %v", body, err)
	}
}

// The companies that the documentation names show three of the pages.
func TestFakeServer(t *testing.T) {
	for company, status := range map[string]int{"invalid": 422, "quota": 503, "unknown": 202, "Example Inc": 200} {
		site := newSite(fakeServer().Client())
		form := open(t, site)
		form.Set("company", company)
		if w := send(t.Context(), site, form); w.Code != status {
			t.Errorf("%s: status %d, want %d", company, w.Code, status)
		}
	}
}
