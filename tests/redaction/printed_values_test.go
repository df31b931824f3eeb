package redaction_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// What must not be seen: of the request the token, an id, the query, a header
// and the body, of the response header and body. The API's message may stand in
// the text of an error and in its LogValue, in no JSON and no %#v.
const (
	secretMark  = "secret"
	messageMark = "telltale"
)

// saysMore reports whether a way of printing shows the message of an error.
func saysMore(way string) bool {
	return strings.Contains(way, "%") && !strings.HasSuffix(way, "%#v") || strings.HasPrefix(way, "slog ")
}

func checkPrinted(t *testing.T, name string, v any) {
	t.Helper()
	for way, text := range support.Printed(v) {
		if reveals(text) {
			t.Errorf("%s, %T, %s: %s", name, v, way, text)
			return // once is enough
		}
		if strings.Contains(text, messageMark) && !saysMore(way) {
			t.Errorf("%s, %T, %s shows the message: %s", name, v, way, text)
			return
		}
	}
}

var base64Text = regexp.MustCompile(`[A-Za-z0-9+/]{8,}=*`)

// reveals reports whether text contains a secret, as it is or as bytes are printed.
func reveals(text string) bool {
	plain := []byte(secretMark)
	for _, form := range []string{"%s", "%x", "%X", "%d", "%#v"} {
		if strings.Contains(text, strings.Trim(strings.TrimPrefix(fmt.Sprintf(form, plain), "[]byte"), "[]{}")) {
			return true
		}
	}
	for _, word := range base64Text.FindAllString(text, -1) {
		if data, _ := base64.StdEncoding.DecodeString(word); bytes.Contains(data, plain) {
			return true
		}
	}
	return false
}

func TestTheClientPrintsAsAMask(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]leedo.Option{
		"token":  nil,
		"source": {leedo.WithTokenSource(func(context.Context) (string, error) { return support.Token, nil })},
	} {
		token := support.Token
		if opts != nil {
			token = ""
		}
		// A transport of its own: others use the default one meanwhile.
		c, err := leedo.NewClient(token, append(opts, leedo.WithHTTPClient(&http.Client{Transport: &http.Transport{}}))...)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []any{c, *c, c.Leads, *c.Leads, c.Accounts, *c.Accounts, c.Contacts, *c.Contacts, c.Campaigns, *c.Campaigns, (*leedo.Client)(nil)} {
			checkPrinted(t, name, v)
		}
		if got := fmt.Sprintf("%v %+v %s", c, *c, c); !strings.Contains(got, "***") {
			t.Errorf("%s: printed as %s", name, got)
		}
		if path := find(reflect.ValueOf(c), support.Token, map[any]bool{}); path != "" {
			t.Errorf("%s: a deep dump shows the token at client%s", name, path)
		}
	}
}

// find looks for a text in all that v reaches, unexported fields included, as
// deep dumps of debuggers and error trackers do, and returns its place.
func find(v reflect.Value, text string, seen map[any]bool) string {
	switch v.Kind() {
	case reflect.String:
		if strings.Contains(v.String(), text) {
			return " = " + v.String()
		}
	case reflect.Pointer, reflect.Interface:
		if v.Kind() == reflect.Pointer && !v.IsNil() {
			key := struct {
				at uintptr
				of reflect.Type
			}{v.Pointer(), v.Type()}
			if seen[key] {
				return ""
			}
			seen[key] = true
		}
		if !v.IsNil() {
			return find(v.Elem(), text, seen)
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if place := find(value, text, seen); place != "" {
				return "." + field.Name + place
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.Kind() == reflect.Slice && bytes.Contains(v.Bytes(), []byte(text)) {
				return " = " + string(v.Bytes())
			}
			return ""
		}
		for i := range v.Len() {
			if place := find(v.Index(i), text, seen); place != "" {
				return fmt.Sprintf("[%d]%s", i, place)
			}
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			if place := find(iter.Key(), text, seen) + find(iter.Value(), text, seen); place != "" {
				return "[…]" + place
			}
		}
	}
	return ""
}

// raw responds with bytes that need not be HTTP.
func raw(data string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, data)
		conn.Close()
	}
}

