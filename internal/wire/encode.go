package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"unicode/utf8"
)

// Field is a field that is added to a JSON object by name.
type Field struct {
	Key   string
	value json.RawMessage
}

// NewField encodes the value of a field.
func NewField(key string, value any) (Field, error) {
	if !utf8.ValidString(key) {
		return Field{}, errors.New("a field name is not valid UTF-8")
	}
	data, fault := marshal(value)
	if fault != nil {
		return Field{}, fault.under("." + key)
	}
	return Field{key, data}, nil
}

// Encode returns body as JSON with the fields added, which replace those of body.
// If body is nil and there are no fields, there is no body at all. Errors quote no
// value.
func Encode(body any, fields []Field) ([]byte, error) {
	if body == nil && len(fields) == 0 {
		return nil, nil
	}
	data, fault := marshal(body)
	if fault != nil {
		return nil, fault
	}
	if len(fields) == 0 {
		return data, nil
	}
	object := map[string]json.RawMessage{}
	if body != nil {
		if err := json.Unmarshal(data, &object); err != nil || object == nil {
			return nil, errors.New("fields can only be added to a JSON object")
		}
	}
	for _, f := range fields {
		object[f.Key] = f.value
	}
	if data, fault = marshal(object); fault != nil {
		return nil, fault
	}
	return data, nil
}

// maxLevels is how many levels of arrays and objects a body may have. It is the
// limit of encoding/json since Go 1.27; earlier releases have none.
const maxLevels = 10_000

// marshal is [json.Marshal] with this package's errors: those of encoding/json
// quote values and differ between Go releases. A string that is not valid UTF-8,
// which encoding/json would change, is an error, too.
func marshal(v any) ([]byte, *fault) {
	data, err := json.Marshal(v)
	switch {
	case err != nil:
		return nil, explain(v, "cannot be encoded as JSON", err)
	case levels(data) > maxLevels:
		return nil, explain(v, tooDeep)
	case mayBeCoerced(data):
		if f := (inspector{}).value(reflect.ValueOf(v), 0); f != nil {
			return nil, f
		}
		if !utf8.Valid(data) {
			return nil, &fault{text: "a MarshalJSON method returned invalid UTF-8"}
		}
	}
	return data, nil
}

// explain returns the fault of a value that could not be encoded. If it finds none,
// otherwise is the text.
func explain(v any, otherwise string, causes ...error) *fault {
	f := inspector{failed: true}.value(reflect.ValueOf(v), 0)
	if f == nil {
		f = &fault{text: otherwise}
	}
	f.causes = append(f.causes, causes...)
	return f
}

// mayBeCoerced reports whether data may contain an encoded string that was not
// valid UTF-8. json.Marshal replaces the invalid bytes with U+FFFD, which some Go
// releases escape; it does not change what a MarshalJSON method returns. Most
// bodies contain no U+FFFD and need no further check.
func mayBeCoerced(data []byte) bool {
	return !utf8.Valid(data) || bytes.Contains(data, []byte("\ufffd")) ||
		bytes.Contains(data, []byte(`\ufffd`)) || bytes.Contains(data, []byte(`\uFFFD`))
}

// levels returns how many levels of arrays and objects data has. data must be valid
// JSON.
func levels(data []byte) int {
	depth, most, inString := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++ // the escaped character may be a quote
		case c == '"':
			inString = !inString
		case !inString && (c == '[' || c == '{'):
			depth++
			most = max(most, depth)
		case !inString && (c == ']' || c == '}'):
			depth--
		}
	}
	return most
}
