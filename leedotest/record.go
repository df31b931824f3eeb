package leedotest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
)

// Request is a request that arrived at the fake; see [Server.Requests].
type Request struct {
	// Method is the HTTP method.
	Method string
	// Path is the path without /v1, percent-encoded as it was sent: "/leads/a%2Fb".
	// A path that is not under /v1 is complete.
	Path string
	// Query holds the query parameters, without malformed ones.
	Query url.Values
	// Header holds the headers under their canonical names.
	Header http.Header
	// Body is the body, at most its first MiB.
	Body []byte
	// Status is the status code of the response. It is 0 if the connection was cut,
	// the caller gave up, or the response is still pending.
	Status int
}

// JSON returns the body decoded as a JSON object; numbers are float64, as in
// encoding/json. It returns nil if the body is not a JSON object.
func (r Request) JSON() map[string]any {
	var fields map[string]any
	if json.Unmarshal(r.Body, &fields) != nil {
		return nil
	}
	return fields
}

// Requests returns all requests that arrived, in order of arrival, including
// rejected and dropped ones. [WithRecentRequests] limits how many. The result is a
// copy, which the caller may modify.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.requests.newest()
	all := make([]Request, len(kept))
	for i, r := range kept {
		all[i] = r.clone()
	}
	return all
}

// OnRequest makes the server call f for each request that arrives from now on,
// before it handles the request. f can change what the request gets: it can add a
// record between two pages of a list, for example. Functions are called in the
// order in which they were added, each with its own copy of the request, whose
// Status is 0. A nil f is ignored.
//
// f may be called concurrently, and may call all methods of the server. If it
// sends a request, it is called for that request, too.
func (s *Server) OnRequest(f func(Request)) {
	if f == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onRequest = append(s.onRequest, f)
}

// clone returns a deep copy.
func (r *Request) clone() Request {
	c := *r
	c.Header = r.Header.Clone()
	c.Query = url.Values(http.Header(r.Query).Clone())
	c.Body = bytes.Clone(r.Body)
	return c
}

// requestLog holds the requests that arrived.
type requestLog struct {
	arrived int // how many, including those no longer in entries
	keep    int // how many of the newest to keep; negative means all
	entries []*Request
}

// newest returns the requests to keep.
func (l *requestLog) newest() []*Request {
	if l.keep < 0 {
		return l.entries
	}
	return l.entries[max(0, len(l.entries)-l.keep):]
}

// add logs a request and returns its entry.
func (l *requestLog) add(in *arrival) *Request {
	l.arrived++
	if l.keep > 0 && len(l.entries)/2 >= l.keep { // at twice keep, so that copying is cheap on average
		l.entries = append(make([]*Request, 0, len(l.entries)+1), l.newest()...)
	}
	path, ok := in.resource()
	if !ok {
		path = in.path
	}
	query, _ := url.ParseQuery(in.query)
	r := &Request{Method: in.method, Path: path, Query: query, Header: in.header, Body: in.body}
	if l.keep != 0 {
		l.entries = append(l.entries, r)
	}
	return r
}
