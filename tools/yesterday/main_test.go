package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompile compiles examples with an SDK that has what they use, and with others.
func TestCompile(t *testing.T) {
	const example = "package main\n\nimport \"" + sdk + "\"\n\nfunc main() { leedo.F(1) }\n"
	for _, test := range []struct{ name, code, main, test, want string }{
		{"the same", "func F(n int) {}", example, "", ""},
		{"more", "func F[N any](n N, more ...int) {}; func G() {}", example, "", ""},
		{"removed", "func G() {}", example, "", "undefined: leedo.F"},
		{"changed", "func F(s string) {}", example, "", "cannot use 1"},
		{"a test", "func F(n int) {}", example, "package main\n\nimport \"" + sdk + "\"\n\nvar _ = leedo.G\n", "undefined: leedo.G"},
	} {
		for _, module := range []string{sdk, sdk + "/examples/leedo"} {
			root, dir := t.TempDir(), t.TempDir()
			write(t, root, "go.mod", "module "+sdk+"\n\ngo 1.26\n")
			write(t, root, "leedo.go", "package leedo; "+test.code+"\n")
			mod := "module " + module + "\n\ngo 1.26\n"
			if module != sdk {
				mod += "\nrequire " + sdk + " v0.0.0\n\nreplace " + sdk + " => ../..\n"
			}
			write(t, dir, "go.mod", mod)
			write(t, dir, "main.go", test.main)
			if test.test != "" {
				write(t, dir, "main_test.go", test.test)
			}
			err := compile(root, dir)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, %s: %v, want %q", test.name, module, err, test.want)
			}
		}
	}
}

// TestRecord records the examples of this repository. Each is recorded once.
func TestRecord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "examples.txtar")
	if err := record(filepath.Join("..", ".."), file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"0/go.mod", "0/example_test.go", "0/docs/recipes_test.go", "0/examples/quickstart/main.go", "0/examples/webform/page.html",
		"1/example_test.go", "1/examples/workers/main.go", "2/prometheus/main.go", "3/main.go", "3/report/page.html",
	} {
		if n := strings.Count(string(text), "\n-- "+name+" --\n"); n != 1 {
			t.Errorf("%s is recorded %d times", name, n)
		}
	}
	if strings.Contains(string(text), "\n-- 0/examples/leedo/") || strings.Contains(string(text), "\n-- 0/leedo.go") {
		t.Error("more than the examples is recorded")
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
