// Command doccheck insists on documentation: in the given Go files every
// exported name, struct fields and interface methods included, needs a doc
// comment that begins with the name. Neighbours without a blank line between
// them may share the first one's comment if it mentions them.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"regexp"
	"strings"
)

func main() {
	c := checker{fset: token.NewFileSet()}
	for _, name := range os.Args[1:] {
		if err := c.file(name, nil); err != nil {
			fmt.Fprintln(os.Stderr, "doccheck:", err)
			os.Exit(2)
		}
	}
	fmt.Printf("%d exported names, %d without the comment they need\n", c.names, c.bad)
	if c.names == 0 || c.bad > 0 {
		os.Exit(1)
	}
}

type checker struct {
	fset       *token.FileSet
	names, bad int
}

// file checks one file; src is its text, or nil to read it.
func (c *checker) file(name string, src any) error {
	file, err := parser.ParseFile(c.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		c.decl(decl)
	}
	return nil
}

// decl checks a declaration and, in exported types, what it declares in turn.
func (c *checker) decl(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || ast.IsExported(strings.TrimLeft(types.ExprString(d.Recv.List[0].Type), "*")) {
			c.run([]*ast.Field{{Doc: d.Doc, Names: []*ast.Ident{d.Name}, Type: d.Type}})
		}
	case *ast.GenDecl:
		var list []*ast.Field // type, const and var specs, put as fields
		for _, spec := range d.Specs {
			f := &ast.Field{}
			switch s := spec.(type) {
			case *ast.TypeSpec:
				f.Doc, f.Names, f.Type, f.Comment = s.Doc, []*ast.Ident{s.Name}, s.Type, s.Comment
				if s.Name.IsExported() {
					ast.Inspect(s.Type, c.members)
				}
			case *ast.ValueSpec:
				f.Doc, f.Names, f.Type, f.Comment = s.Doc, s.Names, s.Type, s.Comment
			}
			if !d.Lparen.IsValid() {
				f.Doc = d.Doc
			}
			list = append(list, f)
		}
		c.run(list)
	}
}

func (c *checker) members(n ast.Node) bool {
	switch t := n.(type) {
	case *ast.StructType:
		c.run(t.Fields.List)
	case *ast.InterfaceType:
		c.run(t.Methods.List)
	}
	return true
}

// run checks neighbours, in the order of the source.
func (c *checker) run(list []*ast.Field) {
	shared, last := "", -1
	for _, f := range list {
		if len(f.Names) == 0 { // embedded, or an import
			continue
		}
		line := c.fset.Position(f.Names[0].Pos()).Line
		text, form := f.Doc.Text()+f.Comment.Text(), "^"
		if text == "" && line == last+1 {
			text, form = shared, `\b`
		}
		shared, last = text, line
		if f.Type != nil {
			last = c.fset.Position(f.Type.End()).Line
		}
		for _, name := range f.Names {
			if name.IsExported() {
				c.names++
				if !regexp.MustCompile(form + name.Name + `\b`).MatchString(text) {
					c.bad++
					fmt.Printf("%s: %s needs a doc comment that begins with its name\n", c.fset.Position(name.Pos()), name.Name)
				}
			}
			form = `\b` // the first name begins the comment, others stand in it
		}
	}
}
