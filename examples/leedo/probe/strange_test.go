package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// strange is a fake behind a server that changes its responses.
type strange struct {
	fake    *leedotest.Server
	latency time.Duration // after the Date was set
	change  func(req *http.Request, resp *http.Response, body []byte) []byte
}

// RoundTrip implements http.RoundTripper.
func (s *strange) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		sent, _ = io.ReadAll(req.Body)
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := s.fake.HTTPClient().Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	time.Sleep(s.latency)
	if s.change != nil {
		req.Body = io.NopCloser(bytes.NewReader(sent))
		body = s.change(req, resp, body)
	}
	resp.Header.Del("Content-Length")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// header returns a change that replaces a header of all responses.
func header(name string, value func(old string) string) func(*http.Request, *http.Response, []byte) []byte {
	return func(_ *http.Request, resp *http.Response, body []byte) []byte {
		resp.Header.Set(name, value(resp.Header.Get(name)))
		return body
	}
}

// items returns a change of the items of lists, and of their meta.
func items(change func(item, meta map[string]any, n int)) func(*http.Request, *http.Response, []byte) []byte {
	return func(_ *http.Request, resp *http.Response, body []byte) []byte {
		var list struct {
			Data []map[string]any `json:"data"`
			Meta map[string]any   `json:"meta"`
		}
		if json.Unmarshal(body, &list) != nil || list.Meta == nil {
			return body
		}
		for _, item := range list.Data {
			change(item, list.Meta, len(list.Data))
		}
		body, _ = json.Marshal(list)
		return body
	}
}

// record returns a change of the responses with one lead, to requests of a method or of
// all.
func record(method string, change func(record map[string]any)) func(*http.Request, *http.Response, []byte) []byte {
	return func(req *http.Request, resp *http.Response, body []byte) []byte {
		var r map[string]any
		if json.Unmarshal(body, &r) != nil || r["id"] == nil || method != "" && req.Method != method {
			return body
		}
		change(r)
		body, _ = json.Marshal(r)
		return body
	}
}

