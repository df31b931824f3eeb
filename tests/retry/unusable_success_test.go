package retry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// everyWrite is a write of each kind, with the collection that it is about. at
// is the URL of the record that it makes or changes.
var everyWrite = []struct {
	support.Operation
	at    string
	noOut bool
}{
	{support.Operation{Name: "Leads.Create", Call: support.Create}, "/v1/leads/new-1", false},
	{support.Operation{Name: "Accounts.Create", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return support.ErrorOf(c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "Acme"}, opts...))
	}}, "/v1/accounts/new-1", false},
	{support.Operation{Name: "Contacts.Create", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return support.ErrorOf(c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "Jane"}, opts...))
	}}, "/v1/contacts/new-1", false},
	{support.Writes[1], "/v1/leads/id-1", false}, // Update
	{support.Operation{Name: "Do POST", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		var lead leedo.Lead
		return c.Do(ctx, "POST", "/leads", json.RawMessage(`{}`), &lead, opts...)
	}}, "/v1/leads/new-1", false},
	{support.Operation{Name: "Do PUT", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		var lead leedo.Lead
		return c.Do(ctx, "PUT", "/leads/id-1", json.RawMessage(`{}`), &lead, opts...)
	}}, "/v1/leads/id-1/", false},
	{support.Operation{Name: "Do POST without out", Call: func(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
		return c.Do(ctx, "POST", "/leads", nil, nil, opts...)
	}}, "/v1/leads/new-1", true},
	{support.Writes[3], "/v1/leads/id-1", true}, // DELETE
}

// A success that is no response of the API may come from anything between the
// client and the API: the outcome of a write is unknown.
func TestASuccessThatIsNoResponseOfTheAPI(t *testing.T) {
	t.Parallel()
	const login = `<html><form action="/login"><input name="id" value="id-1"></form></html>`
	html := []string{"Content-Type", "text/html; charset=utf-8"}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		text   bool // not HTML: a call that wants no body takes it for a success
	}{
		"a maintenance page":              {support.Respond(200, support.MaintenanceHTML, html...), false},
		"a maintenance page with 201":     {support.Respond(201, support.MaintenanceHTML, html...), false},
		"a maintenance page with 202":     {support.Respond(202, support.MaintenanceHTML), false},
		"a login page":                    {support.Respond(200, login, html...), false},
		"a page after white space":        {support.Respond(200, "\r\n\t "+login, html...), false},
		"a page with a byte order mark":   {support.Respond(200, "\ufeff"+login, html...), false},
		"a page that is cut":              {support.CutBody(200, support.MaintenanceHTML[:20]), false},
		"a page that is too large":        {support.Respond(200, support.MaintenanceHTML+strings.Repeat(" ", 400), html...), false},
		"a page with JSON in it":          {support.Respond(200, `<script>{"id":"new-1"}</script>`, html...), false},
		"a page labeled as JSON":          {support.Respond(200, support.MaintenanceHTML), false},
		"a page with a foreign Location":  {support.Respond(200, login, "Location", "https://sso.example/v1/leads/new-1"), false},
		"a page with the Location /login": {support.Respond(200, login, "Location", "/login"), false},
		"XML":                             {support.Respond(200, `<?xml version="1.0"?><Error/>`, "Content-Type", "application/xml"), false},
		"text":                            {support.Respond(200, "We will be back soon.", "Content-Type", "text/plain"), true},
		"text labeled as JSON":            {support.Respond(200, "done"), true},
		"text that is cut":                {support.CutBody(200, "We will be ba"), true},
		"a warning before the JSON":       {support.Respond(200, `Notice: undefined index {"id":"new-1"}`), true},
		"JSON and more, without an id":    {support.Respond(200, `{"status":"ok"} x`), true},
		"a template":                      {support.Respond(200, `{{ id }}`), true},
	} {
		for _, write := range everyWrite {
			t.Run(name+"/"+write.Name, func(t *testing.T) {
				t.Parallel()
				s := support.Serve(t, tt.answer)
				err := write.Call(t.Context(), s.Client(t, leedo.WithMaxResponseBytes(300)))
				if tt.text && write.noOut {
					if err != nil {
						t.Errorf("a call that wants no body: %v", err)
					}
					return
				}
				unknown, ok := err.(*leedo.UnknownOutcomeError)
				if !ok || !support.Is[*leedo.DecodeError](unknown.Err) || leedo.OutcomeOf(err) != leedo.OutcomeUnknown || len(s.Requests()) != 1 {
					t.Errorf("got %v, %v after %d requests", leedo.OutcomeOf(err), err, len(s.Requests()))
				}
			})
		}
	}
}

