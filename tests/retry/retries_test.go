package retry_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

func TestGETRecovers(t *testing.T) {
	t.Parallel()
	good := support.Respond(200, support.LeadJSON)
	tests := []struct {
		name     string
		answers  []http.HandlerFunc
		opts     []leedo.Option
		requests int
	}{
		{"500", []http.HandlerFunc{support.Respond(500, ""), support.Respond(500, ""), good}, nil, 3},
		{"502, 503, 504", []http.HandlerFunc{support.Respond(502, "<html>"), support.Respond(503, "{}"), support.Respond(504, ""), good}, nil, 4},
		{"408", []http.HandlerFunc{support.Respond(408, ""), good}, nil, 2},
		{"599", []http.HandlerFunc{support.Respond(599, ""), good}, nil, 2},
		{"cut twice", []http.HandlerFunc{support.Cut, support.Cut, good}, nil, 3},
		{"answer garbled", []http.HandlerFunc{garble, good}, nil, 2},
		{"500, body cut", []http.HandlerFunc{support.CutBody(500, "{"), good}, nil, 2},
		{"many failures", []http.HandlerFunc{support.Cut, support.Cut, support.Cut, support.Cut, support.Cut, support.Cut, support.Cut, good}, []leedo.Option{leedo.WithRetries(7)}, 8},
	}
	for _, test := range tests {
		for _, read := range support.Reads {
			t.Run(test.name+"/"+read.Name, func(t *testing.T) {
				t.Parallel()
				s := support.Serve(t, test.answers...)
				var got leedo.Response
				err := read.Call(t.Context(), s.Client(t, test.opts...), leedo.WithResponse(&got))
				if n := len(s.Requests()); err != nil || n != test.requests || got.Attempts != n {
					t.Errorf("%v after %d requests, %d counted", err, n, got.Attempts)
				}
			})
		}
	}
	bodies := map[string]http.HandlerFunc{
		"body cut":           support.CutBody(200, support.LeadJSON[:20]),
		"chunked body cut":   func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, support.LeadJSON); abort(w) },
		"compressed and cut": support.Respond(200, "\x1f\x8b\x08", "Content-Encoding", "gzip"),
	}
	for name, bad := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := support.Serve(t, bad, bad, good)
			lead, err := s.Client(t).Leads.Get(t.Context(), "id-1")
			if n := len(s.Requests()); err != nil || n != 3 || lead.Name != "John Doe" {
				t.Errorf("%v, %v after %d requests", lead, err, n)
			}
		})
	}
}

func TestGETRecoversFromAttemptsThatExpire(t *testing.T) {
	t.Parallel()
	for _, read := range support.Reads {
		support.Bubble(t, read.Name, func(t *testing.T) {
			c, rec := support.ServePipes(t, nil, support.Hang, support.Hang, support.Respond(200, support.LeadJSON))
			start := time.Now()
			err := read.Call(t.Context(), c)
			if took := time.Since(start).Truncate(time.Second); err != nil || len(rec.Requests()) != 3 || took != time.Minute {
				t.Errorf("%v after %v and %d requests", err, took, len(rec.Requests()))
			}
		})
	}
	support.Bubble(t, "half a body", func(t *testing.T) {
		c, rec := support.ServePipes(t, nil, support.HalfBody(200), support.Respond(200, support.LeadJSON))
		if err := support.Reads[0].Call(t.Context(), c); err != nil || len(rec.Requests()) != 2 {
			t.Errorf("%v after %d requests", err, len(rec.Requests()))
		}
	})
}

