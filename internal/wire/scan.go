package wire

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// maxNesting is how deeply JSON may be nested, as in encoding/json.
const maxNesting = 10_000

var bom = []byte("\xef\xbb\xbf")

// The kinds of JSON values, identified by their first byte.
const (
	jsonObject  = '{'
	jsonArray   = '['
	jsonString  = '"'
	jsonNumber  = '0' // any digit or a minus sign
	jsonBoolean = 't' // or f
	jsonNull    = 'n'
)

// kindNames are the names of the kinds in errors.
var kindNames = map[byte]string{
	jsonObject: "object", jsonArray: "array", jsonString: "string", jsonNumber: "number", jsonBoolean: "boolean", jsonNull: "null",
}

// scanner reads JSON value by value and checks its syntax, without interpreting
// values. If the syntax has been checked before, its methods return no errors.
type scanner struct {
	data  []byte
	at    int
	depth int
}

// newScanner returns a scanner for a body, with or without a byte order mark.
func newScanner(body []byte) scanner { return scanner{data: bytes.TrimPrefix(body, bom)} }

// members calls each for every member of the next object, and reports whether that
// could be read to its end.
func (s *scanner) members(each func(name string, kind byte, raw []byte)) bool {
	if s.kind() != jsonObject {
		return false
	}
	s.at++
	for first := true; ; first = false {
		more, err := s.next(first, '}')
		if !more || err != nil {
			return err == nil
		}
		key, err := s.key()
		if err != nil {
			return false
		}
		kind := s.kind()
		raw, err := s.raw()
		if err == nil || kind == jsonObject { // a truncated object may still be useful
			each(unquote(key), kind, raw)
		}
		if err != nil {
			return false
		}
	}
}

// checkSyntax returns an error unless data is one JSON value.
func checkSyntax(data []byte) error {
	s := scanner{data: data}
	if err := s.skip(); err != nil {
		return err
	}
	if s.space(); s.at < len(s.data) {
		return s.unexpected()
	}
	return nil
}

// unexpected returns the error for invalid JSON at the scanner's position.
func (s *scanner) unexpected() error {
	if s.at >= len(s.data) {
		return fmt.Errorf("JSON is truncated: %w", io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("invalid JSON at offset %d", s.at+1)
}

// space skips white space.
func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// kind returns the kind of the next value; 0 if no value begins there.
func (s *scanner) kind() byte {
	s.space()
	if s.at >= len(s.data) {
		return 0
	}
	switch c := s.data[s.at]; c {
	case jsonObject, jsonArray, jsonString, jsonBoolean, jsonNull:
		return c
	case 'f':
		return jsonBoolean
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return jsonNumber
	}
	return 0
}

// next reports whether the object or array that ends with end has another element,
// and moves to that element, or past the end.
func (s *scanner) next(first bool, end byte) (bool, error) {
	s.space()
	switch {
	case s.at < len(s.data) && s.data[s.at] == end:
		s.at++
		return false, nil
	case first:
		return true, nil
	case s.at < len(s.data) && s.data[s.at] == ',':
		s.at++
		return true, nil
	}
	return false, s.unexpected()
}

// key reads the name of a member and the colon after it. The name is returned with
// its quotes, as it stands in the JSON.
func (s *scanner) key() ([]byte, error) {
	s.space()
	begin := s.at
	if err := s.str(); err != nil {
		return nil, err
	}
	key := s.data[begin:s.at]
	if s.space(); s.at >= len(s.data) || s.data[s.at] != ':' {
		return nil, s.unexpected()
	}
	s.at++
	return key, nil
}

// raw reads the value of which kind has returned the kind, and returns it as it
// stands in the JSON.
func (s *scanner) raw() ([]byte, error) {
	begin := s.at
	err := s.skip()
	return s.data[begin:s.at], err
}

// skip reads a value.
func (s *scanner) skip() error {
	switch s.kind() {
	case jsonObject:
		return s.nested('}')
	case jsonArray:
		return s.nested(']')
	case jsonString:
		return s.str()
	case jsonNumber:
		return s.num()
	case jsonBoolean:
		if s.data[s.at] == 't' {
			return s.literal("true")
		}
		return s.literal("false")
	case jsonNull:
		return s.literal("null")
	}
	return s.unexpected()
}

// nested reads an object or an array.
func (s *scanner) nested(end byte) error {
	if s.depth++; s.depth > maxNesting {
		return fmt.Errorf("JSON nested over %d levels deep", maxNesting)
	}
	s.at++
	for first := true; ; first = false {
		if more, err := s.next(first, end); !more || err != nil {
			s.depth--
			return err
		}
		if end == '}' {
			if _, err := s.key(); err != nil {
				return err
			}
		}
		if err := s.skip(); err != nil {
			return err
		}
	}
}

func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if s.at >= len(s.data) || s.data[s.at] != word[i] {
			return s.unexpected()
		}
		s.at++
	}
	return nil
}

func (s *scanner) str() error {
	if s.at >= len(s.data) || s.data[s.at] != '"' {
		return s.unexpected()
	}
	for s.at++; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c < ' ':
			return s.unexpected()
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		}
	}
	return s.unexpected()
}

// escape reads an escape sequence except its last byte.
func (s *scanner) escape() error {
	s.at++
	if s.at >= len(s.data) || strings.IndexByte(`"\/bfnrtu`, s.data[s.at]) < 0 {
		return s.unexpected()
	}
	if s.data[s.at] != 'u' {
		return nil
	}
	for range 4 {
		s.at++
		if s.at >= len(s.data) || !isHex(s.data[s.at]) {
			return s.unexpected()
		}
	}
	return nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// num reads a number (RFC 8259, section 6).
func (s *scanner) num() error {
	s.accept("-")
	if !s.accept("0") {
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.accept(".") {
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.accept("eE") {
		s.accept("+-")
		return s.digits()
	}
	return nil
}

// accept skips the next byte if it is one of set.
func (s *scanner) accept(set string) bool {
	if s.at >= len(s.data) || strings.IndexByte(set, s.data[s.at]) < 0 {
		return false
	}
	s.at++
	return true
}

func (s *scanner) digits() error {
	if !s.accept("0123456789") {
		return s.unexpected()
	}
	for s.accept("0123456789") {
	}
	return nil
}
