package cost_test

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
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

const gibibyte = 1 << 30

// flood responds with a JSON string of 1 GiB, as far as the client reads it.
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

// bomb responds with 1 GiB that gzip compresses to 1 MiB.
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

// Not parallel: it measures the allocations of the process, which bound what it
// holds at any time.
func TestAnAnswerIsBounded(t *testing.T) {
	const most = 24 << 20
	zipped := map[int]http.HandlerFunc{200: bomb(t, 200), 400: bomb(t, 400)}
	liar := support.Respond(200, "{", "Content-Length", strconv.FormatInt(1<<50, 10))
	decode, transport := support.Is[*leedo.DecodeError], support.Is[*leedo.TransportError]
	tests := []struct {
		name     string
		answer   http.HandlerFunc
		op       support.Operation
		want     func(error) bool
		body     int // length of the body kept with an error of the API
		requests int
	}{
		{"1 GiB", flood(200, false), support.Reads[0], decode, 0, 1},
		{"1 GiB, announced", flood(200, true), support.Reads[0], decode, 0, 1},
		{"1 GiB, to a write", flood(201, false), support.Writes[0], decode, 0, 1},
		{"1 GiB of a refusal", flood(400, false), support.Reads[0], support.Is[*leedo.BadRequestError], 64 << 10, 1},
		{"1 GiB of a refusal, announced", flood(404, true), support.Writes[0], support.Is[*leedo.NotFoundError], 64 << 10, 1},
		{"1 GiB of an error", flood(500, false), support.Reads[0], support.Is[*leedo.ServerError], 64 << 10, 4},
		{"1 GiB of a redirect", flood(302, false), support.Writes[0], support.Is[*leedo.APIError], 64 << 10, 1},
		{"1 GiB of redirects", flood(302, false), support.Reads[0], support.Is[*leedo.APIError], 64 << 10, 10},
		{"gzip bomb", zipped[200], support.Reads[0], decode, 0, 1},
		{"gzip bomb, to a write", zipped[200], support.Writes[0], decode, 0, 1},
		{"gzip bomb of a refusal", zipped[400], support.Reads[0], support.Is[*leedo.BadRequestError], 64 << 10, 1},
		{"1 PiB announced, 1 byte sent", liar, support.Reads[0], transport, 0, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := support.NewServer(t, test.answer)
			s.Start()
			c := s.Client(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := test.op.Call(t.Context(), c)
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
			s := support.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if announced {
					w.Header().Set("Content-Length", strconv.Itoa(test.size))
				}
				w.Write(bytes.Repeat([]byte("x"), test.size))
			})
			var got leedo.Response
			err := s.Client(t, test.opts...).Do(t.Context(), "GET", "/leads", nil, nil, leedo.WithResponse(&got))
			if (err == nil) != test.ok || err != nil && !support.Is[*leedo.DecodeError](err) || test.ok && len(got.Body) != test.size {
				t.Errorf("%s, announced %t: %v, %d bytes", test.name, announced, err, len(got.Body))
			}
			if n := len(s.Requests()); n != 1 {
				t.Errorf("%s: %d requests", test.name, n)
			}
		}
	}
}

// An attempt ends in time, wherever the server stops sending.
func TestAnAttemptIsBoundedInTime(t *testing.T) {
	t.Parallel()
	tests := map[string]http.HandlerFunc{
		"no answer":     support.Hang,
		"half a body":   support.HalfBody(200),
		"half an error": support.HalfBody(500),
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
		for _, op := range []support.Operation{support.Reads[0], support.Writes[0]} {
			t.Run(name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				s := support.Serve(t, bad)
				c := s.Client(t, leedo.WithAttemptTimeout(50*time.Millisecond), leedo.WithRetries(1), leedo.WithMaxResponseBytes(1<<30))
				done := make(chan error, 1)
				go func() { done <- op.Call(t.Context(), c) }()
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

// stall sends the beginning of a response and keeps the connection.
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

// The body of a response is closed when the call ends, whatever its result.
func TestTheBodyOfAnAnswerIsClosed(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"success": 200, "garbage": 200, "refusal": 404, "error": 500, "redirect": 302, "with an error": 200} {
		var open int
		c := support.NewClient(t, leedo.WithMaxResponseBytes(10), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			open++
			if req.Body != nil {
				io.Copy(io.Discard, req.Body)
			}
			body := &support.ClosingBody{ReadCloser: io.NopCloser(strings.NewReader(`{"id":"1"}` + strings.Repeat(" ", len(name)))), Then: func() { open-- }}
			var err error
			if name == "with an error" { // which net/http does not allow
				err = errors.New("broken")
			}
			return &http.Response{StatusCode: status, Header: http.Header{"Location": {"/v1/x"}}, Body: body}, err
		})}))
		for _, op := range []support.Operation{support.Reads[0], support.Writes[0], {Name: "Do", Call: func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			return c.Do(ctx, "GET", "/leads", nil, new(json.RawMessage))
		}}} {
			op.Call(t.Context(), c)
			if open != 0 {
				t.Errorf("%s, %s: %d bodies left open", name, op.Name, open)
			}
		}
	}
}
