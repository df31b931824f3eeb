package wire

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// The names by which the bodies of errors are read, as plainName returns them,
// the better ones first.
var (
	codeNames = []string{"code", "errorcode", "faultcode"}
	// mainWordNames are names of words even where keys are names of fields.
	mainWordNames = []string{"message", "msg", "errormessage", "detail"}
	wordNames     = append(mainWordNames[:4:4], "faultstring", "defaultmessage", "errordescription", "description", "reason", "title")
	// listNames hold a list of errors, or an object by field.
	listNames = []string{
		"errors", "details", "messages", "errormessages", "issues", "violations", "invalidparams",
		"fielderrors", "fieldviolations", "validationerrors", "formerrors", "modelstate", "fields",
	}
	// holderNames may hold more than a string.
	holderNames = append([]string{"message", "error", "detail", "msg", "err", "fault", "cause", "odata.error", "constraints", "children"}, listNames...)
	fieldNames  = []string{
		"field", "fieldname", "attribute", "property", "propertyname", "propertypath", "param", "parameter", "target", "pointer", "loc",
	}
	// wholeNames stand where a field's name could, but mean the whole: in Rails,
	// Django and Redux.
	wholeNames = []string{"nonfielderrors", "base", "all", "error"}
	// wrapperNames do as well, but may also have data in them: in JSend and Play.
	wrapperNames = []string{"data", "response", "result", "obj"}
	// partNames are parts of the request, around its fields or before their
	// names, and what Symfony has around the fields of a form.
	partNames = []string{"body", "query", "querystring", "path", "header", "headers", "cookie", "cookies", "form", "files", "json", "children"}
	// dataNames are of what was rejected.
	dataNames = []string{"value", "rejectedvalue", "input", "received"}
	// noteNames are of what is no error.
	noteNames = []string{"stack", "stacktrace", "backtrace", "trace", "traces", "debug", "warnings", "hints", "help", "links"}
	// otherNames of a body's own object are neither words nor fields.
	otherNames = []string{
		"status", "statuscode", "statustext", "type", "timestamp", "time", "path", "method", "url", "requestid", "traceid", "correlationid", "instance",
		"success", "ok", "documentationurl", "docurl", "helpurl", "moreinfo", "meta", "id", "version", "apiversion",
	}
	// knownNames are all of them but dataNames and partNames.
	knownNames = slices.Concat(codeNames, wordNames, holderNames, fieldNames, wholeNames, wrapperNames, noteNames, otherNames)
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

// lift puts what some frameworks hold further inside where others have it.
func lift(names map[string]any) {
	inside := func(outer, key string) any { o, _ := names[outer].(map[string]any); return o[key] }
	set := func(name string, value any) {
		if names[name] == nil && value != nil {
			names[name] = value
		}
	}
	set("code", inside("extensions", "code"))               // GraphQL
	set("errors", inside("embedded", "errors"))             // Micronaut
	if name := inside("details", "api_name"); name != nil { // Zoho
		set("field", name)
		delete(names, "details")
	}
	if params, ok := inside("data", "params").(map[string]any); ok && names["code"] != nil && inside("data", "status") != nil { // WordPress
		set("errors", params)
	}
	if status, ok := names["status"].(map[string]any); ok {
		set("error", status)
	}
	// The class-validator of NestJS: words by the names of checks.
	checks, _ := names["constraints"].(map[string]any)
	words := make([]any, 0, len(checks))
	for _, check := range slices.Sorted(maps.Keys(checks)) {
		words = append(words, checks[check])
	}
	names["constraints"] = words
	children, _ := names["children"].([]any)
	for _, child := range children {
		if o, ok := child.(map[string]any); ok && text(o["property"]) != "" && text(names["property"]) != "" {
			o["property"] = text(names["property"]) + "." + text(o["property"])
		}
	}
}

// areFields reports whether the keys of an object are fields where they may be:
// it has no words of its own, or also words under a name that is not known.
func areFields(names map[string]any) bool {
	if first(names, mainWordNames) == "" {
		return true
	}
	for name, value := range names {
		if s, ok := value.(string); ok && hasSpace(s) && !slices.Contains(knownNames, name) && first(names, codeNames) == "" {
			return true
		}
	}
	return false
}

// isAllLists reports whether an object has nothing but lists of strings, as in
// Django REST framework, so that its keys are fields even if they are known.
func isAllLists(o map[string]any, at place) bool {
	all, words := lists(o)
	known := true
	for key, value := range o {
		name := plainName(key)
		if list, ok := value.([]any); !ok || len(list) > 0 {
			words = words || at.echo && at.field == "" && (slices.Contains(wordNames, name) || slices.Contains(holderNames, name))
			known = known && slices.Contains(knownNames, name)
		}
	}
	return all && words && !known
}

// lists reports whether value is a list of strings, or an object with nothing
// but such lists by field, and whether one of the strings has white space in it.
func lists(value any) (all, words bool) {
	elements, isList := value.([]any)
	o, isObject := value.(map[string]any)
	for _, element := range elements {
		s, ok := element.(string)
		isList, words = isList && ok, words || hasSpace(s)
	}
	for _, element := range o {
		all, some := lists(element)
		isObject, words = isObject && all, words || some
	}
	return isList || isObject, words
}

func hasWordLists(value any) bool {
	all, words := lists(value)
	return all && words
}

// isData reports whether a value, where data may be, says that the strings
// beside it are data as well: it is no words, and under a name that is not known.
func isData(name string, value any) bool {
	if slices.Contains(knownNames, name) {
		return false
	}
	switch v := value.(type) {
	case nil:
		return false
	case string:
		return v != "" && !hasSpace(v)
	case []any:
		return len(v) > 0 && !hasWordLists(v)
	case map[string]any:
		for key, inner := range v {
			if isData(plainName(key), inner) {
				return !hasWordLists(v)
			}
		}
		return false
	}
	return true
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
	for _, name := range []string{"fields", "members"} {
		if list, ok := names[name].([]any); ok && len(list) == 1 {
			if field := r.fieldName(list[0]); field != "" {
				return field, true
			}
		}
	}
	if at.field != "" || at.depth == 0 && !at.listed {
		return "", false
	}
	if names["extensions"] != nil || names["locations"] != nil {
		return "", false // the path of GraphQL is one in the response
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
	name = strings.TrimPrefix(strings.TrimPrefix(name, "$."), "obj.") // .NET, Play
	if part, rest, ok := strings.Cut(name, "."); ok && rest != "" && slices.Contains(partNames, part) {
		return rest
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

// isStatusText reports whether s is the text of an HTTP status, which says no
// more than the status.
func isStatusText(s string) bool {
	for status := 100; status < 600 && s != ""; status++ {
		if strings.EqualFold(s, http.StatusText(status)) {
			return true
		}
	}
	return false
}

// isScalar reports whether value is a string, number or boolean.
func isScalar(value any) bool {
	switch value.(type) {
	case nil, []any, map[string]any:
		return false
	}
	return true
}

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
// section of an RFC, which is what ASP.NET sends, and "error" or a list of them.
func lastElement(uri string) string {
	uri = strings.TrimRight(uri, "/")
	last := uri[strings.LastIndexAny(uri, "/#:")+1:]
	if uri == "about:blank" || slices.Contains([]string{"error", "errors", "error.list", "field"}, last) || strings.HasPrefix(last, "section-") {
		return ""
	}
	return last
}

// isName reports whether code consists of words that are joined to a name.
func isName(code string) bool {
	return !strings.ContainsFunc(code, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-' && c != '.'
	})
}

// isWord reports whether token is a word, as in tests, rather than a secret.
func isWord(token string) bool {
	return len(token) < 16 && !strings.ContainsFunc(token, func(c rune) bool { return c < 'a' || c > 'z' })
}
