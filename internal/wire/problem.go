package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
)

// Problem is the content of an error's body. Its texts are lines (see [Line]) in
// which the token is masked. Code is not masked, see [problemReader.setCode].
type Problem struct {
	Code    string
	Message string
	Fields  map[string][]string // the words about each field; nil if no field is named
}

// The bounds of a Problem. Each text also has the bounds of [Line].
const (
	maxDepth  = 5  // levels of objects inside the outermost one
	maxFields = 32 // and the same number of details that name no field
	maxWords  = 32 // for each field
)

// typeDepth is added to the depth of a code that is the type of a problem: a member
// that is named as a code takes precedence, however deep it is.
const typeDepth = 100

// ReadProblem reads the code, the words and the fields from the body of an error,
// in the shapes that frameworks and standards use. It finds them by name, wherever
// they occur in the body (names.go). It reads nothing from text or HTML: pages are
// not messages.
func ReadProblem(body []byte, token string) Problem { return readBody(body, token, false) }

// ReadReport is ReadProblem for the body of a 2xx that reports a failure. Keys of
// the outermost object are never taken for fields with errors, because they may be
// those of a record.
func ReadReport(body []byte, token string) Problem { return readBody(body, token, true) }

func readBody(body []byte, token string, success bool) Problem {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, bom)))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return Problem{}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Problem{} // more than one value
	}
	r := problemReader{token: token, success: success}
	switch value.(type) {
	case []any, map[string]any:
		r.read(value, place{echo: true})
	}
	return Problem{Line(r.code), Line(r.message()), r.fields()}
}

// problemReader collects what is read.
type problemReader struct {
	token     string
	success   bool // the body is that of a 2xx
	code      string
	codeDepth int
	general   []string // the words about the whole
	details   []detail // all others, in the order in which they were read
	found     int      // how many words were read, including those over the limits
}

// place describes the position of a value in the body.
type place struct {
	field   string // what the value is about, as a line; "" means the whole
	depth   int    // number of objects around it
	listed  bool   // is an element of a list
	byField bool   // the keys of an object here are names of fields
	general bool   // words here are about the whole
	numbers bool   // a number here is words
	echo    bool   // no name around it says that it is an error: it may be data that the server echoes
	lists   bool   // lists of strings by field are words nevertheless
	data    bool   // a string here is data
}

func (r *problemReader) read(value any, at place) {
	switch v := value.(type) {
	case string:
		if !at.data {
			r.add(v, at)
		}
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

// readObject reads an object that describes an error by the usual names, or that
// has what is wrong with each field under the field's name.
func (r *problemReader) readObject(o map[string]any, at place) {
	names := plainNames(o)
	if at.byField && areFields(names) || isAllLists(o, at) && !r.noFields(at) {
		at.byField, at.lists = true, true
		r.readFields(o, at, anyWords)
		return
	}
	at.byField = false
	lift(names)
	own := at
	own.echo, own.data = false, false
	field, sure := r.fieldOf(names, at)
	if field != "" {
		own.field = r.line(field)
	}
	before := r.found

	order := wordNames
	if at.echo && at.depth > 0 {
		order = mainWordNames
	}
	code, words := first(names, codeNames), first(names, order)
	if _, ok := names["lang"]; ok && words == "" {
		words = text(names["value"]) // OData: {"message":{"lang":"en","value":"…"}}
	}
	short, status := text(names["error"]), ""
	if isStatusText(short) {
		short, status = "", short // "Bad Request" adds nothing to other words
	}
	if words == "" && (code != "" || hasSpace(short) || !hasDetails(names)) {
		words = short
	} else if code == "" {
		code = short // as in RFC 6749, where the words are in another member
	}
	r.setCode(code, code, at.depth)
	if code == "" {
		uri := text(names["type"])
		code = lastElement(uri)
		r.setCode(uri, code, typeDepth+at.depth)
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
				continue // names of fields
			}
			inner := own
			inner.depth++
			inner.byField = slices.Contains(listNames, name)
			inner.numbers = name == "errors"
			r.read(v, inner)
		}
	}
	switch {
	case sure || isScalar(names["id"]): // with an id it is a record, not an error
	case r.found > before:
		if own.field == "" && !at.listed {
			r.readFields(o, at, wordLists)
		}
	case own.field != "" && code != "":
	case code != "" || at.echo:
		r.readFields(o, at, sentences)
	default:
		r.readFields(o, at, anyWords)
	}
	if r.found == before && own.field != "" {
		r.add(code, own) // GitHub: {"field":"title","code":"missing_field"}
	}
	if r.found == before {
		r.add(status, r.whole(own))
	}
}

