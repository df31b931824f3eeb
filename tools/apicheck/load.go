package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strconv"

	"golang.org/x/tools/go/packages"
)

// load returns the type-checked packages that the patterns match in root.
func load(root string, patterns []string) ([]*types.Package, error) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedExportFile,
		Dir:  root,
	}, patterns...)
	if err != nil {
		return nil, err
	}
	var pkgs []*types.Package
	for _, p := range loaded {
		for _, e := range p.Errors {
			return nil, e
		}
		if p.Types == nil {
			return nil, fmt.Errorf("%s: no types", p.PkgPath)
		}
		if exportedNames(p.Types) == 0 {
			return nil, fmt.Errorf("%s: no exported names", p.PkgPath)
		}
		pkgs = append(pkgs, p.Types)
	}
	return pkgs, nil
}

func exportedNames(pkg *types.Package) int {
	n := 0
	for _, name := range pkg.Scope().Names() {
		if token.IsExported(name) {
			n++
		}
	}
	return n
}

// snapshots turns the text of snapshots back into packages. A snapshot may import
// another that was checked before it.
type snapshots struct {
	known  map[string]*types.Package
	others *loader
}

func newSnapshots(others *loader) *snapshots {
	return &snapshots{map[string]*types.Package{}, others}
}

// check type-checks one snapshot.
func (s *snapshots) check(path, file string, text []byte) (*types.Package, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, decl := range syntax.Decls { // go/types rejects generic functions without a body
		if f, ok := decl.(*ast.FuncDecl); ok && f.Body == nil {
			f.Body = &ast.BlockStmt{}
		}
	}
	if err := s.others.prepare(syntax.Imports); err != nil {
		return nil, err
	}
	var errs []error
	config := types.Config{
		Importer:         s,
		IgnoreFuncBodies: true,
		Error:            func(err error) { errs = append(errs, err) },
	}
	pkg, _ := config.Check(path, fset, []*ast.File{syntax}, nil)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	s.known[path] = pkg
	return pkg, nil
}

// Import implements [types.Importer].
func (s *snapshots) Import(path string) (*types.Package, error) {
	if pkg := s.known[path]; pkg != nil {
		return pkg, nil
	}
	if pkg := s.others.loaded[path]; pkg != nil {
		return pkg, nil
	}
	return nil, fmt.Errorf("no package %s", path)
}

// loader loads and keeps the packages that snapshots import.
type loader struct {
	root   string
	loaded map[string]*types.Package
}

// prepare loads the imported packages that are not loaded yet.
func (l *loader) prepare(imports []*ast.ImportSpec) error {
	var paths []string
	for _, spec := range imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if l.loaded[path] == nil {
			paths = append(paths, path)
		}
	}
	if paths == nil {
		return nil
	}
	pkgs, err := load(l.root, paths)
	for _, pkg := range pkgs {
		l.loaded[pkg.Path()] = pkg
	}
	return err
}
