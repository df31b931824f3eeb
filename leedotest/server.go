// Package leedotest is a Leedo for tests: a fake of the API that keeps its
// records in memory, so that code written against package leedo can be tested
// without a network, a port or a clock that has to be waited for.
//
//	func TestImport(t *testing.T) {
//		server := leedotest.NewServer()
//		server.AddLead(leedo.Lead{Name: "John Doe"})
//
//		err := Import(t.Context(), server.Client()) // the code under test
//		...
//		server.Requests() // what it sent
//		server.Leads()    // what is there now
//	}
//
// The fake answers all documented operations with the documented fields and
// status codes. On top of that it can misbehave on request: [Server.Inject]
// makes answers fail, come late, in part or not at all, and [Server.SetRateLimit]
// gives it a quota, counted in whichever way the options say. [Server.OnRequest]
// changes what is there while requests arrive, [Server.SetField] what a record
// looks like; [WithIDs] and [WithClock] are for golden files. It spells the
// API's JSON by itself, without the types of package leedo, so that a wrong
// field name there does not go unnoticed.
//
// A [Server] reached through [Server.Client] or [Server.HTTPClient] answers in
// the goroutine that asks. It therefore works inside a testing/synctest bubble,
// where an hour's quota is waited for in no time. The same server can be
// mounted on a real port, as it is an [http.Handler].
//
// # Where the documentation is silent
//
// The order of a list is newest first: what was added last comes first,
// whatever its CreatedAt says. A page has 20 items unless per_page asks for up
// to 100; more is answered as 100. A name must be a non-empty string, and a
// contact's account_id must exist. PATCH takes null, which clears a field.
// Fields unknown to the documentation are kept and come back in answers, as
// custom fields would. Fields nobody has set are answered as null. Bodies may
// have up to 1 MiB.
package leedotest

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
)

const defaultToken = "leedotest-token"

// The back-off of Client's clients: a test should not wait for long.
const (
	minBackoff = time.Millisecond
	maxBackoff = 5 * time.Millisecond
)

// Server is a fake Leedo. Make one with [NewServer]; the zero value is of no
// use. It owns no goroutine and no port, so there is nothing to close. All its
// methods may be called concurrently.
type Server struct {
	token string
	clock clock
	ids   func() string // nil: random; called without the lock

	mu        sync.Mutex // guards all below; never held while waiting or calling the user's functions
	store     store
	quota     quota
	faults    []*armedFault
	onRequest []func(Request)
	requests  requestLog
	replays   map[replayKey]replay // nil: idempotency keys mean nothing
}

// NewServer returns a fake without records, with no rate limit and a token of
// its own choosing. The options change that; nil ones are ignored.
func NewServer(opts ...ServerOption) *Server {
	s := &Server{
		token:    defaultToken,
		store:    newStore(),
		quota:    newQuota(),
		requests: requestLog{keep: -1},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	s.quota.restart()
	return s
}

// Client returns a client of the fake that needs no socket, with a back-off of
// milliseconds instead of the usual one. The options come after these settings
// and can replace them. Each call makes a new client.
//
// Client panics on options that [leedo.NewClient] refuses. One of them is
// leedo.WithTokenSource, as the client has a token already: to test a source,
// call leedo.NewClient("", ...) with [Server.HTTPClient].
func (s *Server) Client(opts ...leedo.Option) *leedo.Client {
	all := append([]leedo.Option{
		leedo.WithHTTPClient(s.HTTPClient()),
		leedo.WithBackoff(minBackoff, maxBackoff),
	}, opts...)
	client, err := leedo.NewClient(s.token, all...)
	if err != nil {
		panic(fmt.Sprintf("leedotest: Server.Client: %v", err))
	}
	return client
}

// HTTPClient returns an HTTP client whose transport hands every request to the
// fake in memory, whatever scheme and host it is for. Each call makes a new
// one, which the caller may change.
func (s *Server) HTTPClient() *http.Client {
	return &http.Client{Transport: &transport{server: s}}
}

// Token returns the API token that the fake accepts. All requests without it
// are answered with 401.
func (s *Server) Token() string { return s.token }

// SetRateLimit allows limit requests per window from now on and forgets what
// was used before; [Server.SetPlan] does not forget. Zero refuses all requests,
// a negative limit means none, which is the default. A window of zero or less
// is an hour, the API's own.
//
// The window is fixed, unless [WithAlgorithm] says otherwise: it begins with its
// first request and ends when its time is over; the next request begins
// another. While a limit is set all answers carry X-RateLimit-Limit,
// X-RateLimit-Remaining and X-RateLimit-Reset, and requests beyond it are
// answered with 429 and Retry-After, which says when a request will be served
// again. Times are rounded up to the header's unit: who waits until then is
// served. A request with a wrong token costs nothing; any other costs one,
// whatever becomes of it, except a refused one (see [WithCountedRefusals]).
func (s *Server) SetRateLimit(limit int, window time.Duration) {
	if window <= 0 {
		window = time.Hour
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quota.Limit, s.quota.Window = limit, window
	s.quota.restart()
}

// SetPlan changes the plan while the server is in use, as if the customer had
// bought another: the new limit holds at once, and what was used counts on. A
// fixed window goes on as well and ends when it would have; if more was used in
// it than the new plan allows, nothing is left of it.
func (s *Server) SetPlan(plan Plan) {
	now := s.clock.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quota.change(int(plan), time.Hour, now)
}
