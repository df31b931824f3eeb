package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func Example_recipesFilter() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddLead(leedo.Lead{Name: "John Doe", Status: leedo.LeadStatusQualified})
	server.AddLead(leedo.Lead{Name: "Ada Example"})
	client := server.Client()

	qualified := func() error {
		for lead, err := range client.Leads.All(ctx, nil, leedo.WithQuery("status", "qualified")) {
			if err != nil {
				return err
			}
			if lead.Status != leedo.LeadStatusQualified {
				continue
			}
			fmt.Println(lead.Name)
		}
		return nil
	}
	fmt.Println(qualified(), server.Requests()[0].Query.Get("status"))
	// Output:
	// John Doe
	// <nil> qualified
}

func Example_recipesFullRecord() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddLead(leedo.Lead{Name: "John Doe", Phone: "+1234567890"})
	gone := server.AddLead(leedo.Lead{Name: "Ada Example"})
	server.OnRequest(func(r leedotest.Request) {
		if r.Path == "/leads/"+gone.ID {
			server.Delete(gone.ID)
		}
	})
	client := server.Client()

	full := func() error {
		for item, err := range client.Leads.All(ctx, nil) {
			if err != nil {
				return err
			}
			lead, err := client.Leads.Get(ctx, item.ID, leedo.WithPriority(leedo.PriorityBulk))
			if _, ok := errors.AsType[*leedo.NotFoundError](err); ok {
				continue // removed since its page was read
			}
			if err != nil {
				return err
			}
			fmt.Println(lead.Name, lead.Phone)
		}
		return nil
	}
	fmt.Println(full())
	// Output:
	// John Doe +1234567890
	// <nil>
}

// upsert updates name and company of the lead with the e-mail address of params,
// or creates it.
// ids has the id of every lead by its normalized address.
func upsert(ctx context.Context, client *leedo.Client, ids map[string]string, params *leedo.LeadCreateParams) (*leedo.Lead, error) {
	email := strings.ToLower(strings.TrimSpace(params.Email))
	if id := ids[email]; email != "" && id != "" {
		return client.Leads.Update(ctx, id, &leedo.LeadUpdateParams{
			Name: &params.Name, Company: &params.Company,
		}, leedo.WithIdempotent())
	}
	lead, err := client.Leads.Create(ctx, params)
	if err == nil {
		ids[email] = lead.ID
	}
	return lead, err
}

