// Command modproxy writes modules of a Git repository into a directory as a module proxy
// serves them, so that they can be used before they are released:
//
//	modproxy -repository CLONE -out DIR -version v0.1.0 . redislimit leedootel
//	GOPROXY=file://DIR,https://… go get …
//
// A module has the files that Git has at its tag of that version or, if there is no such
// tag, at HEAD: neither nested modules nor what is not committed.
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
	for _, dir := range flag.Args() {
		if err := write(*repository, *out, dir, *version); err != nil {
			fmt.Fprintf(os.Stderr, "modproxy: %s: %v\n", dir, err)
			os.Exit(1)
		}
	}
}

// write writes the module that is in the directory dir of the repository.
func write(repository, out, dir, version string) error {
	revision, err := git(repository, "rev-parse", "--verify", "--quiet", "refs/tags/"+path.Join(dir, version))
	if err != nil {
		if revision, err = git(repository, "rev-parse", "--verify", "HEAD"); err != nil {
			return err
		}
	}
	commit := string(bytes.TrimSpace(revision))
	gomod, err := git(repository, "cat-file", "blob", commit+":"+path.Join(dir, "go.mod"))
	if err != nil {
		return err
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
	if err := modzip.CreateFromVCS(&archive, m, repository, commit, subdir); err != nil {
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
	fmt.Printf("%s at %.12s\n", m, commit)
	return errors.Join(errs...)
}

func git(repository string, args ...string) ([]byte, error) {
	out, err := exec.Command("git", append([]string{"-C", repository}, args...)...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(exit.Stderr))
	}
	return out, err
}