// An unusable success that may be a response of the API means that the write
// was done.
func TestASuccessThatCannotBeUsedWasDone(t *testing.T) {
	t.Parallel()
	for _, write := range everyWrite {
		for name, a := range map[string]http.HandlerFunc{
			"empty":                          support.Respond(200, ""),
			"empty, labeled as HTML":         support.Respond(201, "", "Content-Type", "text/html"),
			"204":                            support.Respond(204, ""),
			"white space":                    support.Respond(200, " \r\n\t"),
			"a byte order mark alone":        support.Respond(200, "\ufeff"),
			"cut before the first byte":      support.CutBody(200, ""),
			"cut in a byte order mark":       support.CutBody(200, "\xef\xbb"),
			"cut behind a byte order mark":   support.CutBody(200, "\ufeff"),
			"cut in JSON":                    support.CutBody(201, `{"id":"new-1","na`),
			"cut in JSON without an id":      support.CutBody(201, ` {"na`),
			"JSON that ends early":           support.Respond(200, `{"name":"Jo`),
			"JSON of another shape":          support.Respond(200, `["ok"]`),
			"a string":                       support.Respond(200, `"ok"`),
			"JSON labeled as text":           support.Respond(200, `[1,2]`, "Content-Type", "text/plain"),
			"JSON labeled as HTML":           support.Respond(200, "\ufeff[1,2]", "Content-Type", "text/html"),
			"JSON that is too large":         support.Respond(200, `{"name":"`+strings.Repeat("x", 400)+`"}`),
			"an id, and garbage":             support.Respond(200, `{"id":"new-1","name":[]} garbage`),
			"an id in an envelope, and more": support.Respond(200, `{"data":{"id":"new-1"}}{}`),
			"HTML with Location":             support.Respond(201, support.MaintenanceHTML, "Content-Type", "text/html", "Location", write.at),
			"text with Location":             support.Respond(201, "created", "Content-Type", "text/plain", "Location", write.at),
			"HTML with Location, cut":        located(support.CutBody(201, support.MaintenanceHTML[:20]), write.at),
			"HTML with Location, too large":  support.Respond(201, support.MaintenanceHTML+strings.Repeat(" ", 400), "Location", write.at),
		} {
			t.Run(name+"/"+write.Name, func(t *testing.T) {
				t.Parallel()
				s := support.Serve(t, a)
				err := write.Call(t.Context(), s.Client(t, leedo.WithMaxResponseBytes(300)))
				if support.Is[*leedo.UnknownOutcomeError](err) || leedo.OutcomeOf(err) != leedo.OutcomeDone || len(s.Requests()) != 1 {
					t.Errorf("got %v, %v after %d requests", leedo.OutcomeOf(err), err, len(s.Requests()))
				}
				if write.noOut != (err == nil) || err != nil && !support.Is[*leedo.DecodeError](err) {
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

// A write whose success response is cut was done, wherever it is cut.
func TestAResponseThatIsCutWasDone(t *testing.T) {
	t.Parallel()
	whole := "\ufeff \n" + `{"a":[-1.5e+3,true,false,null,"\u00e4\n"],"name":"n","id":"new-1","b":{}}`
	for n := range len(whole) {
		client, _ := support.InMemory(t, nil, support.Respond(201, whole[:n]))
		if err := support.Create(t.Context(), client); leedo.OutcomeOf(err) != leedo.OutcomeDone || err == nil {
			t.Errorf("%q: %v, %v", whole[:n], leedo.OutcomeOf(err), err)
		}
	}
}

// A redirect of a write is not followed. Servers send 302 and 303 also after
// they have done it; the other codes ask for another request.
func TestARedirectOfAWrite(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{"/v1/elsewhere", "https://sso.example/login", "/v1/leads/new-1", ""} {
			for _, write := range everyWrite {
				for _, opts := range [][]leedo.RequestOption{nil, {leedo.WithIdempotent()}} {
					s := support.Serve(t, support.Respond(status, "", "Location", location), support.Respond(200, support.LeadJSON))
					err := write.Call(t.Context(), s.Client(t), opts...)
					want := leedo.OutcomeNotDone
					if status == 302 || status == 303 {
						want = leedo.OutcomeUnknown
					}
					e, ok := errors.AsType[*leedo.APIError](err)
					if !ok || e.StatusCode != status || leedo.OutcomeOf(err) != want || support.Is[*leedo.UnknownOutcomeError](err) != (want == leedo.OutcomeUnknown) {
						t.Errorf("%s, %d to %q: %v, %v", write.Name, status, location, leedo.OutcomeOf(err), err)
					}
					if n := len(s.Requests()); n != 1 {
						t.Errorf("%s, %d: %d requests", write.Name, status, n)
					}
				}
			}
		}
	}
}

// The response of a write without out is checked, too: if it may not be of the
// API, the outcome is unknown.
func TestACallWithoutOutSeesTheResponse(t *testing.T) {
	t.Parallel()
	client, _ := support.InMemory(t, nil, support.Respond(200, support.MaintenanceHTML, "X-Request-Id", "req_9"))
	var resp leedo.Response
	err := client.Do(t.Context(), "DELETE", "/leads/id-1", nil, nil, leedo.WithResponse(&resp))
	want := "leedo: DELETE /leads/id-1: outcome unknown: unusable response 200: HTML or XML, not JSON (request req_9, 1 attempt)"
	if fmt.Sprint(err) != want || string(resp.Body) != support.MaintenanceHTML {
		t.Errorf("%v, %q", err, resp.Body)
	}
	// A read cannot have changed anything.
	if err := client.Do(t.Context(), "GET", "/leads/id-1", nil, nil); err != nil {
		t.Error(err)
	}
}
