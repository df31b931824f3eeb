package cases

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

type counter struct {
	http.RoundTripper
	requests atomic.Int64
}

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return c.RoundTripper.RoundTrip(req)
}

// TestEachCaseDoesWhatIsCounted: so many operations are so many requests, and
// the construction of a client is none.
func TestEachCaseDoesWhatIsCounted(t *testing.T) {
	for _, c := range All() {
		calls := 3
		if c.Name == "get64" {
			calls = goroutines + 6
		}
		for _, s := range subject.All() {
			c, transport := c, &counter{RoundTripper: c.answer(s)}
			c.answer = func(subject.Subject) http.RoundTripper { return transport }
			op, err := c.Prepare(s)
			if err != nil {
				t.Fatal(err)
			}
			before := transport.requests.Load()
			if err := op(calls); err != nil {
				t.Errorf("%s, %s: %v", c.Name, s.Name, err)
			}
			want := int64(calls)
			if c.run == nil {
				want = 0
			}
			if got := transport.requests.Load() - before; got != want {
				t.Errorf("%s, %s: %d requests, want %d", c.Name, s.Name, got, want)
			}
		}
	}
}

// TestAFailureIsReported, from whichever goroutine.
func TestAFailureIsReported(t *testing.T) {
	nethttp, err := subject.Named("nethttp")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range All() {
		c.answer = func(s subject.Subject) http.RoundTripper { return s.Format.CannedOne(http.StatusNotFound) }
		if _, err := c.Prepare(nethttp); (err == nil) != (c.run == nil) {
			t.Errorf("%s: a 404 is %v", c.Name, err)
		}
	}
}