// abort sends what was written and cuts the connection.
func abort(w http.ResponseWriter) {
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestGETRecoversOnlySoOften(t *testing.T) {
	t.Parallel()
	server, transport := support.Is[*leedo.ServerError], support.Is[*leedo.TransportError]
	tests := []struct {
		name     string
		answer   http.HandlerFunc
		opts     []leedo.Option
		callOpts []leedo.RequestOption
		requests int
		cause    func(error) bool
	}{
		{"500", support.Respond(500, ""), nil, nil, 4, server},
		{"cut", support.Cut, nil, nil, 4, transport},
		{"body stays cut", support.CutBody(200, "{"), nil, nil, 4, func(err error) bool {
			return transport(err) && errors.Is(err, io.ErrUnexpectedEOF)
		}},
		{"no retries", support.Respond(500, ""), []leedo.Option{leedo.WithRetries(0)}, nil, 1, server},
		{"two retries", support.Respond(500, ""), []leedo.Option{leedo.WithRetries(2)}, nil, 3, server},
		{"the call wins", support.Respond(500, ""), []leedo.Option{leedo.WithRetries(9)}, []leedo.RequestOption{leedo.WithRetries(1)}, 2, server},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := support.Serve(t, test.answer)
			_, err := s.Client(t, test.opts...).Leads.Get(t.Context(), "id-1", test.callOpts...)
			if n := len(s.Requests()); n != test.requests || !test.cause(err) {
				t.Errorf("%v after %d requests", err, n)
			}
			if support.Is[*leedo.DecodeError](err) || support.Is[*leedo.UnknownOutcomeError](err) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// failingStore is a quota store that fails.
type failingStore struct{}

func (failingStore) Exchange(context.Context, leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
	return leedo.QuotaAnswer{}, errors.New("down")
}

// A failure of the quota store is logged once, not for each attempt of the call.
func TestRetriesDoNotLogAgainThatTheStoreFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: failingStore{}})
		if err != nil {
			t.Fatal(err)
		}
		log := support.NewLog()
		c, rec := support.InMemory(t, []leedo.Option{leedo.WithRateLimiter(limiter), leedo.WithLogger(slog.New(log)), leedo.WithBackoff(1, 1)},
			support.Respond(503, ""), support.Respond(503, ""), support.Respond(200, support.LeadJSON))
		if err := support.Reads[0].Call(t.Context(), c); err != nil || len(rec.Requests()) != 3 {
			t.Errorf("%v after %d requests", err, len(rec.Requests()))
		}
		warned := 0
		for _, r := range *log.Records {
			if strings.Contains(r.Text, "quota store failed") {
				warned++
			}
		}
		if warned != 1 {
			t.Errorf("logged %d times", warned)
		}
	})
}

// A call whose context ends while a request is in flight does not begin to wait again.
func TestNoWaitBeginsAfterTheContextEnded(t *testing.T) {
	t.Parallel()
	for range 20 { // the loop might choose by chance
		synctest.Test(t, func(t *testing.T) {
			waits := 0
			c, rec := support.ServePipes(t, []leedo.Option{leedo.WithBackoff(time.Second, time.Second), leedo.WithHooks(leedo.Hooks{
				Waited: func(context.Context, leedo.WaitInfo) { waits++ },
			})}, support.Respond(503, ""), support.Hang)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(10*time.Second, cancel)
			_, err := c.Leads.Get(ctx, "id-1")
			if !errors.Is(err, context.Canceled) || waits != 1 || len(rec.Requests()) != 2 {
				t.Errorf("%v after %d waits and %d requests", err, waits, len(rec.Requests()))
			}
		})
	}
}

// Responses that another attempt cannot change are not retried.
func TestFinalAnswersAreNotRetried(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 304, 400, 401, 403, 404, 409, 410, 422, 425, 501} {
		s := support.Serve(t, support.Respond(status, support.ErrorJSON))
		_, err := s.Client(t).Leads.Get(t.Context(), "id-1")
		e, ok := errors.AsType[*leedo.APIError](err)
		if !ok || e.StatusCode != status || e.Attempts != 1 || len(s.Requests()) != 1 {
			t.Errorf("%d: %v after %d requests", status, err, len(s.Requests()))
		}
	}
}

func TestFinalFailuresAreNotRetried(t *testing.T) {
	t.Parallel()
	untrusted := func(t *testing.T) *leedo.Client {
		s := support.NewServer(t, support.Respond(200, support.LeadJSON))
		s.StartTLS()
		return s.Client(t)
	}
	plain := func(t *testing.T) *leedo.Client {
		s := support.NewServer(t, support.Respond(200, support.LeadJSON))
		s.Start()
		return support.NewClient(t, leedo.WithBaseURL(strings.Replace(s.URL, "http:", "https:", 1)))
	}
	dial := func(err error) func(*testing.T) *leedo.Client {
		return func(t *testing.T) *leedo.Client {
			return support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: &http.Transport{
				DialContext: func(context.Context, string, string) (net.Conn, error) {
					return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
				},
			}}))
		}
	}
	tests := []struct {
		name     string
		client   func(*testing.T) *leedo.Client
		attempts int
	}{
		{"certificate refused", untrusted, 1},
		{"not TLS", plain, 1},
		{"unknown host", dial(&net.DNSError{Err: "no such host", Name: "api.leedo.app", IsNotFound: true}), 1},
		{"name server busy", dial(&net.DNSError{Err: "server misbehaving", Name: "api.leedo.app", IsTemporary: true}), 4},
		{"name server slow", dial(&net.DNSError{Err: "i/o timeout", Name: "api.leedo.app", IsTimeout: true}), 4},
		{"no route", dial(syscall.EHOSTUNREACH), 4},
	}
	for _, test := range tests {
		for _, op := range append(support.Writes[:len(support.Writes):len(support.Writes)], support.Reads...) {
			t.Run(test.name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				err := op.Call(t.Context(), test.client(t))
				e, ok := errors.AsType[*leedo.TransportError](err)
				if !ok || e.Attempts != test.attempts || support.Is[*leedo.UnknownOutcomeError](err) {
					t.Errorf("got %v, want %d attempts", err, test.attempts)
				}
			})
		}
	}
}

