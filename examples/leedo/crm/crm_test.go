package crm_test

import (
	"encoding/json"
	"testing"

	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

func TestID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"id":"a\/b\u00e9\""}`:       `a/bé"`,
		`{"id":12345678901234567890}`: "12345678901234567890",
		`{"id":null}`:                 "",
		`{"name":"Ada"}`:              "",
		`"x"`:                         "",
		``:                            "",
	} {
		record := json.RawMessage(text)
		if got := crm.ID(&record); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, name := range crm.Names() {
		if r := crm.Find(name); r == nil || r.Name != name || r.Fields[0] != "id" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := crm.Find("deals"); r != nil {
		t.Errorf("deals: %+v", r)
	}
}
