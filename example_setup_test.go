package leedo_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func ExampleWithUserAgent() {
	server := leedotest.NewServer()
	client := server.Client(leedo.WithUserAgent("myapp/1.2"))

	if _, err := client.Leads.List(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Requests()[0].Header.Get("User-Agent"))
	// Output: myapp/1.2 leedo-go/0.1.0
}

// Logs hold no token, query or body.
func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelInfo, // Debug has a line for each attempt
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 500})
	client := server.Client(leedo.WithLogger(logger))

	if _, err := client.Leads.List(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	// Output: level=WARN msg="leedo: retrying" method=GET path=/leads attempt=2 status=500
}

// Hooks are for metrics and traces.
func ExampleWithHooks() {
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 500})
	client := server.Client(leedo.WithHooks(leedo.Hooks{
		Attempt: func(_ context.Context, a leedo.AttemptInfo) {
			fmt.Println(a.Method, a.Path, a.Number, a.StatusCode)
		},
		Wait: func(_ context.Context, w leedo.WaitInfo) {
			fmt.Println(w.Reason, "until", w.Until) // waits of over a second only
		},
	}))

	if _, err := client.Leads.List(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	// Output:
	// GET /leads 1 500
	// GET /leads 2 200
}

// A token source is called before each attempt, so it can renew the token.
func ExampleWithTokenSource() {
	server := leedotest.NewServer()
	client, err := leedo.NewClient("", // the source has the token
		leedo.WithTokenSource(func(context.Context) (string, error) {
			return server.Token(), nil
		}),
		leedo.WithHTTPClient(server.HTTPClient()))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Leads.List(context.Background(), nil)
	fmt.Println(err)
	// Output: <nil>
}

// The HTTP client is copied. Its transport, proxy, cookie jar and CheckRedirect
// keep working.
func ExampleWithHTTPClient() {
	server := leedotest.NewServer()
	httpClient := server.HTTPClient() // here, the fake's; else &http.Client{Transport: …}
	httpClient.Timeout = 5 * time.Second

	client, err := leedo.NewClient(server.Token(), leedo.WithHTTPClient(httpClient))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Leads.List(context.Background(), nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithInsecureHTTP() {
	_, err := leedo.NewClient("my-api-token", leedo.WithBaseURL("http://example.com/v1"))
	fmt.Println(err)
	_, err = leedo.NewClient("my-api-token", leedo.WithBaseURL("http://localhost:8080/v1"))
	fmt.Println(err)
	_, err = leedo.NewClient("my-api-token", leedo.WithBaseURL("http://example.com/v1"), leedo.WithInsecureHTTP())
	fmt.Println(err)
	// Output:
	// leedo: invalid argument: base URL begins with http://, so the token would be sent unencrypted (WithInsecureHTTP allows it)
	// <nil>
	// <nil>
}

func ExampleWithMaxResponseBytes() {
	server := leedotest.NewServer()
	client := server.Client(leedo.WithMaxResponseBytes(16))

	_, err := client.Leads.List(context.Background(), nil)
	fmt.Println(err)
	// Output: leedo: GET /leads: unusable response 200: response larger than the maximum (request req_1, 1 attempt)
}

// Without the limiter a 429 is returned at once, for a scheduler of your own.
func ExampleWithoutRateLimiter() {
	server := leedotest.NewServer()
	server.SetRateLimit(0, time.Hour)
	client := server.Client(leedo.WithoutRateLimiter())

	_, err := client.Leads.List(context.Background(), nil)
	if limited, ok := errors.AsType[*leedo.RateLimitError](err); ok {
		e, _ := errors.AsType[*leedo.APIError](err)
		fmt.Println(e.StatusCode == http.StatusTooManyRequests, limited.Local(), len(server.Requests()))
	}
	// Output: true false 1
}
