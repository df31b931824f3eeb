package retry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// change is a write, and how to find out at the fake whether it was done.
type change struct {
	name   string
	method string
	call   func(ctx context.Context, c *leedo.Client, id string, opts ...leedo.RequestOption) error
	done   func(*leedotest.Server) bool
	noOut  bool // any 2xx will do
}

const changed = "Jane Smith"

func leadThere(s *leedotest.Server) bool    { return len(s.Leads()) == 2 }
func leadChanged(s *leedotest.Server) bool  { return s.Leads()[0].Name == changed }
func accountThere(s *leedotest.Server) bool { return len(s.Accounts()) == 1 }

// changes are the writes of the API. There is one lead before each.
var changes = []change{
	{"Leads.Create", "POST", func(ctx context.Context, c *leedo.Client, _ string, opts ...leedo.RequestOption) error {
		return support.ErrorOf(c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: changed}, opts...))
	}, leadThere, false},
	{"Accounts.Create", "POST", func(ctx context.Context, c *leedo.Client, _ string, opts ...leedo.RequestOption) error {
		return support.ErrorOf(c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: changed}, opts...))
	}, accountThere, false},
	{"Contacts.Create", "POST", func(ctx context.Context, c *leedo.Client, _ string, opts ...leedo.RequestOption) error {
		return support.ErrorOf(c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: changed}, opts...))
	}, func(s *leedotest.Server) bool { return len(s.Contacts()) == 1 }, false},
	{"Leads.Update", "PATCH", func(ctx context.Context, c *leedo.Client, id string, opts ...leedo.RequestOption) error {
		return support.ErrorOf(c.Leads.Update(ctx, id, &leedo.LeadUpdateParams{Name: new(changed)}, opts...))
	}, leadChanged, false},
	{"Do POST", "POST", func(ctx context.Context, c *leedo.Client, _ string, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "POST", "/accounts", map[string]string{"name": changed}, new(leedo.Account), opts...)
	}, accountThere, false},
	{"Do POST without out", "POST", func(ctx context.Context, c *leedo.Client, _ string, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "POST", "/leads", map[string]string{"name": changed}, nil, opts...)
	}, leadThere, true},
	{"Do PATCH without out", "PATCH", func(ctx context.Context, c *leedo.Client, id string, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "PATCH", "/leads/"+id, map[string]string{"name": changed}, nil, opts...)
	}, leadChanged, true},
}

// failure is something that goes wrong with a change.
type failure struct {
	name    string
	faults  []leedotest.Fault
	outcome leedo.Outcome
	// lies says that the response says the opposite of what the server did:
	// the client cannot know.
	lies bool
	// fine says that a call that needs no body of a response succeeds.
	fine bool
	opts []leedo.RequestOption
	// before prepares the server, the client and the context.
	before func(*leedotest.Server, *leedo.Client, context.Context) (context.Context, context.CancelFunc)
}

