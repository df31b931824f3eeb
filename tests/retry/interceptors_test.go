package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// journal is what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) say(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// take returns the lines and forgets them.
func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// around is an interceptor that says when a call begins and ends.
func (j *journal) around(name string) leedo.Interceptor {
	return func(ctx context.Context, call leedo.CallInfo, next func(context.Context) error) error {
		j.say("%s begins %s %s", name, call.Method, call.Path)
		err := next(ctx)
		j.say("%s ends: %v", name, err == nil)
		return err
	}
}

// The first interceptor is the outermost, whether they come in one option or in
// several. Hooks are called inside of all of them.
func TestInterceptorsAreNested(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]func(j *journal) []leedo.Option{
		"one option": func(j *journal) []leedo.Option {
			return []leedo.Option{leedo.WithInterceptor(j.around("a"), j.around("b"))}
		},
		"two options": func(j *journal) []leedo.Option {
			return []leedo.Option{leedo.WithInterceptor(j.around("a")), leedo.WithInterceptor(j.around("b"))}
		},
		"and an empty one": func(j *journal) []leedo.Option {
			return []leedo.Option{leedo.WithInterceptor(), leedo.WithInterceptor(j.around("a")), leedo.WithInterceptor(j.around("b"))}
		},
	} {
		var j journal
		hook := func(name string) leedo.Option {
			return leedo.WithHooks(leedo.Hooks{Attempt: func(_ context.Context, a leedo.AttemptInfo) { j.say("hook %s: %d", name, a.StatusCode) }})
		}
		client := support.Fake(1).Client(append(opts(&j), hook("1"), leedo.WithHooks(leedo.Hooks{}), hook("2"))...)
		if _, err := client.Leads.Get(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		want := []string{"a begins GET /leads/{id}", "b begins GET /leads/{id}", "hook 1: 200", "hook 2: 200", "b ends: true", "a ends: true"}
		if diff := cmp.Diff(want, j.take()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// With prefetch each page is a call, which both interceptors and all hooks see
// once. Each interceptor sees the pages in order.
func TestInterceptorsAndHooksOfAnIteration(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 4} {
		synctest.Test(t, func(t *testing.T) {
			list := support.NewSlowList(95)
			var outer, inner, open, most atomic.Int32
			var attempts [3]atomic.Int32
			var order journal
			opts := []leedo.Option{
				leedo.WithInterceptor(
					func(ctx context.Context, call leedo.CallInfo, next func(context.Context) error) error {
						number := outer.Add(1)
						order.say("%d", number)
						most.Store(max(most.Load(), open.Add(1)))
						defer open.Add(-1)
						if call != (leedo.CallInfo{Method: "GET", Path: "/leads", Priority: leedo.PriorityBulk}) {
							t.Errorf("got %+v", call)
						}
						return next(context.WithValue(ctx, support.ContextKey{}, number))
					},
					func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
						inner.Add(1)
						err := next(ctx)
						if call, _ := leedo.CallFromContext(ctx); call.Attempt != 1 {
							t.Errorf("after the call: %+v", call)
						}
						return err
					}),
			}
			for i := range attempts {
				opts = append(opts, leedo.WithHooks(leedo.Hooks{Attempt: func(ctx context.Context, a leedo.AttemptInfo) {
					for before := range i {
						if attempts[before].Load() <= attempts[i].Load() {
							t.Errorf("hook %d is called before hook %d", i, before)
						}
					}
					attempts[i].Add(1)
					if call, ok := leedo.CallFromContext(ctx); !ok || call.Attempt != 1 || call.Path != a.Path || ctx.Value(support.ContextKey{}) == nil {
						t.Errorf("in a hook: %+v, %v, %v", call, ok, ctx.Value(support.ContextKey{}))
					}
				}}))
			}
			list.OnSend = func(page int) { order.say("page %d", page) }
			ids, err := support.Gather(t, list.Client(t, opts...).Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 10}, leedo.WithPrefetch(n)))
			if err != nil || len(ids) != 95 {
				t.Fatalf("%d leads, %v", len(ids), err)
			}
			got := []int32{outer.Load(), inner.Load(), attempts[0].Load(), attempts[1].Load(), attempts[2].Load(), open.Load(), most.Load()}
			if diff := cmp.Diff([]int32{10, 10, 10, 10, 10, 0, int32(max(n, 1))}, got); diff != "" {
				t.Errorf("%d ahead: %s", n, diff)
			}
			var want []string
			for page := range 10 {
				want = append(want, fmt.Sprint(page+1), fmt.Sprintf("page %d", page+1))
			}
			if diff := cmp.Diff(want, order.take()); n < 2 && diff != "" {
				t.Errorf("%d ahead: %s", n, diff)
			}
		})
	}
}

