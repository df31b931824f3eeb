package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const source = `package p

import (
	"iter"
	"time"
)

const Level Mode = 3
const Name = "p"
const Big time.Duration = 1<<63 - 1

var Err error

type Mode int

func (m Mode) String() string { return "" }

type T struct {
	A int ` + "`json:\"a\"`" + `
	b int
}

func (t *T) Get(id string) (*T, error) { return nil, nil }

type Open interface{ Do() }
type Option interface{ apply(*T) }
type CallOption interface{ call(*T) }
type Shared interface {
	Option
	CallOption
}

type Page[E any] struct{ Data []E }

func (p *Page[E]) Next() bool { return false }

type hidden struct{ x int }

func All(opts ...Option) iter.Seq2[*T, error] { return nil }
func helper()                                 {}

func First[E any](of []E) *E { return nil }
`

// TestChanges changes the code in one place and checks the report.
func TestChanges(t *testing.T) {
	base := t.TempDir()
	put(t, base, "go.mod", "module example.com/p\n\ngo 1.26\n")
	put(t, base, "p.go", source)
	check(t, base, true)
	snapshot, err := os.ReadFile(filepath.Join(base, "p.txt"))
	if err != nil {
		t.Fatal(err)
	}

	for _, test := range []struct{ name, old, new, want string }{
		{"nothing", "", "", "as in the snapshot"},
		{"bodies", "return nil, nil", "return t, nil", "as in the snapshot"},
		{"unexported function", "func helper()", "func helped()", "as in the snapshot"},
		{"unexported method", "apply(*T)", "use(*T, int)", "as in the snapshot"},
		{"unexported field", "b int", "c, d string", "as in the snapshot"},
		{"function renamed", "func All(", "func Every(", "breaks users: All: removed"},
		{"function added", "func helper()", "func Helper()", "compatible:   Helper: added"},
		{"parameter added", "Get(id string)", "Get(id string, n int)", "breaks users: (*T).Get: changed"},
		{"generic function changed", "First[E any](of []E)", "First[E any](of ...E)", "breaks users: First: changed"},
		{"constraint changed", "First[E any]", "First[E comparable]", "+ func First[E comparable](of []E) *E"},
		{"parameter renamed", "Get(id string)", "Get(key string)", "+ func (t *T) Get(key string)"},
		{"method removed", "func (m Mode) String() string { return \"\" }", "", "breaks users: Mode.String: removed"},
		{"field renamed", "A int", "B int", "breaks users: T.A: removed"},
		{"field added", "A int", "C int; A int", "compatible:   T.C: added"},
		{"struct tag", "`json:\"a\"`", "`json:\"z\"`", "+ T: A int `json:\"z\"`"},
		{"no longer comparable", "b int", "b []int", "breaks users: T: old is comparable, new is not"},
		{"interface method added", "Do()", "Do(); Undo()", "breaks users: Open.Undo: added"},
		{"option method added", "apply(*T)", "apply(*T); More()", "compatible:   Option.More: added"},
		{"no longer an option", "\tOption\n", "", "breaks users: Shared"},
		{"constant's value", "Mode = 3", "Mode = 4", "breaks users: Level: value changed from 3 to 4"},
		{"constant's type", "Level Mode", "Level", "breaks users: Level: changed"},
		{"variable's type", "Err error", "Err any", "breaks users: Err: changed"},
		{"type argument", "iter.Seq2[*T, error]", "iter.Seq2[T, error]", "+ func All(opts ...Option) iter.Seq2[T, error]"},
		{"type parameter", "Page[E any] struct", "Page[E comparable] struct", "breaks users: Page"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, dir, "go.mod", "module example.com/p\n\ngo 1.26\n")
			put(t, dir, "p.txt", string(snapshot))
			put(t, dir, "p.go", strings.Replace(source, test.old, test.new, 1))
			got := check(t, dir, false)
			if !strings.Contains(got, test.want) {
				t.Errorf("got\n%swant %s", got, test.want)
			}
		})
	}
}

