package leedotest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func TestPaging(t *testing.T) {
	t.Parallel()
	const total = 250
	tests := []struct {
		query          string
		page           int64
		perPage, items int
		first          string // name of the first item
	}{
		{"", 1, 20, 20, "250"},
		{"?page=2", 2, 20, 20, "230"},
		{"?page=13", 13, 20, 10, "10"},
		{"?page=14", 14, 20, 0, ""},
		{"?page=2147483647&per_page=2147483647", 2147483647, 100, 0, ""},
		{"?page=2147483648&per_page=9223372036854775807", 2147483648, 100, 0, ""},
		{"?page=9223372036854775807&per_page=3000000000", 9223372036854775807, 100, 0, ""},
		{"?page=99999999999999999999", 9223372036854775807, 20, 0, ""},
		{"?per_page=100&page=3", 3, 100, 50, "50"},
		{"?per_page=500", 1, 100, 100, "250"},
		{"?per_page=1&page=250", 250, 1, 1, "1"},
		{"?status=new&q=%20&x", 1, 20, 20, "250"},
		{"?page=2&page=9", 2, 20, 20, "230"},
	}
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		s := leedotest.NewServer()
		for i := range total {
			s.AddAccount(leedo.Account{Name: fmt.Sprint(i + 1)})
		}
		f := open(s)
		for _, tt := range tests {
			r := f.do(t, "GET", "/accounts"+tt.query, "")
			meta := fmt.Sprintf(`"meta":{"total":%d,"page":%d,"per_page":%d}}`, total, tt.page, tt.perPage)
			if r.StatusCode != 200 || !strings.HasSuffix(r.body, meta) {
				t.Errorf("%q: %s %s, want %s", tt.query, r.Status, r.body, meta)
				continue
			}
			data := fields(t, r.body)["data"].([]any)
			if len(data) != tt.items {
				t.Errorf("%q: %d items, want %d", tt.query, len(data), tt.items)
			} else if len(data) > 0 && data[0].(map[string]any)["name"] != tt.first {
				t.Errorf("%q: first item %v, want %s", tt.query, data[0], tt.first)
			}
		}
	})
}

func TestEmptyListIsNotNull(t *testing.T) {
	t.Parallel()
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		f := open(leedotest.NewServer())
		for _, path := range []string{"/leads", "/accounts", "/contacts", "/campaigns"} {
			const want = `{"data":[],"meta":{"total":0,"page":1,"per_page":20}}`
			if r := f.do(t, "GET", path, ""); r.body != want {
				t.Errorf("GET %s: %s", path, r.body)
			}
		}
	})
}

func TestAddFillsIn(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	start := time.Now().Add(-time.Millisecond)
	lead := s.AddLead(leedo.Lead{Name: "A"})
	if !uuid.MatchString(lead.ID) || lead.Status != "new" || lead.CreatedAt.Before(start) || lead.UpdatedAt != lead.CreatedAt {
		t.Errorf("AddLead: %+v", lead)
	}
	campaign := s.AddCampaign(leedo.Campaign{LeadsCount: 3})
	if campaign.ID == "" || campaign.Status != "active" || campaign.LeadsCount != 3 {
		t.Errorf("AddCampaign: %+v", campaign)
	}

	zone := time.FixedZone("X", 3600)
	updated := time.Date(2025, 1, 1, 1, 0, 0, 5, zone)
	given := leedo.Account{ID: "a/b", Name: "B", Industry: "I", Website: "W", UpdatedAt: updated}
	want := given
	want.UpdatedAt = updated.UTC()
	want.CreatedAt = want.UpdatedAt // no record is created after it was updated
	if got := s.AddAccount(given); got != want {
		t.Errorf("AddAccount:\n got %+v\nwant %+v", got, want)
	}
	contact := leedo.Contact{
		ID: "c", Name: "N", Email: "E", Role: "R", AccountID: "nowhere",
		CreatedAt: updated.UTC(), UpdatedAt: updated.UTC().Add(time.Hour),
	}
	if got := s.AddContact(contact); got != contact {
		t.Errorf("AddContact:\n got %+v\nwant %+v", got, contact)
	}
	if got := s.Contacts(); len(got) != 1 || got[0] != contact {
		t.Errorf("Contacts() = %+v", got)
	}
	if got := s.Accounts(); len(got) != 1 || got[0] != want {
		t.Errorf("Accounts() = %+v", got)
	}
	if got := s.Campaigns(); len(got) != 1 || got[0] != campaign {
		t.Errorf("Campaigns() = %+v", got)
	}
}

func TestOrderAndDelete(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	if s.Leads() != nil {
		t.Error("a new server holds leads")
	}
	noon := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	for _, id := range []string{"a", "b", "c", "d"} {
		s.AddLead(leedo.Lead{ID: id, Name: id, CreatedAt: noon})
	}
	s.AddLead(leedo.Lead{ID: "b", Name: "again", CreatedAt: noon.Add(time.Hour)}) // keeps its place
	s.AddCampaign(leedo.Campaign{ID: "c"})

	names := func() (all string) {
		for _, lead := range s.Leads() {
			all += lead.Name + " "
		}
		return all
	}
	if got := names(); got != "d c again a " {
		t.Errorf("Leads() = %s", got)
	}
	if !s.Delete("c") || s.Delete("c") || s.Delete("none") || s.Delete("") {
		t.Error("Delete does not report what it found")
	}
	if got := names(); got != "d again a " || s.Campaigns() != nil {
		t.Errorf("after Delete: %s, %v", got, s.Campaigns())
	}
	checkError(t, inMemory(s).do(t, "GET", "/leads/c", ""), 404, "not_found", "no such lead")
}
