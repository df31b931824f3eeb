package leedotest_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// All operations that send a field send its new value, in the usual place. Record returns
// what a GET of the record sends.
func TestSetField(t *testing.T) {
	t.Parallel()
	tests := []struct {
		key   string
		value any
		want  string // in the JSON of the record
	}{
		{"score", 7, `"status":"new","score":7,"created_at"`},
		{"score", int64(9007199254740993), `"score":9007199254740993,`},
		{"score", 1e300, `"score":1e+300,`},
		{"score", json.RawMessage(" 1.50 "), `"score":1.50,`},
		{"tags", []string{"a", "b"}, `"tags":["a","b"],`},
		{"owner", struct {
			Name  string `json:"name"`
			Since int    `json:"since"`
		}{"x", 1}, `"owner":{"name":"x","since":1},`},
		{"nothing", nil, `"nothing":null,`},
		{"", "x", `"":"x",`},
		{"name", 5, `"name":5,`},
		{"name", "Jane", `"name":"Jane",`},
		{"email", nil, `"email":null,`},
		{"status", false, `"status":false,`},
		{"id", 42, `{"id":42,"name"`},
		{"created_at", 1759320000, `"created_at":1759320000`},
		{"created_at", "2025-10-01 12:00:00", `"created_at":"2025-10-01 12:00:00"`},
		{"created_at", nil, `"created_at":null`},
	}
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		for _, tt := range tests {
			s := documented()
			f := open(s)
			before := s.Record(leadID)
			if !s.SetField(leadID, tt.key, tt.value) {
				t.Fatalf("%s: no record", tt.key)
			}
			encoded, err := json.Marshal(tt.value)
			if err != nil {
				t.Fatal(err)
			}
			before[tt.key] = fields(t, `{"x":`+string(encoded)+`}`)["x"]
			if diff := cmp.Diff(before, s.Record(leadID)); diff != "" {
				t.Errorf("%s: changed more, or less (-want +got):\n%s", tt.key, diff)
			}
			for _, r := range []reply{f.do(t, "GET", "/leads/"+leadID, ""), f.do(t, "GET", "/leads", ""), f.do(t, "PATCH", "/leads/"+leadID, `{"company":"Acme"}`)} {
				if r.StatusCode != 200 || strings.Count(r.body, tt.want) != 1 || strings.Count(r.body, `"`+tt.key+`":`) != 1 {
					t.Errorf("%s = %v: %s %s, want %s", tt.key, tt.value, r.Status, r.body, tt.want)
				}
			}
			if diff := cmp.Diff(fields(t, f.do(t, "GET", "/leads/"+leadID, "").body), s.Record(leadID)); diff != "" {
				t.Errorf("%s: Record is not what is sent (-sent +record):\n%s", tt.key, diff)
			}
		}
	})
}

