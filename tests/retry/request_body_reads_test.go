package retry_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Transports that sign or cache look for more methods of a body than Read. What
// they read counts, too.
func TestNeverTwiceHoweverTheBodyIsRead(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(io.Reader) int{
		"ReadAt": func(body io.Reader) (n int) {
			if r, ok := body.(io.ReaderAt); ok {
				n, _ = r.ReadAt(make([]byte, 8), 0)
			}
			return n
		},
		"ReadByte": func(body io.Reader) int {
			if r, ok := body.(io.ByteReader); ok {
				if _, err := r.ReadByte(); err == nil {
					return 1
				}
			}
			return 0
		},
		"ReadRune": func(body io.Reader) (n int) {
			if r, ok := body.(io.RuneReader); ok {
				_, n, _ = r.ReadRune()
			}
			return n
		},
		"WriteTo": func(body io.Reader) int {
			if r, ok := body.(io.WriterTo); ok {
				n, _ := r.WriteTo(io.Discard)
				return int(n)
			}
			return 0
		},
	} {
		sent := 0
		transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if read(req.Body) > 0 {
				sent++
			}
			return nil, errors.New("broken")
		})
		err := support.Create(t.Context(), support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: transport})))
		if sent > 1 || (sent == 1) != support.Is[*leedo.UnknownOutcomeError](err) {
			t.Errorf("%s: sent %d times, %v", name, sent, err)
		}
	}
}

// A transport that returns a response and an error has sent the request,
// although it read no body.
func TestNeverTwiceAfterAnAnswerWithAnError(t *testing.T) {
	t.Parallel()
	for _, write := range support.Writes {
		calls := 0
		transport := support.RoundTripper(func(*http.Request) (*http.Response, error) {
			calls++
			return &http.Response{StatusCode: 201, Body: http.NoBody}, errors.New("cannot store the answer")
		})
		err := write.Call(t.Context(), support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: transport})))
		if calls != 1 || !support.Is[*leedo.UnknownOutcomeError](err) || !support.Is[*leedo.TransportError](err) {
			t.Errorf("%s: %d calls, %v", write.Name, calls, err)
		}
	}
}
