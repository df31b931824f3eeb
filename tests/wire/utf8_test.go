package wire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// latin1 is "Zoë HUSH" in Latin-1, which is not valid UTF-8.
const latin1 = "Zo\xeb HUSH"

type address struct {
	City    string            `json:"city"`
	Notes   []string          `json:"notes,omitempty"`
	Tags    map[string]string `json:"tags"`
	Next    *address          `json:"next"`
	Any     any               `json:"any"`
	Raw     json.RawMessage   `json:"raw"`
	Skipped string            `json:"-"`
	hidden  string
}

// embedding is a type that hides the City of what it embeds.
type embedding struct {
	*address
	City string `json:"city"`
}

// fromLatin1 converts itself, so its bytes are no concern of the SDK.
type fromLatin1 string

func (s fromLatin1) MarshalText() ([]byte, error) {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return []byte(b.String()), nil
}

// rawName returns as JSON what it is.
type rawName string

func (r rawName) MarshalJSON() ([]byte, error) { return []byte(`"` + string(r) + `"`), nil }

// A text that is not UTF-8 is not sent, as encoding/json would replace its
// bytes by U+FFFD. The error names the field.
func TestTextThatIsNotUTF8IsNotSent(t *testing.T) {
	t.Parallel()
	do := func(body any) func(context.Context, *leedo.Client) error {
		return func(ctx context.Context, c *leedo.Client) error { return c.Do(ctx, "POST", "/leads", body, nil) }
	}
	with := func(opts ...leedo.RequestOption) func(context.Context, *leedo.Client) error {
		return func(ctx context.Context, c *leedo.Client) error { return support.Create(ctx, c, opts...) }
	}
	tests := map[string]struct {
		call func(context.Context, *leedo.Client) error
		want string
	}{
		"a new lead": {func(ctx context.Context, c *leedo.Client) error {
			return support.ErrorOf(c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe", Company: latin1}))
		}, `body: field "company": not valid UTF-8`},
		"its status": {func(ctx context.Context, c *leedo.Client) error {
			return support.ErrorOf(c.Leads.Create(ctx, &leedo.LeadCreateParams{Status: latin1}))
		}, `body: field "status": not valid UTF-8`},
		"a new account": {func(ctx context.Context, c *leedo.Client) error {
			return support.ErrorOf(c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: latin1}))
		}, `body: field "name": not valid UTF-8`},
		"a new contact": {func(ctx context.Context, c *leedo.Client) error {
			return support.ErrorOf(c.Contacts.Create(ctx, &leedo.ContactCreateParams{AccountID: latin1}))
		}, `body: field "account_id": not valid UTF-8`},
		"an update": {func(ctx context.Context, c *leedo.Client) error {
			return support.ErrorOf(c.Leads.Update(ctx, "x", &leedo.LeadUpdateParams{Name: new("n"), Email: new(latin1)}))
		}, `body: field "email": not valid UTF-8`},

		"Do":                        {do(latin1), `body: not valid UTF-8`},
		"Do, a slice":               {do([]string{"a", latin1}), `body: field "[1]": not valid UTF-8`},
		"Do, an array":              {do([2]any{"a", new(latin1)}), `body: field "[1]": not valid UTF-8`},
		"Do, a map":                 {do(map[string]string{"a": "b", "HUSH": latin1}), `body: field "[…]": not valid UTF-8`},
		"Do, a key":                 {do(map[string]int{latin1: 1}), `body: field "[…]": the key is not valid UTF-8`},
		"Do, a key of two":          {do(map[fromLatin1]int{latin1: 1, "a": 2}), `body: field "[…]": the key is not valid UTF-8`},
		"Do, nested":                {do(&address{Next: &address{Notes: []string{"", "", latin1}}}), `body: field "next.notes[2]": not valid UTF-8`},
		"Do, in an interface":       {do(address{Any: map[string]any{"HUSH": []any{1, latin1}}}), `body: field "any[…][1]": not valid UTF-8`},
		"Do, a map in a struct":     {do(address{Tags: map[string]string{"HUSH": latin1}}), `body: field "tags[…]": not valid UTF-8`},
		"Do, a RawMessage":          {do(json.RawMessage(`{"a":"` + latin1 + `"}`)), `body: not valid UTF-8`},
		"Do, a RawMessage inside":   {do(address{Raw: json.RawMessage(`"` + latin1 + `"`)}), `body: field "raw": not valid UTF-8`},
		"Do, embedded":              {do(embedding{&address{Notes: []string{latin1}}, "Berlin"}), `body: field "notes[0]": not valid UTF-8`},
		"Do, over what is embedded": {do(embedding{&address{City: "Berlin"}, latin1}), `body: field "city": not valid UTF-8`},
		"Do, a type of ours":        {do(struct{ leedo.Lead }{leedo.Lead{Phone: latin1}}), `body: field "phone": not valid UTF-8`},
		"Do, a quoted string": {do(struct {
			S string `json:"s,string"`
		}{latin1}), `body: field "s": not valid UTF-8`},
		"Do, what a method returns": {do(address{Any: rawName(latin1)}), `body: a MarshalJSON method returned invalid UTF-8`},
		"Do, a good text before it": {do([]string{"\ufffd", latin1}), `body: field "[1]": not valid UTF-8`},

		"the value of a body field": {with(leedo.WithBodyField("source", latin1)), `body: field "source": not valid UTF-8`},
		"a part of one":             {with(leedo.WithBodyField("tags", []string{latin1})), `body: field "tags[0]": not valid UTF-8`},
		"the key of a body field":   {with(leedo.WithBodyField(latin1, 1)), "body: a field name is not valid UTF-8"},
		"the value of a query":      {with(leedo.WithQuery("q", latin1)), `query parameter "q" is not valid UTF-8`},
		"the value of a header":     {with(leedo.WithHeader("X-A", latin1)), "value of header X-A is not valid UTF-8"},
		"an idempotency key":        {with(leedo.WithHeader("Idempotency-Key", latin1)), "value of header Idempotency-Key is not valid UTF-8"},
		"the key of a query":        {with(leedo.WithQuery(latin1, "x")), "query parameter name is not valid UTF-8"},
		"a query of Get": {func(ctx context.Context, c *leedo.Client) error {
			return support.ErrorOf(c.Campaigns.Get(ctx, "x", leedo.WithQuery("q", latin1)))
		}, `query parameter "q" is not valid UTF-8`},
		"a query of a walk": {func(ctx context.Context, c *leedo.Client) error {
			_, err := support.Gather(t, c.Leads.All(ctx, nil, leedo.WithQuery("q", latin1), leedo.WithPrefetch(4)))
			return err
		}, `query parameter "q" is not valid UTF-8`},
		"half a character": {with(leedo.WithBodyField("s", "€"[:2])), `body: field "s": not valid UTF-8`},
		"half a surrogate": {with(leedo.WithBodyField("s", "\xed\xa0\x80")), `body: field "s": not valid UTF-8`},
		"UTF-16":           {with(leedo.WithBodyField("s", "\xff\xfeJ\x00")), `body: field "s": not valid UTF-8`},
	}
	if data, _ := json.Marshal(map[fromLatin1]int{latin1: 1}); bytes.Contains(data, []byte("Zoë")) {
		delete(tests, "Do, a key of two") // with GOEXPERIMENT=jsonv2, Go 1.26 converts such keys, too
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
			err := tt.call(t.Context(), client)
			support.CheckInvalidArgument(t, err)
			if err != nil && !strings.HasSuffix(err.Error(), ": invalid argument: "+tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "HUSH") {
				t.Errorf("a value or the key of a map is shown: %v", err)
			}
			if sent := rec.Requests(); len(sent) != 0 {
				t.Errorf("sent %+v", sent)
			}
		})
	}
}

