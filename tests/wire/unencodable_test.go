package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// errHush is what methods of users return; no text may show it.
var errHush = errors.New("HUSH: jane@example.com")

type failingJSON struct{ err error }

func (f failingJSON) MarshalJSON() ([]byte, error) { return nil, f.err }

type failingText struct{ err error }

func (f failingText) MarshalText() ([]byte, error) { return nil, f.err }

// failingPointer has its method only where it has an address.
type failingPointer struct{ X int }

func (*failingPointer) MarshalJSON() ([]byte, error) { return nil, errHush }

// failingOnce fails once only, and not when it is asked again.
type failingOnce struct{ done bool }

func (f *failingOnce) MarshalJSON() ([]byte, error) {
	if f.done {
		return []byte("1"), nil
	}
	f.done = true
	return nil, context.Canceled
}

type invalidJSON struct{}

func (invalidJSON) MarshalJSON() ([]byte, error) { return []byte(`{HUSH`), nil }

type circle struct {
	Next  *circle        `json:"next,omitempty"`
	Loops map[string]any `json:"loops,omitempty"`
}

// nested returns a slice of n levels.
func nested(n int) any {
	var v any = "HUSH"
	for range n {
		v = []any{v}
	}
	return v
}

// The error names what cannot be encoded, in the same words with every Go
// release, without values and map keys.
func TestWhatCannotBeEncodedIsNamed(t *testing.T) {
	t.Parallel()
	type field map[string]any
	type in struct {
		V any `json:"v"`
	}
	round := &circle{}
	round.Next = round
	loops := &circle{Loops: map[string]any{}}
	loops.Loops["HUSH"], loops.Loops["HUSH2"] = loops, loops
	slice := []any{nil}
	slice[0] = slice
	const deep = "contains itself, or has more than 10000 levels of arrays and objects"
	tests := map[string]struct {
		value any
		want  string // after the name of the field v
		is    error
	}{
		"a function":                  {func() {}, ": a value of type func() cannot be encoded as JSON", nil},
		"a channel":                   {struct{ C chan int }{}, ".C: a value of type chan int cannot be encoded as JSON", nil},
		"a complex number":            {[]any{1, complex(1, 2)}, "[1]: a value of type complex128 cannot be encoded as JSON", nil},
		"keys that are no text":       {map[bool]string{true: "HUSH"}, ": a value of type map[bool]string cannot be encoded as JSON", nil},
		"NaN":                         {math.NaN(), ": not a finite number", nil},
		"infinity":                    {field{"HUSH": math.Inf(-1)}, "[…]: not a finite number", nil},
		"a float32":                   {new(float32(math.Inf(1))), ": not a finite number", nil},
		"a number that is none":       {json.Number("HUSH"), ": a json.Number that is not a number", nil},
		"a number with a space":       {json.Number("1 "), ": a json.Number that is not a number", nil},
		"itself":                      {round, ": " + deep, nil},
		"itself in a map":             {loops, ": " + deep, nil},
		"itself in a slice":           {slice, ": " + deep, nil},
		"too many levels":             {nested(10_001), ": " + deep, nil},
		"too many levels, ready":      {json.RawMessage(strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)), ": " + deep, nil},
		"a method":                    {failingJSON{errHush}, ": the MarshalJSON method of wire_test.failingJSON failed", errHush},
		"a method of a field":         {[]in{{1}, {failingJSON{errHush}}}, "[1].v: the MarshalJSON method of wire_test.failingJSON failed", errHush},
		"a method in a map":           {field{"HUSH": &failingJSON{io.ErrUnexpectedEOF}}, "[…]: the MarshalJSON method of wire_test.failingJSON failed", io.ErrUnexpectedEOF},
		"a method of a pointer":       {&failingPointer{}, ": the MarshalJSON method of wire_test.failingPointer failed", errHush},
		"a method of an element":      {[]failingPointer{{}}, "[0]: the MarshalJSON method of wire_test.failingPointer failed", errHush},
		"a method with another error": {failingJSON{json.Unmarshal([]byte(`{HUSH`), new(any))}, ": the MarshalJSON method of wire_test.failingJSON failed", nil},
		"a method with bad JSON":      {invalidJSON{}, ": the MarshalJSON method of wire_test.invalidJSON returned invalid JSON", nil},
		"a text method":               {[]any{failingText{errHush}}, "[0]: the MarshalText method of wire_test.failingText failed", errHush},
		"a text method of a key":      {map[failingText]int{{errHush}: 1}, "[…]: the MarshalText method of wire_test.failingText failed", errHush},
		"a time out of range":         {in{time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}, ".v: the MarshalJSON method of time.Time failed", nil},
		"JSON that is none":           {json.RawMessage(`{HUSH`), ": a json.RawMessage that is not JSON", nil},
		"no JSON":                     {json.RawMessage{}, ": a json.RawMessage that is not JSON", nil},
		"two values of JSON":          {field{"HUSH": json.RawMessage(`{"a":1} {}`)}, "[…]: a json.RawMessage that is not JSON", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
			name, text, _ := strings.Cut(tt.want, ": ")
			calls := map[string]error{
				`field "v` + name + `": ` + text: client.Do(t.Context(), "POST", "/leads", in{tt.value}, nil),
				`field "w` + name + `": ` + text: support.Create(t.Context(), client, leedo.WithBodyField("w", tt.value)),
			}
			for want, err := range calls {
				support.CheckInvalidArgument(t, err)
				if err != nil && !strings.HasSuffix(err.Error(), " /leads: invalid argument: body: "+want) {
					t.Errorf("%v, want %s", err, want)
				}
				if err != nil && (strings.Contains(err.Error(), "HUSH") || strings.Contains(err.Error(), "json: ")) {
					t.Errorf("it shows a value or words of encoding/json: %v", err)
				}
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("%v does not match %v", err, tt.is)
				}
			}
			if sent := rec.Requests(); len(sent) != 0 {
				t.Errorf("sent %+v", sent)
			}
		})
	}
}

