package wire_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// paramTypes returns the params types of all methods of all services whose
// names end so.
func paramTypes(suffixes ...string) []reflect.Type {
	var types []reflect.Type
	for field := range reflect.TypeFor[leedo.Client]().Fields() {
		for method := range field.Type.Methods() {
			for in := range method.Type.Ins() {
				if in.Kind() != reflect.Pointer || in.Elem().Kind() != reflect.Struct {
					continue
				}
				named := func(suffix string) bool { return strings.HasSuffix(in.Elem().Name(), suffix) }
				if slices.ContainsFunc(suffixes, named) && !slices.Contains(types, in.Elem()) {
					types = append(types, in.Elem())
				}
			}
		}
	}
	return types
}

var snake = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// Each field of list params has a url tag with omitempty: without a tag
// go-querystring sends a field under its Go name, without omitempty it sends
// zeros, and it ignores options that it does not know, such as omitzero.
func TestListParamsAreTagged(t *testing.T) {
	t.Parallel()
	types := paramTypes("ListParams")
	if len(types) != 4 {
		t.Errorf("found %v, want those of four services", types)
	}
	for _, typ := range types {
		for field := range typ.Fields() {
			tag, ok := field.Tag.Lookup("url")
			name, options, _ := strings.Cut(tag, ",")
			switch {
			case !ok || !snake.MatchString(name):
				t.Errorf("%s.%s has the url tag %q", typ, field.Name, tag)
			case options != "omitempty":
				t.Errorf("%s.%s has the options %q, want omitempty alone", typ, field.Name, options)
			case field.Anonymous || !field.IsExported():
				t.Errorf("%s.%s is embedded or not exported", typ, field.Name)
			}
		}
	}
}

// Each field of write params has a json tag, and is not sent when it is zero.
func TestWriteParamsAreTagged(t *testing.T) {
	t.Parallel()
	types := paramTypes("CreateParams", "UpdateParams")
	if len(types) != 4 {
		t.Errorf("found %v, want three CreateParams and one UpdateParams", types)
	}
	for _, typ := range types {
		for field := range typ.Fields() {
			tag, ok := field.Tag.Lookup("json")
			name, options, _ := strings.Cut(tag, ",")
			switch {
			case !ok || !snake.MatchString(name):
				t.Errorf("%s.%s has the json tag %q", typ, field.Name, tag)
			case options != "omitzero":
				t.Errorf("%s.%s has the options %q, want omitzero alone", typ, field.Name, options)
			case strings.HasSuffix(typ.Name(), "UpdateParams") && field.Type.Kind() != reflect.Pointer:
				t.Errorf("%s.%s is a %s: a value cannot be told from no change", typ, field.Name, field.Type)
			}
		}
	}
}

// No exported type has JSON methods: a type that embeds it would decode it
// alone and drop custom fields.
func TestNoExportedTypeHasJSONMethods(t *testing.T) {
	t.Parallel()
	for _, v := range []any{leedo.Lead{}, leedo.Account{}, leedo.Contact{}, leedo.Campaign{}, leedo.Page[leedo.Lead]{}} {
		typ := reflect.PointerTo(reflect.TypeOf(v))
		for _, name := range []string{"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "MarshalJSONTo", "UnmarshalJSONFrom"} {
			if _, ok := typ.MethodByName(name); ok {
				t.Errorf("%s has %s", typ, name)
			}
		}
	}
}

// sentBy makes a call and returns the body that it sends.
func sentBy(t *testing.T, method, path string, call func(context.Context, *leedo.Client) error) string {
	t.Helper()
	client, transport := mocked(t)
	var sent string
	transport.RegisterResponder(method, support.BaseURL+path, func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		sent = string(body)
		return canned(200, `{"id":"x"}`), err
	})
	if err := call(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	return sent
}