// failures are what can go wrong, with the outcome that is to be known then.
func failures() []failure {
	type fault = leedotest.Fault
	later := leedo.WithMaxWait(0)
	ended := func(d time.Duration) func(*leedotest.Server, *leedo.Client, context.Context) (context.Context, context.CancelFunc) {
		return func(_ *leedotest.Server, _ *leedo.Client, ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, d)
		}
	}
	canceled := func(d time.Duration) func(*leedotest.Server, *leedo.Client, context.Context) (context.Context, context.CancelFunc) {
		return func(_ *leedotest.Server, _ *leedo.Client, ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			if d == 0 {
				cancel()
			}
			stop := time.AfterFunc(d, cancel)
			return ctx, func() { stop.Stop(); cancel() }
		}
	}
	used := func(then func(context.Context) (context.Context, context.CancelFunc)) func(*leedotest.Server, *leedo.Client, context.Context) (context.Context, context.CancelFunc) {
		return func(s *leedotest.Server, c *leedo.Client, ctx context.Context) (context.Context, context.CancelFunc) {
			s.SetRateLimit(1, time.Hour)
			if _, err := c.Leads.List(ctx, nil); err != nil {
				panic(err)
			}
			return then(ctx)
		}
	}
	no, yes, unknown := leedo.OutcomeNotDone, leedo.OutcomeDone, leedo.OutcomeUnknown
	all := []failure{
		{name: "cut before it is done", faults: []fault{{Drop: true}}, outcome: unknown},
		{name: "cut after it is done", faults: []fault{{Drop: true, Processed: true}}, outcome: unknown},
		{name: "429", faults: []fault{{Status: 429}}, outcome: no, opts: []leedo.RequestOption{later}},
		{name: "429, then cut after it is done", faults: []fault{{Status: 429, Header: http.Header{"Retry-After": {"1"}}}, {Drop: true, Processed: true}}, outcome: unknown},
		{name: "429, then 404", faults: []fault{{Status: 429, Header: http.Header{"Retry-After": {"1"}}}, {Status: 404}}, outcome: no},
		{name: "refused by the limiter", outcome: no, before: used(func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithCancel(ctx)
		})},
		{name: "canceled while waiting for a permit", outcome: no, opts: []leedo.RequestOption{leedo.WithMaxWait(leedo.NoMaxWait)}, before: used(func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		})},
		{name: "deadline before the permit", outcome: no, opts: []leedo.RequestOption{leedo.WithMaxWait(leedo.NoMaxWait)}, before: used(func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		})},
		{name: "deadline while waiting after a 429", faults: []fault{{Status: 429, Header: http.Header{"Retry-After": {"30"}}}}, outcome: no, before: ended(time.Second)},
		{name: "canceled while waiting after a 429", faults: []fault{{Status: 429, Header: http.Header{"Retry-After": {"30"}}}}, outcome: no, before: canceled(time.Second)},
		{name: "canceled before it is sent", outcome: no, before: canceled(0)},
		{name: "deadline before it is sent", outcome: no, before: ended(-1)},
		{name: "deadline in flight, before it is done", faults: []fault{{Drop: true, Latency: time.Minute}}, outcome: unknown, before: ended(time.Second)},
		{name: "deadline in flight, after it is done", faults: []fault{{Latency: time.Minute}}, outcome: unknown, before: ended(time.Second)},
		{name: "canceled in flight, before it is done", faults: []fault{{Drop: true, Latency: time.Minute}}, outcome: unknown, before: canceled(time.Second)},
		{name: "canceled in flight, after it is done", faults: []fault{{Latency: time.Minute}}, outcome: unknown, before: canceled(time.Second)},
		{name: "attempt times out before it is done", faults: []fault{{Drop: true, Latency: time.Minute}}, outcome: unknown},
		{name: "attempt times out after it is done", faults: []fault{{Latency: time.Minute}}, outcome: unknown},
		{name: "empty after it is done", faults: []fault{{Processed: true, Status: 200}}, outcome: yes, fine: true},
		{name: "204 after it is done", faults: []fault{{Processed: true, Status: 204}}, outcome: yes, fine: true},
		{name: "blank after it is done", faults: []fault{{Processed: true, Status: 201, Body: " \r\n"}}, outcome: yes, fine: true},
		{name: "another shape after it is done", faults: []fault{{Processed: true, Status: 200, Body: `["ok"]`}}, outcome: yes, fine: true},
		{name: "cut in the first byte after it is done", faults: []fault{{Truncate: -1}}, outcome: yes, fine: true},
		{name: "cut in the JSON after it is done", faults: []fault{{Truncate: 9}}, outcome: yes, fine: true},
		{name: "HTML, cut, before it is done", faults: []fault{{Status: 200, Body: support.MaintenanceHTML, Truncate: 30}}, outcome: unknown},
		{name: "HTML, cut, after it is done", faults: []fault{{Processed: true, Status: 200, Body: support.MaintenanceHTML, Truncate: 30}}, outcome: unknown},
		{name: "a failure inside", faults: []fault{{Status: 200, Body: `{"success":false,"error":{"code":"x","message":"not done"}}`}}, outcome: unknown},
		{name: "a failure inside, but done", faults: []fault{{Processed: true, Status: 200, Body: `{"success":false,"error":{"code":"x","message":"done"}}`}}, outcome: unknown},
		{name: "idempotent: done and cut, then 404", faults: []fault{{Drop: true, Processed: true}, {Status: 404}}, outcome: unknown, opts: []leedo.RequestOption{leedo.WithIdempotent()}},
		{name: "idempotent: 503, then 404", faults: []fault{{Status: 503}, {Status: 404}}, outcome: unknown, opts: []leedo.RequestOption{leedo.WithIdempotent()}},
		{name: "idempotent: 503 for ever", faults: []fault{{Status: 503, Times: -1}}, outcome: unknown, opts: []leedo.RequestOption{leedo.WithIdempotent()}},
		{name: "idempotent: done and 503, then 429", faults: []fault{{Status: 503, Processed: true}, {Status: 429}}, outcome: unknown, opts: []leedo.RequestOption{leedo.WithIdempotent(), later}},
		{name: "idempotent: 503, then HTML", faults: []fault{{Status: 503}, {Status: 200, Body: support.MaintenanceHTML}}, outcome: unknown, opts: []leedo.RequestOption{leedo.WithIdempotent()}},
		// What the client cannot know: the response says the opposite of what was done.
		{name: "204, not done", faults: []fault{{Status: 204}}, outcome: yes, fine: true, lies: true},
		{name: "another shape, not done", faults: []fault{{Status: 200, Body: `["ok"]`}}, outcome: yes, fine: true, lies: true},
		{name: "cut JSON, not done", faults: []fault{{Status: 200, Body: `{"id":"new-1"}`, Truncate: 3}}, outcome: yes, fine: true, lies: true},
		{name: "400, but done", faults: []fault{{Processed: true, Status: 400}}, outcome: no, lies: true},
		{name: "404, but done", faults: []fault{{Processed: true, Status: 404}}, outcome: no, lies: true},
		{name: "429, but done", faults: []fault{{Processed: true, Status: 429}}, outcome: no, lies: true, opts: []leedo.RequestOption{later}},
		{name: "307, but done", faults: []fault{{Processed: true, Status: 307, Header: http.Header{"Location": {"/v1/elsewhere"}}}}, outcome: no, lies: true},
	}
	for _, status := range []int{300, 301, 304, 307, 308, 400, 401, 403, 404, 405, 409, 413, 422, 451} {
		all = append(all, failure{name: fmt.Sprint(status), faults: []fault{{Status: status, Header: http.Header{"Location": {"/v1/elsewhere"}}}}, outcome: no})
	}
	for _, processed := range []bool{false, true} {
		when := map[bool]string{false: ", not done", true: ", done"}[processed]
		for _, status := range []int{302, 303, 408, 500, 501, 502, 503, 504, 599, 600} {
			all = append(all, failure{name: fmt.Sprint(status, when), faults: []fault{{Status: status, Processed: processed, Header: http.Header{"Location": {"/v1/elsewhere"}}}}, outcome: unknown})
		}
		for name, body := range map[string]string{"maintenance page": support.MaintenanceHTML, "login page": "\n<html><form action=/login>", "XML": `<?xml version="1.0"?><a/>`} {
			for _, label := range []string{"text/html", "text/plain", "application/json", ""} {
				f := fault{Status: 200, Body: body, Processed: processed, Header: http.Header{"Content-Type": {label}}}
				all = append(all, failure{name: name + " labeled " + label + when, faults: []fault{f}, outcome: unknown})
			}
		}
		all = append(all, failure{name: "text" + when, faults: []fault{{Status: 200, Body: "please come back later", Processed: processed}}, outcome: unknown, fine: true})
	}
	return all
}

