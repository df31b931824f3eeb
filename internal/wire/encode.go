package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"unicode/utf8"
)

// Field is a field of a JSON object that is added by name.
type Field struct {
	Key   string
	value json.RawMessage
}

// NewField encodes the value of a field.
func NewField(key string, value any) (Field, error) {
	if !utf8.ValidString(key) {
		return Field{}, errors.New("the name of a field is not valid UTF-8")
	}
	data, fault := marshal(value)
	if fault != nil {
		return Field{}, fault.under("." + key)
	}
	return Field{key, data}, nil
}

// Encode returns body as JSON with fields added, which win over those of body.
// nil and no fields is no body at all. Its errors quote no value.
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
// limit of encoding/json as of Go 1.27; earlier releases have none.
const maxLevels = 10_000

// marshal is [json.Marshal] with errors of this package: the texts of
// encoding/json quote values and differ between releases of Go. A string that
// is not valid UTF-8, which encoding/json changes, is an error, too.
func marshal(v any) ([]byte, *fault) {
	data, err := json.Marshal(v)
	switch {
	case err != nil:
		return nil, explain(v, "cannot be encoded as JSON", err)
	case len(data) > 2*maxLevels && levels(data) > maxLevels:
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

// explain returns the fault of a value that could not be encoded; otherwise is
// its text if it cannot be found.
func explain(v any, otherwise string, causes ...error) *fault {
	f := inspector{failed: true}.value(reflect.ValueOf(v), 0)
	if f == nil {
		f = &fault{text: otherwise}
	}
	f.causes = append(f.causes, causes...)
	return f
}

// mayBeCoerced reports whether data may be the encoding of a string that is not
// valid UTF-8. In these json.Marshal replaces what is invalid with U+FFFD,
// which some releases of Go escape; it does not touch what a MarshalJSON method
// returns. Most bodies hold neither, and need no second look.
func mayBeCoerced(data []byte) bool {
	return !utf8.Valid(data) || bytes.Contains(data, []byte("\ufffd")) ||
		bytes.Contains(data, []byte(`\ufffd`)) || bytes.Contains(data, []byte(`\uFFFD`))
}

// levels returns how many levels of arrays and objects data has, which must
// be JSON.
func levels(data []byte) int {
	depth, most, inString := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++ // what is escaped may be a quote
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
