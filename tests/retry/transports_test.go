package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// impatient is a body that gives up when a context ends, although a read is
// still under way: what that reads goes wherever it was told to.
type impatient struct {
	io.Reader
	ctx     context.Context
	reading *sync.WaitGroup
}

func (b *impatient) Read(p []byte) (n int, err error) {
	done := make(chan struct{})
	b.reading.Go(func() {
		defer close(done)
		n, err = b.Reader.Read(p)
	})
	select {
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	case <-done:
		return n, err
	}
}

func (b *impatient) Close() error { return nil }

// The body of a transport that is read after the call has failed affects no
// other call.
func TestALateReadReachesNoOtherCall(t *testing.T) {
	t.Parallel()
	for range 50 { // memory is used again by chance
		synctest.Test(t, aLateRead)
	}
}

func aLateRead(t *testing.T) {
	var requests atomic.Int32
	var reading sync.WaitGroup
	late, send := io.Pipe()
	other := strings.Replace(support.LeadJSON, "John Doe", "Ann Poe!", 1)
	client, err := leedo.NewClient(support.Token, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{
		Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			resp := &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1, Request: req}
			if requests.Add(1) == 1 {
				resp.Body = &impatient{late, req.Context(), &reading}
				return resp, nil
			}
			body, w := io.Pipe()
			go func() {
				io.WriteString(w, support.LeadJSON[:200])
				io.WriteString(send, other)
				reading.Wait()
				io.WriteString(w, support.LeadJSON[200:])
				w.Close()
			}()
			resp.Body = body
			return resp, nil
		}),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Leads.Get(t.Context(), "a", leedo.WithAttemptTimeout(time.Second)); err == nil {
		t.Fatal("the first call had an answer")
	}
	if lead, err := client.Leads.Get(t.Context(), "b"); err != nil || lead.Name != "John Doe" {
		t.Errorf("%+v, %v", lead, err)
	}
}

// The context of an attempt, when printed, shows no data of the call.
func TestTheContextOfAnAttemptPrintsNoData(t *testing.T) {
	t.Parallel()
	var texts []string
	client, err := leedo.NewClient(support.Token, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		derived, cancel := context.WithCancel(req.Context())
		defer cancel()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			texts = append(texts, fmt.Sprintf(verb, req.Context()), fmt.Sprintf(verb, derived))
		}
		return support.ResponseTo(req, support.Respond(200, support.LeadJSON)), nil
	})}))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Do(t.Context(), "GET", "/leads", nil, nil, leedo.WithQuery("email", "ann@example.com")); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if strings.Contains(text, support.Token) || strings.Contains(text, "ann") {
			t.Errorf("%.300s", text)
		}
	}
}

// A transport gets each request in the form of a new one, with a token and without the
// response that led to it. It has the protocol that http.NewRequest sets, except after a
// redirect, for which net/http makes the request.
func TestATransportGetsANewRequestForEachAttempt(t *testing.T) {
	t.Parallel()
	answers := []http.HandlerFunc{support.Respond(503, ""), support.Respond(307, "", "Location", "/v1/moved"), support.Respond(200, support.LeadJSON)}
	requests := 0
	client := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		requests++
		protocol := req.Proto == "HTTP/1.1" && req.ProtoMajor == 1 && req.ProtoMinor == 1 || requests == 3
		if !protocol || req.Response != nil || req.Host != "api.leedo.app" || req.Header.Get("Authorization") != "Bearer "+support.Token {
			t.Errorf("request %d: %+v", requests, req)
		}
		return support.ResponseTo(req, answers[requests-1]), nil
	})}))
	if _, err := client.Leads.Get(t.Context(), "x"); requests != len(answers) || err != nil {
		t.Errorf("%v after %d requests", err, requests)
	}
}

