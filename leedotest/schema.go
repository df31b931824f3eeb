package leedotest

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// kind describes one kind of record: what the API calls it, which fields it
// has and what can be done with it. Values of enumerations are not checked, as
// the documentation does not list them all.
type kind struct {
	name     string // of one record, in messages
	path     string // of the list: /v1/<path>
	creates  bool   // POST of the list
	gets     bool   // GET of one record
	updates  bool   // PATCH of one record
	required string // the field that must be a non-empty string
	fields   []field
}

// field is one documented field; all that a request can bring are strings.
type field struct {
	name     string
	initial  any    // the value of a new record that is not given one; nil: null
	refersTo string // path of the kind whose id it holds; "": none
	unlisted bool   // left out of the items of a list
}

// The documentation, once more. Every record has id, created_at and updated_at
// besides; items of a list lack updated_at.
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

// kindOf returns the kind whose list is at /v1/<path>, nil if there is none.
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

// serversOwn reports whether a field is one that requests cannot set. It is sent as
// the record has it, unless SetField gave it a value.
func serversOwn(name string) bool {
	return name == "id" || name == "created_at" || name == "updated_at"
}

// item spells a whole record.
func (k *kind) item(r *record) []byte {
	return object(append(k.members(r, false),
		member{"created_at", r.sent("created_at", timestamp(r.created))},
		member{"updated_at", r.sent("updated_at", timestamp(r.updated))})...)
}

// listItem spells a record the way a list does.
func (k *kind) listItem(r *record) json.RawMessage {
	return object(append(k.members(r, true), member{"created_at", r.sent("created_at", timestamp(r.created))})...)
}

// members are a record's documented fields in the documentation's order, then
// the custom ones by name.
func (k *kind) members(r *record, listed bool) []member {
	members := []member{{"id", r.sent("id", r.id)}}
	for _, f := range k.fields {
		if !listed || !f.unlisted {
			members = append(members, member{f.name, r.values[f.name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		if k.field(name) == nil && !serversOwn(name) {
			members = append(members, member{name, r.values[name]})
		}
	}
	return members
}

// timestamp spells a time like the documentation, with a fraction of a second
// only where there is one.
func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
