package leedo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// absentID is an id that the fake does not give.
const absentID = "00000000-0000-4000-8000-000000000000"

func get(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
	return second(c.Leads.Get(ctx, "id-1", opts...))
}

func create(ctx context.Context, c *leedo.Client, opts ...leedo.RequestOption) error {
	return second(c.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe", Email: "john@example.com"}, opts...))
}

// second returns the error of two results.
func second[T any](_ T, err error) error { return err }

// isNotFound checks an error that says that there is no such record.
func isNotFound(t *testing.T, err error, path string) {
	t.Helper()
	notFound, ok := errors.AsType[*leedo.NotFoundError](err)
	if !ok {
		t.Fatalf("error %v, want a NotFoundError", err)
	}
	if notFound.StatusCode != 404 || notFound.Code != "not_found" || notFound.Method != "GET" && notFound.Method != "PATCH" ||
		notFound.Path != path || notFound.Attempts != 1 || notFound.RequestID == "" {
		t.Errorf("got %#v", notFound)
	}
	if strings.Contains(err.Error(), absentID) {
		t.Errorf("the text names the id: %v", err)
	}
}

// isBadRequest checks an error that names the field which is wrong.
func isBadRequest(t *testing.T, err error, field string) {
	t.Helper()
	bad, ok := errors.AsType[*leedo.BadRequestError](err)
	if !ok {
		t.Fatalf("error %v, want a BadRequestError", err)
	}
	if bad.StatusCode != 400 || !strings.Contains(bad.Message, field) || !strings.Contains(err.Error(), field) {
		t.Errorf("%v does not name %q", err, field)
	}
	if is[*leedo.UnknownOutcomeError](err) {
		t.Error("the outcome of a refused write is known")
	}
}

func TestLeadsCreateGetUpdateList(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer()
	client := server.Client()
	before := time.Now().Add(-time.Millisecond)
	created, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{
		Name: "John Doe", Email: "john@example.com", Company: "Acme Corp", Phone: "+1234567890",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &leedo.Lead{
		ID: created.ID, Name: "John Doe", Email: "john@example.com", Company: "Acme Corp", Phone: "+1234567890",
		Status: leedo.LeadStatusNew, CreatedAt: created.CreatedAt, UpdatedAt: created.CreatedAt,
	}
	if diff := cmp.Diff(want, created); diff != "" || created.ID == "" || created.CreatedAt.Before(before) {
		t.Errorf("created %+v (-want +got):\n%s", created, diff)
	}

	got, err := client.Leads.Get(t.Context(), created.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, got); diff != "" {
		t.Errorf("got (-created +got):\n%s", diff)
	}

	updated, err := client.Leads.Update(t.Context(), created.ID, &leedo.LeadUpdateParams{
		Status: new(leedo.LeadStatusQualified), Company: new(""),
	}, leedo.WithBodyField("phone", nil))
	if err != nil {
		t.Fatal(err)
	}
	want = &leedo.Lead{
		ID: created.ID, Name: "John Doe", Email: "john@example.com", Status: leedo.LeadStatusQualified,
		CreatedAt: created.CreatedAt, UpdatedAt: updated.UpdatedAt,
	}
	if diff := cmp.Diff(want, updated); diff != "" || !updated.UpdatedAt.After(created.UpdatedAt) {
		t.Errorf("updated %+v (-want +got):\n%s", updated, diff)
	}
	if held := server.Leads(); len(held) != 1 || !cmp.Equal(held[0], *updated) {
		t.Errorf("the server holds %+v", held)
	}

	server.AddLead(leedo.Lead{Name: "Ann"})
	page, err := client.Leads.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Data) != 2 || page.Data[0].Name != "Ann" || page.Data[1].ID != created.ID || page.Meta != (leedo.PageMeta{Total: 2, Page: 1, PerPage: 20}) {
		t.Errorf("listed %+v", page)
	}
	if page.Data[1].Status != leedo.LeadStatusQualified || !page.Data[1].UpdatedAt.IsZero() {
		t.Errorf("listed %+v", page.Data[1])
	}
}

func TestLeadsThatAreNotThere(t *testing.T) {
	t.Parallel()
	client := leedotest.NewServer().Client()
	lead, err := client.Leads.Get(t.Context(), absentID)
	isNotFound(t, err, "/leads/{id}")
	if lead != nil {
		t.Errorf("got %+v beside the error", lead)
	}
	lead, err = client.Leads.Update(t.Context(), absentID, &leedo.LeadUpdateParams{Name: new("n")})
	isNotFound(t, err, "/leads/{id}")
	if lead != nil {
		t.Errorf("got %+v beside the error", lead)
	}
	page, err := client.Leads.List(t.Context(), nil)
	if err != nil || page.Data == nil || len(page.Data) != 0 || page.HasNext() {
		t.Errorf("no leads: %+v, %v", page, err)
	}
}

func TestLeadsThatTheAPIRefuses(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer()
	client := server.Client()
	lead, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Email: "john@example.com"})
	isBadRequest(t, err, "name")
	if lead != nil || len(server.Leads()) != 0 {
		t.Errorf("created %+v", lead)
	}
	held := server.AddLead(leedo.Lead{Name: "John Doe"})
	_, err = client.Leads.Update(t.Context(), held.ID, &leedo.LeadUpdateParams{Name: new("")})
	isBadRequest(t, err, "name")
	_, err = client.Leads.Update(t.Context(), held.ID, &leedo.LeadUpdateParams{}, leedo.WithBodyField("email", 7))
	isBadRequest(t, err, "email")
	if now := server.Leads(); !cmp.Equal(now[0], held) {
		t.Errorf("changed to %+v", now)
	}
}

