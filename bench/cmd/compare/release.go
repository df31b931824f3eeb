package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const self = "github.com/leedoapp/leedo-go/bench"

// release is a release of Go to measure with.
type release struct {
	version string // as in go1.2.3
	program string // this program, built with the release
	env     []string
}

// current returns the release that this process was built with.
func current() (release, error) {
	program, err := os.Executable()
	return release{version: runtime.Version(), program: program}, err
}

// newRelease builds this program into a directory, with a toolchain given as a value of
// GOTOOLCHAIN.
func newRelease(toolchain, dir string) (release, error) {
	rel := release{program: filepath.Join(dir, "compare-"+toolchain), env: append(os.Environ(), "GOTOOLCHAIN="+toolchain)}
	version, err := rel.goCommand("env", "GOVERSION")
	if err == nil {
		rel.version = strings.TrimSpace(version)
		_, err = rel.goCommand("build", "-o", rel.program, self+"/cmd/compare")
	}
	return rel, err
}

// goCommand returns the output of the release's go command.
func (rel release) goCommand(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Env, cmd.Stderr = rel.env, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w; run it in bench/", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// client starts a client process and decodes its output.
func (rel release) client(out any, args ...string) error {
	var stderr bytes.Buffer
	cmd := exec.Command(rel.program, args...)
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, &stderr)
	}
	return json.Unmarshal(text, out)
}