// What a strange server does is not taken for something that it does not do.
func TestStrangeServers(t *testing.T) {
	const latency = 100 * time.Millisecond
	pro, free := []leedotest.ServerOption{leedotest.WithPlan(leedotest.Pro)}, []leedotest.ServerOption{leedotest.WithPlan(leedotest.Free)}
	bucket := []leedotest.ServerOption{leedotest.WithPlan(leedotest.Pro), leedotest.WithAlgorithm(leedotest.TokenBucket), leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds)}
	for _, tt := range []struct {
		name     string
		options  []leedotest.ServerOption
		leads    int
		latency  time.Duration
		change   func(*http.Request, *http.Response, []byte) []byte
		opts     Options
		question string
		want     string
	}{
		{"a clock that slow responses hide", []leedotest.ServerOption{leedotest.WithClockSkew(400 * time.Millisecond)}, 9, 1900 * time.Millisecond, nil, Options{}, askSkew, Open},
		{"milliseconds from now", bucket, 9, latency, header(headerReset, func(old string) string {
			n, _ := strconv.ParseInt(old, 10, 64)
			return fmt.Sprint(max(0, time.Until(time.UnixMilli(n)).Milliseconds()))
		}), Options{}, askReset, Open},
		{"a reset of 0", pro, 9, latency, header(headerReset, func(string) string { return "0" }), Options{}, askReset, Open},
		{"the length of the window", pro, 9, latency, header(headerReset, func(string) string { return "3600" }), Options{}, askReset, Open},
		{"a limit a day", pro, 9, latency, header(headerReset, func(old string) string {
			n, _ := strconv.ParseInt(old, 10, 64)
			return fmt.Sprint(n + 20*3600)
		}), Options{}, askLimit, Open},
		{"a limit for each resource", pro, 9, latency, func(req *http.Request, resp *http.Response, body []byte) []byte {
			if strings.HasPrefix(req.URL.Path, "/v1/accounts") {
				resp.Header.Set(headerLimit, "300")
			}
			return body
		}, Options{}, askLimit, Open},
		{"items without ids", nil, 30, latency, func(req *http.Request, resp *http.Response, body []byte) []byte {
			return items(func(item, _ map[string]any, _ int) { item["uuid"] = item["id"]; delete(item, "id") })(req, resp, body)
		}, Options{}, askPaging, Open},
		{"items without ids", nil, 30, latency, items(func(item, _ map[string]any, _ int) { delete(item, "id") }), Options{}, askQuery, Open},
		{"per_page is the number of items", nil, 5, latency, items(func(_, meta map[string]any, n int) { meta["per_page"] = n }), Options{}, askLargest, Open},
		{"per_page is the number of items", nil, 5, latency, items(func(_, meta map[string]any, n int) { meta["per_page"] = n }), Options{}, askDefault, Open},
		{"items without created_at", nil, 5, latency, items(func(item, _ map[string]any, n int) { delete(item, "created_at") }), Options{}, askTimes, Open},
		{"ids that are neither", nil, 5, latency, items(func(item, _ map[string]any, n int) { item["id"] = []int{1} }), Options{}, askIDs, "neither texts nor numbers"},
		{"an unknown request id", nil, 5, latency, func(req *http.Request, resp *http.Response, body []byte) []byte {
			resp.Header.Set("X-Leedo-Id", resp.Header.Get("X-Request-Id"))
			resp.Header.Del("X-Request-Id")
			return body
		}, Options{}, askRequestID, "none of the usual headers"},
		{"a phone that is never stored", nil, 5, latency, record("POST", func(r map[string]any) { r["phone"] = nil }), Options{Write: true}, askNull, Open},
		{"a replica that lags", nil, 5, latency, record("GET", func(r map[string]any) { r["phone"] = "+15550100" }), Options{Write: true}, askNull, Open},
		{"another record", nil, 5, latency, record("GET", func(r map[string]any) { r["id"] = "other" }), Options{Write: true}, askUnset, Open},
		{"custom fields of their own", nil, 5, latency, record("", func(r map[string]any) {
			r["custom_fields"] = map[string]any{"leedo_probe": r["leedo_probe"]}
			delete(r, "leedo_probe")
		}), Options{Write: true}, askCustom, "stored elsewhere in the record"},
		{"one lead of a name", []leedotest.ServerOption{leedotest.WithIdempotencyKeys()}, 5, latency, func(req *http.Request, resp *http.Response, body []byte) []byte {
			if resp.Header.Get("Idempotent-Replayed") != "" {
				resp.StatusCode = 200
			}
			return body
		}, Options{Write: true}, askKey, Open},
		{"a limit on bursts", free, 5, latency, burstLimit(), Options{Exhaust: true}, askRetryAfter, "not sent"},
	} {
		t.Run(tt.name+": "+tt.question, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := leedotest.NewServer(append(tt.options, leedotest.WithRetryAfter(leedotest.RetryAfterNone))...)
				for i := range tt.leads {
					fake.AddLead(leedo.Lead{Name: "Lead", Company: "x", Email: "x", CreatedAt: time.Date(2025, time.March, 1, i, 0, 0, 0, time.UTC)})
				}
				tt.opts.Client = fake.Client(leedo.WithHTTPClient(&http.Client{Transport: &strange{fake, tt.latency, tt.change}}), leedo.WithoutRateLimiter())
				report, err := Run(t.Context(), tt.opts)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range report.Findings {
					if f.Question == tt.question && f.Result != tt.want {
						t.Errorf("%q (%s), want %q", f.Result, f.How, tt.want)
					}
				}
			})
		})
	}
}

// burstLimit returns a change that rejects one request in ten though more are left.
func burstLimit() func(*http.Request, *http.Response, []byte) []byte {
	n := 0
	return func(req *http.Request, resp *http.Response, body []byte) []byte {
		if n++; n > 40 && n%10 == 0 && resp.StatusCode == 200 && resp.Header.Get(headerRemaining) != "0" {
			resp.StatusCode = 429
			resp.Header.Set("Retry-After", "1")
			return []byte(`{"error":{"code":"x","message":"y"}}`)
		}
		return body
	}
}
