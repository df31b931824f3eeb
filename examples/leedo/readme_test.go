package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go/examples/leedo/command"
)

// The commands in README.md print what it says: standard output, then standard error.
// An ellipsis in it stands for any text.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	leads, err := os.ReadFile(filepath.Join("testdata", "leads.csv"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("leads.csv", leads, 0o600); err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for _, session := range strings.Split(block[1], "$ ")[1:] {
			line, want, _ := strings.Cut(session, "\n")
			commands++
			want = strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
			got := regexp.MustCompile(`(?m) +$`).ReplaceAllString(output(t, line), "")
			if !regexp.MustCompile("^" + want + "$").MatchString(got) {
				t.Errorf("%s prints\n%s", line, got)
			}
		}
	}
	if commands < 10 {
		t.Errorf("README.md has %d commands", commands)
	}
}

// output runs a command of README.md and returns what it prints.
func output(t *testing.T, line string) string {
	var args []string
	for _, quoted := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
		args = append(args, strings.Trim(quoted, `"`))
	}
	if args[0] == "cat" {
		text, err := os.ReadFile(args[1])
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	var stdout, stderr bytes.Buffer
	synctest.Test(t, func(t *testing.T) { // no command takes the five seconds after which it shows its progress
		time.Sleep(time.Until(time.Date(2026, time.June, 1, 0, 0, 0, 0, time.UTC))) // the records of the fake are older
		command.Run(t.Context(), args[1:], &stdout, &stderr)
	})
	return stdout.String() + stderr.String()
}
