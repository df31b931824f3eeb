package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/leedoapp/leedo-go/bench/internal/cases"
	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

// calls measures a case: it serves every subject and starts one client process
// that measures all of them.
func (r *report) calls(c cases.Case, subjects []subject.Subject, cycles int) error {
	args := []string{callsCommand, c.Name, strconv.Itoa(cycles)}
	servers := map[string]*server{}
	for _, s := range subjects {
		if s.WalkOnly {
			continue
		}
		server, err := serve(s, 100*subject.PerPage, 0)
		if err != nil {
			return err
		}
		defer server.close()
		servers[s.Name] = server
		args = append(args, s.Name+"="+server.url)
	}
	var results map[string]measure.Result
	if err := r.release.client(&results, args...); err != nil {
		return err
	}
	for name, server := range servers {
		// The client does not cause a few more: net/http may drop a connection if a busy
		// machine delays one of its goroutines for 50 ms.
		if n, requests := server.connections.Load(), server.Requests(); n > int64(1+requests/100) {
			return fmt.Errorf("%s, %s: %d connections for %d requests, want one that is kept alive", c.Name, name, n, requests)
		}
	}
	r.call[c.Name] = results
	return nil
}

// callsHere measures a case in this process and prints the results as JSON, keyed by the
// names of the subjects.
func callsHere(args []string, stdout io.Writer) error {
	if len(args) < 3 {
		return fmt.Errorf("%s takes a case, the number of cycles and subject=URL for each subject", callsCommand)
	}
	c, err := cases.Named(args[0])
	if err != nil {
		return err
	}
	cycles, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	var names []string
	var ops []measure.Op
	for _, arg := range args[2:] {
		name, base, _ := strings.Cut(arg, "=")
		s, err := subject.Named(name)
		if err != nil {
			return err
		}
		op, err := c.Prepare(s, base)
		if err != nil {
			return err
		}
		names, ops = append(names, name), append(ops, op)
	}
	results, err := measure.All(ops, cycles)
	if err != nil {
		return err
	}
	byName := map[string]measure.Result{}
	for i, name := range names {
		byName[name] = results[i]
	}
	return json.NewEncoder(stdout).Encode(byName)
}

// callTable prints the results of a case.
func callTable(w io.Writer, c cases.Case, reports []*report, subjects []subject.Subject) {
	var names []string
	for _, s := range subjects {
		if !s.WalkOnly {
			names = append(names, s.Name)
		}
	}
	table(w, c.Title, names, nil, []column{
		{"allocs", func(r *report, name string) string { return fmt.Sprintf("%.0f", r.call[c.Name][name].Allocs) }},
		{"bytes", func(r *report, name string) string { return fmt.Sprintf("%.0f", r.call[c.Name][name].Bytes) }},
		{"CPU ns", func(r *report, name string) string { return fmt.Sprintf("%.0f", r.call[c.Name][name].MedianCPU()) }},
		{"x nethttp (quartiles)", func(r *report, name string) string {
			low, median, high := r.ratio(c.Name, name, "nethttp")
			return number("%.2f", median) + number(" (%.2f", low) + number("-%.2f)", high)
		}},
	}, reports)
}
