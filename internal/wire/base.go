package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ParseBase parses a base URL. Its errors continue a sentence that begins with the
// name of the setting. They quote the URL only if it has no scheme and looks like a
// host, because a token or password may have been given instead. A value that
// contains one of the secrets is never quoted.
func ParseBase(s string, insecure bool, secrets ...string) (*url.URL, error) {
	if err := checkScheme(s, secrets); err != nil {
		return nil, err
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("is not a valid URL") // err quotes the URL
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("has a scheme other than https and http")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("has no host")
	case u.Port() != "" && !validPort(u.Port()):
		return nil, errors.New("has an invalid port")
	case u.User != nil:
		return nil, errors.New("contains a user name or password")
	case strings.ContainsAny(s, "?#"):
		return nil, errors.New("has a query or fragment")
	case u.Scheme == "http" && !insecure && !loopback(u.Hostname()):
		return nil, errors.New("begins with http://, so the token would be sent unencrypted (WithInsecureHTTP allows it)")
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if strings.HasPrefix(path, "//") {
		return nil, errors.New("has a path that begins with two slashes")
	}
	if path != "" {
		if err := CheckPath(path); err != nil {
			return nil, fmt.Errorf("is not usable: %w", err)
		}
	}
	u.Path, _ = url.PathUnescape(path)
	u.RawPath = path
	return u, nil
}

var (
	withScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://|^(?i:https?):`)
	// hostAndPath matches a host, in lower case as tokens seldom are, and what may
	// follow it.
	hostAndPath = regexp.MustCompile(`^(//)?([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$`)
)

// checkScheme returns an error if s is empty, begins or ends with white space or
// quotes, or has no scheme. [url.Parse] would take the host for the scheme if a
// port follows it.
func checkScheme(s string, secrets []string) error {
	quotes := quotesAt(s, "URL")
	switch {
	case s == "":
		return errors.New("is empty")
	case strings.TrimSpace(s) == "":
		return errors.New("contains only white space" + newline(s))
	case strings.TrimSpace(s) != s:
		return errors.New(spaceIn(s) + newline(s))
	case quotes != "":
		return errors.New(quotes)
	case withScheme.MatchString(s):
		return nil
	}
	shown, _, _ := strings.Cut(s, "?")
	shown, _, _ = strings.Cut(shown, "#")
	if !looksLikeHost(shown) || slices.ContainsFunc(secrets, func(secret string) bool { return Mask(shown, secret) != shown }) {
		return errors.New("has no scheme: it must begin with https://")
	}
	return fmt.Errorf("%q has no scheme: it must begin with https:// (or http:// for localhost)", shorten(shown, 100))
}

// looksLikeHost reports whether s is localhost or has a dot, port or path.
func looksLikeHost(s string) bool {
	return hostAndPath.MatchString(s) && (s == "localhost" || strings.ContainsAny(s, ".:/"))
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// loopback reports whether host is this machine: localhost or a loopback address.
// For any other name one would have to trust a resolver.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// shorten returns at most the first n runes of s.
func shorten(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}
