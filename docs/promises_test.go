package docs_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promise is a row of the tables in docs/promises.md.
type promise struct {
	document                                string // the heading above the table
	id, quote, test, how, sabotage, control string
}

// promises returns the rows of the tables.
func promises(t *testing.T) []promise {
	t.Helper()
	var all []promise
	document := ""
	heading := regexp.MustCompile(`^## \[(.+)\]\(`)
	for line := range strings.Lines(read(t, "docs/promises.md")) {
		if m := heading.FindStringSubmatch(line); m != nil {
			document = m[1]
		}
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), "|")
		if document == "" || len(cells) < 3 || strings.HasPrefix(line, "| id |") || strings.HasPrefix(line, "|---") {
			continue
		}
		if len(cells) != 8 {
			t.Fatalf("%d cells instead of 6: %s", len(cells)-2, line)
		}
		for i, cell := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cell), "\x00", "|")
		}
		all = append(all, promise{document, cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]})
	}
	if len(all) < 60 {
		t.Fatalf("found only %d promises", len(all))
	}
	return all
}

// words returns a text without links and line breaks.
func words(text string) string {
	text = regexp.MustCompile(`\[([^\]]*)\]\([^)\s]*\)`).ReplaceAllString(text, "$1")
	return strings.Join(strings.Fields(text), " ")
}

// TestPromisesAreQuoted checks that each promise stands in the document that is named
// above its table, word for word.
func TestPromisesAreQuoted(t *testing.T) {
	ids := map[string]bool{}
	for _, p := range promises(t) {
		if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(p.id) || ids[p.id] {
			t.Errorf("%s: not an id, or one that another promise has", p.id)
		}
		ids[p.id] = true
		if !slices.Contains([]string{"exhaustive", "randomised", "tested", "measured"}, p.how) {
			t.Errorf("%s: %q is not a way to test", p.id, p.how)
		}
		if len(p.quote) < 10 || p.quote != words(p.quote) || !strings.Contains(words(read(t, p.document)), p.quote) {
			t.Errorf("%s: %s does not say: %s", p.id, p.document, p.quote)
		}
	}
}

// TestPromisesHaveTests checks that each test and each control exists.
func TestPromisesHaveTests(t *testing.T) {
	for _, p := range promises(t) {
		checkTest(t, p.id, p.test)
		if strings.HasPrefix(p.sabotage, "none: ") {
			if p.control != "" || len(p.sabotage) < 20 {
				t.Errorf("%s: no sabotage has a reason and no control", p.id)
			}
			continue
		}
		checkTest(t, p.id, p.control)
		if p.control == p.test {
			t.Errorf("%s: the control is the test", p.id)
		}
	}
}

// checkTest checks that a cell names a folder and a test in it, or a case of one, which
// .ci/sabotage runs.
func checkTest(t *testing.T, id, cell string) {
	t.Helper()
	dir, test, _ := strings.Cut(strings.Trim(cell, "`"), " ")
	name, _, _ := strings.Cut(test, "/")
	if !strings.HasPrefix(name, "Test") {
		t.Errorf("%s: %q is not a test", id, cell)
	}
	for _, file := range glob(t, path.Join(dir, "*_test.go")) {
		if strings.Contains(read(t, file), "\nfunc "+name+"(t *testing.T) {") {
			return
		}
	}
	t.Errorf("%s: %s has no %s", id, dir, name)
}

// TestSabotages checks that each patch belongs to one promise, applies, and changes
// neither tests nor documents. .ci/sabotage shows that it breaks the promise.
func TestSabotages(t *testing.T) {
	used := map[string]bool{}
	for _, p := range promises(t) {
		file := "tests/sabotage/" + p.id + ".patch"
		if strings.HasPrefix(p.sabotage, "none: ") {
			continue
		}
		if want := "[" + p.id + ".patch](../" + file + ")"; p.sabotage != want {
			t.Errorf("%s: the sabotage is %s, want %s", p.id, p.sabotage, want)
			continue
		}
		used[file] = true
		applyPatch(t, file)
	}
	if len(used) < 40 {
		t.Errorf("only %d promises have a patch", len(used))
	}
	if n := len(used); !strings.Contains(read(t, "docs/proof.md"), fmt.Sprintf("sabotages caught: %d of %d;", n, n)) {
		t.Errorf("docs/proof.md does not say that %d sabotages are caught", n)
	}
	for _, file := range glob(t, "tests/sabotage/*") {
		if !used[file] {
			t.Errorf("no promise has %s", file)
		}
	}
}

// applyPatch checks that the lines that a patch removes or leaves stand in the files that
// it changes.
func applyPatch(t *testing.T, patch string) {
	t.Helper()
	target, before, removed, added := "", "", 0, 0
	check := func() {
		if before != "" && !strings.Contains(read(t, target), before) {
			t.Errorf("%s does not apply: %s has no\n%s", patch, target, before)
		}
		before = ""
	}
	for line := range strings.Lines(read(t, patch)) {
		switch {
		case strings.HasPrefix(line, "diff --git "):
			check()
			target = ""
		case strings.HasPrefix(line, "--- "):
		case strings.HasPrefix(line, "+++ b/"):
			target = strings.TrimSpace(strings.TrimPrefix(line, "+++ b/"))
			code := strings.HasSuffix(target, ".go") || target == "redislimit/exchange.lua"
			if !code || strings.HasSuffix(target, "_test.go") || strings.HasPrefix(target, "tests/") || strings.HasPrefix(target, "docs/") {
				t.Errorf("%s changes %s", patch, target)
			}
		case target == "":
		case strings.HasPrefix(line, "@@"):
			check()
		case strings.HasPrefix(line, "+"):
			added++
		default:
			before += line[1:]
			if line[0] == '-' {
				removed++
			}
		}
	}
	check()
	if removed+added == 0 || removed+added > 30 {
		t.Errorf("%s changes %d lines: a sabotage is a small change", patch, removed+added)
	}
}
