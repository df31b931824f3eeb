package redaction_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// oddToken has all that other encodings of a token may change: case, quotes,
// backslashes, slashes.
const oddToken = `Tok-"SECRET\qzxvy/k+j<h>&`

// callWith calls a server with the handler h, with a token, and checks that
// neither the error nor logs or hooks show any of it.
func callWith(t *testing.T, name, token string, transport http.RoundTripper, h http.HandlerFunc) error {
	t.Helper()
	watch := newWatch()
	opts := append([]leedo.Option{leedo.WithBaseURL(support.Serve(t, h).URL + "/v1"), leedo.WithRetries(1), leedo.WithBackoff(1, 1)}, watch.options()...)
	if transport == nil {
		pool := &http.Transport{}
		t.Cleanup(pool.CloseIdleConnections)
		transport = pool
	}
	c, err := leedo.NewClient(token, append(opts, leedo.WithHTTPClient(&http.Client{Transport: transport}))...)
	if err != nil {
		t.Fatal(err)
	}
	if err = support.Reads[0].Call(t.Context(), c, leedo.WithQuery("note", "Jane Query")); err == nil {
		t.Fatalf("%s: no error", name)
	}
	texts := support.Printed(err)
	watch.mu.Lock()
	texts["logs and hooks"] = watch.text.String()
	watch.mu.Unlock()
	for _, e := range support.ErrorTree(err) {
		texts[fmt.Sprintf("%T", e)] = fmt.Sprintf("%v %#v", e, e)
	}
	for way, text := range texts {
		if part := support.PartShown(text, token); part != "" {
			t.Errorf("%s: %s shows %q of the token: %s", name, way, part, text)
			break
		}
	}
	return err
}

// The token is masked in a response that is not HTTP, which net/http quotes.
func TestTheTokenIsMaskedInAnswersThatAreNotHTTP(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"no status line":    "GET Bearer %s\r\n\r\n",
		"status":            "HTTP/1.1 %s x\r\n\r\n",
		"protocol":          "%s 200 OK\r\n\r\n",
		"header line":       "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"Content-Length":    "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"Transfer-Encoding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"chunk":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
	} {
		err := callWith(t, name, oddToken, nil, raw(fmt.Sprintf(data, oddToken)))
		if !support.Is[*leedo.TransportError](err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The token is masked in the errors of transports, however they print the
// request.
func TestTheTokenIsMaskedInErrorsOfTransports(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"%v", "%q", "%+v", "%s"} {
		transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("cannot send "+verb, req.Header["Authorization"][0])
		})
		if err := callWith(t, verb, oddToken, transport, support.Respond(200, "")); !strings.Contains(err.Error(), "cannot send") {
			t.Errorf("%s: %v", verb, err)
		}
	}
}

// The token is masked in what the API says also if it is escaped there, as in a URL or
// as JSON in a string.
func TestAnEscapedTokenIsMasked(t *testing.T) {
	t.Parallel()
	const token = "q7Yz+8Kd/20PxVb4w=="
	for _, escaped := range []string{token, "q7Yz%2B8Kd%2F20PxVb4w%3D%3D", `q7Yz+8Kd\\/20PxVb4w==`, `q7Yz\\u002b8Kd/20PxVb4w==`, "q7Yz&#43;8Kd/20PxVb4w=="} {
		for _, body := range []string{
			`{"message":"GET /introspect?token=` + escaped + ` failed"}`, `{"code":"` + escaped + `"}`, `{"errors":{"` + escaped + `":["` + escaped + ` is expired"]}}`,
		} {
			err := callWith(t, body, token, nil, support.Respond(401, body, "X-Request-Id", "req "+escaped))
			api, ok := errors.AsType[*leedo.APIError](err)
			if shown := fmt.Sprint(err, api.Code, api.Fields, api.RequestID); !ok || strings.Contains(shown, "q7Yz") || !strings.Contains(api.RequestID, "***") {
				t.Errorf("%s: %s", body, shown)
			}
		}
	}
}

