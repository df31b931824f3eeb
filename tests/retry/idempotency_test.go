package retry_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

func TestIdempotencyKeyIsProcessedOnce(t *testing.T) {
	t.Parallel()
	// post makes two requests with a key on one connection, which the server
	// closes when it has read the second.
	post := func(t *testing.T, send func(url string) error) ([]support.Received, error) {
		t.Helper()
		for range 5 { // on a busy machine net/http may give up a good connection
			s := support.Serve(t, support.Respond(201, support.LeadJSON), support.Cut, support.Respond(201, support.LeadJSON))
			if err := send(s.URL); err != nil {
				t.Fatal(err)
			}
			err := send(s.URL)
			if requests := s.Requests(); len(requests) >= 2 && requests[0].Remote == requests[1].Remote {
				return requests, err
			}
		}
		t.Fatal("the second request did not reuse the connection: the test shows nothing")
		return nil, nil
	}
	t.Run("net/http alone sends it again", func(t *testing.T) {
		t.Parallel()
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		requests, err := post(t, func(url string) error {
			req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader("{}"))
			if err != nil {
				return err
			}
			req.Header.Set("Idempotency-Key", "key-1")
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			io.Copy(io.Discard, resp.Body)
			return resp.Body.Close()
		})
		if len(requests) != 3 || err != nil {
			t.Errorf("%d requests, %v: the other cases show nothing", len(requests), err)
		}
	})
	options := map[string]leedo.RequestOption{
		"WithHeader Idempotency-Key":        leedo.WithHeader("Idempotency-Key", "key-1"),
		"WithHeader idempotency-key":        leedo.WithHeader("idempotency-key", "key-1"),
		"WithHeader X-Idempotency-Key":      leedo.WithHeader("X-Idempotency-Key", "key-1"),
		"WithHeader X-IDEMPOTENCY-KEY":      leedo.WithHeader("X-IDEMPOTENCY-KEY", "key-1"),
		"WithHeader, other values no leave": leedo.WithHeader("X-Other", "key-1"),
	}
	for name, option := range options {
		for _, write := range support.Writes {
			t.Run(name+"/"+write.Name, func(t *testing.T) {
				t.Parallel()
				clients := map[string]*leedo.Client{} // one for each server
				requests, err := post(t, func(url string) error {
					if clients[url] == nil {
						clients[url] = support.NewClient(t, leedo.WithBaseURL(url))
					}
					return write.Call(t.Context(), clients[url], option)
				})
				if len(requests) != 2 || !support.Is[*leedo.UnknownOutcomeError](err) {
					t.Errorf("%d requests, %v", len(requests), err)
				}
				sent := requests[1].Header
				if diff := cmp.Diff("key-1", sent.Get("Idempotency-Key")+sent.Get("X-Idempotency-Key")+sent.Get("X-Other")); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// For a write without a body only the method keeps net/http from sending it
// again. Methods that it would send again are not sent at all.
func TestNeverTwiceOnAReusedConnection(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"OPTIONS", "TRACE", "CONNECT"} {
		s := support.Serve(t, support.Respond(200, ""))
		if err := s.Client(t).Do(t.Context(), method, "/leads", nil, nil); !errors.Is(err, leedo.ErrInvalidArgument) || len(s.Requests()) > 0 {
			t.Errorf("%s: %v, sent %d times", method, err, len(s.Requests()))
		}
	}
	for _, method := range []string{"DELETE", "PURGE", "PROPFIND"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			s := support.Serve(t, support.Respond(200, ""), support.Cut, support.Respond(200, ""))
			c := s.Client(t)
			if err := c.Do(t.Context(), method, "/leads", nil, nil); err != nil {
				t.Fatal(err)
			}
			err := c.Do(t.Context(), method, "/leads", nil, nil)
			if n := len(s.Requests()); n != 2 || !support.Is[*leedo.UnknownOutcomeError](err) {
				t.Errorf("%d requests, %v", n, err)
			}
		})
	}
}

func TestWithIdempotentIsRetriedLikeAGET(t *testing.T) {
	t.Parallel()
	for _, write := range support.Writes {
		t.Run(write.Name, func(t *testing.T) {
			t.Parallel()
			s := support.Serve(t, support.Respond(500, ""), support.Cut, support.CutBody(201, "{"), support.Respond(201, support.LeadJSON))
			if err := write.Call(t.Context(), s.Client(t), leedo.WithIdempotent(), leedo.WithResponse(new(leedo.Response))); err != nil {
				t.Error(err)
			}
			requests := s.Requests()
			if len(requests) != 4 {
				t.Errorf("%d requests", len(requests))
			}
			for _, r := range requests {
				if r.Body != requests[0].Body {
					t.Errorf("sent %q, then %q", requests[0].Body, r.Body)
				}
			}
		})
		t.Run("in vain/"+write.Name, func(t *testing.T) {
			t.Parallel()
			s := support.Serve(t, support.Respond(500, ""), support.Respond(400, ""))
			err := write.Call(t.Context(), s.Client(t), leedo.WithIdempotent())
			if !support.Is[*leedo.UnknownOutcomeError](err) || !support.Is[*leedo.BadRequestError](err) {
				t.Errorf("got %v: the first attempt may have done it", err)
			}
		})
	}
}
