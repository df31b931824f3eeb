package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Decode reads a response that must be one JSON value and nothing else, with
// or without a byte order mark (RFC 8259, section 8.1), and whatever its
// Content-Type. What encoding/json does not take is read tolerantly. Its
// errors quote nothing of the body, and are the same on all Go releases.
func Decode(header http.Header, body []byte, out any) error {
	body = bytes.TrimPrefix(body, bom)
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("empty body")
	}
	if json.Unmarshal(body, out) == nil {
		return nil
	}
	if err := checkSyntax(body); err != nil {
		if ct := header.Get("Content-Type"); ct != "" && !isJSON(ct) {
			return errors.New("not JSON, as its Content-Type says")
		}
		return err
	}
	return decodeTolerant(body, out)
}

// maxObjects is how many objects a page may have: a few bytes of JSON can
// become many of Go. No page of the API has as many.
const maxObjects = 50_000

// DecodePage is Decode for a page, a part of which is items.
func DecodePage[T any](header http.Header, body []byte, page any, items *[]T) error {
	// Most pages have so few braces and commas that none needs to be counted.
	if bytes.Count(body, []byte("{"))+bytes.Count(body, []byte(",")) >= maxObjects && countObjects(body) >= maxObjects {
		return fmt.Errorf("more than %d objects", maxObjects)
	}
	if err := Decode(header, body, page); err != nil {
		return err
	}
	if *items == nil {
		return errors.New("no page: data is missing")
	}
	return nil
}

// countObjects counts what becomes objects when a page is decoded: the objects,
// and the elements of lists that the page itself has, whatever they are. What
// stands in strings does not count.
func countObjects(body []byte) int {
	objects, elements, depth := 0, 0, 0
	list := false // at depth 2 is a list
	s := scanner{data: body}
	for ; s.at < len(body); s.at++ {
		switch c := body[s.at]; c {
		case '"':
			if s.str() != nil {
				return 0 // Decode will say what is wrong
			}
			s.at--
		case '{', '[':
			if depth++; depth == 2 {
				list = c == '['
			}
			if c == '{' {
				objects++
			} else if depth == 2 {
				elements++
			}
		case '}', ']':
			depth--
		case ',':
			if depth == 2 && list {
				elements++
			}
		}
	}
	return max(objects, elements)
}

// isJSON reports whether a content type is JSON: application/json, or a type
// with the suffix +json (RFC 6839).
func isJSON(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	return t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json")
}
