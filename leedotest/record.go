package leedotest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
)

// Request is a request that arrived at the fake, see [Server.Requests].
type Request struct {
	// Method is the HTTP method.
	Method string
	// Path is the path as it was sent, percent-encoding included, without /v1:
	// "/leads/a%2Fb". A path that is not under /v1 is left whole.
	Path string
	// Query holds the query parameters; malformed ones are left out.
	Query url.Values
	// Header holds the headers under their canonical names.
	Header http.Header
	// Body is the body; of one too large, the first MiB.
	Body []byte
	// Status is the status code it was answered with; 0 if the connection was
	// cut, the caller gave up, or the answer is still on its way.
	Status int
}

// JSON returns the body as a JSON object, decoded as encoding/json does it:
// numbers are float64. It returns nil if the body is none.
func (r Request) JSON() map[string]any {
	var fields map[string]any
	if json.Unmarshal(r.Body, &fields) != nil {
		return nil
	}
	return fields
}

// Requests returns all requests that arrived, in the order of their arrival,
// also those that were refused or dropped; see [WithRecentRequests]. The result
// is the caller's own: it neither changes with time nor can anything be changed
// through it.
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

// OnRequest calls f with each request that arrives from now on, before anything
// else is done with it, so that f can change what the request meets: a record
// appears between two pages, say. The request's Status is 0 then. Functions that
// were given earlier are called first, and each gets its own copy.
//
// f may be called concurrently, and may call all methods of the server. If it
// sends a request, it is called for that one as well. nil is ignored.
func (s *Server) OnRequest(f func(Request)) {
	if f == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onRequest = append(s.onRequest, f)
}

// clone returns a copy that shares nothing with r.
func (r *Request) clone() Request {
	c := *r
	c.Header = r.Header.Clone()
	c.Query = url.Values(http.Header(r.Query).Clone())
	c.Body = bytes.Clone(r.Body)
	return c
}

// requestLog is what the server remembers of the requests that arrived.
type requestLog struct {
	arrived int // so many did
	keep    int // the newest to remember; negative: all
	notes   []*Request
}

// newest returns the requests to remember.
func (l *requestLog) newest() []*Request {
	if l.keep < 0 {
		return l.notes
	}
	return l.notes[max(0, len(l.notes)-l.keep):]
}

// add notes a request and returns its note.
func (l *requestLog) add(in *arrival) *Request {
	l.arrived++
	if l.keep > 0 && len(l.notes)/2 >= l.keep { // now and then, as copying takes time
		l.notes = append(make([]*Request, 0, len(l.notes)+1), l.newest()...)
	}
	path, ok := in.resource()
	if !ok {
		path = in.path
	}
	query, _ := url.ParseQuery(in.query)
	r := &Request{Method: in.method, Path: path, Query: query, Header: in.header, Body: in.body}
	if l.keep != 0 {
		l.notes = append(l.notes, r)
	}
	return r
}