// OutcomeOf agrees with the records in the fake, whatever goes wrong.
func TestOutcomeOfAgreesWithTheServer(t *testing.T) {
	t.Parallel()
	var compared, notDone, done, unknown, lies, succeeded atomic.Int32
	t.Run("all", func(t *testing.T) {
		for _, op := range changes {
			for _, f := range failures() {
				support.Bubble(t, op.name+": "+f.name, func(t *testing.T) {
					s := leedotest.NewServer()
					id := s.AddLead(leedo.Lead{Name: "John Doe"}).ID
					client := s.Client()
					ctx, cancel := context.WithCancel(t.Context())
					if f.before != nil {
						ctx, cancel = f.before(s, client, ctx)
					}
					defer cancel()
					for _, fault := range f.faults {
						fault.Method = op.method
						s.Inject(fault)
					}
					err := op.call(ctx, client, id, f.opts...)
					time.Sleep(2 * time.Minute) // a slow server is still at it
					got, there := leedo.OutcomeOf(err), op.done(s)
					if wrapped := fmt.Errorf("importing: %w", err); err != nil && leedo.OutcomeOf(wrapped) != got {
						t.Errorf("%v is another outcome when wrapped", err)
					}
					switch {
					case err == nil && op.noOut && f.fine: // it asked for no more than a 2xx
						succeeded.Add(1)
						return
					case err == nil:
						t.Fatal("no error")
					case got != f.outcome:
						t.Errorf("got %v, want %v: %v", got, f.outcome, err)
					}
					if f.lies {
						lies.Add(1)
						return
					}
					compared.Add(1)
					switch got {
					case leedo.OutcomeNotDone:
						notDone.Add(1)
						if there {
							t.Errorf("not done, but there: %v", err)
						}
					case leedo.OutcomeDone:
						done.Add(1)
						if !there {
							t.Errorf("done, but not there: %v", err)
						}
					default:
						unknown.Add(1)
					}
				})
			}
		}
	})
	t.Logf("%d failures compared with the server: %d not done, %d done, %d unknown; %d more whose response lies, %d calls that succeeded",
		compared.Load(), notDone.Load(), done.Load(), unknown.Load(), lies.Load(), succeeded.Load())
	if compared.Load() < 60 || notDone.Load() < 20 || done.Load() < 20 || lies.Load() == 0 {
		t.Error("too few to show anything")
	}
}

