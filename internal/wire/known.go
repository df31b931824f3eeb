package wire

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// envelopes are the names under which APIs put the one record of a response.
var envelopes = []string{"data", "result", "record", "item", "lead", "account", "contact", "campaign"}

// RecordID returns the id of the record that a response is about, as far as
// its body, which may be cut or unusable otherwise, or its Location names one;
// else "". path is the path that was requested, escaped, and id the id in it.
func RecordID(header http.Header, body []byte, path, id string) string {
	s := scanner{data: bytes.TrimPrefix(body, bom)}
	if found := s.findID(true); found != "" {
		return found
	}
	if found := locationID(header.Get("Location"), path); found != "" {
		return found
	}
	id, _ = url.PathUnescape(id)
	return id
}

// findID returns the id of the object that comes next, or of the one in its
// envelope. It reads as far as the JSON can be read.
func (s *scanner) findID(outer bool) string {
	if s.kind() != jsonObject {
		return ""
	}
	inner := ""
	s.at++
	for first := true; ; first = false {
		if more, err := s.next(first, '}'); !more || err != nil {
			return inner
		}
		key, err := s.key()
		if err != nil {
			return inner
		}
		name, kind := strings.Trim(string(key), `"`), s.kind()
		if outer && kind == jsonObject && slices.Contains(envelopes, name) {
			nested := *s
			inner = nested.findID(false)
		}
		raw, err := s.raw()
		if err != nil {
			return inner
		}
		if name == "id" && kind == jsonString && len(raw) > 2 {
			return unquote(raw)
		}
		if name == "id" && kind == jsonNumber {
			return string(raw)
		}
	}
}

// locationID returns the id in a Location that names a record in the collection
// at path.
func locationID(location, path string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	target := strings.TrimRight(u.EscapedPath(), "/")
	i := strings.LastIndexByte(target, '/')
	if i < 0 || !strings.HasSuffix(target[:i], strings.TrimRight(path, "/")) {
		return ""
	}
	id, err := url.PathUnescape(target[i+1:])
	if _, unsafe := EscapeID(id); err != nil || unsafe != nil {
		return ""
	}
	return id
}

// reports are the names under which responses report errors, and what stands
// beside them. A response that holds nothing else is about an error.
var reports = []string{
	"error", "errors", "message", "msg", "code", "error_code", "errorcode", "error_description", "error_uri",
	"detail", "details", "description", "reason", "title", "type", "instance", "status", "statuscode", "status_code",
	"success", "ok", "method", "path", "timestamp", "request_id", "requestid", "trace_id", "traceid",
	"documentation_url", "help", "meta",
}

// Failed reports whether the JSON of a success says that the call failed after
// all: it has no record and no rows, and says so in as many words
// ("success": false), or holds an error and nothing else. It allocates nothing
// and reads no further than it has to.
func Failed(body []byte) bool {
	s := scanner{data: bytes.TrimPrefix(body, bom)}
	if s.kind() != jsonObject {
		return false
	}
	denied, affirmed, erroneous, other := false, false, false, false
	s.at++
	for first := true; ; first = false {
		more, err := s.next(first, '}')
		if err != nil {
			return false
		}
		if !more {
			return denied || erroneous && !affirmed && !other
		}
		key, err := s.key()
		if err != nil {
			return false
		}
		kind := s.kind()
		rest := s.data[s.at:]
		if named(key, "id") && (kind == jsonNumber || kind == jsonString && !bytes.HasPrefix(rest, []byte(`""`))) {
			return false // a record, whatever else it has
		}
		if named(key, "data") && kind == jsonArray && !isEmpty(rest) {
			return false // a page
		}
		raw, err := s.raw()
		if err != nil {
			return false
		}
		value := strings.ToLower(string(raw[:min(len(raw), 12)]))
		switch {
		case kind == jsonNull || isEmpty(raw):
		case named(key, "success"), named(key, "ok"):
			no := value == "false" || value == `"false"` || value == "0"
			denied, affirmed = denied || no, affirmed || !no
		case named(key, "error"), named(key, "errors"):
			erroneous = erroneous || value != "false" && value != "0"
			denied = denied || value == "true"
		case named(key, "status") && (value == `"error"` || value == `"fail"` || value == `"failed"` || value == `"failure"`):
			denied = true
		case (named(key, "status") || named(key, "statuscode") || named(key, "status_code")) && kind == jsonNumber && value >= "400" && len(value) == 3:
			erroneous = true
		case !slices.ContainsFunc(reports, func(name string) bool { return named(key, name) }):
			other = true
		}
	}
}

// named reports whether the name of a member, with its quotes, is name.
func named(key []byte, name string) bool {
	return len(key) == len(name)+2 && strings.EqualFold(string(key[1:len(key)-1]), name)
}

// isEmpty reports whether JSON begins with an empty string, list or object.
func isEmpty(raw []byte) bool {
	if len(raw) < 2 || raw[0] != '"' && raw[0] != '[' && raw[0] != '{' {
		return false
	}
	rest := bytes.TrimLeft(raw[1:], " \t\r\n")
	return len(rest) > 0 && rest[0] == map[byte]byte{'"': '"', '[': ']', '{': '}'}[raw[0]]
}
