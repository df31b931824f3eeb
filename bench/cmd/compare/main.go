// Compare measures the SDK beside others and prints tables in Markdown:
//
//	go run ./cmd/compare
//	go run ./cmd/compare -parts get,list -subjects leedo,nethttp,gitlab
//
// README.md tells how to read them. It needs Linux, for /proc, and the go
// command.
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

func run(args []string, stdout, stderr io.Writer) error {
	// The part of a walk that happens in a process of its own.
	if len(args) > 0 && args[0] == walkCommand {
		return walkHere(args[1:], stdout)
	}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(stderr)
	cycles := flags.Int("cycles", 30, "how often each subject has its turn for CPU time")
	rounds := flags.Int("rounds", 2, "how often each subject walks against the clock")
	parts := flags.String("parts", strings.Join(partNames(), ","), "what to measure")
	names := flags.String("subjects", strings.Join(subjectNames(), ","), "whom to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *cycles < 1 || *rounds < 1 {
		return errors.New("there are only flags, and the numbers are positive")
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

	// The tables wait for the targets, which stand above them.
	var tables bytes.Buffer
	var r report
	progress := func(what string) { fmt.Fprintln(stderr, "compare:", what) }
	for _, c := range cases.All() {
		if slices.Contains(wanted, c.Name) {
			progress(c.Title)
			if err := r.calls(&tables, c, subjects, *cycles); err != nil {
				return err
			}
		}
	}
	if slices.Contains(wanted, "walk") {
		progress("Walk")
		if err := r.walk(&tables, subjects, *rounds); err != nil {
			return err
		}
	}
	if slices.Contains(wanted, "size") {
		progress("Size")
		if err := r.size(&tables, subjects); err != nil {
			return err
		}
	}
	if err := machine(stdout, subjects); err != nil {
		return err
	}
	r.targets(stdout)
	_, err = tables.WriteTo(stdout)
	return err
}

func partNames() []string {
	var names []string
	for _, c := range cases.All() {
		names = append(names, c.Name)
	}
	return append(names, "walk", "size")
}

func subjectNames() []string {
	var names []string
	for _, s := range subject.All() {
		names = append(names, s.Name)
	}
	return names
}

// choose splits a list and refuses what is not among the names.
func choose(list string, names []string) ([]string, error) {
	chosen := strings.Split(list, ",")
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("no %q among %s", name, strings.Join(names, ", "))
		}
	}
	return chosen, nil
}
