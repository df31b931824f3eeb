package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What the page shows of requests.
const (
	maxRequests = 30
	maxExcerpt  = 4 << 10 // bytes of a body
)

// requestLog holds the newest requests with their responses.
type requestLog struct {
	mu       sync.Mutex
	arrived  int
	requests []*request // the newest first
}

// request is a request with its response.
type request struct {
	ID       int
	Time     time.Time
	Method   string
	Target   string // the path and the query
	Sent     string // the body
	Status   int    // 0 without a response
	Pending  bool
	Cut      bool // whether the connection was cut in the body
	Header   string
	Received string // the body of the response
	Took     time.Duration
}

// handler calls next and logs its requests.
func (l *requestLog) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := l.add(r)
		var sent excerpt
		r = r.WithContext(r.Context()) // a copy
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &sent), r.Body}
		response := &recorder{ResponseWriter: w}
		defer l.done(entry, &sent, response) // after a panic, too, which cuts the connection
		next.ServeHTTP(response, r)
	})
}

func (l *requestLog) add(r *http.Request) *request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived++
	entry := &request{ID: l.arrived, Time: time.Now(), Method: r.Method, Target: r.URL.RequestURI(), Pending: true}
	l.requests = slices.Insert(l.requests, 0, entry)
	l.requests = l.requests[:min(len(l.requests), maxRequests)]
	return entry
}

func (l *requestLog) done(entry *request, sent *excerpt, response *recorder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Pending = false
	entry.Took = time.Since(entry.Time).Round(10 * time.Microsecond)
	entry.Sent = sent.String()
	entry.Status = response.status
	if response.status == 0 {
		return
	}
	header := response.Header()
	var text strings.Builder
	header.Write(&text)
	entry.Header = text.String()
	if entry.Method == http.MethodHead {
		return // net/http discards the body
	}
	entry.Received = response.body.String()
	length, err := strconv.Atoi(header.Get("Content-Length"))
	entry.Cut = err == nil && response.body.size < length
}

// clear empties the log. A request in flight is not logged again. Numbers go on, because
// the page takes a request with the same number for the same.
func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = nil
}

// newest returns a copy of the log.
func (l *requestLog) newest() []request {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := make([]request, len(l.requests))
	for i, entry := range l.requests {
		requests[i] = *entry
	}
	return requests
}

// Result returns the outcome of the request in words.
func (r request) Result() string {
	switch {
	case r.Pending:
		return "pending"
	case r.Status == 0:
		return "no response"
	case r.Cut:
		return statusText(r.Status) + ", cut"
	}
	return statusText(r.Status)
}

// Class returns the class of the result: ok, bad or open.
func (r request) Class() string {
	switch {
	case r.Pending:
		return "open"
	case r.Status == 0 || r.Status >= 400 || r.Cut:
		return "bad"
	}
	return "ok"
}

// recorder notes a response that is written through it.
type recorder struct {
	http.ResponseWriter
	status int // 0 until there is one
	body   excerpt
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// Unwrap lets the fake cut the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// excerpt keeps the first bytes that are written to it.
type excerpt struct {
	text []byte
	size int // of all that was written
}

func (e *excerpt) Write(p []byte) (int, error) {
	e.text = append(e.text, p[:min(len(p), maxExcerpt-len(e.text))]...)
	e.size += len(p)
	return len(p), nil
}

// String returns the text to show, with indentation if it is JSON.
func (e *excerpt) String() string {
	var indented bytes.Buffer
	switch {
	case e.size > len(e.text):
		return strings.ToValidUTF8(string(e.text), "�") + "…"
	case json.Indent(&indented, e.text, "", "  ") == nil:
		return strings.ToValidUTF8(indented.String(), "�")
	}
	return strings.ToValidUTF8(string(e.text), "�")
}
