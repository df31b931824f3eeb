package main

import (
	"fmt"
	"go/doc/comment"
	"go/token"
	"go/types"
	"regexp"

	"golang.org/x/tools/go/packages"
)

// unresolved matches text that was meant to be a link.
var unresolved = regexp.MustCompile(`(?:^|[^\w\])])\[(\*?[A-Za-z_][\w./-]*)\]`)

// checkLinks checks that each link resolves: to a name of the package, of one that
// it imports, or of one that the link names by its full import path.
func (c *checker) checkLinks(dir string, d docComment, parsed *comment.Doc) error {
	for text := range texts(parsed.Content) {
		switch t := text.(type) {
		case comment.Plain:
			for _, m := range unresolved.FindAllStringSubmatch(string(t), -1) {
				c.links++
				c.problem(d.group.Pos(), "the comment of %s has a link to %s, which is no name of this package or of one that it imports", d.of, m[1])
			}
		case *comment.DocLink:
			c.links++
			if t.ImportPath == "" {
				continue // go/doc has looked it up
			}
			known, err := c.symbols(dir, t.ImportPath)
			if err != nil {
				return err
			}
			name := t.Name
			if t.Recv != "" {
				name = t.Recv + "." + t.Name
			}
			if name != "" && !known[name] {
				c.problem(d.group.Pos(), "the comment of %s has a link to %s, which %s does not have", d.of, name, t.ImportPath)
			}
		}
	}
	return nil
}

// texts yields the pieces of text in blocks, but not those of code.
func texts(blocks []comment.Block) func(yield func(comment.Text) bool) {
	return func(yield func(comment.Text) bool) {
		for _, block := range blocks {
			var pieces []comment.Text
			switch b := block.(type) {
			case *comment.Paragraph:
				pieces = b.Text
			case *comment.Heading:
				pieces = b.Text
			case *comment.List:
				for _, item := range b.Items {
					for t := range texts(item.Content) {
						pieces = append(pieces, t)
					}
				}
			}
			for _, t := range pieces {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// cached returns load with a memory.
func cached(load func(dir, path string) (map[string]bool, error)) func(dir, path string) (map[string]bool, error) {
	known := map[[2]string]map[string]bool{}
	return func(dir, path string) (map[string]bool, error) {
		key := [2]string{dir, path}
		if known[key] == nil {
			names, err := load(dir, path)
			if err != nil {
				return nil, err
			}
			known[key] = names
		}
		return known[key], nil
	}
}

// load returns the exported names of a package, those of methods and fields as
// "T.M".
func load(dir, path string) (map[string]bool, error) {
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedExportFile, Dir: dir}, path)
	if err != nil {
		return nil, err
	}
	if len(loaded) != 1 || len(loaded[0].Errors) > 0 || loaded[0].Types == nil {
		return nil, fmt.Errorf("a comment in %s links to package %s, which cannot be loaded: %v", dir, path, loaded)
	}
	names := map[string]bool{}
	scope := loaded[0].Types.Scope()
	for _, name := range scope.Names() {
		if !token.IsExported(name) {
			continue
		}
		names[name] = true
		t, ok := scope.Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		methods := types.NewMethodSet(types.NewPointer(t.Type()))
		if types.IsInterface(t.Type()) {
			methods = types.NewMethodSet(t.Type())
		}
		for method := range methods.Methods() {
			names[name+"."+method.Obj().Name()] = true
		}
		if structure, ok := t.Type().Underlying().(*types.Struct); ok {
			for field := range structure.Fields() {
				names[name+"."+field.Name()] = true
			}
		}
	}
	return names, nil
}
