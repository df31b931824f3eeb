package wire

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// RecordID returns the id of the record that a response is about; "" if none is
// certain. The sources, in order: the id at the top of the body, which may be
// truncated or otherwise unusable; a Location in the collection at target, the URL
// that was requested; id, which was requested; and the id in the envelope that the
// body is.
func RecordID(header http.Header, body []byte, target *url.URL, id string) string {
	found, inner := bodyIDs(body, envelopes(target.Path))
	if found == "" {
		found = locationID(header.Get("Location"), target)
	}
	if found == "" {
		found, _ = url.PathUnescape(id)
	}
	if found == "" {
		found = inner
	}
	return found
}

// envelopes returns the names under which responses may have the single record of
// the collection at path: "lead" for /leads.
func envelopes(path string) []string {
	names := []string{"data", "result", "record"}
	if last := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], "s"); last != "" {
		names = append(names, last)
	}
	return names
}

// bodyIDs returns the id of the object that body is, and the id of the one object
// in it if that is an envelope. It reads as far as it can.
func bodyIDs(body []byte, envelopes []string) (id, inner string) {
	objects := 0
	s := newScanner(body)
	s.members(func(name string, kind byte, raw []byte) {
		switch {
		case strings.EqualFold(name, "id"):
			id = idOf(kind, raw)
		case kind == jsonObject && !slices.Contains(besideRecords, strings.ToLower(name)):
			if objects++; slices.Contains(envelopes, name) {
				inner, _ = bodyIDs(raw, nil)
			}
		}
	})
	if objects > 1 {
		inner = "" // the record is one of them, or all of them
	}
	return id, inner
}

// besideRecords are names of objects that are not records.
var besideRecords = []string{"meta", "links", "_links"}

// idOf returns a JSON value as an id; "" if it is not an id.
func idOf(kind byte, raw []byte) string {
	id := ""
	switch kind {
	case jsonString:
		id = unquote(raw)
	case jsonNumber:
		id = string(raw)
	}
	if _, err := EscapeID(id); err != nil || strings.TrimSpace(id) == "" || id == "0" {
		return ""
	}
	return id
}

// locationID returns the id in a Location of a record in the collection at target.
func locationID(location string, target *url.URL) string {
	rest, ok := below(location, target)
	if !ok || strings.Contains(rest, "/") {
		return ""
	}
	id, err := url.PathUnescape(rest)
	if _, unsafe := EscapeID(id); err != nil || unsafe != nil {
		return ""
	}
	return id
}

// below returns the escaped path of a Location relative to target; "" is target
// itself. ok is false if it is not under target.
func below(location string, target *url.URL) (rest string, ok bool) {
	u, err := target.Parse(location)
	if location == "" || err != nil || u.Scheme != target.Scheme || u.Host != target.Host {
		return "", false
	}
	rest, ok = strings.CutPrefix(strings.TrimRight(u.EscapedPath(), "/")+"/", strings.TrimRight(target.EscapedPath(), "/")+"/")
	return strings.TrimRight(rest, "/"), ok
}
