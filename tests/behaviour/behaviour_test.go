// Package behaviour_test compares what the SDK does, request by request, with
// the traces in the text files beside it. README.md says how to read them.
package behaviour_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var write = flag.Bool("write", false, "rewrite the traces instead of comparing them")

// Times in texts are UTC wherever the test runs.
func init() { time.Local = time.UTC }

// trace is a named scene.
type trace struct {
	name string
	play func(*scene)
}

// groups are the files, each with the traces in it.
var groups = []struct {
	file, subject string
	traces        func() []trace
}{
	{"operations.txt", "what each operation sends and returns", operationTraces},
	{"arguments.txt", "arguments, options and constructors that are rejected before a request is sent", argumentTraces},
	{"options.txt", "each option with each operation", optionTraces},
	{"statuses.txt", "each operation with each status that is not a success", statusTraces},
	{"problems.txt", "the forms of error bodies", problemTraces},
	{"redirects.txt", "each operation with each redirect", redirectTraces},
	{"connections.txt", "each operation with connections that fail, are cut or stall", connectionTraces},
	{"bodies.txt", "each operation with successes that are not what was asked for", bodyTraces},
	{"retries.txt", "when a call is retried, how often, after which wait", retryTraces},
	{"contexts.txt", "contexts that end before, during and after a call", contextTraces},
	{"headers.txt", "the forms of rate limit headers, and what is known after each", headerTraces},
	{"quota.txt", "several calls under a quota", quotaTraces},
	{"lists.txt", "iterations one page at a time", listTraces},
	{"prefetch.txt", "iterations with WithPrefetch", prefetchTraces},
	{"logs.txt", "log records, and errors as they are printed", logTraces},
}

func TestBehaviour(t *testing.T) {
	files, err := filepath.Glob("*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	names, contents, total, ran := map[string]bool{}, map[string]bool{}, 0, 0
	for _, g := range groups {
		files = slices.DeleteFunc(files, func(f string) bool { return f == g.file })
		t.Run(strings.TrimSuffix(g.file, ".txt"), func(t *testing.T) {
			var text strings.Builder
			for _, tr := range g.traces() {
				if names[tr.name] {
					t.Errorf("two traces are named %q", tr.name)
				}
				lines := record(t, tr.play)
				names[tr.name], contents[lines] = true, true
				fmt.Fprintf(&text, "## %s\n%s\n", tr.name, lines)
			}
			ran++
			n := len(split(text.String()))
			total += n
			fmt.Fprintf(&table, "| [%s](%s) | %d | %s |\n", g.file, g.file, n, g.subject)
			compare(t, g.file, text.String())
		})
	}
	if ran < len(groups) {
		return // -run selects some
	}
	for _, file := range files {
		t.Errorf("%s belongs to no group of traces: remove it", file)
	}
	if len(contents) < 1000 {
		t.Errorf("%d distinct traces, at least 1000 are promised", len(contents))
	}
	t.Logf("%d traces, %d distinct", total, len(contents))
	compareReadme(t, fmt.Sprintf("%d traces in %d files:\n\n| file | traces | subject |\n|---|---|---|\n%s", total, len(groups), &table))
}

// compare compares the text of a file with the one that is committed, trace by
// trace, or writes it.
func compare(t *testing.T, file, text string) {
	if *write {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v; %s", err, advice)
		return
	}
	if string(committed) == text {
		return
	}
	before, after := split(string(committed)), split(text)
	changed, shown := 0, 0
	for _, name := range union(before, after) {
		was, is := before[name], after[name]
		if was == is {
			continue
		}
		if changed++; shown < 10 {
			shown++
			t.Errorf("%s (- committed, + now):\n## %s\n%s", file, name, diff(was, is))
		}
	}
	t.Errorf("%s: traces that differ: %d, of which %d are shown; %s", file, changed, shown, advice)
}

// diff returns the lines of both texts, those of only one with its sign.
func diff(was, is string) string {
	a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
	// common[i][j] is how many lines a[i:] and b[j:] have in common, in order.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var text strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			fmt.Fprintf(&text, "  %s\n", a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			fmt.Fprintf(&text, "- %s\n", a[i])
			i++
		default:
			fmt.Fprintf(&text, "+ %s\n", b[j])
			j++
		}
	}
	return text.String()
}

// TestDiff checks that a difference has every line of both texts once, in order.
func TestDiff(t *testing.T) {
	for _, test := range []struct{ was, is, want string }{
		{"a\nb\nc\nd", "a\nx\nc\ny", "  a\n- b\n+ x\n  c\n- d\n+ y\n"},
		{"a", "a", "  a\n"},
		{"b\nc", "a\nb\nc\nd", "+ a\n  b\n  c\n+ d\n"},
		{"a\nb\nc", "c", "- a\n- b\n  c\n"},
	} {
		if got := diff(test.was, test.is); got != test.want {
			t.Errorf("%q, then %q:\n%s", test.was, test.is, got)
		}
	}
}

const advice = "if that is meant, run .ci/behaviour-snapshot, read the difference as a user would, and commit it with the change and a line in CHANGELOG.md"

// split returns the traces of a file by name.
func split(text string) map[string]string {
	traces := map[string]string{}
	for part := range strings.SplitSeq("\n"+text, "\n## ") {
		if name, lines, ok := strings.Cut(part, "\n"); ok && name != "" {
			traces[name] = strings.TrimRight(lines, "\n")
		}
	}
	return traces
}

func union(a, b map[string]string) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// compareReadme compares the counts in README.md, or writes them.
func compareReadme(t *testing.T, table string) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	counts := regexp.MustCompile(`(?s)\d+ traces in \d+ files:\n.*\|\n`)
	switch want := counts.ReplaceAllLiteralString(string(readme), table); {
	case want == string(readme):
	case *write:
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case !t.Failed():
		t.Errorf("README.md (- committed, + now):\n%s\n%s", diff(string(readme), want), advice)
	}
}
