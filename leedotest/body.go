package leedotest

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// apply copies the fields of a request's body into values. It returns an error
// response if the body is invalid, and nil if it is valid.
func (s *Server) apply(k *kind, values map[string]any, in *arrival) *response {
	fields, problem := decode(in)
	if problem != nil {
		return problem
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) { // so that the same error is reported every time
		if readOnly(name) {
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

// check returns an error response if a field is invalid, and nil if it is valid.
// Undocumented fields are custom fields, which may have any value.
func (s *Server) check(k *kind, name string, value any) *response {
	f := k.field(name)
	if f == nil {
		return nil
	}
	str, isString := value.(string)
	switch {
	case name == k.required && str == "":
		return errorResponse(http.StatusBadRequest, "%s must be a non-empty string", name)
	case value != nil && !isString:
		return errorResponse(http.StatusBadRequest, "%s must be a string or null", name)
	case f.refersTo != "" && str != "" && s.store[f.refersTo].records[str] == nil:
		return errorResponse(http.StatusBadRequest, "%s: there is no such record", name)
	}
	return nil
}

// decode decodes a request's body as a JSON object. It keeps numbers as they are
// encoded.
func decode(in *arrival) (map[string]any, *response) {
	if contentType := in.header.Get("Content-Type"); contentType != "" {
		media, _, err := mime.ParseMediaType(contentType)
		if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
			return nil, errorResponse(http.StatusUnsupportedMediaType, "Content-Type must be application/json")
		}
	}
	decoder := exact(in.body)
	var body any
	if err := decoder.Decode(&body); err != nil {
		return nil, errorResponse(http.StatusBadRequest, "the body is not valid JSON: %v", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errorResponse(http.StatusBadRequest, "the body is not valid JSON: something follows the first value")
	}
	fields, ok := body.(map[string]any)
	if !ok {
		return nil, errorResponse(http.StatusBadRequest, "the body must be a JSON object")
	}
	return fields, nil
}
