package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// failedCalls are calls that fail, each in its own way.
var failedCalls = map[string]func(context.Context) error{
	"400": failedGet(leedotest.Fault{Status: 400}), "401": failedGet(leedotest.Fault{Status: 401}), "403": failedGet(leedotest.Fault{Status: 403}),
	"404": failedGet(leedotest.Fault{Status: 404}), "418": failedGet(leedotest.Fault{Status: 418}), "500": failedGet(leedotest.Fault{Status: 500}),
	"fields":       failedGet(leedotest.Fault{Status: 422, Body: `{"errors":{"email":["is invalid"]}}`}),
	"dropped":      failedGet(leedotest.Fault{Drop: true}),
	"cut":          failedGet(leedotest.Fault{Truncate: 5}),
	"late":         failedGet(leedotest.Fault{Latency: time.Hour}),
	"misfit":       failedGet(leedotest.Fault{Status: 200, Body: `{"id":"1","name":{"x":1}}`}),
	"not JSON":     failedGet(leedotest.Fault{Status: 200, Body: `{"id":`}),
	"HTML":         failedGet(leedotest.Fault{Status: 200, Body: "<html>Please log in</html>"}),
	"429":          failedGet(leedotest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7200"}}}),
	"create 500":   failedCreate(leedotest.Fault{Status: 500}),
	"create cut":   failedCreate(leedotest.Fault{Drop: true}),
	"create HTML":  failedCreate(leedotest.Fault{Status: 200, Body: "<html>Please log in</html>"}),
	"create empty": failedCreate(leedotest.Fault{Status: 201}),
	"redirected":   failedCreate(leedotest.Fault{Status: 302, Header: http.Header{"Location": {"/v1/x"}}}),
	"used up": func(ctx context.Context) error {
		s := leedotest.NewServer()
		s.SetRateLimit(1, time.Hour)
		client := s.Client(leedo.WithMaxWait(0))
		client.Leads.List(ctx, nil)
		_, err := client.Leads.List(ctx, nil)
		return err
	},
	"retry budget": func(ctx context.Context) error {
		s := leedotest.NewServer()
		s.Inject(leedotest.Fault{Status: 500, Times: -1})
		client := s.Client(leedo.WithBackoff(time.Millisecond, time.Millisecond))
		for range 20 {
			client.Leads.List(ctx, nil)
		}
		_, err := client.Leads.List(ctx, nil)
		return err
	},
	"canceled": func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		_, err := leedotest.NewServer().Client().Leads.List(ctx, nil)
		return err
	},
	"canceled, with a cause": func(ctx context.Context) error {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(errors.New("shut down"))
		_, err := leedotest.NewServer().Client().Leads.List(ctx, nil)
		return err
	},
	"deadline after a 503": func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		s := leedotest.NewServer()
		s.Inject(leedotest.Fault{Status: 503}, leedotest.Fault{Latency: time.Hour})
		_, err := s.Client(leedo.WithAttemptTimeout(0)).Leads.List(ctx, nil)
		return err
	},
	"token source": func(ctx context.Context) error {
		client, err := leedo.NewClient("", leedo.WithHTTPClient(leedotest.NewServer().HTTPClient()),
			leedo.WithTokenSource(func(context.Context) (string, error) { return "", errors.New("no token") }))
		if err == nil {
			_, err = client.Leads.List(ctx, nil)
		}
		return err
	},
	"no token": func(context.Context) error { _, err := leedo.NewClient(""); return err },
	"a negative Share": func(context.Context) error {
		_, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Share: -1})
		return err
	},
	"no id": func(ctx context.Context) error {
		_, err := leedotest.NewServer().Client().Leads.Get(ctx, "")
		return err
	},
	"sentinel": func(context.Context) error { return leedo.ErrInvalidArgument },
	"page 403": failedIteration(leedotest.Fault{Status: 403}),
	"page 2":   failedIteration(leedotest.Fault{Status: 403, After: 1}),
	"broken page": failedIteration(leedotest.Fault{
		Status: 200, Body: `{"data":[{"id":"1"}],"meta":{"total":200,"page":7,"per_page":100}}`,
	}),
}

