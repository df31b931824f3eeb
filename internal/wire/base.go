package wire

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ParseBase reads a base URL. Its errors do not quote it: it may hold a
// password by mistake.
func ParseBase(s string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("neither https nor http")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("no host")
	case u.Port() != "" && !validPort(u.Port()):
		return nil, errors.New("with a port that is none")
	case u.User != nil:
		return nil, errors.New("with user or password")
	case strings.ContainsAny(s, "?#"):
		return nil, errors.New("with a query or fragment")
	case u.Scheme == "http" && !insecure && !loopback(u.Hostname()):
		return nil, errors.New("http:// would send the token in the clear (WithInsecureHTTP allows it)")
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if path != "" {
		if err := CheckPath(path); err != nil {
			return nil, err
		}
	}
	u.Path, _ = url.PathUnescape(path)
	u.RawPath = path
	return u, nil
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// loopback tells whether host is this machine: the name localhost or a
// loopback address. Any other name is for a resolver to say, which may lie.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
