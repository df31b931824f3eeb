package retry_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

var outageAll = flag.Bool("outage.all", false, "let servers of all plans fail in all ways")

// outage is a server that fails for an hour, in one of three ways, and the
// account of what is sent to it.
type outage struct {
	how  string
	next http.RoundTripper

	mu             sync.Mutex
	down, up       time.Time
	requests       int // in the outage
	calls, retries int // of calls that began in it
	left           int // of the quota at its end
	served         int // calls that began in the minute after, and succeeded in it
	soon, ten      int // requests in the first half second after it, and in ten seconds
	limited        int // calls that failed with a RateLimitError in it
}

// count notes a request, and reports whether the server fails.
func (f *outage) count() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch since := time.Since(f.up); {
	case since < 0:
		if time.Now().Before(f.down) {
			return false
		}
		f.requests++
		return true
	case since < 500*time.Millisecond:
		f.soon++
		fallthrough
	case since < 10*time.Second:
		f.ten++
	}
	return false
}

func (f *outage) RoundTrip(req *http.Request) (*http.Response, error) {
	down := f.count()
	trace := httptrace.ContextClientTrace(req.Context())
	trace.GetConn("api.leedo.app:443")
	if f.how != "connection refused" || !down {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if down && f.how == "timeouts" {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if err := support.Sleep(req.Context(), 200*time.Millisecond); err != nil {
		return nil, err
	}
	if down && f.how == "connection refused" {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	resp, err := f.next.RoundTrip(req) // which counts it
	if down && err == nil && resp.StatusCode == http.StatusOK {
		resp.StatusCode, resp.Status = http.StatusServiceUnavailable, "503 Service Unavailable"
	}
	return resp, err
}

// call makes a call, and returns its error.
func (f *outage) call(ctx context.Context, c *leedo.Client, id string) error {
	var resp leedo.Response
	began := time.Now()
	_, err := c.Leads.Get(ctx, id, leedo.WithResponse(&resp))
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil || began.Before(f.down) {
		return err
	}
	if began.Before(f.up) && resp.Attempts > 0 {
		f.calls++
		f.retries += resp.Attempts - 1
	}
	if support.Is[*leedo.RateLimitError](err) && time.Now().Before(f.up.Add(-2*time.Second)) {
		f.limited++
	}
	if err == nil && !began.Before(f.up) && time.Now().Before(f.up.Add(time.Minute)) {
		f.served++
	}
	return err
}

// inALoop is 25 callers that call again immediately, unless an error says when.
func inALoop(ctx context.Context, call func() error) {
	var wg sync.WaitGroup
	for range 25 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if limited, ok := errors.AsType[*leedo.RateLimitError](call()); ok {
					support.Sleep(ctx, max(time.Until(limited.RetryAt), time.Millisecond))
				}
			}
		})
	}
	wg.Wait()
}

// bySecond is one call a second, whatever becomes of those before.
func bySecond(ctx context.Context, call func() error) {
	var wg sync.WaitGroup
	for support.Sleep(ctx, time.Second) == nil {
		wg.Go(func() { call() })
	}
	wg.Wait()
}

