package leedo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/leedoapp/leedo-go"
)

// is reports whether an error of type E is in err.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// failing returns the errors of a GET and a POST that get the response.
func failing(t *testing.T, response http.HandlerFunc) (get, post error) {
	t.Helper()
	client, _ := inMemory(t, []leedo.Option{leedo.WithRetries(0), leedo.WithoutRateLimiter()}, response)
	lead, get := client.Leads.Get(t.Context(), "x")
	if lead != nil {
		t.Errorf("%+v beside the error %v", lead, get)
	}
	lead, post = client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "n"})
	if lead != nil {
		t.Errorf("%+v beside the error %v", lead, post)
	}
	return get, post
}

// Each status has the documented error type. The error and the *APIError in it
// describe the same response.
func TestEachStatusHasItsType(t *testing.T) {
	t.Parallel()
	types := []struct {
		name string
		is   func(error) bool
	}{
		{"BadRequestError", is[*leedo.BadRequestError]},
		{"UnauthorizedError", is[*leedo.UnauthorizedError]},
		{"ForbiddenError", is[*leedo.ForbiddenError]},
		{"NotFoundError", is[*leedo.NotFoundError]},
		{"RateLimitError", is[*leedo.RateLimitError]},
		{"ServerError", is[*leedo.ServerError]},
		{"DecodeError", is[*leedo.DecodeError]},
		{"TransportError", is[*leedo.TransportError]},
	}
	tests := []struct {
		status  int
		name    string // "": *APIError alone
		unknown bool   // whether a write may have been done
	}{
		{300, "", false}, {301, "", false}, {302, "", true}, {303, "", true}, {304, "", false}, {307, "", false}, {308, "", false}, {399, "", false},
		{400, "BadRequestError", false}, {401, "UnauthorizedError", false}, {402, "", false}, {403, "ForbiddenError", false},
		{404, "NotFoundError", false}, {405, "", false}, {408, "", true}, {409, "", false}, {410, "", false}, {418, "", false},
		{422, "", false}, {425, "", false}, {429, "RateLimitError", false}, {451, "", false}, {499, "", false},
		{500, "ServerError", true}, {501, "ServerError", true}, {502, "ServerError", true}, {503, "ServerError", true},
		{504, "ServerError", true}, {599, "ServerError", true}, {600, "", true}, {999, "", true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			t.Parallel()
			get, post := failing(t, respond(tt.status, `{"error":{"code":"c","message":"m"}}`, "X-Request-Id", "req_9"))
			for method, err := range map[string]error{"GET": get, "POST": post} {
				api, ok := errors.AsType[*leedo.APIError](err)
				if !ok {
					t.Fatalf("%s: %v is no *APIError", method, err)
				}
				path := map[string]string{"GET": "/leads/{id}", "POST": "/leads"}[method]
				code, message := "c", "m"
				if slices.Contains([]int{301, 302, 303, 307, 308}, tt.status) {
					code, message = "", "redirect to a missing or invalid Location not followed"
				}
				if api.StatusCode != tt.status || api.Code != code || api.Message != message || api.RequestID != "req_9" ||
					api.Method != method || api.Path != path || api.Attempts != 1 {
					t.Errorf("%s: %#v", method, api)
				}
				if api.Header.Get("X-Request-Id") != "req_9" || string(api.Body) != `{"error":{"code":"c","message":"m"}}` {
					t.Errorf("%s: header %v, body %q", method, api.Header, api.Body)
				}
				for _, typ := range types {
					if typ.is(err) != (typ.name == tt.name) {
						t.Errorf("%s: %v is a %s: %v", method, err, typ.name, typ.is(err))
					}
				}
				if unknown := is[*leedo.UnknownOutcomeError](err); unknown != (tt.unknown && method == "POST") {
					t.Errorf("%s: unknown outcome: %v", method, unknown)
				}
				if errors.Is(err, leedo.ErrInvalidArgument) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v matches what it is not", method, err)
				}
			}
		})
	}
}

