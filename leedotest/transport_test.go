package leedotest_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go/leedotest"
)

var errRead = errors.New("cannot be read")

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, errRead }

// closing records that it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func TestRoundTripContract(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	body := &closing{Reader: strings.NewReader(`{"name":"x"}`)}
	req := &http.Request{
		Method: "POST",
		URL:    &url.URL{Scheme: "http", Host: "whatever:99", Path: "/v1/leads", RawQuery: "a=1"},
		// net/http would send them in another form.
		Header: http.Header{
			"authorization":   {"Bearer " + s.Token()},
			"idempotency-key": {"k"},
			"Host":            {"elsewhere"},
			"X-Two":           {"1", "2"},
		},
		Body: body,
	}
	before := req.Header.Clone()
	resp, err := s.HTTPClient().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if !body.closed {
		t.Error("the request's body is not closed")
	}
	if !maps.EqualFunc(before, req.Header, func(a, b []string) bool { return strings.Join(a, ",") == strings.Join(b, ",") }) {
		t.Errorf("the request was changed: %v", req.Header)
	}
	if resp.Status != "201 Created" || resp.Request != req || resp.ProtoMajor != 1 || resp.Header.Get("Date") == "" {
		t.Errorf("response: %+v", resp)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil || int64(len(b)) != resp.ContentLength {
		t.Errorf("%d bytes of %d: %v", len(b), resp.ContentLength, err)
	}
	resp.Body.Close()
	if _, err := resp.Body.Read(b); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("read after close: %v", err)
	}

	got := s.Requests()[0].Header
	for name, want := range map[string]string{
		"Idempotency-Key": "k",
		"Host":            "",
		"User-Agent":      "Go-http-client/1.1",
		"Content-Length":  "12",
		"X-Two":           "1,2",
	} {
		if have := strings.Join(got[name], ","); have != want {
			t.Errorf("%s arrived as %q, want %q", name, have, want)
		}
	}
}

func TestRoundTripRefuses(t *testing.T) {
	t.Parallel()
	done, cancel := context.WithCancelCause(t.Context())
	errGone := errors.New("gone")
	cancel(errGone)
	good := func() *http.Request {
		return &http.Request{URL: &url.URL{Scheme: "https", Host: "x", Path: "/v1/leads"}, Header: make(http.Header)}
	}
	tests := []struct {
		name  string
		req   func() *http.Request
		want  error // nil means any
		match string
	}{
		{"nil URL", func() *http.Request { return &http.Request{} }, nil, "nil Request.URL"},
		{"scheme", func() *http.Request { r := good(); r.URL.Scheme = "ftp"; return r }, nil, "scheme"},
		{"no host", func() *http.Request { r := good(); r.URL.Host = ""; return r }, nil, "Host"},
		{"context", func() *http.Request { return good().WithContext(done) }, errGone, ""},
		{"header value", func() *http.Request { r := good(); r.Header["X"] = []string{"a\nb"}; return r }, nil, "header"},
		{"header name", func() *http.Request { r := good(); r.Header["X Y"] = []string{"a"}; return r }, nil, "header"},
		{"header name that is no token", func() *http.Request { r := good(); r.Header["X(Y"] = []string{"a"}; return r }, nil, "header"},
		{"unreadable", func() *http.Request { r := good(); r.Body = io.NopCloser(badReader{}); return r }, errRead, ""},
		{"length", func() *http.Request {
			r := good()
			r.ContentLength = 3
			r.Body = io.NopCloser(strings.NewReader("ab"))
			return r
		}, nil, "ContentLength=3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := leedotest.NewServer()
			_, err := s.HTTPClient().Transport.RoundTrip(tt.req())
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.match) {
				t.Errorf("error %v, want %v %q", err, tt.want, tt.match)
			}
			if n := len(s.Requests()); n != 0 {
				t.Errorf("%d requests arrived", n)
			}
		})
	}
}

// A request without a method is a GET, and a request may have no body.
func TestRoundTripDefaults(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	resp, err := s.HTTPClient().Transport.RoundTrip(&http.Request{
		URL:    &url.URL{Scheme: "https", Host: "x", Path: "/v1/leads"},
		Header: http.Header{"Authorization": {"Bearer " + s.Token()}, "User-Agent": {"mine"}},
		Body:   http.NoBody,
	})
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v, %v", resp, err)
	}
	if r := s.Requests()[0]; r.Method != "GET" || r.Header.Get("User-Agent") != "mine" || r.Header.Get("Content-Length") != "" {
		t.Errorf("arrived as %+v", r)
	}
}
