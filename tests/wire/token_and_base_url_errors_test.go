package wire_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// badTokens are tokens that cannot be sent, and what follows the name of the
// token in the error. All of them hold tok_, which no text may show.
var badTokens = []struct{ token, want string }{
	{"tok_123\n", "ends with white space (a newline)"},
	{"tok_123\r\n", "ends with white space (a newline)"},
	{"tok_123 ", "ends with white space"},
	{" tok_123", "begins with white space"},
	{"\ttok_123\n", "begins and ends with white space (a newline)"},
	{"tok_123\u00a0", "ends with white space"},
	{"tok_ 123", "contains white space"},
	{"tok_\n123", "contains white space (a newline)"},
	{"tok_123\nX-Evil: 1", "contains white space (a newline)"},
	{`"tok_123"`, "is in quotes: pass the token without them"},
	{"'tok_123'", "is in quotes: pass the token without them"},
	{"`tok_123`\n", "is in quotes: pass the token without them"},
	{`"Bearer tok_123"`, "is in quotes: pass the token without them"},
	{"Bearer tok_123", `begins with "Bearer": pass only the token, the SDK adds the scheme`},
	{"bearer\ttok_123", `begins with "Bearer": pass only the token, the SDK adds the scheme`},
	{"BEARER: tok_123", `begins with "Bearer": pass only the token, the SDK adds the scheme`},
	{`"tok_123`, "begins with a quote: pass the token without it"},
	{"tok_123'", "ends with a quote: pass the token without it"},
	{"`tok_123", "begins with a quote: pass the token without it"},
	{`"tok_123'`, "is in quotes: pass the token without them"},
	{`"`, "begins with a quote: pass the token without it"},
	{"LEEDO_API_TOKEN=tok_123", `contains the name "LEEDO_API_TOKEN": pass only its value`},
	{`export LEEDO_API_TOKEN="tok_123"`, `contains the name "LEEDO_API_TOKEN": pass only its value`},
	{"'LEEDO_API_TOKEN: tok_123'", `contains the name "LEEDO_API_TOKEN": pass only its value`},
	{"${LEEDO_API_TOKEN}", `contains the name "LEEDO_API_TOKEN": pass only its value`},
	{"Bearer: tok_123", `begins with "Bearer": pass only the token, the SDK adds the scheme`},
	{" Bearer tok_123\n", `begins with "Bearer": pass only the token, the SDK adds the scheme`},
	{"Bearer\ntok_123", `begins with "Bearer": pass only the token, the SDK adds the scheme`},
	{"Token tok_123", `begins with "Token": pass only the token, the SDK adds the scheme`},
	{"token: tok_123", `begins with "Token": pass only the token, the SDK adds the scheme`},
	{"Basic tok_123", `begins with "Basic": pass only the token, the SDK adds the scheme`},
	{"Authorization: Bearer tok_123", `begins with "Authorization: Bearer": pass only the token, the SDK adds the scheme`},
	{"authorization:token tok_123", `begins with "Authorization: Token": pass only the token, the SDK adds the scheme`},
	{"Authorization: tok_123", `begins with "Authorization:": pass only the token, the SDK adds the scheme`},
	{"tok_\x00123", "contains a control character"},
	{"tok_123\x7f", "contains a control character"},
	{"tok_123\x1b[0m", "contains a control character"},
	{"tok_ü123", "contains a character that is not ASCII"},
	{"\ufefftok_123", "contains a character that is not ASCII"},
	{"“tok_123”", "contains a character that is not ASCII"},
	{"tok_\xff123", "contains a character that is not ASCII"},
}

// emptyTokens are those that hold nothing.
var emptyTokens = []struct{ token, want string }{
	{"", "is empty"},
	{" ", "contains only white space"},
	{"\t \n", "contains only white space (a newline)"},
}

