// Command platforms type-checks packages for other platforms, from source: what the
// compiler would reject there, at a fraction of the cost of compiling the standard
// library for each of them. -tests includes the tests. The arguments are a directory and
// the platforms:
//
//	platforms [-tests] dir GOOS/GOARCH ...
package main

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	tests := flag.Bool("tests", false, "also check the tests")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: platforms [-tests] dir GOOS/GOARCH ...")
		os.Exit(2)
	}
	failed := false
	for _, platform := range flag.Args()[1:] {
		n, err := check(flag.Arg(0), platform, *tests)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", platform, err)
			failed = true
			continue
		}
		fmt.Printf("%s: %d packages\n", platform, n)
	}
	if failed {
		os.Exit(1)
	}
}

// check type-checks all packages in dir and counts them.
func check(dir, platform string, tests bool) (int, error) {
	goos, goarch, ok := strings.Cut(platform, "/")
	if !ok {
		return 0, errors.New("not GOOS/GOARCH")
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return 0, err
	}
	loaded, err := packages.Load(&packages.Config{
		Mode:  packages.LoadAllSyntax,
		Dir:   root,
		Env:   append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0"),
		Tests: tests,
		ParseFile: func(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
			file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
			if file != nil && !strings.HasPrefix(name, root+string(filepath.Separator)) {
				for _, decl := range file.Decls { // the bodies of other modules are theirs to check
					if f, ok := decl.(*ast.FuncDecl); ok {
						f.Body = nil
					}
				}
			}
			return file, err
		},
	}, "./...")
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, p := range loaded {
		if strings.HasSuffix(p.ID, ".test") {
			continue // a generated main package, outside root
		}
		for _, e := range p.Errors {
			errs = append(errs, e)
		}
	}
	if len(loaded) == 0 {
		return 0, errors.New("no packages")
	}
	return len(loaded), errors.Join(errs...)
}
