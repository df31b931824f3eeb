package leedotest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go/leedotest"
)

// Every request gets a response, errors are JSON, and both front ends agree.
func FuzzServeHTTP(f *testing.F) {
	for _, seed := range []struct{ method, path, query, contentType, key, body string }{
		{"GET", "/v1/leads", "page=1&per_page=500", "", "", ""},
		{"HEAD", "/v1/leads/" + leadID, "", "", "", ""},
		{"POST", "/v1/leads", "", "application/json", "k", `{"name":"x","a":[1e400,{"b":null}]}`},
		{"POST", "/v1/contacts", "", "application/json; charset=\xff", "", `{"name":"x","account_id":"` + accountID + `"}`},
		{"PATCH", "/v1/leads/" + leadID, "", "", "", `{"name":null,"\u0000":"\ud800"}`},
		{"PATCH", "/v1/leads/" + leadID, "", "a/b+json", "k", "{\"name\":\"\xff\",\"\xff\":1}"},
		{"", "", "", "", "", ""},
		{"OPTIONS", "*", ";", ";", "\x00", "\x00"},
		{"GET", "//", "%", "", "", "x"},
		{"GET", "/v1//leads/..", "page=-1", "", "", "null"},
		{"CONNECT", "/v1/leads/%zz/\xff\x00", "page=\xff", "", "", "[]"},
		{"get", "v1/leads", "per_page=9999999999", "", "", `""`},
	} {
		f.Add(seed.method, seed.path, seed.query, seed.contentType, seed.key, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, contentType, key, body string) {
		request := func(s *leedotest.Server) *http.Request {
			r := (&http.Request{
				Method: method,
				URL:    &url.URL{Scheme: "http", Host: "x", Path: path, RawPath: path, RawQuery: query},
				Header: http.Header{"Authorization": {"Bearer " + s.Token()}},
				Body:   io.NopCloser(strings.NewReader(body)),
			}).WithContext(t.Context())
			if unescaped, err := url.PathUnescape(path); err == nil {
				r.URL.Path = unescaped
			}
			if contentType != "" {
				r.Header.Set("Content-Type", contentType)
			}
			if key != "" {
				r.Header.Set("Idempotency-Key", key)
			}
			return r
		}
		check := func(status int, header http.Header, body []byte) {
			t.Helper()
			switch {
			case status < 200 || status > 599:
				t.Errorf("status %d", status)
			case method == "HEAD" && len(body) == 0:
			case header.Get("Content-Type") != "application/json" || !json.Valid(body):
				t.Errorf("status %d, %v, not JSON: %q", status, header, body)
			case status >= 400:
				var e struct {
					Error struct{ Code, Message string }
				}
				if json.Unmarshal(body, &e) != nil || e.Error.Code == "" || e.Error.Message == "" {
					t.Errorf("status %d: %q", status, body)
				}
			}
		}

		served := documented(leedotest.WithIdempotencyKeys(), leedotest.WithPlan(leedotest.Free))
		w := httptest.NewRecorder()
		served.ServeHTTP(w, request(served))
		check(w.Code, w.Header(), w.Body.Bytes())

		tripped := documented(leedotest.WithIdempotencyKeys(), leedotest.WithPlan(leedotest.Free))
		resp, err := tripped.HTTPClient().Transport.RoundTrip(request(tripped))
		if err != nil { // net/http does not send it either
			return
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		check(resp.StatusCode, resp.Header, b)
		// A request target that cannot be parsed does not reach a server.
		if _, err := url.ParseRequestURI(request(served).URL.RequestURI()); err == nil && resp.StatusCode != w.Code {
			t.Errorf("%d in memory, %d served", resp.StatusCode, w.Code)
		}
	})
}
