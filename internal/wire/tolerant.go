package wire

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tolerant decodes JSON that encoding/json did not accept, and accepts what is
// unambiguous: see [forms]. It reads the JSON once and tries encoding/json first
// for each scalar, so it decodes everything else as encoding/json does.
type tolerant struct {
	scanner
	path   []step
	fields map[reflect.Type][]field
	blank  bool // the value read last means that there is no value
}

// step is one step of the path to a value.
type step struct {
	name string // of a field; "" for a map entry
	item int    // number of a list element, from 1; 0 if it is not one
}

// misfit is the error of a value that cannot be decoded. It has its own text,
// because those of encoding/json differ between Go releases and quote the value.
type misfit struct {
	text  string
	cause error // from the type's own method; matched by errors.Is, never shown
}

func (e *misfit) Error() string        { return e.text }
func (e misfit) Equal(o misfit) bool   { return e.text == o.text && Alike(e.cause, o.cause) }
func (e *misfit) Is(target error) bool { return e.cause != nil && errors.Is(e.cause, target) }

// Format keeps the cause out of %#v.
func (e *misfit) Format(f fmt.State, _ rune) { io.WriteString(f, e.text) }

// decodeTolerant decodes data, which is one JSON value, into what out points to.
func decodeTolerant(data []byte, out any) error {
	d := tolerant{scanner: scanner{data: data}, fields: map[reflect.Type][]field{}}
	return d.value(reflect.ValueOf(out).Elem())
}

// decides reports whether type t has a method for decoding itself.
func decides(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// value decodes the next value into v. The syntax has already been checked.
func (d *tolerant) value(v reflect.Value) error {
	kind, t := d.kind(), v.Type()
	if t.Kind() == reflect.Pointer {
		return d.pointer(v)
	}
	if t.Kind() == reflect.Interface && !v.IsNil() && v.Elem().Kind() == reflect.Pointer && !v.Elem().IsNil() && kind != jsonNull {
		return d.value(v.Elem().Elem()) // like encoding/json, decode into the value that the caller put there
	}
	d.blank = false
	into := targetOf(t)
	switch {
	case into == aList && kind == jsonArray:
		return d.list(v)
	case into == anObject && kind == jsonObject && t.Kind() == reflect.Struct:
		return d.structure(v)
	case into == anObject && kind == jsonObject:
		return d.mapping(v)
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
	if d.blank { // a missing time is nil, not a pointer to the zero time
		p = reflect.Zero(v.Type())
	}
	v.Set(p)
	return nil
}

// scalar decodes a value as a whole: by encoding/json, or in one of the [forms].
func (d *tolerant) scalar(v reflect.Value, into target) error {
	kind := d.kind()
	raw, _ := d.raw()
	if !v.CanInterface() { // an unexported embedded struct
		if kind == jsonNull {
			return nil
		}
		return d.misfit(kind, into, nil)
	}
	out := v.Addr().Interface()
	read := forms[form{into, kind}]
	if read == nil {
		if cause := json.Unmarshal(raw, out); cause != nil {
			return d.misfit(kind, into, cause)
		}
		return nil
	}
	s := string(raw)
	if kind == jsonString {
		s = unquote(raw)
	}
	usual, ok := read(s)
	switch {
	case !ok, usual != "" && !set(v, usual):
		return d.misfit(kind, into, nil)
	case usual != "":
	case into == aList && v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0)) // empty, not nil
	case into == anObject && v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	default:
		v.SetZero()
		d.blank = into != aList && into != anObject
	}
	return nil
}

// set decodes JSON into v. Integers, which are frequent, take a short cut.
func set(v reflect.Value, usual string) bool {
	if n, err := strconv.ParseInt(usual, 10, 64); err == nil && v.CanInt() && !v.OverflowInt(n) {
		v.SetInt(n)
		return true
	}
	return json.Unmarshal([]byte(usual), v.Addr().Interface()) == nil
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
		if err := d.member(member, f.quoted); err != nil {
			return err
		}
		d.path = d.path[:len(d.path)-1]
	}
}

