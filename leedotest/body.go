package leedotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// apply writes the fields of a request's body into values. It returns the
// answer to a body that is wrong, and nil if all is well.
func (s *Server) apply(k *kind, values map[string]any, in *arrival) *answer {
	fields, problem := decode(in)
	if problem != nil {
		return problem
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) { // the same mistake first every time
		if serversOwn(name) {
			continue
		}
		value := fields[name]
		if problem := s.check(k, name, value); problem != nil {
			return problem
		}
		values[name] = value
	}
	return nil
}

// check returns the answer to a field that is wrong, and nil if it is not.
// Fields that the documentation does not know are custom fields, which may be
// anything.
func (s *Server) check(k *kind, name string, value any) *answer {
	f := k.field(name)
	if f == nil {
		return nil
	}
	str, isString := value.(string)
	switch {
	case name == k.required && str == "":
		return refusal(http.StatusBadRequest, "%s must be a non-empty string", name)
	case value != nil && !isString:
		return refusal(http.StatusBadRequest, "%s must be a string or null", name)
	case f.refersTo != "" && str != "" && s.store[f.refersTo].rows[str] == nil:
		return refusal(http.StatusBadRequest, "%s: there is no such record", name)
	}
	return nil
}

// decode reads a request's body as a JSON object, keeping numbers as they are
// written.
func decode(in *arrival) (map[string]any, *answer) {
	if contentType := in.header.Get("Content-Type"); contentType != "" {
		media, _, err := mime.ParseMediaType(contentType)
		if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
			return nil, refusal(http.StatusUnsupportedMediaType, "Content-Type must be application/json")
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(in.body))
	decoder.UseNumber()
	var body any
	if err := decoder.Decode(&body); err != nil {
		return nil, refusal(http.StatusBadRequest, "the body is not valid JSON: %v", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, refusal(http.StatusBadRequest, "the body is not valid JSON: something follows the first value")
	}
	fields, ok := body.(map[string]any)
	if !ok {
		return nil, refusal(http.StatusBadRequest, "the body must be a JSON object")
	}
	return fields, nil
}
