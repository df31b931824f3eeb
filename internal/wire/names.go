package wire

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// The names by which the bodies of errors are read, as plainName returns them,
// the better ones first.
var (
	codeNames = []string{"code", "errorcode"}
	// mainWordNames are names of words even where keys are names of fields.
	mainWordNames = []string{"message", "msg", "errormessage", "detail"}
	wordNames     = append(mainWordNames[:4:4], "defaultmessage", "errordescription", "description", "reason", "title")
	// listNames hold a list of errors, or an object by field.
	listNames = []string{
		"errors", "details", "messages", "errormessages", "issues", "violations", "invalidparams",
		"fielderrors", "fieldviolations", "validationerrors", "formerrors", "modelstate", "fields",
	}
	// holderNames may hold more than a string.
	holderNames = append([]string{"message", "error", "detail"}, listNames...)
	fieldNames  = []string{
		"field", "fieldname", "attribute", "property", "propertyname", "propertypath", "param", "parameter", "target", "pointer", "loc",
	}
	// wholeNames stand where a field's name could, but mean the whole: in Rails,
	// Django, Redux and JSend.
	wholeNames = []string{"nonfielderrors", "base", "all", "error", "data", "response", "result"}
	// otherNames of a body's own object are neither words nor fields.
	otherNames = []string{
		"status", "statuscode", "statustext", "type", "timestamp", "time", "path", "method", "url", "requestid", "traceid", "correlationid", "instance",
		"success", "ok", "documentationurl", "docurl", "helpurl", "moreinfo", "help", "links", "meta", "id", "version", "apiversion", "trace", "stack",
	}
	// requestParts stand before a field that is named with the part it is in.
	requestParts = []string{"body.", "query.", "path.", "header.", "cookie.", "form."}
)

// plainName returns a key as the tables above have it: errorCode, error_code,
// ErrorCode and error-code are one name.
func plainName(key string) string {
	return strings.ToLower(wordBreaks.Replace(key))
}

var wordBreaks = strings.NewReplacer("_", "", "-", "")

// plainNames returns the values of o that are not null by their plain names.
// Of several with one name, the one that has it as it stands wins.
func plainNames(o map[string]any) map[string]any {
	names := make(map[string]any, len(o))
	for _, key := range slices.Sorted(maps.Keys(o)) {
		name := plainName(key)
		if _, taken := names[name]; o[key] != nil && (!taken || key == name) {
			names[name] = o[key]
		}
	}
	return names
}

// fieldOf returns the field that an object says it is about, and whether it is
// sure: a name or path may be that of something else, so it counts only within
// the body's own object, and not where a key has named the field.
func (r *problemReader) fieldOf(names map[string]any, at place) (field string, sure bool) {
	source, _ := names["source"].(map[string]any)
	for _, name := range fieldNames {
		for _, value := range []any{names[name], source[name]} {
			if field := r.fieldName(value); field != "" {
				return field, true
			}
		}
	}
	if list, ok := names["fields"].([]any); ok && len(list) == 1 {
		if field := r.fieldName(list[0]); field != "" {
			return field, true
		}
	}
	if at.field != "" || at.depth == 0 && !at.listed {
		return "", false
	}
	if path := r.fieldName(names["path"]); path != "" && !strings.HasPrefix(text(names["path"]), "/") && !hasSpace(path) {
		return path, false
	}
	if name, ok := names["name"].(string); ok && !hasSpace(name) && !isClass(name, at.listed) {
		return r.cleanField(name), false
	}
	return "", false
}

// fieldName returns the name of a field, given as a string or, in steps, as a
// list.
func (r *problemReader) fieldName(value any) string {
	switch v := value.(type) {
	case string:
		return r.cleanField(v)
	case []any:
		steps := make([]string, 0, len(v))
		for _, step := range v {
			s := text(step)
			if hasSpace(s) {
				return "" // words about a field of that name
			}
			if s != "" {
				steps = append(steps, s)
			}
		}
		return r.cleanField(strings.Join(steps, "."))
	}
	return ""
}

// cleanField returns the name of a field as a form knows it: a JSON pointer or
// path with dots, and without the part of the request that it is in. The token
// is masked first, for parts of it could be left.
func (r *problemReader) cleanField(name string) string {
	name = strings.TrimSpace(r.mask(name))
	if pointer := strings.TrimPrefix(name, "#"); strings.HasPrefix(pointer, "/") {
		name = strings.ReplaceAll(strings.Trim(pointer, "/"), "/", ".")
		for _, prefix := range []string{"data", "attributes", "relationships"} { // JSON:API
			if name == prefix {
				return ""
			}
			name = strings.TrimPrefix(name, prefix+".")
		}
		return pointerEscapes.Replace(name)
	}
	name = strings.TrimPrefix(name, "$.")
	for _, prefix := range requestParts {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			return rest
		}
	}
	return name
}

// pointerEscapes are those of RFC 6901, section 3.
var pointerEscapes = strings.NewReplacer("~1", "/", "~0", "~")

// isClass reports whether a name is the class of an error rather than a field,
// as in {"name":"ValidationError"}. Outside of lists any capital says so.
func isClass(name string, listed bool) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, "error") || strings.HasSuffix(lower, "exception") || !listed && lower != name
}

func hasSpace(s string) bool { return strings.ContainsFunc(s, unicode.IsSpace) }

// hasDetails reports whether there is more to read in an object than its words.
func hasDetails(names map[string]any) bool {
	for _, name := range holderNames {
		switch v := names[name].(type) {
		case []any:
			if len(v) > 0 {
				return true
			}
		case map[string]any:
			if len(v) > 0 {
				return true
			}
		}
	}
	return false
}

// isTexts reports whether value is a list of strings and nothing else.
func isTexts(value any) bool {
	list, ok := value.([]any)
	return ok && !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(string); return !ok })
}

// first returns the first of the named values that is text.
func first(names map[string]any, order []string) string {
	for _, name := range order {
		if s := text(names[name]); s != "" {
			return s
		}
	}
	return ""
}

// text returns a value as text: of a string what it says, of a number its
// digits.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	}
	return ""
}

// lastElement returns the last element of the URI by which RFC 9457 names the
// type of a problem. Types that stand for none give nothing: "about:blank", a
// section of an RFC, which is what ASP.NET sends, and "error".
func lastElement(uri string) string {
	uri = strings.TrimRight(uri, "/")
	last := uri[strings.LastIndexAny(uri, "/#:")+1:]
	if uri == "about:blank" || last == "error" || last == "field" || strings.HasPrefix(last, "section-") {
		return ""
	}
	return last
}

// isName reports whether code consists of words that are joined to a name.
func isName(code string) bool {
	for i := range len(code) {
		c := code[i] | 0x20
		if (c < 'a' || c > 'z') && strings.IndexByte("_-.:", code[i]) < 0 {
			return false
		}
	}
	return true
}
