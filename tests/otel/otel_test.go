package otel_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// scene is a fake with a traced client, and a context with a span of the caller.
type scene struct {
	server *leedotest.Server
	client *leedo.Client
	ctx    context.Context
	caller trace.Span
	spans  *tracetest.SpanRecorder
}

func newScene(t *testing.T) *scene {
	s := &scene{server: leedotest.NewServer(), spans: tracetest.NewSpanRecorder()}
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(s.spans))
	client, err := traced(s.server.Token(), provider.Tracer("leedo-go"), s.server.HTTPClient().Transport, leedo.WithBackoff(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	s.ctx, s.caller = provider.Tracer("test").Start(t.Context(), "caller")
	return s
}

// tree returns the ended spans, each below its parent, with the attributes that differ
// between them.
func (s *scene) tree() string {
	var out strings.Builder
	var below func(parent trace.SpanID, indent string)
	below = func(parent trace.SpanID, indent string) {
		for _, span := range s.spans.Ended() {
			if span.Parent().SpanID() != parent {
				continue
			}
			fmt.Fprintf(&out, "%s%s", indent, span.Name())
			for _, a := range span.Attributes() {
				if slices.Contains([]string{"leedo.attempts", "http.request.resend_count", "http.response.status_code"}, string(a.Key)) {
					fmt.Fprintf(&out, " %s=%s", a.Key, a.Value.String())
				}
			}
			if text := span.Status().Description; text != "" {
				fmt.Fprintf(&out, " (%s)", text)
			}
			out.WriteString("\n")
			below(span.SpanContext().SpanID(), indent+"  ")
		}
	}
	below(s.caller.SpanContext().SpanID(), "")
	return out.String()
}

func TestASpanForEachCallAndAttempt(t *testing.T) {
	s := newScene(t)
	lead := s.server.AddLead(leedo.Lead{Name: "John Doe"})
	s.server.Inject(leedotest.Fault{Status: 503})
	if _, err := s.client.Leads.Get(s.ctx, lead.ID); err != nil {
		t.Fatal(err)
	}
	s.server.Inject(leedotest.Fault{Drop: true})
	if _, err := s.client.Leads.Create(s.ctx, &leedo.LeadCreateParams{Name: "Ada"}); err == nil {
		t.Fatal("no error")
	}
	if _, err := s.client.Accounts.Get(s.ctx, ".."); err == nil { // not sent
		t.Fatal("no error")
	}
	want := `GET /leads/{id} leedo.attempts=2
  GET /leads/{id} http.request.resend_count=0 http.response.status_code=503 (503 Service Unavailable)
  GET /leads/{id} http.request.resend_count=1 http.response.status_code=200
POST /leads leedo.attempts=1 (unknown)
  POST /leads http.request.resend_count=0 (no response)
GET /accounts/{id} leedo.attempts=0 (not done)
`
	if got := s.tree(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// The server can continue the trace of each attempt.
	attempts := slices.DeleteFunc(s.spans.Ended(), func(span sdk.ReadOnlySpan) bool { return span.SpanKind() != trace.SpanKindClient })
	for i, r := range s.server.Requests() {
		id := attempts[i].SpanContext()
		if want := fmt.Sprintf("00-%s-%s-01", id.TraceID(), id.SpanID()); r.Header.Get("Traceparent") != want || id.TraceID() != s.caller.SpanContext().TraceID() {
			t.Errorf("request %d has %q, want %q", i, r.Header.Get("Traceparent"), want)
		}
	}
}

func TestEachPageIsACall(t *testing.T) {
	for _, n := range []int{0, 3} {
		s := newScene(t)
		for i := range 45 {
			s.server.AddLead(leedo.Lead{Name: fmt.Sprint(i)})
		}
		for _, err := range s.client.Leads.All(s.ctx, &leedo.LeadListParams{PerPage: 10}, leedo.WithPrefetch(n)) {
			if err != nil {
				t.Fatal(err)
			}
		}
		want := strings.Repeat("GET /leads leedo.attempts=1\n  GET /leads http.request.resend_count=0 http.response.status_code=200\n", 5)
		if got := s.tree(); got != want {
			t.Errorf("%d ahead: got\n%s\nwant\n%s", n, got, want)
		}
	}
}