// The typed errors unwrap to the *APIError that they embed, and have its text.
func TestTypesUnwrapToTheirAPIError(t *testing.T) {
	t.Parallel()
	api := leedo.APIError{StatusCode: 404, Code: "c", Method: "GET", Path: "/x", Attempts: 1}
	for _, err := range []error{
		&leedo.BadRequestError{APIError: api}, &leedo.UnauthorizedError{APIError: api}, &leedo.ForbiddenError{APIError: api},
		&leedo.NotFoundError{APIError: api}, &leedo.ServerError{APIError: api},
	} {
		got, ok := errors.AsType[*leedo.APIError](fmt.Errorf("mine: %w", err))
		if !ok || got.Code != "c" || err.Error() != api.Error() {
			t.Errorf("%T unwraps to %#v, says %v", err, got, err)
		}
	}
}

func TestErrorsReadAsOneLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		answer    http.HandlerFunc
		get, post string
	}{
		{
			respond(404, `{"error":{"code":"not_found","message":"no such lead"}}`, "X-Request-Id", "req_9"),
			"leedo: GET /leads/{id}: 404 not_found: no such lead (request req_9, 1 attempt)",
			"leedo: POST /leads: 404 not_found: no such lead (request req_9, 1 attempt)",
		},
		{
			respond(400, `{"message":"email is malformed"}`),
			"leedo: GET /leads/{id}: 400: email is malformed (1 attempt)",
			"leedo: POST /leads: 400: email is malformed (1 attempt)",
		},
		{
			respond(403, `{"code":"plan"}`),
			"leedo: GET /leads/{id}: 403 plan (1 attempt)",
			"leedo: POST /leads: 403 plan (1 attempt)",
		},
		{
			respond(401, ""),
			"leedo: GET /leads/{id}: 401 Unauthorized (1 attempt)",
			"leedo: POST /leads: 401 Unauthorized (1 attempt)",
		},
		{
			respond(500, `{"error":{"code":"internal","message":"sorry"}}`),
			"leedo: GET /leads/{id}: 500 internal: sorry (1 attempt)",
			"leedo: POST /leads: outcome unknown: 500 internal: sorry (1 attempt)",
		},
		{
			respond(429, `{"error":{"code":"rate_limited","message":"slow down"}}`),
			"leedo: GET /leads/{id}: 429 rate_limited: slow down (1 attempt)",
			"leedo: POST /leads: 429 rate_limited: slow down (1 attempt)",
		},
		{
			respond(307, "", "Location", "https://evil.example/v1/leads?x=y"),
			"leedo: GET /leads/{id}: 307: redirect to https://evil.example:443 not followed (1 attempt)",
			"leedo: POST /leads: 307: redirect to https://evil.example:443 not followed (1 attempt)",
		},
		{
			respond(200, `[1]`),
			"leedo: GET /leads/{id}: unusable response 200: cannot decode a JSON array as an object (1 attempt)",
			"leedo: POST /leads: unusable response 200: cannot decode a JSON array as an object (1 attempt)",
		},
		{
			respond(201, `{"success":false}`),
			"leedo: GET /leads/{id}: 201: the response reports a failure (1 attempt)",
			"leedo: POST /leads: outcome unknown: 201: the response reports a failure (1 attempt)",
		},
	}
	for _, tt := range tests {
		get, post := failing(t, tt.answer)
		if get.Error() != tt.get {
			t.Errorf("got  %v\nwant %s", get, tt.get)
		}
		if post.Error() != tt.post {
			t.Errorf("got  %v\nwant %s", post, tt.post)
		}
	}
}

