package leedo_test

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
)

// endless is a body that does not end until it is closed, and that knows no
// context, as the bare connection is which comes with a 101.
type endless struct {
	once   sync.Once
	closed chan struct{}
}

func (e *endless) Read([]byte) (int, error) {
	select {
	case <-e.closed:
		return 0, io.ErrClosedPipe
	case <-time.After(24 * time.Hour):
		return 0, io.EOF
	}
}

func (e *endless) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

// TestA101EndsAtOnce though nobody asked for another protocol: its body is the
// connection, which the server keeps.
func TestA101EndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, op := range append(append([]operation{}, reads...), writes...) {
		synctest.Test(t, func(t *testing.T) {
			requests, open := 0, 0
			transport := roundTripper(func(req *http.Request) (*http.Response, error) {
				requests++
				if req.Body != nil {
					io.Copy(io.Discard, req.Body)
				}
				open++
				body := &closer{&endless{closed: make(chan struct{})}, func() { open-- }}
				return &http.Response{StatusCode: 101, Header: http.Header{"Upgrade": {"x"}}, Body: body}, nil
			})
			c := newClient(t, leedo.WithRetries(1), leedo.WithHTTPClient(&http.Client{Transport: transport}))
			start := time.Now()
			err := op.call(t.Context(), c)
			if took := time.Since(start); took > time.Second || open != 0 || c.RateLimit().InFlight != 0 {
				t.Errorf("%s: took %v, %d connections left open, %+v", op.name, took, open, c.RateLimit())
			}
			api := is[*leedo.APIError](err)
			if write := op.name != "Get" && op.name != "HEAD"; !api || write != is[*leedo.UnknownOutcomeError](err) || write && requests != 1 {
				t.Errorf("%s: %v after %d requests", op.name, err, requests)
			}
		})
	}
}
