// Package docs_test has the code of the guides in this folder as examples that
// are compiled and run, and the tests that keep README.md and the guides true.
package docs_test

import (
	"encoding/json"
	"fmt"
	"go/doc"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// repo is the repository.
var repo = os.DirFS("..")

// compiled are the files whose code the documents may show. Those of nested
// modules are tested there.
var compiled = []string{
	"example*_test.go", "docs/*_test.go", "redislimit/example*_test.go", "tests/otel/*_test.go", "tests/vcr/*_test.go",
}

// maxWords bounds the documents: a guide is read in five minutes at 230 words
// a minute, code included. A table of reference is not read from top to bottom.
var maxWords = map[string]int{"README.md": 1500, "guide": 1150, "docs/promises.md": 5000}

// TestDocsWords counts the words of README.md and of each guide.
func TestDocsWords(t *testing.T) {
	for _, name := range documents(t) {
		limit, ok := maxWords[name]
		if !ok {
			limit = maxWords["guide"]
		}
		words := len(strings.Fields(read(t, name)))
		t.Logf("%5d words  %s", words, name)
		if words > limit {
			t.Errorf("%s has %d words, %d are allowed", name, words, limit)
		}
	}
}

// TestDocsCode checks that every Go block stands in code that is compiled and
// run: in an example or test, or as a whole program under examples/.
func TestDocsCode(t *testing.T) {
	sources, programs := exampleFiles(t), examplePrograms(t)
	if len(sources) < 10 || len(programs) < 2 {
		t.Fatalf("%d files, %d programs: something is not found", len(sources), len(programs))
	}
	found := 0
	for _, name := range documents(t) {
		for line, block := range fenced(t, name, "go") {
			found++
			block = plain(block)
			if strings.HasPrefix(block, "package ") {
				if !slices.Contains(programs, block) {
					t.Errorf("%s:%d: no program under examples/ has this code", name, line)
				}
				continue
			}
			if !slices.ContainsFunc(sources, func(s string) bool { return strings.Contains("\n"+s, "\n"+block) }) {
				t.Errorf("%s:%d: this code does not stand in %s:\n%s", name, line, strings.Join(compiled, " "), block)
			}
		}
	}
	if found < 55 {
		t.Errorf("found only %d Go blocks", found)
	}
}

// TestDocsExamples checks that the examples the documents show are run: one
// without an output comment is only compiled.
func TestDocsExamples(t *testing.T) {
	files := append(glob(t, "example*_test.go"), glob(t, "docs/*_test.go")...)
	found := 0
	for _, name := range files {
		for _, example := range doc.Examples(parse(t, token.NewFileSet(), name)) {
			found++
			if example.Output == "" && !example.EmptyOutput {
				t.Errorf("%s: Example%s has no output comment, so it is not run", name, example.Name)
			}
		}
	}
	if found < 10 {
		t.Errorf("found only %d examples", found)
	}
}

// TestDocsCommands checks what can be checked in blocks of commands, and that
// blocks of JSON are JSON.
func TestDocsCommands(t *testing.T) {
	for _, name := range documents(t) {
		for line, block := range fenced(t, name, "sh") {
			dir := "."
			for command := range strings.Lines(block) {
				dir = checkCommand(t, fmt.Sprintf("%s:%d", name, line), dir, strings.Fields(command))
			}
		}
		for line, block := range fenced(t, name, "json") {
			if !json.Valid([]byte(block)) {
				t.Errorf("%s:%d: this block is not JSON", name, line)
			}
		}
	}
}

// checkCommand checks a command that is run in dir, a folder of the
// repository, and returns the folder that the next one is run in.
func checkCommand(t *testing.T, where, dir string, fields []string) string {
	t.Helper()
	for len(fields) > 0 && strings.Contains(fields[0], "=") { // variables
		fields = fields[1:]
	}
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		return dir
	}
	switch fields[0] {
	case "curl", "export", "git": // nothing to check
	case "cd":
		dir = path.Join(dir, fields[1])
		if _, err := fs.Stat(repo, dir); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	case "go":
		switch fields[1] {
		case "get":
			_, sub, ok := strings.Cut(fields[2]+"/", "github.com/leedoapp/leedo-go/")
			if _, err := fs.Stat(repo, path.Join(sub, "go.mod")); !ok || err != nil {
				t.Errorf("%s: %s is no module of the repository: %v", where, fields[2], err)
			}
		case "run":
			checkProgram(t, where, path.Join(dir, fields[2]), fields[3:])
		case "test", "vet":
			if len(fields) == 3 && fields[2] == "./..." {
				break
			}
			fallthrough
		default:
			t.Errorf("%s: a command that is not checked: %s", where, strings.Join(fields, " "))
		}
	default:
		t.Errorf("%s: a command that is not checked: %s", where, strings.Join(fields, " "))
	}
	return dir
}

// checkProgram checks that a program exists and has the flags it is given.
func checkProgram(t *testing.T, where, dir string, args []string) {
	t.Helper()
	var source strings.Builder
	for _, name := range glob(t, dir+"/*.go") {
		if !strings.HasSuffix(name, "_test.go") {
			source.WriteString(read(t, name))
		}
	}
	if !strings.Contains(source.String(), "package main") {
		t.Errorf("%s: no program in %s", where, dir)
	}
	for _, arg := range args {
		if flag, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "="); strings.HasPrefix(arg, "-") && !strings.Contains(source.String(), `"`+flag+`"`) {
			t.Errorf("%s: %s has no flag %s", where, dir, arg)
		}
	}
}

// TestDocsIndex checks that docs/README.md names every guide.
func TestDocsIndex(t *testing.T) {
	index := read(t, "docs/README.md")
	for _, name := range glob(t, "docs/*.md") {
		if base := path.Base(name); base != "README.md" && !strings.Contains(index, "]("+base+")") {
			t.Errorf("docs/README.md does not name %s", base)
		}
	}
}

// TestDocsLinks checks the links of every Markdown file: files, headings, and
// names on pkg.go.dev.
func TestDocsLinks(t *testing.T) {
	names := exportedNames(t)
	found := 0
	for _, name := range append(glob(t, "*.md"), glob(t, "docs/*.md")...) {
		prose := regexp.MustCompile("`[^`]*`").ReplaceAllString(unfenced(read(t, name)), "code")
		for _, m := range regexp.MustCompile(`(?m)\]\(([^)\s]+)\)|^\[[^\]]+\]:\s+(\S+)`).FindAllStringSubmatch(prose, -1) {
			found++
			if problem := badLink(t, names, name, m[1]+m[2]); problem != "" {
				t.Errorf("%s: %s", name, problem)
			}
		}
	}
	if found < 10 {
		t.Errorf("found only %d links", found)
	}
}

// badLink says what is wrong with a link that stands in the file from.
func badLink(t *testing.T, names map[string]bool, from, link string) string {
	t.Helper()
	const reference = "https://pkg.go.dev/github.com/leedoapp/leedo-go"
	if rest, ok := strings.CutPrefix(link, reference); ok {
		if !names[strings.TrimPrefix(rest, "/")] {
			return "nothing is exported that belongs to " + link
		}
		return ""
	}
	if strings.HasPrefix(link, "https://") {
		return ""
	}
	target, anchor, hasAnchor := strings.Cut(link, "#")
	file := from
	if target != "" {
		file = path.Join(path.Dir(from), target)
	}
	if _, err := fs.Stat(repo, file); err != nil {
		return err.Error()
	}
	if hasAnchor && !slices.Contains(anchors(read(t, file)), anchor) {
		return "no heading for " + link
	}
	return ""
}
