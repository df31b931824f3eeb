package main

import (
	"fmt"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/exp/apidiff"
)

// checkChangelog reports whether the newest section of a changelog names everything that
// differs from the API of the last release, and prints what it does not name. Its heading
// must have a new value of the constant Version.
func checkChangelog(out io.Writer, root, released, changelog string, patterns []string) (bool, error) {
	text, err := os.ReadFile(changelog)
	if err != nil {
		return false, err
	}
	section, err := newestSection(string(text))
	if err != nil {
		return false, fmt.Errorf("%s: %w", changelog, err)
	}
	pkgs, err := load(root, patterns)
	if err != nil {
		return false, err
	}
	snapshots, complete := newSnapshots(&loader{root, map[string]*types.Package{}}), true
	for _, pkg := range pkgs {
		file := filepath.Join(released, pkg.Name()+".txt")
		text, err := os.ReadFile(file)
		if err != nil {
			return false, fmt.Errorf("no API of the last release: %w", err)
		}
		old, err := snapshots.check(pkg.Path(), file, text)
		if err != nil {
			return false, fmt.Errorf("the API of the last release does not compile: %w", err)
		}
		changes := apidiff.Changes(old, pkg).Changes
		for _, change := range changes {
			name := changedName(change.Message)
			named, lacks := names(section, name), "name `"+name+"`"
			if version, ok := pkg.Scope().Lookup(name).(*types.Const); ok && name == "Version" {
				heading := "[" + strings.Trim(version.Val().ExactString(), `"`) + "]"
				named, lacks = strings.HasPrefix(section, heading+" "), "have the heading "+heading
			}
			if !named {
				complete = false
				fmt.Fprintf(out, "%s: the newest section of %s does not %s, which changes since the last release:\n  %s\n",
					pkg.Path(), changelog, lacks, change.Message)
			}
		}
		fmt.Fprintf(out, "%s: %d changes since the last release\n", pkg.Path(), len(changes))
	}
	return complete, nil
}

// newestSection returns the text under the first heading of a version.
func newestSection(changelog string) (string, error) {
	_, after, ok := strings.Cut("\n"+changelog, "\n## ")
	if !ok {
		return "", fmt.Errorf("no section")
	}
	section, _, _ := strings.Cut(after, "\n## ")
	return section, nil
}

// changedName returns the name at the beginning of a message of apidiff: T.Get for
// "(*T).Get: added".
func changedName(message string) string {
	name, _, _ := strings.Cut(message, ": ")
	return strings.NewReplacer("(*", "", ")", "").Replace(name)
}

var code = regexp.MustCompile("`[^`]*`")

// names reports whether a text has a name as code. A method or field may be without its
// type.
func names(text, name string) bool {
	word := regexp.MustCompile(`\b` + regexp.QuoteMeta(name[strings.LastIndex(name, ".")+1:]) + `\b`)
	return slices.ContainsFunc(code.FindAllString(text, -1), word.MatchString)
}
