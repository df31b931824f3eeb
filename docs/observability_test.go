package docs_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strconv"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// logToStdout sets the default logger, without times, and returns a function that
// restores it.
func logToStdout() (restore func()) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	return func() { slog.SetDefault(before) }
}

func Example_observabilityLogs() {
	defer logToStdout()()
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 503})
	client := server.Client(leedo.WithLogger(slog.Default()))
	id := "unknown"

	_, err := client.Leads.Get(ctx, id)
	if err != nil {
		slog.ErrorContext(ctx, "cannot read the lead", "error", err)
	}
	// Output:
	// level=WARN msg="leedo: retrying" method=GET path=/leads/{id} attempt=2 status=503
	// level=ERROR msg="cannot read the lead" error.method=GET error.path=/leads/{id} error.message="no such lead" error.status=404 error.code=not_found error.request_id=req_2 error.attempts=2
}

func Example_observabilityMetrics() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 503})
	attempts, waited := new(expvar.Map), new(expvar.Map)

	hooks := leedo.Hooks{
		Attempt: func(_ context.Context, a leedo.AttemptInfo) {
			attempts.Add(fmt.Sprint(a.Method, " ", a.Path, " ", a.StatusCode), 1) // 0: no response
		},
		Waited: func(_ context.Context, w leedo.WaitInfo) {
			waited.AddFloat(string(w.Reason), w.Duration.Seconds())
		},
	}
	client := server.Client(leedo.WithHooks(hooks))

	if _, err := client.Leads.List(ctx, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(attempts)
	waited.Do(func(v expvar.KeyValue) { fmt.Println(v.Key) })
	// Output:
	// {"GET /leads 200": 1, "GET /leads 503": 1}
	// back-off
}

func Example_observabilityCalls() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Method: "POST", Processed: true, Drop: true})
	failed := new(expvar.Map)

	failures := func(ctx context.Context, call leedo.CallInfo, next func(context.Context) error) error {
		err := next(ctx)
		switch _, limited := errors.AsType[*leedo.RateLimitError](err); {
		case limited:
			failed.Add("rate limit", 1)
		case call.Write && err != nil:
			failed.Add("write: "+leedo.OutcomeOf(err).String(), 1) // "unknown": somebody has to look
		case err != nil:
			failed.Add("read", 1)
		}
		return err
	}
	client := server.Client(leedo.WithInterceptor(failures))

	client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"})
	client.Leads.Get(ctx, "unknown")
	server.SetRateLimit(0, 0)
	client.Leads.List(ctx, nil)
	fmt.Println(failed)
	// Output: {"rate limit": 1, "read": 1, "write: unknown": 1}
}

// tagging is a transport that tags requests with the number of the attempt.
type tagging struct{ http.RoundTripper }

func (t tagging) RoundTrip(req *http.Request) (*http.Response, error) {
	if call, ok := leedo.CallFromContext(req.Context()); ok {
		req = req.Clone(req.Context())
		req.Header.Set("X-Attempt", strconv.Itoa(call.Attempt))
	}
	return t.RoundTripper.RoundTrip(req)
}

func Example_observabilityContext() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 503})
	transport := tagging{server.HTTPClient().Transport}
	client := server.Client(leedo.WithHTTPClient(&http.Client{Transport: transport}))

	if _, err := client.Leads.List(ctx, nil); err != nil {
		log.Fatal(err)
	}
	for _, r := range server.Requests() {
		fmt.Println(r.Status, r.Header.Get("X-Attempt"))
	}
	// Output:
	// 503 1
	// 200 2
}

func Example_observabilityQuota() {
	ctx := context.Background()
	client := leedotest.NewServer(leedotest.WithPlan(leedotest.Free)).Client()
	if _, err := client.Leads.List(ctx, nil); err != nil {
		log.Fatal(err)
	}

	rate := client.RateLimit()
	if rate.Limit > 0 { // else nothing is known yet
		fmt.Println(rate.Remaining, "of", rate.Limit, "left,", rate.InFlight, "in flight,", rate.Waiting, "waiting")
	}
	// Output: 99 of 100 left, 0 in flight, 0 waiting
}
