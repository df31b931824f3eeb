package leedotest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// Every request gets a response, errors are JSON, and both front ends agree. The
// request log has the request, and only a write that succeeds changes a record.
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
		before := held(t, served)
		w := httptest.NewRecorder()
		served.ServeHTTP(w, request(served))
		check(w.Code, w.Header(), w.Body.Bytes())
		if log := served.Requests(); len(log) != 1 || log[0].Status != w.Code || string(log[0].Body) != body {
			t.Errorf("the log has %+v", log)
		}
		created, changed := 0, 0
		for id, record := range held(t, served) {
			if was, there := before[id]; !there {
				created++
			} else if was != record {
				changed++
			}
		}
		switch {
		case w.Code == http.StatusCreated && method == "POST" && created == 1 && changed == 0:
		case w.Code == http.StatusOK && method == "PATCH" && created == 0 && changed == 1: // updated_at at least
		case w.Code != http.StatusCreated && method != "PATCH" && created+changed == 0:
		case w.Code >= 400 && created+changed == 0:
		default:
			t.Errorf("status %d of a %s: %d created, %d changed", w.Code, method, created, changed)
		}

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

// held returns all records by their ids, as JSON, and checks that the ways to read
// them agree.
func held(t *testing.T, s *leedotest.Server) map[string]string {
	t.Helper()
	records, control := map[string]string{}, s.ControlHandler()
	for kind, count := range map[string]int{"leads": len(s.Leads()), "accounts": len(s.Accounts()), "contacts": len(s.Contacts()), "campaigns": len(s.Campaigns())} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/_fake/records/"+kind, nil)
		r.Header.Set("Authorization", "Bearer "+s.Token())
		w := httptest.NewRecorder()
		control.ServeHTTP(w, r)
		var list struct{ Data []json.RawMessage }
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != http.StatusOK || len(list.Data) != count {
			t.Fatalf("%d %s, status %d, %v: %s", count, kind, w.Code, err, w.Body)
		}
		for _, item := range list.Data {
			var record struct {
				ID      string
				Created time.Time `json:"created_at"`
				Updated time.Time `json:"updated_at"`
			}
			if err := json.Unmarshal(item, &record); err != nil || record.ID == "" {
				t.Fatalf("%v: %s", err, item)
			}
			if _, twice := records[record.ID]; twice || s.Record(record.ID) == nil {
				t.Fatalf("twice: %v, or not there: %s", twice, item)
			}
			records[record.ID] = string(item)
		}
	}
	return records
}