// whole returns at as the place of words about the whole if no others were read
// before: deeper in the body, words are details.
func (r *problemReader) whole(at place) place {
	at.general = at.general || !at.listed && len(r.general) == 0
	return at
}

// noFields reports whether keys of an object at that place are never names of
// fields.
func (r *problemReader) noFields(at place) bool { return r.success && at.echo }

// reading selects what is read from an object by field.
type reading int

const (
	wordLists reading = iota // lists of strings, one of which has white space in it
	sentences                // all lists, and strings with white space
	anyWords                 // all strings
)

// readFields reads an object by field. Unless all its keys are fields, it skips
// those that are known to be something else, and what may be data.
func (r *problemReader) readFields(o map[string]any, at place, what reading) {
	texts, lists := what, at.lists || !at.echo
	for key, value := range o {
		name := plainName(key)
		lists = lists || hasWordLists(value)
		rejected := at.field != "" && slices.Contains(dataNames, name) && isScalar(value)
		if !at.byField && (rejected || at.echo && isData(name, value)) {
			texts = wordLists
		}
	}
	if at.data && !at.byField {
		texts = wordLists
	}
	if r.noFields(at) {
		texts, lists = wordLists, false
	}
	for _, key := range slices.Sorted(maps.Keys(o)) {
		name, value := plainName(key), o[key]
		s, isText := value.(string)
		_, isList := value.([]any)
		_, isObject := value.(map[string]any)
		whole := name == "" || slices.Contains(wholeNames, name)
		wrapper := slices.Contains(wrapperNames, name) || isObject && at.field == "" && slices.Contains(partNames, name)
		switch {
		case strings.HasPrefix(key, "@"), isText && (texts == wordLists || texts == sentences && !hasSpace(s)):
			continue
		case at.byField: // all keys are fields
		case slices.Contains(holderNames, name), slices.Contains(noteNames, name): // the first have been read
			continue
		case !isList && !wrapper && (at.depth == 0 && slices.Contains(otherNames, name) || slices.Contains(dataNames, name)):
			continue
		case what == wordLists && (!hasWordLists(value) || wrapper && isList):
			continue
		case r.noFields(at) && !whole && !wrapper:
			continue
		}
		inner := at
		inner.depth++
		inner.byField, inner.lists, inner.data = false, lists, !lists && !whole && (isList || at.data)
		switch {
		case whole || wrapper:
			inner.general, inner.echo = at.field == "", at.echo && !whole
			inner.byField = at.byField && slices.Contains(partNames, name)
		case slices.Contains(listNames, name) && (len(o) == 1 || !isTexts(value) || strings.Contains(name, "error")):
			inner.byField = true
		case strings.Trim(key, "0123456789") == "":
			inner.listed = true // PHP may encode a list as an object with numbers as keys
		default:
			inner.field = r.line(strings.TrimPrefix(at.field+"."+r.cleanField(key), "."))
		}
		r.read(value, inner)
	}
}

// setCode sets the code, unless one that is less deep or came before is known. A
// code is not masked, because programs compare it: a token that is a short word, as
// in tests, stays in a name that contains it. Any other code that contains the
// token is omitted. whole is the text that the code was taken from.
func (r *problemReader) setCode(whole, code string, depth int) {
	if code == "" || r.code != "" && r.codeDepth <= depth {
		return
	}
	if r.mask(whole) != whole && (r.mask(code) == code || len(code) <= len(r.token) || !isWord(r.token) || !isName(code)) {
		return
	}
	r.code, r.codeDepth = code, depth
}