// quoting is a transport that quotes the whole request in its error, and a URL
// of its own in a *url.Error.
var quoting = support.RoundTripper(func(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
	}
	return nil, fmt.Errorf("proxy: %w", &url.Error{Op: "Get", URL: req.URL.String() + "&signature=urlsecret", Err: fmt.Errorf(
		"cannot get %s with %v: %s", req.URL, req.Header["Authorization"], req.URL.RequestURI())})
})

func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	const body = `{"error":{"code":"broken","message":"telltale"},"echo":"answersecret"}`
	sad := func(status int) []http.HandlerFunc {
		return []http.HandlerFunc{support.Respond(status, body, "X-Echo", "headersecret", "X-Request-Id", "req_9", "Location", "/v1/leads?q=locationsecret")}
	}
	used := support.Respond(200, support.LeadJSON, "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "3600")
	one := func(h http.HandlerFunc) []http.HandlerFunc { return []http.HandlerFunc{h} }
	tests := []struct {
		name    string
		answers []http.HandlerFunc
		opts    []leedo.Option
		calls   int // 0: one
		is      func(error) bool
	}{
		{"300", sad(300), nil, 0, support.Is[*leedo.APIError]},
		{"302", sad(302), nil, 0, support.Is[*leedo.APIError]},
		{"400", sad(400), nil, 0, support.Is[*leedo.BadRequestError]},
		{"401", sad(401), nil, 0, support.Is[*leedo.UnauthorizedError]},
		{"403", sad(403), nil, 0, support.Is[*leedo.ForbiddenError]},
		{"404", sad(404), nil, 0, support.Is[*leedo.NotFoundError]},
		{"409", sad(409), nil, 0, support.Is[*leedo.APIError]},
		{"429", sad(429), []leedo.Option{leedo.WithoutRateLimiter()}, 0, support.Is[*leedo.RateLimitError]},
		{"quota used up", one(used), nil, 2, support.Is[*leedo.RateLimitError]},
		{"500", sad(500), nil, 0, support.Is[*leedo.ServerError]},
		{"cut", one(support.Cut), nil, 0, support.Is[*leedo.TransportError]},
		{"not HTTP", one(raw("answersecret\r\n")), nil, 0, support.Is[*leedo.TransportError]},
		{"not a header", one(raw("HTTP/1.1 200 OK\r\nX answersecret\r\n\r\n")), nil, 0, support.Is[*leedo.TransportError]},
		{"expired", one(support.Hang), []leedo.Option{leedo.WithAttemptTimeout(20 * time.Millisecond)}, 0, support.Is[*leedo.TransportError]},
		{"not JSON", one(support.Respond(200, "answersecret")), nil, 0, support.Is[*leedo.DecodeError]},
		{"wrong type", one(support.Respond(200, `{"id":["answersecret"]}`)), nil, 0, support.Is[*leedo.DecodeError]},
		{"wrong number", one(support.Respond(200, `{"created_at":5550001}`)), nil, 0, support.Is[*leedo.DecodeError]},
		{"wrong time", one(support.Respond(200, `{"created_at":"answersecret"}`)), nil, 0, support.Is[*leedo.DecodeError]},
		{"content type", one(support.Respond(200, "x", "Content-Type", "text/html; token="+support.Token)), nil, 0, support.Is[*leedo.DecodeError]},
		{"body cut", one(support.CutBody(200, "answersecret")), nil, 0, nil},
		{"transport", one(support.Cut), []leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: quoting})}, 0, support.Is[*leedo.TransportError]},
		{"no token", one(support.Cut), nil, 0, nil},
		{"invalid", one(support.Cut), nil, 0, func(err error) bool { return errors.Is(err, leedo.ErrInvalidArgument) }},
		{"cancelled", one(support.Cut), nil, 0, func(err error) bool { return errors.Is(err, context.Canceled) }},
	}
	for _, test := range tests {
		for _, method := range []string{"GET", "PATCH"} {
			t.Run(test.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				watch := newWatch()
				opts := append([]leedo.Option{leedo.WithRetries(1)}, watch.options()...)
				callOpts := []leedo.RequestOption{leedo.WithQuery("q", "querysecret"), leedo.WithHeader("X-Note", "headersecret")}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				switch test.name {
				case "no token":
					opts = append(opts, leedo.WithTokenSource(func(context.Context) (string, error) { return "", errors.New("the keyring is locked") }))
				case "invalid":
					callOpts = append(callOpts, leedo.WithHeader("Authorization", "headersecret"))
				case "cancelled":
					cancel()
				}
				c := secretClient(t, support.Serve(t, test.answers...), append(opts, test.opts...))
				var err error
				for range max(test.calls, 1) {
					if method == "GET" {
						_, err = c.Leads.Get(ctx, "idsecret", callOpts...)
					} else {
						_, err = c.Leads.Update(ctx, "idsecret", &leedo.LeadUpdateParams{Name: new("bodysecret")}, callOpts...)
					}
				}
				if err == nil || test.is != nil && !test.is(err) {
					t.Fatalf("got %v", err)
				}
				checkError(t, test.name, err)
				watch.check(t)
			})
		}
	}
}

