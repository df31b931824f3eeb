package wire

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// The names of members in the bodies of errors, in the form that plainName returns,
// preferred names first. "Words" are human-readable text.
var (
	codeNames = []string{"code", "errorcode", "faultcode"}
	// mainWordNames are names of words even where keys are names of fields.
	mainWordNames = []string{"message", "msg", "errormessage", "detail"}
	wordNames     = append(mainWordNames[:4:4], "faultstring", "defaultmessage", "errordescription", "description", "reason", "title")
	// listNames are names of a list of errors, or of an object that has them by
	// field.
	listNames = []string{
		"errors", "details", "messages", "errormessages", "issues", "violations", "invalidparams",
		"fielderrors", "fieldviolations", "validationerrors", "formerrors", "modelstate", "fields",
	}
	// holderNames are names of values that may be more than a string.
	holderNames = append([]string{"message", "error", "detail", "msg", "err", "fault", "cause", "odata.error", "constraints", "children"}, listNames...)
	fieldNames  = []string{
		"field", "fieldname", "attribute", "property", "propertyname", "propertypath", "param", "parameter", "target", "pointer", "loc",
	}
	// wholeNames appear in the place of a field's name, but mean the whole: in
	// Rails, Django and Redux.
	wholeNames = []string{"nonfielderrors", "base", "all", "error"}
	// wrapperNames do as well, but may also contain data: in JSend and Play.
	wrapperNames = []string{"data", "response", "result", "obj"}
	// partNames are parts of the request, around its fields or before their names,
	// and what Symfony puts around the fields of a form.
	partNames = []string{"body", "query", "querystring", "path", "header", "headers", "cookie", "cookies", "form", "files", "json", "children"}
	// dataNames are names of the value that was rejected.
	dataNames = []string{"value", "rejectedvalue", "input", "received"}
	// noteNames are names of what is not an error.
	noteNames = []string{"stack", "stacktrace", "backtrace", "trace", "traces", "debug", "warnings", "hints", "help", "links"}
	// otherNames are names in the outermost object that are neither words nor
	// fields.
	otherNames = []string{
		"status", "statuscode", "statustext", "type", "timestamp", "time", "path", "method", "url", "requestid", "traceid", "correlationid", "instance",
		"success", "ok", "documentationurl", "docurl", "helpurl", "moreinfo", "meta", "id", "version", "apiversion",
	}
	// knownNames are all names above except dataNames and partNames.
	knownNames = slices.Concat(codeNames, wordNames, holderNames, fieldNames, wholeNames, wrapperNames, noteNames, otherNames)
)

// plainName returns a key in the form used above: errorCode, error_code, ErrorCode
// and error-code are the same name.
func plainName(key string) string {
	return strings.ToLower(wordBreaks.Replace(key))
}

var wordBreaks = strings.NewReplacer("_", "", "-", "")

// plainNames returns the non-null values of o by their plain names. If several keys
// have the same plain name, the one that equals it wins.
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

// lift moves what some frameworks nest deeper to where others have it.
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
	// The class-validator of NestJS has words by the names of checks.
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

// areFields reports whether the keys of an object are names of fields, in a place
// where they may be: it has no words of its own, or has some under an unknown name,
// too.
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

// isAllLists reports whether an object contains only lists of strings, as in Django
// REST framework, so that its keys are fields even if their names are known.
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

// lists reports whether value is a list of strings, or an object that contains only
// such lists, and whether one of the strings contains white space.
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

// isData reports whether a value, in a place where data may be, shows that the
// strings beside it are data, too: it is not words, and its name is unknown.
func isData(name string, value any) bool {
	data, _, _ := dataOrLists(name, value)
	return data
}

