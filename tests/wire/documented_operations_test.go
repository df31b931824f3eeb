package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// testdata holds what the API's documentation shows, request and response of each
// operation.
func golden(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// canned returns a response with a JSON body.
func canned(status int, body string) *http.Response {
	resp := httpmock.NewStringResponse(status, body)
	resp.Header.Set("Content-Type", "application/json")
	return resp
}

// mocked returns a client of the real base URL whose requests end in a
// transport of the test's own.
func mocked(t *testing.T, opts ...leedo.Option) (*leedo.Client, *httpmock.MockTransport) {
	t.Helper()
	transport := httpmock.NewMockTransport()
	transport.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		t.Errorf("nobody answers %s %s", req.Method, req.URL)
		return nil, errors.New("no responder")
	})
	client, err := leedo.NewClient(support.Token, append([]leedo.Option{
		leedo.WithHTTPClient(&http.Client{Transport: transport}),
		leedo.WithRetries(0),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client, transport
}

// sameJSON compares two JSON values; the order of fields does not count.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("%q is not JSON: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

const (
	accountID  = "650e8400-e29b-41d4-a716-446655440000"
	contactID  = "750e8400-e29b-41d4-a716-446655440000"
	campaignID = "850e8400-e29b-41d4-a716-446655440000"
)

var (
	noon     = time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	onlyPage = leedo.PageMeta{Total: 1, Page: 1, PerPage: 20}

	goldenLead = leedo.Lead{
		ID: support.LeadID, Name: "John Doe", Email: "john@example.com", Company: "Acme Corp", Phone: "+1234567890",
		Status: leedo.LeadStatusNew, CreatedAt: noon, UpdatedAt: noon,
	}
	updatedLead = leedo.Lead{
		ID: support.LeadID, Name: "John Doe", Email: "john@example.com", Company: "Acme Corp", Phone: "+1234567890",
		Status: leedo.LeadStatusQualified, CreatedAt: noon, UpdatedAt: noon.Add(10 * time.Minute),
	}
	listedLead = leedo.Lead{
		ID: support.LeadID, Name: "John Doe", Email: "john@example.com", Company: "Acme Corp",
		Status: leedo.LeadStatusNew, CreatedAt: noon,
	}
	goldenAccount = leedo.Account{
		ID: accountID, Name: "Acme Corporation", Industry: "Technology", Website: "https://acme.com",
		CreatedAt: noon, UpdatedAt: noon,
	}
	listedAccount = leedo.Account{
		ID: accountID, Name: "Acme Corporation", Industry: "Technology", Website: "https://acme.com", CreatedAt: noon,
	}
	goldenContact = leedo.Contact{
		ID: contactID, Name: "Jane Smith", Email: "jane@acme.com", Role: "Product Manager", AccountID: accountID,
		CreatedAt: noon, UpdatedAt: noon,
	}
	listedContact = leedo.Contact{
		ID: contactID, Name: "Jane Smith", Email: "jane@acme.com", Role: "Product Manager", AccountID: accountID,
		CreatedAt: noon,
	}
	goldenCampaign = leedo.Campaign{
		ID: campaignID, Name: "Q4 2025 Launch", Status: leedo.CampaignStatusActive, LeadsCount: 42,
		CreatedAt: noon, UpdatedAt: noon,
	}
	listedCampaign = leedo.Campaign{
		ID: campaignID, Name: "Q4 2025 Launch", Status: leedo.CampaignStatusActive, LeadsCount: 42, CreatedAt: noon,
	}
)

// documented are the eleven operations of the API, in the documentation's
// order.
var documented = []struct {
	name         string
	call         func(context.Context, *leedo.Client) (any, error)
	method, path string
	body         string // file; "": none is sent
	status       int
	answer       string // file
	want         any
}{
	{"list leads", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Leads.List(ctx, nil)
	}, "GET", "/leads", "", 200, "leads.json", &leedo.Page[leedo.Lead]{Data: []leedo.Lead{listedLead}, Meta: onlyPage}},
	{"create a lead", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Leads.Create(ctx, &leedo.LeadCreateParams{
			Name: "John Doe", Email: "john@example.com", Company: "Acme Corp", Phone: "+1234567890", Status: leedo.LeadStatusNew,
		})
	}, "POST", "/leads", "lead_create.json", 201, "lead_created.json", &goldenLead},
	{"get a lead", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Leads.Get(ctx, support.LeadID)
	}, "GET", "/leads/" + support.LeadID, "", 200, "lead.json", &goldenLead},
	{"update a lead", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Leads.Update(ctx, support.LeadID, &leedo.LeadUpdateParams{
			Status: new(leedo.LeadStatusQualified), Phone: new("+1234567890"),
		})
	}, "PATCH", "/leads/" + support.LeadID, "lead_update.json", 200, "lead_updated.json", &updatedLead},
	{"list accounts", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Accounts.List(ctx, nil)
	}, "GET", "/accounts", "", 200, "accounts.json", &leedo.Page[leedo.Account]{Data: []leedo.Account{listedAccount}, Meta: onlyPage}},
	{"create an account", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Accounts.Create(ctx, &leedo.AccountCreateParams{
			Name: "Acme Corporation", Industry: "Technology", Website: "https://acme.com",
		})
	}, "POST", "/accounts", "account_create.json", 201, "account_created.json", &goldenAccount},
	{"get an account", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Accounts.Get(ctx, accountID)
	}, "GET", "/accounts/" + accountID, "", 200, "account.json", &goldenAccount},
	{"list contacts", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Contacts.List(ctx, nil)
	}, "GET", "/contacts", "", 200, "contacts.json", &leedo.Page[leedo.Contact]{Data: []leedo.Contact{listedContact}, Meta: onlyPage}},
	{"create a contact", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Contacts.Create(ctx, &leedo.ContactCreateParams{
			Name: "Jane Smith", Email: "jane@acme.com", Role: "Product Manager", AccountID: accountID,
		})
	}, "POST", "/contacts", "contact_create.json", 201, "contact_created.json", &goldenContact},
	{"list campaigns", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Campaigns.List(ctx, nil)
	}, "GET", "/campaigns", "", 200, "campaigns.json", &leedo.Page[leedo.Campaign]{Data: []leedo.Campaign{listedCampaign}, Meta: onlyPage}},
	{"get a campaign", func(ctx context.Context, c *leedo.Client) (any, error) {
		return c.Campaigns.Get(ctx, campaignID)
	}, "GET", "/campaigns/" + campaignID, "", 200, "campaign.json", &goldenCampaign},
}

