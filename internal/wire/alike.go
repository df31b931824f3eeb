package wire

import (
	"reflect"
	"time"
)

// Alike reports whether two errors have the same type and content. It uses the
// type's Equal method, if there is one, as go-cmp does; else the fields; and if
// some of those are unexported, the text.
func Alike(a, b error) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if a == nil || b == nil || x.Type() != y.Type() {
		return a == nil && b == nil
	}
	if x.Kind() == reflect.Pointer {
		if x.IsNil() || y.IsNil() {
			return x.IsNil() && y.IsNil()
		}
		x, y = x.Elem(), y.Elem()
	}
	if m := x.MethodByName("Equal"); m.IsValid() && m.Type() == reflect.FuncOf([]reflect.Type{x.Type()}, []reflect.Type{reflect.TypeFor[bool]()}, false) {
		return m.Call([]reflect.Value{y})[0].Bool()
	}
	if open(x.Type()) {
		return sameFields(x, y)
	}
	return a.Error() == b.Error()
}

// Same reports whether the exported fields of two structs are equal. Times are
// compared by instant, errors by [Alike].
func Same[T any](a, b T) bool { return sameFields(reflect.ValueOf(a), reflect.ValueOf(b)) }

func sameFields(a, b reflect.Value) bool {
	for i := range a.NumField() {
		if a.Type().Field(i).IsExported() && !same(a.Field(i), b.Field(i)) {
			return false
		}
	}
	return true
}

func same(a, b reflect.Value) bool {
	switch x := a.Interface().(type) {
	case time.Time:
		return x.Equal(b.Interface().(time.Time))
	case error:
		y, _ := b.Interface().(error)
		return Alike(x, y)
	}
	if open(a.Type()) {
		return sameFields(a, b)
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// open reports whether t is a struct without unexported fields.
func open(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			return false
		}
	}
	return true
}