func TestRecipesUpsert(t *testing.T) {
	ctx := t.Context()
	server := leedotest.NewServer()
	server.AddLead(leedo.Lead{Name: "J. Doe", Email: "John@example.com"})
	server.AddLead(leedo.Lead{Name: "no address"})
	client := server.Client()
	importAll := func() error {
		ids := map[string]string{}
		for lead, err := range client.Leads.All(ctx, nil) {
			if err != nil {
				return err
			}
			ids[strings.ToLower(strings.TrimSpace(lead.Email))] = lead.ID
		}
		for _, params := range []*leedo.LeadCreateParams{
			{Name: "John Doe", Email: " john@example.com"},
			{Name: "Ada Example", Email: "ada@example.com"},
			{Name: "Ada Example", Email: "ADA@example.com", Company: "Example Inc"},
			{Name: "another without one"},
		} {
			if _, err := upsert(ctx, client, ids, params); err != nil {
				return err
			}
		}
		return nil
	}
	if err := importAll(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, lead := range server.Leads() {
		got = append(got, fmt.Sprintf("%s <%s> %s", lead.Name, lead.Email, lead.Company))
	}
	want := "another without one <> |Ada Example <ada@example.com> Example Inc|no address <> |John Doe <John@example.com> "
	if strings.Join(got, "|") != want {
		t.Errorf("got %q\nwant %q", strings.Join(got, "|"), want)
	}
}

func TestRecipesNightlyJob(t *testing.T) {
	var lines bytes.Buffer
	log.SetOutput(&lines)
	log.SetFlags(0)
	defer log.SetOutput(os.Stderr)
	defer log.SetFlags(log.LstdFlags)

	synctest.Test(t, func(t *testing.T) {
		opts := []leedo.Option{
			leedo.WithMaxWait(leedo.NoMaxWait),
			leedo.WithPriority(leedo.PriorityBulk),
			leedo.WithHooks(leedo.Hooks{
				Wait: func(_ context.Context, w leedo.WaitInfo) {
					log.Printf("waiting for %v: %s, %d of %d left",
						time.Until(w.Until).Round(time.Second), w.Reason, w.RateLimit.Remaining, w.RateLimit.Limit)
				},
			}),
		}
		server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
		client := server.Client(opts...)
		for range 101 {
			if _, err := client.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}

		// With a deadline that is too early the call fails now, not then.
		for range 99 {
			if _, err := client.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		start := time.Now()
		_, err := client.Leads.List(ctx, nil)
		if _, ok := errors.AsType[*leedo.RateLimitError](err); !ok || time.Since(start) > time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	if !strings.Contains(lines.String(), ": quota, 0 of 100 left\n") {
		t.Errorf("no line says that the quota is used up:\n%s", &lines)
	}
}

func TestRecipesResume(t *testing.T) {
	ctx := t.Context()
	server := leedotest.NewServer()
	for i := range 250 {
		server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)})
	}
	server.Inject(leedotest.Fault{Status: 400, When: func(r leedotest.Request) bool { return r.Query.Get("page") == "2" }})
	client := server.Client()
	out := new(bytes.Buffer)
	done := 0 // read from a file
	export := func() error {
		for page, err := range client.Leads.Pages(ctx, &leedo.LeadListParams{Page: done + 1, PerPage: 100}) {
			if err != nil {
				return fmt.Errorf("stopped after page %d: %w", done, err)
			}
			for _, lead := range page.Data {
				fmt.Fprintln(out, lead.ID, lead.Name)
			}
			done = page.Meta.Page // save it
		}
		return nil
	}
	if err := export(); err == nil || !strings.HasPrefix(err.Error(), "stopped after page 1: leedo: GET /leads, page 2: 400") {
		t.Errorf("got %v", err)
	}
	if err := export(); err != nil || done != 3 || bytes.Count(out.Bytes(), []byte("\n")) != 250 {
		t.Errorf("the second run ends with %v after page %d", err, done)
	}
}

func showLead(client *leedo.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		lead, err := client.Leads.Get(ctx, r.PathValue("id"), leedo.WithMaxWait(0))
		limited, isLimited := errors.AsType[*leedo.RateLimitError](err)
		_, isMissing := errors.AsType[*leedo.NotFoundError](err)
		switch {
		case err == nil:
			json.NewEncoder(w).Encode(lead)
		case isLimited:
			seconds := max(1, int(time.Until(limited.RetryAt).Seconds()+1))
			w.Header().Set("Retry-After", strconv.Itoa(seconds))
			http.Error(w, "busy, try again later", http.StatusServiceUnavailable)
		case isMissing:
			http.Error(w, "no such lead", http.StatusNotFound)
		case errors.Is(err, leedo.ErrInvalidArgument):
			http.Error(w, "invalid id", http.StatusBadRequest)
		default: // no response from the API, a 5xx, an expired token …
			http.Error(w, "the CRM is not available", http.StatusBadGateway)
		}
	}
}

func TestRecipesWebHandler(t *testing.T) {
	server := leedotest.NewServer()
	id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
	show := showLead(server.Client())
	get := func(id string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/leads/x", nil)
		r.SetPathValue("id", id)
		show(w, r)
		return w
	}
	if w := get(id); w.Code != 200 || !strings.Contains(w.Body.String(), "John Doe") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for id, want := range map[string]int{"unknown": 404, "..": 400} {
		if w := get(id); w.Code != want {
			t.Errorf("id %q: got %d, want %d", id, w.Code, want)
		}
	}
	server.Inject(leedotest.Fault{Drop: true, Times: 4})
	if w := get(id); w.Code != 502 {
		t.Errorf("without a response: got %d, want 502", w.Code)
	}
	server.SetRateLimit(0, time.Hour)
	if w := get(id); w.Code != 503 || len(w.Header().Get("Retry-After")) != len("3600") {
		t.Errorf("got %d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}

func TestRecipesCancel(t *testing.T) {
	server := leedotest.NewServer()
	client := server.Client()
	params := &leedo.LeadCreateParams{Name: "John Doe"}
	handle := func(_ http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 10*time.Second)
		defer cancel()
		lead, err := client.Leads.Create(ctx, params)
		if err == nil && lead.Name != "John Doe" {
			t.Errorf("got %+v", lead)
		}
		return err
	}
	gone, cancel := context.WithCancel(t.Context())
	server.OnRequest(func(leedotest.Request) { cancel() }) // the browser disconnects
	r := httptest.NewRequestWithContext(gone, "POST", "/leads", nil)
	if err := handle(httptest.NewRecorder(), r); err != nil || gone.Err() == nil {
		t.Errorf("got %v; the context of the request: %v", err, gone.Err())
	}
	if _, err := client.Leads.Create(gone, params); leedo.OutcomeOf(err) != leedo.OutcomeNotDone {
		t.Errorf("with a context that has ended: %v", err)
	}
}
