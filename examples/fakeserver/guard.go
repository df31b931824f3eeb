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

// guard serves only requests for a host that cannot be a foreign site: a site whose name
// resolves to this machine could otherwise use the fake from a browser (DNS rebinding),
// because the default token is public. With another token, which such a site does not
// know, every host is served. addr is that of -addr.
func guard(addr, token string, next http.Handler) http.Handler {
	if token != leedotest.NewServer().Token() {
		return next
	}
	own, _, _ := net.SplitHostPort(addr)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r)
		_, err := netip.ParseAddr(host)
		if err == nil || strings.EqualFold(host, "localhost") || own != "" && strings.EqualFold(host, own) {
			next.ServeHTTP(w, r)
			return
		}
		forbid(w, fmt.Sprintf("fakeserver has the default token, so the host must be localhost, an IP address or that of -addr, not %q; with -token, any host is served", host))
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
