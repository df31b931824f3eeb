package wire

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Problem reads the code and the message out of the body of an error, in any
// of the forms that APIs use: {"error":{"code","message"}}, {"error":"text"},
// {"message":"text"}, {"errors":[…]}, RFC 9457. Of text, HTML and anything
// else it returns nothing: pages are not messages. The secret is masked in both.
func Problem(body []byte, secret string) (code, message string) {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return "", ""
	}
	code, message = describe(top)
	if inner := object(top["error"]); inner != nil {
		c, m := describe(inner)
		code, message = or(c, code), or(m, message)
	} else if s := text(top["error"]); s != "" {
		// The form of RFC 6749 has the code here and the words elsewhere.
		if message == "" {
			message = s
		} else if code == "" {
			code = s
		}
	}
	if list := details(top["errors"]); message == "" {
		message = strings.Join(list, "; ")
	} else if len(list) > 0 {
		message += ": " + strings.Join(list, "; ")
	}
	if code == "" {
		code = lastElement(Mask(text(top["type"]), secret))
	}
	return Mask(code, secret), Mask(message, secret)
}

// describe returns the code and the words of an object that describes an
// error, by the names that are in use for them.
func describe(o map[string]json.RawMessage) (code, message string) {
	message = or(text(o["message"]), text(o["detail"]), text(o["error_description"]), text(o["title"]))
	return text(o["code"]), message
}

// details returns the words of a list of errors, or of an object that has a
// text or a list for each field.
func details(raw json.RawMessage) []string {
	if list := items(raw); list != nil {
		return list
	}
	var words []string
	fields := object(raw)
	for _, name := range sortedKeys(fields) {
		if w := or(text(fields[name]), strings.Join(items(fields[name]), ", ")); w != "" {
			words = append(words, name+": "+w)
		}
	}
	return words
}

// items returns the words of a list of texts or of objects that describe an
// error each.
func items(raw json.RawMessage) []string {
	var list []json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var words []string
	for _, item := range list {
		w := text(item)
		if o := object(item); o != nil {
			_, w = describe(o)
			if field := text(o["field"]); field != "" && w != "" {
				w = field + ": " + w
			}
		}
		if w != "" {
			words = append(words, w)
		}
	}
	return words
}

func sortedKeys(o map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// object returns raw as an object, nil if it is none.
func object(raw json.RawMessage) map[string]json.RawMessage {
	var o map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

// text returns raw as text: of a string what it says, of a number its digits.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if len(raw) > 0 && bytes.IndexByte([]byte("-0123456789"), raw[0]) >= 0 && json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// lastElement returns the last element of the URI by which RFC 9457 names the
// type of a problem; "about:blank" means none.
func lastElement(uri string) string {
	if uri == "about:blank" {
		return ""
	}
	uri = strings.TrimRight(uri, "/")
	return uri[strings.LastIndexAny(uri, "/#:")+1:]
}

func or(s ...string) string {
	for _, s := range s {
		if s != "" {
			return s
		}
	}
	return ""
}
