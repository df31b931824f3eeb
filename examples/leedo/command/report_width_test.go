package command

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/examples/leedo/report"
	"github.com/rivo/uniseg"
)

// No line of a report is wider than the terminal, and the longest bar reaches its edge.
func TestReportWidth(t *testing.T) {
	t.Parallel()
	figures := []report.Figure{{Label: "日本語日本語日本語日本語日本語日本語日本語日本語", Count: 1 << 62}, {Label: "e\u0301\x1b👩‍👩‍👧‍👦", Count: 1}, {Label: "zero"}}
	r := &report.Report{
		MirroredAt: time.Date(2026, time.March, 20, 10, 0, 1, 0, time.UTC),
		Records:    []report.Figure{{Label: "leads", Count: 123456}, {Label: "accounts", Count: 123456}, {Label: "contacts", Count: 123456}},
		Charts:     []report.Chart{{Title: "Large", Bars: figures, Rest: figures[:2]}, {Title: "Small", Bars: figures[1:]}, {Title: "Empty"}},
	}
	for width := 46; width < 200; width++ {
		var out bytes.Buffer
		if err := printReport(&out, r, width); err != nil {
			t.Fatal(err)
		}
		widest := 0
		for line := range strings.Lines(out.String()) {
			widest = max(widest, uniseg.StringWidth(strings.TrimSuffix(line, "\n")))
		}
		if widest != width || !strings.Contains(out.String(), "\n  nothing to count\n") {
			t.Errorf("at %d columns the widest line has %d:\n%s", width, widest, &out)
		}
	}
}

// The bars of a narrow terminal still have dates.
func TestReportNarrow(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := &report.Report{Records: []report.Figure{{Label: "leads", Count: 24}}, Charts: []report.Chart{{Bars: []report.Figure{{Label: "2026-09-07", Count: 24}}}}}
	if err := printReport(&out, r, 20); err != nil || !strings.HasSuffix(out.String(), "\n  2026-09-07  24  ██\n") {
		t.Errorf("%v: %s", err, &out)
	}
}
