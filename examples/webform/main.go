// Webform serves a form on the web and creates a lead from each form that is sent. Without
// a token, leads go to a fake in memory. main_test.go is a model for tests of your own.
//
//	go run ./examples/webform
//	LEEDO_API_TOKEN=... go run ./examples/webform -addr 127.0.0.1:8080
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "the `address` to listen on")
	flag.Parse()
	client, err := leedo.NewClientFromEnv()
	if os.Getenv("LEEDO_API_TOKEN") == "" {
		client, err = leedotest.NewServer().Client(), nil
	}
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("serving on http://%s", *addr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	server := &http.Server{Addr: *addr, Handler: newSite(client), ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	if err := serve(ctx, server); err != nil {
		log.Fatal(err)
	}
}

// serve serves until ctx ends, and then until the requests in flight have their response.
func serve(ctx context.Context, server *http.Server) error {
	ended := make(chan error, 1)
	context.AfterFunc(ctx, func() { ended <- server.Shutdown(context.WithoutCancel(ctx)) })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// site serves the form. A database would remember after a restart, too, what was sent.
type site struct {
	client *leedo.Client
	sent   sync.Map // from the token in a form to a chan view with the result, once there is one
}

// view is what the page shows.
type view struct {
	Outcome, Token, Problem string
	Params                  leedo.LeadCreateParams
	Errors                  map[string][]string // by the names of the fields
	status, minutes         int                 // the HTTP status, and after how long to try again
}

//go:embed page.html
var html string
var page = template.Must(template.New("page").Parse(html))

func newSite(client *leedo.Client) http.Handler {
	s, mux := &site{client: client}, http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		show(w, view{Token: rand.Text(), status: http.StatusOK})
	})
	mux.HandleFunc("POST /{$}", s.post)
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, 16<<10))
}

func (s *site) post(w http.ResponseWriter, r *http.Request) {
	value := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	token := value("token")
	if len(token) != len(rand.Text()) {
		http.Error(w, "The form is incomplete or too large. Nothing was sent.", http.StatusBadRequest)
		return
	}
	params := leedo.LeadCreateParams{Name: value("name"), Email: value("email"),
		Company: value("company"), Phone: value("phone")}
	stored, again := s.sent.LoadOrStore(token, make(chan view, 1))
	result := stored.(chan view)
	if !again {
		// The browser may go away. That must not end a call that creates a lead.
		result <- s.send(context.WithoutCancel(r.Context()), token, params)
	}
	v := <-result // a double click makes two requests: the second waits for the first
	result <- v   // for the next one
	v.Params = params
	show(w, v)
}

// send creates the lead and returns what to show.
func (s *site) send(ctx context.Context, token string, params leedo.LeadCreateParams) view {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, err := s.client.Leads.Create(ctx, &params, leedo.WithMaxWait(2*time.Second)) // interactive by default
	outcome := leedo.OutcomeOf(err)
	if outcome == leedo.OutcomeNotDone {
		s.sent.Delete(token) // it can be sent again
	} else { // the quota bounds how many forms are sent in a day
		time.AfterFunc(24*time.Hour, func() { s.sent.Delete(token) })
	}
	v := view{Outcome: outcome.String(), Token: token, status: http.StatusServiceUnavailable}
	limited, isLimited := errors.AsType[*leedo.RateLimitError](err)
	rejected, isRejected := errors.AsType[*leedo.APIError](err)
	switch {
	case outcome == leedo.OutcomeDone:
		v.status = http.StatusOK
	case outcome == leedo.OutcomeUnknown:
		log.Printf("form %.8q: a lead may or may not have been created: %v", token, err)
		v.status = http.StatusAccepted
	case isLimited:
		v.minutes = 1 + max(0, int(time.Until(limited.RetryAt).Minutes()))
		v.Problem = fmt.Sprintf("Nothing was sent: we are too busy. Please press Send again in %d min.", v.minutes)
	case isRejected && (rejected.StatusCode == http.StatusBadRequest || rejected.Fields != nil):
		v.status, v.Errors = http.StatusUnprocessableEntity, rejected.Fields
		v.Problem = "Nothing was sent. Please correct your details. " + rejected.Message
	default:
		log.Printf("a lead was not created: %v", err)
		v.Problem = "Nothing was sent: our system is not available. Please try again later."
	}
	return v
}

func show(w http.ResponseWriter, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "private, no-cache") // Back shows the same form, with its token
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	if v.minutes > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(60*v.minutes))
	}
	w.WriteHeader(v.status)
	page.Execute(w, v)
}