// Compares the requests and results of each operation with the API's
// documentation.
func TestOperationsSpeakAsDocumented(t *testing.T) {
	t.Parallel()
	for _, op := range documented {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			client, transport := mocked(t)
			transport.RegisterResponder(op.method, support.BaseURL+op.path, func(req *http.Request) (*http.Response, error) {
				if req.URL.RawQuery != "" || req.URL.Fragment != "" || req.Host != "api.leedo.app" {
					t.Errorf("asked %q for %s", req.Host, req.URL)
				}
				header := http.Header{
					"Accept":        {"application/json"},
					"Authorization": {"Bearer " + support.Token},
					"User-Agent":    {"leedo-go/0.1.0"},
				}
				body := ""
				if op.body != "" {
					header.Set("Content-Type", "application/json")
					sent, err := io.ReadAll(req.Body)
					if err != nil || req.ContentLength != int64(len(sent)) {
						t.Errorf("body of %d bytes, %d announced, %v", len(sent), req.ContentLength, err)
					}
					body = string(sent)
					sameJSON(t, body, golden(t, op.body))
				} else if req.Body != nil && req.Body != http.NoBody || req.ContentLength != 0 {
					t.Error("a body was sent")
				}
				if diff := cmp.Diff(header, req.Header); diff != "" {
					t.Errorf("header (-documented +sent):\n%s", diff)
				}
				return canned(op.status, golden(t, op.answer)), nil
			})
			got, err := op.call(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(op.want, got); diff != "" {
				t.Errorf("read (-documented +got):\n%s", diff)
			}
			if n := transport.GetTotalCallCount(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
	if len(documented) != 11 {
		t.Errorf("%d operations, the documentation has 11", len(documented))
	}
}

// Each field occurs in an example of the documentation, as the examples do not
// test other fields.
func TestExamplesFillEveryField(t *testing.T) {
	t.Parallel()
	for _, example := range []any{goldenLead, goldenAccount, goldenContact, goldenCampaign} {
		v := reflect.ValueOf(example)
		for field, value := range v.Fields() {
			if value.IsZero() {
				t.Errorf("%s.%s is not in the documentation's example", v.Type(), field.Name)
			}
		}
	}
}

// reader reads one record, or the only item of a list.
type reader struct {
	path string
	read func(context.Context, *leedo.Client) (any, error)
	list bool
}

func record[T any](v *T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return *v, nil
}

func onlyRow[T any](p *leedo.Page[T], err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return p.Data[0], nil
}

var readers = []reader{
	{"/leads/x", func(ctx context.Context, c *leedo.Client) (any, error) {
		return record(c.Leads.Get(ctx, "x"))
	}, false},
	{"/accounts/x", func(ctx context.Context, c *leedo.Client) (any, error) {
		return record(c.Accounts.Get(ctx, "x"))
	}, false},
	{"/campaigns/x", func(ctx context.Context, c *leedo.Client) (any, error) {
		return record(c.Campaigns.Get(ctx, "x"))
	}, false},
	{"/contacts", func(ctx context.Context, c *leedo.Client) (any, error) {
		return record(c.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "Jane"}))
	}, false},
	{"/leads", func(ctx context.Context, c *leedo.Client) (any, error) {
		return onlyRow(c.Leads.List(ctx, nil))
	}, true},
	{"/accounts", func(ctx context.Context, c *leedo.Client) (any, error) {
		return onlyRow(c.Accounts.List(ctx, nil))
	}, true},
	{"/campaigns", func(ctx context.Context, c *leedo.Client) (any, error) {
		return onlyRow(c.Campaigns.List(ctx, nil))
	}, true},
	{"/contacts", func(ctx context.Context, c *leedo.Client) (any, error) {
		return onlyRow(c.Contacts.List(ctx, nil))
	}, true},
}

// readFrom reads the record that object encodes.
func readFrom(t *testing.T, r reader, object string) any {
	t.Helper()
	if r.list {
		object = `{"data":[` + object + `],"meta":{"total":1,"page":1,"per_page":20}}`
	}
	client, transport := mocked(t)
	answer := func(*http.Request) (*http.Response, error) { return canned(200, object), nil }
	transport.RegisterResponder("GET", support.BaseURL+r.path, answer)
	transport.RegisterResponder("POST", support.BaseURL+r.path, answer)
	v, err := r.read(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// In the documentation's examples two fields may have the same value. Here each
// field has its own.
func TestEveryFieldHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	const object = `{
		"id": "v-id", "name": "v-name", "email": "v-email", "company": "v-company", "phone": "v-phone",
		"status": "v-status", "industry": "v-industry", "website": "v-website", "role": "v-role",
		"account_id": "v-account", "leads_count": 7, "unknown": {"to": ["the", "SDK"]},
		"created_at": "2025-10-01T14:00:00.123456+02:00", "updated_at": "2026-01-02T03:04:05Z"}`
	created, updated := noon.Add(123456*time.Microsecond), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := map[string]any{
		"/leads": leedo.Lead{
			ID: "v-id", Name: "v-name", Email: "v-email", Company: "v-company", Phone: "v-phone",
			Status: "v-status", CreatedAt: created, UpdatedAt: updated,
		},
		"/accounts": leedo.Account{
			ID: "v-id", Name: "v-name", Industry: "v-industry", Website: "v-website", CreatedAt: created, UpdatedAt: updated,
		},
		"/contacts": leedo.Contact{
			ID: "v-id", Name: "v-name", Email: "v-email", Role: "v-role", AccountID: "v-account",
			CreatedAt: created, UpdatedAt: updated,
		},
		"/campaigns": leedo.Campaign{
			ID: "v-id", Name: "v-name", Status: "v-status", LeadsCount: 7, CreatedAt: created, UpdatedAt: updated,
		},
	}
	for path, record := range want {
		want[path+"/x"] = record
	}
	for _, r := range readers {
		if diff := cmp.Diff(want[r.path], readFrom(t, r, object)); diff != "" {
			t.Errorf("%s, list %v (-want +got):\n%s", r.path, r.list, diff)
		}
	}
}

func TestAbsentAndNullFieldsAreZero(t *testing.T) {
	t.Parallel()
	objects := map[string]string{
		"absent": `{"id":"x"}`,
		"null": `{"id":"x","name":null,"email":null,"company":null,"phone":null,"status":null,"industry":null,
			"website":null,"role":null,"account_id":null,"leads_count":null,"created_at":null,"updated_at":null}`,
	}
	for name, object := range objects {
		for _, r := range readers {
			record := reflect.ValueOf(readFrom(t, r, object))
			for field, value := range record.Fields() {
				if field.Name == "ID" && value.String() != "x" || field.Name != "ID" && !value.IsZero() {
					t.Errorf("%s, %s: %s is %v", r.path, name, field.Name, value)
				}
			}
		}
	}
}

func TestUnknownStatusesSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	client, transport := mocked(t)
	const object = `{"id":"x","status":"on hold, maybe Ω"}`
	var sent []string
	for _, route := range [][2]string{{"GET", "/leads/x"}, {"PATCH", "/leads/x"}, {"GET", "/campaigns/x"}, {"PUT", "/campaigns/x"}} {
		transport.RegisterResponder(route[0], support.BaseURL+route[1], func(req *http.Request) (*http.Response, error) {
			if req.Body != nil {
				body, _ := io.ReadAll(req.Body)
				sent = append(sent, string(body))
			}
			return canned(200, object), nil
		})
	}
	lead, err := client.Leads.Get(t.Context(), "x")
	if err != nil || lead.Status != "on hold, maybe Ω" {
		t.Fatal(lead, err)
	}
	if lead, err = client.Leads.Update(t.Context(), "x", &leedo.LeadUpdateParams{Status: &lead.Status}); err != nil || lead.Status != "on hold, maybe Ω" {
		t.Fatal(lead, err)
	}
	campaign, err := client.Campaigns.Get(t.Context(), "x")
	if err != nil || campaign.Status != "on hold, maybe Ω" {
		t.Fatal(campaign, err)
	}
	body := map[string]any{"status": campaign.Status}
	if err := client.Do(t.Context(), "PUT", "/campaigns/x", body, campaign); err != nil || campaign.Status != "on hold, maybe Ω" {
		t.Fatal(campaign, err)
	}
	if len(sent) != 2 {
		t.Fatalf("sent %q", sent)
	}
	for _, body := range sent {
		sameJSON(t, body, `{"status":"on hold, maybe Ω"}`)
	}
}
