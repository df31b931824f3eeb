// Package leedotest provides an in-memory fake of the Leedo API for testing
// code that uses package leedo. It needs no network, and no test has to sleep.
//
//	func TestImport(t *testing.T) {
//		server := leedotest.NewServer()
//		server.AddLead(leedo.Lead{Name: "John Doe"})
//
//		err := Import(t.Context(), server.Client()) // the code under test
//		...
//		server.Requests() // the requests that it sent
//		server.Leads()    // the leads that exist now
//	}
//
// The fake implements all documented operations. A test controls how it behaves:
//
//   - [Server.Inject] makes responses fail, arrive late, break off or get lost.
//   - [Server.SetRateLimit], [WithPlan] and [WithAlgorithm] set a rate limit.
//   - [Server.OnRequest] runs a function for each request, to change records
//     while a list is read, for example.
//   - [Server.SetField] sets any field of a record to any JSON value.
//   - [Server.ControlHandler] does so over HTTP, for programs in other languages.
//   - [WithIDs] and [WithClock] make responses reproducible for golden files.
//
// Requests through [Server.Client] and [Server.HTTPClient] are served in the
// calling goroutine. They work inside a testing/synctest bubble, where waiting an
// hour for the quota takes no real time. A [Server] is also an [http.Handler], so
// the same fake can be served on a port.
//
// # What the API documentation leaves open
//
// Lists are newest first: the record added last comes first, whatever its
// CreatedAt. A page has 20 items by default and 100 at most. A name must be a
// non-empty string, and the account_id of a contact must exist. In a PATCH, null
// clears a field. Unknown fields are stored and returned, like custom fields.
// Fields that were never set are returned as null. A request body may have up to
// 1 MiB.
//
// The fake encodes the API's JSON itself, without the types of package leedo, so
// that a wrong field name in package leedo makes tests fail.
package leedotest

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
)

const defaultToken = "leedotest-token"

// The retry backoff of the clients that Client returns: short, so that tests are
// fast.
const (
	minBackoff = time.Millisecond
	maxBackoff = 5 * time.Millisecond
)

// Server is a fake of the Leedo API. Create one with [NewServer]; the zero Server
// is not usable. It starts no goroutine and opens no port, so there is nothing to
// close. Its methods are safe for concurrent use.
type Server struct {
	token   string
	clock   clock
	ids     func() string // nil means random ids; called without the lock
	latency time.Duration // of each response

	mu        sync.Mutex // guards all below; not held while waiting or calling the user's functions
	store     store
	quota     quota
	faults    []*pendingFault
	injected  int // how many faults, including those no longer in faults
	resets    int // how many, by the control interface
	onRequest []func(Request)
	requests  requestLog
	replays   map[replayKey]replay // nil means that idempotency keys are ignored
}

// NewServer returns a fake that holds no records and has no rate limit. It accepts
// the token that [Server.Token] returns. Nil options are ignored.
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

// Client returns a new client of the fake. It opens no socket, sends the right
// token, and backs off for milliseconds before a retry, so that tests are fast.
// opts are applied after these settings and can override them.
//
// Client panics if [leedo.NewClient] rejects the options. It rejects
// leedo.WithTokenSource, because the client already has a token: to test a token
// source, call leedo.NewClient("", ...) with [Server.HTTPClient].
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

// HTTPClient returns a new HTTP client whose transport passes every request to
// the fake in memory, whatever its scheme and host. The caller may modify it.
func (s *Server) HTTPClient() *http.Client {
	return &http.Client{Transport: &transport{server: s}}
}

// Token returns the API token that the fake accepts. The response to a request
// without it is 401.
func (s *Server) Token() string { return s.token }

// SetRateLimit limits the server to limit requests per window and discards what
// was counted so far; [Server.SetPlan] keeps the count. Zero rejects every request.
// A negative limit means no limit, the default. A window of zero or less means an
// hour, the window of the API.
//
// Unless [WithAlgorithm] says otherwise, the window is fixed: it starts with its
// first request, and the first request after its end starts the next one. While
// there is a limit, every response has the headers X-RateLimit-Limit,
// X-RateLimit-Remaining and X-RateLimit-Reset. Requests beyond the limit are
// rejected with 429 and a Retry-After header; a request sent after that time is
// served. Times in headers are rounded up to their unit.
//
// Every request costs one, whatever its response, except those with a wrong token,
// those that [Fault.Drop] cuts before they are processed and, without
// [WithCountedRefusals], those rejected with 429.
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
// bought another one. The new limit applies immediately, and requests already
// counted still count: if they exceed the new limit, none remain. A fixed window
// keeps its end.
func (s *Server) SetPlan(plan Plan) {
	read := s.clock.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quota.change(int(plan), time.Hour, s.clock.at(read))
}
