package wire

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// field is a field of a struct as encoding/json sees it, promoted fields included.
type field struct {
	name   string
	index  []int
	tagged bool

	omitZero, omitEmpty bool
	quoted              bool // the option "string": a scalar is encoded in a string
}

// of returns the field of v, and false if it is in an embedded struct that cannot
// be set.
func (f *field) of(v reflect.Value) (reflect.Value, bool) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return reflect.Value{}, false
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, v.CanSet() || v.Kind() != reflect.Pointer
}

// lookup returns the field for a member, or nil. key is the member's
// name as it stands in the JSON. An exact match is preferred to one that ignores
// case.
func lookup(fields []field, key []byte) *field {
	name := unquote(key)
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	for i := range fields {
		if strings.EqualFold(fields[i].name, name) {
			return &fields[i]
		}
	}
	return nil
}

// fieldsOf returns the fields of struct type t by the rules of encoding/json: of
// several fields with the same name, the least deeply embedded one counts; of
// those, the one whose name comes from a tag; if several remain, none.
func fieldsOf(t reflect.Type) []field {
	type embedded struct {
		t     reflect.Type
		index []int
	}
	fields := []field{}
	hidden := map[string]bool{}
	visited := map[reflect.Type]bool{}
	for level := []embedded{{t: t}}; len(level) > 0; {
		var deeper []embedded
		byName := map[string][]field{}
		for _, e := range level {
			if visited[e.t] {
				continue
			}
			for i := range e.t.NumField() {
				f := e.t.Field(i)
				inner := f.Type
				if inner.Kind() == reflect.Pointer && inner.Name() == "" {
					inner = inner.Elem()
				}
				promotes := f.Anonymous && inner.Kind() == reflect.Struct
				tag := f.Tag.Get("json")
				if tag == "-" || !f.IsExported() && !promotes {
					continue
				}
				name, options, _ := strings.Cut(tag, ",")
				index := append(slices.Clone(e.index), i)
				if promotes && name == "" {
					deeper = append(deeper, embedded{inner, index})
					continue
				}
				found := field{
					name: cmp.Or(name, f.Name), index: index, tagged: name != "",
					omitZero: hasOption(options, "omitzero"), omitEmpty: hasOption(options, "omitempty"),
					quoted: hasOption(options, "string"),
				}
				byName[found.name] = append(byName[found.name], found)
			}
		}
		for name, candidates := range byName {
			if hidden[name] {
				continue
			}
			hidden[name] = true
			if tagged := slices.DeleteFunc(slices.Clone(candidates), func(f field) bool { return !f.tagged }); len(tagged) > 0 {
				candidates = tagged
			}
			if len(candidates) == 1 {
				fields = append(fields, candidates[0])
			}
		}
		for _, e := range level {
			visited[e.t] = true
		}
		level = deeper
	}
	slices.SortFunc(fields, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return fields
}

func hasOption(options, name string) bool { return slices.Contains(strings.Split(options, ","), name) }
