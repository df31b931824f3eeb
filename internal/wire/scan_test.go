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
	check("[" + strings.Repeat(`{"a":[]},`, maxNesting) + "{}]") // many, but not deep
	if valid < 100 {
		t.Errorf("only %d of the texts are valid", valid)
	}
}
