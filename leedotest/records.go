package leedotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/leedoapp/leedo-go"
)

// AddLead adds a lead as the newest record of the list and returns it as stored. It
// fills in an ID, CreatedAt and UpdatedAt that are zero, and sets an empty Status to
// "new". It validates nothing. If a lead with the same ID exists, the new one
// replaces it and keeps its place in the list.
func (s *Server) AddLead(lead leedo.Lead) leedo.Lead {
	return leadOf(s.replace("leads", record{
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

// AddAccount adds an account as the newest record of the list and returns it as
// stored. It fills in an ID, CreatedAt and UpdatedAt that are zero. It validates
// nothing. If an account with the same ID exists, the new one replaces it and keeps
// its place in the list.
func (s *Server) AddAccount(account leedo.Account) leedo.Account {
	return accountOf(s.replace("accounts", record{
		id: account.ID, created: account.CreatedAt, updated: account.UpdatedAt,
		values: map[string]any{
			"name":     text(account.Name),
			"industry": text(account.Industry),
			"website":  text(account.Website),
		},
	}))
}

// AddContact adds a contact as the newest record of the list and returns it as
// stored. It fills in an ID, CreatedAt and UpdatedAt that are zero. It validates
// nothing, not even that the account exists. If a contact with the same ID exists,
// the new one replaces it and keeps its place in the list.
func (s *Server) AddContact(contact leedo.Contact) leedo.Contact {
	return contactOf(s.replace("contacts", record{
		id: contact.ID, created: contact.CreatedAt, updated: contact.UpdatedAt,
		values: map[string]any{
			"name":       text(contact.Name),
			"email":      text(contact.Email),
			"role":       text(contact.Role),
			"account_id": text(contact.AccountID),
		},
	}))
}

// AddCampaign adds a campaign as the newest record of the list and returns it as
// stored. It fills in an ID, CreatedAt and UpdatedAt that are zero, and sets an
// empty Status to "active". It validates nothing. If a campaign with the same ID
// exists, the new one replaces it and keeps its place in the list.
func (s *Server) AddCampaign(campaign leedo.Campaign) leedo.Campaign {
	return campaignOf(s.replace("campaigns", record{
		id: campaign.ID, created: campaign.CreatedAt, updated: campaign.UpdatedAt,
		values: map[string]any{
			"name":        text(campaign.Name),
			"status":      text(string(campaign.Status)),
			"leads_count": json.Number(strconv.Itoa(campaign.LeadsCount)),
		},
	}))
}

// Leads returns the leads that the fake holds, newest first as in the list, or nil
// if it holds no leads.
func (s *Server) Leads() []leedo.Lead { return held(s, "leads", leadOf) }

// Accounts returns the accounts that the fake holds, newest first as in the list, or nil
// if it holds no accounts.
func (s *Server) Accounts() []leedo.Account { return held(s, "accounts", accountOf) }

// Contacts returns the contacts that the fake holds, newest first as in the list, or nil
// if it holds no contacts.
func (s *Server) Contacts() []leedo.Contact { return held(s, "contacts", contactOf) }

// Campaigns returns the campaigns that the fake holds, newest first as in the list, or nil
// if it holds no campaigns.
func (s *Server) Campaigns() []leedo.Campaign { return held(s, "campaigns", campaignOf) }

// Delete removes the records of any kind with the given id, and reports whether
// there was one. Records that refer to them are not changed. The documented API has
// no such operation; Delete serves to test code against records that disappear.
func (s *Server) Delete(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	for _, t := range s.store {
		found = t.remove(id) || found
	}
	return found
}

// SetField sets a field of the records of any kind with the given id, and reports
// whether there was one. key may be any field, documented or custom, and value any
// value that encoding/json can encode; SetField panics if it cannot. The value is
// not validated, and updated_at is not changed.
//
// Setting "id" changes what is sent; the record is still found by the id with which
// it was added. The record keeps its place in the list. [Server.Leads] and the like
// show a value that does not fit the field's Go type as the zero value.
func (s *Server) SetField(id, key string, value any) bool {
	b, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("leedotest: Server.SetField: %v", err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	for _, t := range s.store {
		if r := t.records[id]; r != nil {
			t.set(r, map[string]any{key: decoded(b)})
			found = true
		}
	}
	return found
}

// decoded decodes a value as from a request.
func decoded(encoded []byte) any {
	var value any
	exact(encoded).Decode(&value) // cannot fail: json.Marshal made it
	return value
}

// exact returns a decoder in which numbers stay as they are encoded, whatever their size.
func exact(encoded []byte) *json.Decoder {
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	return decoder
}

// Record returns the record of any kind with the given id, or nil if no record has it.
// It has all the fields that a GET of the record sends, decoded as encoding/json
// does: numbers are float64. If records of several kinds have the id, a lead comes
// before an account, a contact and a campaign. The map is a copy, which the caller
// may modify.
func (s *Server) Record(id string) map[string]any {
	var fields map[string]any
	if k, r := s.find(id); r != nil {
		json.Unmarshal(k.item(r), &fields) // a number that is too large for a float64 stays nil
	}
	return fields
}

// find returns a record and its kind, or nil if no record has the id. A record is never
// changed in place, so the caller can read it without the lock.
func (s *Server) find(id string) (*kind, *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range kinds {
		if r := s.store[k.path].records[id]; r != nil {
			return k, r
		}
	}
	return nil, nil
}

// replace adds a record of a Go type, in which a zero field is one that is not set, or
// replaces the one with the same id.
func (s *Server) replace(path string, r record) *record {
	kindOf(path).fill(r.values)
	return s.add(path, r, true)
}

// add adds a record and returns it. If one has the same id, it replaces that, or
// returns nil if it may not replace it.
func (s *Server) add(path string, r record, replace bool) *record {
	read := s.clock.read()
	var id string
	if r.id == "" && s.ids != nil {
		id = s.ids()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.id == "" {
		r.id = s.freeID(id)
	} else if !replace && s.store.taken(r.id) {
		return nil
	}
	r.created, r.updated = normalize(r.created), normalize(r.updated)
	return s.store[path].put(r, s.clock.at(read))
}

// held returns all records of a kind, converted. A record is never changed in
// place, so it can be read without the lock.
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

// text returns a string as the store keeps it: an empty one is null.
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

// normalize returns t as a client would decode it: in UTC, without a monotonic
// reading.
func normalize(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}