// A write that was not sent was not done, whatever prevented it.
func TestOutcomeOfWhatWasNotSent(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	unread := support.RoundTripper(func(*http.Request) (*http.Response, error) { return nil, broken })
	silent := support.RoundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })
	sent := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		io.Copy(io.Discard, req.Body)
		return nil, broken
	})
	token := func(fail int) leedo.Option {
		n := 0
		return leedo.WithTokenSource(func(context.Context) (string, error) {
			if n++; n == fail {
				return "", broken
			}
			return support.Token, nil
		})
	}
	client := func(rt http.RoundTripper, opts ...leedo.Option) *leedo.Client {
		return support.NewClient(t, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: rt})}, opts...)...)
	}
	sourced := func(rt http.RoundTripper, fail int) *leedo.Client {
		c, err := leedo.NewClient("", leedo.WithHTTPClient(&http.Client{Transport: rt}), leedo.WithBackoff(1, 1), token(fail))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ctx := t.Context()
	for name, tt := range map[string]struct {
		err  error
		want leedo.Outcome
	}{
		"connection refused":                    {support.Create(ctx, support.NewClient(t, leedo.WithBaseURL(support.ClosedPortURL(t, "http")))), leedo.OutcomeNotDone},
		"refused, without a body":               {support.Delete(ctx, support.NewClient(t, leedo.WithBaseURL(support.ClosedPortURL(t, "http")))), leedo.OutcomeNotDone},
		"a transport that did not read":         {support.Create(ctx, client(unread)), leedo.OutcomeNotDone},
		"a transport that returned nothing":     {support.Create(ctx, client(silent)), leedo.OutcomeNotDone},
		"no body, and a transport of few words": {support.Delete(ctx, client(unread)), leedo.OutcomeUnknown},
		"a transport that read":                 {support.Create(ctx, client(sent)), leedo.OutcomeUnknown},
		"no token":                              {support.Create(ctx, sourced(sent, 1)), leedo.OutcomeNotDone},
		"no token after an unsent attempt":      {support.Create(ctx, sourced(unread, 2)), leedo.OutcomeNotDone},
		"no token for a retry":                  {support.Create(ctx, sourced(sent, 2), leedo.WithIdempotent()), leedo.OutcomeUnknown},
		"nil params":                            {support.ErrorOf(client(sent).Leads.Create(ctx, nil)), leedo.OutcomeNotDone},
		"an unsafe id":                          {support.ErrorOf(client(sent).Leads.Update(ctx, "..", &leedo.LeadUpdateParams{Name: new("x")})), leedo.OutcomeNotDone},
		"an unsafe path":                        {client(sent).Do(ctx, "PUT", "/a/../b", nil, nil), leedo.OutcomeNotDone},
		"no method":                             {client(sent).Do(ctx, "put", "/a", nil, nil), leedo.OutcomeNotDone},
		"no client":                             {support.ErrorOf((&leedo.Client{Leads: &leedo.LeadsService{}}).Leads.Create(ctx, &leedo.LeadCreateParams{})), leedo.OutcomeNotDone},
		"an invalid option of a client":         {support.ErrorOf(leedo.NewClient("")), leedo.OutcomeNotDone},
	} {
		if got := leedo.OutcomeOf(tt.err); tt.err == nil || got != tt.want {
			t.Errorf("%s: %v, want %v: %v", name, got, tt.want, tt.err)
		}
	}
}

