package wire

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"
)

// EscapeID escapes an id for a path. It returns an error for anything that could be
// taken for something other than an id: an empty string, invalid UTF-8, control
// characters, and dot segments, which servers resolve even if the slashes around
// them are escaped.
func EscapeID(id string) (string, error) {
	switch {
	case id == "":
		return "", errors.New("id is empty")
	case !utf8.ValidString(id):
		return "", errors.New("id is not valid UTF-8")
	case hasControl(id):
		return "", errors.New("id contains control characters")
	case hasDotSegment(id):
		return "", errors.New("id contains a dot segment")
	}
	return url.PathEscape(id), nil
}

// CheckPath returns what is wrong with an escaped path that is to be appended to
// the base URL.
func CheckPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return errors.New(`path does not begin with "/"`)
	}
	if strings.HasPrefix(path, "//") {
		return errors.New("path contains an origin")
	}
	if strings.ContainsAny(path, "?#") {
		return errors.New("path contains a query or fragment (use WithQuery, or escape it)")
	}
	plain, err := url.PathUnescape(path)
	if !utf8.ValidString(plain) {
		return errors.New("path is not valid UTF-8")
	}
	if err != nil || (&url.URL{Path: plain, RawPath: path}).EscapedPath() != path {
		return errors.New("path is not escaped (use url.PathEscape)")
	}
	if hasControl(plain) {
		return errors.New("path contains control characters")
	}
	if hasDotSegment(plain) {
		return errors.New("path contains a dot segment")
	}
	return nil
}

// hasDotSegment reports whether a segment of a path is "." or "..". Some servers
// treat a backslash as a slash.
func hasDotSegment(s string) bool {
	for segment := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
