package wire

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
)

// escapes are the forms in which a server may echo what it received.
func escapes(s string) map[string]string {
	var unicode, percent, entities, decimal strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&unicode, `\u%04x`, c)
		fmt.Fprintf(&percent, "%%%02x", c)
		fmt.Fprintf(&entities, "&#x%x;", c)
		fmt.Fprintf(&decimal, "&#%d;", c)
	}
	encoded, _ := json.Marshal(s)
	again, _ := json.Marshal(string(encoded))
	forms := map[string]string{
		"plain": s, "upper case": strings.ToUpper(s), "lower case": strings.ToLower(s),
		"JSON": string(encoded), "JSON in JSON": string(again), `\u`: unicode.String(), "\\u in JSON": strings.ReplaceAll(unicode.String(), `\`, `\\`),
		"slashes escaped": strings.ReplaceAll(s, "/", `\/`), "a quoted string of Go": fmt.Sprintf("%q", s),
		"query": url.QueryEscape(s), "path": url.PathEscape(s), "query in a query": url.QueryEscape(url.QueryEscape(s)),
		"percent": percent.String(), "PERCENT": strings.ToUpper(percent.String()), "percent, twice": url.QueryEscape(percent.String()),
		"HTML": html.EscapeString(s), "entities": entities.String(), "decimal entities": decimal.String(),
	}
	return forms
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"tok_Zq81secret", "abc/def+ghi==", `a"b\c'd&e<f>g`, "&amp;&#65;", "12345678", "0123.4567-89ab_cdef~"} {
		for form, text := range escapes(secret) {
			for _, around := range []string{"%s", "before %s after", `{"a":"%s"}`, `\%s\`, "%%%s%%", "&%s&"} {
				got := string(Redact(fmt.Appendf(nil, around, text), false, "another", secret))
				if bare := strings.Trim(got, `"\`); around == "%s" && bare != "***" {
					t.Errorf("%s of %s: %s", form, secret, got)
				}
				if strings.Contains(strings.ToLower(got), strings.ToLower(text)) {
					t.Errorf("%s of %s: %s", form, secret, got)
				}
			}
		}
	}
}

// TestRedactOfUnusualSecrets, which look escaped themselves.
func TestRedactOfUnusualSecrets(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{`x\\y`, "p%41q%25r", "%25%25", `\u0041`, "sécret-dé"} {
		if got := string(Redact([]byte("before "+secret+" after"), false, secret)); got != "before *** after" {
			t.Errorf("%s: %s", secret, got)
		}
	}
	if got := string(Redact([]byte("axb"), false, "a\x00b")); got != "axb" {
		t.Errorf("another text: %s", got)
	}
	for text, secret := range map[string]string{
		"token%254": "token%4", "token%2": "token%2", `token-1\"`: `token-1"`, `token-1\\"`: `token-1"`,
		`s\u00c3\u00a9cret-d\u00C3\u00A9`: "sécret-dé", "a\x00\\/b": "a\x00/b", "s%C3%A9cret-d%c3%a9": "sécret-dé", "s%25C3%25A9cret-d%25C3%25A9": "sécret-dé",
	} {
		if got := string(Redact([]byte(text), false, secret)); got != "***" {
			t.Errorf("%s of %s: %s", text, secret, got)
		}
	}
}

