package redaction_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// writer is an io.Writer made of a function.
type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// Shows the form of a dump.
func TestDump(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dump bytes.Buffer
		client, _ := support.InMemory(t, []leedo.Option{leedo.WithDump(&dump), leedo.WithBackoff(0, 0)},
			support.Respond(503, "", "Retry-After", "0"), support.Respond(201, `{"id":"x","name":"Jane"}`, "X-Request-Id", "req_1"))
		if _, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "Jane"}, leedo.WithIdempotent(), leedo.WithQuery("a", "b c"), leedo.WithHeader("X-Own", "1")); err != nil {
			t.Fatal(err)
		}
		request := `POST /v1/leads?a=b+c HTTP/1.1
Host: api.leedo.app
Accept: application/json
Authorization: Bearer ***
Content-Type: application/json
User-Agent: leedo-go/` + leedo.Version + `
X-Own: 1

{"name":"Jane"}

`
		want := "=== leedo: attempt 1 of POST /leads, 0s\n" + request + `HTTP/1.1 503 Service Unavailable
Content-Type: application/json
Retry-After: 0

=== leedo: attempt 2 of POST /leads, 0s
` + request + `HTTP/1.1 201 Created
Content-Type: application/json
X-Request-Id: req_1

{"id":"x","name":"Jane"}

`
		if diff := cmp.Diff(want, dump.String()); diff != "" {
			t.Error(diff)
		}
	})
}

// echoes are the forms in which a server sends the token back.
func echoes(token string) map[string]string {
	encoded, _ := json.Marshal(token)
	var percent, unicode string
	for _, c := range []byte(token) {
		percent += fmt.Sprintf("%%%02X", c)
		unicode += fmt.Sprintf(`\u%04x`, c)
	}
	return map[string]string{
		"plain": token, "upper": strings.ToUpper(token), "lower": strings.ToLower(token), "JSON": string(encoded), "unicode": unicode,
		"query": url.QueryEscape(token), "percent": percent, "HTML": html.EscapeString(token),
	}
}

