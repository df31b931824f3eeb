// Package openapi_test compares api/openapi.yaml with the examples of the API's
// documentation, with the requests of the SDK and with the responses of the fake, and
// calls the fake with a client that is generated from it.
package openapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

const (
	description = "../../api/openapi.yaml"
	baseURL     = "https://api.leedo.app/v1"
)

// load reads the description, which must be valid.
func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(description)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// checker checks requests and responses against a description.
type checker struct{ router routers.Router }

func newChecker(t *testing.T, doc *openapi3.T) checker {
	t.Helper()
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return checker{router}
}

var options = &openapi3filter.Options{
	IncludeResponseStatus:             true,
	RejectWhenRequestBodyNotSpecified: true,
	SchemaValidationOptions:           []openapi3.SchemaValidationOption{openapi3.DisableSchemaErrorDetails()},
	AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
		if !strings.HasPrefix(in.RequestValidationInput.Request.Header.Get("Authorization"), "Bearer ") {
			return errors.New("no bearer token")
		}
		return nil
	},
}

// request checks a request, whose body it replaces with a copy. Query parameters that
// the description does not have are errors, too.
func (c checker) request(req *http.Request) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		return nil, err
	}
	for name := range req.URL.Query() {
		if route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return nil, fmt.Errorf("the query parameter %s is not described", name)
		}
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	return in, openapi3filter.ValidateRequest(req.Context(), in)
}

// response checks the response to a request that was checked before.
func (c checker) response(in *openapi3filter.RequestValidationInput, resp *http.Response, body []byte) error {
	return openapi3filter.ValidateResponse(in.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	})
}

// transport checks the requests that pass through it, and their responses.
type transport struct {
	checker
	base http.RoundTripper

	mu       sync.Mutex
	seen     map[string]int // "getLead 200": how many
	problems []string
}

