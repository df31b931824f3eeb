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
		all[i] = *r
		all[i].Header = r.Header.Clone()
		all[i].Query = url.Values(http.Header(r.Query).Clone())
		all[i].Body = bytes.Clone(r.Body)
	}
	return all
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
	if l.keep == 0 {
		return &Request{}
	}
	if l.keep > 0 && len(l.notes)/2 >= l.keep { // now and then, as copying takes time
		l.notes = append(make([]*Request, 0, len(l.notes)+1), l.newest()...)
	}
	path, ok := in.resource()
	if !ok {
		path = in.path
	}
	query, _ := url.ParseQuery(in.query)
	r := &Request{Method: in.method, Path: path, Query: query, Header: in.header, Body: in.body}
	l.notes = append(l.notes, r)
	return r
}
