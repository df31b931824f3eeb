package wire

import (
	"bytes"
	"html"
	"strconv"
	"strings"
)

// Redact replaces each occurrence of the secrets in text, in any case and with
// characters escaped as in JSON, URLs and HTML. A secret that itself contains
// percent signs or doubled backslashes, which no bearer token should (RFC 6750,
// section 2.1), is found only unescaped. If the text was cut, the beginning of a
// secret at its end is replaced, too.
func Redact(text []byte, cut bool, secrets ...string) []byte {
	for _, secret := range secrets {
		if secret != "" {
			text = redact(text, cut, secret)
		}
	}
	return text
}

func redact(text []byte, cut bool, secret string) []byte {
	var out []byte
	kept := 0 // up to here text is in out
	for at := 0; at < len(text); {
		n, matched := match(text[at:], secret)
		whole := matched == len(secret)
		if !whole && !(cut && at+n == len(text) && matched >= leastSecret) {
			at++
			continue
		}
		out = append(append(out, text[kept:at]...), "***"...)
		at += n
		kept = at
	}
	return append(out, text[kept:]...)
}

// leastSecret is the least number of characters of a secret that are replaced where
// the text was cut. Fewer reveal nothing.
const leastSecret = 4

// match returns how many characters of secret text begins with, and how many bytes
// of text they take. If text ends within an escape sequence, n is all of it.
func match(text []byte, secret string) (n, matched int) {
	if len(text) >= len(secret) && strings.EqualFold(string(text[:len(secret)]), secret) {
		return len(secret), len(secret) // even if it looks escaped itself
	}
	for ; matched < len(secret) && n < len(text); matched++ {
		size := sizeOf(text[n:], secret[matched])
		if size == 0 {
			if isBegun(text[n:]) {
				n = len(text)
			}
			break
		}
		n += size
	}
	return n, matched
}

// sizeOf returns how many bytes of text encode the character c; 0 if text does not
// begin with it.
func sizeOf(text []byte, c byte) int {
	if got, size := escaped(text); size > 0 && lower(got) == lower(c) {
		return size
	}
	if lower(text[0]) == lower(c) {
		return 1
	}
	return 0
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// escaped returns the ASCII character of the escape sequence at the beginning of
// text, and the length of that sequence; 0 if no sequence is there. Backslashes and
// percent signs may themselves be escaped.
func escaped(text []byte) (c byte, size int) {
	switch text[0] {
	case '\\':
		slashes := len(text[:min(len(text), maxSlashes)]) - len(bytes.TrimLeft(text[:min(len(text), maxSlashes)], `\`))
		rest := text[slashes:]
		if len(rest) >= 5 && (rest[0] == 'u' || rest[0] == 'U') {
			if n, err := strconv.ParseUint(string(rest[1:5]), 16, 8); err == nil {
				return byte(n), slashes + 5
			}
		}
		if len(rest) > 0 && strings.IndexByte(`"'/`, rest[0]) >= 0 {
			return rest[0], slashes + 1
		}
		return '\\', slashes
	case '%':
		rest := text[1:]
		for len(rest) >= 4 && rest[0] == '2' && rest[1] == '5' {
			rest = rest[2:]
		}
		if len(rest) >= 2 {
			if n, err := strconv.ParseUint(string(rest[:2]), 16, 8); err == nil {
				return byte(n), len(text) - len(rest) + 2
			}
		}
	case '&':
		end := bytes.IndexByte(text[:min(len(text), maxEntity)], ';') + 1
		if plain := html.UnescapeString(string(text[:end])); len(plain) == 1 {
			return plain[0], end
		}
	}
	return 0, 0
}

const (
	maxSlashes = 64 // how many consecutive backslashes are taken for an escape sequence
	maxEntity  = 12 // the length of the longest character reference of HTML that is read
)

// isBegun reports whether text may be the beginning of an escape sequence.
func isBegun(text []byte) bool {
	switch text[0] {
	case '\\':
		return len(text) < maxSlashes+5 && len(bytes.TrimLeft(text, `\`)) < 5
	case '%':
		rest := text[1:]
		for bytes.HasPrefix(rest, []byte("25")) {
			rest = rest[2:]
		}
		return len(rest) < 2
	case '&':
		return len(text) < maxEntity && !bytes.Contains(text, []byte(";"))
	}
	return false
}
