package retry_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A failed TLS handshake is not retried, whichever side rejects it: another
// attempt would fail, too.
func TestARefusedHandshakeIsFinal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		server *tls.Config
		client func(*tls.Config)
		sent   bool // in TLS 1.3 the client has spoken by the time it is refused
	}{
		{"a client certificate is wanted", &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, func(*tls.Config) {}, false},
		{"a client certificate is wanted in TLS 1.3", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, func(*tls.Config) {}, true},
		{"the client is too old", &tls.Config{MinVersion: tls.VersionTLS13}, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, false},
		{"the server is too old", &tls.Config{MaxVersion: tls.VersionTLS12}, func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, false},
		{"the client knows no version", &tls.Config{}, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS13, tls.VersionTLS12 }, false},
		{"a pin that does not match", &tls.Config{}, func(c *tls.Config) {
			c.VerifyConnection = func(tls.ConnectionState) error { return errors.New("another certificate than the one pinned") }
		}, false},
		{"another host", &tls.Config{}, func(c *tls.Config) { c.ServerName = "api.leedo.app" }, false},
	}
	for _, test := range tests {
		for _, op := range append(append([]support.Operation{}, support.Reads[0]), support.Writes...) {
			t.Run(test.name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				s := support.NewServer(t, support.Respond(200, support.LeadJSON))
				s.TLS = test.server.Clone()
				s.StartTLS()
				test.client(s.Server.Client().Transport.(*http.Transport).TLSClientConfig)
				err := op.Call(t.Context(), s.TLSClient(t))
				transport, ok := errors.AsType[*leedo.TransportError](err)
				if !ok || transport.Attempts != 1 && !test.sent || len(s.Requests()) != 0 {
					t.Errorf("%v after %d requests", err, len(s.Requests()))
				}
				if !test.sent && support.Is[*leedo.UnknownOutcomeError](err) {
					t.Errorf("%v, but nothing can have been done", err)
				}
			})
		}
	}
}
