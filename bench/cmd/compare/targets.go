package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
)

const ratio = "%.3f"

// target is a target of the project, and the measured value.
type target struct {
	what    string
	atLeast bool // whether bound is a minimum; otherwise it is a maximum
	bound   float64
	reached float64 // NaN means not measured
	verb    string  // the format of reached; empty means a whole number
	unit    string
	note    string
}

func (t target) met() bool {
	if t.atLeast {
		return t.reached >= t.bound
	}
	return t.reached <= t.bound
}

func (t target) aim() string {
	most := "at most"
	if t.atLeast {
		most = "at least"
	}
	return fmt.Sprintf("%s %v%s", most, t.bound, t.unit)
}

func (t target) verdict() string {
	if math.IsNaN(t.reached) {
		return "not measured"
	}
	verdict := "**missed**"
	if t.met() {
		verdict = "met"
	}
	return fmt.Sprintf(cmp.Or(t.verb, "%.0f"), t.reached) + t.unit + t.note + ", " + verdict
}

// targetTable prints the targets and the values of each report.
func targetTable(w io.Writer, reports []*report) {
	fmt.Fprint(w, "\n### Targets\n\n| | target")
	for _, r := range reports {
		fmt.Fprintf(w, " | %s", r.release.version)
	}
	fmt.Fprint(w, " |\n|---|--:", strings.Repeat("|--:", len(reports)), "|\n")
	for i, t := range reports[0].targets() {
		fmt.Fprintf(w, "| %s | %s", t.what, t.aim())
		for _, r := range reports {
			fmt.Fprintf(w, " | %s", r.targets()[i].verdict())
		}
		fmt.Fprintln(w, " |")
	}
}

func (r *report) targets() []target {
	list := r.own("list")
	nethttp := r.call["list"]["nethttp"]
	growth, excess := r.growth("leedo")
	growth8, excess8 := r.growth("leedo-8")
	return []target{
		r.cpu("Get: CPU, over nethttp", "get", "nethttp", 1.2),
		r.noise("Get: CPU, over the cheapest SDK, lower quartile", "get", r.cheapest("get")),
		{what: "Get: SDKs that allocate no more", bound: 1, reached: r.leaner("get")},
		r.cpu("List of 100: CPU, over nethttp", "list", "nethttp", 1.05),
		{what: "List of 100: allocations, over nethttp", bound: 1.05, reached: list.Allocs / nethttp.Allocs, verb: ratio},
		{what: "List of 100: bytes, over nethttp", bound: 1, reached: list.Bytes / nethttp.Bytes, verb: ratio},
		{what: "A client: allocations", bound: 25, reached: r.own("new").Allocs},
		{what: "Iteration, 8 in flight: time, over nethttp-8", bound: 1.15, reached: r.took("leedo-8") / r.took("nethttp-8"), verb: ratio},
		{what: "Iteration, 8 in flight: time of the fastest SDK, over leedo's", atLeast: true, bound: 5,
			reached: r.took(r.fastestPager()) / r.took("leedo-8"), verb: ratio, note: " (" + r.fastestPager() + ")"},
		{what: "Iteration over 100,000: RSS growth", bound: 8, verb: "%.1f", unit: " MiB", reached: growth},
		{what: "the same, less that of 10,000", bound: 2, verb: "%.1f", unit: " MiB", reached: excess},
		{what: "Iteration over 100,000, 8 in flight: RSS growth", bound: 8, verb: "%.1f", unit: " MiB", reached: growth8},
		{what: "the same, less that of 10,000", bound: 2, verb: "%.1f", unit: " MiB", reached: excess8},
		{what: "Program: size over nethttp", bound: 600, unit: " KiB", reached: r.added("leedo")},
		{what: "Program: modules linked, leedo-go included", bound: 5, reached: r.linked("leedo")},
	}
}

// cpu returns a target for the median of the ratios of CPU time.
func (r *report) cpu(what, part, base string, bound float64) target {
	_, median, _ := r.ratio(part, "leedo", base)
	return target{what: what, bound: bound, reached: median, verb: ratio}
}

// noise returns a target for the lower quartile of the ratios: if it is at most 1, the
// other subject is not measurably cheaper.
func (r *report) noise(what, part, base string) target {
	low, median, _ := r.ratio(part, "leedo", base)
	return target{what: what, bound: 1, reached: low, verb: ratio, note: fmt.Sprintf(" (%s; median %.3f)", base, median)}
}
