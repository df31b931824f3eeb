package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
	"github.com/leedoapp/leedo-go/bench/internal/wire"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"-cycles", "1", "-parts", "get", "-subjects", "leedo,nethttp,godo"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Measured on ", "godo v1.", "\n| Get: CPU, over nethttp | at most 1.1 |", "### Get one object", "\n| godo | "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, &out)
		}
	}
	for _, args := range []string{"-parts=nothing", "-subjects=nobody", "-cycles=0", "get", walkCommand} {
		if err := run([]string{args}, io.Discard, io.Discard); err == nil {
			t.Errorf("%s is accepted", args)
		}
	}
}

// TestWalkHere: a walk that misses objects is an error and no figure.
func TestWalkHere(t *testing.T) {
	server := httptest.NewServer(&wire.Server{Format: wire.Leedo, Total: 1500})
	defer server.Close()
	var out bytes.Buffer
	if err := walkHere([]string{"nethttp", server.URL, "1500"}, &out); err != nil {
		t.Fatal(err)
	}
	var one walk
	if err := json.Unmarshal(out.Bytes(), &one); err != nil || one.Took <= 0 || one.CPU <= 0 || one.Heap <= 0 || one.Growth <= 0 {
		t.Errorf("%+v, %v", one, err)
	}
	if err := walkHere([]string{"nethttp", server.URL, "1501"}, io.Discard); err == nil || !strings.Contains(err.Error(), "1500 of 1501") {
		t.Errorf("an object that is missing: %v", err)
	}
}

// TestTargets: every target can be met and missed, and is neither while there
// is no figure.
func TestTargets(t *testing.T) {
	var none report
	for _, target := range none.all() {
		if !math.IsNaN(target.reached) {
			t.Errorf("%s is %v without a figure", target.what, target.reached)
		}
	}
	full := func(ours float64) string {
		r := report{call: map[string]map[string]measure.Result{}, walked: map[string]walked{}, built: map[string]built{}}
		for _, part := range partNames() {
			r.call[part] = map[string]measure.Result{}
		}
		for _, name := range append(subjectNames(), "leedo-8") {
			factor := 1.0
			if strings.HasPrefix(name, "leedo") {
				factor = ours
			}
			for _, part := range partNames() {
				r.call[part][name] = measure.Result{Allocs: 30 * factor, Bytes: 4000 * factor, CPU: []float64{100 * factor}}
			}
			ms := 2000.0
			if strings.HasSuffix(name, "-8") {
				ms = 700 * factor
			}
			r.walked[name] = walked{ms: []float64{ms}, memory: map[int]walk{
				shortWalk: {Growth: 4 << 20}, longWalk: {Growth: int64(9 * factor * (1 << 20))},
			}}
			r.built[name] = built{bytes: int64(factor * (2 << 20)), modules: make([]string, int(4*factor))}
		}
		var out bytes.Buffer
		r.targets(&out)
		return out.String()
	}
	if table := full(0.5); strings.Contains(table, "missed") || strings.Contains(table, "not measured") {
		t.Error("half of everything misses:", table)
	}
	// More than ten times a List's allocations and memory are needed to miss those.
	if table := full(30); strings.Contains(table, " met ") || strings.Contains(table, "not measured") {
		t.Error("thirty times everything meets:", table)
	}
	if named, err := subject.Named("leedo"); err != nil || named.SDK {
		t.Error("ours is compared with itself:", named, err)
	}
}