// clock notes when requests arrive, as durations since its start.
type clock struct {
	mu      sync.Mutex
	start   time.Time
	arrived []time.Duration
}

func (c *clock) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.start.IsZero() {
		c.start = time.Now()
	}
	c.arrived = append(c.arrived, time.Since(c.start))
}

// timed notes when a response was requested.
func (c *clock) timed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		c.note()
		next(w, req)
	}
}

func TestBackoffIsRandomAndBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		opts []leedo.Option
		tops []time.Duration
	}{
		{"default", []leedo.Option{leedo.WithRetries(6)}, []time.Duration{250, 500, 1000, 2000, 4000, 4000}},
		{"own", []leedo.Option{leedo.WithRetries(4), leedo.WithBackoff(100*time.Millisecond, 300*time.Millisecond)}, []time.Duration{100, 200, 300, 300}},
		{"constant", []leedo.Option{leedo.WithBackoff(time.Second, time.Second)}, []time.Duration{1000, 1000, 1000}},
	}
	for _, test := range tests {
		support.Bubble(t, test.name, func(t *testing.T) {
			longest := make([]time.Duration, len(test.tops))
			shortest := make([]time.Duration, len(test.tops))
			for range 100 {
				var c clock
				client, _ := support.InMemory(t, test.opts, c.timed(support.Respond(500, "")))
				client.Leads.Get(t.Context(), "id-1")
				if len(c.arrived) != len(test.tops)+1 {
					t.Fatalf("%d requests", len(c.arrived))
				}
				for i := range test.tops {
					wait := c.arrived[i+1] - c.arrived[i]
					longest[i] = max(longest[i], wait)
					if shortest[i] == 0 || wait < shortest[i] {
						shortest[i] = wait
					}
				}
			}
			for i, top := range test.tops {
				top *= time.Millisecond
				// Of 100 draws none in a fourth of the range: once in 3e12 runs.
				if longest[i] > top || longest[i] < top*3/4 || shortest[i] > top/4 || shortest[i] <= 0 {
					t.Errorf("wait %d: %v to %v, want all of 0 to %v", i+1, shortest[i], longest[i], top)
				}
			}
		})
	}
	support.Bubble(t, "none", func(t *testing.T) {
		var c clock
		client, _ := support.InMemory(t, []leedo.Option{leedo.WithBackoff(0, 0)}, c.timed(support.Respond(500, "")))
		client.Leads.Get(t.Context(), "id-1")
		if len(c.arrived) != 4 || c.arrived[3] != 0 {
			t.Errorf("requests at %v", c.arrived)
		}
	})
}

