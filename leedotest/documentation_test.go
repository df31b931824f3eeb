package leedotest_test

import (
	"maps"
	"reflect"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// The examples of the API documentation, in its order.
func TestDocumentedReads(t *testing.T) {
	t.Parallel()
	tests := []struct{ target, want string }{
		{"/leads", `{
			"data": [{
				"id": "550e8400-e29b-41d4-a716-446655440000",
				"name": "John Doe",
				"email": "john@example.com",
				"company": "Acme Corp",
				"status": "new",
				"created_at": "2025-10-01T12:00:00Z"
			}],
			"meta": {"total": 1, "page": 1, "per_page": 20}
		}`},
		{"/leads/" + leadID, `{
			"id": "550e8400-e29b-41d4-a716-446655440000",
			"name": "John Doe",
			"email": "john@example.com",
			"company": "Acme Corp",
			"phone": "+1234567890",
			"status": "new",
			"created_at": "2025-10-01T12:00:00Z",
			"updated_at": "2025-10-01T12:00:00Z"
		}`},
		{"/accounts", `{
			"data": [{
				"id": "650e8400-e29b-41d4-a716-446655440000",
				"name": "Acme Corporation",
				"industry": "Technology",
				"website": "https://acme.com",
				"created_at": "2025-10-01T12:00:00Z"
			}],
			"meta": {"total": 1, "page": 1, "per_page": 20}
		}`},
		{"/accounts/" + accountID, `{
			"id": "650e8400-e29b-41d4-a716-446655440000",
			"name": "Acme Corporation",
			"industry": "Technology",
			"website": "https://acme.com",
			"created_at": "2025-10-01T12:00:00Z",
			"updated_at": "2025-10-01T12:00:00Z"
		}`},
		{"/contacts", `{
			"data": [{
				"id": "750e8400-e29b-41d4-a716-446655440000",
				"name": "Jane Smith",
				"email": "jane@acme.com",
				"role": "Product Manager",
				"account_id": "650e8400-e29b-41d4-a716-446655440000",
				"created_at": "2025-10-01T12:00:00Z"
			}],
			"meta": {"total": 1, "page": 1, "per_page": 20}
		}`},
		{"/campaigns", `{
			"data": [{
				"id": "850e8400-e29b-41d4-a716-446655440000",
				"name": "Q4 2025 Launch",
				"status": "active",
				"leads_count": 42,
				"created_at": "2025-10-01T12:00:00Z"
			}],
			"meta": {"total": 1, "page": 1, "per_page": 20}
		}`},
		{"/campaigns/" + campaignID, `{
			"id": "850e8400-e29b-41d4-a716-446655440000",
			"name": "Q4 2025 Launch",
			"status": "active",
			"leads_count": 42,
			"created_at": "2025-10-01T12:00:00Z",
			"updated_at": "2025-10-01T12:00:00Z"
		}`},
	}
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		f := open(documented())
		for _, tt := range tests {
			r := f.do(t, "GET", tt.target, "")
			if r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("GET %s: %s %v", tt.target, r.Status, r.Header)
			}
			if want := compact(t, tt.want); r.body != want {
				t.Errorf("GET %s:\n got %s\nwant %s", tt.target, r.body, want)
			}

			head := f.do(t, "HEAD", tt.target, "")
			if head.StatusCode != 200 || head.body != "" || head.ContentLength != int64(len(r.body)) {
				t.Errorf("HEAD %s: %s, %d bytes announced: %q", tt.target, head.Status, head.ContentLength, head.body)
			}
		}
	})
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestDocumentedCreates(t *testing.T) {
	t.Parallel()
	tests := []struct{ target, body, want string }{
		{
			"/leads",
			`{"name": "John Doe", "email": "john@example.com", "company": "Acme Corp", "phone": "+1234567890", "status": "new"}`,
			`{"name": "John Doe", "email": "john@example.com", "company": "Acme Corp", "phone": "+1234567890", "status": "new"}`,
		},
		{
			"/leads",
			`{"name": "John Doe", "email": "john@example.com"}`,
			`{"name": "John Doe", "email": "john@example.com", "company": null, "phone": null, "status": "new"}`,
		},
		{
			"/accounts",
			`{"name": "Acme Corporation", "industry": "Technology", "website": "https://acme.com"}`,
			`{"name": "Acme Corporation", "industry": "Technology", "website": "https://acme.com"}`,
		},
		{
			"/contacts",
			`{"name": "Jane Smith", "email": "jane@acme.com", "role": "Product Manager", "account_id": "650e8400-e29b-41d4-a716-446655440000"}`,
			`{"name": "Jane Smith", "email": "jane@acme.com", "role": "Product Manager", "account_id": "650e8400-e29b-41d4-a716-446655440000"}`,
		},
		// Not documented.
		{
			"/contacts",
			`{"name": "Jane", "account_id": ""}`,
			`{"name": "Jane", "email": null, "role": null, "account_id": ""}`,
		},
		{
			"/leads",
			`{"name": "Z", "status": "", "score": 12345678901234567890, "tags": ["a"], "id": "mine", "created_at": 5, "updated_at": null}`,
			`{"name": "Z", "email": null, "company": null, "phone": null, "status": "new", "score": 12345678901234567890, "tags": ["a"]}`,
		},
		{
			"/leads",
			`{"name": "Z", "status": "won, then lost \u003c\u2028"}`,
			`{"name": "Z", "email": null, "company": null, "phone": null, "status": "won, then lost \u003c\u2028"}`,
		},
	}
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		f := open(documented())
		for _, tt := range tests {
			start := time.Now().Truncate(time.Microsecond)
			r := f.do(t, "POST", tt.target, tt.body)
			if r.StatusCode != 201 {
				t.Errorf("POST %s %s: %s %s", tt.target, tt.body, r.Status, r.body)
				continue
			}
			got := fields(t, r.body)
			id, _ := got["id"].(string)
			if !uuid.MatchString(id) {
				t.Errorf("id %q", id)
			}
			created, err := time.Parse(time.RFC3339, got["created_at"].(string))
			if err != nil || created.Before(start) || got["updated_at"] != got["created_at"] {
				t.Errorf("created_at %v, updated_at %v: %v", got["created_at"], got["updated_at"], err)
			}
			maps.DeleteFunc(got, func(name string, _ any) bool {
				return name == "id" || name == "created_at" || name == "updated_at"
			})
			if want := fields(t, tt.want); !reflect.DeepEqual(got, want) {
				t.Errorf("POST %s %s:\n got %v\nwant %v", tt.target, tt.body, got, want)
			}
			if tt.target != "/contacts" { // there is no GET of one contact
				if again := f.do(t, "GET", tt.target+"/"+id, ""); again.body != r.body {
					t.Errorf("read back:\n got %s\nwant %s", again.body, r.body)
				}
			}
		}
	})
}