// A read changes nothing, whatever its error.
func TestOutcomeOfReads(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"500": support.Respond(500, ""), "cut": support.Cut, "HTML": support.Respond(200, "<html>"), "cut body": support.CutBody(200, "{"), "302": support.Respond(302, "", "Location", "https://a.example/"),
		"404": support.Respond(404, ""), "failed": support.Respond(200, `{"success":false}`), "failed, no items": support.Respond(200, `{"success":false,"data":[],"meta":{"page":1,"per_page":10,"total":0}}`), "empty": support.Respond(200, ""),
	}
	for name, a := range answers {
		s := support.Serve(t, a)
		c := s.Client(t)
		errs := map[string]error{
			"Get": support.ErrorOf(c.Leads.Get(t.Context(), "x")), "List": support.ErrorOf(c.Accounts.List(t.Context(), nil)), "Do": c.Do(t.Context(), "GET", "/x", nil, new(json.RawMessage)),
		}
		for _, err := range c.Leads.All(t.Context(), nil) {
			errs["All"] = err
		}
		for op, err := range errs {
			if op == "Do" && strings.HasPrefix(name, "failed") && err == nil {
				continue
			}
			if err == nil || leedo.OutcomeOf(err) != leedo.OutcomeNotDone {
				t.Errorf("%s, %s: %v: %v", op, name, leedo.OutcomeOf(err), err)
			}
		}
	}
	for _, method := range []string{"GET", "HEAD"} {
		for _, err := range []error{
			&leedo.UnknownOutcomeError{Method: method}, &leedo.DecodeError{Method: method}, &leedo.TransportError{Method: method},
			&leedo.ServerError{APIError: leedo.APIError{Method: method, StatusCode: 500}}, &leedo.APIError{Method: method},
		} {
			if got := leedo.OutcomeOf(err); got != leedo.OutcomeNotDone {
				t.Errorf("%s: %T: %v", method, err, got)
			}
		}
	}
}

// many joins errors as types of users do.
type many []error

func (m many) Error() string   { return "many" }
func (m many) Unwrap() []error { return m }

// own is an error of a user's that holds one of this package.
type own struct{ *leedo.TransportError }

