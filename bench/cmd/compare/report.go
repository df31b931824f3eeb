package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

// report holds the results of one release of Go, keyed by the names of parts and
// subjects. Its methods return NaN for what was not measured.
type report struct {
	release  release
	call     map[string]map[string]measure.Result
	iterated map[string]iterations
	built    map[string]built
}

// own returns the result of leedo-go.
func (r *report) own(part string) measure.Result {
	if result, ok := r.call[part]["leedo"]; ok {
		return result
	}
	return measure.Result{Allocs: math.NaN(), Bytes: math.NaN()}
}

// ratio returns the ratio of a subject's CPU time to another's, taken cycle by cycle: its
// quartiles and median.
func (r *report) ratio(part, name, base string) (low, median, high float64) {
	one, ok := r.call[part][name]
	other, known := r.call[part][base]
	if !ok || !known {
		return math.NaN(), math.NaN(), math.NaN()
	}
	ratios := measure.Ratios(one.CPU, other.CPU)
	return measure.Quantile(ratios, 0.25), measure.Quantile(ratios, 0.5), measure.Quantile(ratios, 0.75)
}

// cheapest returns the SDK, other than leedo-go, that needs the least CPU time.
func (r *report) cheapest(part string) string {
	return least(func(name string) float64 {
		_, median, _ := r.ratio(part, name, "leedo")
		return median
	})
}

// fastestPager returns the SDK, other than leedo-go, that iterates the fastest.
func (r *report) fastestPager() string { return least(r.took) }

// least returns the SDK, other than leedo-go, with the smallest figure.
func least(figure func(name string) float64) string {
	best := ""
	for _, s := range subject.All() {
		if v := figure(s.Name); s.SDK && !math.IsNaN(v) && (best == "" || v < figure(best)) {
			best = s.Name
		}
	}
	return best
}

// leaner returns the number of other SDKs that allocate no more than leedo-go.
func (r *report) leaner(part string) float64 {
	count := math.NaN()
	for _, s := range subject.All() {
		if other, ok := r.call[part][s.Name]; ok && s.SDK {
			if math.IsNaN(count) {
				count = 0
			}
			if math.Round(other.Allocs) <= math.Round(r.own(part).Allocs) {
				count++
			}
		}
	}
	return count
}

// took returns how long an iteration with a delay takes, in milliseconds.
func (r *report) took(name string) float64 {
	if all, ok := r.iterated[name]; ok {
		return all.took()
	}
	return math.NaN()
}

// growth returns the growth of memory in the long iteration, and by how much it exceeds
// that in the short one, in MiB.
func (r *report) growth(name string) (growth, excess float64) {
	all, ok := r.iterated[name]
	if !ok {
		return math.NaN(), math.NaN()
	}
	most := mib(all.memory[long].Growth)
	return most, most - mib(all.memory[short].Growth)
}

// added returns by how many KiB a program is larger than that of net/http.
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

// column is a column of a table.
type column struct {
	head string
	cell func(r *report, name string) string
}

// table prints a table with a line for each name: first the shared columns, then the
// others for each report.
func table(w io.Writer, title string, names []string, shared, columns []column, reports []*report) {
	fmt.Fprintf(w, "\n### %s\n\n|", title)
	for _, c := range shared {
		fmt.Fprintf(w, " | %s", c.head)
	}
	for _, r := range reports {
		for i, c := range columns {
			head := c.head
			if i == 0 && len(reports) > 1 {
				head = r.release.version + ": " + head
			}
			fmt.Fprintf(w, " | %s", head)
		}
	}
	fmt.Fprint(w, " |\n|---", strings.Repeat("|--:", len(shared)+len(columns)*len(reports)), "|\n")
	for _, name := range names {
		fmt.Fprintf(w, "| %s", name)
		for _, c := range shared {
			fmt.Fprintf(w, " | %s", c.cell(reports[0], name))
		}
		for _, r := range reports {
			for _, c := range columns {
				fmt.Fprintf(w, " | %s", c.cell(r, name))
			}
		}
		fmt.Fprintln(w, " |")
	}
}

// number prints a figure, or nothing if it was not measured.
func number(format string, v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return fmt.Sprintf(format, v)
}
