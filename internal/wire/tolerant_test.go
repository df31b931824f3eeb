package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// everything has a field of each kind and all ways of embedding.
type everything struct {
	base
	*Pointed
	Named     base            `json:"named"`
	Time      time.Time       `json:"time"`
	TimePtr   *time.Time      `json:"time_ptr"`
	Times     []time.Time     `json:"times"`
	Int       int             `json:"int"`
	Small     int8            `json:"small"`
	Unsigned  uint64          `json:"unsigned"`
	IntPtr    **int           `json:"int_ptr"`
	Float     float64         `json:"float"`
	Bool      bool            `json:"bool"`
	String    string          `json:"string,omitempty"`
	Quoted    int             `json:"quoted,string"`
	Words     string          `json:"words,string"`
	WordsPtr  *string         `json:"words_ptr,string"`
	QuotedPtr *int            `json:"quoted_ptr,string"`
	Number    json.Number     `json:"number"`
	Raw       json.RawMessage `json:"raw"`
	Bytes     []byte          `json:"bytes"`
	Any       any             `json:"any"`
	List      []string        `json:"list"`
	Array     [2]int          `json:"array"`
	Map       map[string]int  `json:"map"`
	Ints      map[int]*base   `json:"ints"`
	Deep      map[string][]struct {
		When time.Time `json:"when"`
	} `json:"deep"`
	Own      own  `json:"own"`
	Text     word `json:"text"`
	Ignored  int  `json:"-"`
	Untagged string
}

type base struct {
	ID    string    `json:"id"`
	Since time.Time `json:"since"`
	Int   string    `json:"int"` // hidden by the outer one
}

type Pointed struct {
	Inner int `json:"inner"`
}

// own has its own method: it accepts only booleans.
type own struct{ set bool }

var errOwn = errors.New("jane@example.com is no boolean")

func (o *own) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true", "false":
		o.set = data[0] == 't'
	case "null":
	default:
		return errOwn
	}
	return nil
}

// notNull has its own method: it accepts anything but null.
type notNull struct{}

func (*notNull) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return errOwn
	}
	return nil
}

// word has its own method: it accepts anything but "no".
type word string

func (w *word) UnmarshalText(text []byte) error {
	if string(text) == "no" {
		return errOwn
	}
	*w = word("<" + string(text) + ">")
	return nil
}

var seeds = []string{
	`{"id":"x","since":"2025-10-01T12:00:00Z","inner":3,"named":{"id":"y","int":"z"},"int":7,"Untagged":"u","UNTAGGED":"v"}`,
	`{"time":"2025-10-01T12:00:00.5+02:00","time_ptr":"2025-10-01T12:00:00Z","times":["2025-10-01T12:00:00Z",null],"small":-128,"unsigned":18446744073709551615}`,
	`{"int_ptr":5,"float":1e-3,"bool":true,"string":"\u00e9\ud83c\udf88\ud800","quoted":"5","words":"\"q\"","words_ptr":"\"r\"","quoted_ptr":"null","number":1.50,"raw":[1, {"a":2}],"bytes":"aGk="}`,
	`{"any":{"a":[1,"b",null,{"c":1e5}]},"list":["a","b"],"array":[1,2,3],"map":{"a":1,"b":2,"a":3},"ints":{"-1":{"id":"p"},"2":null},"deep":{"k":[{"when":"2025-10-01T12:00:00Z"}]}}`,
	`{"own":true,"text":"yes","-":1,"Ignored":1,"private":1,"unknown":{"a":[{}]}}`,
	`null`, `{}`, ` {"int":null,"list":null,"map":null,"any":null,"own":null,"time":null,"time_ptr":null,"named":null,"array":null,"bytes":null} `,
	`{"int":1,"int":2,"INT":3,"list":[],"list":["x"],"map":{}}`, `{"array":[1],"bytes":[1,2]}`, `{"quoted":"","time":""}`, `{"bytes":{}}`, `{"deep":[]}`,
	"{\"string\":\"\xff\"}", `{"small":128}`, `{"text":"no"}`, `{"own":1}`, `{"ints":{"x":{}}}`, `[1]`, `"x"`, `{"id":1} x`, `{"id"`,
}