// The code and the message of an error are found in each form in which the API
// may send them.
func TestErrorBodiesOfAnyShape(t *testing.T) {
	t.Parallel()
	const problem = "application/problem+json"
	deep := strings.Repeat(`{"error":`, 20_000) + `"x"` + strings.Repeat("}", 20_000)
	tests := []struct {
		name, contentType, body string
		code, message           string
	}{
		{"code and message", "", `{"error":{"code":"not_found","message":"no such lead"}}`, "not_found", "no such lead"},
		{"text", "", `{"error":"no such lead"}`, "", "no such lead"},
		{"message", "", `{"message":"no such lead"}`, "", "no such lead"},
		{"message and code", "", `{"code":"not_found","message":"no such lead"}`, "not_found", "no such lead"},
		{"list of texts", "", `{"errors":["name is empty","email is malformed"]}`, "", "name is empty; email is malformed"},
		{"list of objects", "", `{"errors":[{"field":"name","message":"is empty"},{"message":"email is malformed"}]}`, "", "name: is empty; email is malformed"},
		{"list beside a message", "", `{"message":"invalid","errors":[{"field":"name","message":"is empty"}]}`, "", "invalid: name: is empty"},
		{"by field", "", `{"errors":{"name":["is empty","is short"],"email":"is malformed"}}`, "", "email: is malformed; name: is empty, is short"},
		{"RFC 9457", problem, `{"type":"https://leedo.app/problems/not-found","title":"Not found","detail":"no such lead","status":404}`, "not-found", "no such lead"},
		{"RFC 9457 without detail", problem, `{"type":"about:blank","title":"Not found","status":404}`, "", "Not found"},
		{"RFC 6749", "", `{"error":"invalid_grant","error_description":"expired"}`, "invalid_grant", "expired"},
		{"numbers for words", "", `{"error":{"code":1234,"message":5}}`, "1234", "5"},
		{"another content type", "text/plain", `{"error":{"code":"c","message":"m"}}`, "c", "m"},
		{"plain text", "text/plain", "no such lead: John Doe", "", ""},
		{"HTML", "text/html", "<html><title>502</title>John Doe</html>", "", ""},
		{"nothing", "", "", "", ""},
		{"space", "", " \n ", "", ""},
		{"cut", "", `{"error":{"code":"not_found","mess`, "", ""},
		{"a list", "", `["name is empty","email is malformed"]`, "", "name is empty; email is malformed"},
		{"a text in JSON", "", `"John Doe"`, "", ""},
		{"null", "", `null`, "", ""},
		{"nulls", "", `{"error":null,"message":null,"errors":null,"code":null}`, "", ""},
		{"wrong types", "", `{"error":[1,{}],"message":{"a":1},"errors":7,"code":[],"type":true,"title":{}}`, "", ""},
		{"wrong types inside", "", `{"error":{"code":{},"message":[]},"errors":[1.5,null,[],{"message":{}}]}`, "", "1.5"},
		{"error inside error", "", `{"error":{"error":{"code":"c","message":"m"}}}`, "c", "m"},
		{"nested without end", "", deep, "", ""},
		{"one line", "", `{"message":"a\r\nb\tc\u0000d\u001b[31me\u2028f\u202eg"}`, "", `a\r\nb\tc\x00d\x1b[31me\u2028f\u202eg`},
		{"a code in two lines", "", `{"code":"a\nb","message":"m"}`, `a\nb`, "m"},
		{"other scripts", "", `{"message":"Имя не указано 名前 🎈"}`, "", "Имя не указано 名前 🎈"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			contentType := tt.contentType
			if contentType == "" {
				contentType = "application/json"
			}
			err, _ := failing(t, respond(422, tt.body, "Content-Type", contentType))
			api, ok := errors.AsType[*leedo.APIError](err)
			if !ok {
				t.Fatalf("%v", err)
			}
			if api.Code != tt.code || api.Message != tt.message {
				t.Errorf("code %q, message %q, want %q, %q", api.Code, api.Message, tt.code, tt.message)
			}
			if body := tt.body[:min(len(tt.body), 64<<10)]; string(api.Body) != body {
				t.Errorf("a body of %d bytes, want %d", len(api.Body), len(body))
			}
			if text := err.Error(); strings.ContainsAny(text, "\r\n\t\x00\x1b\u2028") || strings.Contains(text, "John Doe") {
				t.Errorf("text %q", text)
			}
		})
	}
}