// A transport may make other requests over HTTP/2 with the context of the
// attempt before it sends its own.
func TestATransportMaySpeakToOthers(t *testing.T) {
	t.Parallel()
	signer := httptest.NewUnstartedServer(support.Respond(200, "signature"))
	signer.EnableHTTP2 = true
	signer.StartTLS()
	defer signer.Close()
	defer signer.Client().CloseIdleConnections()
	api := support.NewServer(t, support.Respond(200, support.LeadJSON))
	api.StartTLS()
	base := api.Server.Client().Transport
	client := api.Client(t, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		side, err := http.NewRequestWithContext(req.Context(), "GET", signer.URL, nil)
		if err != nil {
			return nil, err
		}
		resp, err := signer.Client().Do(side)
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
		return base.RoundTrip(req)
	})}))
	for _, op := range support.GetAndCreate {
		if err := op.Call(t.Context(), client); err != nil {
			t.Errorf("%s: %v", op.Name, err)
		}
	}
}

// A transport may react to a 401 by sending the request again: the first one
// was rejected, so the write was not done.
func TestATransportMayRepeatARejectedRequest(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		api := support.NewServer(t, func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("X-Fresh") == "" {
				support.Respond(401, "{}")(w, req)
				return
			}
			support.Respond(200, support.LeadJSON)(w, req)
		})
		api.EnableHTTP2 = http2
		api.StartTLS()
		base := api.Server.Client().Transport
		client := api.Client(t, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(req)
			if err != nil || resp.StatusCode != 401 {
				return resp, err
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			again := req.Clone(req.Context())
			if req.GetBody != nil {
				again.Body, _ = req.GetBody()
			}
			again.Header.Set("X-Fresh", "1")
			return base.RoundTrip(again)
		})}))
		for _, op := range support.GetAndCreate {
			if err := op.Call(t.Context(), client); err != nil {
				t.Errorf("HTTP/2 %v, %s: %v", http2, op.Name, err)
			}
		}
	}
}

// A page ahead may wait for as long as the pages before it take, and still be
// retried. An iteration with prefetch does not end where one without it goes
// on.
func TestAPageAheadMayWaitInLine(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]leedotest.Fault{
		"a 503":                  {Path: "/leads", After: 5, Status: 503},
		"a 503 with Retry-After": {Path: "/leads", After: 5, Status: 503, Header: http.Header{"Retry-After": {"15"}}},
		"a cut connection":       {Path: "/leads", After: 5, Drop: true},
		"a 429":                  {Path: "/leads", After: 5, Status: 429, Header: http.Header{"Retry-After": {"20"}}},
	} {
		for _, n := range []int{0, 1, 8} {
			synctest.Test(t, func(t *testing.T) {
				limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{RequestsPerSecond: 0.1})
				if err != nil {
					t.Fatal(err)
				}
				server := leedotest.NewServer()
				for range 40 {
					server.AddLead(leedo.Lead{Name: "John Doe"})
				}
				server.Inject(fault)
				client := server.Client(leedo.WithRateLimiter(limiter))
				rows := 0
				for _, err := range client.Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(n)) {
					if err != nil {
						t.Errorf("%s, %d ahead: after %d rows: %v", name, n, rows, err)
						break
					}
					rows++
				}
			})
		}
	}
}

// A page ahead that waited for most of its time before it was needed, and then met a
// failure that passes, is read once more, even if calls are not retried. Another failure
// ends the iteration.
func TestAPageAheadThatFailedAfterAWaitIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault leedotest.Fault
		again bool
	}{
		"a 503":            {leedotest.Fault{Status: 503}, true},
		"a cut connection": {leedotest.Fault{Drop: true}, true},
		"a 403":            {leedotest.Fault{Status: 403}, false},
		"a 404":            {leedotest.Fault{Status: 404}, false},
		"not JSON":         {leedotest.Fault{Status: 200, Body: "<html>"}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{RequestsPerSecond: 0.1})
			if err != nil {
				t.Fatal(err)
			}
			server := leedotest.NewServer()
			for range 20 {
				server.AddLead(leedo.Lead{Name: "John Doe"})
			}
			tt.fault.After = 5
			server.Inject(tt.fault)
			rows := 0
			var failed error
			for _, err := range server.Client(leedo.WithRateLimiter(limiter), leedo.WithRetries(0)).Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(8)) {
				if failed = err; err == nil {
					rows++
				}
			}
			if again := failed == nil && rows == 20; again != tt.again || !again && rows != 10 {
				t.Errorf("%s: %v after %d rows", name, failed, rows)
			}
		})
	}
}

