package leedo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
)

// everyWrite is a write of each kind, with the collection that it is about. at
// is the URL of the record that it makes or changes.
var everyWrite = []struct {
	operation
	at    string
	noOut bool
}{
	{operation{"Leads.Create", create}, "/v1/leads/new-1", false},
	{operation{"Accounts.Create", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return second(c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "Acme"}, opts...))
	}}, "/v1/accounts/new-1", false},
	{operation{"Contacts.Create", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return second(c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "Jane"}, opts...))
	}}, "/v1/contacts/new-1", false},
	{writes[1], "/v1/leads/id-1", false}, // Update
	{operation{"Do POST", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		var lead leedo.Lead
		return c.Do(ctx, "POST", "/leads", json.RawMessage(`{}`), &lead, opts...)
	}}, "/v1/leads/new-1", false},
	{operation{"Do PUT", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		var lead leedo.Lead
		return c.Do(ctx, "PUT", "/leads/id-1", json.RawMessage(`{}`), &lead, opts...)
	}}, "/v1/leads/id-1/", false},
	{operation{"Do POST without out", func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "POST", "/leads", nil, nil, opts...)
	}}, "/v1/leads/new-1", true},
	{writes[3], "/v1/leads/id-1", true}, // DELETE
}

// TestASuccessThatIsNoResponseOfTheAPI may have been sent by anything between
// the client and the API: whether the write was done is unknown.
func TestASuccessThatIsNoResponseOfTheAPI(t *testing.T) {
	t.Parallel()
	const login = `<html><form action="/login"><input name="id" value="id-1"></form></html>`
	html := []string{"Content-Type", "text/html; charset=utf-8"}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		text   bool // not HTML: a call that wants no body takes it for a success
	}{
		"a maintenance page":              {answer(200, maintenance, html...), false},
		"a maintenance page with 201":     {answer(201, maintenance, html...), false},
		"a maintenance page with 202":     {answer(202, maintenance), false},
		"a login page":                    {answer(200, login, html...), false},
		"a page after white space":        {answer(200, "\r\n\t "+login, html...), false},
		"a page with a byte order mark":   {answer(200, "\ufeff"+login, html...), false},
		"a page that is cut":              {cutBody(200, maintenance[:20]), false},
		"a page that is too large":        {answer(200, maintenance+strings.Repeat(" ", 400), html...), false},
		"a page with JSON in it":          {answer(200, `<script>{"id":"new-1"}</script>`, html...), false},
		"a page labeled as JSON":          {answer(200, maintenance), false},
		"a page with a foreign Location":  {answer(200, login, "Location", "https://sso.example/v1/leads/new-1"), false},
		"a page with the Location /login": {answer(200, login, "Location", "/login"), false},
		"XML":                             {answer(200, `<?xml version="1.0"?><Error/>`, "Content-Type", "application/xml"), false},
		"text":                            {answer(200, "We will be back soon.", "Content-Type", "text/plain"), true},
		"text labeled as JSON":            {answer(200, "done"), true},
		"text that is cut":                {cutBody(200, "We will be ba"), true},
		"a warning before the JSON":       {answer(200, `Notice: undefined index {"id":"new-1"}`), true},
		"JSON and more, without an id":    {answer(200, `{"status":"ok"} x`), true},
		"a template":                      {answer(200, `{{ id }}`), true},
	} {
		for _, write := range everyWrite {
			t.Run(name+"/"+write.name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, tt.answer)
				err := write.call(t.Context(), s.client(t, leedo.WithMaxResponseBytes(300)))
				if tt.text && write.noOut {
					if err != nil {
						t.Errorf("a call that wants no body: %v", err)
					}
					return
				}
				unknown, ok := err.(*leedo.UnknownOutcomeError)
				if !ok || !is[*leedo.DecodeError](unknown.Err) || leedo.OutcomeOf(err) != leedo.OutcomeUnknown || len(s.Requests()) != 1 {
					t.Errorf("got %v, %v after %d requests", leedo.OutcomeOf(err), err, len(s.Requests()))
				}
			})
		}
	}
}

