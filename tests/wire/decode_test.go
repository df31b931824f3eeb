package wire_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// quoted stands in all bodies of these tests and in no error.
const quoted = "J0hn_D0e"

// unusable checks that a response is rejected as unusable, with a text without
// anything of its body.
func unusable(t *testing.T, err error, method, path, body string) *leedo.DecodeError {
	t.Helper()
	decode, ok := errors.AsType[*leedo.DecodeError](err)
	if !ok {
		t.Errorf("%v, want a DecodeError", err)
		return &leedo.DecodeError{}
	}
	if decode.Method != method || decode.Path != path || string(decode.Body) != body || decode.Err == nil {
		t.Errorf("got %s %s, body %q, cause %v; want %s %s, %q", decode.Method, decode.Path, decode.Body, decode.Err, method, path, body)
	}
	if support.Is[*leedo.APIError](err) || support.Is[*leedo.TransportError](err) {
		t.Errorf("%v is more than a DecodeError", err)
	}
	page := strings.HasPrefix(body, "<") || strings.HasPrefix(body, quoted) // what an API does not send
	if unknown := support.Is[*leedo.UnknownOutcomeError](err); unknown != (page && method != "GET") {
		t.Errorf("%v: unknown outcome: %v", err, unknown)
	}
	for _, shown := range support.AllForms(t, err) {
		if strings.Contains(shown, quoted) || strings.Contains(shown, "424242") {
			t.Errorf("the body is quoted: %s", shown)
		}
	}
	if text := decode.Error(); strings.Contains(text, "\n") || !strings.HasPrefix(text, "leedo: "+method+" "+path+": unusable response ") {
		t.Errorf("text %q", text)
	}
	return decode
}

