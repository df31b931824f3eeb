package leedotest_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leedoapp/leedo-go/leedotest"
)

// Every request to the control interface gets a response, errors are JSON, a
// request that fails changes nothing, and after a reset all is as before.
func FuzzControl(f *testing.F) {
	for _, seed := range []struct{ method, path, query, body string }{
		{"POST", "faults", "", `{"status":500,"times":-1}`},
		{"GET", "faults", "", ""},
		{"DELETE", "faults", "", ""},
		{"GET", "requests", "method=GET&path=/leads/{id}&status=200", ""},
		{"GET", "requests", "path=%2F&status=-1", ""},
		{"POST", "records/leads", "", `{"id":"a/b","created_at":"2025-10-01T12:00:00+02:00","x":[1e400]}`},
		{"POST", "records/leads", "", `{"id":"` + accountID + `"}`},
		{"POST", "records/leads", "", `{"created_at":"0000-01-01T00:00:00+14:00","updated_at":"9999-12-31T23:59:59-14:00"}`},
		{"PATCH", "records/contacts/" + contactID, "", `{"created_at":7,"name":null,"":{}}`},
		{"DELETE", "records/campaigns/" + campaignID, "", ""},
		{"GET", "records/accounts", "", ""},
		{"POST", "plan", "", `{"limit":0,"window":"1ns"}`},
		{"POST", "plan", "", `{"limit":9223372036854775807,"window":"2540400h"}`},
		{"POST", "plan", "", `{"plan":"duo"}`},
		{"GET", "plan", "", ""},
		{"POST", "clock", "", `{"advance":"876000h"}`},
		{"GET", "clock", "", ""},
		{"POST", "reset", "", "{}"},
		{"PUT", "openapi.json", "x=%zz", "\x00"},
		{"GET", "openapi.json", "", ""},
		{"", "//..", ";", "null"},
	} {
		f.Add(seed.method, seed.path, seed.query, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		s := documented(leedotest.WithPlan(leedotest.Free))
		before := held(t, s)
		control := s.ControlHandler()
		send := func(method, path, query, body string) *httptest.ResponseRecorder {
			r := (&http.Request{
				Method: method,
				URL:    &url.URL{Path: "/_fake/" + path, RawPath: "/_fake/" + path, RawQuery: query},
				Header: http.Header{"Authorization": {"Bearer " + s.Token()}},
				Body:   io.NopCloser(strings.NewReader(body)),
			}).WithContext(t.Context())
			w := httptest.NewRecorder()
			control.ServeHTTP(w, r)
			return w
		}
		w := send(method, path, query, body)
		var e struct {
			Error struct{ Code, Message string }
		}
		switch {
		case w.Code == http.StatusNoContent && w.Body.Len() == 0:
		case w.Header().Get("Content-Type") != "application/json" || json.Unmarshal(w.Body.Bytes(), &e) != nil:
			t.Errorf("status %d, %v, not JSON: %q", w.Code, w.Header(), w.Body)
		case w.Code == http.StatusOK, w.Code == http.StatusCreated:
		case w.Code < 400 || w.Code > 499 || e.Error.Code == "" || e.Error.Message == "":
			t.Errorf("status %d: %q", w.Code, w.Body)
		}
		if method != "PATCH" || w.Code >= 400 { // which may set any field to anything
			after := held(t, s)
			if w.Code >= 400 && (!maps.Equal(before, after) || len(s.Pending()) > 0) {
				t.Errorf("status %d, but the records or faults changed", w.Code)
			}
		}
		if w := send("POST", "reset", "", ""); w.Code != http.StatusNoContent || len(s.Pending()) > 0 || len(s.Requests()) > 0 {
			t.Errorf("reset: status %d, faults %v, requests %v", w.Code, s.Pending(), s.Requests())
		}
		if diff := cmp.Diff(before, held(t, s)); diff != "" {
			t.Errorf("after a reset: %s", diff)
		}
	})
}

