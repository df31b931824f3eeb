// Command doccheck checks the doc comments of the given Go files, which are
// grouped into packages by their folders:
//
//   - every exported name, struct fields and interface methods included, has a
//     comment that begins with the name (names.go);
//   - no comment is too long, has a list in a code block, or has a link that does
//     not resolve (comments.go, links.go).
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	c := &checker{fset: token.NewFileSet(), symbols: cached(load)}
	if err := c.run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "doccheck:", err)
		os.Exit(2)
	}
	for _, p := range c.problems {
		fmt.Println(p)
	}
	fmt.Printf("%d exported names, %d comments, %d links, %d problems\n", c.names, c.comments, c.links, len(c.problems))
	if c.names == 0 || len(c.problems) > 0 {
		os.Exit(1)
	}
}

type checker struct {
	fset *token.FileSet
	// symbols returns the exported names of a package that one in dir could
	// import, such as "F", "T" and "T.M".
	symbols func(dir, path string) (map[string]bool, error)

	names, comments, links int
	problems               []string
}

// problem adds a problem at pos.
func (c *checker) problem(pos token.Pos, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf("%s: %s", c.fset.Position(pos), fmt.Sprintf(format, args...)))
}

// run checks the files.
func (c *checker) run(names []string) error {
	dirs := map[string][]*ast.File{}
	for _, name := range names {
		file, err := c.parse(name, nil)
		if err != nil {
			return err
		}
		dir := filepath.Dir(name)
		dirs[dir] = append(dirs[dir], file)
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := c.folder(dir, dirs[dir]); err != nil {
			return err
		}
	}
	return nil
}

// parse parses a file; src is its text, or nil to read it.
func (c *checker) parse(name string, src any) (*ast.File, error) {
	return parser.ParseFile(c.fset, name, src, parser.ParseComments)
}

// folder checks the files of one package.
func (c *checker) folder(dir string, files []*ast.File) error {
	for _, file := range files {
		for _, decl := range file.Decls {
			c.decl(decl)
		}
	}
	return c.checkComments(dir, files)
}