// Interceptors see the errors of the API, the rate limiter and the transport,
// and those of invalid calls.
func TestInterceptorsSeeEveryError(t *testing.T) {
	t.Parallel()
	var seen []error
	see := leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
		err := next(ctx)
		seen = append(seen, err)
		return err
	})
	check := func(name string, err error, matches bool) {
		t.Helper()
		// An iteration puts the page before the error.
		if len(seen) != 1 || !matches || seen[0] == nil || !errors.Is(err, seen[0]) {
			t.Errorf("%s: seen %v, returned %v", name, seen, err)
		}
		seen = nil
	}
	for _, op := range support.Calls {
		err := op.Call(t.Context(), support.Serve(t, support.Respond(404, "")).Client(t, see))
		check(op.Name+", 404", err, support.Is[*leedo.NotFoundError](err))

		err = op.Call(t.Context(), support.NewClient(t, leedo.WithBaseURL(support.ClosedPortURL(t, "http")), leedo.WithRetries(0), see))
		check(op.Name+", no server", err, support.Is[*leedo.TransportError](err))

		client := support.Serve(t, support.Respond(429, "", "Retry-After", "3600")).Client(t, leedo.WithMaxWait(0), see)
		err = op.Call(t.Context(), client)
		check(op.Name+", 429", err, support.Is[*leedo.RateLimitError](err))
		err = op.Call(t.Context(), client)
		check(op.Name+", not sent", err, support.Is[*leedo.RateLimitError](err))

		s := support.Serve(t, support.Respond(200, support.LeadJSON))
		err = op.Call(t.Context(), s.Client(t, see), leedo.WithHeader("Host", "x"))
		check(op.Name+", an option", err, errors.Is(err, leedo.ErrInvalidArgument) && len(s.Requests()) == 0)
	}

	s := support.Serve(t, support.Respond(200, support.LeadJSON))
	c, ctx := s.Client(t, see), t.Context()
	for name, call := range map[string]func() error{
		"an empty id": func() error { return support.ErrorOf(c.Leads.Get(ctx, "")) },
		"an unsafe id": func() error {
			return support.ErrorOf(c.Leads.Update(ctx, "..", &leedo.LeadUpdateParams{Name: new("x")}))
		},
		"nil params":        func() error { return support.ErrorOf(c.Accounts.Create(ctx, nil)) },
		"nothing to change": func() error { return support.ErrorOf(c.Leads.Update(ctx, "1", &leedo.LeadUpdateParams{})) },
		"a negative page":   func() error { return support.ErrorOf(c.Contacts.List(ctx, &leedo.ContactListParams{Page: -1})) },
		"a page to start at": func() error {
			return support.ErrorOf(support.Gather(t, c.Leads.All(ctx, &leedo.LeadListParams{Page: -1})))
		},
		"a path":   func() error { return c.Do(ctx, "GET", "/leads?x=y", nil, nil) },
		"a method": func() error { return c.Do(ctx, "get", "/leads", nil, nil) },
		"a body":   func() error { return c.Do(ctx, "POST", "/leads", func() {}, nil) },
	} {
		err := call()
		check(name, err, errors.Is(err, leedo.ErrInvalidArgument))
	}
	if n := len(s.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// A context that an interceptor passes to next is that of the calls inside, the
// hooks and the transport.
func TestAnInterceptorChangesTheContext(t *testing.T) {
	t.Parallel()
	for _, op := range support.Calls {
		var j journal
		client := support.NewClient(t,
			leedo.WithInterceptor(
				func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
					return next(context.WithValue(context.Background(), support.ContextKey{}, "changed"))
				},
				func(ctx context.Context, call leedo.CallInfo, next func(context.Context) error) error {
					again, ok := leedo.CallFromContext(ctx)
					j.say("inside: %v, %v", ctx.Value(support.ContextKey{}), ok && again == call)
					return next(ctx)
				}),
			leedo.WithHooks(leedo.Hooks{Attempt: func(ctx context.Context, _ leedo.AttemptInfo) { j.say("hook: %v", ctx.Value(support.ContextKey{})) }}),
			leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
				j.say("transport: %v", req.Context().Value(support.ContextKey{}))
				return support.ResponseTo(req, support.Respond(404, "")), nil
			})}))
		if err := op.Call(t.Context(), client); !support.Is[*leedo.NotFoundError](err) {
			t.Errorf("%s: %v", op.Name, err)
		}
		if diff := cmp.Diff([]string{"inside: changed, true", "transport: changed", "hook: changed"}, j.take()); diff != "" {
			t.Errorf("%s: %s", op.Name, diff)
		}
	}
}

