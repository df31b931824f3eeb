package wire

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// tolerant decodes JSON into v where encoding/json failed to, and takes what
// is unambiguous: see [forms]. It goes through the JSON once and leaves each
// scalar to encoding/json first, so it decodes the rest as that does.
type tolerant struct {
	scanner
	path   []step
	fields map[reflect.Type][]field
	blank  bool // the value that was read last says that there is none
}

// step is a step on the way from the whole to a value.
type step struct {
	name string // of a field; "" for an element of a map
	item int    // number of an element of a list, from 1; 0: none
}

// misfit is a value that cannot be read, in words of our own: those of
// encoding/json differ between Go releases and quote what was read.
type misfit struct {
	text  string
	cause error // of the type's own method; matched, never shown
}

func (e *misfit) Error() string        { return e.text }
func (e *misfit) Is(target error) bool { return e.cause != nil && errors.Is(e.cause, target) }

// decodeTolerant decodes data, which is one JSON value, into what out points to.
func decodeTolerant(data []byte, out any) error {
	d := tolerant{scanner: scanner{data: data}, fields: map[reflect.Type][]field{}}
	return d.value(reflect.ValueOf(out).Elem())
}

// decides reports whether type t reads JSON by a method of its own.
func decides(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// value decodes the next value into v. The syntax has been checked.
func (d *tolerant) value(v reflect.Value) error {
	kind, t := d.kind(), v.Type()
	if t.Kind() == reflect.Pointer {
		return d.pointer(v)
	}
	d.blank = false
	into := targetOf(t)
	switch {
	case into == aList && t.Elem().Kind() == reflect.Uint8, into != aList && into != anObject, kind == jsonNull:
		return d.scalar(v, into)
	case into == anObject && kind == jsonObject && t.Kind() == reflect.Struct:
		return d.structure(v)
	case into == anObject && kind == jsonObject:
		return d.mapping(v)
	case into == aList && kind == jsonArray:
		return d.list(v)
	}
	return d.scalar(v, into)
}

func (d *tolerant) pointer(v reflect.Value) error {
	if d.kind() == jsonNull {
		v.SetZero()
		return d.skip()
	}
	p := v
	if v.IsNil() {
		p = reflect.New(v.Type().Elem())
	}
	if err := d.value(p.Elem()); err != nil {
		return err
	}
	if d.blank { // no time is no pointer to a zero time
		p = reflect.Zero(v.Type())
	}
	v.Set(p)
	return nil
}

// scalar decodes a value that is not taken apart: by encoding/json, or in one
// of the [forms].
func (d *tolerant) scalar(v reflect.Value, into target) error {
	kind := d.kind()
	raw, _ := d.raw()
	if !v.CanInterface() { // an embedded struct that is not exported
		if kind == jsonNull {
			return nil
		}
		return d.misfit(kind, into, nil)
	}
	out := v.Addr().Interface()
	read := forms[form{into, kind}]
	if read == nil || into != aTime { // among the forms of times is the usual one
		if cause := json.Unmarshal(raw, out); cause == nil {
			return nil
		} else if read == nil {
			return d.misfit(kind, into, cause)
		}
	}
	s := string(raw)
	if kind == jsonString {
		s = unquote(raw)
	}
	usual, ok := read(s)
	switch {
	case !ok, usual != "" && json.Unmarshal([]byte(usual), out) != nil:
		return d.misfit(kind, into, nil)
	case usual != "":
	case into == aList && v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0)) // empty, but there
	case into == anObject && v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	default:
		v.SetZero()
		d.blank = into != aList && into != anObject
	}
	return nil
}

func (d *tolerant) structure(v reflect.Value) error {
	t := v.Type()
	if d.fields[t] == nil {
		d.fields[t] = fieldsOf(t)
	}
	d.at++
	for first := true; ; first = false {
		if more, _ := d.next(first, '}'); !more {
			d.blank = false
			return nil
		}
		key, _ := d.key()
		f := lookup(d.fields[t], key)
		if f == nil {
			d.skip()
			continue
		}
		d.path = append(d.path, step{name: f.name})
		member, ok := f.of(v)
		if !ok {
			return d.misfit(d.kind(), "", nil)
		}
		if err := d.value(member); err != nil {
			return err
		}
		d.path = d.path[:len(d.path)-1]
	}
}

func (d *tolerant) mapping(v reflect.Value) error {
	t := v.Type()
	if v.IsNil() {
		v.Set(reflect.MakeMap(t))
	}
	d.path = append(d.path, step{})
	d.at++
	for first := true; ; first = false {
		if more, _ := d.next(first, '}'); !more {
			d.path, d.blank = d.path[:len(d.path)-1], false
			return nil
		}
		raw, _ := d.key()
		// encoding/json knows what may be a key, and how it is read.
		alone := reflect.New(reflect.MapOf(t.Key(), reflect.TypeFor[struct{}]()))
		if err := json.Unmarshal(append(append([]byte("{"), raw...), ":{}}"...), alone.Interface()); err != nil {
			return d.misfit(jsonString, "", err)
		}
		elem := reflect.New(t.Elem()).Elem()
		if err := d.value(elem); err != nil {
			return err
		}
		for _, key := range alone.Elem().MapKeys() {
			v.SetMapIndex(key, elem)
		}
	}
}

func (d *tolerant) list(v reflect.Value) error {
	n := 0
	if v.Kind() == reflect.Slice && v.IsNil() {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0)) // an empty list is not nil
	} else if v.Kind() == reflect.Slice {
		v.SetLen(0)
	}
	d.at++
	for first := true; ; first = false {
		if more, _ := d.next(first, ']'); !more {
			break
		}
		if n++; v.Kind() == reflect.Slice {
			v.Grow(1)
			v.SetLen(n)
		} else if n > v.Len() { // what does not fit into an array is left out
			d.skip()
			continue
		}
		d.path = append(d.path, step{item: n})
		v.Index(n - 1).SetZero()
		if err := d.value(v.Index(n - 1)); err != nil {
			return err
		}
		d.path = d.path[:len(d.path)-1]
	}
	for ; v.Kind() == reflect.Array && n < v.Len(); n++ {
		v.Index(n).SetZero()
	}
	d.blank = false
	return nil
}

// misfit is the error of a value of some kind that does not fit where the
// decoder is: it names the item and the field, and nothing of the JSON.
func (d *tolerant) misfit(kind byte, into target, cause error) error {
	path := d.path
	if len(path) > 1 && path[0].name == "data" && path[1].item > 0 {
		path = path[1:] // of a page
	}
	var where, field string
	for i, s := range path {
		switch {
		case s.item > 0:
			where += fmt.Sprintf("item %d, ", s.item)
		case s.name == "":
			field += "[…]"
		case field != "":
			field += "." + s.name
		default:
			field = s.name
		}
		if field != "" && (i == len(path)-1 || path[i+1].item > 0) {
			where, field = where+fmt.Sprintf("field %q, ", field), ""
		}
	}
	if where = strings.TrimSuffix(where, ", "); where != "" {
		where += ": "
	}
	what := "cannot read a JSON " + kindNames[kind]
	if kind == jsonNull {
		what = "cannot read null"
	}
	if into != "" {
		what += " as " + string(into)
	}
	return &misfit{where + what, cause}
}

// unquote returns what a JSON string says.
func unquote(raw []byte) (s string) {
	json.Unmarshal(raw, &s) // its syntax has been checked
	return s
}