func TestRetryAfterIsObeyedWithinTheMaximumWait(t *testing.T) {
	t.Parallel()
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	tests := []struct {
		name     string
		after    func() string
		maxWait  time.Duration
		requests int
		min, max time.Duration
	}{
		{"seconds", func() string { return "7" }, time.Minute, 2, 7 * time.Second, 7 * time.Second},
		{"a date", func() string { return date(7 * time.Second) }, time.Minute, 2, 6 * time.Second, 9 * time.Second},
		{"shorter than the back-off", func() string { return "0" }, time.Minute, 2, 0, 250 * time.Millisecond},
		{"as long as may be", func() string { return "7" }, 7 * time.Second, 2, 7 * time.Second, 7 * time.Second},
		{"longer than may be", func() string { return "7" }, 6 * time.Second, 1, 0, 0},
		{"an hour", func() string { return "3600" }, leedo.NoMaxWait, 2, time.Hour, time.Hour},
		{"nonsense: over 25 hours", func() string { return "90001" }, leedo.NoMaxWait, 2, 0, 250 * time.Millisecond},
		{"nonsense: huge", func() string { return "99999999999" }, leedo.NoMaxWait, 2, 0, 250 * time.Millisecond},
		{"nonsense: overflow", func() string { return "9223372036854775807" }, leedo.NoMaxWait, 2, 0, 250 * time.Millisecond},
		{"nonsense: negative", func() string { return "-5" }, leedo.NoMaxWait, 2, 0, 250 * time.Millisecond},
		{"nonsense: words", func() string { return "soon" }, leedo.NoMaxWait, 2, 0, 250 * time.Millisecond},
		{"no wait at all", func() string { return "7" }, 0, 1, 0, 0},
		{"no wait at all, less than the back-off", func() string { return "0.001" }, 0, 1, 0, 0},
		{"no wait at all, but a back-off", func() string { return "" }, 0, 2, 0, 250 * time.Millisecond},
	}
	for _, test := range tests {
		support.Bubble(t, test.name, func(t *testing.T) {
			var c clock
			client, _ := support.InMemory(t, []leedo.Option{leedo.WithMaxWait(test.maxWait)},
				c.timed(support.Respond(503, "", "Retry-After", test.after())), c.timed(support.Respond(200, support.LeadJSON)))
			start := time.Now()
			_, err := client.Leads.Get(t.Context(), "id-1")
			took := time.Since(start)
			if len(c.arrived) != test.requests || took < test.min || took > test.max {
				t.Errorf("%d requests, %v", len(c.arrived), took)
			}
			if (err == nil) != (test.requests == 2) || err != nil && !support.Is[*leedo.ServerError](err) {
				t.Errorf("got %v", err)
			}
		})
	}
	// The maximum is one of the sum of all waits.
	support.Bubble(t, "waits add up", func(t *testing.T) {
		var c clock
		client, _ := support.InMemory(t, []leedo.Option{leedo.WithMaxWait(10 * time.Second)}, c.timed(support.Respond(503, "", "Retry-After", "4")))
		_, err := client.Leads.Get(t.Context(), "id-1")
		if len(c.arrived) != 3 || c.arrived[2] != 8*time.Second || !support.Is[*leedo.ServerError](err) {
			t.Errorf("requests at %v, %v", c.arrived, err)
		}
	})
}

// stuck is a transport that may read the body, and then waits for the
// end of the attempt; after is what an attempt before ends in.
type stuck struct {
	clock
	read   bool
	answer http.HandlerFunc // of the first attempt; nil: it gets stuck, too
}

func (s *stuck) client(t *testing.T, opts ...leedo.Option) *leedo.Client {
	return support.NewClient(t, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: s})}, opts...)...)
}

func (s *stuck) RoundTrip(req *http.Request) (*http.Response, error) {
	s.note()
	if s.read && req.Body != nil {
		io.Copy(io.Discard, req.Body)
	}
	if s.answer != nil && len(s.arrived) == 1 {
		return support.ResponseTo(req, s.answer), nil
	}
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestAnAttemptExpires(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		op      support.Operation
		read    bool
		http    time.Duration
		opts    []leedo.Option
		call    []leedo.RequestOption
		tries   int
		took    time.Duration
		unknown bool
	}{
		{"default", support.Reads[0], true, 0, nil, nil, 4, 2 * time.Minute, false},
		{"a write in flight", support.Writes[0], true, 0, nil, nil, 1, 30 * time.Second, true},
		{"a write not begun", support.Writes[0], false, 0, nil, nil, 4, 2 * time.Minute, false},
		{"option", support.Reads[0], true, 0, []leedo.Option{leedo.WithAttemptTimeout(time.Second)}, nil, 4, 4 * time.Second, false},
		{"call", support.Reads[0], true, 0, []leedo.Option{leedo.WithAttemptTimeout(time.Second)}, []leedo.RequestOption{leedo.WithAttemptTimeout(2 * time.Second)}, 4, 8 * time.Second, false},
		{"HTTP client", support.Reads[0], true, 5 * time.Second, nil, nil, 4, 20 * time.Second, false},
		{"option over HTTP client", support.Reads[0], true, 5 * time.Second, []leedo.Option{leedo.WithAttemptTimeout(time.Second)}, nil, 4, 4 * time.Second, false},
	}
	for _, test := range tests {
		support.Bubble(t, test.name, func(t *testing.T) {
			s := &stuck{read: test.read}
			client := s.client(t, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: s, Timeout: test.http})}, test.opts...)...)
			start := time.Now()
			err := test.op.Call(t.Context(), client, test.call...)
			took := time.Since(start).Round(time.Millisecond)
			if len(s.arrived) != test.tries || took != test.took {
				t.Errorf("%d attempts, %v", len(s.arrived), took)
			}
			e, ok := errors.AsType[*leedo.TransportError](err)
			if !ok || !e.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want a timeout that is not the caller's", err)
			}
			if support.Is[*leedo.UnknownOutcomeError](err) != test.unknown {
				t.Errorf("got %v", err)
			}
		})
	}
	support.Bubble(t, "never, if so told", func(t *testing.T) {
		s := &stuck{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err := support.Reads[0].Call(ctx, s.client(t, leedo.WithAttemptTimeout(0)))
		if len(s.arrived) != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d attempts, %v", len(s.arrived), err)
		}
	})
	support.Bubble(t, "while the body comes", func(t *testing.T) {
		client := support.NewClient(t, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			body := readFunc(func([]byte) (int, error) { <-req.Context().Done(); return 0, req.Context().Err() })
			return &http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil
		})}))
		start := time.Now()
		err := support.Reads[0].Call(t.Context(), client)
		if took := time.Since(start); took != 30*time.Second || !errors.Is(err, os.ErrDeadlineExceeded) || !support.Is[*leedo.TransportError](err) {
			t.Errorf("%v after %v", err, took)
		}
	})
	// Waiting counts against nothing but the context.
	support.Bubble(t, "after a wait", func(t *testing.T) {
		client, _ := support.InMemory(t, []leedo.Option{leedo.WithAttemptTimeout(time.Second)}, support.Respond(503, "", "Retry-After", "50"), support.Respond(200, support.LeadJSON))
		if err := support.Reads[0].Call(t.Context(), client); err != nil {
			t.Error(err)
		}
	})
}

