package leedotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// answer is what the fake says to a request. The front ends carry it to the
// client.
type answer struct {
	status int
	header http.Header // canonical keys; an empty value: the header is not sent
	body   []byte      // never changed once it is here
	drop   bool        // cut the connection instead
	cut    int         // cut it after so many bytes of body; -1: do not
}

func newAnswer(status int, body []byte) *answer {
	return &answer{status: status, header: make(http.Header), body: body, cut: -1}
}

// jsonAnswer is an answer as the API gives it.
func jsonAnswer(status int, body []byte) *answer {
	ans := newAnswer(status, body)
	ans.header.Set("Content-Type", "application/json")
	return ans
}

// refusal is an error answer as the API gives it.
func refusal(status int, format string, args ...any) *answer {
	return jsonAnswer(status, object(
		member{"error", json.RawMessage(object(
			member{"code", errorCode(status)},
			member{"message", fmt.Sprintf(format, args...)},
		))},
	))
}

// errorCode is the code of an error body: 404 is not_found.
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

// bodyAllowed reports whether HTTP allows an answer with this status a body.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// member is one name and value of a JSON object.
type member struct {
	name  string
	value any
}

// object spells a JSON object with its members in the order given, as the
// documentation has an order of its own.
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

// encode spells a value that was decoded from JSON, or is a basic type: it
// cannot fail.
func encode(value any) []byte {
	b, err := json.Marshal(value)
	if err != nil {
		return []byte("null")
	}
	return b
}