// FuzzTolerant: whatever the bytes are, what encoding/json decodes is decoded in
// the same way, so that no other field changes if one does not fit.
func FuzzTolerant(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, out := range []func() any{
			func() any { return new(everything) },
			func() any { return new(map[string]any) },
			func() any { return new(any) },
			func() any { return new([]map[string][]int) },
		} {
			usual, tolerant := out(), out()
			usualErr, syntaxErr := json.Unmarshal(data, usual), checkSyntax(data)
			if (syntaxErr == nil) != json.Valid(data) {
				t.Fatalf("%s: encoding/json takes it for JSON, %v, but: %v", data, json.Valid(data), syntaxErr)
			}
			if syntaxErr != nil {
				return
			}
			err := decodeTolerant(data, tolerant)
			if usualErr != nil {
				continue
			}
			if err != nil {
				t.Fatalf("%s into %T: encoding/json reads it, but: %v", data, out, err)
			}
			if !reflect.DeepEqual(usual, tolerant) {
				t.Fatalf("%s:\nencoding/json %+v\ntolerant      %+v", data, usual, tolerant)
			}
		}
	})
}

// What encoding/json reads in a field with the option "string", which need not be JSON,
// is read alike.
func TestTextInFieldsOfTheOptionStringIsReadAlike(t *testing.T) {
	type fields struct {
		Int   int         `json:"int,string"`
		Small uint8       `json:"small,string"`
		Float float64     `json:"float,string"`
		Bool  bool        `json:"bool,string"`
		Text  string      `json:"text,string"`
		Ptr   *int        `json:"ptr,string"`
		N     json.Number `json:"n,string"`
	}
	read := 0
	for _, name := range []string{"int", "small", "float", "bool", "text", "ptr", "n"} {
		for _, text := range []string{
			"00", "007", "-0", "-007", "+1", " 1", "1 ", "1.", "01.5", ".5", "-.5", "1e2", "00e1", "1e400", "1e+", "0x10", "0x1p3", "1_0", "300", "NaN", "Inf", "-",
			"1x", "1 2", "true", "true ", "tru", "null", "null ", "", `\"a\"`, `\"a\" `,
		} {
			data := fmt.Appendf(nil, `{"%s":"%s"}`, name, text)
			usual, tolerant := fields{Int: 5, Ptr: new(5)}, fields{Int: 5, Ptr: new(5)}
			if json.Unmarshal(data, &usual) != nil {
				continue
			}
			read++
			if err := decodeTolerant(data, &tolerant); err != nil || !cmp.Equal(usual, tolerant, cmpopts.EquateNaNs()) {
				t.Errorf("%s: %v, %+v, encoding/json %+v", data, err, tolerant, usual)
			}
		}
	}
	if read < 30 {
		t.Errorf("encoding/json reads only %d", read)
	}
}

func TestWhatEncodingJSONReadsIsReadAlike(t *testing.T) {
	for _, seed := range seeds[:10] {
		var usual, tolerant everything
		usualErr := json.Unmarshal([]byte(seed), &usual)
		err := decodeTolerant([]byte(seed), &tolerant)
		if usualErr != nil || err != nil || !reflect.DeepEqual(usual, tolerant) {
			t.Errorf("%s: %v, %v\nencoding/json %+v\ntolerant      %+v", seed, usualErr, err, usual, tolerant)
		}
	}
}

// noon is 2025-10-01 12:00:00 UTC.
var noon = time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)