// An interceptor that returns nil although no call of next succeeded does not
// make the call succeed: the error is that of the last call of next, or
// ErrInvalidArgument if there was none.
func TestAnInterceptorCannotMakeUpASuccess(t *testing.T) {
	t.Parallel()
	swallow := func(times int) leedo.Interceptor {
		return func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
			for range times {
				next(ctx)
			}
			return nil
		}
	}
	for _, op := range support.Calls {
		for name, around := range map[string][]leedo.Interceptor{
			"outermost": {swallow(0), support.PassOn}, "innermost": {support.PassOn, swallow(0)}, "both": {swallow(1), swallow(0)},
		} {
			s := support.Serve(t, support.Respond(200, support.LeadJSON))
			err := op.Call(t.Context(), s.Client(t, leedo.WithInterceptor(around...)))
			if !errors.Is(err, leedo.ErrInvalidArgument) || !strings.Contains(err.Error(), "an interceptor returned nil without calling next") ||
				leedo.OutcomeOf(err) != leedo.OutcomeNotDone || len(s.Requests()) != 0 {
				t.Errorf("%s, %s: %v after %d requests", op.Name, name, err, len(s.Requests()))
			}
		}
		s := support.Serve(t, support.Respond(404, ""))
		if err := op.Call(t.Context(), s.Client(t, leedo.WithInterceptor(swallow(1)))); !support.Is[*leedo.NotFoundError](err) {
			t.Errorf("%s, a failure that an interceptor drops: %v", op.Name, err)
		}
		s = support.Serve(t, support.Respond(404, ""), support.Respond(403, ""))
		if err := op.Call(t.Context(), s.Client(t, leedo.WithInterceptor(swallow(2)))); !support.Is[*leedo.ForbiddenError](err) || len(s.Requests()) != 2 {
			t.Errorf("%s, two failures that an interceptor drops: %v", op.Name, err)
		}
	}
}

// The caller gets the error that an interceptor returns, also instead of a
// success.
func TestAnInterceptorsOwnError(t *testing.T) {
	t.Parallel()
	own := errors.New("not today")
	for _, op := range support.Calls {
		for _, before := range []bool{false, true} {
			s := support.Serve(t, support.Respond(404, ""))
			err := op.Call(t.Context(), s.Client(t, leedo.WithInterceptor(support.PassOn, func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
				if !before {
					next(ctx)
				}
				return own
			})))
			iteration := op.Name == "All" || op.Name == "Pages"
			if want := "leedo: GET /leads, page 1: not today"; err != own && !(iteration && errors.Is(err, own) && err.Error() == want) {
				t.Errorf("%s, before the call %v: %v", op.Name, before, err)
			}
			if want := map[bool]int{false: 1}[before]; len(s.Requests()) != want {
				t.Errorf("%s: %d requests", op.Name, len(s.Requests()))
			}
		}
	}
	client := support.Fake(1).Client(leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
		next(ctx)
		return own
	}))
	if lead, err := client.Leads.Get(t.Context(), "1"); lead != nil || err != own {
		t.Errorf("got %v, %v", lead, err)
	}
}

