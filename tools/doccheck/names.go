package main

import (
	"go/ast"
	"go/types"
	"regexp"
	"strings"
)

// decl checks a declaration and, in exported types, what it declares in turn.
func (c *checker) decl(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || ast.IsExported(receiver(d)) {
			c.list([]*ast.Field{{Doc: d.Doc, Names: []*ast.Ident{d.Name}, Type: d.Type}})
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
		c.list(list)
	}
}

// receiver returns the name of the type of a method.
func receiver(d *ast.FuncDecl) string {
	name, _, _ := strings.Cut(strings.TrimLeft(types.ExprString(d.Recv.List[0].Type), "*"), "[")
	return name
}

func (c *checker) members(n ast.Node) bool {
	switch t := n.(type) {
	case *ast.StructType:
		c.list(t.Fields.List)
	case *ast.InterfaceType:
		c.list(t.Methods.List)
	}
	return true
}

// list checks neighbours, in the order of the source. Those without a blank line
// between them may share the first one's comment if it mentions them.
func (c *checker) list(list []*ast.Field) {
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
					c.problem(name.Pos(), "%s needs a doc comment that begins with its name", name.Name)
				}
			}
			form = `\b` // the first name begins the comment, others stand in it
		}
	}
}