// A RateLimitError also holds the failure of the attempt before it.
func TestARateLimitErrorHoldsTheFailureBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.SetRateLimit(1, time.Hour)
		server.Inject(leedotest.Fault{Processed: true, Status: 503, Body: "{}"})
		_, err := server.Client().Leads.Get(t.Context(), server.AddLead(leedo.Lead{Name: "John Doe"}).ID)
		limited, ok := errors.AsType[*leedo.RateLimitError](err)
		if !ok || !limited.Local() || !support.Is[*leedo.ServerError](err) || !strings.Contains(err.Error(), "not sent again") {
			t.Errorf("%v", err)
		}
	})
}

// What CheckRedirect changes in a header does not show in later calls.
func TestACheckRedirectChangesItsOwnHeaderOnly(t *testing.T) {
	t.Parallel()
	s := support.Serve(t, support.Respond(302, "", "Location", "/v1/elsewhere"), support.Respond(200, support.LeadJSON))
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := s.Client(t, leedo.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		req.Header = via[0].Header
		req.Header.Set("X-Leak", "yes")
		req.Header.Del("Accept")
		return nil
	}}))
	for range 2 {
		if err := support.Reads[0].Call(t.Context(), c, leedo.WithHeader("Content-Language", "en")); err != nil {
			t.Fatal(err)
		}
	}
	for i, req := range s.Requests() {
		if leak := req.Header.Get("X-Leak"); i != 1 && (leak != "" || req.Header.Get("Accept") == "" || req.Header.Get("Content-Language") != "en") {
			t.Errorf("request %d: %v", i+1, req.Header)
		}
	}
}

// A response that a transport returns for several calls, as in tests, is not
// changed.
func TestTheTransportsResponseIsItsOwn(t *testing.T) {
	t.Parallel()
	shared := &http.Response{StatusCode: 404, Header: http.Header{}, Body: http.NoBody}
	c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(*http.Request) (*http.Response, error) { return shared, nil })}))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := support.Reads[0].Call(t.Context(), c); !support.Is[*leedo.NotFoundError](err) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var r leedo.Response
	c, _ = support.InMemory(t, nil, support.Respond(404, `{"message":"m"}`))
	err := support.Reads[0].Call(t.Context(), c, leedo.WithResponse(&r))
	e, ok := errors.AsType[*leedo.APIError](err)
	if !ok {
		t.Fatal(err)
	}
	if r.Body[0] = 'X'; e.Body[0] != '{' {
		t.Error("the error changes with the response")
	}
}

// A page that waits for its turn is not sent after its context has ended.
func TestAPageThatWaitsInLineIsNotSentOnceItsContextEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var sent atomic.Int32
	transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		sent.Add(1)
		return support.ResponseTo(req, support.Respond(200, `{"data":[{"id":"`+req.URL.Query().Get("page")+`"}],"meta":{"total":9,"page":`+req.URL.Query().Get("page")+`,"per_page":1}}`)), nil
	})
	var asked atomic.Int32
	slow := support.Jar{Load: func() []*http.Cookie {
		if asked.Add(1) > 1 {
			<-ctx.Done() // before the page has its permit
		}
		return nil
	}}
	c := support.NewClient(t, leedo.WithoutRateLimiter(), leedo.WithHTTPClient(&http.Client{Transport: transport, Jar: slow}))
	for _, err := range c.Leads.All(ctx, nil, leedo.WithPrefetch(5)) {
		if err != nil {
			break
		}
		cancel()
	}
	if n := sent.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// As in net/http, a client without a transport looks up http.DefaultTransport
