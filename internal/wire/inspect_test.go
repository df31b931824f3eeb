package wire

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type (
	inner  struct{ A, B, C string }
	Named  struct{ A string }
	Tagged struct {
		B string `json:"A"`
	}
	Other struct{ A, D string }
	Loop  struct {
		*Loop
		E string
	}
	Ring struct {
		*Ring
		Named
		Deep
		E string
	}
	Deep  struct{ F string }
	plain string
)

// TestFieldsAreThoseThatAreEncoded compares the fields of structs with what
// encoding/json encodes.
func TestFieldsAreThoseThatAreEncoded(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		struct{ A, b string }{},
		struct {
			A string `json:"-"`
			C string `json:"c,omitempty"`
			D string `json:",omitzero"`
			E string `json:"e,string"`
			F string `json:",omitempty"`
		}{C: "c", D: "d", F: "f"},
		struct {
			inner
			B int
		}{},
		struct{ *inner }{&inner{}},
		struct{ *inner }{},
		struct {
			inner `json:"in"`
			A     int
		}{},
		struct {
			Named
			Other
		}{},
		struct {
			Named
			Tagged
			Other
		}{},
		struct {
			Tagged
			*Other
		}{Other: &Other{}},
		struct{ Loop }{},
		struct{ Ring }{},
		struct {
			plain
			A string
		}{},
		struct {
			Named `json:"n"`
			Other
		}{},
		struct {
			Z alwaysZero `json:",omitzero"`
			P *inner     `json:",omitempty"`
			M []string   `json:",omitempty"`
			N []string   `json:",omitzero"`
		}{Z: "x", N: []string{}},
		struct {
			Pointer   *alwaysZero                `json:",omitzero"`
			Interface interface{ IsZero() bool } `json:",omitzero"`
			Any       any                        `json:",omitzero"`
			One       *alwaysZero                `json:",omitzero"`
			Inside    interface{ IsZero() bool } `json:",omitzero"`
			None      [0]int                     `json:",omitempty"`
			Array     [1]int                     `json:",omitempty"`
		}{One: new(alwaysZero), Inside: alwaysZero("x")},
		struct {
			Nil     interface{ IsZero() bool } `json:",omitzero"`
			Any     any                        `json:",omitzero"`
			Pointer pointerZero                `json:",omitzero"`
			One     *pointerZero               `json:",omitzero"`
			None    *pointerZero               `json:",omitzero"`
			Zero    noneZero                   `json:",omitzero"`
			Not     noneZero                   `json:",omitzero"`
		}{Zero: "none", Nil: (*alwaysZero)(nil), Any: alwaysZero("x"), Pointer: "x", One: new(pointerZero)},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(data, &object); err != nil {
			t.Fatal(err)
		}
		addressable := reflect.New(reflect.TypeOf(v)).Elem()
		addressable.Set(reflect.ValueOf(v))
		want := slices.Sorted(maps.Keys(object))
		for _, value := range []reflect.Value{reflect.ValueOf(v), addressable} {
			if got := encodedNames(value); !slices.Equal(got, want) {
				t.Errorf("%+v, addressable %v: %q, want %q", v, value.CanAddr(), got, want)
			}
		}
	}
}

type pointerZero string

func (*pointerZero) IsZero() bool { return true }

type noneZero string

func (s *noneZero) IsZero() bool { return *s == "none" }

type alwaysZero string

func (alwaysZero) IsZero() bool { return true }

func encodedNames(value reflect.Value) []string {
	var names []string
	for _, f := range fieldsOf(value.Type()) {
		field, err := value.FieldByIndexErr(f.index)
		empty := err == nil && f.omitEmpty && field.Kind() != reflect.Array && field.IsZero() // nothing to check
		if err == nil && !f.omits(field) && !empty {
			names = append(names, f.name)
		}
	}
	slices.Sort(names)
	return names
}

// TestALongPathIsCut, and its beginning is shown.
func TestALongPathIsCut(t *testing.T) {
	t.Parallel()
	var v any = "\xff"
	for range 4000 {
		v = map[string]any{"HUSH": []any{v}}
	}
	_, err := Encode(struct {
		First any `json:"first"`
	}{v}, nil)
	if err == nil || len(err.Error()) > 400 || !strings.HasPrefix(err.Error(), `field "first[…][0][…]`) || !strings.HasSuffix(err.Error(), `…": not valid UTF-8`) {
		t.Errorf("%v", err)
	}
}

type failingKey struct{}

func (*failingKey) MarshalText() ([]byte, error) { return nil, errOwn }

// TestAKeyThatCannotBeEncodedIsNamed, also if it is a pointer.
func TestAKeyThatCannotBeEncodedIsNamed(t *testing.T) {
	t.Parallel()
	_, err := Encode(map[string]any{"keys": map[*failingKey]int{{}: 1}}, nil)
	if err == nil || !strings.Contains(err.Error(), "the MarshalText method of *wire.failingKey failed") {
		t.Error(err)
	}
}

// TestTheFirstFaultIsNamed, in the order in which encoding/json encodes a map or struct.
func TestTheFirstFaultIsNamed(t *testing.T) {
	t.Parallel()
	faults := map[string]any{"a": make(chan int)}
	for _, key := range "bcdefgh" {
		faults[string(key)] = func() {}
	}
	for range 20 {
		if _, err := Encode(faults, nil); err == nil || !strings.Contains(err.Error(), "chan int") {
			t.Fatal(err)
		}
		ordered := struct {
			Omitted map[bool]int `json:",omitempty"`
			Empty   []int        `json:",omitempty"`
			D, C, B chan int
			A       func()
		}{}
		if _, err := Encode(ordered, nil); err == nil || err.Error() != `field "D": a value of type chan int cannot be encoded as JSON` {
			t.Fatal(err)
		}
	}
}

// TestTheDepthOfAMarshalerIsThatOfJSON: what it returns may have as many levels as are
// left, and no more.
func TestTheDepthOfAMarshalerIsThatOfJSON(t *testing.T) {
	t.Parallel()
	for levels, want := range map[int]string{maxLevels - 1: "chan int", maxLevels: "10000 levels"} {
		raw := json.RawMessage(strings.Repeat("[", levels) + strings.Repeat("]", levels))
		_, err := Encode(map[string]any{"a": raw, "b": make(chan int)}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d levels in one: %v, want %s", levels, err, want)
		}
	}
}