// TestSnapshotErrors checks that a snapshot that would be wrong is an error.
func TestSnapshotErrors(t *testing.T) {
	for _, test := range []struct{ name, src, want string }{
		{"unexported type in the API", "func F() hidden { return 0 }\ntype hidden int", "undefined: hidden"},
		{"embedded unexported type", "type T struct{ hidden }\ntype hidden struct{ A int }", "would lose"},
		{"nothing exported", "func f() {}", "no exported names"},
		{"does not compile", "func F() int { return \"\" }", "cannot use"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, dir, "go.mod", "module example.com/p\n\ngo 1.26\n")
			put(t, dir, "p.go", "package p\n\n"+test.src+"\n")
			_, err := run(t.Output(), dir, dir, true, []string{"."})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// check returns what the program prints, and checks that its result agrees.
func check(t *testing.T, dir string, write bool) string {
	t.Helper()
	var out strings.Builder
	same, err := run(&out, dir, dir, write, []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	if !write && same != strings.Contains(out.String(), "as in the snapshot") {
		t.Errorf("result %t of\n%s", same, &out)
	}
	return out.String()
}

// TestChangelog changes the code after a release in five places, and checks which names
// the changelog must have.
func TestChangelog(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "CHANGELOG.md")
	put(t, dir, "go.mod", "module example.com/p\n\ngo 1.26\n")
	put(t, dir, "p.go", source)
	check(t, dir, true)
	for _, change := range [][2]string{
		{"func helper()", "func Helper()"}, {"A int", "C int; A int"}, {"Get(id string)", "Get(id int)"},
		{"func First[", "func first["}, {"(m Mode) String", "(m Mode) string"},
	} {
		put(t, dir, "p.go", strings.Replace(read(t, dir, "p.go"), change[0], change[1], 1))
	}
	changed := []string{"First", "Helper", "Mode.String", "T.C", "T.Get"}
	for _, test := range []struct {
		section string
		missing []string
	}{
		{"Nothing.", changed},
		{"`First`, `Helper`, `Mode.String`, `T.C`, `T.Get`.", nil},
		{"`p.First(x)`, `Helper`, `String` and\n`C` and `Get(id)`", nil},
		{"`First`, Helper, `Mode.String`, `T.C`, `T.Get`.", []string{"Helper"}},
		{"`Firsts`, `Helper`, `Mode.String`, `T.C`, `T.Get`.", []string{"First"}},
		{"`First`, `Helper`, `Mode.String`, `T.Get`.\n\n## [0.0.2]\n\n`T.C`", []string{"T.C"}},
	} {
		put(t, dir, "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n"+test.section+"\n\n## [0.0.1]\n\n`T.C`\n")
		var out strings.Builder
		named, err := checkChangelog(&out, dir, dir, file, []string{"."})
		if err != nil || named != (test.missing == nil) {
			t.Errorf("%t, %v for %q", named, err, test.section)
		}
		for _, name := range changed {
			if said := strings.Contains(out.String(), "does not name `"+name+"`"); said != slices.Contains(test.missing, name) {
				t.Errorf("%q: reported %t in\n%s", name, said, &out)
			}
		}
	}
	if _, err := checkChangelog(t.Output(), dir, t.TempDir(), file, []string{"."}); err == nil {
		t.Error("a release without API is no error")
	}
	put(t, dir, "CHANGELOG.md", "# Changelog\n")
	if _, err := checkChangelog(t.Output(), dir, dir, file, []string{"."}); err == nil {
		t.Error("a changelog without sections is no error")
	}
}

// TestChangelogOfVersion checks that a new version is the heading of the newest section.
func TestChangelogOfVersion(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "go.mod", "module example.com/p\n\ngo 1.26\n")
	put(t, dir, "p.go", "package p\n\nconst Version = \"0.1.0\"\n")
	check(t, dir, true)
	put(t, dir, "p.go", "package p\n\nconst Version = \"0.2.0\"\n")
	for heading, want := range map[string]bool{"[0.2.0] - unreleased": true, "[0.1.0] - 2026-12-01": false} {
		put(t, dir, "CHANGELOG.md", "# Changelog\n\n## "+heading+"\n\n`Version`\n")
		if got, err := checkChangelog(t.Output(), dir, dir, filepath.Join(dir, "CHANGELOG.md"), []string{"."}); err != nil || got != want {
			t.Errorf("%s: %t, %v", heading, got, err)
		}
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
