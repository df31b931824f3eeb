package transport

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects is net/http's own limit, which does not apply to clients with a
// CheckRedirect.
const maxRedirects = 10

// Origin returns the scheme, host and port of u in a normal form (RFC 6454, section
// 4).
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

// sameOrigin reports whether u has the origin of the base URL.
func (c *Client) sameOrigin(u *url.URL) bool {
	return u.Scheme == c.Base.Scheme && u.Host == c.Base.Host || Origin(u) == c.origin
}

// redirectOrigin returns the origin of a Location header.
func redirectOrigin(from *url.URL, location string) string {
	to, err := from.Parse(location)
	if location == "" || err != nil || to.Host == "" {
		return "a missing or invalid Location"
	}
	return Origin(to)
}

// checkRedirect follows the redirects of a GET within the origin of the base URL.
// Any other redirect becomes the call's response: a write that was followed would
// become a GET or be done twice, and no other origin may see the token or the data.
func checkRedirect(req *http.Request, via []*http.Request) error {
	r := recordOf(req.Context())
	if via[0].Method != http.MethodGet || !r.client.sameOrigin(req.URL) || len(via) >= maxRedirects {
		return http.ErrUseLastResponse
	}
	r.followed = append(r.followed, req.URL)
	check := r.client.HTTPClient.CheckRedirect
	if check == nil {
		return nil
	}
	err := check(req, via)
	if req.Context().Value(callKey{}) != r { // check may have replaced the context
		*req = *req.WithContext(context.WithValue(req.Context(), callKey{}, r))
	}
	if err != nil && err != http.ErrUseLastResponse {
		r.Redirect = r.userError("redirect stopped by CheckRedirect", err)
	}
	return err
}
