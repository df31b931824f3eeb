package main

import (
	"slices"
	"strings"
)

// escape protects text of a file from being read as a place for a number or text.
func escape(s string) string { return strings.ReplaceAll(s, "%", "\x00") }

// weave returns the text of the file with its edits, except those of dropped mutants.
func (s *source) weave(importPath string, dropped map[*mutant]bool) string {
	var edits []edit
	for _, e := range s.edits {
		if !dropped[e.mutant] {
			edits = append(edits, e)
		}
	}
	// The outer one first; of those with the same text, the later one is outside.
	slices.Reverse(edits)
	slices.SortStableFunc(edits, func(a, b edit) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	text, rest := s.apply(0, len(s.text), edits)
	if len(rest) > 0 {
		panic("mutate: edits overlap in " + s.path)
	}
	if len(edits) == 0 {
		return text
	}
	clause := packageClause.FindStringIndex(text)
	return text[:clause[1]] + `; import "` + importPath + `"` + text[clause[1]:]
}

// apply returns the text between two offsets with the edits inside them, and the other
// edits.
func (s *source) apply(from, to int, edits []edit) (string, []edit) {
	var b strings.Builder
	for len(edits) > 0 && edits[0].from < to && edits[0].to <= to {
		e := edits[0]
		b.WriteString(s.text[from:e.from])
		var inner string
		inner, edits = s.apply(e.from, e.to, edits[1:])
		b.WriteString(strings.ReplaceAll(e.text(inner), "\x00", "%"))
		from = e.to
	}
	b.WriteString(s.text[from:to])
	return b.String(), edits
}
