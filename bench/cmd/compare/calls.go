package main

import (
	"fmt"
	"io"

	"github.com/leedoapp/leedo-go/bench/internal/cases"
	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

// report is what was measured, by the names of parts and subjects.
type report struct {
	call   map[string]map[string]measure.Result
	walked map[string]walked
	built  map[string]built
}

// calls measures a case and prints its table.
func (r *report) calls(w io.Writer, c cases.Case, subjects []subject.Subject, cycles int) error {
	var names []string
	var ops []measure.Op
	for _, s := range subjects {
		if s.WalkOnly {
			continue
		}
		op, err := c.Prepare(s)
		if err != nil {
			return err
		}
		names, ops = append(names, s.Name), append(ops, op)
	}
	results, err := measure.All(ops, cycles)
	if err != nil {
		return err
	}
	byName := map[string]measure.Result{}
	for i, name := range names {
		byName[name] = results[i]
	}
	if r.call == nil {
		r.call = map[string]map[string]measure.Result{}
	}
	r.call[c.Name] = byName

	fmt.Fprintf(w, "\n### %s\n\n", c.Title)
	fmt.Fprintln(w, "| | allocs | bytes | CPU ns | x nethttp | quartiles | x roundtripper | quartiles |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|")
	for _, name := range names {
		own := byName[name]
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.0f |", name, own.Allocs, own.Bytes, own.Fastest())
		for _, base := range []string{"nethttp", "roundtripper"} {
			if other, ok := byName[base]; ok {
				ratios := measure.Ratios(own.CPU, other.CPU)
				fmt.Fprintf(w, " %.2f | %.2f-%.2f |",
					measure.Quantile(ratios, 0.5), measure.Quantile(ratios, 0.25), measure.Quantile(ratios, 0.75))
			} else {
				fmt.Fprint(w, " | |")
			}
		}
		fmt.Fprintln(w)
	}
	return nil
}
