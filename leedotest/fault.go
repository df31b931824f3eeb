package leedotest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Fault is something that goes wrong with requests to the fake, see
// [Server.Inject]. The zero value matches one request, any, and does nothing.
//
// A fault with neither Status nor Drop leaves the request to be answered as
// usual; what it does say about Header, Body, Latency and Truncate still
// applies. The zero value of each field changes nothing.
type Fault struct {
	// Method is the HTTP method of the requests to match; "" is any.
	Method string
	// Path is the path of the requests to match, without /v1: as it is
	// documented, "/leads/{id}", where a segment in braces stands for any one
	// segment, or that of one record. It need not be a path that the fake
	// knows. "" is any.
	Path string

	// After is how many matching requests to let pass first.
	After int
	// Times is how many requests to strike then: 0 is one, negative all.
	Times int

	// Processed carries the request out before it fails: the records are
	// changed, and only the answer is lost. Without it a fault with Status or
	// Drop does nothing else.
	Processed bool
	// Drop cuts the connection instead of answering. Together with Processed
	// this is how duplicates are born. A dropped request that was not processed
	// costs no quota.
	Drop bool

	// Status is the status code to answer with. It replaces every answer, a
	// 401 or 429 too. A number that cannot be one (below 200, above 999) is
	// answered as a 500 that says so.
	Status int
	// Header holds headers to answer with. They replace those of the same name;
	// no values remove the header. Content-Length cannot be changed except to
	// 0, which means an empty body.
	Header http.Header
	// Body is the body to answer with. Its Content-Type is application/json if
	// it is JSON and text/plain if not, unless Header says otherwise. If it is
	// "", an error status gets the API's usual error body, another Status an
	// empty one.
	Body string
	// Latency is how long it takes until the answer comes, or Drop cuts. The
	// request is carried out before that wait, if it is at all; when the
	// request's context ends, so does the wait, and there is no answer.
	Latency time.Duration
	// Truncate cuts the connection after so many bytes of the body: whoever
	// reads it sees io.ErrUnexpectedEOF. 0 does not, negative cuts before the
	// first byte; a body that is not longer than this is sent in full.
	Truncate int
}

// armedFault is a fault on its way to happen.
type armedFault struct {
	Fault
	seen int // matching requests so far
}

// Inject adds faults. A request is struck by the first fault, in the order they
// were injected, that matches it and is due; later ones do not see it. A fault
// that has struck as often as it should is forgotten.
//
// The answer of a fault carries the usual request id and rate limit headers,
// and a request struck by one costs quota as any other.
func (s *Server) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		f.Header = f.Header.Clone()
		s.faults = append(s.faults, &armedFault{Fault: f})
	}
}

// strike returns the fault that a request meets, nil if it meets none. The
// caller holds the lock.
func (s *Server) strike(in *arrival) *Fault {
	for i, f := range s.faults {
		if !f.matches(in) {
			continue
		}
		f.seen++
		if f.seen <= f.After {
			continue
		}
		if f.Times >= 0 && f.seen-max(f.After, 0) >= max(f.Times, 1) {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return &f.Fault
	}
	return nil
}

func (f *Fault) matches(in *arrival) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, in.method) {
		return false
	}
	if f.Path == "" {
		return true
	}
	path, ok := in.resource()
	return ok && matchPath(f.Path, path)
}

// matchPath reports whether a path, as it was sent, is meant by a pattern.
func matchPath(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i, w := range want {
		if strings.HasPrefix(w, "{") && strings.HasSuffix(w, "}") && got[i] != "" {
			continue
		}
		plain, err := url.PathUnescape(got[i])
		if got[i] != w && (err != nil || plain != w) {
			return false
		}
	}
	return true
}

// answer is the fault's own answer, nil if the usual one is to be given.
func (f *Fault) answer() *answer {
	switch {
	case f.Status == 0:
		return nil
	case f.Status < 200 || f.Status > 999:
		return refusal(http.StatusInternalServerError, "leedotest: a Fault has Status %d", f.Status)
	case f.Body == "" && f.Status >= 400:
		return refusal(f.Status, "injected fault")
	}
	return newAnswer(f.Status, nil)
}

// spoil changes an answer to what the fault wants it to be.
func (f *Fault) spoil(ans *answer) {
	if f.Body != "" {
		ans.body = []byte(f.Body)
		ans.header.Set("Content-Type", "text/plain; charset=utf-8")
		if json.Valid(ans.body) {
			ans.header.Set("Content-Type", "application/json")
		}
	}
	for name, values := range f.Header {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Content-Length":
			if len(values) == 1 && values[0] == "0" {
				ans.body = nil
			}
		case "Transfer-Encoding": // would break the framing
		default:
			ans.header[name] = slices.Clone(values)
		}
	}
	if f.Truncate != 0 && max(f.Truncate, 0) < len(ans.body) {
		ans.cut = max(f.Truncate, 0)
	}
	ans.drop = f.Drop
}