// SetField works for all kinds of records, and changes what Leads and the like return.
func TestSetFieldByType(t *testing.T) {
	t.Parallel()
	s := documented()
	s.SetField(leadID, "name", "Jane")
	s.SetField(leadID, "created_at", "2026-01-02T03:04:05+02:00")
	s.SetField(leadID, "updated_at", "2026-01-02T03:04:06.5Z")
	s.SetField(leadID, "phone", 5)
	s.SetField(leadID, "id", "other")
	s.SetField(accountID, "industry", "x")
	s.SetField(contactID, "account_id", "none")
	s.SetField(campaignID, "leads_count", 43)
	lead := leedo.Lead{
		ID: leadID, Name: "Jane", Email: "john@example.com", Company: "Acme Corp", Status: "new",
		CreatedAt: time.Date(2026, 1, 2, 1, 4, 5, 0, time.UTC), UpdatedAt: time.Date(2026, 1, 2, 3, 4, 6, 5e8, time.UTC),
	}
	if diff := cmp.Diff([]leedo.Lead{lead}, s.Leads()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if a, c, m := s.Accounts()[0], s.Contacts()[0], s.Campaigns()[0]; a.Industry != "x" || c.AccountID != "none" || m.LeadsCount != 43 {
		t.Errorf("%+v %+v %+v", a, c, m)
	}
	s.SetField(leadID, "updated_at", "yesterday")
	s.SetField(campaignID, "leads_count", "many")
	if l, m := s.Leads()[0], s.Campaigns()[0]; !l.UpdatedAt.IsZero() || m.LeadsCount != 0 {
		t.Errorf("%+v %+v", l, m)
	}
	for _, id := range []string{accountID, contactID, campaignID} {
		if r := s.Record(id); r["id"] != id || r["updated_at"] == nil {
			t.Errorf("record %v", r)
		}
	}
	if got := s.Record(campaignID)["leads_count"]; got != "many" {
		t.Errorf("leads_count %v", got)
	}
	if !s.Delete(leadID) || s.SetField(leadID, "name", "x") {
		t.Error("the record has lost its id")
	}
}

// Numbers are float64, as in Request.JSON.
func TestRecord(t *testing.T) {
	t.Parallel()
	s := documented()
	want := map[string]any{
		"id": campaignID, "name": "Q4 2025 Launch", "status": "active", "leads_count": 42.0,
		"created_at": "2025-10-01T12:00:00Z", "updated_at": "2025-10-01T12:00:00Z",
	}
	got := s.Record(campaignID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got["name"] = "changed"
	tags := []string{"a"}
	s.SetField(campaignID, "tags", tags)
	tags[0] = "changed"
	s.Record(campaignID)["tags"].([]any)[0] = "changed"
	if got := s.Record(campaignID); got["name"] != "Q4 2025 Launch" || got["tags"].([]any)[0] != "a" {
		t.Errorf("changed from outside: %v", got)
	}
	if got := s.Record("none"); got != nil {
		t.Errorf("none: %v", got)
	}
	if s.SetField("none", "name", "x") {
		t.Error("SetField of a record that is not there")
	}
}

// Records of several kinds may have one id, because users choose ids.
func TestSetFieldOfTheSameID(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	s.AddCampaign(leedo.Campaign{ID: "1", Name: "m"})
	s.AddContact(leedo.Contact{ID: "1", Name: "c"})
	s.AddAccount(leedo.Account{ID: "1", Name: "a"})
	if got := s.Record("1")["name"]; got != "a" {
		t.Errorf("record of %v", got)
	}
	if s.SetField("1", "name", "x"); s.Accounts()[0].Name+s.Contacts()[0].Name+s.Campaigns()[0].Name != "xxx" {
		t.Errorf("%v %v %v", s.Accounts(), s.Contacts(), s.Campaigns())
	}
}

// Clients get the new value, an update keeps it except for updated_at, and records
// returned earlier do not change.
func TestSetFieldAndClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer()
		id := s.AddLead(leedo.Lead{Name: "x"}).ID
		before := s.Leads()
		s.SetField(id, "score", 7)
		s.SetField(id, "updated_at", 1)
		s.SetField(id, "created_at", "2025-10-01T14:00:00+02:00")
		time.Sleep(time.Minute)
		var scored struct {
			leedo.Lead
			Score int `json:"score"`
		}
		client := s.Client()
		if err := client.Do(t.Context(), "PATCH", "/leads/"+id, map[string]any{"name": "y"}, &scored); err != nil {
			t.Fatal(err)
		}
		if scored.Score != 7 || scored.Name != "y" || !scored.CreatedAt.Equal(noon) || !scored.UpdatedAt.Equal(time.Now()) {
			t.Errorf("%+v", scored)
		}
		if before[0].Name != "x" || !s.Leads()[0].UpdatedAt.Equal(time.Now()) {
			t.Errorf("before %+v, now %+v", before, s.Leads())
		}
	})
}

// A value that cannot be encoded is a mistake in the test. The lock is not held while a
// value encodes itself.
func TestSetFieldPanics(t *testing.T) {
	t.Parallel()
	s := documented()
	for _, value := range []any{math.NaN(), make(chan int), json.RawMessage("{"), func() {}} {
		if p, _ := panics(func() { s.SetField(leadID, "x", value) }).(string); !strings.HasPrefix(p, "leedotest: Server.SetField: ") {
			t.Errorf("%T: panics with %q", value, p)
		}
	}
	if s.SetField(leadID, "leads", counts{s}); s.Record(leadID)["leads"] != 1.0 {
		t.Error(s.Record(leadID))
	}
}

type counts struct{ server *leedotest.Server }

func (c counts) MarshalJSON() ([]byte, error) { return json.Marshal(len(c.server.Leads())) }