// TestASuccessThatCannotBeUsedWasDone if it may be a response of the API.
func TestASuccessThatCannotBeUsedWasDone(t *testing.T) {
	t.Parallel()
	for _, write := range everyWrite {
		for name, a := range map[string]http.HandlerFunc{
			"empty":                          answer(200, ""),
			"empty, labeled as HTML":         answer(201, "", "Content-Type", "text/html"),
			"204":                            answer(204, ""),
			"white space":                    answer(200, " \r\n\t"),
			"a byte order mark alone":        answer(200, "\ufeff"),
			"cut before the first byte":      cutBody(200, ""),
			"cut in a byte order mark":       cutBody(200, "\xef\xbb"),
			"cut behind a byte order mark":   cutBody(200, "\ufeff"),
			"cut in JSON":                    cutBody(201, `{"id":"new-1","na`),
			"cut in JSON without an id":      cutBody(201, ` {"na`),
			"JSON that ends early":           answer(200, `{"name":"Jo`),
			"JSON of another shape":          answer(200, `["ok"]`),
			"a string":                       answer(200, `"ok"`),
			"JSON labeled as text":           answer(200, `[1,2]`, "Content-Type", "text/plain"),
			"JSON labeled as HTML":           answer(200, "\ufeff[1,2]", "Content-Type", "text/html"),
			"JSON that is too large":         answer(200, `{"name":"`+strings.Repeat("x", 400)+`"}`),
			"an id, and garbage":             answer(200, `{"id":"new-1","name":[]} garbage`),
			"an id in an envelope, and more": answer(200, `{"data":{"id":"new-1"}}{}`),
			"HTML with Location":             answer(201, maintenance, "Content-Type", "text/html", "Location", write.at),
			"text with Location":             answer(201, "created", "Content-Type", "text/plain", "Location", write.at),
			"HTML with Location, cut":        located(cutBody(201, maintenance[:20]), write.at),
			"HTML with Location, too large":  answer(201, maintenance+strings.Repeat(" ", 400), "Location", write.at),
		} {
			t.Run(name+"/"+write.name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, a)
				err := write.call(t.Context(), s.client(t, leedo.WithMaxResponseBytes(300)))
				if is[*leedo.UnknownOutcomeError](err) || leedo.OutcomeOf(err) != leedo.OutcomeDone || len(s.Requests()) != 1 {
					t.Errorf("got %v, %v after %d requests", leedo.OutcomeOf(err), err, len(s.Requests()))
				}
				if write.noOut != (err == nil) || err != nil && !is[*leedo.DecodeError](err) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// located adds a Location.
func located(a http.HandlerFunc, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Location", location)
		a(w, req)
	}
}

// TestAResponseThatIsCutWasDone wherever it is cut.
func TestAResponseThatIsCutWasDone(t *testing.T) {
	t.Parallel()
	whole := "\ufeff \n" + `{"a":[-1.5e+3,true,false,null,"\u00e4\n"],"name":"n","id":"new-1","b":{}}`
	for n := range len(whole) {
		client, _ := inMemory(t, nil, answer(201, whole[:n]))
		if err := create(t.Context(), client); leedo.OutcomeOf(err) != leedo.OutcomeDone || err == nil {
			t.Errorf("%q: %v, %v", whole[:n], leedo.OutcomeOf(err), err)
		}
	}
}

// TestARedirectOfAWrite is not followed. Servers send 302 and 303 also after
// doing what was asked for; the others say that it is to be asked for elsewhere.
func TestARedirectOfAWrite(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{"/v1/elsewhere", "https://sso.example/login", "/v1/leads/new-1", ""} {
			for _, write := range everyWrite {
				for _, opts := range [][]leedo.RequestOption{nil, {leedo.WithIdempotent()}} {
					s := serve(t, answer(status, "", "Location", location), answer(200, leadJSON))
					err := write.call(t.Context(), s.client(t), opts...)
					want := leedo.OutcomeNotDone
					if status == 302 || status == 303 {
						want = leedo.OutcomeUnknown
					}
					e, ok := errors.AsType[*leedo.APIError](err)
					if !ok || e.StatusCode != status || leedo.OutcomeOf(err) != want || is[*leedo.UnknownOutcomeError](err) != (want == leedo.OutcomeUnknown) {
						t.Errorf("%s, %d to %q: %v, %v", write.name, status, location, leedo.OutcomeOf(err), err)
					}
					if n := len(s.Requests()); n != 1 {
						t.Errorf("%s, %d: %d requests", write.name, status, n)
					}
				}
			}
		}
	}
}

// TestACallWithoutOutSeesTheResponse that may not have come from the API.
func TestACallWithoutOutSeesTheResponse(t *testing.T) {
	t.Parallel()
	client, _ := inMemory(t, nil, answer(200, maintenance, "X-Request-Id", "req_9"))
	var resp leedo.Response
	err := client.Do(t.Context(), "DELETE", "/leads/id-1", nil, nil, leedo.WithResponse(&resp))
	want := "leedo: DELETE /leads/id-1: outcome unknown: unusable response 200: HTML or XML, not JSON (request req_9, 1 attempt)"
	if fmt.Sprint(err) != want || string(resp.Body) != maintenance {
		t.Errorf("%v, %q", err, resp.Body)
	}
	// A read cannot have changed anything.
	if err := client.Do(t.Context(), "GET", "/leads/id-1", nil, nil); err != nil {
		t.Error(err)
	}
}
