package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// The text for a status that net/http has no name for reads well.
func TestAStatusWithoutAWordReadsWell(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{306: "306", 499: "499", 418: "418 I'm a teapot"} {
		c, _ := support.InMemory(t, nil, support.Respond(status, ""))
		if err := support.Reads[0].Call(t.Context(), c); err == nil || err.Error() != "leedo: GET /leads/{id}: "+want+" (1 attempt)" {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// Data after the JSON value is not reported as an unexpected end, which would
// suggest that the response was cut.
func TestWhatComesAfterTheJSONIsNotAnEarlyEnd(t *testing.T) {
	t.Parallel()
	for body, early := range map[string]bool{`{"id":"1"}}`: false, `{"id":"1"} x`: false, `{"id":"1"`: true, `{"id":"1`: true, `{"id":"1",]`: false} {
		c, _ := support.InMemory(t, nil, support.Respond(200, body))
		err := support.Reads[0].Call(t.Context(), c)
		if !support.Is[*leedo.DecodeError](err) || errors.Is(err, io.ErrUnexpectedEOF) != early || strings.Contains(err.Error(), "is truncated") != early {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// Quotes in the error texts of transports are kept.
func TestTextsOfTransportsKeepTheirQuotes(t *testing.T) {
	t.Parallel()
	const text = `open "/etc/ssl/ca.pem": no such file`
	transport := support.RoundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New(text) })
	err := support.Reads[0].Call(t.Context(), support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: transport})))
	if !support.Is[*leedo.TransportError](err) || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v", err)
	}
}

// Errors of the caller's functions are printed on one line, without the URL
// that errors of net/http have.
func TestErrorsOfTheCallersFunctionsReadAsOneLine(t *testing.T) {
	t.Parallel()
	hushed := &url.Error{Op: "Post", URL: "https://auth.example/token?client_secret=HUSH", Err: io.ErrUnexpectedEOF}
	for _, cause := range []error{hushed, fmt.Errorf("refresh:\n%w", hushed), errors.New("no\nway")} {
		source := support.NewTokenClient(t, func(context.Context) (string, error) { return "", cause })
		_, err := source.Leads.Get(t.Context(), "x")
		checkLine(t, "token source", err, cause)

		s := support.Serve(t, support.Respond(302, "", "Location", "/v1/elsewhere?signature=HUSH"))
		checkRedirect := func(*http.Request, []*http.Request) error { return cause }
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		err = support.Reads[0].Call(t.Context(), s.Client(t, leedo.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: checkRedirect})))
		checkLine(t, "CheckRedirect", err, cause)
		if !support.Is[*leedo.APIError](err) {
			t.Errorf("%v does not hold the redirect", err)
		}
	}
}

func checkLine(t *testing.T, name string, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) {
		t.Errorf("%s: %v does not match its cause", name, err)
	}
	if text := err.Error(); strings.Contains(text, "HUSH") || strings.ContainsAny(text, "\r\n") {
		t.Errorf("%s: text %q", name, text)
	}
}
