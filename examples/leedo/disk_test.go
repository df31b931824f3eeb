//go:build linux || darwin

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The program can be run with a limit on the size of the files that it writes, which is
// about what a full disk is.
func init() {
	if limit, err := strconv.ParseUint(os.Getenv("LEEDO_TEST_FILE_LIMIT"), 10, 64); err == nil {
		syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
	}
}

// An import ends when the disk is full, and the same command goes on when there is
// space again. Whether it may have to look for a row then depends on which commit failed.
func TestFullDisk(t *testing.T) {
	fake, env := serve(t)
	file := thirty(t)
	for _, tt := range []struct {
		limit string
		codes []int
		want  string // on standard error
		files string
	}{
		{"1000", []int{2}, `^leedo: invalid input: journal .*\n$`, "leads.csv"},
		{"100000", []int{1, 4}, `\nleedo: journal .*; \d+ of 30 rows are not sent yet: the same command goes on.*\n$`, "leads.csv leads.csv.journal result.csv"},
		{"", []int{0}, `30/30`, "leads.csv leads.csv.journal result.csv"},
	} {
		cmd := program(t, append(env, "LEEDO_TEST_FILE_LIMIT="+tt.limit), "import", "leads", "--file", file,
			"--result", filepath.Join(filepath.Dir(file), "result.csv"), "--attempt-timeout", "1s", "--look-after", "1s")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		cmd.Run()
		entries, _ := os.ReadDir(filepath.Dir(file))
		var files []string
		for _, e := range entries {
			files = append(files, e.Name())
		}
		if code := cmd.ProcessState.ExitCode(); !slices.Contains(tt.codes, code) || !regexp.MustCompile(tt.want).MatchString(stderr.String()) || strings.Join(files, " ") != tt.files {
			t.Errorf("with a limit of %q bytes: exit code %d, %q, files %s", tt.limit, code, &stderr, files)
		}
	}
	if n := len(fake.Leads()); n != 30 {
		t.Errorf("there are %d leads", n)
	}
}
