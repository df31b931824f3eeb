package probe

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// result probes a fake through a transport, and returns the result for a question.
func result(t *testing.T, fake *leedotest.Server, transport http.RoundTripper, question string) string {
	t.Helper()
	report, err := Run(t.Context(), Options{Client: fake.Client(leedo.WithHTTPClient(&http.Client{Transport: transport}), leedo.WithoutRateLimiter())})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Question == question {
			return f.Result
		}
	}
	return ""
}

// A server that repeats its last page, and counts too many, looks right where the
// repeated page happens to have as many items as it should.
func TestRepeatedLastPage(t *testing.T) {
	fake := leedotest.NewServer()
	// Pages of 5: the last ones of 118 leads, and of 148, have 3 each.
	w := &world{fake: fake, records: map[string]int{"leads": 118}, largest: 100, usual: 10, total: "more", beyond: "last"}
	for range w.records["leads"] {
		fake.AddLead(leedo.Lead{Name: "Lead"})
	}
	if got := result(t, fake, w, askTotal); got != totalMore {
		t.Errorf("%q", got)
	}
}

// Ids that do not fit in a path, or in a terminal, end no probe that has created leads.
func TestOddIDs(t *testing.T) {
	for _, odd := range []string{"\x1b[2J", "a/../b", "..", "ü b?#%"} {
		n := 0
		fake := leedotest.NewServer(leedotest.WithIDs(func() string { n++; return odd + strings.Repeat(" ", n-1) }))
		fake.AddLead(leedo.Lead{Name: "Lead"})
		var log strings.Builder
		report, err := Run(t.Context(), Options{Client: fake.Client(leedo.WithoutRateLimiter()), Write: true, Note: func(line string) { log.WriteString(line) }})
		if err != nil {
			t.Errorf("%q: %v", odd, err)
			continue
		}
		leads := fake.Leads()
		if want := []string{leads[1].ID, leads[0].ID}; !slices.Equal(report.Created, want) || strings.Count(log.String(), "created the lead ") != 2 {
			t.Errorf("%q: created %q, log %q", odd, report.Created, &log)
		}
	}
}

// The body of an error that was cut is not its shape, and a status that comes once is
// not the rule.
func TestOneOddResponse(t *testing.T) {
	badPage := func(r leedotest.Request) bool { return r.Query.Get("page") == "0" }
	for _, tt := range []struct {
		fault          leedotest.Fault
		question, want string
	}{
		{leedotest.Fault{When: badPage, Truncate: 20, Times: 2}, askErrors, `{"error":{"code":text,"message":text}}`},
		{leedotest.Fault{When: badPage, Status: 404}, askBadPage, Open},
		{leedotest.Fault{When: badPage, Status: 400, Body: "odd"}, askErrors, `{"error":{"code":text,"message":text}}`},
		{leedotest.Fault{Path: "/leads/{id}", Status: 404, Body: "odd", After: 3}, askErrors, Open},
	} {
		fake := leedotest.NewServer()
		fake.Inject(tt.fault)
		if got := result(t, fake, fake.HTTPClient().Transport, tt.question); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.fault, got, tt.want)
		}
		if len(fake.Pending()) > 0 {
			t.Error("the fault did not apply")
		}
	}
}