// An outage of an hour costs few retries, and the requests after it are spread.
func TestAnOutage(t *testing.T) {
	t.Parallel()
	type row struct {
		how, who string
		plan     leedotest.Plan
		call     func(context.Context, func() error)
		served   int // calls that succeed in the minute after, at least
		soon     int // requests in the first half second after it, at most
		outage   *outage
	}
	var rows []*row
	for _, how := range []string{"503 with headers", "connection refused", "timeouts"} {
		for _, plan := range []leedotest.Plan{leedotest.Free, leedotest.Duo, leedotest.Pro} {
			if plan != leedotest.Duo && !*outageAll && (support.Race || how != "timeouts") {
				continue // it takes long, and is like the others
			}
			// Of those in a loop whose calls time out all may be due at the end.
			rows = append(rows,
				&row{how: how, who: "25 in a loop", plan: plan, call: inALoop, served: int(plan) * 7 / 10, soon: map[bool]int{true: 32, false: 16}[how == "timeouts"]},
				&row{how: how, who: "one a second", plan: plan, call: bySecond, served: 40, soon: 2})
		}
	}
	t.Run("each", func(t *testing.T) {
		for _, r := range rows {
			support.Bubble(t, fmt.Sprint(r.how, ", ", r.who, ", ", int(r.plan)), func(t *testing.T) {
				server := leedotest.NewServer(leedotest.WithPlan(r.plan), leedotest.WithRecentRequests(0))
				id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
				f := &outage{how: r.how, next: server.HTTPClient().Transport}
				r.outage = f
				c, err := leedo.NewClient(server.Token(), leedo.WithHTTPClient(&http.Client{Transport: f}))
				if err != nil {
					t.Fatal(err)
				}
				f.down = time.Now().Add(time.Second)
				f.up = f.down.Add(time.Hour)
				f.call(t.Context(), c, id) // the window ends a second before the outage
				ctx, cancel := context.WithDeadline(t.Context(), f.up.Add(time.Minute))
				defer cancel()
				time.Sleep(time.Until(f.down))
				time.AfterFunc(time.Until(f.up)-2*time.Second, func() { f.left = c.RateLimit().Remaining })
				r.call(ctx, func() error { return f.call(ctx, c, id) })
				synctest.Wait()
				bucket := max(10, int(r.plan)/50)
				if most := 2*bucket + f.calls/10; f.retries > most {
					t.Errorf("%d retries, want at most %d", f.retries, most)
				}
				if f.served < r.served || f.soon > r.soon {
					t.Errorf("after it %d calls succeeded, want %d at least; %d requests in half a second, want %d at most", f.served, r.served, f.soon, r.soon)
				}
				if f.left > 0 && f.limited > 0 {
					t.Errorf("%d calls failed for a quota of which %d are left", f.limited, f.left)
				}
			})
		}
	})
	t.Log("| outage | callers | plan | requests | retries | quota left | calls served in the minute after | requests in 0.5 s | in 10 s | RateLimitErrors |")
	for _, r := range rows {
		if f := r.outage; f != nil {
			t.Logf("| %s | %s | %d | %d | %d | %d | %d | %d | %d | %d |", r.how, r.who, r.plan, f.requests, f.retries, f.left, f.served, f.soon, f.ten, f.limited)
		}
	}
}

// After five failures of the server in a row, one request at a time is sent. A response
// that says something about the request only is no failure, nor is one that was not
// waited for.
func TestWhatIsAnOutage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int // 0 means no response
		want   int // of three requests are sent at once
	}{
		"404": {404, 3}, "499": {499, 3}, "500": {500, 1}, "501": {501, 3}, "502": {502, 1}, "503": {503, 1}, "599": {599, 1},
		"cut": {0, 1}, "timed out": {-1, 1}, "canceled": {-2, 3},
	} {
		support.Bubble(t, name, func(t *testing.T) {
			failing := false
			var inFlight atomic.Int32
			client := support.NewClient(t, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
				inFlight.Add(1)
				defer inFlight.Add(-1)
				status := http.StatusOK
				switch time.Sleep(time.Second); {
				case failing && tt.status == 0:
					return nil, errors.New("connection reset by peer")
				case failing && tt.status < 0:
					<-req.Context().Done()
					return nil, req.Context().Err()
				case failing:
					status = tt.status
				}
				return support.ResponseTo(req, support.Respond(status, support.LeadJSON, "X-RateLimit-Limit", "1000", "X-RateLimit-Remaining", "900",
					"X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))), nil
			})}))
			call := func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				if tt.status == -2 {
					time.AfterFunc(2*time.Second, cancel)
				}
				defer cancel()
				client.Leads.Get(ctx, "x")
			}
			call()
			failing = true
			for range 5 {
				call()
			}
			failing = false
			var calls sync.WaitGroup
			for range 3 {
				calls.Go(func() { client.Leads.Get(t.Context(), "x") })
			}
			synctest.Wait()
			if got := int(inFlight.Load()); got != tt.want {
				t.Errorf("%d of 3 requests are sent at once, want %d", got, tt.want)
			}
			calls.Wait()
		})
	}
}

// Calls of a server that hangs before it has reported any quota fail with the
// timeout, not with a RateLimitError.
func TestAServerThatHangsFromTheStart(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{0, time.Second, 10 * time.Second, time.Minute, leedo.NoMaxWait} {
		support.Bubble(t, fmt.Sprint(wait), func(t *testing.T) {
			var requests atomic.Int32
			c := support.NewClient(t, leedo.WithMaxWait(wait), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
				requests.Add(1)
				<-req.Context().Done()
				return nil, req.Context().Err()
			})}))
			start := time.Now()
			var wg sync.WaitGroup
			for range 30 {
				wg.Go(func() {
					_, err := c.Leads.Get(t.Context(), "id-1")
					if !support.Is[*leedo.TransportError](err) || support.Is[*leedo.RateLimitError](err) {
						t.Errorf("after %v: %v", time.Since(start), err)
					}
				})
			}
			wg.Wait()
			// 4 attempts, each with a wait of as long; 10 retries for all.
			if took := time.Since(start); took > 4*time.Minute || requests.Load() > 30+10 {
				t.Errorf("%d requests in %v", requests.Load(), took)
			}
		})
	}
}
