// Command yesterday checks that the examples of the last release still compile, as code
// of users must that follows them.
//
//	yesterday [-write] ROOT
//
// It writes the recorded examples to a temporary folder, as modules of their own that
// use the SDK in ROOT, and runs go vet there. With -write it records the examples of
// ROOT, which is done for a release, by .ci/released.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"
)

// recorded are the modules with examples, and their files.
var recorded = []struct {
	dir   string
	files func(name string) bool // by the name relative to dir
}{
	{".", func(name string) bool {
		return match("example*_test.go", name) || match("docs/*_test.go", name) || match("examples/*/*.*", name) && !match("examples/leedo/*", name)
	}},
	{"redislimit", func(name string) bool { return match("example*_test.go", name) || match("examples/*/*", name) }},
	{"leedootel/examples", func(name string) bool { return match("*/*.go", name) }},
	{"examples/leedo", func(name string) bool {
		return (match("*.go", name) || match("*/*.*", name)) && !strings.HasSuffix(name, "_test.go")
	}},
}

func match(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

const sdk = "github.com/leedoapp/leedo-go"

func main() {
	write := flag.Bool("write", false, "record the examples")
	flag.Parse()
	root, err := filepath.Abs(flag.Arg(0))
	if err == nil {
		file := filepath.Join(root, "tools", "yesterday", "testdata", "examples.txtar")
		if *write {
			err = record(root, file)
		} else {
			err = check(root, file)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "yesterday:", err)
		os.Exit(1)
	}
}

// record writes the examples that git knows to a file.
func record(root, file string) error {
	archive := &txtar.Archive{Comment: []byte("The examples of the last release. Written by .ci/released and compiled by .ci/api.\n")}
	for i, r := range recorded {
		dir := filepath.Join(root, r.dir)
		listed, err := output(dir, "git", "ls-files")
		if err != nil {
			return err
		}
		files := 0
		for name := range strings.Lines(listed) {
			name = strings.TrimSpace(name)
			if name != "go.mod" && name != "go.sum" && !r.files(name) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			archive.Files = append(archive.Files, txtar.File{Name: path.Join(strconv.Itoa(i), name), Data: text})
			files++
		}
		if files < 3 {
			return fmt.Errorf("%s has %d files of examples", r.dir, files)
		}
		fmt.Printf("%s: %d files of examples recorded\n", r.dir, files)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	text := txtar.Format(archive)
	if len(txtar.Parse(text).Files) != len(archive.Files) {
		return errors.New("an example has a line that looks like one between the files of the archive")
	}
	return os.WriteFile(file, text, 0o644)
}

// check compiles the recorded examples with the SDK in root.
func check(root, file string) error {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return err
	}
	sums, err := checksums(root)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "yesterday")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	var modules []string
	for _, f := range archive.Files {
		name, text := filepath.Join(tmp, f.Name), f.Data
		switch path.Base(f.Name) {
		case "go.mod":
			modules = append(modules, filepath.Dir(name))
		case "go.sum": // also has what the SDK requires by now
			text = slices.Concat(text, sums)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	if len(modules) != len(recorded) {
		return fmt.Errorf("%d modules are recorded, %d are wanted", len(modules), len(recorded))
	}
	var failed []error
	for i, dir := range modules {
		if err := compile(root, dir); err != nil {
			failed = append(failed, fmt.Errorf("the recorded examples of %s: %w", recorded[i].dir, err))
			continue
		}
		fmt.Printf("%s: the examples of the last release compile\n", recorded[i].dir)
	}
	return errors.Join(failed...)
}

// compile makes the module in a folder use the SDK in root, and vets it.
func compile(root, dir string) error {
	edit := []string{"mod", "edit"}
	for _, nested := range []string{"", "/redislimit", "/leedootel"} {
		edit = append(edit, "-replace="+sdk+nested+"="+root+nested)
	}
	name, err := output(dir, "go", "list", "-m")
	if err != nil {
		return err
	}
	// Examples that are part of a module that programs import become a program.
	if name = strings.TrimSpace(name); slices.Contains([]string{sdk, sdk + "/redislimit"}, name) {
		edit = append(edit, "-module=example.com/yesterday", "-require="+sdk+"@v0.0.0", "-require="+name+"@v0.0.0")
	}
	if _, err := output(dir, "go", edit...); err != nil {
		return err
	}
	_, err = output(dir, "go", "vet", "-mod=mod", "./...")
	return err
}

// checksums returns the lines of all go.sum files in root.
func checksums(root string) ([]byte, error) {
	var all []byte
	for _, r := range recorded {
		text, err := os.ReadFile(filepath.Join(root, r.dir, "go.sum"))
		if err != nil {
			return nil, err
		}
		all = append(all, text...)
	}
	return all, nil
}

// output runs a command in a folder. Its error has what the command printed.
func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, &stderr)
	}
	return string(out), nil
}