// Each kind of invalid token has its own text, the same for NewClient and for a
// token source.
func TestEachBadTokenHasItsOwnWords(t *testing.T) {
	t.Parallel()
	transport := support.RoundTripper(func(*http.Request) (*http.Response, error) {
		t.Error("sent a request")
		return nil, errors.New("no")
	})
	for _, tt := range append(badTokens[:len(badTokens):len(badTokens)], emptyTokens...) {
		client, err := leedo.NewClient(tt.token)
		support.CheckInvalidArgument(t, err)
		checkTokenText(t, tt.token, err, "leedo: invalid argument: token "+tt.want)
		if client != nil {
			t.Errorf("%q: a client beside the error", tt.token)
		}

		client, err = leedo.NewClient("", leedo.WithHTTPClient(&http.Client{Transport: transport}),
			leedo.WithTokenSource(func(context.Context) (string, error) { return tt.token, nil }))
		if err != nil {
			t.Fatal(err)
		}
		const source = "no token: the token from WithTokenSource "
		_, err = client.Leads.Get(t.Context(), "x")
		checkTokenText(t, tt.token, err, "leedo: GET /leads/{id}: "+source+tt.want)
		checkTokenText(t, tt.token, client.Do(t.Context(), "DELETE", "/leads/x", nil, nil), "leedo: DELETE /leads/x: "+source+tt.want)
		_, err = client.Accounts.Create(t.Context(), &leedo.AccountCreateParams{Name: "n"})
		checkTokenText(t, tt.token, err, "leedo: POST /accounts: "+source+tt.want)
		for _, err = range client.Contacts.All(t.Context(), nil, leedo.WithPrefetch(4)) {
			checkTokenText(t, tt.token, err, "leedo: GET /contacts, page 1: "+source+tt.want)
		}
	}
}

func checkTokenText(t *testing.T, token string, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("%q: %v, want %s", token, err, want)
	}
	if err != nil && (strings.Contains(err.Error(), "tok_") || strings.Contains(err.Error(), "123")) {
		t.Errorf("%q is quoted: %v", token, err)
	}
}

// A token may consist of any visible ASCII characters, and begin with the name
// of an authentication scheme.
func TestGoodTokens(t *testing.T) {
	t.Parallel()
	for _, token := range []string{
		"x", "12|abc", "user:pass", "a=b", "YWJj/ZGVm+==", "a.b.c", "bearer-token", "Bearertok", "token", "token_1", "basic", "basics:1", "authorization",
		"token:abc", "basic:abc", "Bearer:tok", "BEARER:", `a"b`, "it's", "{x}", "~", "TOKEN=tok_123",
	} {
		if _, err := leedo.NewClient(token); err != nil {
			t.Errorf("%q: %v", token, err)
		}
	}
}

// Errors name the environment variable. White space around its value is
// ignored.
func TestTheEnvironmentIsNamedInErrors(t *testing.T) {
	for _, tt := range badTokens {
		trimmed := strings.TrimSpace(tt.token)
		want := tt.want
		if strings.Contains(want, "with white space") {
			want = "" // it is gone
		}
		if strings.Contains(tt.token, "\x00") {
			continue // no environment holds it
		}
		t.Setenv("LEEDO_API_TOKEN", tt.token)
		client, err := leedo.NewClientFromEnv()
		if want == "" {
			if err != nil || trimmed != "tok_123" {
				t.Errorf("%q: %v", tt.token, err)
			}
			continue
		}
		support.CheckInvalidArgument(t, err)
		checkTokenText(t, tt.token, err, "leedo: invalid argument: LEEDO_API_TOKEN "+want)
		if client != nil {
			t.Errorf("%q: a client beside the error", tt.token)
		}
	}
	for _, tt := range emptyTokens {
		t.Setenv("LEEDO_API_TOKEN", tt.token)
		_, err := leedo.NewClientFromEnv()
		support.CheckInvalidArgument(t, err)
		checkTokenText(t, tt.token, err, "leedo: invalid argument: LEEDO_API_TOKEN "+tt.want)
	}
	os.Unsetenv("LEEDO_API_TOKEN") // t.Setenv restores it
	_, err := leedo.NewClientFromEnv()
	support.CheckInvalidArgument(t, err)
	checkTokenText(t, "", err, "leedo: invalid argument: LEEDO_API_TOKEN is not set")
}

