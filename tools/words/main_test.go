package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestSamplesAreFound(t *testing.T) {
	if missed := selfTest(); len(missed) > 0 {
		t.Errorf("not found: %q", missed)
	}
}

// TestASampleThatIsNotFound checks that the self-test can fail.
func TestASampleThatIsNotFound(t *testing.T) {
	old := rules
	defer func() { rules = old }()
	rules = append(rules[:len(rules):len(rules)], rule{find("xyz"), "abc", "Nothing here."})
	if missed := selfTest(); len(missed) != 1 {
		t.Errorf("missed %q", missed)
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a.go", "package a\n\n// F tells\n// whether it is.\nfunc F() {}\n", "3: tells"},
		{"a.go", "// Nothing is under\n// way.\n", "1: under way"},
		{"a.go", "\tvar toldAt, refusedByUs, HTTPAnswer int\n", "1: told, 1: Answer, 1: refused"},
		{"a.lua", "-- the rows\nlocal x = 1 -- is told", "1: rows, 2: told"},
		{"README.md", "> The store\n> is of no use.", "2: of no use"},
		{"README.md", "Rows of a list. In a\nrow, the row.", "1: Rows, 2: row"},
		{"a.go", "x := map[string]int{\"answered\": 1}", "1: answered"},
	} {
		if got := found(test.name, test.text); got != test.want {
			t.Errorf("%s: %q: %s, want %s", test.name, test.text, got, test.want)
		}
	}
}

// TestNoFalseAlarms has ordinary English that is like a word of the list.
func TestNoFalseAlarms(t *testing.T) {
	for _, text := range []string{
		"The connection was refused. dial tcp: connect: connection refused. A server that refuses connections.",
		"case http2.REFUSED_STREAM: // or ECONNREFUSED",
		"type QuotaAnswer struct{}",
		"Five failures in a row. The rows of a table; CSV rows.",
		"It holds up to three pages. A buffer holds bytes up to the limit.",
		"If it is unknown, it is nil. None is needed.",
		"All walks the list. Pages walk it. import \"internal/walk\"; walk.New(ctx); type Walk struct{}; walkOption",
		"The API no longer responds. It is not known whether it was done.",
		"The untold story of the warehouse; narrow, throws, outdoors, misspelled.",
		"// TestAServerThatStopsTelling, BenchmarkAnswers.",
		"The same Plan as before. Back up the file, then go back.",
	} {
		if got := found("a.go", text); got != "" {
			t.Errorf("%q: %s", text, got)
		}
	}
	if got := found("ratelimit.go", "Refused int64; RefusedSent int64"); got != "" {
		t.Error(got)
	}
	if got := found("client.go", "Refused int64"); got == "" {
		t.Error("an exception for some files applies to others")
	}
}

func TestSkipped(t *testing.T) {
	for name, want := range map[string]bool{
		"tools/words/list.go": true, "a_test.go": true, "tests/internal/support/serve.go": true, "redislimit/testdata/a.go": true,
		"client.go": false, "tests/behaviour/README.md": false, "redislimit/exchange.lua": false, "tools/doccheck/main.go": false,
	} {
		if skip(name) != want {
			t.Errorf("skip(%q) is %v", name, !want)
		}
	}
}

func found(name, text string) string {
	var all []string
	for _, f := range check(name, text) {
		all = append(all, fmt.Sprintf("%d: %s", f.line, f.word))
	}
	return strings.Join(all, ", ")
}
