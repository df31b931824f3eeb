package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// fill adds the same records to every fake.
func fill(fake *leedotest.Server) {
	for i := range 130 {
		fake.AddLead(leedo.Lead{Name: "Lead", CreatedAt: time.Date(2025, time.March, 1, i, 0, 0, 0, time.UTC)})
	}
}

// everything is a probe with all flags.
func everything(t *testing.T, fake *leedotest.Server, opts Options) *Report {
	t.Helper()
	opts.Client = fake.Client(leedo.WithoutRateLimiter())
	report, err := Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// short is the findings without the evidence.
func short(r *Report) []string {
	var texts []string
	for _, f := range r.Findings {
		texts = append(texts, f.Question+": "+f.Result)
	}
	return texts
}

// variants are fakes that differ in every option that a probe can find out.
func variants() []*leedotest.Server {
	var fakes []*leedotest.Server
	for i := range 8 {
		opts := []leedotest.ServerOption{
			leedotest.WithPlan([]leedotest.Plan{leedotest.Free, 77, 123}[i%3]),
			leedotest.WithResetFormat(leedotest.ResetFormat(i % 5)),
			leedotest.WithAlgorithm(leedotest.Algorithm(i % 4)),
			leedotest.WithRetryAfter(leedotest.RetryAfterFormat(i % 3)),
			leedotest.WithClockSkew(time.Duration(i%3-1) * 90 * time.Second),
		}
		if i&1 > 0 {
			opts = append(opts, leedotest.WithCountedRefusals())
		}
		if i&2 > 0 {
			opts = append(opts, leedotest.WithIdempotencyKeys())
		}
		fakes = append(fakes, leedotest.NewServer(opts...))
	}
	return fakes
}

// The fake that a report names has the same findings.
func TestFakeBehavesTheSame(t *testing.T) {
	for i := range variants() {
		// Each in a bubble, so that both begin at the same time.
		probed := func(newFake func() *leedotest.Server) (report *Report) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(17*time.Minute + 3*time.Second)
				fake := newFake()
				fill(fake)
				report = everything(t, fake, Options{Write: true, Exhaust: true, Wait: true})
			})
			return report
		}
		first := probed(func() *leedotest.Server { return variants()[i] })
		second := probed(first.Fake)
		if !slices.Equal(short(first), short(second)) || first.Server != second.Server {
			t.Errorf("%s:\n%q\n%q", first.Server, short(first), short(second))
		}
		for _, f := range first.Findings {
			if f.Result == Open && !strings.HasPrefix(f.Question, askFields) {
				t.Errorf("variant %d: %+v", i, f)
			}
		}
	}
}

// The expressions of the server compile, and make fakes that behave the same.
func TestExpressionCompiles(t *testing.T) {
	var source bytes.Buffer
	source.WriteString(`package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/probe"
	"github.com/leedoapp/leedo-go/leedotest"
)

func main() {
	var reports []*probe.Report
	for _, fake := range []*leedotest.Server{
`)
	var want [][]string
	plans := []*leedotest.Server{leedotest.NewServer(), leedotest.NewServer(leedotest.WithPlan(leedotest.Duo)), leedotest.NewServer(leedotest.WithPlan(leedotest.Pro))}
	for _, fake := range append(plans, variants()...) {
		fill(fake)
		report := everything(t, fake, Options{Write: true})
		want = append(want, short(report))
		fmt.Fprintf(&source, "\t\t%s,\n", report.Server)
	}
	source.WriteString(`	} {
		for i := range 130 {
			fake.AddLead(leedo.Lead{Name: "Lead", CreatedAt: time.Date(2025, time.March, 1, i, 0, 0, 0, time.UTC)})
		}
		report, err := probe.Run(context.Background(), probe.Options{Client: fake.Client(leedo.WithoutRateLimiter()), Write: true})
		if err != nil {
			panic(err)
		}
		reports = append(reports, report)
	}
	json.NewEncoder(os.Stdout).Encode(reports)
	_ = time.Second // used only by a skew
}
`)
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, source.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "run", file).Output()
	if err != nil {
		t.Fatalf("%v in\n%s", err, &source)
	}
	var reports []*Report
	if err := json.Unmarshal(out, &reports); err != nil {
		t.Fatal(err)
	}
	for i, r := range reports {
		if !slices.Equal(short(r), want[i]) {
			t.Errorf("%s:\n%q\n%q", r.Server, short(r), want[i])
		}
	}
}