// Calling next twice makes two calls, whose results do not mix.
func TestCallingNextTwice(t *testing.T) {
	t.Parallel()
	twice := leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
		first := next(ctx)
		if call, _ := leedo.CallFromContext(ctx); call.Attempt != 1 {
			t.Errorf("after the first call: %+v", call)
		}
		if err := next(ctx); err != nil {
			return errors.Join(first, err)
		}
		return nil
	})
	s := support.Serve(t, support.Respond(200, support.LeadJSON), support.Respond(200, `{"id":"2","name":"Ada"}`))
	var last leedo.Response
	lead, err := s.Client(t, twice).Leads.Get(t.Context(), "x", leedo.WithResponse(&last))
	if diff := cmp.Diff(&leedo.Lead{ID: "2", Name: "Ada"}, lead); err != nil || diff != "" || last.Attempts != 1 {
		t.Errorf("%v, %s, %+v", err, diff, last)
	}

	s = support.Serve(t, support.Respond(200, `{"data":[{"id":"1"},{"id":"2","name":"Ada"}],"meta":{"total":2,"page":1,"per_page":20}}`),
		support.Respond(200, `{"data":[{"id":"3"}],"meta":{"page":1,"per_page":20}}`))
	page, err := s.Client(t, twice).Leads.List(t.Context(), nil)
	if diff := cmp.Diff(&leedo.Page[leedo.Lead]{Data: []leedo.Lead{{ID: "3"}}, Meta: leedo.PageMeta{Page: 1, PerPage: 20}}, page); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}

	responses := []http.HandlerFunc{support.Respond(200, `{"a":1,"list":[1,2]}`), support.Respond(200, `{"list":[3]}`)}
	var out struct {
		A    int
		B    string
		List []any
	}
	out.B = "as before"
	err = support.Serve(t, responses...).Client(t, twice).Do(t.Context(), "GET", "/x", nil, &out)
	if err != nil || out.A != 0 || out.B != "as before" || len(out.List) != 1 {
		t.Errorf("%v, %+v", err, out)
	}
	fields := map[string]any{"b": "as before"}
	err = support.Serve(t, responses...).Client(t, twice).Do(t.Context(), "GET", "/x", nil, &fields)
	if diff := cmp.Diff(map[string]any{"b": "as before", "list": []any{3.0}}, fields); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}

	s = support.Serve(t, support.Respond(503, ""), support.Respond(201, support.LeadJSON))
	if lead, err := s.Client(t, twice).Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "John Doe"}); err != nil || lead == nil || len(s.Requests()) != 2 {
		t.Errorf("a create that is repeated: %v, %v, %d requests", lead, err, len(s.Requests()))
	}
	s = support.Serve(t, support.Respond(503, ""), support.Respond(400, ""))
	if err := support.Create(t.Context(), s.Client(t, twice)); leedo.OutcomeOf(err) != leedo.OutcomeUnknown || !support.Is[*leedo.BadRequestError](err) {
		t.Errorf("the first may have been done: %v", err)
	}

	list := support.Fake(250)
	ids, err := support.Gather(t, list.Client(twice).Leads.All(t.Context(), nil))
	if diff := cmp.Diff(support.IDs(250), ids); err != nil || diff != "" || len(list.Requests()) != 6 {
		t.Errorf("%v, %s, %d requests", err, diff, len(list.Requests()))
	}
}

// If next is called again for a write, the last call reports its own outcome,
// but not that nothing was done.
func TestARepeatedWriteStaysInDoubt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		answers []http.HandlerFunc
		want    leedo.Outcome
	}{
		{"done, rejected", []http.HandlerFunc{support.Respond(201, support.LeadJSON), support.Respond(400, "")}, leedo.OutcomeUnknown},
		{"unknown, rejected", []http.HandlerFunc{support.Respond(503, ""), support.Respond(400, "")}, leedo.OutcomeUnknown},
		{"unknown, rejected twice", []http.HandlerFunc{support.Respond(503, ""), support.Respond(400, ""), support.Respond(400, "")}, leedo.OutcomeUnknown},
		{"rejected, rejected", []http.HandlerFunc{support.Respond(400, ""), support.Respond(400, "")}, leedo.OutcomeNotDone},
		{"unknown, done", []http.HandlerFunc{support.Respond(503, ""), support.Respond(201, support.LeadJSON)}, leedo.OutcomeDone},
	} {
		s := support.Serve(t, test.answers...)
		client := s.Client(t, leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) (err error) {
			for range test.answers {
				err = next(ctx)
			}
			if none := context.Context(nil); test.want == leedo.OutcomeUnknown && leedo.OutcomeOf(next(none)) != leedo.OutcomeUnknown {
				t.Errorf("%s: not made in the end, and so not done", test.name)
			}
			return err
		}))
		err := support.Create(t.Context(), client)
		if got := leedo.OutcomeOf(err); got != test.want || support.Is[*leedo.BadRequestError](err) != (test.want != leedo.OutcomeDone) {
			t.Errorf("%s: %v: %v", test.name, got, err)
		}
	}
}

