package leedo_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
)

const gibibyte = 1 << 30

// flood answers with a JSON string of 1 GiB, as far as anybody reads it.
func flood(status int, announced bool) http.HandlerFunc {
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", "/v1/elsewhere")
		if announced {
			w.Header().Set("Content-Length", strconv.Itoa(gibibyte))
		}
		w.WriteHeader(status)
		io.WriteString(w, `"`)
		for sent := 1; sent+len(chunk) <= gibibyte; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
}

// bomb answers with 1 GiB that gzip makes 1 MiB of.
func bomb(t *testing.T, status int) http.HandlerFunc {
	t.Helper()
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	z.Write(bytes.Repeat([]byte(" "), 8<<20))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat(member.Bytes(), gibibyte/(8<<20))
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(status)
		w.Write(data)
	}
}

// Not parallel: it measures what the process allocates, which bounds what it
// holds at any time.
func TestAnAnswerIsBounded(t *testing.T) {
	const most = 24 << 20
	zipped := map[int]http.HandlerFunc{200: bomb(t, 200), 400: bomb(t, 400)}
	liar := answer(200, "{", "Content-Length", strconv.Itoa(1<<50))
	decode, transport := is[*leedo.DecodeError], is[*leedo.TransportError]
	tests := []struct {
		name     string
		answer   http.HandlerFunc
		op       operation
		want     func(error) bool
		body     int // length of the body kept with an error of the API
		requests int
	}{
		{"1 GiB", flood(200, false), reads[0], decode, 0, 1},
		{"1 GiB, announced", flood(200, true), reads[0], decode, 0, 1},
		{"1 GiB, to a write", flood(201, false), writes[0], decode, 0, 1},
		{"1 GiB of a refusal", flood(400, false), reads[0], is[*leedo.BadRequestError], 64 << 10, 1},
		{"1 GiB of a refusal, announced", flood(404, true), writes[0], is[*leedo.NotFoundError], 64 << 10, 1},
		{"1 GiB of an error", flood(500, false), reads[0], is[*leedo.ServerError], 64 << 10, 4},
		{"1 GiB of a redirect", flood(302, false), writes[0], is[*leedo.APIError], 64 << 10, 1},
		{"1 GiB of redirects", flood(302, false), reads[0], is[*leedo.APIError], 64 << 10, 10},
		{"gzip bomb", zipped[200], reads[0], decode, 0, 1},
		{"gzip bomb, to a write", zipped[200], writes[0], decode, 0, 1},
		{"gzip bomb of a refusal", zipped[400], reads[0], is[*leedo.BadRequestError], 64 << 10, 1},
		{"1 PiB announced, 1 byte sent", liar, reads[0], transport, 0, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, test.answer)
			s.Start()
			c := s.client(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := test.op.call(t.Context(), c)
			runtime.ReadMemStats(&after)
			if !test.want(err) || len(s.Requests()) != test.requests {
				t.Errorf("got %v after %d requests", err, len(s.Requests()))
			}
			if cost := after.TotalAlloc - before.TotalAlloc; cost > most {
				t.Errorf("cost %d MiB", cost>>20)
			}
			if e, ok := errors.AsType[*leedo.APIError](err); ok && len(e.Body) != test.body {
				t.Errorf("the error keeps %d bytes", len(e.Body))
			}
			if e, ok := errors.AsType[*leedo.DecodeError](err); ok && (len(e.Body) > 64<<10 || len(e.Body) == 0) {
				t.Errorf("the error keeps %d bytes", len(e.Body))
			}
		})
	}
}

func TestTheBoundOfAnAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		size int
		opts []leedo.Option
		ok   bool
	}{
		{"10 MiB", 10 << 20, nil, true},
		{"over 10 MiB", 10<<20 + 1, nil, false},
		{"as told", 100, []leedo.Option{leedo.WithMaxResponseBytes(100)}, true},
		{"over what was told", 101, []leedo.Option{leedo.WithMaxResponseBytes(100)}, false},
		{"more, as told", 10<<20 + 1, []leedo.Option{leedo.WithMaxResponseBytes(12 << 20)}, true},
	}
	for _, test := range tests {
		for _, announced := range []bool{false, true} {
			if announced && test.size > 1<<20 {
				continue // once is slow enough
			}
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if announced {
					w.Header().Set("Content-Length", strconv.Itoa(test.size))
				}
				w.Write(bytes.Repeat([]byte("x"), test.size))
			})
			var got leedo.Response
			err := s.client(t, test.opts...).Do(t.Context(), "GET", "/leads", nil, nil, leedo.WithResponse(&got))
			if (err == nil) != test.ok || err != nil && !is[*leedo.DecodeError](err) || test.ok && len(got.Body) != test.size {
				t.Errorf("%s, announced %t: %v, %d bytes", test.name, announced, err, len(got.Body))
			}
			if n := len(s.Requests()); n != 1 {
				t.Errorf("%s: %d requests", test.name, n)
			}
		}
	}
}

// A server that does not end, in all the places where it may not.
func TestAnAttemptIsBoundedInTime(t *testing.T) {
	t.Parallel()
	tests := map[string]http.HandlerFunc{
		"no answer":     hang,
		"half a body":   halfBody(200),
		"half an error": halfBody(500),
		"half a header": stall("HTTP/1.1 200 OK\r\nContent-"),
		"a drip of a body": func(w http.ResponseWriter, req *http.Request) {
			for req.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
			}
		},
		"other protocols": stall("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
		"hints for ever":  stall(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 3)),
	}
	for name, bad := range tests {
		for _, op := range []operation{reads[0], writes[0]} {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, bad)
				c := s.client(t, leedo.WithAttemptTimeout(50*time.Millisecond), leedo.WithRetries(1), leedo.WithMaxResponseBytes(1<<30))
				done := make(chan error, 1)
				go func() { done <- op.call(t.Context(), c) }()
				select {
				case err := <-done:
					if err == nil {
						t.Error("no error")
					}
				case <-time.After(30 * time.Second):
					t.Error("still waiting")
					<-done
				}
			})
		}
	}
}

// stall answers with the beginning of an answer and keeps the connection.
func stall(data string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		io.WriteString(conn, data)
		conn.SetReadDeadline(time.Now().Add(40 * time.Second)) // lest a test hang that fails
		io.Copy(io.Discard, buffered)                          // until the client leaves
	}
}

// Errors of a call that ended leave nothing behind that the server waits for.
func TestTheBodyOfAnAnswerIsClosed(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"success": 200, "garbage": 200, "refusal": 404, "error": 500, "redirect": 302} {
		var open int
		c := newClient(t, leedo.WithMaxResponseBytes(10), leedo.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			open++
			if req.Body != nil {
				io.Copy(io.Discard, req.Body)
			}
			body := &closer{io.NopCloser(strings.NewReader(`{"id":"1"}` + strings.Repeat(" ", len(name)))), func() { open-- }}
			return &http.Response{StatusCode: status, Header: http.Header{"Location": {"/v1/x"}}, Body: body}, nil
		})}))
		for _, op := range []operation{reads[0], writes[0], {"Do", func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			return c.Do(ctx, "GET", "/leads", nil, new(json.RawMessage))
		}}} {
			op.call(t.Context(), c)
			if open != 0 {
				t.Errorf("%s, %s: %d bodies left open", name, op.name, open)
			}
		}
	}
}
