package wire

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// RecordID returns the id of the record that a response is about, "" if nothing
// names one for sure: the id at the top of the body, which may be cut or
// unusable otherwise; the one in a Location of the collection at target, which
// is the URL that was requested; id, which was requested; or the id in the
// envelope that the body is.
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

// envelopes are the names under which responses have the one record of the
// collection at path: "lead" for /leads.
func envelopes(path string) []string {
	names := []string{"data", "result", "record"}
	if last := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], "s"); last != "" {
		names = append(names, last)
	}
	return names
}

// bodyIDs returns the id of the object that body is, and that of the one object
// in it if there is one and it is an envelope. It reads as far as it can.
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

// besideRecords are objects that are no records.
var besideRecords = []string{"meta", "links", "_links"}

// idOf returns JSON as an id, "" if it is none.
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

// locationID returns the id in a Location that names a record in the collection
// at target.
func locationID(location string, target *url.URL) string {
	rest, ok := below(location, target)
	if !ok || rest == "" || strings.Contains(rest, "/") {
		return ""
	}
	id, err := url.PathUnescape(rest)
	if _, unsafe := EscapeID(id); err != nil || unsafe != nil {
		return ""
	}
	return id
}

// below returns where under target a Location points, escaped; "" is target
// itself. ok is false if it is not under target.
func below(location string, target *url.URL) (rest string, ok bool) {
	u, err := target.Parse(location)
	if location == "" || err != nil || u.Scheme != target.Scheme || u.Host != target.Host {
		return "", false
	}
	rest, ok = strings.CutPrefix(strings.TrimRight(u.EscapedPath(), "/")+"/", strings.TrimRight(target.EscapedPath(), "/")+"/")
	return strings.TrimRight(rest, "/"), ok
}