// A success that is neither a record nor a page fails reads, lists and writes
// with a DecodeError.
func TestASuccessMustBeWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	const object = `{"id":"x","name":"` + quoted + `"}`
	tests := []struct {
		name         string
		status       int
		contentType  string
		body         string
		onlyRecord   bool // a page may look so
		text         string
		anotherError bool // for lists the text is another
	}{
		{"HTML", 200, "text/html; charset=utf-8", "<html>" + quoted, false, "not JSON, according to its Content-Type", false},
		{"a malformed content type", 200, "text/html; charset", "<" + object, false, "not JSON, according to its Content-Type", false},
		{"empty", 200, "application/json", "", false, "empty body", false},
		{"space", 200, "application/json", " \r\n\t", false, "empty body", false},
		{"204", 204, "", "", false, "empty body", false},
		{"trailing garbage", 200, "application/json", object + quoted, false, "invalid JSON at offset ", false},
		{"two values", 200, "application/json", object + object, false, "invalid JSON at offset ", false},
		{"cut", 200, "application/json", object[:len(object)-1], false, "JSON is truncated", false},
		{"text", 200, "application/json", quoted, false, "invalid JSON at offset 1", false},
		{"an array", 200, "application/json", "[" + object + "]", false, "cannot decode a JSON array as an object", false},
		{"a JSON text", 200, "application/json", `"` + quoted + `"`, false, "cannot decode a JSON string as an object", false},
		{"a number", 200, "application/json", "424242", false, "cannot decode a JSON number as an object", false},
		{"null", 200, "application/json", "null", false, "an object without an id", true},
		{"no id", 200, "application/json", `{"name":"` + quoted + `"}`, false, "an object without an id", true},
		{"an empty id", 200, "application/json", `{"id":"","name":"` + quoted + `"}`, false, "an object without an id", true},
		{"a null id", 200, "application/json", `{"id":null,"name":"` + quoted + `"}`, false, "an object without an id", true},
		{"wrapped", 200, "application/json", `{"lead":` + object + `}`, false, "an object without an id", true},
		{"a list as id", 200, "application/json", `{"id":[424242]}`, true, `field "id": cannot decode a JSON array as a string`, false},
		{"an object as name", 200, "application/json", `{"id":"x","name":{"first":"` + quoted + `"}}`, true, `field "name": cannot decode a JSON object as a string`, false},
		{"a boolean as name", 200, "application/json", `{"id":"x","name":true}`, true, `field "name": cannot decode a JSON boolean as a string`, false},
		{"words as time", 200, "application/json", `{"id":"x","created_at":"` + quoted + `"}`, true, `field "created_at": cannot decode a JSON string as a time`, false},
		{"a number as time", 200, "application/json", `{"id":"x","created_at":424242}`, true, `field "created_at": cannot decode a JSON number as a time`, false},
		{"no UTF-16", 200, "application/json", `{"id":"x","name":"` + quoted + `"` + "\x00}", false, "invalid JSON at offset", false},
		{"206", 206, "application/json", object[:10], false, "JSON is truncated", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, rec := support.InMemory(t, nil, support.Respond(tt.status, tt.body, "Content-Type", tt.contentType))
			check := func(err error, method, path string, alike bool) {
				t.Helper()
				decode := unusable(t, err, method, path, tt.body)
				if decode.StatusCode != tt.status || decode.ContentType != tt.contentType {
					t.Errorf("status %d, content type %q", decode.StatusCode, decode.ContentType)
				}
				if alike && err != nil && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%v does not say %q", err, tt.text)
				}
			}
			lead, err := client.Leads.Get(t.Context(), "x")
			check(err, "GET", "/leads/{id}", true)
			created, createErr := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "n"})
			check(createErr, "POST", "/leads", true)
			updated, updateErr := client.Leads.Update(t.Context(), "x", &leedo.LeadUpdateParams{Name: new("n")})
			check(updateErr, "PATCH", "/leads/{id}", true)
			if lead != nil || created != nil || updated != nil {
				t.Error("a lead beside the error")
			}
			n := 3
			if !tt.onlyRecord {
				page, err := client.Leads.List(t.Context(), nil)
				check(err, "GET", "/leads", !tt.anotherError)
				if page != nil {
					t.Error("a page beside the error")
				}
				n++
			}
			if got := len(rec.Requests()); got != n {
				t.Errorf("%d requests for %d calls", got, n)
			}
		})
	}
}

func TestAPageMustBeAPage(t *testing.T) {
	t.Parallel()
	const meta = `"meta":{"total":2,"page":1,"per_page":20}`
	for body, text := range map[string]string{
		`{` + meta + `}`:                                       "not a page: data is missing",
		`{"data":null,` + meta + `}`:                           "not a page: data is missing",
		`{"leads":[{"id":"` + quoted + `"}]}`:                  "not a page: data is missing",
		`{"data":{"id":"` + quoted + `"},` + meta + `}`:        `field "data": cannot decode a JSON object as a list`,
		`{"data":["` + quoted + `"],` + meta + `}`:             `item 1: cannot decode a JSON string as an object`,
		`{"data":[{"id":"x"},{"name":"n"}],` + meta + `}`:      "item 2 has no id",
		`{"data":[{"id":"x"},null],` + meta + `}`:              "item 2 has no id",
		`{"data":[],"meta":{"total":"` + quoted + `"}}`:        `field "meta.total": cannot decode a JSON string as an integer`,
		`{"data":[],"meta":{"total":424242424242424242424}}`:   `field "meta.total": cannot decode a JSON number as an integer`,
		`{"data":[],"meta":[1]}`:                               `field "meta": cannot decode a JSON array as an object`,
		`{"data":[{"id":"x","leads_count":1.5}],` + meta + `}`: `item 1, field "leads_count": cannot decode a JSON number as an integer`,
	} {
		client, _ := support.InMemory(t, nil, support.Respond(200, body))
		page, err := client.Campaigns.List(t.Context(), nil)
		unusable(t, err, "GET", "/campaigns", body)
		if page != nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", body, err, text)
		}
		for campaign, err := range client.Campaigns.All(t.Context(), nil) {
			if campaign != nil || !support.Is[*leedo.DecodeError](err) {
				t.Errorf("%s: All yields %v, %v", body, campaign, err)
			}
		}
	}
}

