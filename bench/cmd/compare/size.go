package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

const self = "github.com/leedoapp/leedo-go/bench"

// built is what a program that reads one object comes to.
type built struct {
	bytes   int64
	modules []string // the program's own and the standard library left out
}

// size builds the programs under get/ and prints their table.
func (r *report) size(w io.Writer, subjects []subject.Subject) error {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r.built = map[string]built{}
	fmt.Fprintln(w, "\n### A program that reads one object, built with -ldflags='-s -w'")
	fmt.Fprintln(w, "\n| | bytes | KiB over nethttp | modules linked |\n|---|--:|--:|--:|")
	// net/http goes first: the others are compared with it.
	programs := append([]string{"nethttp"}, slices.DeleteFunc(moduleNames(subjects), func(n string) bool { return n == "nethttp" })...)
	for _, name := range programs {
		b, err := build(dir, name)
		if err != nil {
			return err
		}
		r.built[name] = b
		fmt.Fprintf(w, "| %s | %d | %d | %d |\n", name, b.bytes, (b.bytes-r.built["nethttp"].bytes)>>10, len(b.modules))
	}
	return nil
}

// moduleNames is the subjects that have a module.
func moduleNames(subjects []subject.Subject) []string {
	var names []string
	for _, s := range subjects {
		if s.Module != "" && !s.WalkOnly {
			names = append(names, s.Name)
		}
	}
	return names
}

func build(dir, name string) (built, error) {
	program, out := self+"/get/"+name, filepath.Join(dir, name)
	var b built
	if _, err := goCommand("build", "-ldflags=-s -w", "-o", out, program); err != nil {
		return b, err
	}
	info, err := os.Stat(out)
	if err != nil {
		return b, err
	}
	b.bytes = info.Size()
	list, err := goCommand("list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", program)
	b.modules = slices.Compact(slices.Sorted(strings.FieldsSeq(list)))
	b.modules = slices.DeleteFunc(b.modules, func(m string) bool { return m == self })
	return b, err
}

// goCommand returns what the go command prints.
func goCommand(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w; run it in bench/", strings.Join(args, " "), err)
	}
	return string(out), nil
}
