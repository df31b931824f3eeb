// Package wire encodes the responses of the servers that the subjects of the benchmarks
// call. The JSON is written by hand, because JSON that an SDK's own types encode could
// be easier to decode for that SDK than a real server's.
package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ObjectSize is the length of every object in bytes of JSON, whatever the model, so that
// all subjects read the same amount.
const ObjectSize = 288

// Format is how one server encodes its responses.
type Format struct {
	// Object returns object i as JSON, ObjectSize bytes long.
	Object func(i int) string
	// One returns the response body for one object.
	One func(object string) string
	// Page returns the response body for a page of a list.
	Page func(objects []string, at Position) string
	// PageHeader adds the headers that describe the list; nil means that it adds no headers.
	PageHeader func(h http.Header, at Position)
	// First returns the index of the first object that a query requests; nil means that
	// the server numbers pages.
	First func(q url.Values) int
	// PerPage is the name of the parameter for the size of a page.
	PerPage string
	// Created is the status of the response to a Create.
	Created int
}

// Position is the position of a page in its list.
type Position struct {
	// First is the index of its first object.
	First int
	// Per is the number of objects on a full page.
	Per int
	// Total is the number of objects in the list.
	Total int
}

// Page returns the number of the page, from 1.
func (p Position) Page() int { return p.First/p.Per + 1 }

// Last returns the number of the last page.
func (p Position) Last() int { return (p.Total + p.Per - 1) / p.Per }

// More reports whether there are pages after this one.
func (p Position) More() bool { return p.Page() < p.Last() }

// List returns the response body for the page at a position.
func (f *Format) List(at Position) string {
	objects := make([]string, 0, at.Per)
	for i := at.First; i < min(at.First+at.Per, at.Total); i++ {
		objects = append(objects, f.Object(i))
	}
	return f.Page(objects, at)
}

// ID returns the id of object i: a UUID that ends in i.
func ID(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

// Index returns the number at the end of an id, or -1 if it has no number.
func Index(id string) int {
	if len(id) < 12 {
		return -1
	}
	n := 0
	for _, c := range []byte(id[len(id)-12:]) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// object fills in a template and pads it to ObjectSize at the ~.
func object(template string, args ...any) string {
	s := fmt.Sprintf(template, args...)
	return strings.Replace(s, "~", strings.Repeat("x", ObjectSize-len(s)+1), 1)
}

// array returns a JSON array of objects.
func array(objects []string) string { return "[" + strings.Join(objects, ",") + "]" }

// itself returns the response body of a server without an envelope: the object.
func itself(object string) string { return object }