// The errors of a transport, a CheckRedirect and a token source show no query of the call or of a
// redirect, and no token.
func TestErrorsOfTheCallersFunctionsAreMasked(t *testing.T) {
	t.Parallel()
	const location = "/v1/people?email=john%40example.com&sig=s3cr3t"
	refuse := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/v1/people" {
			return nil, fmt.Errorf("no responder for %s %s", req.Method, req.URL)
		}
		return support.ResponseTo(req, support.Respond(302, "", "Location", location)), nil
	})
	stop := func(req *http.Request, via []*http.Request) error {
		return fmt.Errorf("%s leads to %s with %s", via[0].URL, req.URL, via[0].Header["Authorization"])
	}
	asked := 0
	source := func(context.Context) (string, error) {
		if asked++; asked > 1 {
			return "", fmt.Errorf("cannot renew %s", support.Token)
		}
		return support.Token, nil
	}
	unavailable := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		return support.ResponseTo(req, support.Respond(503, "")), nil
	})
	for want, test := range map[string]struct {
		client *http.Client
		source func(context.Context) (string, error)
	}{
		"no responder for GET":              {&http.Client{Transport: refuse}, nil},
		"redirect stopped by CheckRedirect": {&http.Client{Transport: refuse, CheckRedirect: stop}, nil},
		"no token: cannot renew ***":        {&http.Client{Transport: unavailable}, source},
	} {
		watch := newWatch()
		opts := append(watch.options(), leedo.WithHTTPClient(test.client), leedo.WithBackoff(1, 1))
		token := support.Token
		if test.source != nil {
			token, opts = "", append(opts, leedo.WithTokenSource(test.source))
		}
		c, err := leedo.NewClient(token, opts...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Leads.List(t.Context(), nil, leedo.WithQuery("email", "jane@example.com"))
		shown := fmt.Sprint(err, watch.text.String())
		for _, secret := range []string{"example.com", "s3cr3t", "jane", "john", support.Token} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s shows %s", shown, secret)
			}
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// The token is masked before a text is cut, which would leave a part of it, and
// before a code is taken from a URI.
func TestTheTokenIsMaskedBeforeItIsCut(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{
		`{"error":{"code":%s,"message":"m"}}`, `{"error":{"code":"c","message":%s}}`, `{"error":%s}`, `{"message":%s}`,
		`{"error":%s,"error_description":"m"}`, `{"errors":[%s]}`, `{"errors":{%s:["x"]}}`, `{"errors":[{"field":%s,"message":"x"}]}`,
		`{"type":%s,"title":"x"}`, `{"title":"t","detail":%s}`,
	} {
		for _, before := range []int{0, 180, 190, 197} {
			text, _ := json.Marshal(strings.Repeat("x", before) + oddToken)
			name := fmt.Sprintf("%s after %d", shape, before)
			err := callWith(t, name, oddToken, nil, support.Respond(400, fmt.Sprintf(shape, text), "X-Request-Id", strings.Repeat("x", before)+oddToken))
			api, ok := errors.AsType[*leedo.APIError](err)
			if !ok || api.Code+api.Message == "" {
				t.Fatalf("%s: %v", name, err)
			}
			for _, text := range []string{api.Code, api.Message, api.RequestID} {
				if part := support.PartShown(text, oddToken); part != "" || len([]rune(text)) > 200 {
					t.Errorf("%s: %q shows %q of the token", name, text, part)
				}
			}
		}
	}
}

// The token of an attempt is masked in its response, although the next attempt
// has another token.
func TestEachTokenIsMaskedInItsAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	echo := func(w http.ResponseWriter, req *http.Request) {
		sent := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
		support.Respond(503, `{"message":"what is `+sent+`?"}`, "X-Request-Id", sent)(w, req)
	}
	s := support.Serve(t, echo, echo, func(_ http.ResponseWriter, req *http.Request) { cancel(); <-req.Context().Done() })
	asked := 0
	err := support.Reads[0].Call(ctx, secretClient(t, s, []leedo.Option{leedo.WithTokenSource(func(context.Context) (string, error) {
		asked++
		return fmt.Sprint("number", asked, "-token"), nil
	})}))
	if !errors.Is(err, context.Canceled) || !support.Is[*leedo.ServerError](err) || !strings.Contains(err.Error(), "what is ***?") {
		t.Errorf("got %v", err)
	}
	for way, text := range support.Printed(err) {
		if strings.Contains(text, "-token") {
			t.Errorf("%s: %s", way, text)
		}
	}
}

// The token is masked in any case: host names are written in lower case.
func TestTheTokenIsMaskedInAnyCase(t *testing.T) {
	t.Parallel()
	const token = "TOK-SECRET-Plain"
	for _, h := range []http.HandlerFunc{
		support.Respond(302, "", "Location", "https://"+token+".example/"),
		support.Respond(302, "", "Location", "https://"+strings.ToLower(token)+".example/"),
		support.Respond(302, "", "Location", strings.ToLower(token)+"://x/"),
		support.Respond(400, `{"error":{"code":"bad","message":"what is `+strings.ToLower(token)+`?"}}`),
		support.Respond(400, `{"error":{"code":"bad","message":"what is `+strings.ToUpper(token)+`?"}}`),
	} {
		if err := callWith(t, "another case", token, nil, h); !strings.Contains(err.Error(), "***") {
			t.Errorf("got %v", err)
		}
	}
}