// failedGet returns a read that meets a fault.
func failedGet(fault leedotest.Fault) func(context.Context) error {
	return func(ctx context.Context) error {
		s := leedotest.NewServer()
		s.AddLead(leedo.Lead{ID: "1", CreatedAt: time.Now()})
		s.Inject(fault)
		_, err := s.Client(leedo.WithRetries(0)).Leads.Get(ctx, "1")
		return err
	}
}

func failedCreate(fault leedotest.Fault) func(context.Context) error {
	return func(ctx context.Context) error {
		s := leedotest.NewServer()
		s.Inject(fault)
		_, err := s.Client().Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"})
		return err
	}
}

func failedIteration(fault leedotest.Fault) func(context.Context) error {
	return func(ctx context.Context) error {
		s := leedotest.NewServer()
		for range 150 {
			s.AddLead(leedo.Lead{Name: "John Doe"})
		}
		s.Inject(fault)
		for _, err := range s.Client().Leads.All(ctx, nil) {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// Errors can be compared by go-cmp, which panics on unexported fields: the same
// call fails with an equal error, another call with another.
func TestErrorsCanBeCompared(t *testing.T) {
	t.Parallel()
	var first, second []error
	var names []string
	for name, call := range failedCalls {
		var errs [2]error
		for i := range errs {
			synctest.Test(t, func(t *testing.T) { errs[i] = call(t.Context()) }) // each begins at the same time
		}
		if errs[0] == nil || errs[1] == nil {
			t.Fatalf("%s: %v", name, errs)
		}
		if a, ok := errors.AsType[*leedo.RateLimitError](errs[0]); ok {
			b, _ := errors.AsType[*leedo.RateLimitError](errs[1])
			b.RetryAt = a.RetryAt // its last part is random
		}
		names, first, second = append(names, name), append(first, errs[0]), append(second, errs[1])
	}
	for i, a := range first {
		for j, b := range second {
			if diff := cmp.Diff(a, b); (diff == "") != (i == j) {
				t.Errorf("%s and %s (-a +b):\n%s\n%#v\n%#v", names[i], names[j], diff, a, b)
			}
			if got := cmp.Equal(struct{ Err error }{a}, struct{ Err error }{b}); got != (i == j) {
				t.Errorf("%s and %s in a struct: %t", names[i], names[j], got)
			}
		}
		for _, err := range ours(a) {
			if diff := cmp.Diff(err, err); diff != "" {
				t.Errorf("%s: %T is not itself:\n%s", names[i], err, diff)
			}
		}
		if v := reflect.ValueOf(a); v.Kind() == reflect.Pointer && !cmp.Equal(v.Elem().Interface(), reflect.ValueOf(second[i]).Elem().Interface()) {
			t.Errorf("%s: the %T that it points to is another", names[i], a)
		}
	}
}

// Errors of two calls that fail for the same reason are not equal if the calls differ in
// their method, path or page, or if only one of them has sent a request.
func TestErrorsOfOtherCallsAreNotEqual(t *testing.T) {
	t.Parallel()
	page := func(number int) func(context.Context, *leedo.Client) error {
		return func(ctx context.Context, c *leedo.Client) error {
			return support.ErrorOf(support.Gather(t, c.Leads.All(ctx, &leedo.LeadListParams{Page: number})))
		}
	}
	type call struct {
		name string
		make func(context.Context, *leedo.Client) error
	}
	calls := []call{
		{"leads", func(ctx context.Context, c *leedo.Client) error { return support.ErrorOf(c.Leads.List(ctx, nil)) }},
		{"accounts", func(ctx context.Context, c *leedo.Client) error { return support.ErrorOf(c.Accounts.List(ctx, nil)) }},
		{"a create", func(ctx context.Context, c *leedo.Client) error { return support.Create(ctx, c) }},
		{"page 1 of leads", page(1)},
		{"page 2 of leads", page(2)},
		{"page 1 of accounts", func(ctx context.Context, c *leedo.Client) error {
			for _, err := range c.Accounts.All(ctx, nil) {
				return err
			}
			return nil
		}},
	}
	redirected := call{"leads, redirected", calls[0].make} // the quota is used up by the first request
	for name, opt := range map[string]leedo.Option{
		"used up": leedo.WithMaxWait(0),
		"an interceptor": leedo.WithInterceptor(func(context.Context, leedo.CallInfo, func(context.Context) error) error {
			return &leedo.APIError{Code: "no"}
		}),
	} {
		synctest.Test(t, func(t *testing.T) {
			limited := append([]string{"Location", "/v1/moved"}, support.Exhausted(time.Now().Add(time.Hour))...)
			client, _ := support.InMemory(t, []leedo.Option{opt}, support.Respond(307, "", limited...))
			all := append([]call{redirected}, calls...)
			if name == "an interceptor" {
				all = calls[3:] // of the others its error is all that there is
			}
			errs := make([]error, len(all))
			for i, call := range all {
				if errs[i] = call.make(t.Context(), client); errs[i] == nil {
					t.Fatalf("%s, %s: no error", name, call.name)
				}
				if e, ok := errors.AsType[*leedo.RateLimitError](errs[i]); ok {
					e.RetryAt = time.Time{} // its last part is random
				}
			}
			for i, a := range errs {
				for j, b := range errs {
					if got := cmp.Equal(a, b); got != (i == j) {
						t.Errorf("%s: %s and %s: %t\n%v\n%v", name, all[i].name, all[j].name, got, a, b)
					}
				}
			}
		})
	}
}

// ours returns the errors of the SDK's packages in the tree of err.
func ours(err error) []error {
	var all []error
	for _, node := range support.ErrorTree(err) {
		if named := reflect.Indirect(reflect.ValueOf(node)).Type(); strings.HasPrefix(named.PkgPath(), "github.com/leedoapp/leedo-go") {
			all = append(all, node)
		}
	}
	return all
}

// Each exported field counts when errors are compared.
func TestEveryFieldCounts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	other := map[reflect.Type]any{
		reflect.TypeFor[string]():                "other",
		reflect.TypeFor[int]():                   99,
		reflect.TypeFor[time.Time]():             now,
		reflect.TypeFor[http.Header]():           http.Header{"X-A": {"1"}},
		reflect.TypeFor[[]byte]():                []byte("other"),
		reflect.TypeFor[leedo.RateLimit]():       leedo.RateLimit{Reset: now},
		reflect.TypeFor[leedo.WaitReason]():      leedo.WaitPace,
		reflect.TypeFor[map[string][]string]():   map[string][]string{"x": {"y"}},
		reflect.TypeFor[error]():                 errors.New("other"),
		reflect.TypeFor[leedo.APIError]():        leedo.APIError{Code: "other"},
		reflect.TypeFor[leedo.TransportError]():  leedo.TransportError{Attempts: 2},
		reflect.TypeFor[*leedo.TransportError](): &leedo.TransportError{Attempts: 2},
	}
	for _, err := range []error{
		&leedo.TransportError{}, &leedo.DecodeError{}, &leedo.UnknownOutcomeError{}, &leedo.RateLimitError{}, &leedo.APIError{}, &leedo.NotFoundError{},
	} {
		v := reflect.ValueOf(err).Elem()
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				changed, again := reflect.New(v.Type()), reflect.New(v.Type())
				changed.Elem().Field(i).Set(reflect.ValueOf(other[f.Type]))
				again.Elem().Field(i).Set(reflect.ValueOf(other[f.Type]))
				if cmp.Equal(err, changed.Interface()) || !cmp.Equal(again.Interface(), changed.Interface()) {
					t.Errorf("%T.%s does not count", err, f.Name)
				}
				// The same inside others: as a cause.
				in := func(v reflect.Value) error { return &leedo.UnknownOutcomeError{Err: v.Interface().(error)} }
				if cmp.Equal(&leedo.UnknownOutcomeError{Err: err}, in(changed)) || !cmp.Equal(in(again), in(changed)) {
					t.Errorf("%T.%s does not count inside another error", err, f.Name)
				}
			}
		}
	}
}

