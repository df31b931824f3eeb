package main

import (
	"cmp"
	"fmt"
	"io"
	"math"

	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

const ratio = "%.3f"

// target is a figure that the project wants to reach and the one that it did.
type target struct {
	what    string
	atLeast bool // else at most
	bound   float64
	reached float64 // NaN if it was not measured
	verb    string  // how to print what was reached; empty: as a whole number
	unit    string
	note    string
}

func (t target) met() bool {
	if t.atLeast {
		return t.reached >= t.bound
	}
	return t.reached <= t.bound
}

// targets prints target and reached side by side.
func (r *report) targets(w io.Writer) {
	fmt.Fprintln(w, "\n### Targets")
	fmt.Fprintln(w, "\n| | target | reached | |\n|---|--:|--:|---|")
	for _, t := range r.all() {
		most, verdict := "at most", "**missed**"
		if t.atLeast {
			most = "at least"
		}
		if t.met() {
			verdict = "met"
		}
		reached := fmt.Sprintf(cmp.Or(t.verb, "%.0f"), t.reached) + t.unit + t.note
		if math.IsNaN(t.reached) {
			reached, verdict = "not measured", ""
		}
		fmt.Fprintf(w, "| %s | %s %v%s | %s | %s |\n", t.what, most, t.bound, t.unit, reached, verdict)
	}
}

func (r *report) all() []target {
	get, list, create := r.own("get"), r.own("list"), r.own("create")
	growth, grown := r.growth("leedo")
	growth8, grown8 := r.growth("leedo-8")
	return []target{
		r.cpu("Get: CPU, over nethttp", "get", "nethttp", 1.10),
		r.cpu("Get: CPU, over the cheapest SDK", "get", r.cheapest("get"), 0.85),
		{what: "Get: allocations", bound: 32, reached: get.Allocs},
		{what: "Get: bytes", bound: 3000, reached: get.Bytes},
		{what: "Create: allocations", bound: 38, reached: create.Allocs},
		r.cpu("List of 100: CPU, over roundtripper", "list", "roundtripper", 1.05),
		{what: "List of 100: allocations", bound: 655, reached: list.Allocs},
		{what: "List of 100: bytes", bound: 46_000, reached: list.Bytes},
		{what: "A client: allocations", bound: 25, reached: r.own("new").Allocs},
		{what: "Walk, 8 in flight: time, over nethttp-8", bound: 1.15, reached: r.took("leedo-8") / r.took("nethttp-8"), verb: ratio},
		{what: "Walk, 8 in flight: time of the fastest SDK, over ours", atLeast: true, bound: 5,
			reached: r.took(r.fastestPager()) / r.took("leedo-8"), verb: ratio, note: " (" + r.fastestPager() + ")"},
		{what: "Walk of 100,000: RSS growth", bound: 8, verb: "%.1f", unit: " MiB", reached: growth},
		{what: "the same, less that of 10,000", bound: 2, verb: "%.1f", unit: " MiB", reached: grown},
		{what: "Walk of 100,000, 8 in flight: RSS growth", bound: 8, verb: "%.1f", unit: " MiB", reached: growth8},
		{what: "the same, less that of 10,000", bound: 2, verb: "%.1f", unit: " MiB", reached: grown8},
		{what: "Program: size over nethttp", bound: 600, unit: " KiB", reached: r.added("leedo")},
		{what: "Program: modules linked, ours included", bound: 5, reached: r.linked("leedo")},
	}
}

// own is what was measured of the SDK.
func (r *report) own(part string) measure.Result {
	if result, ok := r.call[part]["leedo"]; ok {
		return result
	}
	return measure.Result{Allocs: math.NaN(), Bytes: math.NaN()}
}

// cpu compares cycle by cycle, and notes the ratio of the fastest cycles.
func (r *report) cpu(what, part, base string, bound float64) target {
	t := target{what: what, bound: bound, reached: r.ratio(part, base), verb: ratio}
	if !math.IsNaN(t.reached) {
		t.note = fmt.Sprintf(" (%s; fastest cycles %.2f)", base, r.own(part).Fastest()/r.call[part][base].Fastest())
	}
	return t
}

// ratio is our CPU time over that of another, the median of all cycles.
func (r *report) ratio(part, base string) float64 {
	own, ok := r.call[part]["leedo"]
	other, known := r.call[part][base]
	if !ok || !known {
		return math.NaN()
	}
	return measure.Quantile(measure.Ratios(own.CPU, other.CPU), 0.5)
}

// cheapest is the SDK that needs the least CPU time, after ours.
func (r *report) cheapest(part string) string {
	return r.least(func(name string) float64 { return 1 / r.ratio(part, name) })
}

// fastestPager is the SDK that walks the fastest, after ours.
func (r *report) fastestPager() string { return r.least(r.took) }

// least is the SDK, ours left out, for which a figure is the least.
func (r *report) least(figure func(name string) float64) string {
	best := ""
	for _, s := range subject.All() {
		if v := figure(s.Name); s.SDK && !math.IsNaN(v) && (best == "" || v < figure(best)) {
			best = s.Name
		}
	}
	return best
}

// took is how long a walk takes in milliseconds.
func (r *report) took(name string) float64 {
	if all, ok := r.walked[name]; ok {
		return all.took()
	}
	return math.NaN()
}

// growth is the growth of memory in a walk of 100,000 objects; grown is what
// it is more than in one of 10,000.
func (r *report) growth(name string) (growth, grown float64) {
	all, ok := r.walked[name]
	if !ok {
		return math.NaN(), math.NaN()
	}
	long := mib(all.memory[longWalk].Growth)
	return long, long - mib(all.memory[shortWalk].Growth)
}

func (r *report) added(name string) float64 {
	if b, ok := r.built[name]; ok {
		return float64(b.bytes-r.built["nethttp"].bytes) / 1024
	}
	return math.NaN()
}

func (r *report) linked(name string) float64 {
	if b, ok := r.built[name]; ok {
		return float64(len(b.modules))
	}
	return math.NaN()
}
