// Compare measures the SDK and other clients, and prints tables in Markdown:
//
//	go run ./cmd/compare
//	go run ./cmd/compare -parts get,list -subjects leedo,nethttp,gitlab
//
// README.md describes how to read them. The servers run in this process, and the clients
// in others. Compare needs Linux, for /proc, and the go command.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/leedoapp/leedo-go/bench/internal/cases"
	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// The first argument of a client process.
const (
	callsCommand   = "calls-here"
	iterateCommand = "iterate-here"
)

func run(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == callsCommand {
		return callsHere(args[1:], stdout)
	}
	if len(args) > 0 && args[0] == iterateCommand {
		return iterateHere(args[1:], stdout)
	}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(stderr)
	cycles := flags.Int("cycles", 60, "how often the CPU time of each subject is measured")
	rounds := flags.Int("rounds", 2, "how often each subject iterates with a delay")
	parts := flags.String("parts", strings.Join(partNames(), ","), "what to measure")
	names := flags.String("subjects", strings.Join(subjectNames(), ","), "which clients to measure")
	releases := flags.String("releases", "", "values of GOTOOLCHAIN to measure with, as in local,go1.2.3 (default the one of this program)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *cycles < 1 || *rounds < 1 {
		return errors.New("invalid arguments: want only flags, with positive numbers")
	}
	wanted, err := choose(*parts, partNames())
	if err != nil {
		return err
	}
	chosen, err := choose(*names, subjectNames())
	if err != nil {
		return err
	}
	subjects := slices.DeleteFunc(subject.All(), func(s subject.Subject) bool { return !slices.Contains(chosen, s.Name) })

	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	reports, err := newReports(*releases, dir)
	if err != nil {
		return err
	}
	// The releases alternate, so that both measure a part at about the same time.
	for _, part := range wanted {
		for _, r := range reports {
			fmt.Fprintf(stderr, "compare: %s, %s\n", part, r.release.version)
			if err := r.measure(part, subjects, *cycles, *rounds); err != nil {
				return err
			}
		}
	}
	return write(stdout, reports, wanted, subjects)
}

// newReports returns an empty report for each release.
func newReports(toolchains, dir string) ([]*report, error) {
	if toolchains == "" {
		rel, err := current()
		return []*report{{release: rel, call: map[string]map[string]measure.Result{}}}, err
	}
	var reports []*report
	for toolchain := range strings.SplitSeq(toolchains, ",") {
		rel, err := newRelease(toolchain, dir)
		if err != nil {
			return nil, err
		}
		reports = append(reports, &report{release: rel, call: map[string]map[string]measure.Result{}})
	}
	return reports, nil
}

// measure measures one part.
func (r *report) measure(part string, subjects []subject.Subject, cycles, rounds int) error {
	switch part {
	case iteratePart:
		return r.iterate(subjects, rounds)
	case sizePart:
		return r.size(subjects)
	}
	c, err := cases.Named(part)
	if err != nil {
		return err
	}
	return r.calls(c, subjects, cycles)
}

// write prints the tables: first the calls, then the targets, then the rest.
func write(w io.Writer, reports []*report, parts []string, subjects []subject.Subject) error {
	if err := machine(w, reports, subjects); err != nil {
		return err
	}
	var rest bytes.Buffer
	for _, c := range cases.All() {
		switch {
		case !slices.Contains(parts, c.Name):
		case c.Name == "new":
			callTable(&rest, c, reports, subjects)
		default:
			callTable(w, c, reports, subjects)
		}
	}
	if slices.Contains(parts, iteratePart) {
		iterationTables(&rest, reports, subjects)
	}
	if slices.Contains(parts, sizePart) {
		sizeTable(&rest, reports, subjects)
	}
	targetTable(w, reports)
	_, err := rest.WriteTo(w)
	return err
}

// The parts that are not cases.
const (
	iteratePart = "iterate"
	sizePart    = "size"
)

func partNames() []string {
	var names []string
	for _, c := range cases.All() {
		names = append(names, c.Name)
	}
	return append(names, iteratePart, sizePart)
}

func subjectNames() []string {
	var names []string
	for _, s := range subject.All() {
		names = append(names, s.Name)
	}
	return names
}

// choose splits a list of some of the names.
func choose(list string, names []string) ([]string, error) {
	chosen := strings.Split(list, ",")
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("no %q among %s", name, strings.Join(names, ", "))
		}
	}
	return chosen, nil
}
