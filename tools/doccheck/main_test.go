package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// check checks a file of package p in a folder with that name.
func check(t *testing.T, src string) *checker {
	t.Helper()
	c := &checker{fset: token.NewFileSet(), symbols: func(_, path string) (map[string]bool, error) {
		switch path {
		case "io", "encoding/json":
			return map[string]bool{"Reader": true, "Reader.Read": true, "RawMessage": true}, nil
		}
		return nil, fmt.Errorf("unexpected package %s", path)
	}}
	file, err := c.parse("p/p.go", src)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.folder("p", []*ast.File{file}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNames(t *testing.T) {
	for _, test := range []struct {
		name, src  string
		names, bad int
	}{
		{"func", "// F does.\nfunc F() {}", 1, 0},
		{"func without", "func F() {}", 1, 1},
		{"func by another name", "// Fast does.\nfunc F() {}", 1, 1},
		{"func unexported", "func f() {}", 0, 0},
		{"method", "// M does.\nfunc (t *T[K]) M() {}", 1, 0},
		{"method without", "func (t *T[K]) M() {}", 1, 1},
		{"method of an unexported type", "func (t t) M() {}", 0, 0},
		{"type", "// T is.\ntype T int", 1, 0},
		{"type without", "type T int", 1, 1},
		{"type in a group", "// Types.\ntype (\n// T is.\nT int\n)", 1, 0},
		{"type in a group without", "// T is.\ntype (\nT int\n)", 1, 1},
		{"field", "// T is.\ntype T struct {\n// A is.\nA int\n}", 2, 0},
		{"field without", "// T is.\ntype T struct {\nA int\n}", 2, 1},
		{"field embedded", "// T is.\ntype T struct {\nio.Reader\n}", 1, 0},
		{"field unexported", "// T is.\ntype T struct {\na int\n}", 1, 0},
		{"field of a field without", "// T is.\ntype T struct {\n// A is.\nA struct {\nB int\n}\n}", 3, 1},
		{"field of an unexported type", "type t struct {\nA int\n}", 0, 0},
		{"fields sharing", "// T is.\ntype T struct {\n// A and B are.\nA int\nB int\n}", 3, 0},
		{"fields on a line", "// T is.\ntype T struct {\n// A and B are.\nA, B int\n}", 3, 0},
		{"fields sharing, one forgotten", "// T is.\ntype T struct {\n// A is.\nA int\nB int\n}", 3, 1},
		{"fields apart", "// T is.\ntype T struct {\n// A and B are.\nA int\n\nB int\n}", 3, 1},
		{"interface method without", "// T is.\ntype T interface {\nM()\n}", 2, 1},
		{"const", "// C is.\nconst C = 1", 1, 0},
		{"const without", "const C = 1", 1, 1},
		{"const in a group", "// All.\nconst (\n// C is.\nC = 1\nD = 2\n)", 2, 1},
		{"var without", "var V int", 1, 1},
	} {
		c := check(t, "package p\nimport \"io\"\n"+test.src)
		if c.names != test.names || len(c.problems) != test.bad {
			t.Errorf("%s: %d names, problems %q; want %d, %d", test.name, c.names, c.problems, test.names, test.bad)
		}
	}
}

// commented returns a file with a comment of so many lines on a function F.
func commented(lines ...string) string {
	return "package p\nimport \"io\"\n// F does.\n" + strings.Join(lines, "\n") + "\nfunc F() {}\n// T is.\ntype T struct{\n// A is.\nA int }\n// M does.\nfunc (T) M() {}\nfunc u() {}\n"
}

func TestComments(t *testing.T) {
	line := "// More."
	for _, test := range []struct{ name, src, want string }{
		{"as long as allowed", commented(strings.Split(strings.Repeat(line+"\n", 15), "\n")[:15]...), ""},
		{"a line too long", commented(strings.Split(strings.Repeat(line+"\n", 16), "\n")[:16]...), "the comment of F has 17 lines, 16 are allowed"},
		{"an unexported one too long", "package p\n" + strings.Repeat(line+"\n", 17) + "func f() {}", "the comment of f has 17 lines"},
		{"a field too long", "package p\n// T is.\ntype T struct {\n// A is.\n" + strings.Repeat(line+"\n", 17) + "A int }", "the comment of T.A has 18 lines"},
		{"a long package comment", strings.Repeat(line+"\n", 100) + "package p", ""},
		{"a long one with a reason", "package p\n// Client is.\ntype Client int\n// Do does.\n" + strings.Repeat(line+"\n", 20) + "func (c *Client) Do() {}", ""},

		{"a list", commented("//", "//   - [*T]: is", "//   - [T.M]: does"), ""},
		{"an example", commented("//", "//\terrors.AsType[*T](err)", "//\tAll[T](x[Size], [Size]int{}, []T{}, [Size]*T)"), ""},
		{"a list after an example", commented("//", "//\tF()", "//", "//   - [*T]: is"), "the comment of F has a link in a code block: - [*T]: is"},
		{"a list after an example, without a star", commented("//", "//\tF()", "//", "//   - [T], [T.M]: are"), "a link in a code block"},
		{"a list after an example, of another package", commented("//", "//\tF()", "//", "//   - [io.Reader]: is"), "a link in a code block"},

		{"links", commented("// See [T], [*T], [T.M], [io.Reader], [*io.Reader], [io], [encoding/json.RawMessage]."), ""},
		{"no link", commented("// Takes [0,1], a[i] and [...]."), ""},
		{"a link to nothing", commented("// See [X]."), "a link to X, which is no name of this package"},
		{"a link to nothing, with a star", commented("// See [*X]."), "a link to *X"},
		{"a link to a field", commented("// See [T.A]."), ""},
		{"a link to a field that is not there", commented("// See [T.B]."), "a link to T.B"},
		{"a link to an unexported name", commented("// See [u]."), "a link to u"},
		{"a link to a package that is not imported", commented("// See [json.RawMessage]."), "a link to json.RawMessage"},
		{"a link to a name that an import lacks", commented("// See [io.Book]."), "a link to Book, which io does not have"},
		{"a link in a list", commented("//", "//   - [X]: is"), "a link to X"},
		{"a link in a heading", commented("//", "// # About [X]", "//", "// Text."), "a link to X"},
		{"a link of a field", "package p\n// T is.\ntype T struct {\n// A is like [X].\nA int }", "the comment of T.A has a link to X"},
		{"a link of a package", "// Package p has [X].\npackage p", "the comment of package p has a link to X"},
		{"a link of a constant in a group", "package p\n// Of [X].\nconst (\n// C is.\nC = 1\n)", "the comment of C has a link to X"},
		{"a link of an unexported function", "package p\n// f is like [x].\nfunc f() {}", ""},
	} {
		got := strings.Join(check(t, test.src).problems, "; ")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestLoad checks that the names of other packages are found as they are.
func TestLoad(t *testing.T) {
	names, err := load(".", "io")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"EOF": true, "Reader.Read": true, "PipeReader.Close": true, "Book": false, "LimitedReader.N": true, "LimitedReader.M": false} {
		if names[name] != want {
			t.Errorf("%s: %v", name, names[name])
		}
	}
	if _, err := load(".", "no/such/package"); err == nil {
		t.Error("a package that does not exist has names")
	}
}
