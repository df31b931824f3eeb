package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// Decode decodes a response, which must be a single JSON value, with or without a
// byte order mark (RFC 8259, section 8.1) and whatever its Content-Type is. What
// encoding/json does not accept is decoded tolerantly. Errors quote nothing of the
// body and are the same in all Go releases.
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
			return errors.New("not JSON, according to its Content-Type")
		}
		return err
	}
	return decodeTolerant(body, out)
}

// Restorer returns a function to call before each response that is decoded into out. From
// the second call on it sets *out back, so that nothing of an earlier response is left
// in it. What a pointer or map inside *out refers to is not copied.
func Restorer(out any) func() {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return func() {} // Check returns an error for it
	}
	v = v.Elem()
	before, decoded := duplicate(v), false
	return func() {
		if decoded {
			v.Set(duplicate(before))
		}
		decoded = true
	}
}

// duplicate copies a value; a map with its entries.
func duplicate(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	if v.Kind() == reflect.Map && !v.IsNil() {
		c.Set(reflect.MakeMap(v.Type()))
		for key, value := range v.Seq2() {
			c.SetMapIndex(key, value)
		}
	}
	return c
}

// maxObjects bounds the objects of a page, because a few bytes of JSON can become
// many bytes in Go. No page of the API has that many.
const maxObjects = 50_000

// DecodePage decodes a page; items points to the part of it that must be present.
func DecodePage[T any](header http.Header, body []byte, page any, items *[]T) error {
	// This cheap upper bound spares most pages the exact count.
	if bytes.Count(body, []byte("{"))+bytes.Count(body, []byte(",")) > maxObjects && countObjects(body) > maxObjects {
		return fmt.Errorf("more than %d objects", maxObjects)
	}
	if err := Decode(header, body, page); err != nil {
		return err
	}
	if *items == nil {
		return errors.New("not a page: data is missing")
	}
	return nil
}

// countObjects counts what becomes objects when a page is decoded: the objects, and
// the elements of lists that are direct members of the page, whatever they are. The
// contents of strings do not count.
func countObjects(body []byte) int {
	objects, elements, depth := 0, 0, 0
	var list bool // the value at depth 2 is a list
	s := scanner{data: body}
	for ; s.at < len(body); s.at++ {
		switch c := body[s.at]; c {
		case '"':
			if s.str() != nil {
				return 0 // Decode will return the error
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

// isJSON reports whether a content type is JSON: application/json, text/json, or
// any type with the suffix +json (RFC 6839).
func isJSON(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	return t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json")
}