func TestOutcomeOfOtherErrors(t *testing.T) {
	t.Parallel()
	api := func(status int) leedo.APIError { return leedo.APIError{Method: "POST", StatusCode: status} }
	bad := &leedo.BadRequestError{APIError: api(400)}
	server := &leedo.ServerError{APIError: api(503)}
	decode := &leedo.DecodeError{Method: "POST", StatusCode: 201}
	transport := &leedo.TransportError{Method: "POST", Err: io.EOF}
	unknown := &leedo.UnknownOutcomeError{Method: "POST", Err: bad}
	read := &leedo.NotFoundError{APIError: leedo.APIError{Method: "GET", StatusCode: 404}}
	tests := []struct {
		name string
		err  error
		want leedo.Outcome
	}{
		{"nil", nil, leedo.OutcomeDone},
		{"not ours", io.EOF, leedo.OutcomeUnknown},
		{"canceled", context.Canceled, leedo.OutcomeUnknown},
		{"deadline", context.DeadlineExceeded, leedo.OutcomeUnknown},
		{"a context's, wrapped", fmt.Errorf("x: %w", context.Canceled), leedo.OutcomeUnknown},
		{"DecodeError", decode, leedo.OutcomeDone},
		{"DecodeError, wrapped twice", fmt.Errorf("y: %w", fmt.Errorf("x: %w", decode)), leedo.OutcomeDone},
		{"TransportError", transport, leedo.OutcomeUnknown},
		{"ServerError", server, leedo.OutcomeUnknown},
		{"UnknownOutcomeError", unknown, leedo.OutcomeUnknown},
		{"BadRequestError", bad, leedo.OutcomeNotDone},
		{"UnauthorizedError", &leedo.UnauthorizedError{APIError: api(401)}, leedo.OutcomeNotDone},
		{"ForbiddenError", &leedo.ForbiddenError{APIError: api(403)}, leedo.OutcomeNotDone},
		{"NotFoundError", &leedo.NotFoundError{APIError: api(404)}, leedo.OutcomeNotDone},
		{"408", new(api(408)), leedo.OutcomeUnknown},
		{"409", new(api(409)), leedo.OutcomeNotDone},
		{"429", new(api(429)), leedo.OutcomeNotDone},
		{"302", new(api(302)), leedo.OutcomeUnknown},
		{"303", new(api(303)), leedo.OutcomeUnknown},
		{"307", new(api(307)), leedo.OutcomeNotDone},
		{"2xx", new(api(200)), leedo.OutcomeUnknown},
		{"101", new(api(101)), leedo.OutcomeUnknown},
		{"600", new(api(600)), leedo.OutcomeUnknown},
		{"RateLimitError", &leedo.RateLimitError{}, leedo.OutcomeNotDone},
		{"RateLimitError of a 429", &leedo.RateLimitError{Err: new(api(429))}, leedo.OutcomeNotDone},
		{"ErrInvalidArgument", leedo.ErrInvalidArgument, leedo.OutcomeNotDone},
		{"ErrInvalidArgument, wrapped", fmt.Errorf("x: %w", leedo.ErrInvalidArgument), leedo.OutcomeNotDone},
		{"the zero Outcome", io.EOF, 0},
		{"zero values", errors.Join(&leedo.TransportError{}, &leedo.UnknownOutcomeError{}, &leedo.APIError{}), leedo.OutcomeUnknown},
		// Joined errors.
		{"not done, twice", errors.Join(bad, nil, &leedo.RateLimitError{}), leedo.OutcomeNotDone},
		{"done, twice", errors.Join(decode, decode), leedo.OutcomeDone},
		{"unknown first", errors.Join(unknown, bad), leedo.OutcomeUnknown},
		{"unknown last", errors.Join(bad, unknown), leedo.OutcomeUnknown},
		{"done and not done", errors.Join(decode, bad), leedo.OutcomeUnknown},
		{"not done and done", many{bad, decode}, leedo.OutcomeUnknown},
		{"a write and the read after it", fmt.Errorf("%w; and when looking: %w", unknown, read), leedo.OutcomeUnknown},
		{"done, and the read after it failed", fmt.Errorf("%w; and when looking: %w", decode, read), leedo.OutcomeUnknown},
		{"one that is not ours", errors.Join(bad, io.EOF), leedo.OutcomeUnknown},
		{"a tree", many{many{bad}, fmt.Errorf("x: %w", many{bad, unknown})}, leedo.OutcomeUnknown},
		{"a tree that agrees", many{many{bad}, fmt.Errorf("x: %w", many{bad, nil})}, leedo.OutcomeNotDone},
		{"joined, but nothing", many{nil}, leedo.OutcomeUnknown},
		{"joined, empty", many{}, leedo.OutcomeUnknown},
		{"wrapping nothing", fmt.Errorf("x: %w", nil), leedo.OutcomeUnknown},
		// Types of users.
		{"embedded", own{transport}, leedo.OutcomeUnknown},
		{"embedded, by pointer", &own{transport}, leedo.OutcomeUnknown},
		// Nil pointers, which are errors all the same.
		{"nil APIError", (*leedo.APIError)(nil), leedo.OutcomeUnknown},
		{"nil BadRequestError", (*leedo.BadRequestError)(nil), leedo.OutcomeUnknown},
		{"nil ServerError", (*leedo.ServerError)(nil), leedo.OutcomeUnknown},
		{"nil DecodeError", (*leedo.DecodeError)(nil), leedo.OutcomeUnknown},
		{"nil TransportError", (*leedo.TransportError)(nil), leedo.OutcomeUnknown},
		{"nil UnknownOutcomeError", (*leedo.UnknownOutcomeError)(nil), leedo.OutcomeUnknown},
		{"nil RateLimitError", (*leedo.RateLimitError)(nil), leedo.OutcomeUnknown},
		{"nil, joined", errors.Join(bad, (*leedo.BadRequestError)(nil)), leedo.OutcomeUnknown},
	}
	for _, tt := range tests {
		if got := leedo.OutcomeOf(tt.err); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	for o, want := range map[leedo.Outcome]string{
		leedo.OutcomeUnknown: "unknown", leedo.OutcomeNotDone: "not done", leedo.OutcomeDone: "done", 7: "unknown", -1: "unknown",
	} {
		if got := fmt.Sprint(o); got != want {
			t.Errorf("%d prints as %q, want %q", int(o), got, want)
		}
	}
}

// OutcomeOf gives the same result for the errors that an error wraps.
func TestOutcomeOfTheCause(t *testing.T) {
	t.Parallel()
	s := support.Serve(t, support.Respond(200, support.MaintenanceHTML, "Content-Type", "text/html"))
	e, ok := errors.AsType[*leedo.DecodeError](support.Create(t.Context(), s.Client(t)))
	if !ok || leedo.OutcomeOf(e) != leedo.OutcomeUnknown {
		t.Errorf("a page of HTML: %v", leedo.OutcomeOf(e))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := support.Create(ctx, s.Client(t))
	if e, ok := errors.AsType[*leedo.TransportError](err); ok {
		t.Errorf("nothing was sent: %v", e)
	}
	if leedo.OutcomeOf(err) != leedo.OutcomeNotDone || leedo.OutcomeOf(ctx.Err()) != leedo.OutcomeUnknown {
		t.Errorf("%v: %v", err, leedo.OutcomeOf(err))
	}
}

type ownError struct{ *leedo.APIError }

type otherError struct {
	error
	*leedo.UnknownOutcomeError
}

func (e otherError) Error() string { return "other" }
func (e otherError) Unwrap() error { return e.error }

// Types that embed the SDK's errors work, also if these are nil.
func TestOutcomeOfTypesThatEmbedOurs(t *testing.T) {
	t.Parallel()
	notFound := &leedo.APIError{StatusCode: 404, Method: "POST"}
	for _, tt := range []struct {
		err  error
		want leedo.Outcome
	}{
		{ownError{}, leedo.OutcomeUnknown},
		{&ownError{}, leedo.OutcomeUnknown},
		{otherError{error: notFound}, leedo.OutcomeNotDone},
		{&otherError{error: notFound}, leedo.OutcomeNotDone},
		{otherError{}, leedo.OutcomeUnknown},
	} {
		if got := leedo.OutcomeOf(tt.err); got != tt.want {
			t.Errorf("%T: %v, want %v", tt.err, got, tt.want)
		}
	}
}