func TestFormsOfTimes(t *testing.T) {
	for in, want := range map[string]time.Time{
		`""`: {}, `" "`: {}, `"0000-00-00"`: {}, `"0000-00-00 00:00:00"`: {}, `"0000-00-00T00:00:00.000000Z"`: {}, `0`: {}, `"0"`: {}, `0.0`: {}, `null`: {},
		`"0001-01-01T00:00:00Z"`: {},
		`"2025-10-01T12:00:00Z"`: noon, `"2025-10-01t12:00:00z"`: noon, `"2025-10-01 12:00:00"`: noon, `"2025-10-01T12:00:00"`: noon,
		`"2025-10-01 12:00:00Z"`: noon, `"2025-10-01T14:00:00+0200"`: noon, `"2025-10-01 14:00:00+02"`: noon, `"2025-10-01 14:00:00 +02:00"`: noon,
		`"2025-10-01 12:00:00 +0000 UTC"`: noon, `"2025-10-01 12:00:00 UTC"`: noon, `"2025-10-01T12:00"`: noon, `"2025-10-01T07:30-0430"`: noon,
		`"2025-10-01T14:00:00+02:00[Europe/Berlin]"`: noon, `" 2025-10-01 12:00:00\n"`: noon,
		`"Wed, 01 Oct 2025 12:00:00 GMT"`: noon, `"Wed, 01 Oct 2025 14:00:00 +0200"`: noon,
		`"2025-10-01"`:                                          noon.Add(-12 * time.Hour),
		`"2025-10-01 12:00:00.5"`:                               noon.Add(500 * time.Millisecond),
		`"2025-10-01 12:00:00,25"`:                              noon.Add(250 * time.Millisecond),
		`"2025-10-01T12:00:00.123456789Z"`:                      noon.Add(123456789),
		`"2025-10-01 12:00:00.123456789987"`:                    noon.Add(123456789),
		`"2025-10-01 12:00:00.` + strings.Repeat("0", 80) + `"`: noon, // 100 characters
		`"2025-10-01T12:00:00.1234567899+00:00"`:                noon.Add(123456789),
		`1759320000`:                                            noon, `"1759320000"`: noon, `1759320000000`: noon, `"1759320000000"`: noon, `1.75932e9`: noon, `1759320000.0`: noon,
		`1759320000.000000001`: noon.Add(1), `1759320000123`: noon.Add(123 * time.Millisecond), `1759320000123.5`: noon.Add(123500 * time.Microsecond),
		`100000000`: time.Unix(1e8, 0), `100000000000`: time.Unix(1e11, 0), `100000000001`: time.UnixMilli(1e11 + 1), `100000000000000`: time.UnixMilli(1e14),
	} {
		var out struct {
			Time time.Time `json:"time"`
		}
		err := Decode(http.Header{}, []byte(`{"time":`+in+`}`), &out)
		if err != nil || !out.Time.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", in, out.Time, err, want)
		}
		ptr := struct {
			Time *time.Time `json:"time"`
		}{new(noon)}
		err = Decode(http.Header{}, []byte(`{"time":`+in+`}`), &ptr)
		if err != nil || want.IsZero() && !strings.Contains(in, "1") && ptr.Time != nil || ptr.Time != nil && !ptr.Time.Equal(want) {
			t.Errorf("%s into a pointer: %v, %v; want %v", in, ptr.Time, err, want)
		}
	}
	for _, in := range []string{
		`"01/10/2025"`, `"10.01.2025"`, `"Oct 1, 2025"`, `"today"`, `"2025-13-01"`, `"2025-10-01 25:00:00"`, `"2025"`, `"12:00:00"`, `"2025-W40-3"`,
		`1`, `-1`, `-0`, `42`, `99999999`, `100000000000001`, `-1759320000`, `0.5`, `1e99`, `1e999999999`, `20251001120000`, `"20251001120000"`, `"20251001"`, `202510011200`, `251001120000`,
		`"2025-10-01T14:00:00[Europe/Berlin]"`, `"2025-10-01[Europe/Berlin]"`, `"2025-10-01 14:00:00 +0200 UTC"`, `"2025-10-01 14:00:00 +0260"`,
		`true`, `[]`, `{}`, `["2025-10-01"]`, `"2025-10-01T12:00:00+99:00"`, `"NaN"`, `"null"`,
		`"2025-10-01 12:00:00.` + strings.Repeat("0", 81) + `"`,
	} {
		var out struct {
			Time time.Time `json:"time"`
		}
		if err := Decode(http.Header{}, []byte(`{"time":`+in+`}`), &out); err == nil {
			t.Errorf("%s is read as %v", in, out.Time)
		}
	}
}