// The same if an interceptor further in makes no call the second time, or calls next too
// late.
func TestARepeatedWriteThatIsNotMadeStaysInDoubt(t *testing.T) {
	t.Parallel()
	type next = func(context.Context) error
	twice := func(ctx context.Context, _ leedo.CallInfo, next next) error {
		next(ctx)
		return next(ctx)
	}
	var earlier next
	for name, inner := range map[string]func(context.Context, next) error{
		"not called":  func(context.Context, next) error { return nil },
		"too late":    func(ctx context.Context, _ next) error { return earlier(ctx) },
		"nil context": func(_ context.Context, next next) error { return next(nil) },
	} {
		for outcome, answer := range map[leedo.Outcome]http.HandlerFunc{
			leedo.OutcomeUnknown: support.Respond(500, ""), leedo.OutcomeNotDone: support.Respond(400, ""),
		} {
			earlier = nil
			s := support.Serve(t, answer)
			client := s.Client(t, leedo.WithInterceptor(twice, func(ctx context.Context, _ leedo.CallInfo, next next) error {
				if earlier == nil {
					earlier = next
					return next(ctx)
				}
				return inner(ctx, next)
			}))
			err := support.Create(t.Context(), client)
			if got := leedo.OutcomeOf(err); got != outcome || !errors.Is(err, leedo.ErrInvalidArgument) || len(s.Requests()) != 1 {
				t.Errorf("%s after %v: %v: %v, %d requests", name, outcome, got, err, len(s.Requests()))
			}
		}
	}
}

// next fails after the interceptor has returned, and a call in flight is waited
// for, as the result is that of the call.
func TestNextIsCalledInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := support.NewSlowList(1)
		var late error
		done := make(chan struct{})
		client := list.Client(t, leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
			go next(ctx)
			go func() {
				defer close(done)
				time.Sleep(time.Hour)
				late = next(ctx)
			}()
			time.Sleep(support.RoundTripTime / 4) // the first one is in flight
			return nil
		}))
		start := time.Now()
		page, err := client.Leads.List(t.Context(), &leedo.LeadListParams{Page: 1, PerPage: 1})
		if err != nil || len(page.Data) != 1 || time.Since(start) != support.RoundTripTime {
			t.Errorf("%v, %v after %v", page, err, time.Since(start))
		}
		if <-done; !errors.Is(late, leedo.ErrInvalidArgument) || list.Count() != 1 {
			t.Errorf("%v, %d requests", late, list.Count())
		}
	})
	synctest.Test(t, func(t *testing.T) { // after a panic, too
		list := support.NewSlowList(1)
		late := make(chan error)
		client := list.Client(t, leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
			go func() {
				time.Sleep(time.Hour)
				late <- next(ctx)
			}()
			panic("boom")
		}))
		value := support.Recovered(func() { client.Leads.List(t.Context(), nil) })
		if err := <-late; value != "boom" || !errors.Is(err, leedo.ErrInvalidArgument) || list.Count() != 0 {
			t.Errorf("%v, %v, %d requests", value, err, list.Count())
		}
	})
	client := support.Fake(1).Client(leedo.WithInterceptor(func(_ context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
		return next(nil)
	}))
	if _, err := client.Leads.Get(t.Context(), "1"); !errors.Is(err, leedo.ErrInvalidArgument) || !strings.Contains(err.Error(), "nil context") {
		t.Error(err)
	}
}

