package main

import (
	"go/token"
	"testing"
)

func TestDoccheck(t *testing.T) {
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
		c := checker{fset: token.NewFileSet()}
		if err := c.file(test.name, "package p\nimport \"io\"\n"+test.src); err != nil {
			t.Fatal(err)
		}
		if c.names != test.names || c.bad != test.bad {
			t.Errorf("%s: %d names, %d bad; want %d, %d", test.name, c.names, c.bad, test.names, test.bad)
		}
	}
}