// A fault that is accepted can be listed and injected again, and has the effect
// that it describes, in memory and over HTTP.
func FuzzFault(f *testing.F) {
	for _, seed := range []string{
		`{"status":500}`, `{"method":"GET","path":"/leads/{id}","drop":true,"processed":true}`, `{"body":"x","header":{"content-type":[],"X-A":["1","2"]}}`,
		`{"status":204,"body":"{}"}`, `{"status":304,"truncate":-1}`, `{"status":200,"body":"abc","truncate":2}`, `{"header":{"Content-Length":["0"]}}`,
		`{"header":{"Transfer-Encoding":["chunked"],"Date":[]}}`, `{"header":{"a b":[""]}}`, `{"header":{},"drop":true}`, `{"header":{"a":["\r"]},"status":999}`, `{"header":{"Content-Length":["7"]},"drop":true}`,
		`{"chance":1e-400,"status":200}`, `{"latency":"1h","after":1}`, `{"latency":"-1s"}`, `{"bytes_per_second":1,"times":-1}`, `{"Status":500,"status":400}`, `{"status":500}{}`, `[]`, `null`,
		`{"status":5e2}`, `{"path":"/\ud800","drop":true}`, `{"path":"//x","drop":true}`, `{"method":"GÊT","drop":true}`, `{"when":null,"drop":true}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var fault leedotest.Fault
		if err := fault.UnmarshalJSON(data); err != nil {
			if text := err.Error(); text == "" || strings.ContainsAny(text, "\r\n") || !cmp.Equal(fault, leedotest.Fault{}) {
				t.Errorf("%q, %+v", text, fault)
			}
			return
		}
		if !json.Valid(data) {
			t.Errorf("accepted, but it is not JSON")
		}
		s := documented()
		s.Inject(fault)
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/_fake/faults", nil)
		r.Header.Set("Authorization", "Bearer "+s.Token())
		w := httptest.NewRecorder()
		s.ControlHandler().ServeHTTP(w, r)
		var list struct{ Data []map[string]any }
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Data) != 1 {
			t.Fatalf("%v: %s", err, w.Body)
		}
		delete(list.Data[0], "applied")
		listed, _ := json.Marshal(list.Data[0])
		var again leedotest.Fault
		if err := again.UnmarshalJSON(listed); err != nil || !cmp.Equal(again, fault, cmpopts.EquateEmpty()) {
			t.Fatalf("%v: listed as %s: %s", err, listed, cmp.Diff(fault, again))
		}

		if fault.Latency > 0 || fault.BytesPerSecond > 0 || fault.Chance != 0 || fault.After > 0 {
			return // would take time, or may not apply
		}
		method, path := fault.Method, "/leads/"+leadID
		if method == "" {
			method = "GET"
		}
		if fault.Path != "" {
			path = (&url.URL{Path: fault.Path}).EscapedPath()
		}
		status, body, err := memory(t, s, method, path)
		if len(s.Pending()) > 0 != (fault.Times > 1) {
			t.Errorf("%s %s: pending are %+v", method, path, s.Pending())
		}
		if (err != nil) != fault.Drop && !errors.Is(err, io.ErrUnexpectedEOF) || fault.Status != 0 && !fault.Drop && status != fault.Status {
			t.Errorf("%s %s: status %d, %v", method, path, status, err)
		}
		s = documented()
		s.Inject(fault)
		servedStatus, servedBody, aborted := recorded(t, s, method, path)
		if aborted != fault.Drop || !aborted && (servedStatus != status || servedBody != body) {
			t.Errorf("%s %s: %d %q in memory, %d %q served, %v", method, path, status, body, servedStatus, servedBody, aborted)
		}
	})
}

// memory sends a request in memory. It returns what arrived of the body, and the
// error of the request or of reading the body.
func memory(t *testing.T, s *leedotest.Server, method, path string) (int, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://x/v1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token())
	resp, err := s.HTTPClient().Transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// recorded sends a request to the handler, and reports whether it aborted.
func recorded(t *testing.T, s *leedotest.Server, method, path string) (status int, body string, aborted bool) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/v1"+path, nil)
	r.Header.Set("Authorization", "Bearer "+s.Token())
	w := httptest.NewRecorder()
	defer func() {
		if value := recover(); value != nil {
			if err, _ := value.(error); !errors.Is(err, http.ErrAbortHandler) {
				panic(value)
			}
			aborted = true
		}
	}()
	s.ServeHTTP(w, r)
	body = w.Body.String()
	if method == http.MethodHead { // net/http sends none
		body = ""
	}
	return w.Code, body, false
}