// secretClient is a client for s whose token is one unless a source is given.
func secretClient(t *testing.T, s *support.Server, opts []leedo.Option) *leedo.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	opts = append([]leedo.Option{leedo.WithBaseURL(s.URL + "/v1"), leedo.WithBackoff(1, 1), leedo.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	c, err := leedo.NewClient("", append([]leedo.Option{leedo.WithTokenSource(func(context.Context) (string, error) { return support.Token, nil })}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkError looks at all errors in err, those of the SDK by value, too.
func checkError(t *testing.T, name string, err error) {
	t.Helper()
	checkPrinted(t, name, err)
	if strings.ContainsAny(err.Error(), "\r\n\t") {
		t.Errorf("%s: %q is not one line", name, err)
	}
	if support.Is[*url.Error](err) {
		t.Errorf("%s: a *url.Error can be had of %v", name, err)
	}
	for _, text := range []string{support.Token, "querysecret", "bodysecret"} {
		if name == "transport" || name == "content type" {
			break // the error within is the transport's own, for errors.Is; the header is what the server sent
		}
		if place := find(reflect.ValueOf(err), text, map[any]bool{}); place != "" {
			t.Errorf("%s: a deep dump shows error%s", name, place)
		}
	}
	for _, e := range support.ErrorTree(err) {
		v := reflect.ValueOf(e)
		if v.Kind() != reflect.Pointer || !strings.HasPrefix(v.Type().String(), "*leedo.") {
			continue
		}
		checkPrinted(t, name, e)
		for way, text := range support.Printed(v.Elem().Interface()) {
			if reveals(text) {
				t.Errorf("%s: %T by value, %s: %s", name, e, way, text)
				break
			}
		}
		if got := fmt.Sprintf("%#v", e); !strings.Contains(got, "leedo.") {
			t.Errorf("%s: %T prints as %s with %%#v", name, e, got)
		}
	}
}

// watch keeps what logs and hooks get.
type watch struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newWatch() *watch { return &watch{} }

func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *watch) options() []leedo.Option {
	return []leedo.Option{
		leedo.WithLogger(slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))),
		leedo.WithHooks(leedo.Hooks{
			Attempt: func(_ context.Context, a leedo.AttemptInfo) {
				fmt.Fprintln(w, support.Printed(a), support.Printed(a.Err))
			},
			Wait: func(_ context.Context, a leedo.WaitInfo) { fmt.Fprintln(w, support.Printed(a)) },
		}),
	}
}

func (w *watch) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if text := w.text.String(); reveals(text) || strings.Contains(text, messageMark) {
		t.Errorf("logs or hooks show too much: %s", text)
	}
}

