package wire

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Canned is an [http.RoundTripper] that answers everything with the same, out
// of memory, at the price of two allocations.
type Canned struct {
	status int
	text   string // as http.Response has it
	header http.Header
	body   string
}

// CannedOne answers with object 0.
func (f *Format) CannedOne(status int) *Canned {
	body := f.One(f.Object(0))
	return &Canned{status, statusText(status), Header(body), body}
}

// CannedPage answers with the first page of a long list.
func (f *Format) CannedPage(per int) *Canned {
	at := Position{Per: per, Total: 100 * per} // so there is a next page
	body := f.List(at)
	header := Header(body)
	if f.PageHeader != nil {
		f.PageHeader(header, at)
	}
	return &Canned{http.StatusOK, statusText(http.StatusOK), header, body}
}

func statusText(status int) string {
	return strconv.Itoa(status) + " " + http.StatusText(status)
}

// RoundTrip answers. The header is the same map each time: nobody writes to it.
func (c *Canned) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, err := io.Copy(io.Discard, req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	b := new(body)
	b.s.Reset(c.body)
	return &http.Response{
		Status: c.text, StatusCode: c.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: c.header, Body: b, ContentLength: int64(len(c.body)), Request: req,
	}, nil
}

// body only reads, as one from the network does: nobody gets to skip his
// buffer with the WriteTo of strings.Reader.
type body struct{ s strings.Reader }

func (b *body) Read(p []byte) (int, error) { return b.s.Read(p) }

func (*body) Close() error { return nil }
