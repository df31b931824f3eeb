package wire_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A caller cannot set the headers of the connection, nor the one that would
// turn decompression off.
func TestHeadersOfTheConnectionAreNotTheCallers(t *testing.T) {
	t.Parallel()
	c, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
	for _, name := range []string{"Accept-Encoding", "accept-encoding", "Upgrade", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Te", "Trailer", "Expect"} {
		if err := support.Reads[0].Call(t.Context(), c, leedo.WithHeader(name, "x")); !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(rec.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A typed nil is not accepted as a body: it would be sent as null.
func TestATypedNilIsNoBody(t *testing.T) {
	t.Parallel()
	c, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
	for _, body := range []any{map[string]string(nil), json.RawMessage(nil), []string(nil), (*leedo.LeadUpdateParams)(nil)} {
		for _, opts := range [][]leedo.RequestOption{nil, {leedo.WithBodyField("a", 1)}} {
			if err := c.Do(t.Context(), "POST", "/leads", body, nil, opts...); !errors.Is(err, leedo.ErrInvalidArgument) {
				t.Errorf("%T: %v", body, err)
			}
		}
	}
	if n := len(rec.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A base URL with an impossible port is invalid. Otherwise every call would
// fail.
func TestABaseURLHasAPortThatThereIs(t *testing.T) {
	t.Parallel()
	for base, ok := range map[string]bool{
		"https://api.leedo.app:443/v1": true, "https://api.leedo.app:65535/v1": true, "https://api.leedo.app:/v1": true,
		"https://api.leedo.app:0/v1": false, "https://api.leedo.app:65536/v1": false, "https://api.leedo.app:99999/v1": false,
	} {
		if _, err := leedo.NewClient(support.Token, leedo.WithBaseURL(base)); (err == nil) != ok || err != nil && !errors.Is(err, leedo.ErrInvalidArgument) {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// A zero Client returns a zero RateLimit and does not panic.
func TestAZeroClientKnowsNoQuota(t *testing.T) {
	t.Parallel()
	if got := new(leedo.Client).RateLimit(); got != (leedo.RateLimit{}) {
		t.Errorf("got %+v", got)
	}
}
