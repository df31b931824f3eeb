package wire

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// decoders are both ways to decode: with encoding/json before, which leaves values behind
// where it fails, and without it.
var decoders = map[string]func([]byte, any) error{
	"Decode":   func(body []byte, out any) error { return Decode(http.Header{}, body, out) },
	"tolerant": decodeTolerant,
}

func TestUnquote(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{`""`: "", `"a é"`: "a é", `"\u0041\n"`: "A\n", "\"a\xff\"": "a\ufffd", `"\ud800"`: "\ufffd"} {
		if got := unquote([]byte(raw)); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

// TestAPathOfItemsIsCut after eleven, and its end is shown.
func TestAPathOfItemsIsCut(t *testing.T) {
	t.Parallel()
	type lists []lists
	for levels, items := range map[int]int{1: 1, 11: 11, 12: 12, 13: 12, 100: 12} {
		body := strings.Repeat("[", levels) + `"x"` + strings.Repeat("]", levels)
		want := strings.Repeat("item 1, ", items-1) + "item 1: cannot decode a JSON string as a list"
		if err := Decode(http.Header{}, []byte(body), new(lists)); err == nil || err.Error() != want {
			t.Errorf("%d levels: %v", levels, err)
		}
	}
}

// TestWhatWasThereIsReplaced, as by encoding/json: an array is filled up with zeros, a
// list is cut, and a map keeps its other entries.
func TestWhatWasThereIsReplaced(t *testing.T) {
	t.Parallel()
	filled := func() *everything {
		return &everything{Array: [2]int{8, 9}, List: []string{"a", "b", "c"}, Map: map[string]int{"z": 1}, IntPtr: new(new(5)), Named: base{ID: "old", Int: "old"}}
	}
	for body, want := range map[string]everything{
		`{"array":["1"]}`:      {Array: [2]int{1}, List: filled().List, Map: filled().Map, IntPtr: filled().IntPtr, Named: filled().Named},
		`{"array":["1",null]}`: {Array: [2]int{1}, List: filled().List, Map: filled().Map, IntPtr: filled().IntPtr, Named: filled().Named},
		`{"list":[1],"map":{"a":"2"},"int_ptr":"6","named":{"id":7}}`: {
			Array: [2]int{8, 9}, List: []string{"1"}, Map: map[string]int{"a": 2, "z": 1}, IntPtr: new(new(6)), Named: base{ID: "7", Int: "old"},
		},
		`{"list":[],"array":["8",9],"map":{"z":"1"},"int_ptr":"","named":{"id":"","int":""}}`: {Array: [2]int{8, 9}, List: []string{}, Map: filled().Map},
	} {
		for name, decode := range decoders {
			got := filled()
			if err := decode([]byte(body), got); err != nil || !reflect.DeepEqual(*got, want) {
				t.Errorf("%s: %s: %+v, %v; want %+v", name, body, *got, err, want)
			}
		}
	}
}

// TestWhatIsReplacedIsReplacedWhole: values, those that the caller put into an
// interface, and the entries of a map, of which none has something of another.
func TestWhatIsReplacedIsReplacedWhole(t *testing.T) {
	t.Parallel()
	type values struct {
		Int  int
		Bool bool
		Time time.Time
		Any  any
		Map  map[string]base
		Keys map[word]int
	}
	want := values{Map: map[string]base{"a": {ID: "1"}, "b": {}}, Keys: map[word]int{"<a>": 1}}
	body := `{"int":"","bool":"","time":"","any":null,"map":{"a":{"id":1},"b":{}},"keys":{"a":"1"}}`
	for name, decode := range decoders {
		got := values{Int: 5, Bool: true, Time: noon, Any: new(base)}
		if err := decode([]byte(body), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	if err := Decode(http.Header{}, []byte(`{"keys":{"no":"1"}}`), new(values)); err == nil || err.Error() != `field "Keys[…]": cannot decode the key` {
		t.Error(err)
	}
}

// TestTheExactNameIsPreferred to one in another case, in any order of the fields.
func TestTheExactNameIsPreferred(t *testing.T) {
	t.Parallel()
	type fields struct {
		A int `json:"Name"`
		B int `json:"name"`
		C int `json:"NAME"`
	}
	for body, want := range map[string]fields{`{"Name":"1"}`: {A: 1}, `{"name":"1"}`: {B: 1}, `{"NAME":"1"}`: {C: 1}, `{"nAME":"1"}`: {A: 1}} {
		var got fields
		if err := Decode(http.Header{}, []byte(body), &got); err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}
