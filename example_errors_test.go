package leedo_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func ExampleNotFoundError() {
	ctx := context.Background()
	client := leedotest.NewServer().Client()

	lead, err := client.Leads.Get(ctx, "no-such-id")
	if _, ok := errors.AsType[*leedo.NotFoundError](err); ok {
		fmt.Println("there is no such lead")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lead.Name)
	// Output: there is no such lead
}

func ExampleBadRequestError() {
	ctx := context.Background()
	client := leedotest.NewServer().Client()

	_, err := client.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "Jane Smith", AccountID: "no-such-id"})
	if bad, ok := errors.AsType[*leedo.BadRequestError](err); ok {
		fmt.Println(bad.StatusCode, bad.Message != "") // Message is the API's
	}
	// Output: 400 true
}

// Every response that is not a success unwraps to *APIError, whatever its type.
func ExampleAPIError() {
	ctx := context.Background()
	client := leedotest.NewServer().Client()

	_, err := client.Leads.Get(ctx, "no-such-id")
	if e, ok := errors.AsType[*leedo.APIError](err); ok {
		fmt.Println(e.StatusCode, e.Code, e.Method, e.Path, e.RequestID, e.Attempts)
	}
	fmt.Println(err)
	// Output:
	// 404 not_found GET /leads/{id} req_1 1
	// leedo: GET /leads/{id}: 404 not_found: no such lead (request req_1, 1 attempt)
}

// Fields has what the API says about each field, for a form to show beside its
// inputs.
func ExampleAPIError_fields() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 422, Body: `{"message":"not saved","errors":{"email":["is invalid","is too long"]}}`})
	client := server.Client()

	_, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe", Email: "john"})
	if e, ok := errors.AsType[*leedo.APIError](err); ok {
		fmt.Println(e.Message)
		for _, input := range []string{"name", "email"} {
			fmt.Printf("%s: %q\n", input, e.Fields[input])
		}
	}
	// Output:
	// not saved: email: is invalid, is too long
	// name: []
	// email: ["is invalid" "is too long"]
}

// Through log/slog an error is a group of its fields, with the API's message and
// without token, query and body.
func ExampleAPIError_log() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	client := leedotest.NewServer().Client()

	_, err := client.Leads.Get(context.Background(), "no-such-id")
	if e, ok := errors.AsType[*leedo.APIError](err); ok {
		logger.Info("not there", "error", e)
	}
	// Output:
	// level=INFO msg="not there" error.method=GET error.path=/leads/{id} error.message="no such lead" error.status=404 error.code=not_found error.request_id=req_1 error.attempts=1
}

// A call that would wait longer than WithMaxWait allows fails immediately, and
// its error says when to call again.
func ExampleRateLimitError() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.SetRateLimit(1, time.Hour)
	client := server.Client()

	if _, err := client.Leads.List(ctx, nil); err != nil {
		log.Fatal(err)
	}
	_, err := client.Leads.List(ctx, nil) // it may wait for a minute, the default
	if limited, ok := errors.AsType[*leedo.RateLimitError](err); ok {
		fmt.Println("try again in", time.Until(limited.RetryAt).Round(time.Minute))
		fmt.Println("failed without being sent:", limited.Local())
	}
	// Output:
	// try again in 1h0m0s
	// failed without being sent: true
}

// A read that fails is retried first.
func ExampleServerError() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 500, Times: -1})
	client := server.Client()

	_, err := client.Leads.List(ctx, nil)
	if e, ok := errors.AsType[*leedo.ServerError](err); ok {
		fmt.Println(e.StatusCode, "after", e.Attempts, "attempts")
	}
	// Output: 500 after 4 attempts
}

// A response that is not what was asked for is an error, never an empty record.
func ExampleDecodeError() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 200, Body: "<html>Please log in</html>"})
	client := server.Client()

	_, err := client.Leads.List(ctx, nil)
	if e, ok := errors.AsType[*leedo.DecodeError](err); ok {
		fmt.Println(e.StatusCode, e.ContentType)
	}
	// Output: 200 text/plain; charset=utf-8
}

func ExampleTransportError() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Drop: true, Times: -1})
	client := server.Client(leedo.WithRetries(1))

	_, err := client.Leads.List(ctx, nil)
	if e, ok := errors.AsType[*leedo.TransportError](err); ok {
		fmt.Println("no response after", e.Attempts, "attempts, timeout:", e.Timeout())
	}
	// Output: no response after 2 attempts, timeout: false
}

// ErrInvalidArgument is the one error that is a value. No request is sent.
func Example_invalidArgument() {
	client := leedotest.NewServer().Client()
	_, err := client.Leads.Get(context.Background(), "../accounts")
	fmt.Println(errors.Is(err, leedo.ErrInvalidArgument))
	fmt.Println(err)
	// Output:
	// true
	// leedo: GET /leads/{id}: invalid argument: id contains a dot segment
}

// If the context ends, the error matches the context's own.
func Example_context() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Latency: time.Hour})

	_, err := server.Client().Leads.List(ctx, nil)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

// First whether the write was done, then the type of the error.
func Example_errors() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 400, Body: `{"error":{"code":"invalid","message":"this address is not allowed"}}`})
	client := server.Client()

	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe", Email: "john@example.com"})
	switch leedo.OutcomeOf(err) {
	case leedo.OutcomeDone:
		fmt.Println("created:", lead, err) // with an error, lead is nil
	case leedo.OutcomeNotDone:
		fmt.Println("not created, repeating it does no harm")
	case leedo.OutcomeUnknown:
		fmt.Println("perhaps created, look before repeating it")
	}
	if bad, ok := errors.AsType[*leedo.BadRequestError](err); ok {
		fmt.Println("correct the data:", bad.Message)
	} else if limited, ok := errors.AsType[*leedo.RateLimitError](err); ok {
		fmt.Println("try again at", limited.RetryAt)
	}
	// Output:
	// not created, repeating it does no harm
	// correct the data: this address is not allowed
}
