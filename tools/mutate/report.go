package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// report counts what became of the mutants.
type report struct {
	module     string
	mutants    []*mutant
	reached    map[int]bool
	equivalent map[string]bool
	results    map[*mutant]result
}

func newReport(b *build, programs []*program, equivalent map[string]bool) *report {
	r := &report{module: b.module, reached: map[int]bool{}, equivalent: equivalent, results: map[*mutant]result{}}
	for _, m := range b.mutants {
		if !b.dropped[m] {
			r.mutants = append(r.mutants, m)
		}
	}
	for _, p := range programs {
		for _, t := range p.tests {
			for _, id := range t.Reached {
				r.reached[id] = true
			}
		}
	}
	return r
}

func (r *report) add(m *mutant, got result) {
	r.results[m] = got
	switch {
	case got == survived && !r.equivalent[m.key()]:
		fmt.Printf("survived: %s (line %d)\n", m.key(), m.line)
	case got != survived && r.equivalent[m.key()]:
		fmt.Printf("not equivalent, a test notices it: %s (line %d)\n", m.key(), m.line)
	}
	if n := len(r.results); n%50 == 0 {
		fmt.Printf("%d tried\n", n)
	}
}

// counts is what the table says of a package.
type counts struct{ mutants, reached, equivalent, tried, noticed, hung int }

// print prints the table and what is wrong, and reports whether nothing is. listed says
// that the mutants that were tried are the equivalent ones.
func (r *report) print(listed bool, least float64) bool {
	packages := map[string]*counts{}
	var sum counts
	unused := maps.Clone(r.equivalent)
	for _, m := range r.mutants {
		delete(unused, m.key())
		name := strings.TrimPrefix(strings.TrimPrefix(m.pkg, r.module), "/")
		if name == "" {
			name = "the root"
		}
		if packages[name] == nil {
			packages[name] = &counts{}
		}
		got, tried := r.results[m]
		for _, to := range []*counts{packages[name], &sum} {
			to.mutants++
			to.reached += number(r.reached[m.id])
			to.equivalent += number(r.equivalent[m.key()])
			to.tried += number(tried)
			to.noticed += number(tried && got != survived)
			to.hung += number(tried && got == hung)
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "package\tmutants\treached\tequivalent\ttried\tnoticed\tof these hang\tsurvived\tnoticed %\t")
	names := append(slices.Sorted(maps.Keys(packages)), "all")
	packages["all"] = &sum
	for _, name := range names {
		n := packages[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t\n", name, n.mutants, n.reached, n.equivalent, n.tried, n.noticed, n.hung, n.tried-n.noticed,
			100*float64(n.noticed)/float64(max(1, n.tried)))
	}
	w.Flush()

	for _, key := range slices.Sorted(maps.Keys(unused)) {
		fmt.Println("there is no such mutant:", key)
	}
	if sum.tried == 0 {
		fmt.Println("no mutant was tried")
	}
	good := float64(sum.noticed) >= least/100*float64(sum.tried)
	if listed {
		good = sum.noticed == 0
	}
	return good && len(unused) == 0 && sum.tried > 0
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readEquivalent reads the names of equivalent mutants. Each needs a reason.
func readEquivalent(name string) (map[string]bool, error) {
	equivalent := map[string]bool{}
	if name == "" {
		return equivalent, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	last := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '\t':
			last = ""
		case last != "":
			return nil, fmt.Errorf("%s: no reason for: %s", name, last)
		default:
			last = line
			equivalent[line] = true
		}
	}
	if last != "" {
		return nil, fmt.Errorf("%s: no reason for: %s", name, last)
	}
	return equivalent, nil
}