// The nesting depth of a body is counted outside of its strings.
func TestTheLevelsOfABodyAreCounted(t *testing.T) {
	t.Parallel()
	brackets := strings.Repeat(`[{"`, 20_000)
	for name, body := range map[string]any{
		"10000 levels":         nested(10_000),
		"10000 levels, ready":  json.RawMessage(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)),
		"brackets in a string": map[string]string{"a": brackets, brackets: `\"` + brackets},
		"many objects":         make([]struct{}, 20_000),
	} {
		client, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
		if err := client.Do(t.Context(), "POST", "/leads", body, nil); err != nil || len(rec.Requests()) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	client, _ := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
	err := client.Do(t.Context(), "POST", "/leads", map[string]any{}, nil, leedo.WithBodyField("a", nested(10_000)))
	support.CheckInvalidArgument(t, err)
}

// The error of a marshaling method can be matched, but is not printed by any
// verb.
func TestTheErrorOfAMethodIsMatchedAndNotShown(t *testing.T) {
	t.Parallel()
	client, _ := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
	for _, err := range []error{
		client.Do(t.Context(), "PUT", "/leads/x", failingJSON{context.Canceled}, nil),
		support.ErrorOf(client.Leads.Update(t.Context(), "x", &leedo.LeadUpdateParams{}, leedo.WithBodyField("a", failingJSON{context.Canceled}))),
		// One that does not fail when it is asked where the error comes from.
		client.Do(t.Context(), "POST", "/leads", []any{&failingOnce{}}, nil),
	} {
		if !errors.Is(err, context.Canceled) || !errors.Is(err, leedo.ErrInvalidArgument) || strings.Contains(err.Error(), context.Canceled.Error()) {
			t.Error(err)
		}
		if support.Is[*json.MarshalerError](err) {
			t.Errorf("%v gives away the error of encoding/json", err)
		}
	}
}