func TestFormsOfOtherValues(t *testing.T) {
	for in, want := range map[string]everything{
		`{"int":"42"}`:                          {Int: 42},
		`{"int":" 42 "}`:                        {Int: 42},
		`{"int":42.0}`:                          {Int: 42},
		`{"int":"42.00"}`:                       {Int: 42},
		`{"int":1e3}`:                           {Int: 1000},
		`{"int":12.5e1}`:                        {Int: 125},
		`{"int":1200e-2}`:                       {Int: 12},
		`{"int":-0.0}`:                          {},
		`{"int":""}`:                            {},
		`{"small":"-128"}`:                      {Small: -128},
		`{"unsigned":18446744073709551615.0}`:   {Unsigned: 1<<64 - 1},
		`{"unsigned":"18446744073709551615"}`:   {Unsigned: 1<<64 - 1},
		`{"int_ptr":"7"}`:                       {IntPtr: new(new(7))},
		`{"int_ptr":""}`:                        {},
		`{"float":"1.5e1"}`:                     {Float: 15},
		`{"float":""}`:                          {},
		`{"quoted":5}`:                          {Quoted: 5},
		`{"number":""}`:                         {},
		`{"bool":"true"}`:                       {Bool: true},
		`{"bool":1}`:                            {Bool: true},
		`{"bool":"0"}`:                          {},
		`{"bool":""}`:                           {},
		`{"string":12345678901234567890123}`:    {String: "12345678901234567890123"},
		`{"string":1.50}`:                       {String: "1.50"},
		`{"id":7,"int":"1"}`:                    {base: base{ID: "7"}, Int: 1},
		`{"inner":"3"}`:                         {Pointed: &Pointed{3}},
		`{"time":"2025-10-01 12:00","list":[]}`: {Time: noon, List: []string{}},
		`{"list":{}}`:                           {List: []string{}},
		`{"list":{ },"int":"1"}`:                {List: []string{}, Int: 1},
		`{"map":[]}`:                            {Map: map[string]int{}},
		`{"named":[],"int":"1"}`:                {Int: 1},
		`{"time_ptr":null,"int":"1"}`:           {Int: 1},
		`{"quoted":"","int":"1"}`:               {Int: 1},
		`{"words":"plain","int":"1"}`:           {Words: "plain", Int: 1},
		`[]`:                                    {},
		`{"array":{}}`:                          {},
		`{"map":{"a":"1"}}`:                     {Map: map[string]int{"a": 1}},
		`{"ints":{"1":{"id":2}}}`:               {Ints: map[int]*base{1: {ID: "2"}}},
		`{"array":["1",2,3]}`:                   {Array: [2]int{1, 2}},
		`{"array":["1"]}`:                       {Array: [2]int{1}},
		`{"list":["a",2]}`:                      {List: []string{"a", "2"}},
		`{"any":{"a":"1"},"int":"1"}`:           {Any: map[string]any{"a": "1"}, Int: 1},
		`{"raw": [1, "x"],"int":"1"}`:           {Raw: json.RawMessage(`[1, "x"]`), Int: 1},
		`{"own":true,"int":"1"}`:                {Own: own{true}, Int: 1},
		`{"text":"x","int":"1"}`:                {Text: "<x>", Int: 1},
		"\xef\xbb\xbf" + `{"int":1}`:            {Int: 1},
		"\xef\xbb\xbf \n" + `{"int":"1"}`:       {Int: 1},
		`{"UNTAGGED":"a","Int":"1"}`:            {Untagged: "a", Int: 1},
		`{"-":"x","Ignored":"x","private":"x","int":"1"}`: {Int: 1},
	} {
		var out everything
		if err := Decode(http.Header{}, []byte(in), &out); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if !reflect.DeepEqual(out, want) {
			t.Errorf("%s: %+v, want %+v", in, out, want)
		}
	}
}