// A dump shows no token, whatever the operation and the response: in bodies,
// also compressed and cut ones, header fields, redirects and errors.
func TestDumpShowsNoToken(t *testing.T) {
	t.Parallel()
	const secret = "tok/Zq81+secret=="
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.DisableCompression = true // so that what is compressed arrives so
	t.Cleanup(own.CloseIdleConnections)
	for form, echo := range echoes(secret) {
		calls := support.Calls
		if form != "plain" { // operations are dumped alike
			calls = slices.DeleteFunc(slices.Clone(calls), func(op support.Operation) bool { return op.Name != "Update" && op.Name != "List" })
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		fmt.Fprintf(z, `{"message":"%s"}`, echo)
		z.Close()
		body := `{"error":{"code":"` + echo + `","message":"what is ` + echo + `?"}}`
		for name, answers := range map[string][]http.HandlerFunc{
			"a success":        {support.Respond(200, `{"id":"1","name":"`+echo+`"}`, "X-Request-Id", echo, "Set-Cookie", "t="+echo)},
			"a failure":        {support.Respond(500, body, "Www-Authenticate", "Bearer "+echo)},
			"a redirect":       {support.Respond(307, body, "Location", "/v1/other?token="+echo), support.Respond(404, body)},
			"one elsewhere":    {support.Respond(302, body, "Location", "https://evil.example/"+echo)},
			"a cut connection": {support.Cut},
			"a cut body":       {support.CutBody(200, body)},
			"compressed":       {support.Respond(400, packed.String(), "Content-Encoding", "gzip")},
			"not HTTP":         {raw("HTTP/1.1 200 OK\r\n" + echo + "\r\n\r\n")},
			"a bad status":     {raw("HTTP/1.1 " + echo + "\r\n\r\n")},
			"cut in the token": {support.Respond(400, strings.Repeat("x", 64<<10-len(echo)/2)+echo)},
			"a long body":      {support.Respond(200, strings.Repeat("x", 64<<10-len(echo)/2)+echo)},
		} {
			s := support.Serve(t, answers...)
			var dump bytes.Buffer
			client, err := leedo.NewClient(secret, leedo.WithBaseURL(s.URL+"/v1"), leedo.WithHTTPClient(&http.Client{Transport: own}), leedo.WithBackoff(1, 1), leedo.WithRetries(1),
				leedo.WithDump(&dump), leedo.WithQuery("echo", secret))
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range calls {
				dump.Reset()
				op.Call(t.Context(), client, leedo.WithHeader("X-Echo", secret))
				text := dump.String()
				if op.Name == "Update" && name == "a failure" && !strings.Contains(text, "Authorization: Bearer ***\n") {
					t.Errorf("%s, %s: %s", op.Name, name, text)
				}
				for _, shown := range echoes(secret) {
					if strings.Contains(strings.ToLower(text), strings.ToLower(strings.Trim(shown, `"`))) {
						t.Errorf("%s, %s of %s: %.3000s", op.Name, name, form, text)
					}
				}
				if strings.Contains(name, "token") && strings.Contains(text, echo[:max(len(echo)/2, 4)]) {
					t.Errorf("%s, %s of %s: the beginning of the token", op.Name, name, form)
				}
				if text == "" {
					t.Errorf("%s, %s: no dump", op.Name, name)
				}
			}
			s.Close()
		}
	}
}

// After a change of the token the previous one is masked, too, as a server may
// send it back late.
func TestDumpOfATokenThatChanges(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	var dump bytes.Buffer
	s := support.Serve(t, support.Respond(200, `{"id":"tok-number-1 tok-number-2 tok-number-3"}`, "X-Seen", "tok-number-1 tok-number-2 tok-number-3"))
	client, err := leedo.NewClient("", leedo.WithBaseURL(s.URL), leedo.WithDump(&dump), leedo.WithTokenSource(func(context.Context) (string, error) {
		return fmt.Sprint("tok-number-", n.Add(1)), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		client.Leads.Get(t.Context(), "x")
	}
	if got := regexp.MustCompile(`"id":.*`).FindAllString(dump.String(), -1); len(got) != 3 || got[2] != `"id":"*** *** ***"}` {
		t.Errorf("got %q", got)
	}
	if third := dump.String()[strings.LastIndex(dump.String(), "=== leedo: attempt"):]; strings.Contains(third, "tok-number") || !strings.Contains(third, "X-Seen: *** *** ***") {
		t.Errorf("got %s", third)
	}
}

// Bodies are dumped up to 64 KiB each, decompressed.
func TestDumpBoundsBodies(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("y", 100<<10)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(long))
	z.Close()
	for name, h := range map[string]http.HandlerFunc{
		"plain": support.Respond(200, long), "an error": support.Respond(400, long), "compressed": support.Respond(200, packed.String(), "Content-Encoding", "gzip"),
		"not compressed": support.Respond(200, "\x1f\x8b what", "Content-Encoding", "gzip"), "unknown": support.Respond(200, "what", "Content-Encoding", "br"),
		"cut": support.Respond(200, packed.String()[:10], "Content-Encoding", "gzip"), "empty": support.Respond(200, "", "Content-Encoding", "gzip"),
	} {
		var dump bytes.Buffer
		client := support.NewClient(t, leedo.WithDump(&dump), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			return support.ResponseTo(req, h), nil
		})}))
		client.Do(t.Context(), "POST", "/leads", map[string]string{"name": strings.Repeat("x", 100<<10)}, nil)
		sent, got := strings.Count(dump.String(), "x"), strings.Count(dump.String(), "y")
		want := 64 << 10
		broken := name == "not compressed" || name == "unknown" || name == "cut"
		if broken || name == "empty" {
			want = 0
		}
		if strings.Contains(dump.String(), "bytes that cannot be decompressed)") != broken {
			t.Errorf("%s: %.300s", name, dump.String()[64<<10:])
		}
		if sent < 64<<10-20 || sent > 64<<10 || got < want-1 || got > want+10 {
			t.Errorf("%s: sent %d, got %d", name, sent, got)
		}
	}
}

