package csvfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Mapping says which column goes to which field.
type Mapping struct {
	// Fields are the fields that the resource has.
	Fields []string
	// Map names fields for columns: {"Full Name": "name"}. A column that is not
	// in it goes to the field that has its name; upper and lower case, spaces,
	// hyphens and underscores make no difference.
	Map map[string]string
	// Extra names custom fields for columns: {"Lead Score": "score"}. An empty
	// name stands for that of the column.
	Extra map[string]string
}

// Target is where the cells of a column go.
type Target struct {
	// Name is the name of the field; empty means that the column is ignored.
	Name string
	// Extra reports whether it is a custom field.
	Extra bool
}

// columns returns the target of each column of the header.
func (m Mapping) columns(header []string) ([]Target, error) {
	targets := make([]Target, len(header))
	used := map[string]string{}  // name of a target → column
	given := map[string]string{} // column in Map or Extra → how often it was met
	for i, column := range header {
		column = strings.TrimSpace(column)
		target, explicit, err := m.target(column)
		if err != nil {
			return nil, err
		}
		if explicit {
			given[column] = target.Name
		}
		if target.Name == "" {
			continue
		}
		if other, twice := used[target.Name]; twice {
			return nil, fmt.Errorf("columns %q and %q both go to the field %s", other, column, target.Name)
		}
		used[target.Name] = column
		targets[i] = target
	}
	for _, columns := range []map[string]string{m.Map, m.Extra} {
		for _, column := range slices.Sorted(maps.Keys(columns)) {
			if _, ok := given[strings.TrimSpace(column)]; !ok {
				return nil, fmt.Errorf("there is no column %q: the header has %s", column, quoted(header))
			}
		}
	}
	if _, ok := used["name"]; !ok {
		return nil, fmt.Errorf("no column goes to the field name: the header has %s", quoted(header))
	}
	return targets, nil
}

// target returns where one column goes, and whether Map or Extra says so.
func (m Mapping) target(column string) (target Target, explicit bool, err error) {
	if field, ok := lookUp(m.Map, column); ok {
		if !slices.Contains(m.Fields, field) {
			return target, true, fmt.Errorf("column %q is mapped to %q, which is not one of the fields %s", column, field, strings.Join(m.Fields, ", "))
		}
		return Target{Name: field}, true, nil
	}
	if name, ok := lookUp(m.Extra, column); ok {
		if name == "" {
			name = column
		}
		if slices.Contains(m.Fields, name) || slices.Contains([]string{"", "id", "created_at", "updated_at"}, name) {
			return target, true, fmt.Errorf("column %q cannot go to a custom field %q: that is no custom field", column, name)
		}
		return Target{Name: name, Extra: true}, true, nil
	}
	for _, field := range m.Fields {
		if plain(field) == plain(column) {
			return Target{Name: field}, false, nil
		}
	}
	return target, false, nil
}

// lookUp returns the value of a column, whose name may have white space around
// it on either side.
func lookUp(columns map[string]string, column string) (string, bool) {
	for name, value := range columns {
		if strings.TrimSpace(name) == column {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// plain is a name without what writers of headers do not agree on.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(name))
}

func quoted(header []string) string {
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = fmt.Sprintf("%q", strings.TrimSpace(name))
	}
	return strings.Join(names, ", ")
}
