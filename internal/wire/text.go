// Package wire encodes requests and decodes responses: paths, headers and bodies,
// including the API's error messages. It also masks secrets in texts. It sends
// nothing.
package wire

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is how many runes of a text from outside the SDK are quoted.
const maxLine = 200

// Line makes a text from outside the SDK safe to quote in an error: one line of at
// most 200 runes, with unprintable characters escaped.
func Line(s string) string {
	var b strings.Builder
	var n, cut int // runes written; bytes to keep if an ellipsis must follow
	for _, r := range strings.TrimSpace(s) {
		printed := string(r)
		if !unicode.IsPrint(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			printed = quoted[1 : len(quoted)-1]
		}
		n += utf8.RuneCountInString(printed)
		if n > maxLine {
			return b.String()[:cut] + "…"
		}
		b.WriteString(printed)
		if n < maxLine {
			cut = b.Len()
		}
	}
	return b.String()
}

// Say composes the one-line text of an error: the call, a text and its causes.
// Causes of the same call do not repeat its name.
func Say(method, path, text string, causes ...error) string {
	call := "leedo: "
	if method != "" {
		call += method + " " + path + ": "
	}
	for i, err := range causes {
		if i > 0 {
			text += "; before that: "
		}
		if err != nil {
			text += strings.TrimPrefix(strings.TrimPrefix(err.Error(), call), "leedo: ")
		}
	}
	return call + text
}

// Attempts returns a number of attempts as text.
func Attempts(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return strconv.Itoa(n) + " attempts"
}

// minToken is the length from which a token is masked. A shorter one is a word in a
// test, such as "test", and masking it would garble "the latest".
const minToken = 8

// Mask masks the token in s, as [Redact] does, if it is at least eight characters long.
func Mask(s, token string) string {
	if len(token) < minToken || len(token) > len(s) {
		return s
	}
	return string(Redact([]byte(s), false, token))
}

// MaskSecret replaces each occurrence of the secret in s, in any case: hosts are
// written in lower case.
func MaskSecret(s, secret string) string {
	if secret == "" || len(secret) > len(s) {
		return s
	}
	return anyCase(secret).ReplaceAllLiteralString(s, "***")
}

// anyCase matches s in any case. Bytes that are not valid UTF-8 match any such bytes.
func anyCase(s string) *regexp.Regexp {
	return regexp.MustCompile("(?i)" + regexp.QuoteMeta(string([]rune(s))))
}

// ValidHeaderName reports whether s is a token as defined by RFC 9110, section
// 5.6.2.
func ValidHeaderName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// ValidHeaderValue reports whether s can be sent as the value of a header field: it
// has no control characters except tabs (RFC 9110, section 5.5).
func ValidHeaderValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// ValidMethod reports whether s is a method of upper-case letters. Methods are
// case-sensitive (RFC 9110, section 9.1), so "get" is a mistake.
func ValidMethod(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return s != ""
}

// hasControl reports whether s has control characters.
func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