// Digits that may be the beginning of the token are masked at the end of a body that is
// cut, and shown at the end of a whole one.
func TestDumpMasksTheBeginningOfATokenOnlyInACutBody(t *testing.T) {
	t.Parallel()
	const bound = 64 << 10
	compressed := func(n int) string {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		io.WriteString(z, strings.Repeat("x", n-4)+"1234")
		z.Close()
		return packed.String()
	}
	long := func(n int) string { return strings.Repeat("x", n-4) + "1234" }
	for _, tt := range []struct {
		name   string
		status int
		body   string
		zip    bool
		err    error // at the end of the body
		masked bool
	}{
		{"whole", 200, "1234", false, nil, false},
		{"a connection that ends early", 200, "1234", false, io.ErrUnexpectedEOF, true},
		{"the bound", 200, long(bound), false, nil, true}, // as if it were longer
		{"less than the bound", 200, long(bound - 1), false, nil, false},
		{"an error, cut", 400, long(bound) + "5", false, nil, true},
		{"an error, less than the bound", 400, long(bound - 1), false, nil, false},
		{"compressed", 200, compressed(10), true, nil, false},
		{"compressed, cut", 200, compressed(10)[:len(compressed(10))-8], true, nil, true},
		{"compressed, then a connection that ends early", 200, compressed(10), true, io.ErrUnexpectedEOF, true},
		{"compressed, the bound", 200, compressed(bound), true, nil, true},
		{"compressed, less than the bound", 200, compressed(bound - 1), true, nil, false},
	} {
		var dump bytes.Buffer
		client, err := leedo.NewClient("123456789", leedo.WithDump(&dump), leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{
			Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
				body := io.Reader(strings.NewReader(tt.body))
				if tt.err != nil {
					body = io.MultiReader(body, iotest.ErrReader(tt.err))
				}
				resp := &http.Response{StatusCode: tt.status, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(body), Request: req}
				if tt.zip {
					resp.Header.Set("Content-Encoding", "gzip")
				}
				return resp, nil
			}),
		}))
		if err != nil {
			t.Fatal(err)
		}
		client.Do(t.Context(), "POST", "/x", 1234, nil)
		request, response, _ := strings.Cut(dump.String(), "\nHTTP/0.0 ")
		if !strings.HasSuffix(request, "\n\n1234\n") {
			t.Errorf("%s: the body of the request is whole, but the dump has %q", tt.name, request)
		}
		if masked, shown := strings.Contains(response, "***\n"), strings.Contains(response, "1234\n"); masked != tt.masked || shown == tt.masked {
			t.Errorf("%s: masked %t, shown %t: %.200q", tt.name, masked, shown, response)
		}
	}
}

// A dump is written once for each attempt, one at a time. Errors of the writer
// are ignored; its panic reaches the caller.
func TestDumpWrites(t *testing.T) {
	t.Parallel()
	var busy, count atomic.Int32
	w := writer(func(p []byte) (int, error) {
		if busy.Add(1) > 1 {
			t.Error("two at a time")
		}
		defer busy.Add(-1)
		count.Add(1)
		if !bytes.HasPrefix(p, []byte("=== leedo: attempt 1 of GET /leads/{id}, ")) || bytes.Count(p, []byte("===")) != 1 {
			t.Errorf("got %s", p)
		}
		return 0, errors.New("disk full")
	})
	client := support.Fake(1).Client(leedo.WithDump(w))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := client.Leads.Get(t.Context(), "1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if count.Load() != 20 {
		t.Errorf("%d writes", count.Load())
	}
	client = support.Fake(1).Client(leedo.WithDump(writer(func([]byte) (int, error) { panic("boom") })))
	for range 3 {
		if value := support.Recovered(func() { client.Leads.Get(t.Context(), "1") }); value != "boom" {
			t.Errorf("got %v", value)
		}
		support.CheckSettled(t, "after a panic", client)
	}
	if _, err := leedo.NewClient(support.Token, leedo.WithDump(nil)); !errors.Is(err, leedo.ErrInvalidArgument) {
		t.Errorf("nil: %v", err)
	}
}

// The token of an attempt is masked even if many newer ones came while it was
// in flight, and if another token is its beginning.
func TestDumpOfManyTokens(t *testing.T) {
	t.Parallel()
	const calls = 20
	synctest.Test(t, func(t *testing.T) {
		var tokens, arrived atomic.Int32
		var dump bytes.Buffer
		all := make(chan struct{})
		client, err := leedo.NewClient("", leedo.WithoutRateLimiter(), leedo.WithDump(&dump), leedo.WithTokenSource(func(context.Context) (string, error) {
			return fmt.Sprint("tok-number-", tokens.Add(1)), nil
		}), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if arrived.Add(1) == calls {
				close(all)
			}
			<-all
			return support.ResponseTo(req, support.Respond(200, `{"id":"`+req.Header.Get("Authorization")+`"}`)), nil
		})}))
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range calls {
			group.Go(func() { client.Leads.Get(t.Context(), "x") })
		}
		group.Wait()
		ids := regexp.MustCompile(`"id":.*`).FindAllString(dump.String(), -1)
		for _, id := range ids {
			if id != `"id":"Bearer ***"}` {
				t.Errorf("got %s", id)
			}
		}
		if len(ids) != calls {
			t.Errorf("%d responses", len(ids))
		}
	})
}

// Virtual time goes on while calls wait for the writer.
func TestDumpToASlowWriter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client, _ := support.InMemory(t, []leedo.Option{leedo.WithoutRateLimiter(), leedo.WithDump(writer(func(p []byte) (int, error) {
			time.Sleep(time.Second)
			return len(p), nil
		}))}, support.Respond(200, support.LeadJSON))
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { client.Leads.Get(t.Context(), "x") })
		}
		group.Wait()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("one after the other they took %v", took)
		}
	})
}
