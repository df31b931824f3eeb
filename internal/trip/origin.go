package trip

import (
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects is net/http's own limit, which a CheckRedirect takes off.
const maxRedirects = 10

// Origin returns scheme, host and port of u in one spelling (RFC 6454,
// section 4).
func Origin(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return scheme + "://" + host + ":" + port
}

// home tells whether u is of the origin of the base URL.
func (t *Trip) home(u *url.URL) bool {
	return u.Scheme == t.Base.Scheme && u.Host == t.Base.Host || Origin(u) == t.origin
}

// target returns the origin that a Location names.
func target(from *url.URL, location string) string {
	to, err := from.Parse(location)
	if location == "" || err != nil || to.Host == "" {
		return "no readable target"
	}
	return Origin(to)
}

// redirect follows redirects of a GET within the origin of the base URL. Any
// other one becomes the answer: a write that were followed would turn into a
// GET or be done twice, and another origin must see neither token nor data.
func (t *Trip) redirect(req *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet || !t.home(req.URL) || len(via) >= maxRedirects {
		return http.ErrUseLastResponse
	}
	if t.checkRedirect == nil {
		return nil
	}
	err := t.checkRedirect(req, via)
	if err != nil && err != http.ErrUseLastResponse {
		recordOf(req.Context()).Redirect = &UserError{"redirect refused", err}
	}
	return err
}
