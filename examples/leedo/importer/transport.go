package importer

import (
	"context"
	"net/http"
)

// HTTPClient returns a copy of base whose transport gives the importer the
// moments that its journal depends on: just before a request leaves, after all
// waits for the quota, and just after its response has come. nil means
// [http.DefaultClient]. Requests of others pass as they are.
//
//	client, err := leedo.NewClientFromEnv(leedo.WithHTTPClient(importer.HTTPClient(nil)))
func HTTPClient(base *http.Client) *http.Client {
	if base == nil {
		base = http.DefaultClient
	}
	client := *base
	client.Transport = &transport{base: base.Transport}
	return &client
}

// watcher is what a context carries for the transport.
type watcher interface {
	// before is called before the request is sent; an error keeps it from being
	// sent.
	before() error
	// after is called with the response, or nil if none came.
	after(*http.Response)
}

type watcherKey struct{}

func withWatcher(ctx context.Context, w watcher) context.Context {
	return context.WithValue(ctx, watcherKey{}, w)
}

type transport struct {
	base http.RoundTripper // nil: http.DefaultTransport as it is when a request is sent
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	base := t.base
	if base == nil {
		base = http.DefaultTransport
	}
	w, ok := req.Context().Value(watcherKey{}).(watcher)
	if !ok {
		return base.RoundTrip(req)
	}
	if err := w.before(); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	resp, err := base.RoundTrip(req)
	w.after(resp)
	return resp, err
}