// TestWhatTheCallerPutIntoAnInterfaceIsDecodedInto, as with encoding/json.
func TestWhatTheCallerPutIntoAnInterfaceIsDecodedInto(t *testing.T) {
	items := []base{}
	envelope := struct{ Data any }{&items}
	if err := Decode(http.Header{}, []byte(`{"data":[{"id":1,"since":""}]}`), &envelope); err != nil || len(items) != 1 || items[0].ID != "1" {
		t.Errorf("%+v, %v", items, err)
	}
	if err := Decode(http.Header{}, []byte(`{"data":[{"since":"x"}]}`), &envelope); err == nil || err.Error() != `field "Data", item 1, field "since": cannot decode a JSON string as a time` {
		t.Error(err)
	}
	var one base
	var x any = &one
	if err := Decode(http.Header{}, []byte(`{"id":1}`), &x); err != nil || one.ID != "1" {
		t.Errorf("%+v, %v", one, err)
	}
}

// TestNullClearsAPointer of the caller, as with encoding/json, also if something else
// in the response has another form.
func TestNullClearsAPointer(t *testing.T) {
	for _, since := range []string{`"2026-03-01T12:00:00Z"`, `""`} {
		into := struct {
			Name  *string   `json:"name"`
			Since time.Time `json:"since"`
		}{Name: new("before")}
		if err := Decode(http.Header{}, []byte(`{"since":`+since+`,"name":null}`), &into); err != nil || into.Name != nil {
			t.Errorf("since %s: %+v, %v", since, into, err)
		}
	}
}

// TestAnEmptyTimeEmptiesNoOther value: the pointer after it is set.
func TestAnEmptyTimeEmptiesNoOther(t *testing.T) {
	var into struct {
		Since *time.Time `json:"since"`
		Next  *int       `json:"next"`
	}
	if err := Decode(http.Header{}, []byte(`{"since":"","next":5}`), &into); err != nil || into.Since != nil || into.Next == nil || *into.Next != 5 {
		t.Errorf("%+v, %v", into, err)
	}
}

// TestAFieldIsNamedInFull if its path has at most 100 characters.
func TestAFieldIsNamedInFull(t *testing.T) {
	for n, cut := range map[int]string{100: "", 101: "…"} {
		name := strings.Repeat("n", n)
		into := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "N", Type: reflect.TypeFor[int](), Tag: reflect.StructTag(`json:"` + name + `"`)}}))
		err := Decode(http.Header{}, []byte(`{"`+name+`":[]}`), into.Interface())
		if want := `field "` + name[:100] + cut + `": cannot decode a JSON array as an integer`; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestWhatDoesNotFitIsNamed: item, field and kind of JSON, the same on all Go
