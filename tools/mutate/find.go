package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

// mutant is one change of the code.
type mutant struct {
	id     int
	pkg    string // import path
	file   string // relative to the root of the module
	line   int
	within string // the function or variable
	change string // on one line; with file and within, it is unique
}

// key names the mutant independently of its line.
func (m *mutant) key() string { return m.file + " " + m.within + ": " + m.change }

// edit replaces the text between two offsets of a file. The text that its function gets
// has the edits inside it.
type edit struct {
	from, to int
	mutant   *mutant // nil: made in any case
	text     func(inner string) string
}

// source is a file with its edits.
type source struct {
	path  string
	text  string
	edits []edit
}

// finder finds the mutants of a package.
type finder struct {
	root   string
	pkg    *packages.Package
	file   *ast.File
	src    *source
	within string
	stack  []ast.Node // from the file to the current node
	seen   map[string]int
	found  *[]*mutant
}

// find returns the files of the packages with an edit for each mutant in them, and the
// mutants, in the order of the text.
func find(root string, patterns []string) ([]*source, []*mutant, error) {
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedCompiledGoFiles | packages.NeedSyntax | packages.NeedTypes |
			packages.NeedTypesInfo | packages.NeedImports | packages.NeedExportFile,
		Dir: root,
	}, patterns...)
	if err != nil {
		return nil, nil, err
	}
	var sources []*source
	var mutants []*mutant
	for _, pkg := range pkgs {
		for _, e := range pkg.Errors {
			return nil, nil, e
		}
		for i, file := range pkg.Syntax {
			path := pkg.CompiledGoFiles[i]
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, nil, err
			}
			f := &finder{root: root, pkg: pkg, file: file, src: &source{path: path, text: string(text)}, seen: map[string]int{}, found: &mutants}
			for _, decl := range file.Decls {
				f.decl(decl)
			}
			sources = append(sources, f.src)
		}
	}
	return sources, mutants, nil
}

func (f *finder) decl(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		f.within = d.Name.Name
		if d.Recv != nil {
			f.within = strings.TrimLeft(f.raw(d.Recv.List[0].Type), "*") + "." + d.Name.Name
		}
		if d.Body != nil {
			f.visit(d)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR {
				f.within = v.Names[0].Name
				f.visit(v)
			}
		}
	}
}

// visit looks for mutants in a node and all nodes inside it.
func (f *finder) visit(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			f.stack = f.stack[:len(f.stack)-1]
			return true
		}
		if !f.node(n) {
			return false
		}
		f.stack = append(f.stack, n)
		return true
	})
}

// parent returns the node around the current one, above counting from 0.
func (f *finder) parent(above int) ast.Node {
	if i := len(f.stack) - 1 - above; i >= 0 {
		return f.stack[i]
	}
	return nil
}

func (f *finder) offset(p token.Pos) int { return f.pkg.Fset.Position(p).Offset }

// raw returns the text of a node as it stands in the file.
func (f *finder) raw(n ast.Node) string { return f.src.text[f.offset(n.Pos()):f.offset(n.End())] }

// add adds a mutant that replaces the text of n. In text, %d is the number of the
// mutant and %s the text with the mutants inside it.
func (f *finder) add(n ast.Node, change, text string) *mutant {
	change = strings.Join(strings.Fields(change), " ")
	if r := []rune(change); len(r) > 140 {
		change = string(r[:140]) + "…"
	}
	file, err := filepath.Rel(f.root, f.src.path)
	if err != nil {
		file = f.src.path
	}
	m := &mutant{id: len(*f.found), pkg: f.pkg.PkgPath, file: filepath.ToSlash(file), line: f.pkg.Fset.Position(n.Pos()).Line, within: f.within, change: change}
	*f.found = append(*f.found, m)
	key := m.key()
	f.seen[key]++
	if n := f.seen[key]; n > 1 {
		m.change += fmt.Sprintf(" (%d)", n)
	}
	text = strings.ReplaceAll(text, "%d", fmt.Sprint(m.id))
	before, after, _ := strings.Cut(text, "%s")
	f.edit(n.Pos(), n.End(), m, func(inner string) string { return before + inner + after })
	return m
}

func (f *finder) edit(from, to token.Pos, m *mutant, text func(string) string) {
	f.src.edits = append(f.src.edits, edit{f.offset(from), f.offset(to), m, text})
}

// typeName returns how the file can write a type, or "" if it cannot.
func (f *finder) typeName(t types.Type) string {
	ok := true
	name := types.TypeString(t, func(p *types.Package) string {
		if p == f.pkg.Types {
			return ""
		}
		for _, spec := range f.file.Imports {
			if strings.Trim(spec.Path.Value, `"`) == p.Path() {
				if spec.Name != nil {
					return spec.Name.Name
				}
				return p.Name()
			}
		}
		ok = false
		return ""
	})
	if !ok {
		return ""
	}
	return name
}
