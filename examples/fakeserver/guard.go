package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/leedoapp/leedo-go/leedotest"
)

// guard keeps foreign sites that are open in a browser away from the fake. With the default
// token, which is public, it serves only requests for a host that cannot be such a site: one
// whose name resolves to this machine could otherwise use the fake (DNS rebinding). With any
// token it rejects requests across sites, except to follow a link to the page, because a fault
// applies to a 401, too. addr is that of -addr.
func guard(addr, token string, next http.Handler) http.Handler {
	public := token == leedotest.NewServer().Token()
	own, _, _ := net.SplitHostPort(addr)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r)
		_, err := netip.ParseAddr(host)
		safe := err == nil || strings.EqualFold(host, "localhost") || own != "" && strings.EqualFold(host, own)
		switch {
		case public && !safe:
			forbid(w, fmt.Sprintf("fakeserver has the default token, so the host must be localhost, an IP address or that of -addr, not %q; with -token, any host is served", host))
		case r.URL.Path != "/" && r.Header.Get("Sec-Fetch-Site") == "cross-site":
			forbid(w, "fakeserver serves no request that a browser sends for another site")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hostname returns the host that a request is for, without the port.
func hostname(r *http.Request) string { return (&url.URL{Host: r.Host}).Hostname() }

// forbid sends a 403 in the form of the API's errors.
func forbid(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": "forbidden", "message": message}})
}