// releases, and nothing of the JSON.
func TestWhatDoesNotFitIsNamed(t *testing.T) {
	const secret = "jane@example.com"
	type page struct {
		Data []everything   `json:"data"`
		Meta map[string]int `json:"meta"`
	}
	for in, want := range map[string]string{
		`{"data":[{},{"int":"` + secret + `"}]}`:               `item 2, field "int": cannot decode a JSON string as an integer`,
		`{"data":[{"int":42.5}]}`:                              `item 1, field "int": cannot decode a JSON number as an integer`,
		`{"data":[{"int":1e400}]}`:                             `item 1, field "int": cannot decode a JSON number as an integer`,
		`{"data":[{"small":"128"}]}`:                           `item 1, field "small": cannot decode a JSON string as an integer`,
		`{"data":[{"unsigned":-1}]}`:                           `item 1, field "unsigned": cannot decode a JSON number as an integer`,
		`{"data":[{"float":1e999}]}`:                           `item 1, field "float": a JSON number is too large`,
		`{"data":[{"float":true}]}`:                            `item 1, field "float": cannot decode a JSON boolean as a number`,
		`{"data":[{"bool":"` + secret + `"}]}`:                 `item 1, field "bool": cannot decode a JSON string as a boolean`,
		`{"data":[{"bool":2}]}`:                                `item 1, field "bool": cannot decode a JSON number as a boolean`,
		`{"data":[{"string":{"` + secret + `":1}}]}`:           `item 1, field "string": cannot decode a JSON object as a string`,
		`{"data":[{"string":false}]}`:                          `item 1, field "string": cannot decode a JSON boolean as a string`,
		`{"data":[{"id":["` + secret + `"]}]}`:                 `item 1, field "id": cannot decode a JSON array as a string`,
		`{"data":[{"named":{"since":"` + secret + `"}}]}`:      `item 1, field "named.since": cannot decode a JSON string as a time`,
		`{"data":[{"time":424242}]}`:                           `item 1, field "time": cannot decode a JSON number as a time`,
		`{"data":[{"time_ptr":[]}]}`:                           `item 1, field "time_ptr": cannot decode a JSON array as a time`,
		`{"data":[{"times":["2025-10-01","` + secret + `"]}]}`: `item 1, field "times", item 2: cannot decode a JSON string as a time`,
		`{"data":[{"list":{"` + secret + `":1}}]}`:             `item 1, field "list": cannot decode a JSON object as a list`,
		`{"data":[{"list":"` + secret + `"}]}`:                 `item 1, field "list": cannot decode a JSON string as a list`,
		`{"data":[{"named":"` + secret + `"}]}`:                `item 1, field "named": cannot decode a JSON string as an object`,
		`{"data":[{"named":["` + secret + `"]}]}`:              `item 1, field "named": cannot decode a JSON array as an object`,
		`{"data":[{"map":{"` + secret + `":"x"}}]}`:            `item 1, field "map[…]": cannot decode a JSON string as an integer`,
		`{"data":[{"ints":{"` + secret + `":{}}}]}`:            `item 1, field "ints[…]": cannot decode the key`,
		`{"data":[{"deep":{"` + secret + `":[{"when":1}]}}]}`:  `item 1, field "deep[…]", item 1, field "when": cannot decode a JSON number as a time`,
		`{"data":[{"own":"` + secret + `"}]}`:                  `item 1, field "own": cannot decode a JSON string`,
		`{"data":[{"text":"no"}]}`:                             `item 1, field "text": cannot decode a JSON string`,
		`{"data":[{"text":5}]}`:                                `item 1, field "text": cannot decode a JSON number`,
		`{"data":[{"bytes":"` + secret + `"}]}`:                `item 1, field "bytes": cannot decode a JSON string as a list`,
		`{"data":["` + secret + `"]}`:                          `item 1: cannot decode a JSON string as an object`,
		`{"data":{"` + secret + `":1}}`:                        `field "data": cannot decode a JSON object as a list`,
		`{"meta":{"` + secret + `":{}}}`:                       `field "meta[…]": cannot decode a JSON object as an integer`,
		`["` + secret + `"]`:                                   `cannot decode a JSON array as an object`,
		`{"data":[{"list":[1],"int":"x"}]}`:                    `item 1, field "int": cannot decode a JSON string as an integer`, // after a list
		`{"data":[{"array":["1",2,3],"int":"x"}]}`:             `item 1, field "int": cannot decode a JSON string as an integer`,
		`{"data":[{"map":{"a":1},"int":"x"}]}`:                 `item 1, field "int": cannot decode a JSON string as an integer`,
		`{"data":[{"named":{"id":1},"int":"x"}]}`:              `item 1, field "int": cannot decode a JSON string as an integer`,
		`{"data":[{"deep":{"a":[{"when":""}]},"int":"x"}]}`:    `item 1, field "int": cannot decode a JSON string as an integer`,
		`"` + secret + `"`:                                     `cannot decode a JSON string as an object`,
		`{"data":[{"any":1e999}]}`:                             `item 1, field "any": cannot decode a JSON number`,
		`{"` + secret + `":1}}`:                                `invalid JSON at offset 23`,
		`{"data":[{"id":"` + secret:                            `JSON is truncated: unexpected EOF`,
		`{"data":[01]}`:                                        `invalid JSON at offset 11`,
		"{\"a\":\"\n\"}":                                       `invalid JSON at offset 7`,
		`{"a":"\x"}`:                                           `invalid JSON at offset 8`,
		`{"a":tru}`:                                            `invalid JSON at offset 9`,
		`{"a":1.}`:                                             `invalid JSON at offset 8`,
		strings.Repeat("[", 20_000):                            `JSON nested over 10000 levels deep`,
	} {
		err := Decode(http.Header{}, []byte(in), new(page))
		if err == nil || err.Error() != want {
			t.Errorf("%.100s: %v\nwant %s", in, err, want)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); errors.As(err, new(*misfit)) && text != want+" "+want+" "+want {
			t.Errorf("%s: printed as %s", in, text)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(fmt.Sprintf("%v %+v %#v %s %q", e, e, e, e, e), secret) {
				t.Errorf("%s: %+v quotes the body", in, e)
			}
		}
		if strings.Contains(in, `"own"`) != errors.Is(err, errOwn) && !strings.Contains(in, `"text":"no"`) {
			t.Errorf("%s: %v matches the error of the type's own method: %v", in, err, errors.Is(err, errOwn))
		}
	}
	if err := Decode(http.Header{}, []byte(`{"data":[{"float":"x"}]}`), new(map[string][]map[string]float64)); err == nil ||
		err.Error() != `field "[…]", item 1, field "[…]": cannot decode a JSON string as a number` {
		t.Error(err)
	}
	for digits, ok := range map[int]bool{maxNumber: true, maxNumber + 1: false} {
		if err := Decode(http.Header{}, []byte(`{"data":[{"string":`+strings.Repeat("1", digits)+`}]}`), new(page)); (err == nil) != ok {
			t.Errorf("a number of %d digits: %v", digits, err)
		}
	}
	if err := Decode(http.Header{}, []byte(`{"n":null}`), new(struct {
		N notNull `json:"n"`
	})); err == nil || err.Error() != `field "n": cannot decode null` {
		t.Error(err)
	}
	var address struct{ IP netip.Addr } // its errors are values that quote the text
	err := Decode(http.Header{}, []byte(`{"IP":"`+secret+`"}`), &address)
	if text := fmt.Sprintf("%v %+v %#v", err, err, err); err == nil || strings.Contains(text, secret) {
		t.Errorf("%s quotes the body", text)
	}
	type nest struct {
		C []nest
		V time.Time
	}
	deep := strings.Repeat(`{"C":[`, 4000) + `{"V":"x"}` + strings.Repeat(`]}`, 4000)
	begin := strings.Repeat(`field "C", item 1, `, 6) // and the end of the path
	if err := Decode(http.Header{}, []byte(deep), new(nest)); err == nil || err.Error() != begin+`field "V": cannot decode a JSON string as a time` {
		t.Errorf("%.500v", err)
	}
	var object struct {
		Data struct {
			N int `json:"n"`
		} `json:"data"`
	}
	if err := Decode(http.Header{}, []byte(`{"data":{"n":"x"}}`), &object); err == nil || err.Error() != `field "data.n": cannot decode a JSON string as an integer` {
		t.Error(err)
	}
	if err := Decode(http.Header{}, []byte(`[1,"x"]`), new([]int)); err == nil || err.Error() != "item 2: cannot decode a JSON string as an integer" {
		t.Error(err)
	}
}

