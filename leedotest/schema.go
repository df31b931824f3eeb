package leedotest

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// kind describes one kind of record: its names, fields and operations. Values of
// enumerations are not checked, because the documentation does not list them all.
type kind struct {
	name     string // the name of one record in messages
	path     string // the list is at /v1/<path>
	creates  bool   // whether there is POST /v1/<path>
	gets     bool   // whether there is GET /v1/<path>/{id}
	updates  bool   // whether there is PATCH /v1/<path>/{id}
	required string // the field that must be a non-empty string
	fields   []field
}

// field is one documented field. All that requests can set are strings.
type field struct {
	name     string
	initial  any    // the value in a new record if the request has none; nil means null
	refersTo string // the path of the kind whose id it holds; "" means that it holds no id
	unlisted bool   // whether it is omitted from list items
}

// kinds is the documented schema, written independently of package leedo. Every
// record also has id, created_at and updated_at; list items have no updated_at.
var kinds = []*kind{
	{
		name: "lead", path: "leads", required: "name",
		creates: true, gets: true, updates: true,
		fields: []field{
			{name: "name"},
			{name: "email"},
			{name: "company"},
			{name: "phone", unlisted: true},
			{name: "status", initial: "new"},
		},
	},
	{
		name: "account", path: "accounts", required: "name",
		creates: true, gets: true,
		fields: []field{
			{name: "name"},
			{name: "industry"},
			{name: "website"},
		},
	},
	{
		name: "contact", path: "contacts", required: "name",
		creates: true,
		fields: []field{
			{name: "name"},
			{name: "email"},
			{name: "role"},
			{name: "account_id", refersTo: "accounts"},
		},
	},
	{
		name: "campaign", path: "campaigns", required: "name",
		gets: true,
		fields: []field{
			{name: "name"},
			{name: "status", initial: "active"},
			{name: "leads_count", initial: json.Number("0")},
		},
	},
}

// kindOf returns the kind whose list is at /v1/<path>, or nil if no kind has it.
func kindOf(path string) *kind {
	for _, k := range kinds {
		if k.path == path {
			return k
		}
	}
	return nil
}

func (k *kind) field(name string) *field {
	for i := range k.fields {
		if k.fields[i].name == name {
			return &k.fields[i]
		}
	}
	return nil
}

// fill sets fields that are null or empty to their initial values.
func (k *kind) fill(values map[string]any) {
	for _, f := range k.fields {
		if v := values[f.name]; f.initial != nil && (v == nil || v == "") {
			values[f.name] = f.initial
		}
	}
}

// readOnly reports whether requests cannot set a field. Such a field is sent with
// the record's own value, unless SetField replaced it.
func readOnly(name string) bool {
	return name == "id" || name == "created_at" || name == "updated_at"
}

// item encodes a whole record.
func (k *kind) item(r *record) []byte {
	return object(append(k.members(r, false),
		member{"created_at", r.sent("created_at", timestamp(r.created))},
		member{"updated_at", r.sent("updated_at", timestamp(r.updated))})...)
}

// listItem encodes a record as an item of a list.
func (k *kind) listItem(r *record) json.RawMessage {
	return object(append(k.members(r, true), member{"created_at", r.sent("created_at", timestamp(r.created))})...)
}

// members returns a record's documented fields in the documentation's order, then
// the custom ones by name.
func (k *kind) members(r *record, listed bool) []member {
	members := []member{{"id", r.sent("id", r.id)}}
	for _, f := range k.fields {
		if !listed || !f.unlisted {
			members = append(members, member{f.name, r.values[f.name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		if k.field(name) == nil && !readOnly(name) {
			members = append(members, member{name, r.values[name]})
		}
	}
	return members
}

// timestamp formats a time as in the documentation, with a fraction of a second
// only if it has one.
func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
