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

// TestReadmeCode checks that every Go block of README.md stands in code that is
// compiled and run: in a function of the example tests, or as a whole program
// under examples/.
func TestReadmeCode(t *testing.T) {
	blocks := fenced(t, "go")
	functions, programs := exampleFunctions(t), examplePrograms(t)
	if len(blocks) < 10 || len(functions) < 10 || len(programs) < 2 {
		t.Fatalf("%d blocks, %d functions, %d programs: something is not found", len(blocks), len(functions), len(programs))
	}
	for line, block := range blocks {
		if strings.HasPrefix(block, "package ") {
			if !slices.Contains(programs, plain(block)) {
				t.Errorf("README.md:%d: this program is none of those under examples/", line)
			}
			continue
		}
		if !slices.ContainsFunc(functions, func(f string) bool { return containsLines(f, plain(block)) }) {
			t.Errorf("README.md:%d: this code stands in no function of example*_test.go:\n%s", line, block)
		}
	}
}

// TestReadmeCommands checks the promise of the README's first page.
func TestReadmeCommands(t *testing.T) {
	const commands = "go run ./examples/quickstart\ngo test ./...\n"
	if !slices.Contains(slices.Collect(maps.Values(fenced(t, "sh"))), commands) {
		t.Errorf("README.md has no sh block with just these two lines:\n%s", commands)
	}
}

// TestReadmeOptions checks that the table of options has every option, with
// what it is for, and nothing else.
func TestReadmeOptions(t *testing.T) {
	want := exportedOptions(t)
	got := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `(With[A-Za-z]*)\\(.*?\\)` \\| (\\w+) \\|")
	for _, m := range row.FindAllStringSubmatch(section(t, "Configuration"), -1) {
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

// TestReadmeErrors checks that the table of errors has every exported error.
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
	for _, m := range row.FindAllStringSubmatch(section(t, "Errors"), -1) {
		got[m[1]] = true
	}
	if len(want) < 10 || !maps.Equal(got, want) {
		t.Errorf("the table has %q, the package %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestReadmeLinks checks the links to files and headings.
func TestReadmeLinks(t *testing.T) {
	text := readme(t)
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^##+ (.+)$`).FindAllStringSubmatch(text, -1) {
		anchors["#"+strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")] = true
	}
	prose := regexp.MustCompile("(?s)```.*?```|`[^`\n]*`").ReplaceAllString(text, "code")
	links := regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(prose, -1)
	if len(links) < 10 {
		t.Fatalf("found only %d links", len(links))
	}
	for _, m := range links {
		switch link := m[1]; {
		case strings.HasPrefix(link, "https://"):
		case strings.HasPrefix(link, "#"):
			if !anchors[link] {
				t.Errorf("no heading for %s", link)
			}
		default:
			if _, err := os.Stat(link); err != nil {
				t.Error(err)
			}
		}
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// section returns what stands in the README between a heading of the second
// level and the next.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, after, ok := strings.Cut(readme(t), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("README.md has no section %q", heading)
	}
	text, _, _ := strings.Cut(after, "\n## ")
	return text
}

// fenced returns the README's code blocks of a language, by the number of
// their first line.
func fenced(t *testing.T, language string) map[int]string {
	t.Helper()
	blocks := map[int]string{}
	open, start := "", 0
	for i, line := range strings.Split(readme(t), "\n") {
		switch {
		case open == "" && strings.HasPrefix(line, "```"):
			open, start = line, i+2
			if open != "```go" && open != "```sh" {
				t.Errorf("README.md:%d: %s is neither go nor sh, so nobody checks it", i+1, open)
			}
		case strings.HasPrefix(line, "```"):
			open = ""
		case open == "```"+language:
			blocks[start] += line + "\n"
		}
	}
	if open != "" {
		t.Fatalf("README.md:%d: this block does not end", start)
	}
	return blocks
}

// exampleFunctions returns the functions of the example tests, doc comments
// included, without indentation.
func exampleFunctions(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("example*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	nested, err := filepath.Glob("redislimit/example*_test.go") // a module of its own
	if err != nil {
		t.Fatal(err)
	}
	var functions []string
	for _, name := range append(files, nested...) {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			from := f.Pos()
			if f.Doc != nil {
				from = f.Doc.Pos()
			}
			functions = append(functions, plain(string(source[fset.Position(from).Offset:fset.Position(f.End()).Offset])))
		}
	}
	return functions
}

// examplePrograms returns the files under examples/ from the package clause
// on, without indentation.
func examplePrograms(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("examples/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var programs []string
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, program, ok := strings.Cut("\n"+string(source), "\npackage "); ok {
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

// containsLines tells whether code has the lines of block, whole and in a row.
func containsLines(code, block string) bool {
	return strings.Contains("\n"+code, "\n"+block)
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
