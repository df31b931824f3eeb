package wire

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Texts of faults.
const (
	notUTF8 = "not valid UTF-8"
	tooDeep = "contains itself, or has more than 10000 levels of arrays and objects"
)

// maxPath is how many runes of the path to a field are shown.
const maxPath = 100

// fault is the error of a value that cannot be encoded as JSON. Its text names the
// field by the names in the Go types. A map entry is shown as […], because keys are
// data.
type fault struct {
	path   string // such as ".contacts[2].email"; empty for the whole value
	text   string
	causes []error // their texts may quote values
}

func (f *fault) Error() string {
	path := strings.TrimPrefix(f.path, ".")
	if path == "" {
		return f.text
	}
	return fmt.Sprintf("field %q: %s", shorten(path, maxPath), f.text)
}

// Format keeps the causes out of %#v.
func (f *fault) Format(s fmt.State, _ rune) { io.WriteString(s, f.Error()) }

// Is makes errors.Is find what a user's method returned, without exposing its text.
func (f *fault) Is(target error) bool {
	return slices.ContainsFunc(f.causes, func(cause error) bool { return errors.Is(cause, target) })
}

// under prefixes the path with a step. It returns nil for nil.
func (f *fault) under(step string) *fault {
	if f == nil {
		return nil
	}
	if f.text == tooDeep { // the rest of the path is long or repeats itself
		f.path = ""
	}
	f.path = step + f.path
	f.path = f.path[:min(len(f.path), 5*maxPath)] // Error shows less than that
	return f
}

// inspector finds what is wrong with a value by the rules of encoding/json, whose
// own errors are not usable.
type inspector struct {
	// failed means that the value could not be encoded. Otherwise only strings that
	// are not valid UTF-8 are faults, and the value has no cycle.
	failed bool
}

// value returns the first fault of v in the order of encoding, or nil. depth is the
// number of arrays and objects around v.
func (in inspector) value(v reflect.Value, depth int) *fault {
	for hops := 0; v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface; hops++ {
		if hops > maxLevels {
			return &fault{text: tooDeep}
		}
		v = v.Elem()
	}
	switch m := methodsOf(v).(type) {
	case json.Marshaler:
		return in.marshaler(v, m, depth)
	case encoding.TextMarshaler: // has its own encoding
		return in.textMarshaler(v.Type(), m)
	}
	switch v.Kind() {
	case reflect.String:
		return in.text(v)
	case reflect.Float32, reflect.Float64:
		if in.failed && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)) {
			return &fault{text: "not a finite number"}
		}
	case reflect.Complex64, reflect.Complex128, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return in.unsupported(v.Type())
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array:
		return in.container(v, depth)
	}
	return nil
}

func (in inspector) container(v reflect.Value, depth int) *fault {
	if depth >= maxLevels {
		return &fault{text: tooDeep}
	}
	switch v.Kind() {
	case reflect.Struct:
		return in.fields(v, depth)
	case reflect.Map:
		return in.entries(v, depth)
	}
	if v.Type().Elem() == reflect.TypeFor[byte]() {
		return nil // encoded in base64
	}
	for i := range v.Len() {
		if f := in.value(v.Index(i), depth+1); f != nil {
			return f.under("[" + strconv.Itoa(i) + "]")
		}
	}
	return nil
}

func (in inspector) fields(v reflect.Value, depth int) *fault {
	for _, field := range fieldsOf(v.Type()) {
		value, err := v.FieldByIndexErr(field.index)
		if err != nil || field.omits(value) { // err: in an embedded struct whose pointer is nil
			continue
		}
		if f := in.value(value, depth+1); f != nil {
			return f.under("." + field.name)
		}
	}
	return nil
}