// An update leaves a field alone, sets it, or sets it to its zero value.
func TestUpdateKnowsThreeStates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		params leedo.LeadUpdateParams
		opts   []leedo.RequestOption
		want   string
	}{
		{"one value", leedo.LeadUpdateParams{Phone: new("+1")}, nil, `{"phone":"+1"}`},
		{"one emptied", leedo.LeadUpdateParams{Phone: new("")}, nil, `{"phone":""}`},
		{"an empty status", leedo.LeadUpdateParams{Status: new(leedo.LeadStatus(""))}, nil, `{"status":""}`},
		{"each in its place", leedo.LeadUpdateParams{
			Name: new("n"), Email: new("e"), Company: new("c"), Phone: new("p"), Status: new(leedo.LeadStatus("s")),
		}, nil, `{"name":"n","email":"e","company":"c","phone":"p","status":"s"}`},
		{"all emptied", leedo.LeadUpdateParams{
			Name: new(""), Email: new(""), Company: new(""), Phone: new(""), Status: new(leedo.LeadStatus("")),
		}, nil, `{"name":"","email":"","company":"","phone":"","status":""}`},
		{"one to null", leedo.LeadUpdateParams{}, []leedo.RequestOption{leedo.WithBodyField("phone", nil)}, `{"phone":null}`},
		{"one to null, one to a value", leedo.LeadUpdateParams{Name: new("n")},
			[]leedo.RequestOption{leedo.WithBodyField("phone", nil)}, `{"name":"n","phone":null}`},
		{"null over a value", leedo.LeadUpdateParams{Phone: new("+1")},
			[]leedo.RequestOption{leedo.WithBodyField("phone", nil)}, `{"phone":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sameJSON(t, sentBy(t, "PATCH", "/leads/x", func(ctx context.Context, c *leedo.Client) error {
				_, err := c.Leads.Update(ctx, "x", &tt.params, tt.opts...)
				return err
			}), tt.want)
		})
	}
}

func TestCreateSendsWhatIsSet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path string
		call func(context.Context, *leedo.Client) error
		want string
	}{
		{"/leads", func(ctx context.Context, c *leedo.Client) error {
			_, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "n"})
			return err
		}, `{"name":"n"}`},
		{"/leads", func(ctx context.Context, c *leedo.Client) error {
			_, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{})
			return err
		}, `{}`},
		{"/leads", func(ctx context.Context, c *leedo.Client) error {
			_, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "n", Email: "e", Company: "c", Phone: "p", Status: "s"})
			return err
		}, `{"name":"n","email":"e","company":"c","phone":"p","status":"s"}`},
		{"/accounts", func(ctx context.Context, c *leedo.Client) error {
			_, err := c.Accounts.Create(ctx, &leedo.AccountCreateParams{Industry: "i", Website: "w"})
			return err
		}, `{"industry":"i","website":"w"}`},
		{"/contacts", func(ctx context.Context, c *leedo.Client) error {
			_, err := c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "n", Email: "e", Role: "r", AccountID: "a"})
			return err
		}, `{"name":"n","email":"e","role":"r","account_id":"a"}`},
		{"/contacts", func(ctx context.Context, c *leedo.Client) error {
			_, err := c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "n"},
				leedo.WithBodyField("name", "wins"), leedo.WithBodyField("score", 7), leedo.WithBodyField("score", 8),
				leedo.WithBodyField("tags", []string{"a", "b"}))
			return err
		}, `{"name":"wins","score":8,"tags":["a","b"]}`},
	}
	for _, tt := range tests {
		sameJSON(t, sentBy(t, "POST", tt.path, tt.call), tt.want)
	}
}

// Texts are sent without the loss or change of a character.
func TestTextIsSentAsItIs(t *testing.T) {
	t.Parallel()
	const name = "Zoë \"Z\" <z&z> \\ \u2028 \n\t 🎈 O'Neil"
	body := sentBy(t, "POST", "/leads", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: name})
		return err
	})
	var sent map[string]string
	if err := json.Unmarshal([]byte(body), &sent); err != nil || sent["name"] != name {
		t.Errorf("sent %s, %v", body, err)
	}
}

// myLead is a lead with custom fields, as a user would write it.
type myLead struct {
	leedo.Lead
	Score int      `json:"score"`
	Tags  []string `json:"tags"`
}

func TestCustomFieldsAreReadWithDo(t *testing.T) {
	t.Parallel()
	const object = `{"id":"x","name":"John Doe","status":"new","created_at":"2025-10-01T12:00:00Z","score":7,"tags":["a","b"]}`
	want := myLead{
		Lead:  leedo.Lead{ID: "x", Name: "John Doe", Status: leedo.LeadStatusNew, CreatedAt: noon},
		Score: 7, Tags: []string{"a", "b"},
	}
	client, transport := mocked(t)
	transport.RegisterResponder("GET", support.BaseURL+"/leads/x", func(*http.Request) (*http.Response, error) {
		return canned(200, object), nil
	})
	transport.RegisterResponder("GET", support.BaseURL+"/leads", func(req *http.Request) (*http.Response, error) {
		if req.URL.RawQuery != "page=2&per_page=1" {
			t.Errorf("query %q", req.URL.RawQuery)
		}
		return canned(200, `{"data":[`+object+`],"meta":{"total":2,"page":2,"per_page":1}}`), nil
	})
	var one myLead
	if err := client.Do(t.Context(), "GET", "/leads/x", nil, &one); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Errorf("lead (-want +got):\n%s", diff)
	}
	var page leedo.Page[myLead]
	err := client.Do(t.Context(), "GET", "/leads", nil, &page, leedo.WithQuery("per_page", "1"), leedo.WithQuery("page", "2"))
	if err != nil {
		t.Fatal(err)
	}
	wantPage := leedo.Page[myLead]{Data: []myLead{want}, Meta: leedo.PageMeta{Total: 2, Page: 2, PerPage: 1}}
	if diff := cmp.Diff(wantPage, page); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	if page.HasNext() {
		t.Error("HasNext on the last page")
	}
}

func TestHasNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rows, total, page, per int
		want                   bool
	}{
		{20, 21, 1, 20, true}, {20, 20, 1, 20, false}, {1, 21, 2, 20, false}, {20, 41, 2, 20, true},
		{0, 41, 2, 20, true}, {1, 1, 1, 20, false}, {1, 41, 1, 0, true}, {1, 41, 1, -1, true}, {0, 0, 1, 20, false}, {1, 0, 1, 1, true},
		{0, 40, 2, 20, false}, {0, 41, 3, 20, false}, {50, 120, 2, 100, true}, {20, 120, 2, 100, false}, {2, 9, 1, 2, true}, {100, 30, 1, 20, true},
		{30, 30, 1, 20, true}, {1, math.MaxInt, math.MaxInt, math.MaxInt, true}, {0, math.MaxInt, math.MaxInt, math.MaxInt, false}, {0, 1, 1, 0, true},
	}
	for _, tt := range tests {
		page := leedo.Page[int]{Data: make([]int, tt.rows), Meta: leedo.PageMeta{Total: tt.total, Page: tt.page, PerPage: tt.per}}
		if page.HasNext() != tt.want {
			t.Errorf("%d rows, %+v: HasNext is %v", tt.rows, page.Meta, !tt.want)
		}
	}
	if (*leedo.Page[leedo.Lead])(nil).HasNext() {
		t.Error("a nil page has a next one")
	}
}