// TestRedactOfACutText: the beginning of a secret at the end of the text is
// replaced, too.
func TestRedactOfACutText(t *testing.T) {
	t.Parallel()
	const secret = "tok_Zq81secret"
	for form, text := range escapes(secret) {
		for n := range len(text) {
			if form == "JSON in JSON" && n < 4 || n == 0 {
				continue // the quotes around it
			}
			got := string(Redact([]byte("before "+text[:n]), true, secret))
			shown, _ := strings.CutPrefix(got, "before ")
			for length := leastSecret; length <= len(secret); length++ {
				if strings.Contains(shown, escapes(secret[:length])[form]) && !strings.HasPrefix(form, "JSON") && !strings.HasPrefix(form, "a quoted") {
					t.Errorf("%s: %q", form, got)
				}
			}
		}
	}
	for text, want := range map[string]string{
		"say tok_": "say ***", "say tok": "say tok", "say tok_X": "say tok_X", "tok_Zq81 and more": "tok_Zq81 and more",
		`say tok_\u005`: "say ***", "say tok_%5": "say ***", "say tok_&#9": "say ***",
	} {
		if got := string(Redact([]byte(text), true, secret)); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := string(Redact([]byte("say tok_"), false, secret)); got != "say tok_" {
		t.Errorf("a text that was not cut: %q", got)
	}
}

// TestRedactIgnoresTheCaseOfLettersOnly, also around escaped characters.
func TestRedactIgnoresTheCaseOfLettersOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`AZaz\/@[` + "`{": "***", `azAZ\/@[` + "`{": "***", `\u0041\u007a\u0061\u005A/%40%5b&#96;{`: "***",
		"AZaz\\/`[`{": "AZaz\\/`[`{", "AZaz\\/@{`{": "AZaz\\/@{`{", "AZaz\\/@[@{": "AZaz\\/@[@{", "AZaz\\/@[`[": "AZaz\\/@[`[",
	} {
		if got := string(Redact([]byte(text), false, "AZaz/@[`{")); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestRedactOfLongEscapes: a character reference has at most 12 characters, and at most
// 64 backslashes are one escape sequence.
func TestRedactOfLongEscapes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"tok&#000000047;en": "***", "tok&#0000000047;en": "tok&#0000000047;en", "tok&sol;en": "***", "tok&;en": "tok&;en", "tok&en": "tok&en", "tok&#47en": "tok&#47en",
		"tok" + strings.Repeat(`\`, 64) + "/en": "***", "tok" + strings.Repeat(`\`, 65) + "/en": "tok" + strings.Repeat(`\`, 65) + "/en",
		"tok" + strings.Repeat(`\`, 64) + "u002fen": "***", "tok" + strings.Repeat(`\`, 65) + "u002fen": "tok" + strings.Repeat(`\`, 65) + "u002fen",
		`tok/e\n`: `tok/e\n`, `tok\U002Fen`: "***", `tok\V002Fen`: `tok\V002Fen`, `tok\u102fen`: `tok\u102fen`,
		`tok\u002gen`: `tok\u002gen`, `tok\u012fen`: `tok\u012fen`, `tok%2gen`: `tok%2gen`, "tok%2525252Fen": "***", "tok%2": "tok%2", "tok%": "tok%", `tok\`: `tok\`, "tok&": "tok&",
	} {
		if got := string(Redact([]byte(text), false, "tok/en")); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	slashes := strings.Repeat(`\`, 64)
	for text, want := range map[string]string{ // cut within an escape sequence
		"toke&#00000011": "***", "toke&#000000110": "***", "toke&#0000000110": "toke&#0000000110", "toke&#110;": "***", "toke&;": "toke&;", "tok&#11": "tok&#11",
		"toke" + slashes: "***", "toke" + slashes + "u006": "***", "toke" + slashes + "u0061": "toke" + slashes + "u0061", "toke" + slashes + `\u006`: "toke" + slashes + `\u006`,
		"toke%": "***", "toke%6": "***", "toke%2525": "***", "toke%25256": "***", "toke%61": "toke%61", "toke%256g": "toke%256g", `toke\`: "***", `toke\u`: "***", `toke\u006`: "***", `toke\u0061`: `toke\u0061`,
	} {
		if got := string(Redact([]byte(text), true, "token-and-more")); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	for form, text := range escapes("tok_Zq81secret") {
		f.Add(form+text, "tok_Zq81secret")
	}
	f.Add("a/a/", "a/a")
	f.Fuzz(func(t *testing.T, text, secret string) {
		if secret == "" || tokenProblem(secret) != "" || strings.Contains(secret, "*") {
			t.Skip()
		}
		for _, cut := range []bool{false, true} {
			if got := string(Redact([]byte(text), cut, secret)); strings.Contains(lowerASCII(got), lowerASCII(secret)) {
				t.Errorf("%q is left of %q", got, text)
			}
		}
	})
}

// lowerASCII is strings.ToLower for a text that is searched for a token, which has no
// other letters: ToLower would also find an i in İ.
func lowerASCII(s string) string {
	text := []byte(s)
	for i := range text {
		text[i] = lower(text[i])
	}
	return string(text)
}
