package wire

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestLevels(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]int{
		`1`: 0, `"[{"`: 0, `"\"[\\"`: 0, `[]`: 1, `{}`: 1, `[[],[],{}]`: 2, `{"a":[{}],"b":{},"c":[]}`: 3, `["]",[]]`: 2, `[{"}":"}"},[]]`: 2,
	} {
		if got := levels([]byte(data)); got != want {
			t.Errorf("%s: %d, want %d", data, got, want)
		}
	}
}

// TestOnlyTextsWithTheReplacementCharacterAreInspected, encoded as any Go release does.
func TestOnlyTextsWithTheReplacementCharacterAreInspected(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]bool{
		`"a"`: false, `"\u00e9é"`: false, `""`: false, "\"\ufffd\"": true, `"\ufffd"`: true, `"\uFFFD"`: true, "\"\xff\"": true,
	} {
		if got := mayBeCoerced([]byte(data)); got != want {
			t.Errorf("%s: %v", data, got)
		}
	}
}

// TestArraysSideBySideAreNotNested.
func TestArraysSideBySideAreNotNested(t *testing.T) {
	t.Parallel()
	for _, body := range []any{make([][0]int, maxLevels+1), make([]struct{}, maxLevels+1)} {
		if _, err := Encode(body, nil); err != nil {
			t.Error(err)
		}
	}
}

// wraps are the values that are a level of JSON.
var wraps = map[string]func(any) any{
	"slice": func(v any) any { return []any{v} },
	"array": func(v any) any { return &[1]any{v} },
	"map":   func(v any) any { return map[string]any{"a": v} },
	"struct": func(v any) any {
		return struct { // what is omitted is no level
			S []any          `json:",omitempty"`
			M map[string]any `json:",omitempty"`
			A [0]int         `json:",omitempty"`
			V any
		}{V: v}
	},
}

// TestEveryKindOfLevelCounts, and 10000 are not too many.
func TestEveryKindOfLevelCounts(t *testing.T) {
	t.Parallel()
	for name, wrap := range wraps {
		for inner, want := range map[any]string{make(chan int): "chan int", "a \ufffd": ""} {
			v := inner
			for range maxLevels {
				v = wrap(v)
			}
			if _, err := Encode(v, nil); want == "" && err != nil || want != "" && !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("10000 levels of %s: %v, want %q", name, err, want)
			}
			if _, err := Encode(wrap(v), nil); err == nil || !strings.Contains(err.Error(), tooDeep) {
				t.Errorf("10001 levels of %s: %v", name, err)
			}
		}
	}
}

// TestWhatIsBesideAFaultIsNone: the value that cannot be encoded is named.
func TestWhatIsBesideAFaultIsNone(t *testing.T) {
	t.Parallel()
	beside := []any{"text", 1.5, float32(1), 7, true, nil, []byte("x"), json.Number("1"), json.Number(""), json.RawMessage("1"), struct{ A, B string }{}, [1]int{}, word("x")}
	for _, fault := range []any{make(chan int), func() {}, complex64(1), complex128(1), reflect.ValueOf(new(int)).UnsafePointer()} {
		_, err := Encode(append(beside[:len(beside):len(beside)], fault), nil)
		if want := fmt.Sprintf(`field "[%d]": a value of type %T cannot be encoded as JSON`, len(beside), fault); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestKeysAreIntegersOrTexts in every Go release.
func TestKeysAreIntegersOrTexts(t *testing.T) {
	t.Parallel()
	check := func(key any, want string) {
		m := reflect.MakeMap(reflect.MapOf(reflect.TypeOf(key), reflect.TypeFor[any]()))
		m.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(make(chan int)))
		if want == "" {
			want = fmt.Sprintf(`a value of type %v cannot be encoded as JSON`, m.Type())
		}
		if _, err := Encode(m.Interface(), nil); err == nil || err.Error() != want {
			t.Errorf("a key of type %T: %v, want %s", key, err, want)
		}
	}
	for _, key := range []any{int(1), int8(1), int16(1), int32(1), int64(1), uint(1), uint8(1), uint16(1), uint32(1), uint64(1), uintptr(1), "a", word("a"), goodKey{}} {
		check(key, `field "[…]": a value of type chan int cannot be encoded as JSON`)
	}
	for _, key := range []any{true, float32(1), float64(1), complex64(1), struct{}{}, [1]string{}} {
		check(key, "")
	}
	check((*failingKey)(nil), `field "[…]": a value of type chan int cannot be encoded as JSON`) // encoded as ""
	_, err := Encode(map[encoding.TextMarshaler]int{&failingKey{}: 1}, nil)
	if err == nil || err.Error() != `field "[…]": the MarshalText method of *wire.failingKey failed` {
		t.Error(err)
	}
}

type goodKey struct{}

func (goodKey) MarshalText() ([]byte, error) { return []byte("k"), nil }

// counted counts the calls of its method.
type counted struct{ calls *int }

func (c counted) MarshalJSON() ([]byte, error) { *c.calls++; return []byte("\"\ufffd\""), nil }

type countedText struct{ calls *int }

func (c countedText) MarshalText() ([]byte, error) { *c.calls++; return []byte("\ufffd"), nil }

// TestAMethodOfABodyIsCalledOnce, unless the body cannot be encoded.
func TestAMethodOfABodyIsCalledOnce(t *testing.T) {
	t.Parallel()
	calls := 0
	data, err := Encode([]any{counted{&calls}, countedText{&calls}}, nil)
	if calls != 2 || err != nil {
		t.Errorf("%s, %v: %d calls of two methods", data, err, calls)
	}
}

// TestAPathIsShownInFull if it has at most 100 characters, of any size.
func TestAPathIsShownInFull(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"n", "é", "😀"} {
		for n, shown := range map[int]string{100: strings.Repeat(c, 100), 101: strings.Repeat(c, 100) + "…"} {
			_, err := NewField(strings.Repeat(c, n), func() {})
			if want := `field "` + shown + `": a value of type func() cannot be encoded as JSON`; err == nil || err.Error() != want {
				t.Errorf("%d of %s: %v", n, c, err)
			}
		}
	}
}

// TestALongPathTakesLittleMemory, though the whole of it has many bytes.
func TestALongPathTakesLittleMemory(t *testing.T) {
	var v any = func() {}
	for range maxLevels - 1 {
		v = map[string]any{"a": v}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	explain(v, "")
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 30 {
		t.Errorf("%d MiB", n)
	}
}
