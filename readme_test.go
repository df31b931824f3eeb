package leedo_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadmeCommands checks the promise of the README's first page. Package
// docs_test checks its code, links and length.
func TestReadmeCommands(t *testing.T) {
	const commands = "\n```sh\ngo run ./examples/quickstart\ngo test ./...\n```\n"
	if !strings.Contains(document(t, "README.md"), commands) {
		t.Errorf("README.md has no block with just these two commands:%s", commands)
	}
}

// TestReadmeGoVersion checks that the README names the oldest release of Go that
// go.mod allows.
func TestReadmeGoVersion(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindStringSubmatch(document(t, "go.mod"))
	if want := "Go " + version[1] + " or newer"; !strings.Contains(document(t, "README.md"), want) {
		t.Errorf("README.md does not say %q", want)
	}
}

// TestReadmeOptions checks that the table of options has every option, with
// what it is for, and nothing else.
func TestReadmeOptions(t *testing.T) {
	want := exportedOptions(t)
	got := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `(With[A-Za-z]*)\\(.*?\\)` \\| (\\w+) \\|")
	for _, m := range row.FindAllStringSubmatch(section(t, "README.md", "Configuration"), -1) {
		if got[m[1]] != "" {
			t.Errorf("%s stands twice in the table", m[1])
		}
		got[m[1]] = m[2]
	}
	if len(want) < 10 {
		t.Fatalf("found only %d options in the package", len(want))
	}
	for name, kind := range want {
		if got[name] != kind {
			t.Errorf("%s is for %q by its type, in the table for %q", name, kind, got[name])
		}
	}
	for name := range got {
		if want[name] == "" {
			t.Errorf("%s stands in the table, but is no option of the package", name)
		}
	}
}

// TestReadmeErrors checks that the table of errors, which README.md links to,
// has every exported error.
func TestReadmeErrors(t *testing.T) {
	want := map[string]bool{}
	for _, decl := range declarations(t) {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && strings.HasSuffix(s.Name.Name, "Error") {
					want["*"+s.Name.Name] = true
				}
			case *ast.ValueSpec:
				if strings.HasPrefix(s.Names[0].Name, "Err") {
					want[s.Names[0].Name] = true
				}
			}
		}
	}
	got := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `(\\*?[A-Z]\\w+)` \\|")
	for _, m := range row.FindAllStringSubmatch(section(t, "docs/errors.md", "Types"), -1) {
		got[m[1]] = true
	}
	if len(want) < 10 || !maps.Equal(got, want) {
		t.Errorf("the table has %q, the package %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// section returns what stands in a document between a heading of the second
// level and the next.
func section(t *testing.T, name, heading string) string {
	t.Helper()
	_, after, ok := strings.Cut(document(t, name), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", name, heading)
	}
	text, _, _ := strings.Cut(after, "\n## ")
	return text
}

// declarations returns all that the package declares.
func declarations(t *testing.T) []ast.Decl {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var decls []ast.Decl
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		decls = append(decls, file.Decls...)
	}
	return decls
}

// exportedOptions returns the exported functions With…, and what they are for.
func exportedOptions(t *testing.T) map[string]string {
	t.Helper()
	kinds := map[string]string{"Option": "client", "RequestOption": "call", "SharedOption": "both"}
	options := map[string]string{}
	for _, decl := range declarations(t) {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "With") {
			continue
		}
		result := ""
		if f.Type.Results != nil {
			result = fmt.Sprint(f.Type.Results.List[0].Type)
		}
		if options[f.Name.Name] = kinds[result]; kinds[result] == "" {
			t.Errorf("%s returns %s, which is no option", f.Name.Name, result)
		}
	}
	return options
}
