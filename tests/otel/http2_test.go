package otel_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

// TestAWriteThatHTTP2DidNotProcess checks that a write whose stream an HTTP/2 server
// refuses was not done, as without leedootel, where docs/retries.md describes it. The
// transport does what net/http does then: it repeats the request, or reports that it
// cannot.
func TestAWriteThatHTTP2DidNotProcess(t *testing.T) {
	const refused = "http2: Transport: cannot retry err [stream error: stream ID 3; REFUSED_STREAM; received from peer] " +
		"after Request.Body was written; define Request.GetBody to avoid this error"
	requests, repeatable := 0, []bool{}
	transport := &http.Transport{}
	transport.RegisterProtocol("http", roundTripper(func(req *http.Request) (*http.Response, error) {
		requests++
		repeatable = append(repeatable, req.GetBody != nil)
		httptrace.ContextClientTrace(req.Context()).WroteHeaders()
		io.Copy(io.Discard, req.Body)
		if requests == 2 {
			if req.GetBody != nil {
				_, err := req.GetBody()
				return nil, err
			}
			return nil, errors.New(refused)
		}
		major := 2
		if requests > 2 {
			major = 1
		}
		return &http.Response{StatusCode: 201, ProtoMajor: major, Body: io.NopCloser(strings.NewReader(`{"id":"1"}`))}, nil
	}))
	r := newRecorder(t)
	options := append(r.instrument(leedootel.WithHTTPClient(&http.Client{Transport: transport})), leedo.WithInsecureHTTP(), leedo.WithBaseURL("http://"+host+"/v1"))
	c := client(t, leedotest.NewServer(), options...)
	create := func() error {
		_, err := c.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "Ada"}, leedo.WithRetries(0))
		return err
	}
	if err := create(); err != nil { // from now on it is known that this is HTTP/2
		t.Fatal(err)
	}
	if err := create(); err == nil || leedo.OutcomeOf(err) != leedo.OutcomeNotDone {
		t.Errorf("%v: %v", leedo.OutcomeOf(err), err)
	}
	for range 2 { // the first of them says that this is HTTP/1 now
		if err := create(); err != nil {
			t.Error(err)
		}
	}
	if len(repeatable) != 4 || !repeatable[0] || repeatable[1] || repeatable[2] || !repeatable[3] {
		t.Errorf("the requests have a GetBody: %v", repeatable)
	}
	compare(t, "outcomes", r.metrics("leedo.outcomes"), "leedo.outcomes.unknown: 0\n")
}
