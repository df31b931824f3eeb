package soak_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// The quota is short, so that it is exhausted again and again.
const (
	limit  = 300
	window = time.Second
)

// campaigns is how many campaigns there are. Their list does not change.
const campaigns = 250

// faults happen to one request in twenty.
var faults = []leedotest.Fault{
	{Chance: 0.01, Times: -1, Drop: true},
	{Chance: 0.01, Times: -1, Drop: true, Processed: true},
	{Chance: 0.01, Times: -1, Status: 503},
	{Chance: 0.005, Times: -1, Status: 500, Processed: true},
	{Chance: 0.005, Times: -1, Status: 502, Body: "<html>bad gateway</html>"},
	{Chance: 0.005, Times: -1, Truncate: 10},
	{Chance: 0.005, Times: -1, Latency: 20 * time.Millisecond},
}

// world is a fake on a socket, and the clients that use it.
type world struct {
	t          *testing.T
	fake       *leedotest.Server
	url        string
	leads      []string // ids of leads that are there all the time
	transports []*http.Transport
	clients    []*leedo.Client
	conns      *conns
	ledger     *ledger
	requests   atomic.Int64
	failed     atomic.Int64 // calls
	major      atomic.Int32 // the version of HTTP
}

func newWorld(t *testing.T, http2 bool) *world {
	w := &world{t: t, fake: leedotest.NewServer(leedotest.WithRecentRequests(0)), conns: newConns(), ledger: newLedger()}
	for i := range campaigns {
		w.fake.AddCampaign(leedo.Campaign{Name: fmt.Sprint("campaign ", i)})
	}
	for i := range 20 {
		w.leads = append(w.leads, w.fake.AddLead(leedo.Lead{Name: fmt.Sprint("lead ", i)}).ID)
	}
	w.fake.SetRateLimit(limit, window)
	w.fake.Inject(faults...)

	server := httptest.NewUnstartedServer(w)
	server.Config.ConnState = w.conns.change
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // calls that are canceled end handshakes
	server.EnableHTTP2 = http2
	if http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	w.url = server.URL
	t.Cleanup(server.Close)
	shared, err := leedo.NewRateLimiter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, opts := range [][]leedo.Option{
		{leedo.WithRateLimiter(shared)},
		{leedo.WithRateLimiter(shared), leedo.WithMaxWait(0)},
		{leedo.WithoutRateLimiter()},
	} {
		transport := server.Client().Transport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = goroutines
		// However long a client waits for the quota, its connection stays open: without one,
		// net/http would dial for each of its calls.
		transport.IdleConnTimeout = 0
		client, err := leedo.NewClient(w.fake.Token(), append(opts, leedo.WithBaseURL(server.URL+"/v1"),
			leedo.WithHTTPClient(&http.Client{Transport: transport}), leedo.WithBackoff(time.Millisecond, 10*time.Millisecond))...)
		if err != nil {
			t.Fatal(err)
		}
		w.transports, w.clients = append(w.transports, transport), append(w.clients, client)
	}
	return w
}

// connect makes a connection for each client, so that with HTTP/2 all calls of a round
// share it: without one, net/http dials for each. It sends no token, which
// costs no quota.
func (w *world) connect() {
	for _, transport := range w.transports {
		for {
			resp, err := (&http.Client{Transport: transport}).Get(w.url)
			if err == nil { // no fault
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				break
			}
		}
	}
}

// ServeHTTP counts the requests.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.requests.Add(1)
	w.major.Store(int32(r.ProtoMajor))
	w.fake.ServeHTTP(rw, r)
}

// settle compares the records with the outcomes of the creates, and removes the
// records.
func (w *world) settle() {
	records := map[string]int{} // name → how many records have it
	remove := func(id, name string) {
		if w.ledger.isOurs(name) {
			records[name]++
			w.fake.Delete(id)
		}
	}
	for _, r := range w.fake.Leads() {
		remove(r.ID, r.Name)
	}
	for _, r := range w.fake.Accounts() {
		remove(r.ID, r.Name)
	}
	for _, r := range w.fake.Contacts() {
		remove(r.ID, r.Name)
	}
	w.ledger.settle(w.t, records)
}

// disconnect closes all connections, of which none is in use, and waits until the server has
// seen that. All that was sent has then been handled.
func (w *world) disconnect() {
	w.t.Helper()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		for _, transport := range w.transports {
			transport.CloseIdleConnections() // again: net/http goes on to dial for a call that has been canceled
		}
		open := w.conns.now()
		if open == 0 {
			return
		}
		if time.Since(start) > 30*time.Second {
			w.t.Fatalf("%d connections are open though no call is running", open)
		}
	}
}

// conns counts the connections that are open.
type conns struct {
	mu   sync.Mutex
	open map[net.Conn]bool
	max  int
}

func newConns() *conns { return &conns{open: map[net.Conn]bool{}} }

// change is the server's ConnState.
func (c *conns) change(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open[conn] = true
		c.max = max(c.max, len(c.open))
	case http.StateClosed, http.StateHijacked: // the fake closes what it hijacks
		delete(c.open, conn)
	}
}

func (c *conns) now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

func (c *conns) most() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.max
}
