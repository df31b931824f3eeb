package leedotest_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// controlled serves s with its control interface on a port until the test ends.
func controlled(t *testing.T, s *leedotest.Server) front {
	t.Helper()
	control := s.ControlHandler()
	return overHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_fake/") {
			control.ServeHTTP(w, r)
		} else {
			s.ServeHTTP(w, r)
		}
	}))
}

// ask sends a request to the control interface and checks the status.
func ask(t *testing.T, f front, status int, method, target, body string, headers ...string) reply {
	t.Helper()
	r := f.do(t, method, "/_fake"+target, body, headers...)
	if r.StatusCode != status {
		t.Fatalf("%s %s %s: status %d, want %d: %s", method, target, body, r.StatusCode, status, r.body)
	}
	return r
}

// description is what the tests read of the description of the control interface.
type description struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas map[string]struct{ Properties map[string]any }
	}
}

func describe(t *testing.T, f front) (d description) {
	t.Helper()
	if err := json.Unmarshal([]byte(ask(t, f, 200, "GET", "/openapi.json", "").body), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Paths) != 8 {
		t.Fatalf("%d paths", len(d.Paths))
	}
	return d
}

// controlTarget returns a path of the description with a kind and an id, without
// /_fake.
func controlTarget(path string) string {
	return strings.NewReplacer("/_fake", "", "{kind}", "leads", "{id}", leadID).Replace(path)
}

// The description has the methods that the control interface has, and no others.
func TestControlDescription(t *testing.T) {
	t.Parallel()
	f := controlled(t, leedotest.NewServer())
	for path, operations := range describe(t, f).Paths {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			r := f.do(t, method, "/_fake"+controlTarget(path), "")
			if _, described := operations[strings.ToLower(method)]; described != (r.StatusCode != 405) {
				t.Errorf("%s %s: status %d, described: %v", method, path, r.StatusCode, described)
			}
			if allow := strings.Split(r.Header.Get("Allow"), ", "); r.StatusCode == 405 && (allow[0] == "" || slices.Contains(allow, method)) {
				t.Errorf("%s %s: Allow %q", method, path, allow)
			}
		}
	}
	checkError(t, ask(t, f, 404, "GET", "/unknown", ""), 404, "not_found", "/_fake/unknown")
	checkError(t, ask(t, f, 404, "GET", "/records/deals", ""), 404, "not_found", "/records/deals")
}

// The description of a fault has all fields of Fault but When.
func TestControlDescribesEachFieldOfFault(t *testing.T) {
	t.Parallel()
	f := controlled(t, leedotest.NewServer())
	described := describe(t, f).Components.Schemas["Fault"].Properties
	delete(described, "applied") // only in the list
	fields := reflect.TypeFor[leedotest.Fault]()
	for field := range fields.Fields() {
		name := strings.ReplaceAll(strings.ToLower(field.Name), "bytespersecond", "bytes_per_second")
		if described[name] == nil && name != "when" {
			t.Errorf("%s is not described", name)
		}
		delete(described, name)
	}
	if len(described) > 0 {
		t.Errorf("no fields of Fault: %v", described)
	}
	const all = `{"method":"POST","path":"/leads/{id}","chance":0.5,"after":1,"times":-1,"processed":true,` +
		`"status":500,"header":{"Retry-After":["5"]},"body":"four","latency":"1m0s","truncate":3,"bytes_per_second":10}`
	for _, text := range []string{all, `{"drop":true}`} {
		if got := ask(t, f, 201, "POST", "/faults", text).body; got != text {
			t.Errorf("added %s", got)
		}
	}
	var fault leedotest.Fault
	if err := json.Unmarshal([]byte(all), &fault); err != nil || fault.Latency != time.Minute || fault.Header.Get("Retry-After") != "5" {
		t.Errorf("%+v, %v", fault, err)
	}
}

// Without the token there is nothing but a 401, and nothing changes.
func TestControlUnauthorized(t *testing.T) {
	t.Parallel()
	s := documented(leedotest.WithPlan(leedotest.Free))
	f := controlled(t, s)
	paths := describe(t, f).Paths
	paths["/_fake/unknown"] = nil
	for path := range paths {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			for _, authorization := range []string{"", "Bearer wrong", "Bearer", "Basic " + s.Token(), s.Token()} {
				r := ask(t, f, 401, method, controlTarget(path), `{"advance":"1h","status":500}`, "Authorization", authorization)
				if want := `{"error":{"code":"unauthorized","message":"invalid or missing API token"}}`; method != "HEAD" && r.body != want {
					t.Errorf("%s %s with %q: %s", method, path, authorization, r.body)
				}
			}
		}
	}
	if len(s.Leads()) != 1 || s.Pending() != nil {
		t.Errorf("%d leads, faults %v", len(s.Leads()), s.Pending())
	}
	if got := fields(t, ask(t, f, 200, "GET", "/clock", "").body)["advanced"]; got != "0s" {
		t.Errorf("the clock was advanced by %v", got)
	}
}

