package wire

import (
	"slices"
	"strings"
)

// detail holds the words about one field, or a text that names no field.
type detail struct {
	field string
	words []string
}

func (r *problemReader) mask(s string) string { return Mask(s, r.token) }
func (r *problemReader) line(s string) string { return Line(r.mask(s)) }

// add adds words, unless they are empty.
func (r *problemReader) add(words string, at place) {
	words = r.line(words)
	if words == "" {
		return
	}
	r.found++
	field := at.field
	if field == "" && at.general {
		if len(r.general) < maxWords && !slices.Contains(r.general, words) {
			r.general = append(r.general, words)
		}
		return
	}
	same, others := -1, 0 // index of the detail about the same field; how many details are of this kind
	for i, d := range r.details {
		if d.field == field && field != "" {
			same = i
		}
		if (d.field == "") == (field == "") {
			others++
		}
	}
	if same < 0 && others < maxFields {
		r.details = append(r.details, detail{field, []string{words}})
	} else if same >= 0 && len(r.details[same].words) < maxWords && !slices.Contains(r.details[same].words, words) {
		r.details[same].words = append(r.details[same].words, words)
	}
}

// message composes the words about the whole and the details, each field before its
// words, without repetition.
func (r *problemReader) message() string {
	general, details := "", ""
	for _, words := range r.general {
		general = join(general, ", ", words)
	}
	for _, d := range r.details {
		if d.field != "" && slices.Contains(d.words, general) {
			general = "" // the field says as much
		}
	}
	for _, d := range r.details {
		line := ""
		for _, words := range d.words {
			line = join(line, ", ", words)
		}
		if d.field != "" {
			line = d.field + ": " + line
		}
		if !strings.Contains(general, line) {
			details = join(details, "; ", line)
		}
	}
	return join(general, ": ", details)
}

func (r *problemReader) fields() map[string][]string {
	var fields map[string][]string
	for _, d := range r.details {
		if d.field != "" {
			if fields == nil {
				fields = map[string][]string{}
			}
			fields[d.field] = d.words
		}
	}
	return fields
}

// join joins two texts. If a ends with punctuation, a space replaces the separator.
func join(a, separator, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	if strings.IndexByte(".!?:;,", a[len(a)-1]) >= 0 {
		separator = " "
	}
	return a + separator + b
}