func TestAnAPIErrorsMessage(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 300)
	quote := func(s string) string { data, _ := json.Marshal(s); return string(data) }
	tests := []struct {
		name, body, contentType, want string
	}{
		{"plain", `{"error":{"message":"no such lead"}}`, "application/json", "no such lead"},
		{"lines", `{"message":"a\nb\r\n\tc"}`, "application/json", `a\nb\r\n\tc`},
		{"control characters", `{"message":"a\u0000b\u001b[31mc\u202ed"}`, "application/json", `a\x00b\x1b[31mc\u202ed`},
		{"spaces around", `{"message":"  a  "}`, "application/json", "a"},
		{"token", `{"message":"bad token ` + support.Token + `!"}`, "application/json", "bad token ***!"},
		{"HTML", "<html><title>Bad gateway</title></html>", "text/html", ""},
		{"text", "upstream connect error", "text/plain", ""},
		{"a JSON text", `"upstream connect error"`, "application/json", ""},
		{"nothing", "", "application/json", ""},
		{"half", `{"message":"a`, "application/json", ""},
	}
	for _, test := range tests {
		s := support.Serve(t, support.Respond(400, test.body, "Content-Type", test.contentType))
		_, err := s.Client(t).Leads.Get(t.Context(), "id-1")
		e, ok := errors.AsType[*leedo.APIError](err)
		if !ok {
			t.Fatalf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, e.Message); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		if !strings.Contains(err.Error(), test.want) || string(e.Body) != test.body {
			t.Errorf("%s: %v, %q", test.name, err, e.Body)
		}
	}
	for name, message := range map[string]string{"long": long, "long and escaped": strings.Repeat("\x01", 300), "token at the end": long[:2*195] + support.Token} {
		s := support.Serve(t, support.Respond(400, `{"code":`+quote(message)+`,"message":`+quote(message)+`}`, "X-Request-Id", strings.Repeat("x", 300)+support.Token))
		_, err := s.Client(t).Leads.Get(t.Context(), "id-1")
		e, ok := errors.AsType[*leedo.APIError](err)
		if !ok {
			t.Fatalf("%s: %v", name, err)
		}
		for _, text := range []string{e.Message, e.Code, e.RequestID} {
			if n := len([]rune(text)); n == 0 && text != e.Code || n > 200 || strings.Contains(text, support.Token[:4]) {
				t.Errorf("%s: %d runes: %s", name, n, text)
			}
		}
	}
}

func TestAnErrorIsOneLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want string
		answer     http.HandlerFunc
	}{
		{"all there is", "leedo: GET /leads/{id}: 404 not_found: no such lead (request req_9, 1 attempt)",
			support.Respond(404, `{"error":{"code":"not_found","message":"no such lead"}}`, "X-Request-Id", "req_9")},
		{"nothing told", "leedo: GET /leads/{id}: 404 Not Found (1 attempt)", support.Respond(404, "")},
		{"four attempts", "leedo: GET /leads/{id}: 503 Service Unavailable (4 attempts)", support.Respond(503, "")},
		{"cut", "leedo: GET /leads/{id}: no complete response: unexpected EOF (4 attempts)", support.CutBody(200, "{")},
		{"not JSON", "leedo: GET /leads/{id}: unusable response 200: invalid JSON at offset 2 (1 attempt)", support.Respond(200, "nope")},
	}
	for _, test := range tests {
		s := support.Serve(t, test.answer)
		_, err := s.Client(t).Leads.Get(t.Context(), "id-1")
		if err == nil {
			t.Fatalf("%s: no error", test.name)
		}
		if diff := cmp.Diff(test.want, err.Error()); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}
