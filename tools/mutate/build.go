package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

//go:embed mutated/mutated.go
var runtimeSource []byte

var (
	packageClause = regexp.MustCompile(`(?m)^package \w+`)
	compileError  = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):\d+: (.*)$`)
	numbers       = regexp.MustCompile(`mutated\.\w+(?:\[[^(]*\])?\((\d+)`)
)

// build is a copy of the packages in which all mutants stand, beside the module.
type build struct {
	root, dir string
	module    string
	sources   []*source
	mutants   []*mutant
	dropped   map[*mutant]bool // those that do not compile
}

// goCommand runs the go command in the root of the module.
func (b *build) goCommand(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = b.root
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (b *build) overlay() string { return filepath.Join(b.dir, "overlay.json") }

// write writes the changed files and the overlay that puts them in the place of the
// module's.
func (b *build) write() error {
	runtime := filepath.Join(b.dir, "mutated.go")
	if err := os.WriteFile(runtime, runtimeSource, 0o600); err != nil {
		return err
	}
	replace := map[string]string{filepath.Join(b.root, "internal", "mutated", "mutated.go"): runtime}
	for i, src := range b.sources {
		name := b.woven(i)
		if err := os.WriteFile(name, []byte(src.weave(b.module+"/internal/mutated", b.dropped)), 0o600); err != nil {
			return err
		}
		replace[src.path] = name
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(b.overlay(), text, 0o600)
}

func (b *build) woven(i int) string { return filepath.Join(b.dir, fmt.Sprintf("%03d.go", i)) }

// compile writes the files until they compile. It drops the mutants that the compiler
// rejects.
func (b *build) compile(patterns []string) error {
	for {
		if err := b.write(); err != nil {
			return err
		}
		out, err := b.goCommand(append([]string{"build", "-overlay", b.overlay()}, patterns...)...)
		if err == nil {
			return nil
		}
		before := len(b.dropped)
		for _, e := range compileError.FindAllStringSubmatch(out, -1) {
			line, _ := strconv.Atoi(e[2])
			if err := b.drop(e[1], line); err != nil {
				return err
			}
		}
		if len(b.dropped) == before {
			return fmt.Errorf("the mutants do not compile:\n%s", out)
		}
	}
}

// drop drops the mutants at a line of a changed file, or at the next line before it
// that has any.
func (b *build) drop(name string, line int) error {
	if !filepath.IsAbs(name) {
		name = filepath.Join(b.root, name)
	}
	for i, src := range b.sources {
		if name != src.path && name != b.woven(i) {
			continue
		}
		text, err := os.ReadFile(b.woven(i))
		if err != nil {
			return err
		}
		lines := strings.Split(string(text), "\n")
		for ; line > 0; line-- {
			found := numbers.FindAllStringSubmatch(lines[line-1], -1)
			for _, f := range found {
				id, _ := strconv.Atoi(f[1])
				b.dropped[b.mutants[id]] = true
			}
			if len(found) > 0 {
				return nil
			}
		}
	}
	return nil
}
