package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
)

// Problem is what the body of an error says. Its texts are lines, see [Line],
// with the token masked; in Code it is not masked, see [problemReader.setCode].
type Problem struct {
	Code    string
	Message string
	Fields  map[string][]string // the words about each field; nil if none is named
}

// The bounds of a Problem. Its texts have those of [Line].
const (
	maxDepth  = 5  // objects inside the body's own
	maxFields = 32 // and as many details that name no field
	maxWords  = 32 // of each field
)

// ReadProblem reads the code, the words and the fields that they are about out
// of the body of an error, in the shapes that frameworks and standards use: by
// their names for these things, wherever in the body they occur (names.go). Of
// text, HTML and anything else it reads nothing: pages are not messages.
func ReadProblem(body []byte, token string) Problem {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, bom)))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return Problem{}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Problem{} // more than one value
	}
	r := problemReader{mask: masker(token), token: token}
	switch value.(type) {
	case []any, map[string]any:
		r.read(value, place{})
	}
	return Problem{Line(r.code), Line(r.message()), r.fields()}
}

// problemReader collects what it reads.
type problemReader struct {
	mask      func(string) string
	token     string
	code      string
	codeDepth int
	general   []string // the words about the whole
	details   []detail // the others, in the order in which they were read
	found     int      // how many words were read, those that were too many included
}

// place is where a value stands.
type place struct {
	field   string // what the value is about, as a line; "" is the whole
	depth   int    // how many objects are around it
	listed  bool   // it is an element of a list
	byField bool   // an object here has fields for keys
	general bool   // its words are about the whole, whatever stands there
	numbers bool   // a number is words
}

func (r *problemReader) read(value any, at place) {
	switch v := value.(type) {
	case string:
		r.add(v, at)
	case json.Number:
		if at.numbers {
			r.add(v.String(), at)
		}
	case []any:
		at.listed, at.byField = true, false
		for _, element := range v {
			if _, ok := element.([]any); !ok { // lists of lists are data
				r.read(element, at)
			}
		}
	case map[string]any:
		if at.depth <= maxDepth {
			r.readObject(v, at)
		}
	}
}

// readObject reads an object that describes an error by the names in use for
// that, or that has what is wrong with each field under the field's name.
func (r *problemReader) readObject(o map[string]any, at place) {
	names := plainNames(o)
	if at.byField && first(names, mainWordNames) == "" {
		r.readFields(o, at, true)
		return
	}
	own := at
	own.byField, own.numbers = false, false
	field, sure := r.fieldOf(names, at)
	if field != "" {
		own.field = r.line(field)
	}
	before := r.found

	code, words := first(names, codeNames), first(names, wordNames)
	if _, ok := names["lang"]; ok && words == "" {
		words = text(names["value"]) // OData: {"message":{"lang":"en","value":"…"}}
	}
	short := text(names["error"])
	if words == "" && (code != "" || hasSpace(short) || !hasDetails(names)) {
		words = short
	} else if code == "" {
		code = short // as in RFC 6749, which has the words elsewhere
	}
	r.setCode(code, code, at.depth)
	if code == "" {
		uri := text(names["type"])
		code = lastElement(uri)
		r.setCode(uri, code, at.depth)
	}
	r.add(words, r.whole(own))
	for _, name := range holderNames {
		switch v := names[name].(type) {
		case string:
			if name != "message" && name != "error" && strings.TrimSpace(v) != words {
				r.add(v, r.whole(own))
			}
		case []any, map[string]any:
			if name == "fields" && isTexts(v) {
				continue // names of fields, not words
			}
			inner := own
			inner.depth++
			inner.byField = slices.Contains(listNames, name)
			inner.numbers = name == "errors"
			r.read(v, inner)
		}
	}
	switch {
	case r.found > before:
	case own.field != "" && code != "":
		r.add(code, own) // GitHub: {"field":"title","code":"missing_field"}
	case !sure:
		if _, ok := names["id"]; !ok { // with an id it is a record, not an error
			r.readFields(o, at, code == "")
		}
	}
}

// whole returns at as the place of words about the whole, if they are the
// first: further inside, words are details.
func (r *problemReader) whole(at place) place {
	at.general = at.general || !at.listed && len(r.general) == 0
	return at
}

// readFields reads an object by field. If the keys of the object may also be
// something else, those are left out that are known to be. anyText is whether
// any string is words; beside a code, single words are data.
func (r *problemReader) readFields(o map[string]any, at place, anyText bool) {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		name, value := plainName(key), o[key]
		list := slices.Contains(listNames, name)
		s, isText := value.(string)
		_, isList := value.([]any)
		switch {
		case strings.HasPrefix(key, "@"), isText && !anyText && !hasSpace(s):
			continue
		case at.byField: // all keys are fields
		case !isText && slices.Contains(holderNames, name): // has been read
			continue
		case at.depth == 0 && !isList && slices.Contains(otherNames, name):
			continue
		}
		inner := at
		inner.depth++
		inner.byField = list
		switch {
		case name == "" || slices.Contains(wholeNames, name):
			inner.general = at.field == ""
		case list:
		case strings.Trim(key, "0123456789") == "":
			inner.listed = true // PHP's lists may be objects with numbers
		default:
			inner.field = r.line(strings.TrimPrefix(at.field+"."+r.cleanField(key), "."))
		}
		r.read(value, inner)
	}
}

// setCode sets the code, unless one further outside or before is known. A code
// is not masked, as programs compare it: a token that is a word, as in tests,
// stays in the name that contains it. Any other code that contains the token
// is left out. whole is the text that the code was taken from.
func (r *problemReader) setCode(whole, code string, depth int) {
	if code == "" || r.code != "" && r.codeDepth <= depth {
		return
	}
	if r.mask(whole) != whole && (r.mask(code) == code || len(code) <= len(r.token) || !isName(code)) {
		return
	}
	r.code, r.codeDepth = code, depth
}