// for each request, so a mock that is installed later is used, and no longer
// after its removal. Not parallel: the default is shared by all tests.
func TestTheDefaultTransportIsTheOneOfTheMoment(t *testing.T) {
	old := http.DefaultTransport
	defer func() { http.DefaultTransport = old }()
	mock := func(requests *int) http.RoundTripper {
		return support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			*requests++
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(support.LeadJSON)), Request: req}, nil
		})
	}
	t.Setenv("LEEDO_API_TOKEN", support.Token)
	var before, after, given int
	http.DefaultTransport = mock(&before)
	fromEnv := func(opts ...leedo.Option) (*leedo.Client, error) { return leedo.NewClientFromEnv(opts...) }
	plain := func(opts ...leedo.Option) (*leedo.Client, error) { return leedo.NewClient(support.Token, opts...) }
	ways := map[string]struct {
		make    func(...leedo.Option) (*leedo.Client, error)
		opts    []leedo.Option
		follows bool
	}{
		"no client":              {plain, nil, true},
		"from the environment":   {fromEnv, nil, true},
		"a client without one":   {plain, []leedo.Option{leedo.WithHTTPClient(&http.Client{Timeout: time.Minute})}, true},
		"net/http's own client":  {plain, []leedo.Option{leedo.WithHTTPClient(http.DefaultClient)}, true},
		"the last client counts": {plain, []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: mock(&given)}), leedo.WithHTTPClient(&http.Client{})}, true},
		"a transport given":      {plain, []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: mock(&given)})}, false},
		"the default given":      {plain, []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: http.DefaultTransport})}, false},
	}
	for name, way := range ways {
		http.DefaultTransport = mock(&before)
		c, err := way.make(way.opts...)
		if err != nil {
			t.Fatal(err)
		}
		for _, write := range []bool{false, true} {
			call := support.Reads[0].Call
			if write {
				call = support.Create
			}
			before, after, given = 0, 0, 0
			http.DefaultTransport = mock(&before)
			first := call(t.Context(), c)
			http.DefaultTransport = mock(&after)
			second := call(t.Context(), c)
			http.DefaultTransport = mock(&before)
			third := call(t.Context(), c)
			if first != nil || second != nil || third != nil {
				t.Fatalf("%s: %v, %v, %v", name, first, second, third)
			}
			if way.follows && (before != 2 || after != 1) || !way.follows && after != 0 {
				t.Errorf("%s: %d requests through the first transport, %d through the one installed later", name, before, after)
			}
		}
	}
}

// Not parallel: it changes http.DefaultTransport.
func TestNoTransportIsNoPanic(t *testing.T) {
	old := http.DefaultTransport
	defer func() { http.DefaultTransport = old }()
	c, err := leedo.NewClient(support.Token)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultTransport = nil
	for _, op := range append(support.Reads, support.Writes...) {
		err := op.Call(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "http.DefaultTransport is nil") || leedo.OutcomeOf(err) != leedo.OutcomeNotDone {
			t.Errorf("%s: %v, %v", op.Name, err, leedo.OutcomeOf(err))
		}
	}
	if _, err := leedo.NewClient(support.Token, leedo.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)})); !errors.Is(err, leedo.ErrInvalidArgument) {
		t.Errorf("a nil *http.Transport: %v", err)
	}
}

// CheckRedirect may set another context, even that of another call.
func TestACheckRedirectMaySetAnotherContext(t *testing.T) {
	t.Parallel()
	other := make(chan context.Context, 1)
	for name, replace := range map[string]func() context.Context{
		"an empty one":         context.Background,
		"that of another call": func() context.Context { return <-other },
	} {
		s := support.Serve(t, support.Respond(200, support.LeadJSON), support.Respond(302, "", "Location", "/v1/leads/id-2"), support.Respond(200, support.LeadJSON))
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		c := s.Client(t, leedo.WithHTTPClient(&http.Client{
			Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
				select {
				case other <- req.Context():
				default:
				}
				return transport.RoundTrip(req)
			}),
			CheckRedirect: func(req *http.Request, _ []*http.Request) error {
				*req = *req.WithContext(context.WithoutCancel(replace()))
				return nil
			},
		}))
		for range 2 {
			var got leedo.Response
			err := support.Reads[0].Call(t.Context(), c, leedo.WithResponse(&got))
			if err != nil || got.StatusCode != 200 || got.Attempts > 2 {
				t.Errorf("%s: %v, %+v", name, err, got)
			}
		}
	}
}
