package support

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// Bodies of responses.
const (
	// LeadJSON is the lead of the API's documentation.
	LeadJSON = `{"id":"550e8400-e29b-41d4-a716-446655440000","name":"John Doe","email":"john@example.com","company":"Acme Corp","phone":"+1234567890","status":"new","created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-01T12:00:00Z"}`
	// ErrorJSON is an error of the API.
	ErrorJSON = `{"error":{"code":"broken","message":"something is broken"}}`
	// RateLimitedJSON is the error of the API for a 429.
	RateLimitedJSON = `{"error":{"code":"rate_limited","message":"rate limit exceeded"}}`
	// MaintenanceHTML is a page of a proxy.
	MaintenanceHTML = "<!DOCTYPE html><title>Down for maintenance</title>"
)

const (
	// LeadID is the id in LeadJSON.
	LeadID = "550e8400-e29b-41d4-a716-446655440000"
	// AbsentID is an id that no record of the fake has.
	AbsentID = "00000000-0000-4000-8000-000000000000"
)

// Respond returns a handler that responds with a status and a JSON body; further
// arguments are names and values of header fields.
func Respond(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// RateLimited returns a handler that responds with 429 and header fields.
func RateLimited(header ...string) http.HandlerFunc {
	return Respond(429, RateLimitedJSON, header...)
}

// Exhausted returns the header fields of a response after which no request is
// left until a time.
func Exhausted(until time.Time) []string {
	return []string{
		"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", strconv.FormatInt(until.Unix(), 10),
	}
}

// PageJSON returns a page of records that have an id only.
func PageJSON(total, page, perPage int, ids ...string) string {
	items := make([]string, len(ids))
	for i, id := range ids {
		items[i] = `{"id":"` + id + `"}`
	}
	return fmt.Sprintf(`{"data":[%s],"meta":{"total":%d,"page":%d,"per_page":%d}}`, strings.Join(items, ","), total, page, perPage)
}

// ResponseTo returns the response of a handler to a request.
func ResponseTo(req *http.Request, handler http.HandlerFunc) *http.Response {
	w := httptest.NewRecorder()
	handler(w, req)
	return w.Result()
}

// Cut closes the connection without a response.
func Cut(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// CutBody returns a handler that sends less of a body than it announces, then
// closes the connection.
func CutBody(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(status)
		io.WriteString(w, body)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Hang responds only when the client has given up.
func Hang(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }

// HalfBody returns a handler that sends a part of a body and hangs.
func HalfBody(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		Respond(status, LeadJSON[:20], "Content-Length", "1000")(w, req)
		w.(http.Flusher).Flush()
		Hang(w, req)
	}
}

// ClosingBody is a body that calls Then when it is closed.
type ClosingBody struct {
	io.ReadCloser
	Then func()
}

// Close calls Then and closes the body.
func (c *ClosingBody) Close() error {
	c.Then()
	return c.ReadCloser.Close()
}
