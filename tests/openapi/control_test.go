package openapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/leedoapp/leedo-go/leedotest"
)

// loadControl reads the description of the control interface, which must be valid.
func loadControl(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../leedotest/control.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// controlPort sends requests to the control interface of a fake, over a real connection,
// and checks the responses.
type controlPort struct {
	*testing.T
	checker
	server *leedotest.Server
	origin string
	unseen map[string]bool // "listFaults 200": described, but not seen yet
}

// send sends a request and checks the response, as that of the operation that the path has
// for the method described, and a request that succeeds.
func (p *controlPort) send(method, described, target, body, token string) (status int) {
	p.Helper()
	newRequest := func(method string) *http.Request {
		req, err := http.NewRequestWithContext(p.Context(), method, p.origin+target, strings.NewReader(body))
		if err != nil {
			p.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		if body == "" {
			req.Body = http.NoBody
		}
		return req
	}
	resp, err := http.DefaultClient.Do(newRequest(method))
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	received, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}

	req := newRequest(described)
	route, params, err := p.router.FindRoute(req)
	if err != nil {
		p.Fatalf("%s %s: %v", described, target, err)
	}
	if resp.StatusCode < 300 {
		if _, err := p.request(req); err != nil {
			p.Errorf("%s %s %s succeeds, but does not fit: %v", method, target, body, err)
		}
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	if err := p.response(in, resp, received); err != nil {
		p.Errorf("%s %s %.50s: %d %s: %v", method, target, body, resp.StatusCode, received, err)
	}
	delete(p.unseen, fmt.Sprint(route.Operation.OperationID, " ", resp.StatusCode))
	return resp.StatusCode
}

// TestControlResponses checks a response of each operation with each status that the
// description has.
func TestControlResponses(t *testing.T) {
	t.Parallel()
	doc := loadControl(t)
	server := newFake(leedotest.WithPlan(leedotest.Free))
	port := httptest.NewServer(server.ControlHandler())
	defer port.Close()
	p := &controlPort{t, newChecker(t, doc), server, port.URL, map[string]bool{}}

	described := 0
	for path, item := range doc.Paths.Map() {
		target := strings.NewReplacer("{kind}", "leads", "{id}", "lead").Replace(path)
		for method, op := range item.Operations() {
			for status := range op.Responses.Map() {
				p.unseen[op.OperationID+" "+status] = true
				described++
			}
			for _, tt := range []struct {
				method, query, body, token string
				status                     int
			}{
				{method, "", "", "wrong", 401},
				{method, "?unknown=1", "", server.Token(), 400},
				{"PUT", "", "", server.Token(), 405},
				{method, "", strings.Repeat(" ", 1<<20+1), server.Token(), 413},
			} {
				if status := p.send(tt.method, method, target+tt.query, tt.body, tt.token); status != tt.status {
					t.Errorf("%s %s%s: status %d, want %d", tt.method, target, tt.query, status, tt.status)
				}
			}
		}
	}
	if described < 70 {
		t.Errorf("only %d responses are described", described)
	}

	if _, err := server.Client().Leads.List(t.Context(), nil); err != nil { // for the list of requests
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method, target, body string
		status               int
	}{
		{"POST", "/faults", `{"method":"GET","path":"/leads","chance":0.5,"after":1,"times":-1,"processed":true,"status":500,` +
			`"header":{"Retry-After":["5"]},"body":"four","latency":"1s","truncate":1,"bytes_per_second":9}`, 201},
		{"POST", "/faults", `{"drop":true}`, 201},
		{"GET", "/faults", "", 200},
		{"DELETE", "/faults", "", 204},
		{"GET", "/requests?method=GET&path=/leads&status=200", "", 200},
		{"GET", "/records/leads", "", 200},
		{"GET", "/records/deals", "", 404},
		{"POST", "/records/leads", `{"id":"new","name":5,"created_at":"2025-10-01T12:00:00Z"}`, 201},
		{"POST", "/records/leads", `{"id":"new"}`, 409},
		{"POST", "/records/deals", `{}`, 404},
		{"PATCH", "/records/leads/new", `{"status":null,"created_at":"today","updated_at":null}`, 200},
		{"PATCH", "/records/leads/none", `{}`, 404},
		{"GET", "/records/leads", "", 200},
		{"DELETE", "/records/leads/new", "", 204},
		{"DELETE", "/records/leads/none", "", 404},
		{"GET", "/plan", "", 200},
		{"POST", "/plan", `{"limit":3,"window":"10m"}`, 200},
		{"POST", "/plan", `{"plan":"duo"}`, 200},
		{"POST", "/plan", `{"plan":"none"}`, 200},
		{"POST", "/clock", `{"advance":"1h"}`, 200},
		{"GET", "/clock", "", 200},
		{"POST", "/reset", "", 204},
		{"POST", "/reset", "{}", 204},
		{"GET", "/openapi.json", "", 200},
	} {
		if status := p.send(tt.method, tt.method, "/_fake"+tt.target, tt.body, server.Token()); status != tt.status {
			t.Errorf("%s %s: status %d, want %d", tt.method, tt.target, status, tt.status)
		}
	}
	for response := range p.unseen {
		t.Errorf("%s is described, but was not seen", response)
	}
}

// TestControlDescriptionFaults checks that faults which the fake refuses because of an
// unknown name do not fit the description either.
func TestControlDescriptionFaults(t *testing.T) {
	t.Parallel()
	check := newChecker(t, loadControl(t))
	for body, fits := range map[string]bool{
		`{"status":500}`: true, `{"Status":500}`: false, `{"status":"500"}`: false,
		`{"status":500,"applied":1}`: false, `{"status":500,"after":-1}`: false, `{"drop":true,"chance":2}`: false,
	} {
		req := newRequest(t, "POST", "/_fake/faults", []byte(body))
		req.URL.Path = "/_fake/faults"
		if _, err := check.request(req); (err == nil) != fits {
			t.Errorf("%s: %v", body, err)
		}
		err := new(leedotest.Fault).UnmarshalJSON([]byte(body))
		if (err == nil) != fits {
			t.Errorf("%s: the fake says %v", body, err)
		}
	}
}
