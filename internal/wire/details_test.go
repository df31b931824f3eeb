package wire

import (
	"fmt"
	"strings"
	"testing"
)

// TestSoManyTextsAreKept: maxWords of a field.
func TestSoManyTextsAreKept(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{maxWords - 1: maxWords - 1, maxWords: maxWords, maxWords + 1: maxWords} {
		var texts []string
		for i := range n {
			texts = append(texts, fmt.Sprintf(`"x %d"`, i))
		}
		list := strings.Join(texts, ",")
		p := ReadProblem([]byte(`{"errors":{"name":[`+list+`]}}`), "")
		if got := len(p.Fields["name"]); got != want {
			t.Errorf("%d of %d texts about a field", got, n)
		}
		p = ReadProblem([]byte(`{"errors":{"base":[`+list+`]}}`), "")
		if got := strings.Count(p.Message, "x "); got != want {
			t.Errorf("%d of %d texts about the whole: %s", got, n, p.Message)
		}
	}
}

// TestNameMayBeAField: in an object without words of its own, it is one of the fields.
func TestNameMayBeAField(t *testing.T) {
	t.Parallel()
	p := ReadProblem([]byte(`{"errors":[{"name":"required","email":"is not valid"}]}`), "")
	if p.Message != "email: is not valid; name: required" || len(p.Fields) != 2 {
		t.Errorf("%+v", p)
	}
}
