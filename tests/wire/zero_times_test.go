package wire_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// keysOf returns the keys of a value that is encoded as a JSON object.
func keysOf(t *testing.T, v any) map[string]any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "0001-01-01") {
		t.Errorf("a time that was never sent: %s", data)
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// times are the fields that a record leaves out if they were not sent, and one
// value of each that was.
var times = map[string]string{"created_at": "2025-10-01T12:00:00.123456789+02:00", "updated_at": "2025-10-02T00:00:00Z"}

// Times that the API did not send are not encoded: a program that stores them
// would take the year 1 for real. Those that it sent are encoded as they were.
func TestTimesThatWereNotSentAreNotEncoded(t *testing.T) {
	t.Parallel()
	for _, sent := range [][]string{nil, {"created_at"}, {"updated_at"}, {"created_at", "updated_at"}} {
		for _, null := range []bool{false, true} {
			fields := []string{`"id":"x"`, `"name":"n"`}
			for name, value := range times {
				if slices.Contains(sent, name) {
					fields = append(fields, `"`+name+`":"`+value+`"`)
				} else if null {
					fields = append(fields, `"`+name+`":null`)
				}
			}
			object := "{" + strings.Join(fields, ",") + "}"
			client, _ := support.InMemory(t, nil, func(w http.ResponseWriter, req *http.Request) {
				if strings.HasSuffix(req.URL.Path, "/x") || req.Method == "POST" {
					support.Respond(200, object)(w, req)
					return
				}
				support.Respond(200, `{"data":[`+object+`],"meta":{"total":1,"page":1,"per_page":100}}`)(w, req)
			})
			for name, record := range recordsOf(t, client) {
				got := keysOf(t, record)
				for field, value := range times {
					want := any(value)
					if !slices.Contains(sent, field) {
						want = nil
					}
					if got[field] != want {
						t.Errorf("%s of %s: %s is %v, want %v", name, object, field, got[field], want)
					}
				}
			}
		}
	}
}

// recordsOf reads the record x of every resource in every way.
func recordsOf(t *testing.T, c *leedo.Client) map[string]any {
	t.Helper()
	ctx, records := t.Context(), map[string]any{}
	keep := func(name string, record any, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		records[name] = record
	}
	lead, err := c.Leads.Get(ctx, "x")
	keep("Leads.Get", lead, err)
	account, err := c.Accounts.Get(ctx, "x")
	keep("Accounts.Get", account, err)
	campaign, err := c.Campaigns.Get(ctx, "x")
	keep("Campaigns.Get", campaign, err)
	contact, err := c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "n"})
	keep("Contacts.Create", contact, err)
	leads, err := c.Leads.List(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep("Leads.List", leads.Data[0], nil)
	for contact, err := range c.Contacts.All(ctx, nil, leedo.WithPrefetch(3)) {
		keep("Contacts.All", contact, err)
	}
	for page, err := range c.Campaigns.Pages(ctx, nil, leedo.WithPrefetch(3)) {
		if err != nil {
			t.Fatal(err)
		}
		keep("Campaigns.Pages", page.Data[0], nil)
	}
	var my myLead
	keep("Do", &my, c.Do(ctx, "GET", "/leads/x", nil, &my))
	var page leedo.Page[struct{ leedo.Account }]
	err = c.Do(ctx, "GET", "/accounts", nil, &page)
	keep("Do of a page", page.Data[0], err)
	return records
}

// All other fields are encoded also when they are empty, and a record survives
// the round trip.
func TestOnlyTimesAndPhoneAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		record any
		want   []string
	}{
		{leedo.Lead{}, []string{"company", "email", "id", "name", "status"}},
		{leedo.Account{}, []string{"id", "industry", "name", "website"}},
		{leedo.Contact{}, []string{"account_id", "email", "id", "name", "role"}},
		{leedo.Campaign{}, []string{"id", "leads_count", "name", "status"}},
	} {
		var got []string
		for key := range keysOf(t, tt.record) {
			got = append(got, key)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%T: %s", tt.record, diff)
		}
	}
	lead := leedo.Lead{ID: "x", Phone: "+1", Status: leedo.LeadStatusNew, CreatedAt: noon, UpdatedAt: noon}
	data, err := json.Marshal(lead)
	if err != nil {
		t.Fatal(err)
	}
	var again leedo.Lead
	if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(lead, again) {
		t.Errorf("%+v, %v, want %+v", again, err, lead)
	}
}
