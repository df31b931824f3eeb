package support

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/url"
	"sync"
)

// Received is a request as a server saw it.
type Received struct {
	Method, Path, Query string // Path is escaped
	Header              http.Header
	Body                string
	Remote              string // the client's address
}

// Recorder records requests.
type Recorder struct {
	mu       sync.Mutex
	requests []Received
}

// Record adds a request and returns the number of requests so far. The body of
// req can still be read.
func (r *Recorder) Record(req *http.Request) int {
	body, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, Received{
		Method: req.Method, Path: req.URL.EscapedPath(), Query: req.URL.RawQuery,
		Header: maps.Clone(req.Header), Body: string(body), Remote: req.RemoteAddr,
	})
	return len(r.requests)
}

// Requests returns the requests received so far.
func (r *Recorder) Requests() []Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Received(nil), r.requests...)
}

// Handler returns a handler that records each request and passes the first one
// to the first of the handlers, the second to the second, and so on; the last
// one serves all further requests.
func (r *Recorder) Handler(handlers []http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		n := r.Record(req)
		handlers[min(n, len(handlers))-1](w, req)
	})
}

// Jar is a cookie jar made of functions; nil ones do nothing.
type Jar struct {
	Store func([]*http.Cookie)
	Load  func() []*http.Cookie
}

// SetCookies implements [http.CookieJar].
func (j Jar) SetCookies(_ *url.URL, cookies []*http.Cookie) {
	if j.Store != nil {
		j.Store(cookies)
	}
}

// Cookies implements [http.CookieJar].
func (j Jar) Cookies(*url.URL) []*http.Cookie {
	if j.Load == nil {
		return nil
	}
	return j.Load()
}
