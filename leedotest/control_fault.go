package leedotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// faultFields is a [Fault] in JSON.
type faultFields struct {
	Method         string      `json:"method,omitempty"`
	Path           string      `json:"path,omitempty"`
	Chance         float64     `json:"chance,omitempty"`
	After          int         `json:"after,omitempty"`
	Times          int         `json:"times,omitempty"`
	Processed      bool        `json:"processed,omitempty"`
	Drop           bool        `json:"drop,omitempty"`
	Status         int         `json:"status,omitempty"`
	Header         http.Header `json:"header,omitempty"`
	Body           string      `json:"body,omitempty"`
	Latency        *string     `json:"latency,omitempty"`
	Truncate       int         `json:"truncate,omitempty"`
	BytesPerSecond int         `json:"bytes_per_second,omitempty"`
}

// fields returns the fault in JSON.
func (f *Fault) fields() faultFields {
	fields := faultFields{
		Method: f.Method, Path: f.Path, Chance: f.Chance, After: f.After, Times: f.Times,
		Processed: f.Processed, Drop: f.Drop, Status: f.Status, Header: f.Header, Body: f.Body,
		Truncate: f.Truncate, BytesPerSecond: f.BytesPerSecond,
	}
	if f.Latency != 0 {
		fields.Latency = new(f.Latency.String())
	}
	return fields
}

// UnmarshalJSON decodes a fault as in POST /_fake/faults of [Server.ControlHandler]:
// the names of the fields in lower case, Latency a string as in "200ms",
// BytesPerSecond as bytes_per_second, and no When. The error of an unknown field, or of
// a fault with which [Server.Inject] panics, says what is wrong.
//
// Experimental: fields may change while this package is at version 0.
func (f *Fault) UnmarshalJSON(b []byte) error {
	var fields faultFields
	if err := strict(b, &fields); err != nil {
		return err
	}
	fault, err := fields.fault()
	if err == nil {
		*f = fault
	}
	return err
}

// fault returns the fault, or an error if it is invalid.
func (fields *faultFields) fault() (Fault, error) {
	fault := Fault{
		Method: fields.Method, Path: fields.Path, Chance: fields.Chance, After: fields.After, Times: fields.Times,
		Processed: fields.Processed, Drop: fields.Drop, Status: fields.Status, Header: fields.Header, Body: fields.Body,
		Truncate: fields.Truncate, BytesPerSecond: fields.BytesPerSecond,
	}
	if fields.Latency != nil {
		var err error
		if fault.Latency, err = positiveDuration("latency", *fields.Latency); err != nil {
			return fault, err
		}
	}
	if strings.ContainsFunc(fault.Method, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return fault, fmt.Errorf("method %q must be in capital letters", fault.Method)
	}
	return fault, fault.check(jsonNames)
}

func (s *Server) controlInject(c *command) *response {
	var fields faultFields
	if problem := c.decode(&fields); problem != nil {
		return problem
	}
	fault, err := fields.fault()
	if err != nil {
		return errorResponse(http.StatusBadRequest, "%v", err)
	}
	s.Inject(fault)
	return jsonResponse(http.StatusCreated, encode(fault.fields()))
}

// controlFaults lists the faults that can still apply, and how often each has.
func (s *Server) controlFaults(*command) *response {
	type item struct {
		faultFields
		Applied int `json:"applied"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []item{}
	for _, f := range s.faults {
		items = append(items, item{f.fields(), f.applied})
	}
	return listResponse(items)
}

func (s *Server) controlClear(*command) *response {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	return newResponse(http.StatusNoContent, nil)
}

// listResponse returns a list as the API does, in data.
func listResponse(items any) *response {
	return jsonResponse(http.StatusOK, object(member{"data", items}))
}

// strict decodes a JSON object into the struct v. Unlike in encoding/json, the names of
// its members must be exactly those of the fields, each at most once, and there is no
// null. Its error names the field and its JSON type, not those of Go.
func strict(b []byte, v any) error {
	if err := checkMembers(b, reflect.TypeOf(v).Elem()); err != nil {
		return err
	}
	err := json.Unmarshal(b, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		switch field, _, _ := strings.Cut(e.Field, "."); field { // Go 1.27 adds where in the field
		case "":
			return errors.New("must be a JSON object")
		case "header":
			return errors.New(`header must be an object of arrays of strings, such as {"Retry-After": ["5"]}`)
		default:
			return fmt.Errorf("%s must be %s", field, inWords(e.Type))
		}
	}
	if err != nil {
		return err
	}
	return checkNames(exact(b))
}

// checkMembers returns an error if a JSON object has a member that is not a field of a
// struct type, or one that is or contains null. It accepts what is not an object.
func checkMembers(b []byte, t reflect.Type) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(b, &members) != nil {
		return nil
	}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if hasNull(members[name]) {
			return fmt.Errorf("%s: null is not allowed", name)
		}
		delete(members, name)
	}
	if unknown := slices.Sorted(maps.Keys(members)); len(unknown) > 0 {
		return fmt.Errorf("unknown field %q", unknown[0])
	}
	return nil
}

// hasNull reports whether a JSON value is or contains null.
func hasNull(value []byte) bool {
	decoder := exact(value)
	for {
		token, err := decoder.Token()
		if err != nil || token == nil {
			return err == nil
		}
	}
}

// checkNames reads a valid JSON value. It returns an error if an object in it has a name
// twice, of which encoding/json would only see one value.
func checkNames(decoder *json.Decoder) error {
	start, err := decoder.Token()
	if start != json.Delim('{') && start != json.Delim('[') {
		return err
	}
	given := map[json.Token]bool{}
	for decoder.More() {
		if start == json.Delim('{') {
			name, _ := decoder.Token()
			if given[name] {
				return fmt.Errorf("%q is given twice", name)
			}
			given[name] = true
		}
		if err := checkNames(decoder); err != nil {
			return err
		}
	}
	_, err = decoder.Token() // the end
	return err
}

// inWords returns the JSON form of a Go type.
func inWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "an integer"
	case reflect.Float64:
		return "a number"
	default:
		return "a string"
	}
}

// positiveDuration reads a duration of the field name.
func positiveDuration(name, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf(`%s %q must be a positive duration such as "200ms", "30s" or "1h"`, name, text)
	}
	return d, nil
}