// Requests to the control interface cost no quota, match no fault and are not
// logged.
func TestControlIsApart(t *testing.T) {
	t.Parallel()
	s := documented(leedotest.WithPlan(leedotest.Free))
	s.Inject(leedotest.Fault{Status: 500, Times: -1})
	f := controlled(t, s)
	ask(t, f, 200, "GET", "/requests", "")
	r := ask(t, f, 200, "GET", "/plan", "")
	if got := fields(t, r.body); got["remaining"] != 100.0 || got["plan"] != "free" {
		t.Errorf("%v", got)
	}
	if len(s.Requests()) != 0 || len(s.Pending()) != 1 || r.Header.Get("X-RateLimit-Limit") != "" {
		t.Errorf("%d requests, %d faults, %v", len(s.Requests()), len(s.Pending()), r.Header)
	}
}

// What is invalid gets an error that says why, and changes nothing.
func TestControlBadInput(t *testing.T) {
	t.Parallel()
	s := documented(leedotest.WithPlan(leedotest.Free))
	f := controlled(t, s)
	for _, test := range []struct{ method, target, body, message string }{
		{"POST", "/faults", ``, "not valid JSON"},
		{"POST", "/faults", `{`, "not valid JSON"},
		{"POST", "/faults", `[]`, "must be a JSON object"},
		{"POST", "/faults", `null`, "must be a JSON object"},
		{"POST", "/faults", `{"status":500} {}`, "something follows"},
		{"POST", "/faults", `{}`, "no effect: set status, drop, header, body, latency, truncate or bytes_per_second"},
		{"POST", "/faults", `{"status":500,"when":"always"}`, `unknown field "when"`},
		{"POST", "/faults", `{"Status":500}`, `unknown field "Status"`},
		{"POST", "/faults", `{"status":500,"TIMES":2}`, `unknown field "TIMES"`},
		{"POST", "/faults", `{"status":500,"bytesPerSecond":2}`, `unknown field "bytesPerSecond"`},
		{"POST", "/faults", `{"drop":true,"times":null}`, "times: null is not allowed"},
		{"POST", "/faults", `{"header":{"A":null}}`, "header: null is not allowed"},
		{"POST", "/faults", `{"header":{"A":["b",null]}}`, "header: null is not allowed"},
		{"POST", "/faults", `{"status":500,"status":400}`, `"status" is given twice`},
		{"POST", "/faults", `{"header":{"A":["b"],"A":["c"]}}`, `"A" is given twice`},
		{"POST", "/faults", `{"header":{"X-A":["1"],"x-a":["2"]}}`, "header has X-A twice"},
		{"POST", "/faults", `{"header":{"Content-Length":["7"]}}`, "header can have Content-Length only with the value 0"},
		{"POST", "/faults", `{"drop":true,"status":500}`, "drop sends no response: status, header, body, truncate and bytes_per_second cannot be set, too"},
		{"POST", "/faults", `{"status":204,"body":"x"}`, "status 204 has no body: body, truncate, bytes_per_second and Content-Length cannot be set, too"},
		{"POST", "/faults", `{"status":200,"truncate":5}`, "status 200 has an empty body: truncate and bytes_per_second need body"},
		{"POST", "/faults", `{"status":500,"path":"/v1/Status"}`, `path "/v1/Status" must not`},
		{"POST", "/faults", `{"status":"500"}`, "status must be an integer"},
		{"POST", "/faults", `{"status":50}`, "status 50 must be from 200 to 999"},
		{"POST", "/faults", `{"status":500,"chance":2}`, "chance 2 must be from 0 to 1"},
		{"POST", "/faults", `{"status":500,"chance":"often"}`, "chance must be a number"},
		{"POST", "/faults", `{"status":500,"after":-1}`, "after must not be negative"},
		{"POST", "/faults", `{"status":500,"path":"leads"}`, `path "leads" must start with one slash`},
		{"POST", "/faults", `{"status":500,"path":"/leads?page=2"}`, `path "/leads?page=2" must not have a query`},
		{"POST", "/faults", `{"status":500,"method":"get"}`, `method "get" must be in capital letters`},
		{"POST", "/faults", `{"status":500,"processed":1}`, "processed must be true or false"},
		{"POST", "/faults", `{"latency":"long"}`, `latency "long" must be a positive duration`},
		{"POST", "/faults", `{"status":500,"latency":""}`, `latency "" must be a positive duration`},
		{"POST", "/faults", `{"latency":"-1s"}`, `latency "-1s" must be a positive duration`},
		{"POST", "/faults", `{"bytes_per_second":-1}`, "bytes_per_second must not be negative"},
		{"POST", "/faults", `{"header":{"A b":["c"]}}`, `header "A b" is not valid`},
		{"POST", "/faults", `{"header":{"A(b":["c"]}}`, `header "A(b" is not valid`}, // net/http would not send it
		{"POST", "/faults", `{"header":{"A":["\u0001"]}}`, `header "A" is not valid`},
		{"POST", "/faults", `{"header":["c"]}`, "header must be an object of arrays of strings"},
		{"POST", "/faults", `{"header":{"A":"c"}}`, "header must be an object of arrays of strings"},
		{"POST", "/faults", `{"header":{"A":[5]}}`, "header must be an object of arrays of strings"},
		{"POST", "/faults?times=3", `{"status":500}`, `unknown query parameter "times"`},
		{"DELETE", "/faults", `{"status":500}`, "DELETE takes no body"},
		{"GET", "/requests?verb=GET", ``, `unknown query parameter "verb"`},
		{"GET", "/requests?status=ok", ``, "status must be a status code"},
		{"GET", "/requests?status=1000", ``, "status must be a status code"},
		{"GET", "/requests?path=leads", ``, `path "leads" must start with one slash`},
		{"GET", "/requests?path=/leads&path=/", ``, "more than once"},
		{"GET", "/requests?%zz", ``, "the query is malformed"},
		{"POST", "/records/leads", `{"id":7}`, "id must be a non-empty string"},
		{"POST", "/records/leads", `{"id":""}`, "id must be a non-empty string"},
		{"POST", "/records/leads", `{"created_at":"today"}`, "created_at must be a time"},
		{"POST", "/records/leads", `{"updated_at":null}`, "updated_at must be a time"},
		{"POST", "/records/leads", `{"updated_at":1759320000}`, "updated_at must be a time"},
		{"POST", "/records/leads", `{"created_at":"0001-01-01T00:00:00Z"}`, "created_at must be a time"},
		{"POST", "/records/leads", `{"created_at":"2025-10-01 12:00:00"}`, "created_at must be a time"},
		{"POST", "/records/leads", `{"created_at":"2025-02-30T12:00:00Z"}`, "created_at must be a time"},
		{"POST", "/records/leads", `{"created_at":"0000-01-01T00:00:00+14:00"}`, "created_at must be a time"}, // the year before 0
		{"POST", "/records/leads", `{"updated_at":"9999-12-31T23:59:59-14:00"}`, "updated_at must be a time"},
		{"POST", "/records/leads", `{"name":"Jane","name":"Max"}`, `"name" is given twice`},
		{"POST", "/records/leads", `{"custom":[{"a":1,"b":2},{"a":1,"a":2}]}`, `"a" is given twice`},
		{"PATCH", "/records/leads/" + leadID, `{"name":"Jane","name":"Max"}`, `"name" is given twice`},
		{"PATCH", "/records/leads/" + leadID, `{"id":"other"}`, "id cannot be changed"},
		{"POST", "/plan", `{}`, "set either plan, or limit"},
		{"POST", "/plan", `{"plan":"free","limit":1}`, "set either plan, or limit"},
		{"POST", "/plan", `{"plan":"free","window":"1h"}`, "window needs limit"},
		{"POST", "/plan", `{"plan":"gold"}`, "plan must be free, duo, pro or none"},
		{"POST", "/plan", `{"Plan":"free"}`, `unknown field "Plan"`},
		{"POST", "/plan", `{"plan":"Free"}`, "plan must be free, duo, pro or none"},
		{"POST", "/plan", `{"limit":-1}`, "limit must not be negative"},
		{"POST", "/plan", `{"limit":1.5}`, "limit must be an integer"},
		{"POST", "/plan", `{"limit":1,"window":""}`, `window "" must be a positive duration`},
		{"POST", "/plan", `{"plan":"free","window":""}`, `window "" must be a positive duration`},
		{"POST", "/plan", `{"limit":1,"window":"0s"}`, `window "0s" must be a positive duration`},
		{"POST", "/clock", `{}`, `advance "" must be a positive duration`},
		{"POST", "/clock", `{"Advance":"1h"}`, `unknown field "Advance"`},
		{"POST", "/clock", `{"advance":"1h","advance":"1h"}`, `"advance" is given twice`},
		{"POST", "/clock", `{"advance":3600}`, "advance must be a string"},
		{"POST", "/clock", `{"advance":"-1h"}`, `advance "-1h" must be a positive duration`},
		{"POST", "/clock", `{"advance":"900000h"}`, "by 100 years in all"},
		{"POST", "/reset", `{"hard":true}`, `unknown field "hard"`},
	} {
		r := ask(t, f, 400, test.method, test.target, test.body)
		checkError(t, r, 400, "bad_request", test.message)
	}
	checkError(t, ask(t, f, 409, "POST", "/records/accounts", `{"id":"`+leadID+`"}`), 409, "conflict", "PATCH changes it")
	checkError(t, ask(t, f, 404, "PATCH", "/records/accounts/"+leadID, `{}`), 404, "not_found", "no such account")
	checkError(t, ask(t, f, 404, "DELETE", "/records/accounts/"+leadID, ``), 404, "not_found", "no such account")
	checkError(t, ask(t, f, 413, "POST", "/faults", strings.Repeat(" ", 1<<20+1)), 413, "request_entity_too_large", "more than")
	if s.Pending() != nil || len(s.Leads()) != 1 || s.Leads()[0].Name != "John Doe" {
		t.Errorf("%v, %v", s.Pending(), s.Leads())
	}
}