// TestFieldsAreThoseOfEncodingJSON, whatever is embedded where.
func TestFieldsAreThoseOfEncodingJSON(t *testing.T) {
	type A struct {
		X int `json:"x"`
		Y int
	}
	type B struct {
		X int `json:"x"`
		Y int `json:"Y"`
		Z int
	}
	type both struct { // x is ambiguous, Y is B's because of its tag
		A
		*B
		C  int `json:"c"`
		A2 A
	}
	const in = `{"x":1,"Y":2,"Z":3,"c":4,"A2":{"x":6}}`
	var usual, tolerant both
	if err := json.Unmarshal([]byte(in), &usual); err != nil {
		t.Fatal(err)
	}
	if err := decodeTolerant([]byte(in), &tolerant); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(usual, tolerant); diff != "" {
		t.Error(diff)
	}
	type own struct {
		base `json:"base"`
		*A   `json:"a"`
	}
	var o own
	if err := Decode(http.Header{}, []byte(`{"base":{"id":1},"a":{"x":"1"}}`), &o); err != nil || o.base.ID != "1" || o.A.X != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	if err := Decode(http.Header{}, []byte(`{"base":"x"}`), &o); err == nil || err.Error() != `field "base": cannot decode a JSON string as an object` {
		t.Error(err)
	}
	if err := Decode(http.Header{}, []byte(`{"base":null,"a":{"x":""}}`), &o); err != nil {
		t.Error(err)
	}
	type unexported struct{ *A }
	type hidden struct{ *base }
	var u unexported
	var h hidden
	if err := Decode(http.Header{}, []byte(`{"x":"1"}`), &u); err != nil || u.A.X != 1 {
		t.Error(err)
	}
	type named struct {
		*base `json:"base"`
	}
	if err := decodeTolerant([]byte(`{"base":{"id":"1"}}`), new(named)); err == nil || err.Error() != `field "base": cannot decode a JSON object` {
		t.Error(err)
	}
	if err := Decode(http.Header{}, []byte(`{"id":"1"}`), &h); err == nil || err.Error() != `field "id": cannot decode a JSON string` {
		t.Error(err)
	}
}