// With a wrong token reads and writes alike fail with an UnauthorizedError, and
// nothing is changed.
func TestAWrongTokenIsUnauthorized(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer()
	client, err := leedo.NewClient("another", leedo.WithHTTPClient(server.HTTPClient()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Leads.Get(t.Context(), absentID)
	if !is[*leedo.UnauthorizedError](err) || is[*leedo.NotFoundError](err) {
		t.Errorf("Get: %v", err)
	}
	_, err = client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "n"})
	if !is[*leedo.UnauthorizedError](err) || is[*leedo.UnknownOutcomeError](err) {
		t.Errorf("Create: %v", err)
	}
	if n := len(server.Requests()); n != 2 || len(server.Leads()) != 0 {
		t.Errorf("%d requests, leads %v", n, server.Leads())
	}
}

// An id stays one segment of the path, whatever it contains.
func TestIDsAreData(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer()
	client := server.Client()
	for _, id := range []string{"a/b", "a?b=c", "a#b", "a b", "a%2Fb", "%", "ä", "a;b,c", "...", "a..b", "~", "leads", "a&b+c", ":", "@"} {
		server.AddLead(leedo.Lead{ID: id, Name: "n"})
		lead, err := client.Leads.Get(t.Context(), id)
		if err != nil || lead.ID != id {
			t.Errorf("Get(%q): %+v, %v", id, lead, err)
		}
		if lead, err = client.Leads.Update(t.Context(), id, &leedo.LeadUpdateParams{Name: new("m")}); err != nil || lead.ID != id || lead.Name != "m" {
			t.Errorf("Update(%q): %+v, %v", id, lead, err)
		}
	}
	sent := len(server.Requests())
	for _, id := range []string{"", ".", "..", "a\nb", "a\x00", "a\x7fb", "../leads", "a/../b", "a/./b", `..\b`, "\xff", "a\u0085b"} {
		for _, err := range []error{
			second(client.Leads.Get(t.Context(), id)),
			second(client.Leads.Update(t.Context(), id, &leedo.LeadUpdateParams{Name: new("m")})),
			second(client.Accounts.Get(t.Context(), id)),
			second(client.Campaigns.Get(t.Context(), id)),
		} {
			if !errors.Is(err, leedo.ErrInvalidArgument) {
				t.Errorf("id %q: %v", id, err)
			}
		}
	}
	if n := len(server.Requests()); n != sent {
		t.Errorf("%d requests for ids that are none", n-sent)
	}
}
