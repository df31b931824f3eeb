package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// The cause of a context's end is printed on one line, whatever the caller gave
// as the cause.
func TestWhyAContextEndedReadsAsOneLine(t *testing.T) {
	t.Parallel()
	cause := errors.New("too\nslow\tfor us " + strings.Repeat("and then some ", 100))
	hanging := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	for _, op := range support.GetAndCreate {
		synctest.Test(t, func(t *testing.T) {
			inFlight := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: hanging}))
			waiting, _ := support.InMemory(t, nil, support.RateLimited("Retry-After", "30"))
			for name, c := range map[string]*leedo.Client{"ended before": inFlight, "in flight": inFlight, "waiting": waiting} {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(5*time.Second, func() { cancel(cause) })
				if name == "ended before" {
					cancel(cause)
				}
				err := op.Call(ctx, c)
				text := err.Error()
				if strings.ContainsAny(text, "\n\t") || !strings.Contains(text, `too\nslow\tfor us`) || len(text) > 500 {
					t.Errorf("%s, %s: text %q", name, op.Name, text)
				}
				if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
					t.Errorf("%s, %s: %v does not match its causes", name, op.Name, err)
				}
			}
		})
	}
}

// The error of another call may be the cause, as with errgroup.WithContext. It is matched
// itself, but gives the call no type, and hooks and logs do not show it.
func TestAnotherCallsErrorIsTheCause(t *testing.T) {
	t.Parallel()
	rejected, _ := support.InMemory(t, nil, support.Respond(404, `{"message":"no john@example.com"}`))
	notFound := support.Reads[0].Call(t.Context(), rejected)
	failed, _ := support.InMemory(t, []leedo.Option{leedo.WithRetries(0)}, support.Respond(500, ""))
	unknown := support.Create(t.Context(), failed)
	invalid := support.Reads[0].Call(nil, rejected) //nolint:staticcheck // it must be an error
	hanging := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			io.Copy(io.Discard, req.Body)
		}
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	for _, cause := range []error{notFound, unknown, invalid, fmt.Errorf("job 7: %w", notFound)} {
		for _, op := range support.GetAndCreate {
			synctest.Test(t, func(t *testing.T) {
				var shown strings.Builder
				c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: hanging}),
					leedo.WithLogger(slog.New(slog.NewTextHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug}))),
					leedo.WithHooks(leedo.Hooks{Attempt: func(_ context.Context, a leedo.AttemptInfo) { fmt.Fprintf(&shown, "%+v %v", a, a.Err) }}))
				for _, begun := range []bool{false, true} {
					ctx, cancel := context.WithCancelCause(t.Context())
					if begun {
						time.AfterFunc(time.Second, func() { cancel(cause) })
					} else {
						cancel(cause)
					}
					err := op.Call(ctx, c)
					if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "context canceled: ") {
						t.Errorf("%s, begun %t: %v does not match %v", op.Name, begun, err, cause)
					}
					doubt := begun && op.Name == support.GetAndCreate[1].Name
					if support.Is[*leedo.APIError](err) || support.Is[*leedo.UnknownOutcomeError](err) != doubt || errors.Is(err, leedo.ErrInvalidArgument) {
						t.Errorf("%s, begun %t: %v has a type of %v", op.Name, begun, err, cause)
					}
					if (leedo.OutcomeOf(err) == leedo.OutcomeUnknown) != doubt {
						t.Errorf("%s, begun %t: %v", op.Name, begun, leedo.OutcomeOf(err))
					}
				}
				if text := shown.String(); strings.Contains(text, "leedo: GET") || strings.Contains(text, "leedo: POST") || !strings.Contains(text, "context canceled") {
					t.Errorf("hooks or logs show %s", text)
				}
			})
		}
	}
}

// A deadline with a cause is a timeout, as is one without.
func TestADeadlineWithACauseIsATimeout(t *testing.T) {
	t.Parallel()
	hanging := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	for _, cause := range []error{nil, errors.New("too slow for us")} {
		synctest.Test(t, func(t *testing.T) {
			c := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: hanging}))
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
			defer cancel()
			err := support.Reads[0].Call(ctx, c)
			transport, ok := errors.AsType[*leedo.TransportError](err)
			if !ok || !transport.Timeout() || !errors.Is(err, context.DeadlineExceeded) || cause != nil && !errors.Is(err, cause) {
				t.Errorf("cause %v: %v is no timeout", cause, err)
			}
			cancelled, cancelIt := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancelIt(cause) })
			err = support.Reads[0].Call(cancelled, c)
			if transport, ok := errors.AsType[*leedo.TransportError](err); !ok || transport.Timeout() {
				t.Errorf("cause %v: %v is a timeout", cause, err)
			}
		})
	}
}

// An error of the token source ends the call, also if it is the end of a
// context of the source's own. Nothing is sent, and the source is not called
// again.
func TestAnErrorOfTheTokenSourceEndsTheCall(t *testing.T) {
	t.Parallel()
	for _, gone := range []error{errors.New("gone"), context.DeadlineExceeded, context.Canceled} {
		for _, op := range support.GetAndCreate {
			asked := 0
			c := support.NewTokenClient(t, func(context.Context) (string, error) { asked++; return "", gone })
			err := op.Call(t.Context(), c)
			if !errors.Is(err, gone) || asked != 1 || !strings.Contains(err.Error(), "no token: "+gone.Error()) {
				t.Errorf("%s: %v, asked %d times", op.Name, err, asked)
			}
			if support.Is[*leedo.TransportError](err) || support.Is[*leedo.UnknownOutcomeError](err) || c.RateLimit().InFlight != 0 {
				t.Errorf("%s: %v, as if it had been sent", op.Name, err)
			}
		}
	}
}
