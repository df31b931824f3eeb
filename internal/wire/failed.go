package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// reportNames are plain names of members that may accompany an error. A response
// with any other member is not only about the error.
var reportNames = []string{
	"code", "details", "errordescription", "erroruri", "exception", "hint", "reason", "type", "instance",
	"method", "path", "timestamp", "requestid", "traceid", "documentationurl", "help", "version",
}

// maxReport is the largest body that may report an error.
const maxReport = 64 << 10

// Failed reports whether the body of a 2xx says that the call failed: it has
// neither a record nor items, and says "success": false or has an error and nothing
// else.
func Failed(body []byte) bool {
	var denied, failed, words, errorStatus bool
	var record, items, meta, other bool
	if len(body) > maxReport {
		return false
	}
	s := newScanner(body)
	complete := s.members(func(name string, kind byte, raw []byte) {
		value := strings.ToLower(strings.Trim(string(raw), `"`))
		switch name = plainName(name); name {
		case "id":
			record = record || idOf(kind, raw) != ""
		case "data":
			id, _ := bodyIDs(raw, nil)
			record = record || id != ""
			items = items || kind == jsonArray && !isBlank(raw)
		case "meta":
			meta = kind == jsonObject && !isBlank(raw)
		case "success":
			denied = denied || value == "false"
			other = other || value == "true" // an error beside it is a warning
		case "ok":
			failed = failed || value == "false"
			other = other || value == "true"
		case "error", "errors", "errorcode", "jsonrpc":
			failed = failed || kind != jsonNumber && !isBlank(raw)
		case "status", "statuscode":
			failed = failed || slices.Contains([]string{"error", "fail", "failed", "failure"}, value)
			errorStatus = errorStatus || len(value) == 3 && value >= "400" && value < "600"
		case "message", "msg", "detail", "title", "description":
			words = words || !isBlank(raw)
		default:
			other = other || !isBlank(raw) && !slices.Contains(reportNames, name)
		}
	})
	switch {
	case !complete || record || items:
		return false
	case denied:
		return true
	}
	return (failed || errorStatus && words) && !other && !meta
}

// Done reports whether a 2xx means that the write to target was done: its body is
// empty, JSON or the beginning of JSON, or the body or Location names the record.
// Any other text may come from a proxy, such as a maintenance or login page,
// whatever was requested.
func Done(header http.Header, body []byte, method string, target *url.URL) bool {
	if bytes.HasPrefix(bom, body) { // empty, or only part of a byte order mark
		return true
	}
	body = bytes.TrimPrefix(body, bom)
	if err := checkSyntax(body); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	id, inner := bodyIDs(body, envelopes(target.Path))
	rest, ok := below(header.Get("Location"), target)
	itself := ok && rest == "" && method != http.MethodPost // for a POST, target is the collection
	return id != "" || inner != "" || itself || locationID(header.Get("Location"), target) != ""
}

// IsMarkup reports whether body is HTML or XML. The Content-Type does not count:
// many servers label any text as HTML.
func IsMarkup(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(body, bom)), []byte("<"))
}

// isBlank reports whether JSON contains nothing: no text, no number but 0, no true.
func isBlank(raw []byte) bool {
	var value any
	return json.Unmarshal(raw, &value) == nil && blank(value)
}

func blank(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			if !blank(member) {
				return false
			}
		}
		return true
	case []any:
		return !slices.ContainsFunc(v, func(element any) bool { return !blank(element) })
	}
	return value == nil || value == "" || value == 0.0 || value == false
}
