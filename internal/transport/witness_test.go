package transport

import (
	"net/http/httptrace"
	"net/textproto"
	"testing"
)

// Over HTTP/2, net/http may report the beginning of a response before it reports that the
// headers of the request were written. A request is in flight until its final response.
func TestARequestIsInFlightUntilItsResponse(t *testing.T) {
	type trace = *httptrace.ClientTrace
	wrote := func(t trace) { t.WroteHeaders() }
	response := func(t trace) { t.GotFirstResponseByte() }
	interim := func(t trace) {
		t.GotFirstResponseByte()
		_ = t.Got1xxResponse(103, nil)
		_ = t.Got1xxResponse(103, textproto.MIMEHeader{})
	}
	for name, tt := range map[string]struct {
		events []func(trace)
		want   bool
	}{
		"nothing":                           {nil, false},
		"sent":                              {[]func(trace){wrote}, true},
		"a response":                        {[]func(trace){wrote, response}, false},
		"a response that is reported first": {[]func(trace){response, wrote}, false},
		"interim responses":                 {[]func(trace){wrote, interim}, true},
		"another request":                   {[]func(trace){response, wrote, wrote}, true},
		"both have a response":              {[]func(trace){response, wrote, wrote, response}, false},
	} {
		w := new(witness)
		ctx := w.watch(t.Context(), func() {})
		w.http2.Store(true)
		for _, event := range tt.events {
			event(httptrace.ContextClientTrace(ctx))
		}
		if got := w.inFlight(); got != tt.want {
			t.Errorf("%s: in flight %v, want %v", name, got, tt.want)
		}
	}
}
