package leedotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Fault is something that goes wrong with requests to the fake, see
// [Server.Inject]. It says which requests it applies to, by default the next one,
// and what happens to them; one that does nothing is rejected.
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
	// When selects among the requests that Method and Path match; nil is all
	// of them. The request's Status is 0. When is not called for requests that
	// an earlier fault applies to. It may be called concurrently, and may call
	// all methods of the server.
	When func(Request) bool

	// After is how many matching requests to let pass first.
	After int
	// Times is how many requests the fault applies to then: 0 is one, negative
	// all.
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

// armedFault is a fault that may still apply.
type armedFault struct {
	Fault
	seen    int // matching requests so far
	applied int // those of them that it applied to
}

// Inject adds faults. The first fault, in the order in which they were injected,
// that matches a request and is due applies to it; later ones do not see it. A
// fault that has applied as often as it should is forgotten.
//
// The answer of a fault carries the usual request id and rate limit headers,
// and a request that one applies to costs quota as any other.
//
// Inject panics, and adds none, if one of the faults can have no effect: if it sets
// none of Status, Drop, Header, Body, Latency and Truncate, or if its Path matches
// no request. A Path begins with one slash and not with /v1, does not end in a slash
// and has no query (%3F is a question mark). [Server.Pending] finds the other faults
// that matched nothing.
func (s *Server) Inject(faults ...Fault) {
	for i, f := range faults {
		if problem := f.problem(); problem != "" {
			panic(fmt.Sprintf("leedotest: Server.Inject: fault %d: %s", i+1, problem))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		f.Header = f.Header.Clone()
		s.faults = append(s.faults, &armedFault{Fault: f})
	}
}

// Pending returns the faults that have not applied to as many requests as they
// should, as they were injected; nil means that all have. One with a negative
// Times is among them until it has applied once. A test that calls it last finds
// out whether the faults it injected had anything to do with it.
func (s *Server) Pending() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pending []Fault
	for _, f := range s.faults {
		if f.Times >= 0 || f.applied == 0 {
			fault := f.Fault
			fault.Header = f.Header.Clone()
			pending = append(pending, fault)
		}
	}
	return pending
}

// problem returns why the fault can have no effect; "" means that it can.
func (f *Fault) problem() string {
	switch path := f.Path; {
	case path == "":
	case path[0] != '/' || strings.HasPrefix(path, "//"):
		return fmt.Sprintf("Path %q does not begin with one slash", path)
	case path == "/v1" || strings.HasPrefix(path, "/v1/"):
		return fmt.Sprintf("Path %q: paths are given without /v1", path)
	case strings.HasSuffix(path, "/"):
		return fmt.Sprintf("Path %q ends in a slash", path)
	case strings.Contains(path, "?"):
		return fmt.Sprintf("Path %q holds a query: use When to match one", path)
	}
	if f.Status == 0 && !f.Drop && f.Body == "" && f.Latency <= 0 && f.Truncate == 0 && !f.changesHeader() {
		return "it does nothing: it needs Status, Drop, Header, Body, Latency or Truncate"
	}
	return ""
}

// changesHeader reports whether Header changes the answer.
func (f *Fault) changesHeader() bool {
	for name, values := range f.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length":
			if emptiesBody(values) {
				return true
			}
		case "Transfer-Encoding":
		default:
			return true
		}
	}
	return false
}

// emptiesBody reports whether the values of Content-Length ask for no body, which
// is the only change to it that there is.
func emptiesBody(values []string) bool { return len(values) == 1 && values[0] == "0" }

// strike returns the fault that applies to a request; nil means that no fault does.
func (s *Server) strike(in *arrival, note *Request) *Fault {
	s.mu.Lock()
	faults := slices.Clone(s.faults)
	s.mu.Unlock()
	for _, f := range faults {
		if f.matches(in) && (f.When == nil || f.When(note.clone())) && s.due(f) {
			return &f.Fault
		}
	}
	return nil
}

// due counts a request for a fault that matches it, and reports whether the fault
// applies to it.
func (s *Server) due(f *armedFault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.faults, f)
	if i < 0 { // others used it up meanwhile
		return false
	}
	f.seen++
	if f.seen <= f.After {
		return false
	}
	f.applied++
	if f.Times >= 0 && f.applied >= max(f.Times, 1) {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return true
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
			if emptiesBody(values) {
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
