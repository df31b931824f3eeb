// Command words finds words that the project does not use in code and documentation,
// because they are unclear or mean something else in this field. It reports each as
//
//	file:line: word -> what to write
//
// list.go has the words and the exceptions.
package main

import (
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
)

func main() {
	if missed := selfTest(); len(missed) > 0 {
		fmt.Fprintf(os.Stderr, "words: the patterns do not find their own samples: %q\n", missed)
		os.Exit(2)
	}
	files, found := 0, 0
	for _, name := range os.Args[1:] {
		if skip(name) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, "words:", err)
			os.Exit(2)
		}
		files++
		for _, f := range check(name, string(text)) {
			found++
			fmt.Printf("%s:%d: %s -> %s\n", name, f.line, f.word, f.write)
		}
	}
	fmt.Printf("%d files, %d words that are not used here\n", files, found)
	if files == 0 || found > 0 {
		os.Exit(1)
	}
}

func skip(name string) bool {
	for _, s := range skipped {
		if s.files.MatchString(name) {
			return true
		}
	}
	return false
}

// finding is a word in a file.
type finding struct {
	line        int
	word, write string
}

// check returns what it finds in the text of a file, in the order of the lines.
func check(name, text string) []finding {
	plain, starts := flatten(text)
	for _, e := range exceptions {
		if e.files == nil || e.files.MatchString(name) {
			plain = e.text.ReplaceAllStringFunc(plain, func(s string) string { return strings.Repeat("*", len(s)) })
		}
	}
	var found []finding
	for _, r := range rules {
		for _, at := range r.pattern.FindAllStringIndex(plain, -1) {
			line := sort.Search(len(starts), func(i int) bool { return starts[i] > at[0] })
			found = append(found, finding{line, strings.TrimSpace(plain[at[0]:at[1]]), r.write})
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].line < found[j].line })
	return found
}

var (
	// marker matches what begins a line of a comment, a quotation or a list.
	marker = regexp.MustCompile(`^\s*(//|--+|#+|>|\*|-)?\s*`)
	// test matches the name of a test, which comments cite: it is not theirs to word.
	test = regexp.MustCompile(`\b(Test|Benchmark|Fuzz|Example)[A-Z]\w*`)
	// hump matches where a word begins inside an identifier.
	hump = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])|_`)
)

// flatten returns a text as one line, so that a phrase may stand on two lines, with the
// words of identifiers separated, and where each line begins in it.
func flatten(text string) (plain string, starts []int) {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		starts = append(starts, b.Len())
		line = test.ReplaceAllString(line[len(marker.FindString(line)):], "Test")
		b.WriteString(hump.ReplaceAllString(line, "$1$3 $2$4"))
		b.WriteByte(' ')
	}
	return b.String(), starts
}

// selfTest returns the samples that their rules do not find.
func selfTest() []string {
	var missed []string
	for _, r := range rules {
		found := false
		for _, f := range check("sample.go", "// "+strings.Replace(r.sample, " ", "\n// ", 1)) {
			found = found || f.write == r.write
		}
		if !found {
			missed = append(missed, r.sample)
		}
	}
	return missed
}