// The newline at the end of a token from a file is not sent.
func TestATokenFromAFileIsSentWithoutItsNewline(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", " ", "\n\n"} {
		t.Setenv("LEEDO_API_TOKEN", end+"tok_123"+end)
		t.Setenv("LEEDO_BASE_URL", end+"https://eu.leedo.app/v1"+end)
		var sent, url string
		transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			sent, url = req.Header.Get("Authorization"), req.URL.String()
			return canned(200, support.LeadJSON), nil
		})
		client, err := leedo.NewClientFromEnv(leedo.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Leads.Get(t.Context(), "x")
		if err != nil || sent != "Bearer tok_123" || url != "https://eu.leedo.app/v1/leads/x" {
			t.Errorf("sent %q to %s, %v", sent, url, err)
		}
	}
}

// badBases are base URLs that no client takes, and what follows their name.
var badBases = map[string]string{
	"localhost:8080/v1":                  `"localhost:8080/v1" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"api.leedo.app/v1":                   `"api.leedo.app/v1" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"api.leedo.app:443":                  `"api.leedo.app:443" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"//host/v1":                          `"//host/v1" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"127.0.0.1:8080/v1":                  `"127.0.0.1:8080/v1" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"[::1]:8080":                         `"[::1]:8080" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"api.leedo.app/v1?key=hunter2":       `"api.leedo.app/v1" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"api.leedo.app/v1#hunter2":           `"api.leedo.app/v1" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"localhost":                          `"localhost" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"crm.example":                        `"crm.example" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"proxy/leedo":                        `"proxy/leedo" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"proxy:8080":                         `"proxy:8080" has no scheme: it must begin with https:// (or http:// for localhost)`,
	"tok_hunter2_123":                    "has no scheme: it must begin with https://",
	"hunter2":                            "has no scheme: it must begin with https://",
	"Bearer tok_hunter2.x":               "has no scheme: it must begin with https://",
	"user:hunter2":                       "has no scheme: it must begin with https://",
	"user:hunter2%40leedo.app":           "has no scheme: it must begin with https://",
	"12|hunter2.x":                       "has no scheme: it must begin with https://",
	"eyJhbGciOiJIUzI1NiJ9.hunter2.x-y_z": "has no scheme: it must begin with https://",
	"kJhG/hunter2+/w==":                  "has no scheme: it must begin with https://",
	"LEEDO_BASE_URL=https://hunter2.app": "has no scheme: it must begin with https://",
	`"https://api.leedo.app/v1"`:         "is in quotes: pass the URL without them",
	"'api.leedo.app/hunter2'":            "is in quotes: pass the URL without them",
	"`https://api.leedo.app":             "begins with a quote: pass the URL without it",
	`https://api.leedo.app/v1"`:          "ends with a quote: pass the URL without it",
	"https://api.leedo.app/M%FCller":     "is not usable: path is not valid UTF-8",
	"me:hunter2@api.leedo.app/v1":        "has no scheme: it must begin with https://",
	"//me:hunter2@api.leedo.app/v1":      "has no scheme: it must begin with https://",
	"https://me:hunter2@api.leedo.app":   "contains a user name or password",
	"https://me:hunter2%zz@leedo.app":    "is not a valid URL",
	"https://api.leedo.app:0/v1":         "has an invalid port",
	"https://api.leedo.app:99999":        "has an invalid port",
	"ftp://api.leedo.app":                "has a scheme other than https and http",
	"https:///v1":                        "has no host",
	"https:api.leedo.app/v1":             "has no host",
	"https://api.leedo.app/v1?a=hunter2": "has a query or fragment",
	"https://api.leedo.app//v1":          "has a path that begins with two slashes",
	"https://api.leedo.app/a/../v1":      "is not usable: path contains a dot segment",
	"http://api.leedo.app/v1":            "begins with http://, so the token would be sent unencrypted (WithInsecureHTTP allows it)",
}

