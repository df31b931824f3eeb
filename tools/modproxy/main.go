// Command modproxy writes modules of a Git repository into a directory as a module proxy
// serves them, so that they can be used before they are released:
//
//	modproxy -repository CLONE -out DIR -version v0.1.0 .@HEAD redislimit@HEAD
//	GOPROXY=file://DIR,https://… go get …
//
// Its arguments are directories with a go.mod, and the revision of each. A module has the
// files that Git has there, without those of nested modules.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

func main() {
	repository := flag.String("repository", ".", "the root of the `repository`, which is not a linked worktree")
	out := flag.String("out", "", "the `directory` to write to")
	version := flag.String("version", "", "the `version` of the modules")
	flag.Parse()
	if *out == "" || *version == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	for _, arg := range flag.Args() {
		dir, revision, _ := strings.Cut(arg, "@")
		if err := write(*repository, revision, *out, dir, *version); err != nil {
			fmt.Fprintf(os.Stderr, "modproxy: %s: %v\n", arg, err)
			os.Exit(1)
		}
	}
}

// write writes the module that is in a directory of a revision.
func write(repository, revision, out, dir, version string) error {
	gomod, err := exec.Command("git", "-C", repository, "cat-file", "blob", revision+":"+path.Join(dir, "go.mod")).Output()
	if err != nil {
		return fmt.Errorf("no go.mod: %w", err)
	}
	m := module.Version{Path: modfile.ModulePath(gomod), Version: version}
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}

	subdir := dir
	if subdir == "." {
		subdir = ""
	}
	var archive bytes.Buffer
	if err := modzip.CreateFromVCS(&archive, m, repository, revision, subdir); err != nil {
		return err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{version, time.Unix(0, 0).UTC()})
	if err != nil {
		return err
	}

	proxy := filepath.Join(out, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(proxy, 0o755); err != nil {
		return err
	}
	var errs []error
	for name, content := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": info,
		version + ".mod":  gomod,
		version + ".zip":  archive.Bytes(),
	} {
		errs = append(errs, os.WriteFile(filepath.Join(proxy, name), content, 0o644))
	}
	fmt.Printf("%s of %s\n", m, revision)
	return errors.Join(errs...)
}
