package wire

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever encoding/json takes for JSON is read, and nothing else: each text differs
// in one place from one that is valid.
func TestSyntaxIsThatOfEncodingJSON(t *testing.T) {
	const text = ` {"a":[1,-0.25e+30,10,"x\u00e9\n\\ \"",true,false,null,{}],` + "\r\n\t" + `"b":{"c":[],"":""}} `
	valid := 0
	check := func(s string) {
		want := json.Valid([]byte(s))
		if got := checkSyntax([]byte(s)); (got == nil) != want {
			t.Errorf("%s: %v, valid: %t", s, got, want)
		}
		if want {
			valid++
		}
	}
	for i := range text {
		check(text[:i])
		check(text[i:])
		check(text[:i] + text[i+1:])
		for _, c := range ",:{}[]\"\\/09-+.eEtfnuagGAF \x00\x1f\x7f" {
			check(text[:i] + string(c) + text[i:])
			check(text[:i] + string(c) + text[i+1:])
		}
	}
	for _, alone := range []string{`"a\u00e9\n"`, `-10.5e+3`, `true`, `false`, `null`, ` {} `, ` [] `} {
		for i := range alone {
			check(alone[:i])
			check(alone[i:])
		}
		check(alone)
	}
	check("[" + strings.Repeat(`{"a":[]},`, maxNesting) + "{}]") // many, but not deep
	for _, keyless := range []string{`{:1}`, `{"a":1,:2}`, `{a:1}`, `{"a"1}`, `{"a":1,}`, `[1,]`, `[,1]`} {
		check(keyless)
	}
	for c := range 128 {
		check(string(rune(c)))
		check(`"\u00` + string(rune(c)) + `0"`)
	}
	for _, n := range []int{maxNesting, maxNesting + 1} {
		check(strings.Repeat("[", n) + strings.Repeat("]", n))
		check(strings.Repeat(`{"":`, n) + "0" + strings.Repeat("}", n))
	}
	if valid < 100 {
		t.Errorf("only %d of the texts are valid", valid)
	}
}