// TestTheGuideListsTheForms checks docs/responses.md: each example is decoded as its
// line says, and each form in the code has a line.
func TestTheGuideListsTheForms(t *testing.T) {
	guide, err := os.ReadFile("../../docs/responses.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(guide), "| a field that holds | is also read from |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := map[form]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		into := target(strings.TrimSpace(cells[1]))
		for i, example := range strings.Split(cells[2], "`") {
			if i%2 == 0 {
				continue // words between the examples
			}
			s := scanner{data: []byte(example)}
			listed[form{into, s.kind()}] = true
			out := map[target]any{aTime: new(time.Time), anInteger: new(int), aNumber: new(float64), aString: new(string), aBoolean: new(bool), aList: new([]int), anObject: new(base)}[into]
			if err := Decode(http.Header{}, []byte(example), out); err != nil {
				t.Errorf("%s from %s: %v", into, example, err)
			}
			want := map[bool]time.Time{true: {}, false: noon}[!strings.Contains(example, "2025") && !strings.Contains(example, "17593")]
			if at, ok := out.(*time.Time); ok && at.Sub(want).Abs() > 12*time.Hour {
				t.Errorf("%s is %v", example, at)
			}
		}
	}
	for f := range forms {
		if !listed[f] {
			t.Errorf("%s from a JSON %s is not in the table", f.into, kindNames[f.from])
		}
	}
}