// member decodes the next value into the field v of a struct.
func (d *tolerant) member(v reflect.Value, quoted bool) error {
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if quoted && d.kind() == jsonString && targetOf(t) != "" {
		begin := *d
		raw, _ := d.raw()
		if v.CanInterface() && setQuoted(v, raw) {
			return nil
		}
		inner := tolerant{scanner: scanner{data: []byte(unquote(raw))}, path: d.path, fields: d.fields}
		if checkSyntax(inner.data) == nil && inner.value(v) == nil {
			return nil
		}
		*d = begin
	}
	return d.value(v)
}

// setQuoted decodes a JSON string into v, a field with the option "string", as
// encoding/json does, which reads more than JSON in it, such as 007. It reports whether
// that was possible.
func setQuoted(v reflect.Value, raw []byte) bool {
	alone := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "V", Type: v.Type(), Tag: `json:"v,string"`}}))
	alone.Elem().Field(0).Set(v)
	if json.Unmarshal(append(append([]byte(`{"v":`), raw...), '}'), alone.Interface()) != nil {
		return false
	}
	v.Set(alone.Elem().Field(0))
	return true
}

func (d *tolerant) mapping(v reflect.Value) error {
	t := v.Type()
	if v.IsNil() {
		v.Set(reflect.MakeMap(t))
	}
	elem := reflect.New(t.Elem()).Elem()
	d.path = append(d.path, step{})
	d.at++
	for first := true; ; first = false {
		if more, _ := d.next(first, '}'); !more {
			d.path, d.blank = d.path[:len(d.path)-1], false
			return nil
		}
		raw, _ := d.key()
		key, err := mapKey(raw, t.Key())
		if err != nil {
			return &misfit{d.where() + "cannot decode the key", err}
		}
		elem.SetZero()
		if err := d.value(elem); err != nil {
			return err
		}
		v.SetMapIndex(key, elem)
	}
}

// mapKey returns a name as a map key of type t. encoding/json decides what may be a
// key and how it is read; strings take a short cut.
func mapKey(raw []byte, t reflect.Type) (reflect.Value, error) {
	if t.Kind() == reflect.String && !decides(t) {
		return reflect.ValueOf(unquote(raw)).Convert(t), nil
	}
	alone := reflect.New(reflect.MapOf(t, reflect.TypeFor[struct{}]()))
	if err := json.Unmarshal(append(append([]byte("{"), raw...), ":{}}"...), alone.Interface()); err != nil {
		return reflect.Value{}, err
	}
	return alone.Elem().MapKeys()[0], nil
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
		} else if n > v.Len() { // excess elements of an array are dropped
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

// misfit returns the error for a value of some kind that does not fit at the
// decoder's position. It names the item and the field, and quotes nothing of the
// JSON.
func (d *tolerant) misfit(kind byte, into target, cause error) error {
	what := "cannot decode a JSON " + kindNames[kind]
	switch {
	case kind == jsonNull:
		what = "cannot decode null"
	case into == aNumber && kind == jsonNumber:
		what, into = "a JSON number is too large", ""
	}
	if into != "" {
		what += " as " + string(into)
	}
	return &misfit{d.where() + what, cause}
}

// where describes the decoder's position.
func (d *tolerant) where() string {
	path := d.path
	if len(path) > 1 && path[0].name == "data" && path[1].item > 0 {
		path = path[1:] // of a page
	}
	var parts []string
	field := ""
	flush := func() {
		if field != "" {
			parts = append(parts, fmt.Sprintf("field %q", shorten(field, maxPath)))
		}
		field = ""
	}
	for i, s := range path {
		switch {
		case len(parts) > 10 && i < len(path)-1: // a recursive type may be deep
			continue
		case s.item > 0:
			flush()
			parts = append(parts, fmt.Sprintf("item %d", s.item))
		case s.name == "":
			field += "[…]"
		case field != "":
			field += "." + s.name
		default:
			field = s.name
		}
	}
	flush()
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + ": "
}

// unquote returns the text of a JSON string.
func unquote(raw []byte) (s string) {
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	json.Unmarshal(raw, &s) // the syntax has been checked
	return s
}
