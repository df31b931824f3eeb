package leedotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
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
	Latency        string      `json:"latency,omitempty"`
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
		fields.Latency = f.Latency.String()
	}
	return fields
}

// UnmarshalJSON decodes a fault as in POST /_fake/faults of [Server.ControlHandler]:
// the names of the fields in lower case, Latency a string as in "200ms",
// BytesPerSecond as bytes_per_second, and no When. The error of an unknown field, an
// invalid value or a fault that can have no effect says what is wrong.
//
// Experimental: fields may change while this package is at version 0.
func (f *Fault) UnmarshalJSON(b []byte) error {
	var fields faultFields
	if err := strict(b, &fields); err != nil {
		return err
	}
	fault := Fault{
		Method: fields.Method, Path: fields.Path, Chance: fields.Chance, After: fields.After, Times: fields.Times,
		Processed: fields.Processed, Drop: fields.Drop, Status: fields.Status, Header: fields.Header, Body: fields.Body,
		Truncate: fields.Truncate, BytesPerSecond: fields.BytesPerSecond,
	}
	if fields.Latency != "" {
		var err error
		if fault.Latency, err = positiveDuration("latency", fields.Latency); err != nil {
			return err
		}
	}
	switch problem := fault.problem(); {
	case fault.BytesPerSecond < 0:
		return errors.New("bytes_per_second must not be negative")
	case strings.ContainsFunc(fault.Method, func(r rune) bool { return r < 'A' || r > 'Z' }):
		return fmt.Errorf("method %q must be in capital letters", fault.Method)
	case fault.After < 0:
		return errors.New("after must not be negative")
	case fault.Status != 0 && (fault.Status < 200 || fault.Status > 999):
		return fmt.Errorf("status %d must be from 200 to 999", fault.Status)
	case strings.HasPrefix(problem, "no effect"):
		return errors.New("no effect: set status, drop, header, body, latency, truncate or bytes_per_second")
	case problem != "":
		return errors.New(lowered(problem))
	}
	for name, values := range fault.Header {
		for _, value := range append([]string{""}, values...) {
			if !validHeader(name, value) {
				return fmt.Errorf("header %q is not valid", name)
			}
		}
	}
	*f = fault
	return nil
}

// lowered returns a problem of a fault with the name of the field as in JSON.
func lowered(problem string) string {
	return strings.ToLower(problem[:1]) + strings.TrimSuffix(problem[1:], ": use When to match one")
}

func (s *Server) controlInject(c *command) *response {
	var fault Fault
	if problem := c.decode(&fault); problem != nil {
		return problem
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

// strict decodes one JSON object into a struct. Its error names the field and its JSON
// type, not those of Go.
func strict(b []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
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
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
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
