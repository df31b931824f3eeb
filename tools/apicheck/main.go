// Command apicheck compares the exported API of packages with a committed
// snapshot of it.
//
//	apicheck [-write] [-root DIR] [-api DIR] [-changelog FILE] PACKAGE...
//
// It exits with status 1 if anything differs. With -write it rewrites the snapshots
// instead. With -changelog it also compares the API with that of the last release, in the
// folder released beside the snapshots, and exits with status 1 if the newest section of
// the file does not name what was added, changed or removed (changelog.go). golang.org/x/exp/apidiff decides which changes break users. Whether there
// are changes is decided by the text, because apidiff ignores struct tags and the type
// arguments of other packages' generic types, such as iter.Seq2.
package main

import (
	"flag"
	"fmt"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/exp/apidiff"
)

func main() {
	root := flag.String("root", ".", "directory of the module")
	api := flag.String("api", "api", "directory of the snapshots, relative to the root")
	write := flag.Bool("write", false, "rewrite the snapshots")
	changelog := flag.String("changelog", "", "file whose newest section names every change since the release")
	flag.Parse()

	same, err := run(os.Stdout, *root, filepath.Join(*root, *api), *write, flag.Args())
	if err == nil && *changelog != "" && !*write {
		var named bool
		named, err = checkChangelog(os.Stdout, *root, filepath.Join(*root, *api, "released"), *changelog, flag.Args())
		same = same && named
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "apicheck:", err)
		os.Exit(2)
	}
	if !same {
		os.Exit(1)
	}
}

// run checks or writes one snapshot for each pattern, and reports whether all of them
// match the code.
func run(out io.Writer, root, api string, write bool, patterns []string) (bool, error) {
	if len(patterns) == 0 {
		return false, fmt.Errorf("no packages given")
	}
	pkgs, err := load(root, patterns)
	if err != nil {
		return false, err
	}
	if len(pkgs) != len(patterns) {
		return false, fmt.Errorf("%d patterns match %d packages", len(patterns), len(pkgs))
	}

	others := &loader{root, map[string]*types.Package{}}
	committed := newSnapshots(others)
	same := true
	for _, pkg := range pkgs {
		file := filepath.Join(api, pkg.Name()+".txt")
		text, err := render(pkg)
		if err != nil {
			return false, err
		}
		// The rendered text must describe the same API as the code, or the snapshot would
		// miss later changes.
		again, err := newSnapshots(others).check(pkg.Path(), file, text)
		if err != nil {
			return false, fmt.Errorf("%s: the snapshot does not compile (does an exported name use an unexported type?): %w", pkg.Path(), err)
		}
		if r := apidiff.Changes(again, pkg); len(r.Changes) > 0 {
			return false, fmt.Errorf("%s: the snapshot would lose:\n%s", pkg.Path(), r)
		}
		if write {
			if err := os.WriteFile(file, text, 0o644); err != nil {
				return false, err
			}
			fmt.Fprintf(out, "%s: wrote %s\n", pkg.Path(), filepath.Base(file))
			continue
		}

		want, err := os.ReadFile(file)
		if err != nil {
			return false, fmt.Errorf("no snapshot of %s: %w", pkg.Path(), err)
		}
		old, err := committed.check(pkg.Path(), file, want)
		if err != nil {
			return false, fmt.Errorf("the committed snapshot does not compile: %w", err)
		}
		same = report(out, pkg, apidiff.Changes(old, pkg), string(want), string(text)) && same
	}
	return same, nil
}

// report prints how the API differs from its snapshot, and reports whether they are
// the same.
func report(out io.Writer, pkg *types.Package, r apidiff.Report, committed, now string) bool {
	if committed == now && len(r.Changes) == 0 {
		fmt.Fprintf(out, "%s: %d exported names, as in the snapshot\n", pkg.Path(), exportedNames(pkg))
		return true
	}
	fmt.Fprintf(out, "%s: differs from the snapshot\n", pkg.Path())
	for _, c := range r.Changes {
		kind := "breaks users:"
		if c.Compatible {
			kind = "compatible:  "
		}
		fmt.Fprintf(out, "  %s %s\n", kind, c.Message)
	}
	for _, line := range missing(committed, now) {
		fmt.Fprintln(out, "    -", line)
	}
	for _, line := range missing(now, committed) {
		fmt.Fprintln(out, "    +", line)
	}
	return false
}

// missing returns the lines of a that b lacks, each with the type to which it belongs.
func missing(a, b string) []string {
	have := map[string]bool{}
	for _, line := range lines(b) {
		have[line] = true
	}
	var out []string
	for _, line := range lines(a) {
		if !have[line] {
			out = append(out, line)
		}
	}
	return out
}

// lines returns the lines of a snapshot with single spaces. A line in the body of a type
// starts with the name of the type.
func lines(text string) []string {
	var out []string
	within := ""
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "//":
			continue
		case line[0] != '\t':
			within = ""
			if words[0] == "type" && words[len(words)-1] == "{" {
				within = words[1] + ": "
			}
			out = append(out, strings.Join(words, " "))
		default:
			out = append(out, within+strings.Join(words, " "))
		}
	}
	return out
}
