package leedotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// response is the fake's response to a request. The front ends, transport and
// ServeHTTP, send it to the client.
type response struct {
	status int
	header http.Header // canonical names; a name without values is not sent
	body   []byte      // never changed in place
	drop   bool        // whether to cut the connection instead of responding
	cut    int         // how many bytes of body to send before cutting it; -1 means all
	rate   int         // bytes of body per second; 0 means at once
}

func newResponse(status int, body []byte) *response {
	return &response{status: status, header: make(http.Header), body: body, cut: -1}
}

// jsonResponse returns a response with a JSON body.
func jsonResponse(status int, body []byte) *response {
	resp := newResponse(status, body)
	resp.header.Set("Content-Type", "application/json")
	return resp
}

// errorResponse returns an error response with the API's error body.
func errorResponse(status int, format string, args ...any) *response {
	return jsonResponse(status, object(
		member{"error", json.RawMessage(object(
			member{"code", errorCode(status)},
			member{"message", fmt.Sprintf(format, args...)},
		))},
	))
}

// errorCode returns the code in an error body: "not_found" for 404.
func errorCode(status int) string {
	switch text := http.StatusText(status); {
	case status == http.StatusTooManyRequests:
		return "rate_limited"
	case text == "":
		return "error"
	default:
		return strings.ReplaceAll(strings.ToLower(text), " ", "_")
	}
}

// bodyAllowed reports whether a response with this status may have a body.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// member is a name and value of a JSON object.
type member struct {
	name  string
	value any
}

// object encodes a JSON object with its members in the given order, that of the
// documentation.
func object(members ...member) []byte {
	b := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, encode(m.name)...)
		b = append(b, ':')
		b = append(b, encode(m.value)...)
	}
	return append(b, '}')
}

// encode encodes a basic type or a value that was decoded from JSON, which cannot
// fail.
func encode(value any) []byte {
	b, err := json.Marshal(value)
	if err != nil {
		return []byte("null")
	}
	return b
}
