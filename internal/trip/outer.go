package trip

import (
	"net/http"
	"net/url"
	"sync"

	"github.com/hashicorp/go-retryablehttp"
)

// outer is what the retry loop and net/http's client work with: the request as
// it was before the attempts dressed it, which redirects and retries go back
// to, and the answer without its body. Both are done with it when the call is;
// so it is used again, unless a CheckRedirect or a jar has seen it.
type outer struct {
	loop    retryablehttp.Request
	request http.Request
	url     url.URL
	empty   http.Header
	answer  http.Response
}

var outers = sync.Pool{New: func() any { return &outer{empty: http.Header{}} }}

// release ends the use of o for a call.
func (o *outer) release(r *record) {
	r.outer = nil
	if r.trip.unseen {
		outers.Put(o)
	}
}

// dress makes the request of a call.
func (o *outer) dress(r *record) *retryablehttp.Request {
	o.url = r.call.URL(r.trip.Base)
	req := http.Request{ // without Host, or net/http's client would copy the URL
		Method:     r.call.Method,
		URL:        &o.url,
		Header:     o.header(r),
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
	}
	o.request = *req.WithContext(r)
	o.loop.Request = &o.request
	return &o.loop
}

// header returns the header for net/http's client, which copies it: an empty
// one, for the attempt fills it in, unless somebody sees it before that.
func (o *outer) header(r *record) http.Header {
	if r.trip.unseen {
		return o.empty
	}
	return r.call.Header.Clone()
}

// bare returns an answer without its body, which is in the record.
func (o *outer) bare(r *record, resp *http.Response) *http.Response {
	bare := &o.answer
	if !r.trip.unseen {
		bare = new(http.Response)
	}
	*bare = *resp
	bare.Body = http.NoBody
	return bare
}
