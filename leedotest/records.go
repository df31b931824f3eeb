package leedotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/leedoapp/leedo-go"
)

// AddLead puts a lead into the fake, as if it had been created last, and
// returns it as it is held. A zero ID, CreatedAt or UpdatedAt is filled in, and
// an empty Status is "new"; nothing is checked. A lead with the ID of one that
// is there replaces it in its place.
func (s *Server) AddLead(lead leedo.Lead) leedo.Lead {
	return leadOf(s.add("leads", record{
		id: lead.ID, created: lead.CreatedAt, updated: lead.UpdatedAt,
		values: map[string]any{
			"name":    text(lead.Name),
			"email":   text(lead.Email),
			"company": text(lead.Company),
			"phone":   text(lead.Phone),
			"status":  text(string(lead.Status)),
		},
	}))
}

// AddAccount puts an account into the fake, as if it had been created last,
// and returns it as it is held. A zero ID, CreatedAt or UpdatedAt is filled in;
// nothing is checked. An account with the ID of one that is there replaces it
// in its place.
func (s *Server) AddAccount(account leedo.Account) leedo.Account {
	return accountOf(s.add("accounts", record{
		id: account.ID, created: account.CreatedAt, updated: account.UpdatedAt,
		values: map[string]any{
			"name":     text(account.Name),
			"industry": text(account.Industry),
			"website":  text(account.Website),
		},
	}))
}

// AddContact puts a contact into the fake, as if it had been created last, and
// returns it as it is held. A zero ID, CreatedAt or UpdatedAt is filled in;
// nothing is checked, not even that the account exists. A contact with the ID
// of one that is there replaces it in its place.
func (s *Server) AddContact(contact leedo.Contact) leedo.Contact {
	return contactOf(s.add("contacts", record{
		id: contact.ID, created: contact.CreatedAt, updated: contact.UpdatedAt,
		values: map[string]any{
			"name":       text(contact.Name),
			"email":      text(contact.Email),
			"role":       text(contact.Role),
			"account_id": text(contact.AccountID),
		},
	}))
}

// AddCampaign puts a campaign into the fake, as if it had been created last,
// and returns it as it is held. A zero ID, CreatedAt or UpdatedAt is filled in,
// and an empty Status is "active"; nothing is checked. A campaign with the ID
// of one that is there replaces it in its place.
func (s *Server) AddCampaign(campaign leedo.Campaign) leedo.Campaign {
	return campaignOf(s.add("campaigns", record{
		id: campaign.ID, created: campaign.CreatedAt, updated: campaign.UpdatedAt,
		values: map[string]any{
			"name":        text(campaign.Name),
			"status":      text(string(campaign.Status)),
			"leads_count": json.Number(strconv.Itoa(campaign.LeadsCount)),
		},
	}))
}

// Leads returns the leads that the fake holds, in the order of the list: the
// one added last comes first. nil means none.
func (s *Server) Leads() []leedo.Lead { return held(s, "leads", leadOf) }

// Accounts returns the accounts that the fake holds, in the order of the list:
// the one added last comes first. nil means none.
func (s *Server) Accounts() []leedo.Account { return held(s, "accounts", accountOf) }

// Contacts returns the contacts that the fake holds, in the order of the list:
// the one added last comes first. nil means none.
func (s *Server) Contacts() []leedo.Contact { return held(s, "contacts", contactOf) }

// Campaigns returns the campaigns that the fake holds, in the order of the
// list: the one added last comes first. nil means none.
func (s *Server) Campaigns() []leedo.Campaign { return held(s, "campaigns", campaignOf) }

// Delete removes the record with the given id, of whatever kind, and reports
// whether there was one. The API has no such operation, yet rows vanish there,
// too. What refers to the record stays as it is.
func (s *Server) Delete(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	for _, t := range s.store {
		found = t.remove(id) || found
	}
	return found
}

// SetField gives a field of the record with the given id another value, and
// reports whether there is such a record. value is sent as encoding/json encodes
// it; SetField panics if that fails. key can be any field, a custom one too, and
// value of any type: nothing is checked, and updated_at is not changed. Where one
// id belongs to records of several kinds, as with [Server.Delete] all are meant.
//
// The record stays where it is in the list, and is still found by the id that it
// was added with if "id" is set. [Server.Leads] and the like show a field that
// does not fit its type as the zero value.
func (s *Server) SetField(id, key string, value any) bool {
	b, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("leedotest: Server.SetField: %v", err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	for _, t := range s.store {
		if r := t.rows[id]; r != nil {
			t.set(r, key, decoded(b))
			found = true
		}
	}
	return found
}

// decoded is a value as requests would bring it: numbers as they are written.
func decoded(encoded []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var value any
	decoder.Decode(&value) // cannot fail: json.Marshal made it
	return value
}

// Record returns the record with the given id, of whatever kind, with all the
// fields that a GET of one record sends, decoded as encoding/json does it:
// numbers are float64. nil means that there is none. Where one id belongs to
// records of several kinds, leads come first, then accounts, contacts and
// campaigns. The map is the caller's own.
func (s *Server) Record(id string) map[string]any {
	var fields map[string]any
	if k, r := s.find(id); r != nil {
		json.Unmarshal(k.item(r), &fields) // a number too large for a float64 is left nil
	}
	return fields
}

// find returns a record and its kind, nil if there is none. Records are never
// changed, so the lock is not needed to read it.
func (s *Server) find(id string) (*kind, *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range kinds {
		if r := s.store[k.path].rows[id]; r != nil {
			return k, r
		}
	}
	return nil, nil
}

func (s *Server) add(path string, r record) *record {
	now := s.clock.now()
	var id string
	if r.id == "" && s.ids != nil {
		id = s.ids()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.id == "" {
		r.id = s.freeID(id)
	}
	r.created, r.updated = plain(r.created), plain(r.updated)
	return s.store[path].put(r, now)
}

// held converts all records of a kind. Records are never changed, so the lock
// is not needed to read them.
func held[T any](s *Server, path string, convert func(*record) T) []T {
	s.mu.Lock()
	records := s.store[path].all()
	s.mu.Unlock()
	var all []T
	for _, r := range records {
		all = append(all, convert(r))
	}
	return all
}

func leadOf(r *record) leedo.Lead {
	return leedo.Lead{
		ID: r.id, Name: r.text("name"), Email: r.text("email"), Company: r.text("company"),
		Phone: r.text("phone"), Status: leedo.LeadStatus(r.text("status")),
		CreatedAt: r.created, UpdatedAt: r.updated,
	}
}

func accountOf(r *record) leedo.Account {
	return leedo.Account{
		ID: r.id, Name: r.text("name"), Industry: r.text("industry"), Website: r.text("website"),
		CreatedAt: r.created, UpdatedAt: r.updated,
	}
}

func contactOf(r *record) leedo.Contact {
	return leedo.Contact{
		ID: r.id, Name: r.text("name"), Email: r.text("email"), Role: r.text("role"),
		AccountID: r.text("account_id"), CreatedAt: r.created, UpdatedAt: r.updated,
	}
}

func campaignOf(r *record) leedo.Campaign {
	number, _ := r.values["leads_count"].(json.Number)
	count, _ := strconv.Atoi(number.String())
	return leedo.Campaign{
		ID: r.id, Name: r.text("name"), Status: leedo.CampaignStatus(r.text("status")),
		LeadsCount: count, CreatedAt: r.created, UpdatedAt: r.updated,
	}
}

// text is a string as the store keeps it: one that is not set is null.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (r *record) text(name string) string {
	s, _ := r.values[name].(string)
	return s
}

// plain is a time as it would come back from the wire.
func plain(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}
