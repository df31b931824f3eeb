package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

// TestMain runs a client process if the test binary is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == callsCommand || os.Args[1] == iterateCommand) {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"-cycles", "1", "-parts", "get,new", "-subjects", "leedo,nethttp,godo"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, want := range []string{"Measured on ", "godo v1.", "### Get one object", "\n| godo | ", "\n| Get: CPU, over nethttp | at most 1.2 |", "### Make a client"} {
		next := strings.Index(out.String()[at:], want)
		if next < 0 {
			t.Fatalf("%q is missing, or at the wrong place, in:\n%s", want, &out)
		}
		at += next
	}
	for _, args := range []string{
		"-parts=nothing", "-subjects=nobody", "-cycles=0", "-releases=nonsense", "get", callsCommand, iterateCommand,
	} {
		if err := run([]string{args}, io.Discard, io.Discard); err == nil {
			t.Errorf("%s is accepted", args)
		}
	}
}

// TestIterateHere checks that an iteration that misses objects is an error.
func TestIterateHere(t *testing.T) {
	nethttp, err := subject.Named("nethttp")
	if err != nil {
		t.Fatal(err)
	}
	server, err := serve(nethttp, 1500, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	var out bytes.Buffer
	if err := iterateHere([]string{"nethttp", server.url, "1500"}, &out); err != nil {
		t.Fatal(err)
	}
	var one iteration
	if err := json.Unmarshal(out.Bytes(), &one); err != nil || one.Took <= 0 || one.CPU <= 0 || one.Heap <= 0 || one.Growth <= 0 {
		t.Errorf("%+v, %v", one, err)
	}
	if err := iterateHere([]string{"nethttp", server.url, "1501"}, io.Discard); err == nil || !strings.Contains(err.Error(), "1500 of 1501") {
		t.Errorf("an object that is missing: %v", err)
	}
}

// TestTables checks that a report has figures for every part, that two reports are
// printed side by side, and that every target can be met and missed.
func TestTables(t *testing.T) {
	write := func(ours float64) string {
		var out bytes.Buffer
		reports := []*report{invented("go1.2.3", ours), invented("go1.4.5", ours)}
		if err := write(&out, reports, partNames(), subject.All()); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "not measured") || strings.Contains(out.String(), "NaN") {
			t.Error("figures are missing:", out.String())
		}
		return out.String()
	}
	// Less than a third of everything meets all targets, and thirty times
	// everything misses all of them.
	met, missed := write(0.25), write(30)
	if strings.Contains(met, "missed") {
		t.Error("a target is missed:", met)
	}
	if strings.Contains(missed, "met |") {
		t.Error("a target is met:", missed)
	}
	for _, want := range []string{
		"| | go1.2.3: allocs | bytes | CPU ns | x nethttp (quartiles) | go1.4.5: allocs | bytes | CPU ns | x nethttp (quartiles) |\n" +
			"|---|--:|--:|--:|--:|--:|--:|--:|--:|\n" +
			"| leedo | 10 | 1000 | 25 | 0.25 (0.25-0.25) | 10 | 1000 | 25 | 0.25 (0.25-0.25) |\n",
		"| Get: CPU, over nethttp | at most 1.2 | 0.250, met | 0.250, met |\n",
		"| leedo-8 | own (All), 8 in flight | 0 | 250 (250-250) | 0.25 | 250 (250-250) | 0.25 |\n",
	} {
		if !strings.Contains(met, want) {
			t.Errorf("%q is missing in:\n%s", want, met)
		}
	}
}

// TestTargetsWithoutFigures checks that targets without figures are neither met nor
// missed.
func TestTargetsWithoutFigures(t *testing.T) {
	for _, target := range new(report).targets() {
		if !math.IsNaN(target.reached) || target.verdict() != "not measured" {
			t.Errorf("%s is %v, %s", target.what, target.reached, target.verdict())
		}
	}
}

// invented returns a report in which leedo-go's figures differ from all others by a
// factor.
func invented(version string, ours float64) *report {
	r := &report{
		release: release{version: version}, call: map[string]map[string]measure.Result{},
		iterated: map[string]iterations{}, built: map[string]built{},
	}
	for _, part := range partNames() {
		r.call[part] = map[string]measure.Result{}
	}
	for _, s := range subject.All() {
		factor, ms := 1.0, 2000.0
		if strings.HasPrefix(s.Name, "leedo") {
			factor = ours
		}
		if s.WalkOnly {
			ms = 1000 * factor
		}
		for _, part := range partNames() {
			r.call[part][s.Name] = measure.Result{Allocs: 40 * factor, Bytes: 4000 * factor, CPU: []float64{100 * factor}}
		}
		r.iterated[s.Name] = iterations{ms: []float64{ms}, memory: map[int]iteration{
			short: {Growth: 4 << 20}, long: {Growth: int64(9 * factor * (1 << 20))},
		}}
		r.built[s.Name] = built{bytes: int64(factor * (2 << 20)), modules: make([]string, int(4*factor))}
	}
	return r
}