// entries checks the entries of a map in the order of its keys.
func (in inspector) entries(v reflect.Value, depth int) *fault {
	if in.failed && !hasTextKeys(v.Type()) {
		return in.unsupported(v.Type())
	}
	type entry struct {
		key   string
		value reflect.Value
	}
	var entries []entry
	for k, value := range v.Seq2() {
		key, f := keyText(k)
		if f != nil {
			return f.under("[…]")
		}
		entries = append(entries, entry{key, value})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	for _, e := range entries {
		if !utf8.ValidString(e.key) {
			return (&fault{text: "the key is " + notUTF8}).under("[…]")
		}
		if f := in.value(e.value, depth+1); f != nil {
			return f.under("[…]")
		}
	}
	return nil
}

// hasTextKeys reports whether encoding/json encodes the keys of such a map in every
// supported Go release. Go 1.27 accepts more key types.
func hasTextKeys(t reflect.Type) bool {
	k := t.Key().Kind()
	return k == reflect.String || k >= reflect.Int && k <= reflect.Uintptr || t.Key().Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// keyText returns a map key as encoding/json encodes it.
func keyText(k reflect.Value) (string, *fault) {
	if k.Kind() == reflect.Interface {
		k = k.Elem()
	}
	if k.Kind() == reflect.String {
		return k.String(), nil
	}
	if m, ok := methodsOf(k).(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil {
			return "", &fault{text: fmt.Sprintf("the MarshalText method of %v failed", k.Type()), causes: []error{err}}
		}
		return strings.ToValidUTF8(string(text), "\ufffd"), nil // as encoding/json does
	}
	switch {
	case k.CanInt():
		return strconv.FormatInt(k.Int(), 10), nil
	case k.CanUint():
		return strconv.FormatUint(k.Uint(), 10), nil
	}
	return "", nil
}

// text checks a string, which may be a json.Number.
func (in inspector) text(v reflect.Value) *fault {
	s := v.String()
	switch {
	case in.failed && v.Type() == numberType && s != "" && !isNumber(s):
		return &fault{text: "a json.Number that is not a number"}
	case !utf8.ValidString(s):
		return &fault{text: notUTF8}
	}
	return nil
}

func (in inspector) unsupported(t reflect.Type) *fault {
	if !in.failed {
		return nil
	}
	return &fault{text: fmt.Sprintf("a value of type %v cannot be encoded as JSON", t)}
}

// marshaler checks a value with a MarshalJSON method by calling that again:
// encoding/json does not say where an error comes from.
func (in inspector) marshaler(v reflect.Value, m json.Marshaler, depth int) *fault {
	isRaw := v.Type() == reflect.TypeFor[json.RawMessage]()
	if isRaw && !utf8.Valid(v.Bytes()) {
		return &fault{text: notUTF8}
	}
	if !in.failed {
		return nil
	}
	data, err := m.MarshalJSON()
	switch {
	case err != nil:
		return &fault{text: fmt.Sprintf("the MarshalJSON method of %v failed", v.Type()), causes: []error{err}}
	case depth+levels(data) > maxLevels:
		return &fault{text: tooDeep}
	case json.Valid(data):
		return nil
	case isRaw:
		return &fault{text: "a json.RawMessage that is not JSON"}
	}
	return &fault{text: fmt.Sprintf("the MarshalJSON method of %v returned invalid JSON", v.Type())}
}

func (in inspector) textMarshaler(t reflect.Type, m encoding.TextMarshaler) *fault {
	if !in.failed {
		return nil
	}
	if _, err := m.MarshalText(); err != nil {
		return &fault{text: fmt.Sprintf("the MarshalText method of %v failed", t), causes: []error{err}}
	}
	return nil
}

// methodsOf returns v so that its methods can be found, those of a pointer to it
// included if it is addressable. It returns nil if encoding/json would not call
// them.
func methodsOf(v reflect.Value) any {
	switch {
	case !v.IsValid() || !v.CanInterface():
		return nil
	case v.Kind() == reflect.Pointer && v.IsNil(): // a map key
		return nil
	case v.CanAddr():
		return v.Addr().Interface()
	}
	return v.Interface()
}

// omits reports whether the field is omitted because of its value.
func (f *field) omits(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice:
		if f.omitEmpty && v.Len() == 0 {
			return true
		}
	}
	return f.omitZero && isZero(v)
}

var zeroer = reflect.TypeFor[interface{ IsZero() bool }]()

// isZero reports whether encoding/json takes v for the zero value: if it is nil or an
// interface that holds a nil pointer, else as its own method says, if it or a pointer to
// it has one.
func isZero(v reflect.Value) bool {
	switch t := v.Type(); {
	case !v.CanInterface():
		return v.IsZero()
	case !t.Implements(zeroer) && reflect.PointerTo(t).Implements(zeroer):
		p := reflect.New(t)
		p.Elem().Set(v)
		v = p
	case !t.Implements(zeroer):
		return v.IsZero()
	case t.Kind() == reflect.Interface && !v.IsNil():
		v = v.Elem()
	}
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil() {
		return true
	}
	return v.Interface().(interface{ IsZero() bool }).IsZero()
}
