package cases_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/leedoapp/leedo-go/bench/internal/cases"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
	"github.com/leedoapp/leedo-go/bench/internal/wire"
)

// TestEachCaseDoesWhatIsCounted checks that each operation sends one request on the
// connection that is already open, and that making a client sends none.
func TestEachCaseDoesWhatIsCounted(t *testing.T) {
	const calls = 3
	for _, c := range cases.All() {
		for _, s := range subject.All() {
			var connections atomic.Int64
			handler := &wire.Server{Format: s.Format, Total: 10 * subject.PerPage}
			server := httptest.NewUnstartedServer(handler)
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections.Add(1)
				}
			}
			server.Start()
			op, err := c.Prepare(s, server.URL)
			if err != nil {
				t.Fatal(err)
			}
			before := handler.Requests()
			if err := op(calls); err != nil {
				t.Errorf("%s, %s: %v", c.Name, s.Name, err)
			}
			wantRequests, wantConnections := calls, int64(1)
			if c.Name == "new" {
				wantRequests, wantConnections = 0, 0
			}
			if got := handler.Requests() - before; got != wantRequests {
				t.Errorf("%s, %s: %d requests, want %d", c.Name, s.Name, got, wantRequests)
			}
			if got := connections.Load(); got != wantConnections {
				t.Errorf("%s, %s: %d connections, want %d", c.Name, s.Name, got, wantConnections)
			}
			server.Close()
		}
	}
}

func TestAFailureIsReported(t *testing.T) {
	nethttp, err := subject.Named("nethttp")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, c := range cases.All() {
		if _, err := c.Prepare(nethttp, server.URL); (err == nil) != (c.Name == "new") {
			t.Errorf("%s: a 404 returns %v", c.Name, err)
		}
	}
	if c, err := cases.Named("nothing"); err == nil {
		t.Errorf("there is a case %+v", c)
	}
}