func (tr *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	in, err := tr.request(req)
	tr.note(req, "request", err)
	resp, failed := tr.base.RoundTrip(req)
	if failed != nil || err != nil {
		return resp, failed
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err == nil {
		err = tr.response(in, resp, body)
	}
	tr.note(req, "response", err)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.seen[fmt.Sprintf("%s %d", in.Route.Operation.OperationID, resp.StatusCode)]++
	return resp, nil
}

func (tr *transport) note(req *http.Request, what string, err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if err != nil {
		tr.problems = append(tr.problems, fmt.Sprintf("%s %s: %s: %v", req.Method, req.URL, what, err))
	}
}

// through returns an HTTP client with a checking transport. What does not fit the
// description fails the test at its end, unless the test takes the problems away.
func through(t *testing.T, check checker, client *http.Client) (*http.Client, *transport) {
	t.Helper()
	tr := &transport{checker: check, base: client.Transport, seen: map[string]int{}}
	t.Cleanup(func() {
		for _, problem := range tr.problems {
			t.Error(problem)
		}
	})
	return &http.Client{Transport: tr}, tr
}

// documented are the examples of the API's documentation, in its order: files of
// tests/wire/testdata, to which the tests of package leedo compare the SDK.
var documented = []struct {
	operation, method, path string
	body                    string // a file; "" means that the request has none
	status                  int
	response                string // a file
}{
	{"listLeads", "GET", "/leads", "", 200, "leads"},
	{"createLead", "POST", "/leads", "lead_create", 201, "lead_created"},
	{"getLead", "GET", "/leads/550e8400-e29b-41d4-a716-446655440000", "", 200, "lead"},
	{"updateLead", "PATCH", "/leads/550e8400-e29b-41d4-a716-446655440000", "lead_update", 200, "lead_updated"},
	{"listAccounts", "GET", "/accounts", "", 200, "accounts"},
	{"createAccount", "POST", "/accounts", "account_create", 201, "account_created"},
	{"getAccount", "GET", "/accounts/650e8400-e29b-41d4-a716-446655440000", "", 200, "account"},
	{"listContacts", "GET", "/contacts", "", 200, "contacts"},
	{"createContact", "POST", "/contacts", "contact_create", 201, "contact_created"},
	{"listCampaigns", "GET", "/campaigns", "", 200, "campaigns"},
	{"getCampaign", "GET", "/campaigns/850e8400-e29b-41d4-a716-446655440000", "", 200, "campaign"},
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../wire/testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// newRequest returns a request as the API expects it. A nil body means none.
func newRequest(t *testing.T, method, path string, body []byte) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, baseURL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token")
	req.Header.Set("Content-Type", "application/json")
	if body == nil {
		req.Body = http.NoBody
	}
	return req
}

func newResponse(status int, header ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

// TestDocumentation checks that every example of the documentation fits the
// description, and that this has the operations of the documentation and no others.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	doc := load(t)
	check := newChecker(t, doc)
	found := map[string]bool{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			found[op.OperationID] = true
		}
	}
	for _, ex := range documented {
		var body []byte
		if ex.body != "" {
			body = example(t, ex.body)
		}
		in, err := check.request(newRequest(t, ex.method, ex.path, body))
		if err != nil {
			t.Errorf("%s: request: %v", ex.operation, err)
			continue
		}
		if got := in.Route.Operation.OperationID; got != ex.operation {
			t.Errorf("%s %s is %s, want %s", ex.method, ex.path, got, ex.operation)
		}
		if err := check.response(in, newResponse(ex.status), example(t, ex.response)); err != nil {
			t.Errorf("%s: response: %v", ex.operation, err)
		}
		delete(found, ex.operation)
	}
	for extra := range found {
		t.Errorf("%s is not documented", extra)
	}

	curl := `{"name": "John Doe", "email": "john@example.com"}` // the example at the end of the documentation
	if _, err := check.request(newRequest(t, "POST", "/leads", []byte(curl))); err != nil {
		t.Error(err)
	}
	headers := newResponse(200, "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "99", "X-RateLimit-Reset", "1759323600")
	in, err := check.request(newRequest(t, "GET", "/leads", nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := check.response(in, headers, example(t, "leads")); err != nil {
		t.Error(err)
	}
}

// TestBrokenDoesNotFit checks that the checks can fail: each request and response here
// has one mistake.
func TestBrokenDoesNotFit(t *testing.T) {
	t.Parallel()
	check := newChecker(t, load(t))
	for _, tt := range []struct{ name, method, path, body, want string }{
		{"an unknown path", "GET", "/people", "", "no matching operation"},
		{"a method that is not documented", "DELETE", "/leads/1", "", "no matching operation"},
		{"a parameter with another name", "GET", "/leads?perPage=5", "", "perPage is not described"},
		{"page 0", "GET", "/leads?page=0", "", "at least 1"},
		{"a page that is no number", "GET", "/leads?page=x", "", "page"},
		{"a misspelled field", "POST", "/leads", `{"name":"A","e_mail":"B"}`, "e_mail"},
		{"a field of another record", "POST", "/accounts", `{"name":"A","phone":"B"}`, "phone"},
		{"a number for a string", "PATCH", "/leads/1", `{"phone":12}`, "phone"},
		{"an id, which the server makes", "POST", "/contacts", `{"id":"1","name":"A"}`, "id"},
		{"a list", "POST", "/contacts", `[]`, "object"},
		{"no body", "POST", "/leads", "", "body"},
		{"a body on a GET", "GET", "/leads", `{}`, "body"},
	} {
		var body []byte
		if tt.body != "" {
			body = []byte(tt.body)
		}
		if _, err := check.request(newRequest(t, tt.method, tt.path, body)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
	req := newRequest(t, "GET", "/leads", nil)
	req.Header.Del("Authorization")
	if _, err := check.request(req); err == nil {
		t.Error("a request without a token fits")
	}

	page := string(example(t, "leads"))
	lead := string(example(t, "lead"))
	replaced := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("%s has no %s", s, old)
		}
		return strings.Replace(s, old, new, 1)
	}
	for _, tt := range []struct {
		name, path string
		resp       *http.Response
		body       string
		want       string
	}{
		{"another name of a field", "/leads/1", newResponse(200), replaced(lead, `"company"`, `"organization"`), "organization"},
		{"one field more", "/leads/1", newResponse(200), replaced(lead, `{`, `{"score": 1,`), "score"},
		{"a time in another format", "/leads/1", newResponse(200), replaced(lead, "2025-10-01T12:00:00Z", "2025-10-01 12:00"), "date-time"},
		{"an id that is null", "/leads/1", newResponse(200), replaced(lead, `"550e8400-e29b-41d4-a716-446655440000"`, `null`), "id"},
		{"no meta", "/leads", newResponse(200), `{"data":[]}`, "meta"},
		{"data that is null", "/leads", newResponse(200), `{"data":null,"meta":{"total":0,"page":1,"per_page":20}}`, "data"},
		{"a total that is a string", "/leads", newResponse(200), replaced(page, `"total": 1`, `"total": "1"`), "total"},
		{"a rate limit that is no number", "/leads", newResponse(200, "X-RateLimit-Limit", "many"), page, "Limit"},
		{"HTML", "/leads", newResponse(200, "Content-Type", "text/html"), "<p>", "Content-Type"},
		{"an error without a message", "/leads", newResponse(500), `{"error":{"code":"x"}}`, "message"},
		{"a list with the status of a creation", "/leads", newResponse(201), page, "error"},
	} {
		in, err := check.request(newRequest(t, "GET", tt.path, nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := check.response(in, tt.resp, []byte(tt.body)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}
