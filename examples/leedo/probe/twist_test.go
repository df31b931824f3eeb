package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// client returns a client of the world.
func (w *world) client() *leedo.Client {
	return w.fake.Client(leedo.WithHTTPClient(&http.Client{Transport: w}), leedo.WithoutRateLimiter())
}

// RoundTrip implements http.RoundTripper: it makes the twists.
func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(w.latency / 2)
	defer time.Sleep(w.latency / 2)
	segments := strings.Split(strings.Trim(req.URL.EscapedPath(), "/"), "/")
	if w.free404 && w.rate != nil && req.Method == http.MethodGet && len(segments) == 3 && segments[1] == "leads" && w.fake.Record(segments[2]) == nil && !strings.HasPrefix(segments[2], "id%2F") {
		resp := &http.Response{StatusCode: 404, Header: w.rate.Clone(), Body: io.NopCloser(strings.NewReader(`{"error":{"code":"x","message":"y"}}`)), Request: req}
		resp.Header.Set("Date", time.Now().Add(w.skew).UTC().Format(http.TimeFormat))
		resp.Header.Set("X-Request-Id", fmt.Sprintf("free-%d", time.Now().UnixNano()))
		return w.change(resp, "", 0)
	}
	asked := 0
	path := segments[len(segments)-1]
	list := req.Method == http.MethodGet && len(segments) == 2
	if list {
		query := req.URL.Query()
		asked, _ = strconv.Atoi(query.Get("per_page"))
		size := min(asked, w.largest)
		switch {
		case asked == 0 && !query.Has("per_page"), asked > w.largest && w.defaultLarge:
			size = w.usual
		case asked > w.largest && w.rejectLarge:
			size = -1 // is rejected
		}
		query.Set("per_page", strconv.Itoa(size))
		if page, _ := strconv.Atoi(query.Get("page")); w.beyond == "last" && page > 1 && size > 0 {
			query.Set("page", strconv.Itoa(max(1, min(page, (w.records[path]+size-1)/size))))
		}
		req = req.Clone(req.Context())
		req.URL.RawQuery = query.Encode()
	}
	client := w.fake.HTTPClient()
	resp, err := client.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if !list {
		path = ""
	}
	return w.change(resp, path, asked)
}

// change changes a response. path is the name of a list, or empty.
func (w *world) change(resp *http.Response, path string, asked int) (*http.Response, error) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{}))
		return resp, nil
	}
	w.rate = make(http.Header)
	for name := range maps.Keys(resp.Header) {
		if name != "X-Request-Id" && name != "Content-Length" && name != "Retry-After" {
			w.rate[name] = slices.Clone(resp.Header[name])
		}
	}
	if w.requestID != "" && w.requestID != "X-Request-Id" {
		id := resp.Header.Get("X-Request-Id")
		resp.Header.Del("X-Request-Id")
		if w.requestID != noRequestID {
			resp.Header.Set(w.requestID, id)
		}
	}
	if resp.StatusCode >= 400 && resp.StatusCode < 500 && w.errors != "" {
		body = []byte(strings.TrimPrefix(w.errors, "-"))
	}
	if resp.StatusCode == 200 && path != "" {
		body = w.changeList(resp, body, asked)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, nil
}

func (w *world) changeList(resp *http.Response, body []byte, asked int) []byte {
	var list struct {
		Data []json.RawMessage `json:"data"`
		Meta struct {
			Total   int `json:"total"`
			Page    int `json:"page"`
			PerPage int `json:"per_page"`
		} `json:"meta"`
	}
	if json.Unmarshal(body, &list) != nil {
		return body
	}
	switch w.total {
	case "page":
		list.Meta.Total = len(list.Data)
	case "capped":
		list.Meta.Total = min(list.Meta.Total, 44)
	case "more":
		list.Meta.Total += 30
	}
	if w.lies && asked > 0 {
		list.Meta.PerPage = asked
	}
	if len(list.Data) == 0 && list.Meta.Page > 1 {
		switch w.beyond {
		case "404":
			resp.StatusCode = 404
			if w.errors != "" {
				return []byte(strings.TrimPrefix(w.errors, "-"))
			}
			return []byte(`{"error":{"code":"x","message":"y"}}`)
		case "null":
			list.Data = nil
		}
	}
	changed, _ := json.Marshal(list)
	return changed
}

// failing is the end of a body that was cut.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
