// Package wire encodes the responses of the servers that the subjects of the
// benchmarks talk to. They are strings written by hand: a response encoded with
// an SDK's own types would suit it better than a server's does.
package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ObjectSize is the length of every object in bytes of JSON, whatever the
// model, so that the subjects read equally much.
const ObjectSize = 288

// Format is how one server encodes its responses.
type Format struct {
	// Object is object i as JSON, ObjectSize bytes long.
	Object func(i int) string
	// One is the response body that holds one object.
	One func(object string) string
	// Page is the response body that holds some objects of a list.
	Page func(objects []string, at Position) string
	// PageHeader adds the headers that describe the list; nil means none.
	PageHeader func(h http.Header, at Position)
	// First is the index of the first object that a query asks for; nil means
	// that the server counts pages.
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

// Page is the number of the page, from 1.
func (p Position) Page() int { return p.First/p.Per + 1 }

// Last is the number of the last page.
func (p Position) Last() int { return (p.Total + p.Per - 1) / p.Per }

// More reports whether there are pages after this one.
func (p Position) More() bool { return p.Page() < p.Last() }

// List is the body of the page at a position.
func (f *Format) List(at Position) string {
	objects := make([]string, 0, at.Per)
	for i := at.First; i < min(at.First+at.Per, at.Total); i++ {
		objects = append(objects, f.Object(i))
	}
	return f.Page(objects, at)
}

// ID is the id of object i: a UUID that ends in i.
func ID(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

// Index is the number that an id ends in, or -1 if there is none.
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

// object fills in a template and pads it to ObjectSize where it says ~.
func object(template string, args ...any) string {
	s := fmt.Sprintf(template, args...)
	return strings.Replace(s, "~", strings.Repeat("x", ObjectSize-len(s)+1), 1)
}

// array is a JSON array of objects.
func array(objects []string) string { return "[" + strings.Join(objects, ",") + "]" }

// itself is the response body of a server without an envelope.
func itself(object string) string { return object }