func TestAContextThatEndsIsJoinedWithTheLastError(t *testing.T) {
	t.Parallel()
	boss := errors.New("the boss said so")
	busy := support.Respond(503, support.ErrorJSON, "Retry-After", "10")
	none := func(error) bool { return true }
	server := support.Is[*leedo.ServerError]
	tests := []struct {
		name   string
		first  http.HandlerFunc // nil: the first attempt hangs
		cancel time.Duration
		cause  error // nil: the deadline of the context
		took   time.Duration
		is     error
		also   func(error) bool
	}{
		{"cancelled in a back-off", busy, 5 * time.Second, boss, 5 * time.Second, context.Canceled, server},
		{"cancelled in a later attempt", busy, 15 * time.Second, boss, 15 * time.Second, context.Canceled, server},
		{"deadline in a later attempt", busy, 15 * time.Second, nil, 15 * time.Second, context.DeadlineExceeded, server},
		{"deadline before the end of a back-off", busy, 5 * time.Second, nil, 0, nil, server},
		{"cancelled in the first attempt", nil, 5 * time.Second, boss, 5 * time.Second, context.Canceled, support.Is[*leedo.TransportError]},
		{"deadline in the first attempt", nil, 5 * time.Second, nil, 5 * time.Second, context.DeadlineExceeded, support.Is[*leedo.TransportError]},
		{"cancelled before", nil, 0, boss, 0, context.Canceled, none},
	}
	for _, test := range tests {
		support.Bubble(t, test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			if test.cause == nil {
				var stop func()
				ctx, stop = context.WithTimeout(ctx, test.cancel)
				defer stop()
			} else if test.cancel == 0 {
				cancel(test.cause)
			} else {
				time.AfterFunc(test.cancel, func() { cancel(test.cause) })
			}
			s := &stuck{answer: test.first}
			start := time.Now()
			err := support.Reads[0].Call(ctx, s.client(t))
			took := time.Since(start)
			cancel(nil)
			if took != test.took || !test.also(err) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v after %v", err, took)
			}
			if test.is == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
				t.Errorf("got %v before the context ended", err)
			}
			if test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("%v does not tell why the context ended", err)
			}
			if test.name == "cancelled before" && len(s.arrived) > 0 {
				t.Error("sent all the same")
			}
		})
	}
	support.Bubble(t, "connection refused before", func(t *testing.T) {
		refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		client := support.NewClient(t, leedo.WithBackoff(time.Hour, time.Hour), leedo.WithMaxWait(leedo.NoMaxWait),
			leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(*http.Request) (*http.Response, error) { return nil, refused })}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Nanosecond, cancel)
		err := support.Create(ctx, client)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, syscall.ECONNREFUSED) || support.Is[*leedo.UnknownOutcomeError](err) {
			t.Errorf("got %v", err)
		}
	})
}