// Errors are equal if their fields are: times by the instant, wrapped errors by
// type and text. They differ if OutcomeOf distinguishes them.
func TestWhatErrorsAreComparedBy(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	elsewhere := noon.In(time.FixedZone("", 3600))
	var none *leedo.APIError
	tests := []struct {
		name string
		a, b error
		want bool
	}{
		{"an instant in two zones", &leedo.RateLimitError{RetryAt: noon}, &leedo.RateLimitError{RetryAt: elsewhere}, true},
		{"an instant further inside", &leedo.DecodeError{RateLimit: leedo.RateLimit{Reset: noon}}, &leedo.DecodeError{RateLimit: leedo.RateLimit{Reset: elsewhere}}, true},
		{
			"an instant in the cause",
			&leedo.RateLimitError{Err: &leedo.APIError{RateLimit: leedo.RateLimit{Reset: noon}}},
			&leedo.RateLimitError{Err: &leedo.APIError{RateLimit: leedo.RateLimit{Reset: elsewhere}}},
			true,
		},
		{"texts of errors with hidden fields", &leedo.TransportError{Err: fmt.Errorf("x")}, &leedo.TransportError{Err: errors.New("x")}, true},
		{"their types", &leedo.TransportError{Err: fmt.Errorf("x%w", errors.New(""))}, &leedo.TransportError{Err: errors.New("x")}, false},
		{"no cause", &leedo.TransportError{Err: errors.New("x")}, &leedo.TransportError{}, false},
		{"pointers to nothing", &leedo.TransportError{Err: none}, &leedo.TransportError{Err: none}, true},
		{"a pointer to nothing", &leedo.TransportError{Err: none}, &leedo.TransportError{Err: &leedo.APIError{}}, false},
		{"a pointer to nothing by itself", (*leedo.TransportError)(nil), &leedo.TransportError{}, false},
		{"the types of causes", &leedo.UnknownOutcomeError{Err: &leedo.APIError{}}, &leedo.UnknownOutcomeError{Err: &leedo.ServerError{}}, false},
	}
	for _, tt := range tests {
		if a, b := cmp.Equal(tt.a, tt.b), cmp.Equal(tt.b, tt.a); a != tt.want || b != tt.want {
			t.Errorf("%s: %t, %t, want %t", tt.name, a, b, tt.want)
		}
	}

	// Two that look the same differ if OutcomeOf distinguishes them.
	refused := support.RoundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
	client := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: refused}), leedo.WithRetries(0))
	for _, method := range []string{"GET", "POST"} {
		err := client.Do(t.Context(), method, "/x", map[string]int{"a": 1}, nil)
		if method == "GET" {
			err = client.Do(t.Context(), method, "/x", nil, nil)
		}
		e, ok := errors.AsType[*leedo.TransportError](err)
		if !ok {
			t.Fatalf("%s: %v", method, err)
		}
		made := &leedo.TransportError{Method: e.Method, Path: e.Path, RequestID: e.RequestID, Attempts: e.Attempts, Err: e.Err}
		if got, want := cmp.Equal(e, made), leedo.OutcomeOf(e) == leedo.OutcomeOf(made); got != want || want != (method == "GET") {
			t.Errorf("%s: %t, want %t: %v and %v", method, got, want, leedo.OutcomeOf(e), leedo.OutcomeOf(made))
		}
	}
}
