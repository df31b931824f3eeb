package leedotest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// All eleven operations, through the client.
func TestClient(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := leedotest.NewServer()
	client := s.Client()

	account, err := client.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: "Acme", Industry: "Tools", Website: "https://acme.com"})
	if err != nil {
		t.Fatal(err)
	}
	contact, err := client.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: "Jane", Email: "j@acme.com", Role: "CTO", AccountID: account.ID})
	if err != nil {
		t.Fatal(err)
	}
	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John", Email: "john@acme.com", Company: "Acme", Phone: "1"})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := client.Leads.Update(ctx, lead.ID, &leedo.LeadUpdateParams{Status: new(leedo.LeadStatusQualified), Phone: new("")})
	if err != nil {
		t.Fatal(err)
	}
	if changed.Status != "qualified" || changed.Phone != "" || changed.Email != "john@acme.com" || !changed.UpdatedAt.After(lead.UpdatedAt) {
		t.Errorf("updated: %+v", changed)
	}
	campaign := s.AddCampaign(leedo.Campaign{Name: "Launch", LeadsCount: 7})

	gotLead, err := client.Leads.Get(ctx, lead.ID)
	if err != nil {
		t.Fatal(err)
	}
	gotAccount, err := client.Accounts.Get(ctx, account.ID)
	if err != nil {
		t.Fatal(err)
	}
	gotCampaign, err := client.Campaigns.Get(ctx, campaign.ID)
	if err != nil {
		t.Fatal(err)
	}
	type all struct {
		Lead     leedo.Lead
		Account  leedo.Account
		Contact  leedo.Contact
		Campaign leedo.Campaign
	}
	held := all{s.Leads()[0], s.Accounts()[0], s.Contacts()[0], s.Campaigns()[0]}
	if diff := cmp.Diff(held, all{*gotLead, *gotAccount, *contact, *gotCampaign}); diff != "" {
		t.Errorf("the fake holds (-), the client got (+):\n%s", diff)
	}
	if diff := cmp.Diff(changed, gotLead); diff != "" {
		t.Errorf("updated (-), got (+):\n%s", diff)
	}

	leads, err := client.Leads.List(ctx, nil)
	if err != nil || len(leads.Data) != 1 || leads.Data[0].ID != lead.ID {
		t.Errorf("Leads.List: %+v, %v", leads, err)
	}
	accounts, err := client.Accounts.List(ctx, nil)
	if err != nil || len(accounts.Data) != 1 || accounts.Data[0].ID != account.ID {
		t.Errorf("Accounts.List: %+v, %v", accounts, err)
	}
	contacts, err := client.Contacts.List(ctx, nil)
	if err != nil || len(contacts.Data) != 1 || contacts.Data[0].ID != contact.ID {
		t.Errorf("Contacts.List: %+v, %v", contacts, err)
	}
	campaigns, err := client.Campaigns.List(ctx, nil)
	if err != nil || len(campaigns.Data) != 1 || campaigns.Data[0].ID != campaign.ID {
		t.Errorf("Campaigns.List: %+v, %v", campaigns, err)
	}
}

// Custom fields can be decoded into a type of the user's own.
func TestClientCustomFields(t *testing.T) {
	t.Parallel()
	type myLead struct {
		leedo.Lead
		Score int `json:"score"`
	}
	s := leedotest.NewServer()
	client := s.Client()
	lead, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "John"}, leedo.WithBodyField("score", 5))
	if err != nil {
		t.Fatal(err)
	}
	var mine myLead
	if err := client.Do(t.Context(), "GET", "/leads/"+lead.ID, nil, &mine); err != nil || mine.Score != 5 || mine.ID != lead.ID {
		t.Errorf("%+v, %v", mine, err)
	}
	var page leedo.Page[myLead]
	if err := client.Do(t.Context(), "GET", "/leads", nil, &page); err != nil || len(page.Data) != 1 || page.Data[0].Score != 5 {
		t.Errorf("%+v, %v", page, err)
	}
	cleared, err := client.Leads.Update(t.Context(), lead.ID, &leedo.LeadUpdateParams{Company: new("A")}, leedo.WithBodyField("name", nil))
	if _, ok := errors.AsType[*leedo.BadRequestError](err); !ok || !strings.Contains(err.Error(), "name must") {
		t.Errorf("a name cannot be null: %v, %v", cleared, err)
	}
}

func TestClientFaults(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	client := s.Client()

	// How a retry would create a duplicate.
	s.Inject(leedotest.Fault{Method: "POST", Path: "/leads", Processed: true, Drop: true})
	_, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "John"})
	if _, ok := errors.AsType[*leedo.UnknownOutcomeError](err); !ok || len(s.Leads()) != 1 {
		t.Errorf("%d leads, %v", len(s.Leads()), err)
	}

	// A GET recovers.
	s.Inject(leedotest.Fault{Status: 500}, leedotest.Fault{Drop: true}, leedotest.Fault{Truncate: 3})
	lead, err := client.Leads.Get(t.Context(), s.Leads()[0].ID)
	if err != nil || lead.Name != "John" {
		t.Errorf("%+v, %v", lead, err)
	}
	if n := len(s.Requests()); n != 5 {
		t.Errorf("%d requests", n)
	}
}

// A client over a socket gets the same responses as one in memory.
func TestClientOverSocket(t *testing.T) {
	t.Parallel()
	s := documented()
	f := overSocket(t, s)
	client, err := leedo.NewClient(s.Token(), leedo.WithBaseURL(f.base+"/v1"), leedo.WithHTTPClient(f.http))
	if err != nil {
		t.Fatal(err)
	}
	lead, err := client.Leads.Get(t.Context(), leadID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Leads()[0], *lead); diff != "" {
		t.Error(diff)
	}
}

// In a bubble, waiting an hour for the quota takes no time.
func TestClientWaitsInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer()
		s.SetRateLimit(3, time.Hour)
		client := s.Client(leedo.WithMaxWait(leedo.NoMaxWait))
		start := time.Now()
		for range 5 {
			if _, err := client.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(start); waited < time.Hour || waited > time.Hour+time.Minute {
			t.Errorf("waited %v", waited)
		}
		for _, r := range s.Requests() {
			if r.Status != http.StatusOK {
				t.Errorf("%s %s: %d", r.Method, r.Path, r.Status)
			}
		}
	})
}

func TestClientGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer()
		s.Inject(leedotest.Fault{Latency: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Client().Leads.List(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestClientPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if msg, _ := recover().(string); !strings.Contains(msg, "leedotest: Server.Client: ") {
			t.Errorf("panic %q", msg)
		}
	}()
	leedotest.NewServer().Client(leedo.WithBaseURL("not a URL"))
}