// Code, message and request id are cut after 200 runes, and the body of an
// error after 64 KiB.
func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	for name, long := range map[string]string{"letters": strings.Repeat("ä", 300), "controls": strings.Repeat(`\u0001`, 300)} {
		err, _ := failing(t, respond(400, `{"error":{"code":"`+long+`","message":"`+long+`"}}`, "X-Request-Id", strings.Repeat("r", 300)))
		api, ok := errors.AsType[*leedo.APIError](err)
		if !ok {
			t.Fatal(err)
		}
		for field, text := range map[string]string{"code": api.Code, "message": api.Message, "request id": api.RequestID} {
			if n := utf8.RuneCountInString(text); n > 200 || n < 190 {
				t.Errorf("%s: %s of %d runes", name, field, n)
			}
		}
	}
	huge := `{"message":"` + strings.Repeat("x", 1<<20) + `"}`
	err, _ := failing(t, respond(400, huge))
	if api, ok := errors.AsType[*leedo.APIError](err); !ok || len(api.Body) != 64<<10 || api.Message != "" {
		t.Errorf("huge body: %d bytes kept, %v", len(api.Body), err)
	}
}

// The text of an error and its log entry have the API's message, also if
// another error wraps it. JSON and %#v do not.
func TestErrorsLogTheMessageOfTheAPI(t *testing.T) {
	t.Parallel()
	for _, status := range []int{302, 400, 401, 403, 404, 418, 429, 500, 503} {
		get, post := failing(t, respond(status, `{"error":{"code":"c","message":"no John Doe here"}}`))
		for _, err := range []error{get, post} {
			if status != 302 && !strings.Contains(err.Error(), "no John Doe here") {
				t.Errorf("%v does not hold the message", err)
			}
			encoded, jsonErr := json.Marshal(err)
			if jsonErr != nil {
				t.Error(jsonErr)
			}
			var log strings.Builder
			for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
				slog.New(handler).Error("failed", "err", err)
			}
			if status != 302 && strings.Count(log.String(), "no John Doe here") < 2 {
				t.Errorf("%d: the log does not hold the message: %s", status, &log)
			}
			for name, shown := range map[string]string{"JSON": string(encoded), "%#v": fmt.Sprintf("%#v", err)} {
				if strings.Contains(shown, "John Doe") {
					t.Errorf("%d, %s: %s", status, name, shown)
				}
			}
		}
	}
}

// The reason for a RateLimitError in words has the figures, also the smallest.
func TestRateLimitErrorNamesTheReason(t *testing.T) {
	reset := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		reason leedo.WaitReason
		state  leedo.RateLimit
		want   string
	}{
		{leedo.WaitReserve, leedo.RateLimit{}, "what is left is reserved for interactive calls"},
		{leedo.WaitReserve, leedo.RateLimit{Limit: 1, Remaining: 1}, "1 of 1 left are reserved for interactive calls"},
		{leedo.WaitQuota, leedo.RateLimit{}, "quota used up, not sent"},
		{leedo.WaitQuota, leedo.RateLimit{Limit: 1}, "quota used up: 0 of 1 left, not sent"},
		{leedo.WaitQuota, leedo.RateLimit{Limit: 1, Remaining: 1}, "quota used up by calls ahead: 1 of 1 left"},
		{leedo.WaitQuota, leedo.RateLimit{Limit: 100, Reset: reset}, "quota used up: 0 of 100 left, resets at 12:30:00"},
		{leedo.WaitRetryAfter, leedo.RateLimit{Limit: 100}, "the server asked to wait"},
		{leedo.WaitPace, leedo.RateLimit{}, "RequestsPerSecond allows no request now"},
		{leedo.WaitProbe, leedo.RateLimit{}, "no response yet reports what is left of the quota"},
	} {
		if got := (&leedo.RateLimitError{Reason: tt.reason, RateLimit: tt.state}).Error(); !strings.Contains(got, tt.want) {
			t.Errorf("%s, %+v: %s, want %s", tt.reason, tt.state, got, tt.want)
		}
	}
}
