package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// ends are the ways in which the context of a call ends after a time.
var ends = []struct {
	name string
	make func(context.Context, time.Duration) (context.Context, context.CancelFunc)
}{
	{"deadline", context.WithTimeout},
	{"cancel", func(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(parent)
		timer := time.AfterFunc(d, cancel)
		return ctx, func() { timer.Stop(); cancel() }
	}},
	{"cancel with a cause", func(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(parent)
		timer := time.AfterFunc(d, func() { cancel(errOwn) })
		return ctx, func() { timer.Stop(); cancel(nil) }
	}},
	{"deadline with a cause", func(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		return context.WithTimeoutCause(parent, d, errOwn)
	}},
}

func contextTraces() []trace {
	slow := respond(200, "").late(time.Minute)
	cases := []fault{
		always("before the response", slow),
		{"before the response to a retry", []reply{respond(503, problem("down", "maintenance")), slow}},
		{"before the response after a 429", []reply{respond(429, "", "Retry-After", "1"), slow}},
		{"before the response after a cut", []reply{reset, slow}},
		{"before the response after a refused connection", []reply{refused, slow}},
		always("within the body", stalls(200, `{"id":`)),
		always("within the body of an error", stalls(404, `{"error":{"code":"not_found"`)),
		{"before the target of a redirect responds", []reply{respond(302, "", "Location", "/v1/moved"), slow}},
		always("while waiting for Retry-After of a 503", respond(503, "", "Retry-After", "10")),
		always("while waiting for Retry-After of a 429", respond(429, "", "Retry-After", "10")),
		once("never: the call is done before", respond(503, "")),
	}
	var all []trace
	for _, op := range operationsNamed("Leads.Get", "Leads.Create", "Do DELETE", "Leads.All") {
		for _, end := range ends {
			for i, c := range cases {
				if strings.HasSuffix(end.name, "cause") && i%4 != 0 {
					continue // as without one
				}
				all = append(all, trace{op.name + ", " + end.name + " " + c.name, func(s *scene) {
					s.grain = time.Second
					ctx, cancel := end.make(s.t.Context(), 4*time.Second)
					defer cancel()
					s.callWith(ctx, op, s.client(op.script(c.replies...)))
				}})
			}
			all = append(all, trace{op.name + ", " + end.name + " before the call", func(s *scene) {
				ctx, cancel := end.make(s.t.Context(), 0)
				defer cancel()
				time.Sleep(time.Millisecond)
				s.callWith(ctx, op, s.client(op.script(good)))
			}})
		}
		all = append(all, trace{op.name + ", cancel as the response arrives", func(s *scene) {
			ctx, cancel := context.WithCancel(s.t.Context())
			s.callWith(ctx, op, s.client(op.canceling(cancel, op.success())))
		}}, trace{op.name + ", cancel as an error arrives", func(s *scene) {
			ctx, cancel := context.WithCancel(s.t.Context())
			s.callWith(ctx, op, s.client(op.canceling(cancel, respond(503, problem("down", "maintenance")))))
		}}, trace{op.name + ", cancel as the response arrives, in the hook", func(s *scene) {
			ctx, cancel := context.WithCancel(s.t.Context())
			s.callWith(ctx, op, s.client(op.script(good), leedo.WithHooks(leedo.Hooks{Attempt: func(context.Context, leedo.AttemptInfo) { cancel() }})))
		}}, trace{op.name + ", cancel in the hook that reports a wait", func(s *scene) {
			s.grain = time.Second
			ctx, cancel := context.WithCancelCause(s.t.Context())
			s.callWith(ctx, op, s.client(op.script(respond(429, "", "Retry-After", "5")), leedo.WithHooks(leedo.Hooks{Wait: func(context.Context, leedo.WaitInfo) { cancel(errors.New("no time")) }})))
		}})
	}
	return all
}

// canceling ends the context of a call before it replies.
func (op operation) canceling(cancel context.CancelFunc, r reply) *script {
	give := r.give
	r.give = func(req *http.Request) (*http.Response, error) {
		resp, err := give(req)
		cancel()
		return resp, err
	}
	return replies(r)
}