// Each kind of invalid base URL has its own text, with the environment variable
// if it comes from one. No text shows a password, a query or a fragment.
func TestEachBadBaseURLHasItsOwnWords(t *testing.T) {
	t.Setenv("LEEDO_API_TOKEN", "tok_123")
	for base, want := range badBases {
		_, err := leedo.NewClient(support.Token, leedo.WithBaseURL(base))
		support.CheckInvalidArgument(t, err)
		checkBaseText(t, err, "base URL "+want)

		t.Setenv("LEEDO_BASE_URL", " "+base+"\n")
		_, err = leedo.NewClientFromEnv()
		support.CheckInvalidArgument(t, err)
		checkBaseText(t, err, "LEEDO_BASE_URL "+want)

		// An option wins, also where it repeats the variable.
		_, err = leedo.NewClientFromEnv(leedo.WithBaseURL(base))
		support.CheckInvalidArgument(t, err)
		checkBaseText(t, err, "base URL "+want)
		if _, err := leedo.NewClientFromEnv(leedo.WithBaseURL("https://eu.leedo.app/v1")); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	for base, want := range map[string]string{
		"": "is empty", " ": "contains only white space", " \n": "contains only white space (a newline)",
		"https://api.leedo.app/v1\n": "ends with white space (a newline)",
		" https://api.leedo.app/v1":  "begins with white space",
	} {
		_, err := leedo.NewClient(support.Token, leedo.WithBaseURL(base))
		support.CheckInvalidArgument(t, err)
		checkBaseText(t, err, "base URL "+want)
	}
	t.Setenv("LEEDO_BASE_URL", " \n") // as good as unset
	if _, err := leedo.NewClientFromEnv(); err != nil {
		t.Error(err)
	}
}

func checkBaseText(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != "leedo: invalid argument: "+want {
		t.Errorf("%v, want %s", err, want)
	}
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

// A 404 for a collection, which always exists, suggests that the base URL lacks
// the version.
func TestA404AsksForTheVersionInTheBaseURL(t *testing.T) {
	t.Parallel()
	const question = "is /v1 missing from the base URL?"
	calls := map[string]struct {
		call func(context.Context, *leedo.Client, ...leedo.RequestOption) error
		asks bool
	}{
		"List": {func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			return support.ErrorOf(c.Contacts.List(ctx, nil))
		}, true},
		"Create": {support.Create, true},
		"All": {func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			for _, err := range c.Campaigns.All(ctx, nil) {
				return err
			}
			return nil
		}, true},
		"Pages": {func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			for _, err := range c.Leads.Pages(ctx, nil) {
				return err
			}
			return nil
		}, true},
		"a walk with prefetch": {func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			_, err := support.Gather(t, c.Leads.All(ctx, nil, leedo.WithPrefetch(4)))
			return err
		}, true},
		"a contact": {func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			return support.ErrorOf(c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "n"}))
		}, true},
		"Get": {func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			return support.ErrorOf(c.Accounts.Get(ctx, "x"))
		}, false},
		"Update": {func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			return support.ErrorOf(c.Leads.Update(ctx, "x", &leedo.LeadUpdateParams{Name: new("n")}))
		}, false},
		"Do": {func(ctx context.Context, c *leedo.Client, _ ...leedo.RequestOption) error {
			return c.Do(ctx, "GET", "/leads", nil, nil)
		}, false},
	}
	bodies := map[string]bool{ // whether the API may have said nothing
		"404 page not found\n": true, "<html><body>Not Found</body></html>": true, "": true, "{}": true, "null": true, `{"status":404}`: true,
		`{"error":{"code":"not_found","message":"no such lead"}}`: false, `{"message":"no route"}`: false, `{"code":"gone"}`: false,
	}
	bases := map[string]bool{ // whether it has no path
		"https://leedo.example": true, "https://leedo.example/": true, "http://localhost:8080": true,
		"https://leedo.example/v1": false, "https://proxy.example/leedo": false,
	}
	for name, tt := range calls {
		for body, silent := range bodies {
			for base, bare := range bases {
				client, _ := support.InMemory(t, []leedo.Option{leedo.WithBaseURL(base)}, support.Respond(404, body))
				e, ok := errors.AsType[*leedo.NotFoundError](tt.call(t.Context(), client))
				if !ok {
					t.Fatalf("%s: no *NotFoundError", name)
				}
				asked := e.Message == question
				if want := tt.asks && silent && bare; asked != want || strings.Contains(e.Error(), question) != want {
					t.Errorf("%s of %s, body %q: %v", name, base, body, e)
				}
			}
		}
	}
	// No other status does.
	client, _ := support.InMemory(t, []leedo.Option{leedo.WithBaseURL("https://leedo.example")}, support.Respond(410, ""))
	if _, err := client.Leads.List(t.Context(), nil); err == nil || strings.Contains(err.Error(), question) {
		t.Errorf("410: %v", err)
	}
}