// dataOrLists returns what isData and lists return, in one pass: an object that calls
// lists again at each level takes seconds for a body that is nested deeply.
func dataOrLists(name string, value any) (data, all, words bool) {
	switch v := value.(type) {
	case nil:
	case string:
		data = v != "" && !hasSpace(v)
	case []any:
		all, words = lists(v)
		data = len(v) > 0 && !(all && words)
	case map[string]any:
		all = true
		for key, inner := range v {
			isData, isAll, hasWords := dataOrLists(plainName(key), inner)
			data, all, words = data || isData, all && isAll, words || hasWords
		}
		data = data && !(all && words)
	default:
		data = true
	}
	return data && !slices.Contains(knownNames, name), all, words
}

// fieldOf returns the field that an object says it is about, and whether that is
// certain: a name or path may be that of something else, so it counts only below
// the outermost object, and not if a key has named the field.
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
		return "", false // GraphQL's path is one in the response
	}
	if path := r.fieldName(names["path"]); path != "" && !strings.HasPrefix(text(names["path"]), "/") && !hasSpace(path) {
		return path, false
	}
	if name, ok := names["name"].(string); ok && !hasSpace(name) && !isClass(name, at.listed) {
		return r.cleanField(name), false
	}
	return "", false
}

// fieldName returns the name of a field that is given as a string, or as a list of
// its steps.
func (r *problemReader) fieldName(value any) string {
	switch v := value.(type) {
	case string:
		return r.cleanField(v)
	case []any:
		steps := make([]string, 0, len(v))
		for _, step := range v {
			s := text(step)
			if hasSpace(s) {
				return "" // not a name, but words
			}
			if s != "" {
				steps = append(steps, s)
			}
		}
		return r.cleanField(strings.Join(steps, "."))
	}
	return ""
}

// cleanField converts a JSON pointer or a path to a name with dots, and removes the
// part of the request before it. The token is masked first, as parts of it could
// remain otherwise.
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

// pointerEscapes are the escapes of RFC 6901, section 3.
var pointerEscapes = strings.NewReplacer("~1", "/", "~0", "~")

// isClass reports whether a name is the class of an error rather than a field, as
// in {"name":"ValidationError"}. Outside of lists, any upper-case letter is taken
// for a sign of that.
func isClass(name string, listed bool) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, "error") || strings.HasSuffix(lower, "exception") || !listed && lower != name
}

func hasSpace(s string) bool { return strings.ContainsFunc(s, unicode.IsSpace) }

// isStatusText reports whether s is the text of an HTTP status, which adds nothing
// to the status.
func isStatusText(s string) bool {
	for status := range 600 {
		if s != "" && strings.EqualFold(s, http.StatusText(status)) {
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

// hasDetails reports whether an object contains more to read than its words.
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

// isTexts reports whether value is a list of strings only.
func isTexts(value any) bool {
	list, ok := value.([]any)
	return ok && !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(string); return !ok })
}

// first returns the first of the named values that is a text.
func first(names map[string]any, order []string) string {
	for _, name := range order {
		if s := text(names[name]); s != "" {
			return s
		}
	}
	return ""
}

// text returns a string, or the digits of a number; "" for anything else.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	}
	return ""
}

// lastElement returns the last element of the URI that names the type of a problem
// (RFC 9457). It returns "" for generic types: "about:blank", a section of an RFC,
// which ASP.NET sends, and "error" or a list of errors.
func lastElement(uri string) string {
	uri = strings.TrimRight(uri, "/")
	last := uri[strings.LastIndexAny(uri, "/#:")+1:]
	if uri == "about:blank" || slices.Contains([]string{"error", "errors", "error.list", "field"}, last) || strings.HasPrefix(last, "section-") {
		return ""
	}
	return last
}

// isName reports whether code consists of words joined to a name.
func isName(code string) bool {
	return !strings.ContainsFunc(code, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-' && c != '.'
	})
}

// isWord reports whether token is a word, as in tests, rather than a secret.
func isWord(token string) bool {
	return len(token) < 16 && !strings.ContainsFunc(token, func(c rune) bool { return c < 'a' || c > 'z' })
}
