package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

// built is a program that reads one object.
type built struct {
	bytes   int64
	modules []string // linked, without the program's own and the standard library
}

// size builds the programs under get/.
func (r *report) size(subjects []subject.Subject) error {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r.built = map[string]built{}
	for _, name := range programs(subjects) {
		if r.built[name], err = r.release.build(dir, name); err != nil {
			return err
		}
	}
	return nil
}

// sizeTable prints the results of size.
func sizeTable(w io.Writer, reports []*report, subjects []subject.Subject) {
	table(w, "A program that reads one object, built with -ldflags='-s -w'", programs(subjects), nil, []column{
		{"bytes", func(r *report, name string) string { return fmt.Sprint(r.built[name].bytes) }},
		{"KiB over nethttp", func(r *report, name string) string { return fmt.Sprintf("%.0f", r.added(name)) }},
		{"modules linked", func(r *report, name string) string { return fmt.Sprintf("%.0f", r.linked(name)) }},
	}, reports)
}

// programs returns the subjects that have a program: nethttp, with which the others are
// compared, and those of a module.
func programs(subjects []subject.Subject) []string {
	names := []string{"nethttp"}
	for _, s := range subjects {
		if s.Module != "" && !s.WalkOnly {
			names = append(names, s.Name)
		}
	}
	return names
}

func (rel release) build(dir, name string) (built, error) {
	program, out := self+"/get/"+name, filepath.Join(dir, name)
	var b built
	if _, err := rel.goCommand("build", "-ldflags=-s -w", "-o", out, program); err != nil {
		return b, err
	}
	info, err := os.Stat(out)
	if err != nil {
		return b, err
	}
	b.bytes = info.Size()
	list, err := rel.goCommand("list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", program)
	b.modules = slices.Compact(slices.Sorted(strings.FieldsSeq(list)))
	b.modules = slices.DeleteFunc(b.modules, func(m string) bool { return m == self })
	return b, err
}
