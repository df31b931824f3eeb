package openapi_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// newFake returns a fake with two records of each kind, one with all fields and one
// with its name alone. The ids of the former are "lead" and so on.
func newFake(opts ...leedotest.ServerOption) *leedotest.Server {
	noon := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	s := leedotest.NewServer(opts...)
	s.AddLead(leedo.Lead{
		ID: "lead", Name: "John Doe", Email: "john@example.com", Company: "Acme Corp", Phone: "+1234567890",
		Status: leedo.LeadStatusQualified, CreatedAt: noon, UpdatedAt: noon,
	})
	s.AddAccount(leedo.Account{
		ID: "account", Name: "Acme Corporation", Industry: "Technology", Website: "https://acme.com", CreatedAt: noon, UpdatedAt: noon,
	})
	s.AddContact(leedo.Contact{
		ID: "contact", Name: "Jane Smith", Email: "jane@acme.com", Role: "Product Manager", AccountID: "account",
		CreatedAt: noon, UpdatedAt: noon,
	})
	s.AddCampaign(leedo.Campaign{
		ID: "campaign", Name: "Q4 2025 Launch", Status: leedo.CampaignStatusActive, LeadsCount: 42, CreatedAt: noon, UpdatedAt: noon,
	})
	s.AddLead(leedo.Lead{Name: "Jo"})
	s.AddAccount(leedo.Account{Name: "A/B ?"})
	s.AddContact(leedo.Contact{Name: "Zoë"})
	s.AddCampaign(leedo.Campaign{Name: "Spring"})
	return s
}

// operations are the calls of the SDK, with all params and without.
var operations = []struct {
	id   string
	call func(context.Context, *leedo.Client) error
}{
	{"listLeads", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Leads.List(ctx, &leedo.LeadListParams{Page: 1, PerPage: 1})
		return err
	}},
	{"listLeads", func(ctx context.Context, c *leedo.Client) error {
		for _, err := range c.Leads.All(ctx, nil, leedo.WithPrefetch(2)) {
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"createLead", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{
			Name: "John Doe", Email: "john@example.com", Company: "Acme Corp", Phone: "+1234567890", Status: leedo.LeadStatusNew,
		})
		return err
	}},
	{"createLead", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"}, leedo.WithHeader("Idempotency-Key", "key-1"))
		return err
	}},
	{"getLead", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Leads.Get(ctx, "lead")
		return err
	}},
	{"updateLead", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Leads.Update(ctx, "lead", &leedo.LeadUpdateParams{
			Name: new("J. Doe"), Email: new("doe@example.com"), Company: new(""), Phone: new("+1987"), Status: new(leedo.LeadStatusQualified),
		})
		return err
	}},
	{"updateLead", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Leads.Update(ctx, "lead", &leedo.LeadUpdateParams{}, leedo.WithBodyField("phone", nil))
		return err
	}},
	{"listAccounts", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Accounts.List(ctx, &leedo.AccountListParams{Page: 2, PerPage: 100})
		return err
	}},
	{"createAccount", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "Acme", Industry: "Technology", Website: "https://acme.com"})
		return err
	}},
	{"getAccount", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Accounts.Get(ctx, "account")
		return err
	}},
	{"listContacts", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Contacts.List(ctx, &leedo.ContactListParams{Page: 1, PerPage: 20})
		return err
	}},
	{"createContact", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Contacts.Create(ctx, &leedo.ContactCreateParams{
			Name: "Jane", Email: "jane@acme.com", Role: "Product Manager", AccountID: "account",
		})
		return err
	}},
	{"listCampaigns", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Campaigns.List(ctx, &leedo.CampaignListParams{Page: 1, PerPage: 500})
		return err
	}},
	{"getCampaign", func(ctx context.Context, c *leedo.Client) error {
		_, err := c.Campaigns.Get(ctx, "campaign")
		return err
	}},
}

// checked returns a client of the fake whose requests and responses are checked.
func checked(t *testing.T, check checker, server *leedotest.Server, opts ...leedo.Option) (*leedo.Client, *transport) {
	t.Helper()
	httpClient, tr := through(t, check, server.HTTPClient())
	return server.Client(append([]leedo.Option{leedo.WithHTTPClient(httpClient), leedo.WithRetries(0), leedo.WithMaxWait(0)}, opts...)...), tr
}

// TestSuccesses checks every operation of the SDK and the response of the fake. The SDK
// has params for every query parameter and field of a body.
func TestSuccesses(t *testing.T) {
	t.Parallel()
	check := newChecker(t, load(t))
	server := newFake(leedotest.WithPlan(leedotest.Pro), leedotest.WithIdempotencyKeys())
	client, tr := checked(t, check, server)
	for _, op := range operations {
		if err := op.call(t.Context(), client); err != nil {
			t.Errorf("%s: %v", op.id, err)
		}
	}
	var want []string
	for _, ex := range documented {
		want = append(want, fmt.Sprintf("%s %d", ex.operation, ex.status))
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(tr.seen)); !slices.Equal(got, want) {
		t.Errorf("checked %q, want %q", got, want)
	}

	unsent := map[string]bool{}
	var sent []string
	for _, r := range server.Requests() {
		route, _, err := check.router.FindRoute(newRequest(t, r.Method, r.Path, nil))
		if err != nil {
			t.Fatal(err)
		}
		op := route.Operation
		for _, p := range op.Parameters {
			unsent[op.OperationID+" "+p.Value.Name] = true
		}
		if op.RequestBody != nil {
			for name := range op.RequestBody.Value.Content["application/json"].Schema.Value.Properties {
				unsent[op.OperationID+" "+name] = true
			}
		}
		for name := range r.Query {
			sent = append(sent, op.OperationID+" "+name)
		}
		for name := range r.JSON() {
			sent = append(sent, op.OperationID+" "+name)
		}
	}
	for _, name := range sent {
		delete(unsent, name)
	}
	if len(unsent) > 0 || len(sent) < 20 {
		t.Errorf("of %d parameters and fields that were sent, these are missing: %v", len(sent), unsent)
	}
}

