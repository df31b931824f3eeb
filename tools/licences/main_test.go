package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompare writes the table of this repository, and checks that a document with
// another licence or without a module is an error.
func TestCompare(t *testing.T) {
	table, err := makeTable(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "licences.md")
	write(t, file, "Text.\n"+mark+"old\n")
	if err := compare(file, table, true); err != nil {
		t.Fatal(err)
	}
	if err := compare(file, table, false); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(string(text), "\n")
	const first = 5 // after the text, the mark and the head of the table
	if rows[0] != "Text." || len(rows) < first+12 || strings.Contains(string(text), "old") {
		t.Fatalf("wrote\n%s", text)
	}
	for _, changed := range []string{
		strings.Replace(string(text), "MPL-2.0", "MIT", 1),
		strings.Replace(string(text), rows[first]+"\n", "", 1),
		strings.Replace(string(text), "`leedotest`, ", "", 1),
	} {
		if changed == string(text) {
			t.Fatal("nothing is changed")
		}
		write(t, file, changed)
		if err := compare(file, table, false); err == nil || !strings.Contains(err.Error(), "is not what programs link") {
			t.Errorf("got %v for\n%s", err, changed)
		}
	}
	write(t, file, "no mark")
	if err := compare(file, table, true); err == nil {
		t.Error("a document without a place for the table is no error")
	}
}

func TestLicenceOf(t *testing.T) {
	mit, err := os.ReadFile(filepath.Join("..", "..", "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"known", map[string]string{"LICENSE": string(mit), "README": "x"}, "MIT"},
		{"British, in Markdown", map[string]string{"licence.md": string(mit)}, "MIT"},
		{"none", map[string]string{"README": string(mit)}, "no licence file"},
		{"two", map[string]string{"LICENSE": string(mit), "COPYING": string(mit)}, "two licence files, COPYING and LICENSE"},
		{"own text", map[string]string{"LICENSE": "Do with it what you like."}, "only 0 % of it"},
		{"much own text", map[string]string{"LICENSE": string(mit) + strings.Repeat("and further conditions ", 100)}, "% of it is the text of known licences"},
	} {
		dir := t.TempDir()
		for name, text := range test.files {
			write(t, filepath.Join(dir, name), text)
		}
		got, err := licenceOf(dir)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
