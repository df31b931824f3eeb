package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// anchors returns the anchors that GitHub gives to the headings of a text.
func anchors(text string) []string {
	var all []string
	drop := regexp.MustCompile(`[^\pL\pN _-]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(unfenced(text), -1) {
		anchor := strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(m[1])), ""), " ", "-")
		first := anchor
		for n := 1; slices.Contains(all, anchor); n++ {
			anchor = fmt.Sprintf("%s-%d", first, n)
		}
		all = append(all, anchor)
	}
	return all
}

// exportedNames returns what pkg.go.dev has of each public package: "",
// "#Client", "#Client.Do", "leedotest#NewServer".
func exportedNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, dir := range []string{"", "leedotest", "redislimit", "leedootel"} {
		names[dir] = true
		for _, file := range glob(t, path.Join(dir, "*.go")) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, decl := range parse(t, token.NewFileSet(), file).Decls {
				for _, name := range declared(decl) {
					names[dir+"#"+name] = true
				}
			}
		}
	}
	return names
}

// declared returns the names that a declaration adds to a package.
func declared(decl ast.Decl) []string {
	var names []string
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if generic, ok := receiver.(*ast.IndexExpr); ok {
			receiver = generic.X
		}
		return []string{fmt.Sprint(receiver) + "." + d.Name.Name}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
				if structure, ok := s.Type.(*ast.StructType); ok {
					for _, field := range structure.Fields.List {
						for _, name := range field.Names {
							names = append(names, s.Name.Name+"."+name.Name)
						}
					}
				}
			case *ast.ValueSpec:
				for _, name := range s.Names {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

// documents returns README.md and the guides.
func documents(t *testing.T) []string {
	t.Helper()
	return append([]string{"README.md"}, glob(t, "docs/*.md")...)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := fs.Glob(repo, pattern)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// read returns the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(repo, name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func parse(t *testing.T, fset *token.FileSet, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(fset, name, read(t, name), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// languages are those of code blocks, which tests can check.
var languages = []string{"```go", "```sh", "```json"}

// fenced returns a document's code blocks of a language, by the number of
// their first line.
func fenced(t *testing.T, name, language string) map[int]string {
	t.Helper()
	blocks := map[int]string{}
	open, start := "", 0
	for i, line := range strings.Split(read(t, name), "\n") {
		switch {
		case open == "" && strings.HasPrefix(line, "```"):
			open, start = line, i+2
			if !slices.Contains(languages, open) {
				t.Errorf("%s:%d: the language %q is not one of %q, so nothing checks it", name, i+1, open, languages)
			}
		case strings.HasPrefix(line, "```"):
			open = ""
		case open == "```"+language:
			blocks[start] += line + "\n"
		}
	}
	if open != "" {
		t.Fatalf("%s:%d: this block does not end", name, start)
	}
	return blocks
}

// unfenced returns a text without its code blocks.
func unfenced(text string) string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
}

// exampleFiles returns what the compiled files have after their imports,
// without indentation.
func exampleFiles(t *testing.T) []string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range compiled {
		for _, name := range glob(t, pattern) {
			fset := token.NewFileSet()
			file := parse(t, fset, name)
			from := file.Name.End()
			for _, decl := range file.Decls {
				if imports, ok := decl.(*ast.GenDecl); ok && imports.Tok == token.IMPORT {
					from = imports.End()
				}
			}
			files[name] = plain(read(t, name)[fset.Position(from).Offset:])
		}
	}
	return slices.Collect(maps.Values(files))
}

// examplePrograms returns the files under examples/ from the package clause
// on, without indentation.
func examplePrograms(t *testing.T) []string {
	t.Helper()
	var programs []string
	for _, name := range glob(t, "examples/*/*.go") {
		if _, program, ok := strings.Cut("\n"+read(t, name), "\npackage "); ok {
			programs = append(programs, plain("package "+program))
		}
	}
	return programs
}

// plain returns code without indentation.
func plain(code string) string {
	lines := strings.Split(strings.TrimSpace(code), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n") + "\n"
}
