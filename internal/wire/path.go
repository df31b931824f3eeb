package wire

import (
	"errors"
	"net/url"
	"strings"
)

// FillPath puts an id into the place that {id} holds in a template. What could
// be taken for something else than an id is refused: nothing, control
// characters, and dot segments, which servers resolve even when the slashes
// around them are escaped.
func FillPath(template, id string) (string, error) {
	switch {
	case id == "":
		return "", errors.New("empty id")
	case hasControl(id):
		return "", errors.New("id with control characters")
	case hasDotSegment(id):
		return "", errors.New("id with a dot segment")
	}
	return strings.Replace(template, "{id}", url.PathEscape(id), 1), nil
}

// CheckPath tells what is wrong with an escaped path that is to be appended to
// the base URL.
func CheckPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return errors.New(`path does not begin with "/"`)
	}
	if strings.HasPrefix(path, "//") {
		return errors.New("path with an origin")
	}
	if strings.ContainsAny(path, "?#") {
		return errors.New("path with a query or fragment (use WithQuery, or escape it)")
	}
	plain, err := url.PathUnescape(path)
	if err != nil || (&url.URL{Path: plain, RawPath: path}).EscapedPath() != path {
		return errors.New("path is not escaped (use url.PathEscape)")
	}
	if hasControl(plain) {
		return errors.New("path with control characters")
	}
	if hasDotSegment(plain) {
		return errors.New("path with a dot segment")
	}
	return nil
}

// hasDotSegment tells whether one of the segments of a path is "." or "..".
// Some servers take a backslash for a slash.
func hasDotSegment(s string) bool {
	for segment := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// Join returns the URL of a path that [CheckPath] or [FillPath] passed, under
// base and with a query.
func Join(base *url.URL, path, query string) *url.URL {
	plain, _ := url.PathUnescape(path) // that it can be unescaped was checked
	u := *base
	u.RawPath = base.EscapedPath() + path
	u.Path = base.Path + plain
	u.RawQuery = query
	return &u
}
