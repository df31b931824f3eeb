// Command licences compares docs/licences.md with what programs link that use the
// packages of the SDK: every module, its version, its licence and who links it.
//
//	licences [-write] ROOT
//
// The modules come from go list -deps, the licences from the licence files in the module
// cache, which github.com/google/licensecheck recognizes. With -write it rewrites the
// table in the document.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// users are the packages that programs import, with the directory of their module.
var users = []struct{ dir, pattern, name string }{
	{".", ".", "leedo"},
	{".", "./leedotest", "leedotest"},
	{"redislimit", ".", "redislimit"},
	{"leedootel", ".", "leedootel"},
}

func main() {
	write := flag.Bool("write", false, "rewrite the document")
	flag.Parse()
	root := flag.Arg(0)
	table, err := makeTable(root)
	if err == nil {
		err = compare(filepath.Join(root, "docs", "licences.md"), table, *write)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// makeTable returns the table of what the packages in users link.
func makeTable(root string) (string, error) {
	linkedBy := map[module][]string{}
	for _, u := range users {
		modules, err := linked(filepath.Join(root, u.dir), u.pattern)
		if err != nil {
			return "", err
		}
		for m := range modules {
			linkedBy[m] = append(linkedBy[m], "`"+u.name+"`")
		}
		fmt.Printf("%s links %d modules\n", u.name, len(modules))
	}
	var b strings.Builder
	b.WriteString("\n| module | version | licence | linked by |\n|---|---|---|---|\n")
	for _, m := range slices.SortedFunc(maps.Keys(linkedBy), func(a, b module) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Version, b.Version))
	}) {
		licence, err := licenceOf(m.Dir)
		if err != nil {
			return "", fmt.Errorf("%s %s: %w", m.Path, m.Version, err)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Path, m.Version, licence, strings.Join(linkedBy[m], ", "))
	}
	return b.String(), nil
}

// compare compares the table in a document, or writes it.
func compare(file, table string, write bool) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err := replace(string(old), table)
	switch {
	case err != nil:
		return err
	case text == string(old):
		return nil
	case write:
		return os.WriteFile(file, []byte(text), 0o644)
	}
	return errors.New("docs/licences.md is not what programs link: run .ci/supply -write, and read the difference; a new licence is a decision")
}

// module is a module of another project.
type module struct{ Path, Version, Dir string }

// linked returns the modules that a package links.
func linked(dir, pattern string) (map[module]bool, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=Module", pattern)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w", dir, err)
	}
	modules := map[module]bool{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			Module *module // nil for the standard library
		}
		switch err := decoder.Decode(&pkg); {
		case errors.Is(err, io.EOF):
			if len(modules) == 0 {
				return nil, fmt.Errorf("%s in %s links no module", pattern, dir)
			}
			return modules, nil
		case err != nil:
			return nil, err
		case pkg.Module != nil && !strings.HasPrefix(pkg.Module.Path+"/", "github.com/leedoapp/leedo-go/"):
			modules[*pkg.Module] = true
		}
	}
}

// licenceOf returns the SPDX names of the licences in the licence file of a module.
// Text that is not recognized is an error.
func licenceOf(dir string) (string, error) {
	licence, file := "", ""
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		name, _, _ := strings.Cut(strings.ToUpper(entry.Name()), ".")
		if name != "LICENSE" && name != "LICENCE" && name != "COPYING" {
			continue
		}
		if file != "" {
			return "", fmt.Errorf("two licence files, %s and %s", file, entry.Name())
		}
		file = entry.Name()
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return "", err
		}
		found := licensecheck.Scan(text)
		if found.Percent < 75 {
			return "", fmt.Errorf("%s: only %.0f %% of it is the text of known licences", file, found.Percent)
		}
		var names []string
		for _, match := range found.Match {
			if !slices.Contains(names, match.ID) {
				names = append(names, match.ID)
			}
		}
		licence = strings.Join(names, ", ")
	}
	if file == "" {
		return "", errors.New("no licence file")
	}
	return licence, nil
}

// mark is the line after which the table stands.
const mark = "<!-- The table below is written by .ci/supply -write. -->\n"

// replace returns the document with another table.
func replace(text, table string) (string, error) {
	head, _, ok := strings.Cut(text, mark)
	if !ok {
		return "", fmt.Errorf("docs/licences.md has no line %q", strings.TrimSpace(mark))
	}
	return head + mark + table, nil
}
