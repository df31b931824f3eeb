package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Decode reads an answer that must be one JSON value and nothing else, of at
// most so many objects: a few bytes of JSON can become many of Go. 0 means no
// limit. Its errors quote nothing of the body.
func Decode(header http.Header, body []byte, out any, most int) error {
	if ct := header.Get("Content-Type"); ct != "" && ct != "application/json" && !isJSON(ct) {
		return errors.New("not JSON by its content type")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("empty body")
	}
	if most > 0 && bytes.Count(body, []byte("{")) > most {
		return fmt.Errorf("more than %d objects", most)
	}
	err := json.Unmarshal(body, out)
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return fmt.Errorf("a JSON %s was not asked for", kind(wrong.Value))
		}
		return fmt.Errorf("field %q cannot hold a JSON %s", wrong.Field, kind(wrong.Value))
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		if syntax.Error() == "unexpected end of JSON input" {
			return fmt.Errorf("JSON ends early: %w", io.ErrUnexpectedEOF)
		}
		return fmt.Errorf("not one JSON value: offset %d", syntax.Offset)
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		return errors.New("a time that is not RFC 3339")
	}
	return errors.New("JSON with a value that does not fit") // its text may quote the value
}

// DecodePage is Decode for a page, a part of which is rows.
func DecodePage[T any](header http.Header, body []byte, page any, rows *[]T) error {
	const most = 50_000 // no page has more
	// Room for the rows, and for one more than there can be: if it is still as
	// long as before, there were none to be read.
	room := min(bytes.Count(body, []byte("{")), most) + 1
	*rows = make([]T, room)
	err := Decode(header, body, page, most)
	if err == nil && (*rows == nil || len(*rows) == room) {
		err = errors.New("no page: data is missing")
	}
	return err
}

// isJSON tells whether a content type is JSON: application/json, or a type
// with the suffix +json (RFC 6839).
func isJSON(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	return t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json")
}

// kind returns the kind of value that encoding/json names, without the value
// that it appends to numbers.
func kind(s string) string {
	s, _, _ = strings.Cut(s, " ")
	return s
}
