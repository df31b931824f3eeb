package leedotest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Fault describes something that goes wrong with requests to the fake; see
// [Server.Inject]. Method, Path, When, Chance, After and Times select the requests,
// by default the next one. The other fields describe what happens to them; at least
// one besides Processed must be set. The zero value of a field changes nothing.
//
// Without Status and Drop, the fake produces its usual response, to which Header,
// Body, Latency, Truncate and BytesPerSecond then apply.
type Fault struct {
	// Method is the HTTP method of the requests to match; "" matches any.
	Method string
	// Path is the path of the requests to match, without /v1; "" matches any. It is
	// a template as in the documentation, "/leads/{id}", where a segment in braces
	// matches any one segment, or the path of one record. The fake need not know the
	// path.
	Path string
	// When selects among the requests that Method and Path match; nil selects all of
	// them. The Status of its argument is 0. It is not called for requests to which an earlier
	// fault applies. It may be called concurrently, and may call all methods of the
	// server.
	When func(Request) bool

	// Chance is the probability, from 0 to 1, with which a request that Method, Path
	// and When match counts as matching; 0 means 1. It is not random from run to run:
	// servers that get the same faults and the same requests, in the same order, apply
	// the faults to the same requests.
	Chance float64
	// After is the number of matching requests that pass first, at least 0.
	After int
	// Times is the number of requests that the fault applies to after that: 0 means
	// one, a negative number all.
	Times int

	// Processed executes the request before it fails: records change, and only the
	// response is lost. Otherwise a fault with Status or Drop leaves the records as
	// they are.
	Processed bool
	// Drop cuts the connection instead of sending a response. Together with Processed
	// it reproduces how retries create duplicates. A dropped request that is not
	// processed costs no quota.
	Drop bool

	// Status is the status code of the response, from 200 to 999, in place of any
	// other, a 401 or 429 too.
	Status int
	// Header holds headers of the response. They replace those of the same name; a
	// name without values removes the header. Content-Length can only be set to 0,
	// which means an empty body, and Transfer-Encoding not at all.
	Header http.Header
	// Body is the body of the response. Unless Header sets another Content-Type, it is
	// sent as application/json if it is valid JSON, otherwise as text/plain. With "",
	// an error status has the API's usual error body, and other values of Status have
	// an empty body.
	Body string
	// Latency delays the response, or the cut of Drop, in addition to [WithLatency]. The
	// request is executed before the delay, if at all. If the request's context ends
	// first, there is no response.
	Latency time.Duration
	// Truncate cuts the connection after that many bytes of the body, so that reading
	// it returns io.ErrUnexpectedEOF. 0 means that it does not; a negative number cuts
	// before the first byte. A usual response whose body is not longer is sent in full.
	Truncate int
	// BytesPerSecond sends the body evenly at this rate. 0 means at once.
	BytesPerSecond int
}

// pendingFault is a fault that may still apply.
type pendingFault struct {
	Fault
	number  int        // of all that were injected
	random  *rand.Rand // decides for Chance
	seen    int        // matching requests so far
	applied int        // how many of them it applied to
}

// newPendingFault returns the fault that was injected as the number-th, which is its
// seed: faults with the same Chance select different requests, and every run of a test
// the same.
func newPendingFault(f Fault, number int) *pendingFault {
	return &pendingFault{Fault: f, number: number, random: rand.New(rand.NewPCG(0, uint64(number)))}
}

// Inject adds faults. The first fault, in order of injection, that matches a request
// and is due applies to it; later ones do not see that request. A fault that has
// applied as often as it should is removed.
//
// The response of a fault has the usual request id and rate limit headers, and a
// request to which a fault applies costs quota like any other, unless Drop cuts it
// before it is processed.
//
// Inject panics, and adds no fault, if one of them is invalid: a field has an invalid
// value, no field says what happens, or a field can have no effect because of another
// one. Drop cannot be combined with what describes a response; a Status without a body,
// such as 204, not with what describes a body. A Path starts with one slash and not with
// /v1, does not end in a slash, and has no query (%3F is a question mark).
// [Server.Pending] finds other faults that did not apply.
func (s *Server) Inject(faults ...Fault) {
	for i, f := range faults {
		if err := f.check(goNames); err != nil {
			panic(fmt.Sprintf("leedotest: Server.Inject: fault %d: %v", i+1, err))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		f.Header = f.Header.Clone()
		s.injected++
		s.faults = append(s.faults, newPendingFault(f, s.injected))
	}
}

// Pending returns the faults that have not yet applied as often as they should, as
// they were injected; nil means that all have. A fault with a negative Times is
// pending until it has applied once. A test can call Pending at its end to check
// that the faults it injected took effect.
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

// matchFault returns the fault that applies to a request, or nil. The lock is not
// held while it calls When.
func (s *Server) matchFault(in *arrival, entry *Request) *Fault {
	s.mu.Lock()
	faults := slices.Clone(s.faults)
	if in.resets != s.resets {
		faults = nil
	}
	s.mu.Unlock()
	for _, f := range faults {
		if f.matches(in) && (f.When == nil || f.When(entry.clone())) && s.due(f) {
			return &f.Fault
		}
	}
	return nil
}

// due counts a request for a fault that matches it, and reports whether the fault
// applies to it.
func (s *Server) due(f *pendingFault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.faults, f)
	if i < 0 { // used up by concurrent requests, or removed
		return false
	}
	if f.Chance > 0 && f.random.Float64() >= f.Chance {
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

// matchPath reports whether a path, as it was sent, matches a pattern.
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

// response returns the fault's own response, or nil if it has no Status and the
// usual response is sent.
func (f *Fault) response() *response {
	switch {
	case f.Status == 0:
		return nil
	case f.Body == "" && f.Status >= 400:
		return errorResponse(f.Status, "injected fault")
	}
	return newResponse(f.Status, nil)
}

// modify applies the fault to a response, its own or the usual one.
func (f *Fault) modify(resp *response) {
	if f.Body != "" {
		resp.body = []byte(f.Body)
		resp.header.Set("Content-Type", "text/plain; charset=utf-8")
		if json.Valid(resp.body) {
			resp.header.Set("Content-Type", "application/json")
		}
	}
	for name, values := range f.Header {
		if name = http.CanonicalHeaderKey(name); name == "Content-Length" {
			resp.body = nil // it is 0
		} else {
			resp.header[name] = slices.Clone(values)
		}
	}
	if f.Truncate != 0 && max(f.Truncate, 0) < len(resp.body) {
		resp.cut = max(f.Truncate, 0)
	}
	resp.drop, resp.rate = f.Drop, f.BytesPerSecond
}