// A panic of an interceptor reaches the caller, also from a page that is read
// ahead, and nothing is left of the call.
func TestAPanicOfAnInterceptorReachesTheCaller(t *testing.T) {
	t.Parallel()
	for name, around := range map[string]leedo.Interceptor{
		"before": func(context.Context, leedo.CallInfo, func(context.Context) error) error { panic("boom") },
		"after": func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
			next(ctx)
			panic("boom")
		},
		"in the call": func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
			return next(context.WithValue(ctx, support.ContextKey{}, "panic"))
		},
	} {
		for _, op := range support.Calls {
			synctest.Test(t, func(t *testing.T) {
				client, _ := support.InMemory(t, []leedo.Option{leedo.WithInterceptor(support.PassOn, around), leedo.WithHooks(leedo.Hooks{
					Attempt: func(ctx context.Context, _ leedo.AttemptInfo) {
						if ctx.Value(support.ContextKey{}) != nil {
							panic("boom")
						}
					},
				})}, support.Respond(200, support.LeadJSON))
				if value := support.Recovered(func() { op.Call(t.Context(), client) }); value != "boom" {
					t.Errorf("%s, %s: %v", op.Name, name, value)
				}
				support.CheckSettled(t, name+", "+op.Name, client)
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var count atomic.Int32
		list := support.NewSlowList(100)
		client := list.Client(t, leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
			if count.Add(1) == 3 {
				panic("boom")
			}
			return next(ctx)
		}))
		if value := support.Recovered(func() {
			support.Gather(t, client.Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 10}, leedo.WithPrefetch(4)))
		}); value != "boom" {
			t.Errorf("got %v", value)
		}
		list.CheckIdle(t, client)
	})
}

// A write that panicked may have been done, although an interceptor recovered
// from the panic.
func TestARecoveredPanicIsNoSuccess(t *testing.T) {
	t.Parallel()
	recovering := func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
		defer func() { recover() }()
		return next(ctx)
	}
	for _, op := range support.Calls {
		client := support.NewClient(t, leedo.WithInterceptor(recovering), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			panic("boom")
		})}))
		err := op.Call(t.Context(), client)
		write := slices.ContainsFunc(support.Writes, func(w support.Operation) bool { return w.Name == op.Name })
		if err == nil || !strings.Contains(err.Error(), "panicked") || support.Is[*leedo.UnknownOutcomeError](err) != write || (leedo.OutcomeOf(err) == leedo.OutcomeUnknown) != write {
			t.Errorf("%s: %v", op.Name, err)
		}
		support.CheckSettled(t, op.Name, client)
	}
}

// An interceptor that lets one call pass at a time does not block the page
// whose turn it is.
func TestOneCallAtATime(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]bool{"all pages": false, "a page that is not read": true} {
		synctest.Test(t, func(t *testing.T) {
			list := support.NewSlowList(200)
			turn := make(chan struct{}, 1)
			var count atomic.Int32
			own := errors.New("enough")
			client := list.Client(t, leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
				turn <- struct{}{}
				defer func() { <-turn }()
				if count.Add(1) == 5 && stop {
					return own
				}
				return next(ctx)
			}))
			ids, err := support.Gather(t, client.Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 10}, leedo.WithPrefetch(8)))
			if stop && (!errors.Is(err, own) || len(ids) != 40) || !stop && (err != nil || len(ids) != 200) {
				t.Errorf("%s: %d leads, %v", name, len(ids), err)
			}
			list.CheckIdle(t, client)
		})
	}
}

// A page ahead that an interceptor rejects because of the quota does not block
// those behind it. It is requested again when it is needed.
func TestAnInterceptorThatMakesNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := support.NewSlowList(200)
		var count atomic.Int32
		client := list.Client(t, leedo.WithInterceptor(func(ctx context.Context, _ leedo.CallInfo, next func(context.Context) error) error {
			if n := count.Add(1); n > 2 && n < 7 {
				return &leedo.RateLimitError{}
			}
			return next(ctx)
		}))
		ids, err := support.Gather(t, client.Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 10}, leedo.WithPrefetch(5)))
		if diff := cmp.Diff(support.IDs(200), ids); err != nil || diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
		list.CheckIdle(t, client)
	})
}

func TestInterceptorOptions(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]leedo.Option{
		"nil": {leedo.WithInterceptor(nil)}, "one of two": {leedo.WithInterceptor(support.PassOn, nil)}, "a later one": {leedo.WithInterceptor(support.PassOn), leedo.WithInterceptor(nil)},
	} {
		if _, err := leedo.NewClient(support.Token, opts...); !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The caller may use the slice again.
	var j journal
	interceptors := []leedo.Interceptor{j.around("a")}
	client := leedotest.NewServer().Client(leedo.WithInterceptor(interceptors...))
	interceptors[0] = j.around("b")
	client.Leads.List(t.Context(), nil)
	if got := j.take(); len(got) != 2 || got[0] != "a begins GET /leads" {
		t.Errorf("got %v", got)
	}
}
