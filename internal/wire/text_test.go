package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
)

// TestHeaderValuesAreWithoutControlCharacters except tabs (RFC 9110, section 5.5).
func TestHeaderValuesAreWithoutControlCharacters(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		value := "a" + string([]byte{byte(c)}) + "b"
		if got, want := ValidHeaderValue(value), c == '\t' || c >= ' ' && c != 0x7f; got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	if !ValidHeaderValue("") {
		t.Error("an empty value is not valid")
	}
}

func TestMethodsHaveUpperCaseLetters(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		method := "G" + string([]byte{byte(c)}) + "T"
		if got, want := ValidMethod(method), c >= 'A' && c <= 'Z'; got != want {
			t.Errorf("%q: %v", method, got)
		}
	}
	if ValidMethod("") {
		t.Error("an empty method is valid")
	}
}

// TestTokensAreVisibleASCII, and the error says what else a character is.
func TestTokensAreVisibleASCII(t *testing.T) {
	t.Parallel()
	for c := range rune(0x200) {
		want := "token contains a character that is not ASCII"
		switch {
		case c >= '!' && c <= '~':
			want = "<nil>"
		case unicode.IsSpace(c):
			want = "token contains white space"
		case c < ' ' || c == 0x7f:
			want = "token contains a control character"
		}
		if got := fmt.Sprint(CheckToken("token", "tok"+string(c)+"en")); strings.TrimSuffix(got, " (a newline)") != want {
			t.Errorf("%q: %s, want %s", c, got, want)
		}
	}
}

// TestWhatIsAroundATokenIsNamed, also if there is nothing else.
func TestWhatIsAroundATokenIsNamed(t *testing.T) {
	t.Parallel()
	const scheme = "token begins with %q: pass only the token, the SDK adds the scheme"
	for token, want := range map[string]string{
		"Bearer": fmt.Sprintf(scheme, "Bearer"), "bearer": fmt.Sprintf(scheme, "Bearer"), "Bearer x": fmt.Sprintf(scheme, "Bearer"), "Bearer: x": fmt.Sprintf(scheme, "Bearer"),
		"Authorization: Token": fmt.Sprintf(scheme, "Authorization: Token"), "authorization:basic x": fmt.Sprintf(scheme, "Authorization: Basic"),
		"Authorization:": fmt.Sprintf(scheme, "Authorization:"), "Token x": fmt.Sprintf(scheme, "Token"),
		"Token": "<nil>", "Basic": "<nil>", "Authorization": "<nil>", "Bearers": "<nil>", "Token:x": "<nil>", "Beare": "<nil>", ":x": "<nil>",
		`""`: "token is in quotes: pass the token without them", `"x'`: "token is in quotes: pass the token without them",
		`"`: "token begins with a quote: pass the token without it", "`x": "token begins with a quote: pass the token without it", `x'`: "token ends with a quote: pass the token without it",
	} {
		if got := fmt.Sprint(CheckToken("token", token)); got != want {
			t.Errorf("%s: %s, want %s", token, got, want)
		}
	}
}

func TestMaskSecret(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, secret, want string }{
		{"text", "", "text"}, {"", "", ""}, {"", "secret", ""}, {"Secret", "sEcret", "***"}, {"secre", "secret", "secre"}, {"a.secret, secret.b", "secret", "a.***, ***.b"},
		{"axb", "a.b", "axb"}, {"A.B", "a.b", "***"},
		{"a Secret\xdc, \xffsecret\xdc b", "secret\xdc", "a ***, \xff*** b"},
	} {
		if got := MaskSecret(tt.text, tt.secret); got != tt.want {
			t.Errorf("%q in %q: %q, want %q", tt.secret, tt.text, got, tt.want)
		}
	}
}

func TestSay(t *testing.T) {
	t.Parallel()
	other := errors.New("leedo: GET /leads: refused")
	for want, got := range map[string]string{
		"leedo: failed":                                    Say("", "", "failed"),
		"leedo: GET /leads: failed":                        Say("GET", "/leads", "failed"),
		"leedo: GET /leads: failed: refused":               Say("GET", "/leads", "failed: ", other),
		"leedo: POST /leads: failed: GET /leads: refused":  Say("POST", "/leads", "failed: ", other),
		"leedo: GET /leads: x: refused; before that: y":    Say("GET", "/leads", "x: ", other, errors.New("y")),
		"leedo: GET /leads: x: refused; before that: ":     Say("GET", "/leads", "x: ", other, nil),
		"leedo: GET /leads: failed after 1 attempt":        Say("GET", "/leads", "failed after "+Attempts(1)),
		"leedo: GET /leads: failed after 0 and 2 attempts": Say("GET", "/leads", fmt.Sprintf("failed after 0 and %s", Attempts(2))),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWhatIsWrongWithAPathIsNamed.
func TestWhatIsWrongWithAPathIsNamed(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"leads": `path does not begin with "/"`, "//evil.example": "path contains an origin",
		"/leads?a": "path contains a query or fragment (use WithQuery, or escape it)", "/leads#a": "path contains a query or fragment (use WithQuery, or escape it)",
		"/a b": "path is not escaped (use url.PathEscape)", "/%zz": "path is not escaped (use url.PathEscape)", "/a/%2e": "path contains a dot segment",
	} {
		if err := CheckPath(path); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

// TestBaseURLsAtTheBounds of ports and of what is quoted.
func TestBaseURLsAtTheBounds(t *testing.T) {
	t.Parallel()
	for port, ok := range map[string]bool{"0": false, "1": true, "65535": true, "65536": false, "": true} {
		if _, err := ParseBase("https://leedo.example:"+port, false); (err == nil) != ok {
			t.Errorf("port %s: %v", port, err)
		}
	}
	for n, cut := range map[int]string{100: "", 101: "…"} {
		host := strings.Repeat("a", n-4) + ".app"
		want := fmt.Sprintf("%q has no scheme: it must begin with https:// (or http:// for localhost)", host[:100]+cut)
		if _, err := ParseBase(host, false); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for base, want := range map[string]string{"http://leedo.example": `"http://leedo.example"`, "https://leedo.example/v1": `"https://leedo.example/v1"`, "tok_12345": "…", "https://a:b@leedo.example": "…"} {
		if got := ShownBase(base); got != want {
			t.Errorf("%s is shown as %s", base, got)
		}
	}
}
