package wire

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// CheckToken returns an error if token cannot be sent as a bearer token, which
// consists of one or more visible ASCII characters. name is the name of the
// setting. The error never quotes the token.
func CheckToken(name, token string) error {
	if problem := tokenProblem(token); problem != "" {
		return errors.New(name + " " + problem)
	}
	return nil
}

func tokenProblem(token string) string {
	trimmed := strings.TrimSpace(token)
	scheme, quotes := leadingScheme(trimmed), quotesAt(trimmed, "token")
	switch {
	case token == "":
		return "is empty"
	case trimmed == "":
		return "contains only white space" + newline(token)
	case strings.Contains(token, "LEEDO_API_TOKEN"): // a line of a settings file, or a reference that nothing expanded
		return `contains the name "LEEDO_API_TOKEN": pass only its value`
	case scheme != "":
		return fmt.Sprintf("begins with %q: pass only the token, the SDK adds the scheme", scheme)
	case quotes != "":
		return quotes
	case strings.ContainsFunc(token, unicode.IsSpace):
		return spaceIn(token) + newline(token)
	case strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "contains a control character"
	case strings.ContainsFunc(token, func(r rune) bool { return r > 0x7f }):
		return "contains a character that is not ASCII"
	}
	return ""
}

// newline returns what to add to an error about the white space in s.
func newline(s string) string {
	if strings.ContainsAny(s, "\r\n") {
		return " (a newline)"
	}
	return ""
}

// spaceIn describes where the white space in s is.
func spaceIn(s string) string {
	start := strings.TrimLeftFunc(s, unicode.IsSpace) != s
	end := strings.TrimRightFunc(s, unicode.IsSpace) != s
	switch {
	case start && end:
		return "begins and ends with white space"
	case start:
		return "begins with white space"
	case end:
		return "ends with white space"
	}
	return "contains white space"
}

// quotesAt describes the quotes around s that a shell or a settings file may have
// left; "" if it has no quotes. what is "token" or "URL".
func quotesAt(s, what string) string {
	const quotes = "\"'`"
	start := strings.TrimLeft(s, quotes) != s
	end := strings.TrimRight(s, quotes) != s
	switch {
	case start && end && len(s) > 1:
		return "is in quotes: pass the " + what + " without them"
	case start:
		return "begins with a quote: pass the " + what + " without it"
	case end:
		return "ends with a quote: pass the " + what + " without it"
	}
	return ""
}

// leadingScheme returns the part of an Authorization header that precedes the token
// in s: the name of the header, the scheme, or both. It returns "" if s is a token
// alone. A scheme ends with white space (RFC 9110, section 11.4); a colon may be
// part of a token.
func leadingScheme(s string) string {
	header := ""
	if rest, ok := cutPrefixFold(s, "Authorization"); ok {
		if value, ok := strings.CutPrefix(strings.TrimSpace(rest), ":"); ok {
			header, s = "Authorization:", strings.TrimSpace(value)
		}
	}
	for _, scheme := range []string{"Bearer", "Token", "Basic"} {
		rest, ok := cutPrefixFold(s, scheme)
		// "token" alone may be a token; "Bearer" alone is what remains of a header
		// without one.
		alone := rest == "" && (header != "" || scheme == "Bearer")
		rest = strings.TrimPrefix(rest, ":") // "Bearer: x"
		if ok && (alone || rest != "" && strings.IndexByte(" \t\r\n", rest[0]) >= 0) {
			return strings.TrimSpace(header + " " + scheme)
		}
	}
	return header
}

// cutPrefixFold is [strings.CutPrefix] ignoring case.
func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
