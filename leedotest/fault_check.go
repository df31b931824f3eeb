package leedotest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// The names of fields in the error of an invalid fault: those of Go, and those of JSON.
var (
	goNames   = strings.NewReplacer()
	jsonNames = strings.NewReplacer(
		"Method", "method", "Path", "path", "Chance", "chance", "After", "after", "Drop", "drop", "Status", "status",
		"Header", "header", "Body", "body", "Latency", "latency", "Truncate", "truncate", "BytesPerSecond", "bytes_per_second",
		": use When to match one", "")
)

// check returns an error if the fault can have no effect, a field is invalid, or a field
// can have no effect because of another one.
func (f *Fault) check(names *strings.Replacer) error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf(names.Replace(format), args...)
	}
	switch path := f.Path; {
	case path == "":
	case path[0] != '/' || strings.HasPrefix(path, "//"):
		return wrong("Path %q must start with one slash", path)
	case path == "/v1" || strings.HasPrefix(path, "/v1/"):
		return wrong("Path %q must not start with /v1", path)
	case strings.HasSuffix(path, "/"):
		return wrong("Path %q must not end in a slash", path)
	case strings.Contains(path, "?"):
		return wrong("Path %q must not have a query: use When to match one", path)
	}
	switch {
	case f.Method != "" && !validHeader(f.Method, ""): // both are tokens
		return wrong("Method %q is not valid", f.Method)
	case !(f.Chance >= 0 && f.Chance <= 1): // or NaN
		return wrong("Chance %v must be from 0 to 1", f.Chance)
	case f.After < 0:
		return wrong("After must not be negative")
	case f.Status != 0 && (f.Status < 200 || f.Status > 999):
		return wrong("Status %d must be from 200 to 999", f.Status)
	case f.Latency < 0:
		return wrong("Latency must not be negative")
	case f.BytesPerSecond < 0:
		return wrong("BytesPerSecond must not be negative")
	case f.Status == 0 && !f.Drop && len(f.Header) == 0 && f.Body == "" && f.Latency == 0 && f.Truncate == 0 && f.BytesPerSecond == 0:
		return wrong("no effect: set Status, Drop, Header, Body, Latency, Truncate or BytesPerSecond")
	}

	emptied := false // by Content-Length
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(f.Header)) {
		values := f.Header[name]
		for _, value := range append([]string{""}, values...) {
			if !validHeader(name, value) {
				return wrong("Header %q is not valid", name)
			}
		}
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case seen[canonical]:
			return wrong("Header has %s twice", canonical)
		case canonical == "Transfer-Encoding":
			return wrong("Header cannot have Transfer-Encoding")
		case canonical == "Content-Length" && !slices.Equal(values, []string{"0"}):
			return wrong("Header can have Content-Length only with the value 0, which means an empty body")
		}
		seen[canonical] = true
		emptied = emptied || canonical == "Content-Length"
	}

	partial := f.Truncate != 0 || f.BytesPerSecond != 0 // needs a body
	switch {
	case f.Drop && (f.Status != 0 || len(f.Header) > 0 || f.Body != "" || partial):
		return wrong("Drop sends no response: Status, Header, Body, Truncate and BytesPerSecond cannot be set, too")
	case f.Status != 0 && !bodyAllowed(f.Status) && (f.Body != "" || partial || emptied):
		return wrong("Status %d has no body: Body, Truncate, BytesPerSecond and Content-Length cannot be set, too", f.Status)
	case emptied && (f.Body != "" || partial):
		return wrong("Content-Length 0 means an empty body: Body, Truncate and BytesPerSecond cannot be set, too")
	case f.Status != 0 && f.Status < 400 && f.Body == "" && partial:
		return wrong("Status %d has an empty body: Truncate and BytesPerSecond need Body", f.Status)
	case strings.EqualFold(f.Method, http.MethodHead) && partial:
		return wrong("a response to HEAD has no body: Truncate and BytesPerSecond cannot be set")
	case f.Body != "" && f.Truncate >= len(f.Body):
		return wrong("Truncate %d does not cut Body, which has %d bytes", f.Truncate, len(f.Body))
	}
	return nil
}