// JSON is read whatever its Content-Type: some servers send another one, or
// none.
func TestJSONByAnyNameIsJSON(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{
		"application/json", "application/json; charset=utf-8", "Application/JSON", "application/vnd.leedo.v1+json", "text/json", "application/json; charset", "", "text/plain", "text/html; charset=utf-8", "application/octet-stream",
	} {
		client, _ := support.InMemory(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil // none is guessed
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			w.Write([]byte("\n " + support.LeadJSON + " \r\n"))
		})
		if lead, err := client.Leads.Get(t.Context(), support.LeadID); err != nil || lead.ID != support.LeadID {
			t.Errorf("%q: %+v, %v", contentType, lead, err)
		}
	}
}

func TestDoDecodesOnlyWhatItIsGiven(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status            int
		contentType, body string
	}{{200, "application/json", "{}"}, {201, "text/html", "<html>"}, {202, "", ""}, {204, "", ""}, {200, "application/json", "{"}, {299, "", "x"}} {
		client, _ := support.InMemory(t, nil, support.Respond(tt.status, tt.body, "Content-Type", tt.contentType))
		for _, method := range []string{"GET", "DELETE", "POST", "HEAD"} {
			page := tt.body == "<html>" && (method == "DELETE" || method == "POST")
			if err := client.Do(t.Context(), method, "/leads/x", nil, nil); (err != nil) != page || support.Is[*leedo.UnknownOutcomeError](err) != page {
				t.Errorf("%s, %d %q without out: %v", method, tt.status, tt.body, err)
			}
		}
		out := map[string]any{}
		if err := client.Do(t.Context(), "DELETE", "/leads/x", nil, &out); tt.body == "{}" && err != nil || tt.body != "{}" && !support.Is[*leedo.DecodeError](err) {
			t.Errorf("%d %q with out: %v", tt.status, tt.body, err)
		}
	}
	// What is decoded need be neither an object nor have an id.
	client, _ := support.InMemory(t, nil, support.Respond(200, `[1,2]`))
	var numbers []int
	if err := client.Do(t.Context(), "GET", "/numbers", nil, &numbers); err != nil || len(numbers) != 2 {
		t.Errorf("%v, %v", numbers, err)
	}
}

// A response that is larger than allowed is not kept, compressed or not.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	large := `{"id":"x","name":"` + strings.Repeat("a", 200<<10) + `"}`
	plain := support.Respond(200, large)
	zipped := func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(large))
		z.Close()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(b.Bytes())
	}
	for name, handler := range map[string]http.HandlerFunc{"plain": plain, "gzip": zipped} {
		server := support.Serve(t, handler)
		for _, tt := range []struct {
			limit int
			ok    bool
		}{{len(large), true}, {len(large) - 1, false}, {1, false}} {
			client := server.Client(t, leedo.WithMaxResponseBytes(int64(tt.limit)))
			for method, call := range map[string]func() error{
				"GET":  func() error { return support.ErrorOf(client.Leads.Get(t.Context(), "x")) },
				"POST": func() error { return support.Create(context.WithoutCancel(t.Context()), client) },
			} {
				err := call()
				if tt.ok {
					if err != nil {
						t.Errorf("%s, %s within %d bytes: %v", name, method, tt.limit, err)
					}
					continue
				}
				path := map[string]string{"GET": "/leads/{id}", "POST": "/leads"}[method]
				decode := unusable(t, err, method, path, large[:min(tt.limit, 64<<10)])
				if !strings.Contains(err.Error(), "larger than the maximum") || decode.StatusCode != 200 {
					t.Errorf("%s, %s: %v", name, method, err)
				}
			}
		}
	}
}
