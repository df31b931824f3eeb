package wire

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// decoded returns body decoded as a value of the type of like.
func decoded(body string, like any) (any, error) {
	out := reflect.New(reflect.TypeOf(like))
	err := Decode(http.Header{}, []byte(body), out.Interface())
	return out.Elem().Interface(), err
}

// TestFormsAreThoseOfAllTypes that hold the same: integers of all sizes, both floats.
func TestFormsAreThoseOfAllTypes(t *testing.T) {
	t.Parallel()
	for _, want := range []any{
		int(42), int8(42), int16(42), int32(42), int64(42), uint(42), uint8(42), uint16(42), uint32(42), uint64(42), uintptr(42), float32(42), float64(42),
	} {
		for _, body := range []string{`"42"`, `42.0`, ` "42.0" `} {
			if got, err := decoded(body, want); err != nil || got != want {
				t.Errorf("%s into %T: %v, %v", body, want, got, err)
			}
		}
	}
	for _, like := range []any{complex64(0), make(chan int), func() {}} {
		if got, err := decoded(`""`, like); err == nil {
			t.Errorf("%T: %v", like, got)
		}
	}
}

// TestTheBoundsOfNumbers: a number has at most 400 characters, and its exponent is at
// most 400 in either direction. One beyond that is an error, never another number.
func TestTheBoundsOfNumbers(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{
		`0e400`: true, `0e401`: false, `0e-400`: true, `0e-401`: false, `1e401`: false, `0e+400`: true, `0e9999999999999999999`: false, `0e-9999999999999999999`: false,
		`0.` + strings.Repeat("0", 398): true, `0.` + strings.Repeat("0", 399): false,
	} {
		for _, body := range []string{body, `"` + body + `"`} {
			if got, err := decoded(body, 0); got != 0 || (err == nil) != ok {
				t.Errorf("%s: %v, %v", body, got, err)
			}
		}
	}
	for body, want := range map[string]int{
		`-0.5e1`: -5, `-50e-1`: -5, `-1.5e3`: -1500, `0.05e2`: 5, `100e-2`: 1, `"-7.0"`: -7, `1.25e2`: 125, `-0e5`: 0, `0.0`: 0, `10.0`: 10, `00`: 0,
	} {
		if got, err := decoded(body, 0); got != want || (err == nil) != (body != `00`) {
			t.Errorf("%s: %v, %v; want %d", body, got, err, want)
		}
	}
	for _, body := range []string{`0.5`, `1e-1`, `12.5`, `125e-2`, `1e-400`} {
		if got, err := decoded(body, 0); err == nil {
			t.Errorf("%s is read as %v", body, got)
		}
	}
}

// TestOnlyAFormWithoutAValueIsNil in a pointer: zero and false are values.
func TestOnlyAFormWithoutAValueIsNil(t *testing.T) {
	t.Parallel()
	type pointers struct {
		Bool  *bool
		Int   *int
		Float *float64
		Time  *time.Time
		List  *[]time.Time
		Array *[1]time.Time
		Map   *map[string]time.Time
		Named *base
	}
	for body, want := range map[string]pointers{
		`{"bool":0}`: {Bool: new(false)}, `{"bool":"0"}`: {Bool: new(false)}, `{"bool":"false"}`: {Bool: new(false)}, `{"bool":" "}`: {},
		`{"int":"0"}`: {Int: new(0)}, `{"int":0.0}`: {Int: new(0)}, `{"int":""}`: {}, `{"float":"0"}`: {Float: new(0.0)}, `{"float":""}`: {}, `{"time":0}`: {},
		// The last value inside has none, which says nothing about what is around it.
		`{"list":[""]}`: {List: &[]time.Time{{}}}, `{"array":["",""]}`: {Array: &[1]time.Time{}}, `{"map":{"a":""}}`: {Map: &map[string]time.Time{"a": {}}},
		`{"named":{"since":""}}`: {Named: &base{}}, `{"list":{}}`: {List: &[]time.Time{}}, `{"map":[]}`: {Map: &map[string]time.Time{}}, `{"named":[]}`: {Named: &base{}},
	} {
		if got, err := decoded(body, want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", body, got, err, want)
		}
	}
}

// TestOffsetsHaveAtMost59Minutes, in the notations that package time reads.
func TestOffsetsHaveAtMost59Minutes(t *testing.T) {
	t.Parallel()
	for offset, ok := range map[string]bool{"+0059": true, "+00:59": true, " -0059": true, "+0060": false, "+00:60": false, " +0099": false} {
		want := noon.Add(-59 * time.Minute)
		if strings.Contains(offset, "-") {
			want = noon.Add(59 * time.Minute)
		}
		for _, clock := range []string{"12:00:00", "12:00:00.5", "12:00:00,5"} {
			got, err := decoded(`"2025-10-01 `+clock+offset+`"`, noon)
			if at := got.(time.Time); (err == nil) != ok || ok && !at.Truncate(time.Second).Equal(want) {
				t.Errorf("%s%s: %v, %v", clock, offset, got, err)
			}
		}
	}
}
