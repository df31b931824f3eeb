// Package crm has what several packages need to know of the records of the Leedo CRM:
// the resources with their documented fields, and the id of a record in JSON.
package crm

import "encoding/json"

// Resource is a resource of the API.
type Resource struct {
	// Name is the name in paths, such as "leads".
	Name string
	// Fields are the documented fields of a record in their order. The first is the id.
	Fields []string
	// Get reports whether the API has a call to read a record by its id.
	Get bool
}

// Resources are the resources of the API in their documented order.
var Resources = []*Resource{
	{"leads", []string{"id", "name", "email", "company", "phone", "status", "created_at", "updated_at"}, true},
	{"accounts", []string{"id", "name", "industry", "website", "created_at", "updated_at"}, true},
	{"contacts", []string{"id", "name", "email", "role", "account_id", "created_at", "updated_at"}, false},
	{"campaigns", []string{"id", "name", "status", "leads_count", "created_at", "updated_at"}, true},
}

// Names returns the names of the resources.
func Names() []string {
	var names []string
	for _, r := range Resources {
		names = append(names, r.Name)
	}
	return names
}

// Find returns the resource of that name, or nil if no resource has it.
func Find(name string) *Resource {
	for _, r := range Resources {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// ID returns the id of a record, be it a string or a number; "" if it has none.
func ID(record *json.RawMessage) string {
	var r struct {
		ID json.RawMessage `json:"id"`
	}
	json.Unmarshal(*record, &r)
	var id string
	if json.Unmarshal(r.ID, &id) == nil {
		return id // "" if it is null
	}
	return string(r.ID)
}
