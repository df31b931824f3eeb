// Package resources_test keeps the list in CONTRIBUTING.md of the places that a new
// resource is added to.
package resources_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// repo is the repository.
var repo = os.DirFS("../..")

// TestPlacesThatNameAResource compares the table in CONTRIBUTING.md with the code: the
// files that name leads, and how many declarations in each. The other resources must be
// named in as many, or the table would be true of leads only.
func TestPlacesThatNameAResource(t *testing.T) {
	want := documented(t)
	if len(want) < 3 {
		t.Errorf("CONTRIBUTING.md has only %d places: %v", len(want), want)
	}
	for _, resource := range []string{"lead", "account", "contact", "campaign"} {
		got := places(t, resource)
		own := resource + "s.go"
		if got[own] == 0 {
			t.Errorf("%s does not declare the %s", own, resource)
		}
		delete(got, own)
		if !maps.Equal(got, want) {
			t.Errorf("%s is named in\n%v\nCONTRIBUTING.md has\n%v", resource, got, want)
		}
	}
}

// documented returns the table: how many declarations of each file name a resource,
// its own file left out.
func documented(t *testing.T) map[string]int {
	t.Helper()
	text, err := fs.ReadFile(repo, "CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Adding a resource\n")
	if !ok {
		t.Fatal("CONTRIBUTING.md has no section about adding a resource")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	table := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([\\w/.]+\\.go)` \\| (\\d+) \\|").FindAllStringSubmatch(section, -1) {
		table[m[1]], _ = strconv.Atoi(m[2])
	}
	return table
}

// places returns how many declarations of each file of the SDK name a resource. Tests
// and comments do not count.
func places(t *testing.T, resource string) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, pattern := range []string{"*.go", "internal/*/*.go", "leedotest/*.go"} {
		names, err := fs.Glob(repo, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			// In internal/quota an account is that of the quota.
			if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal/quota/") {
				continue
			}
			source, err := fs.ReadFile(repo, name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.ToLower(string(source)), resource) {
				continue // most do not
			}
			file, err := parser.ParseFile(token.NewFileSet(), path.Base(name), source, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				if namesResource(decl, resource) {
					found[name]++
				}
			}
		}
	}
	return found
}

// namesResource reports whether a name or string in a declaration has the resource as
// one of its words.
func namesResource(decl ast.Decl, resource string) bool {
	found := false
	ast.Inspect(decl, func(n ast.Node) bool {
		text := ""
		switch n := n.(type) {
		case *ast.Ident:
			text = n.Name
		case *ast.BasicLit:
			text = n.Value
		}
		if reference.MatchString(text) {
			return true
		}
		for _, word := range words.FindAllString(text, -1) {
			if word = strings.ToLower(word); word == resource || word == resource+"s" {
				found = true
			}
		}
		return true
	})
	return found
}

var (
	// words matches those of a name in camel case.
	words = regexp.MustCompile(`[A-Z]?[a-z]+`)
	// reference matches the fields that are about records of another resource.
	reference = regexp.MustCompile(`(?i)(account_?id|leads_?count)`)
)