// Error texts quote no data of the request, nor of a response that is not HTTP,
// such as an echo of the request.
func TestTextsQuoteNoData(t *testing.T) {
	t.Parallel()
	const body = `{"name":"Jane Body"}`
	quoting := func(text func(req *http.Request, body string) string) support.RoundTripper {
		return func(req *http.Request) (*http.Response, error) {
			var data []byte
			if req.Body != nil {
				data, _ = io.ReadAll(req.Body)
			}
			return nil, errors.New("cannot send " + text(req, string(data)))
		}
	}
	own := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(own.CloseIdleConnections)
	tests := []struct {
		name      string
		answer    string
		transport http.RoundTripper
	}{
		{"the body alone", body + "\r\n\r\n", own},
		{"a status line", "HTTP/1.1 Jane-Body\r\n\r\n", own},
		{"the body for a header", "HTTP/1.1 200 OK\r\n" + body + "\r\n\r\n", own},
		{"a header without a colon", "HTTP/1.1 200 OK\r\nJane Body\r\n\r\n", own},
		{"a header that begins with a space", "HTTP/1.1 200 OK\r\n Jane Answer\r\n\r\n", own},
		{"a trailer", "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nJane Answer\r\n\r\n", own},
		{"a length", "HTTP/1.1 200 OK\r\nContent-Length: Jane Body\r\n\r\n", own},
		{"an encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Jane Body\r\n\r\n", own},
		{"the query for a header", "HTTP/1.1 200 OK\r\nJane Query\r\n\r\n", own},
		{"a transport that quotes the query", "", quoting(func(req *http.Request, _ string) string { return fmt.Sprint(req.URL.Query()) })},
		{"a transport that quotes the URL", "", quoting(func(req *http.Request, _ string) string { return req.URL.String() })},
		{"a transport that quotes the body", "", quoting(func(_ *http.Request, body string) string { return body })},
		{"a transport that quotes the body as Go does", "", quoting(func(_ *http.Request, body string) string { return strconv.Quote(body) })},
	}
	for _, test := range tests {
		log, hooked := newWatch(), ""
		opts := append(log.options(), leedo.WithRetries(1), leedo.WithHTTPClient(&http.Client{Transport: test.transport}),
			leedo.WithHooks(leedo.Hooks{Attempt: func(_ context.Context, a leedo.AttemptInfo) { hooked += a.Err.Error() }}))
		c := support.Serve(t, raw(test.answer)).Client(t, opts...)
		err := c.Do(t.Context(), "POST", "/leads", json.RawMessage(body), nil, leedo.WithIdempotent(), leedo.WithQuery("note", "Jane Query"))
		if !support.Is[*leedo.UnknownOutcomeError](err) {
			t.Errorf("%s: %v", test.name, err)
		}
		texts := support.Printed(err)
		texts["logs"], texts["hooks"] = log.text.String(), hooked
		for way, text := range texts {
			if strings.Contains(text, "Jane") {
				t.Errorf("%s: %s: %s", test.name, way, text)
				break
			}
		}
	}
}

// failing returns the errors of a GET and a POST that get the response.
func failing(t *testing.T, answer http.HandlerFunc) (get, post error) {
	t.Helper()
	client, _ := support.InMemory(t, []leedo.Option{leedo.WithRetries(0), leedo.WithoutRateLimiter()}, answer)
	lead, get := client.Leads.Get(t.Context(), "x")
	if lead != nil {
		t.Errorf("%+v beside the error %v", lead, get)
	}
	lead, post = client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "n"})
	if lead != nil {
		t.Errorf("%+v beside the error %v", lead, post)
	}
	return get, post
}

// The token is masked in codes, messages and request ids of the API, and where
// they are cut.
func TestTheTokenIsMaskedInWhatTheAPISays(t *testing.T) {
	t.Parallel()
	beyond := strings.Repeat("x", 195) // the token stands where the text is cut
	for _, body := range []string{
		`{"error":{"code":"bad ` + support.Token + `","message":"token ` + support.Token + ` is wrong, ` + support.Token + `"}}`,
		`{"error":"` + support.Token + `"}`, `{"errors":["` + support.Token + `"]}`, `{"errors":{"` + support.Token + `":"x"}}`,
		`{"type":"https://leedo.app/` + support.Token + `","title":"` + support.Token + `"}`,
		`{"error":{"code":"` + beyond + support.Token + `","message":"` + beyond + support.Token + `"}}`,
	} {
		get, post := failing(t, support.Respond(401, body, "X-Request-Id", "req "+support.Token))
		success, _ := failing(t, support.Respond(200, body, "Content-Type", "text/"+support.Token))
		for _, err := range []error{get, post, success} {
			for _, shown := range support.AllForms(t, err) {
				for _, part := range []string{support.Token, support.Token[:4]} {
					if strings.Contains(shown, part) {
						t.Errorf("%q in %.300s", part, shown)
					}
				}
			}
		}
		if api, ok := errors.AsType[*leedo.APIError](get); !ok || !strings.Contains(api.RequestID, "***") {
			t.Errorf("no mask in %#v", api)
		}
	}
}
