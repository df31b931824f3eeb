package redaction_test

import (
	"bytes"
	"compress/gzip"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Whatever an error response has in its headers and body, the error of a write is
// of the SDK and says the same of the outcome as the status; its text is one short
// line without the token, and a dump has no token, either.
func FuzzErrors(f *testing.F) {
	for _, seed := range []struct {
		status       int
		header, body string
	}{
		{404, "X-Request-Id: req_9", support.ErrorJSON},
		{422, "Content-Type: application/problem+json", `{"title":"t","errors":{"email":["is ` + support.Token + `"]}}`},
		{500, "Content-Type: text/html\nX-Request-Id: " + support.Token, "<title>" + support.Token + "</title>"},
		{429, "Retry-After: 3600\nX-RateLimit-Limit: 100\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1e9", support.RateLimitedJSON},
		{303, "Location: https://u:" + support.Token + "@elsewhere.example/?token=" + support.Token, ""},
		{307, "Location: //" + support.Token + ".example/%zz", "moved"},
		{408, "Date: yesterday\nAge: -1", `{"message":"\u0074ok_Zq81secret\u0000\u2028\r\n"}`},
		{503, "Content-Encoding: gzip\nRetry-After: Sun, 01 Mar 2099 12:00:00 GMT", `{"error":{"code":"` + support.Token + `"}}`},
		{400, "", strings.Repeat(`{"errors":[`, 40)},
	} {
		f.Add(seed.status, seed.header, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, header string, body []byte) {
		if status < 300 || status > 599 {
			t.Skip("no status of an error")
		}
		sent := http.Header{}
		for line := range strings.Lines(header) {
			name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
			sent.Add(name, value)
		}
		if sent.Get("Content-Encoding") == "gzip" {
			body = compressed(body)
		}
		transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			return support.ResponseTo(req, func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), sent)
				w.WriteHeader(status)
				w.Write(body)
			}), nil
		})
		var dump bytes.Buffer
		client, err := leedo.NewClient(support.Token, leedo.WithRetries(0), leedo.WithoutRateLimiter(),
			leedo.WithDump(&dump), leedo.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		err = support.Create(t.Context(), client)

		api := support.Is[*leedo.APIError](err)
		if limited := support.Is[*leedo.RateLimitError](err); !api || limited != (status == 429) {
			t.Fatalf("%d: %T: %v", status, err, err)
		}
		want := leedo.OutcomeNotDone
		if status >= 500 || status == 408 || status == 302 || status == 303 {
			want = leedo.OutcomeUnknown
		}
		if got := leedo.OutcomeOf(err); got != want {
			t.Errorf("%d: %v, want %v", status, got, want)
		}
		if text := err.Error(); strings.ContainsAny(text, "\r\n\x00\x1b\u2028") || len(text) > 4000 {
			t.Errorf("text %q", text)
		}
		for form, text := range support.Printed(err) {
			if strings.Contains(support.LowerASCII(text), support.LowerASCII(support.Token)) {
				t.Errorf("%s shows the token: %q", form, text)
			}
		}
		if strings.Contains(support.LowerASCII(dump.String()), support.LowerASCII(support.Token)) {
			t.Errorf("the dump shows the token: %q", &dump)
		}
	})
}

// compressed returns body as gzip.
func compressed(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(body)
	w.Close()
	return b.Bytes()
}

// Whatever base URL and token are given, the errors of NewClient do not show the
// token, and a client never sends it unencrypted to another machine.
func FuzzSettings(f *testing.F) {
	const token = "tok_Zq81secret"
	for _, base := range []string{
		"https://api.leedo.app/v1", "http://localhost:80/a%2Fb", "http://127.0.0.1@evil.example", "https://u:tok_Zq81secret@x", "tok_Zq81secret.example:443/v1",
		"HTTP://[::1]:80/", "http://localhost.evil.example", "https://x/?q", "https:/x", "//x/v1", "https://x/../y", "https://%74ok_Zq81secret", "http://[::ffff:127.0.0.1]",
		"https://x:0", "https://x\\@y", "http://127.1", "https://x/ ", "'https://x'", "https://x:tok_Zq81secret/",
	} {
		f.Add(base, "")
	}
	f.Add("https://x", " ")
	f.Add("0000000000000.0", "\xdc")
	f.Add("https://x", "\n\"Bearer LEEDO_API_TOKEN=")
	f.Fuzz(func(t *testing.T, base, extra string) {
		var host, scheme string
		transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			host, scheme = req.URL.Hostname(), req.URL.Scheme
			if req.Header.Get("Authorization") != "Bearer "+token+extra {
				t.Errorf("sent %q", req.Header)
			}
			return support.ResponseTo(req, support.Respond(200, support.LeadJSON)), nil
		})
		client, err := leedo.NewClient(token+extra, leedo.WithBaseURL(base), leedo.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			support.CheckInvalidArgument(t, err)
			if strings.Contains(support.LowerASCII(err.Error()), support.LowerASCII(token)) {
				t.Errorf("the error shows the token: %v", err)
			}
			return
		}
		for form, text := range support.Printed(client) {
			if strings.Contains(text, token) {
				t.Errorf("%s shows the token: %q", form, text)
			}
		}
		if _, err := client.Leads.Get(t.Context(), "x"); err != nil {
			t.Errorf("%q is accepted, but: %v", base, err)
		}
		if scheme != "https" && !(scheme == "http" && isLocal(host)) {
			t.Errorf("%q: the token goes to %s://%s", base, scheme, host)
		}
	})
}

// isLocal reports whether a host is this machine.
func isLocal(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