// TestFaults checks the fake's error body with every operation and status.
func TestFaults(t *testing.T) {
	t.Parallel()
	server := newFake()
	client, tr := checked(t, newChecker(t, load(t)), server, leedo.WithoutRateLimiter())
	statuses := []int{400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 501, 502, 503, 504, 599}
	want := map[string]bool{}
	for _, op := range operations {
		for _, status := range statuses {
			server.Inject(leedotest.Fault{Status: status})
			if err := op.call(t.Context(), client); err == nil {
				t.Errorf("%s with %d: no error", op.id, status)
			}
			want[fmt.Sprintf("%s %d", op.id, status)] = true
		}
	}
	if len(tr.seen) != len(want) || len(want) != 11*len(statuses) {
		t.Errorf("checked %d pairs of operation and status, want %d", len(tr.seen), 11*len(statuses))
	}
}

// TestErrors checks the errors that the fake finds itself.
func TestErrors(t *testing.T) {
	t.Parallel()
	server := newFake(leedotest.WithIdempotencyKeys())
	client, tr := checked(t, newChecker(t, load(t)), server)
	wrong, err := leedo.NewClient("wrong", leedo.WithHTTPClient(&http.Client{Transport: tr}))
	if err != nil {
		t.Fatal(err)
	}
	create := func(name string) error {
		_, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: name}, leedo.WithHeader("Idempotency-Key", "key-1"))
		return err
	}
	if err := create("John"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		seen string
		call func() error
	}{
		{"createContact 400", func() error {
			_, err := client.Contacts.Create(t.Context(), &leedo.ContactCreateParams{Name: "Jane", AccountID: "none"})
			return err
		}},
		{"createLead 400", func() error { return create("Jane") }}, // the key was used with another body
		{"getCampaign 404", func() error { _, err := client.Campaigns.Get(t.Context(), "a/b ? Zoë"); return err }},
		{"createLead 413", func() error { return create(strings.Repeat("a", 2<<20)) }},
		{"listLeads 401", func() error { _, err := wrong.Leads.List(t.Context(), nil); return err }},
	} {
		if err := tt.call(); err == nil || tr.seen[tt.seen] != 1 {
			t.Errorf("%s: error %v, saw %v", tt.seen, err, tr.seen)
		}
	}
}

// TestRateLimits checks the 429s and the headers of every algorithm and format.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	check := newChecker(t, load(t))
	for algorithm := leedotest.FixedWindow; algorithm <= leedotest.TokenBucket; algorithm++ {
		for format := leedotest.ResetEpochSeconds; format <= leedotest.ResetRFC3339; format++ {
			for retryAfter := leedotest.RetryAfterSeconds; retryAfter <= leedotest.RetryAfterNone; retryAfter++ {
				server := newFake(leedotest.WithPlan(2), leedotest.WithAlgorithm(algorithm), leedotest.WithResetFormat(format),
					leedotest.WithRetryAfter(retryAfter), leedotest.WithCountedRefusals())
				client, tr := checked(t, check, server, leedo.WithoutRateLimiter())
				for range 4 {
					client.Leads.Get(t.Context(), "lead") // the transport sees whether it fails
				}
				if want := map[string]int{"getLead 200": 2, "getLead 429": 2}; !maps.Equal(tr.seen, want) {
					t.Errorf("algorithm %d, format %d: %v, want %v", algorithm, format, tr.seen, want)
				}
			}
		}
	}
}

// TestCustomFields checks that custom fields do not fit, because the documentation
// mentions none, and that they do after they were added to the description.
func TestCustomFields(t *testing.T) {
	t.Parallel()
	for _, added := range []bool{false, true} {
		doc := load(t)
		if added {
			for _, name := range []string{"Lead", "LeadFields"} {
				schema := doc.Components.Schemas[name].Value
				schema.Properties["score"] = doc.Components.Schemas["PageMeta"].Value.Properties["total"] // an integer
			}
		}
		server := newFake()
		httpClient, tr := through(t, newChecker(t, doc), server.HTTPClient())
		client := server.Client(leedo.WithHTTPClient(httpClient))
		_, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "John Doe"}, leedo.WithBodyField("score", 7))
		if err != nil || (len(tr.problems) == 0) != added {
			t.Errorf("score added %v: %v, problems %q", added, err, tr.problems)
		}
		tr.problems = nil
	}
}