// Every text that is UTF-8 is sent, and fields that are not encoded do not
// matter.
func TestTextThatIsUTF8IsSent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body any
		want string
	}{
		"a replacement character":    {map[string]string{"a": "\ufffd"}, `{"a":"\ufffd"}`},
		"the escape of one":          {map[string]string{"a": `\ufffd`}, `{"a":"\\ufffd"}`},
		"beside what is not encoded": {address{City: "\ufffd", Skipped: latin1, hidden: latin1}, `{"city":"\ufffd","tags":null,"next":null,"any":null,"raw":null}`},
		"beside what is hidden":      {embedding{&address{City: latin1}, "\ufffd"}, `{"tags":null,"next":null,"any":null,"raw":null,"city":"\ufffd"}`},
		"beside an omitted zero": {struct {
			A string
			B alwaysZero `json:",omitzero"`
		}{"\ufffd", latin1}, `{"A":"\ufffd"}`},
		"bytes":                         {map[string]any{"a": []byte(latin1), "b": "\ufffd"}, `{"a":"Wm/rIEhVU0g=","b":"\ufffd"}`},
		"a type that converts its text": {map[string]any{"a": fromLatin1(latin1), "b": "\ufffd"}, `{"a":"Zoë HUSH","b":"\ufffd"}`},
		"a RawMessage":                  {json.RawMessage(`{"a":"\ufffd\ud83c\udf88"}`), `{"a":"\ufffd🎈"}`},
		"nothing":                       {address{Raw: json.RawMessage(`"\ufffd"`)}, `{"city":"","tags":null,"next":null,"any":null,"raw":"\ufffd"}`},
	} {
		var sent string
		client, rec := support.InMemory(t, nil, support.Respond(200, support.LeadJSON))
		if err := client.Do(t.Context(), "POST", "/leads", tt.body, nil); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sent = rec.Requests()[0].Body
		sameJSON(t, sent, tt.want)
	}
}

// alwaysZero is a string that says that it is zero.
type alwaysZero string

func (alwaysZero) IsZero() bool { return true }
