package leedo_test

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

// TestALateReadReachesNoOtherCall whatever the body of a user's transport does
// after it has failed.
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
	other := strings.Replace(leadJSON, "John Doe", "Ann Poe!", 1)
	client, err := leedo.NewClient(testToken, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			resp := &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1, Request: req}
			if requests.Add(1) == 1 {
				resp.Body = &impatient{late, req.Context(), &reading}
				return resp, nil
			}
			body, w := io.Pipe()
			go func() {
				io.WriteString(w, leadJSON[:200])
				io.WriteString(send, other)
				reading.Wait()
				io.WriteString(w, leadJSON[200:])
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

// TestTheContextOfAnAttemptTellsNothing to those who print it.
func TestTheContextOfAnAttemptTellsNothing(t *testing.T) {
	t.Parallel()
	var texts []string
	client, err := leedo.NewClient(testToken, leedo.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		derived, cancel := context.WithCancel(req.Context())
		defer cancel()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			texts = append(texts, fmt.Sprintf(verb, req.Context()), fmt.Sprintf(verb, derived))
		}
		return respond(req, answer(200, leadJSON)), nil
	})}))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Do(t.Context(), "GET", "/leads", nil, nil, leedo.WithQuery("email", "ann@example.com")); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if strings.Contains(text, testToken) || strings.Contains(text, "ann") {
			t.Errorf("%.300s", text)
		}
	}
}

// TestATransportMaySpeakToOthers, over HTTP/2 and with the attempt's context,
// before it sends the request.
func TestATransportMaySpeakToOthers(t *testing.T) {
	t.Parallel()
	signer := httptest.NewUnstartedServer(answer(200, "signature"))
	signer.EnableHTTP2 = true
	signer.StartTLS()
	defer signer.Close()
	defer signer.Client().CloseIdleConnections()
	api := newServer(t, answer(200, leadJSON))
	api.StartTLS()
	base := api.Client().Transport
	client := api.client(t, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
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
	for _, op := range bothWays {
		if err := op.call(t.Context(), client); err != nil {
			t.Errorf("%s: %v", op.name, err)
		}
	}
}

// TestATransportMayAnswerARefusal by sending the request anew: it was answered,
// so it was not done.
func TestATransportMayAnswerARefusal(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		api := newServer(t, func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("X-Fresh") == "" {
				answer(401, "{}")(w, req)
				return
			}
			answer(200, leadJSON)(w, req)
		})
		api.EnableHTTP2 = http2
		api.StartTLS()
		base := api.Client().Transport
		client := api.client(t, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
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
		for _, op := range bothWays {
			if err := op.call(t.Context(), client); err != nil {
				t.Errorf("HTTP/2 %v, %s: %v", http2, op.name, err)
			}
		}
	}
}

// TestAPageAheadMayWaitInLine for as long as the pages before it take, and
// still be retried: a prefetched walk does not end where another goes on.
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

// TestARefusalForTheQuotaTellsWhatCameBefore it, too.
func TestARefusalForTheQuotaTellsWhatCameBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.SetRateLimit(1, time.Hour)
		server.Inject(leedotest.Fault{Processed: true, Status: 503, Body: "{}"})
		_, err := server.Client().Leads.Get(t.Context(), server.AddLead(leedo.Lead{Name: "John Doe"}).ID)
		limited, ok := errors.AsType[*leedo.RateLimitError](err)
		if !ok || !limited.Local() || !is[*leedo.ServerError](err) || !strings.Contains(err.Error(), "not sent again") {
			t.Errorf("%v", err)
		}
	})
}