func TestDocumentedUpdate(t *testing.T) {
	t.Parallel()
	bothFronts(t, func(t *testing.T, open func(*leedotest.Server) front) {
		s := documented()
		f := open(s)
		last := s.Leads()[0].UpdatedAt
		steps := []struct{ body, want string }{
			{
				`{"status": "qualified", "phone": "+1987"}`,
				`{"name": "John Doe", "email": "john@example.com", "company": "Acme Corp", "phone": "+1987", "status": "qualified"}`,
			},
			{
				`{"email": null, "company": ""}`,
				`{"name": "John Doe", "email": null, "company": "", "phone": "+1987", "status": "qualified"}`,
			},
			{
				`{"score": 7, "note": null, "id": "other", "created_at": "2000-01-01T00:00:00Z"}`,
				`{"name": "John Doe", "email": null, "company": "", "phone": "+1987", "status": "qualified", "score": 7, "note": null}`,
			},
			{
				`{}`,
				`{"name": "John Doe", "email": null, "company": "", "phone": "+1987", "status": "qualified", "score": 7, "note": null}`,
			},
		}
		for _, step := range steps {
			r := f.do(t, "PATCH", "/leads/"+leadID, step.body, "Content-Type", "application/merge-patch+json; charset=utf-8")
			if r.StatusCode != 200 {
				t.Fatalf("PATCH %s: %s %s", step.body, r.Status, r.body)
			}
			got := fields(t, r.body)
			updated, err := time.Parse(time.RFC3339, got["updated_at"].(string))
			if err != nil || !updated.After(last) {
				t.Errorf("updated_at %v after %v: %v", updated, last, err)
			}
			last = updated
			want := fields(t, step.want)
			want["id"], want["created_at"], want["updated_at"] = leadID, "2025-10-01T12:00:00Z", got["updated_at"]
			if !reflect.DeepEqual(got, want) {
				t.Errorf("PATCH %s:\n got %v\nwant %v", step.body, got, want)
			}
		}
		if got := s.Leads()[0]; got.Phone != "+1987" || got.Email != "" || !got.UpdatedAt.Equal(last) {
			t.Errorf("Leads() = %+v", got)
		}

		// Lists have custom fields, too.
		list := fields(t, f.do(t, "GET", "/leads", "").body)["data"].([]any)
		if item := list[0].(map[string]any); item["score"] != 7.0 || item["phone"] != nil || item["updated_at"] != nil {
			t.Errorf("item %v", item)
		}
	})
}

// updated_at increases with each update, even if the clock does not.
func TestUpdatedAtMovesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer()
		tomorrow := time.Now().Add(24 * time.Hour)
		for _, lead := range []leedo.Lead{s.AddLead(leedo.Lead{}), s.AddLead(leedo.Lead{CreatedAt: tomorrow})} {
			last := lead.UpdatedAt
			for range 3 {
				r := inMemory(s).do(t, "PATCH", "/leads/"+lead.ID, `{}`)
				updated, err := time.Parse(time.RFC3339, fields(t, r.body)["updated_at"].(string))
				if err != nil || !updated.After(last) || updated.After(last.Add(time.Millisecond)) {
					t.Errorf("%v after %v: %v", updated, last, err)
				}
				last = updated
			}
		}
	})
}
