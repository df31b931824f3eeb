package docs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// qualify is code under test.
func qualify(ctx context.Context, client *leedo.Client, id string) error {
	_, err := client.Leads.Update(ctx, id, &leedo.LeadUpdateParams{Status: new(leedo.LeadStatusQualified)})
	return err
}

// export is code under test.
func export(ctx context.Context, client *leedo.Client, opts ...leedo.RequestOption) (names []string, err error) {
	for lead, err := range client.Leads.All(ctx, &leedo.LeadListParams{PerPage: 2}, opts...) {
		if err != nil {
			return names, err
		}
		names = append(names, lead.Name)
	}
	return names, nil
}

func TestQualify(t *testing.T) {
	server := leedotest.NewServer()
	lead := server.AddLead(leedo.Lead{Name: "John Doe"})

	if err := qualify(t.Context(), server.Client(), lead.ID); err != nil {
		t.Fatal(err)
	}
	if got := server.Leads()[0].Status; got != leedo.LeadStatusQualified {
		t.Errorf("status %q", got)
	}

	request := server.Requests()[0]
	if request.Method != "PATCH" || request.Path != "/leads/"+lead.ID {
		t.Errorf("%s %s", request.Method, request.Path)
	}
	if sent := request.JSON(); len(sent) != 1 || sent["status"] != "qualified" {
		t.Errorf("sent %v", sent)
	}
}

func TestFailureAfterTheWrite(t *testing.T) {
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Method: "POST", Path: "/leads", Status: 500, Processed: true})

	_, err := server.Client().Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "John Doe"})
	if leedo.OutcomeOf(err) != leedo.OutcomeUnknown || len(server.Leads()) != 1 {
		t.Errorf("%v, with %d leads", err, len(server.Leads()))
	}
}

func TestCutConnection(t *testing.T) {
	server := leedotest.NewServer()
	server.Inject(
		leedotest.Fault{Method: "GET", Drop: true},   // no response
		leedotest.Fault{Method: "GET", Truncate: 10}, // 10 bytes of one
		leedotest.Fault{Method: "POST", Drop: true},  // not processed
	)
	client := server.Client()

	if _, err := client.Leads.List(t.Context(), nil); err != nil { // the third attempt succeeds
		t.Error(err)
	}
	_, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "John Doe"})
	if _, ok := errors.AsType[*leedo.TransportError](err); !ok {
		t.Error(err)
	}
	if left := server.Pending(); left != nil {
		t.Errorf("faults that did not apply: %v", left)
	}
}

func TestThirdPageFails(t *testing.T) {
	server := leedotest.NewServer()
	for range 6 {
		server.AddLead(leedo.Lead{Name: "John Doe"})
	}
	server.Inject(leedotest.Fault{Method: "GET", Path: "/leads", After: 2, Times: -1, Status: 503})

	names, err := export(t.Context(), server.Client())
	if len(names) != 4 || !strings.Contains(err.Error(), "page 3") {
		t.Errorf("%d leads, %v", len(names), err)
	}
}

func TestHourlyQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
		client := server.Client(leedo.WithMaxWait(leedo.NoMaxWait))
		start := time.Now()
		for range 101 { // one more than an hour allows
			if _, err := client.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < time.Hour {
			t.Errorf("took %v of virtual time", took)
		}
	})
}

func TestLeadsAreAddedMeanwhile(t *testing.T) {
	server := leedotest.NewServer()
	for i := range 4 {
		server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)})
	}
	server.OnRequest(func(r leedotest.Request) {
		if r.Query.Get("page") == "2" {
			server.AddLead(leedo.Lead{Name: "Lead 5"})
		}
	})

	names, err := export(t.Context(), server.Client())
	if got := strings.Join(names, ", "); err != nil || got != "Lead 4, Lead 3, Lead 2, Lead 1" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestScore(t *testing.T) {
	server := leedotest.NewServer()
	id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
	server.SetField(id, "score", 7)

	_, err := server.Client().Leads.Update(t.Context(), id, &leedo.LeadUpdateParams{}, leedo.WithBodyField("score", 8))
	if score := server.Record(id)["score"]; err != nil || score != 8.0 {
		t.Errorf("score %v, %v", score, err)
	}
}

func Example_testingGolden() {
	ctx := context.Background()
	day := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	server := leedotest.NewServer(
		leedotest.WithIDs(func() string { return "lead-1" }),
		leedotest.WithClock(func() time.Time { return day }),
	)
	var response leedo.Response
	server.Client().Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"}, leedo.WithResponse(&response))
	fmt.Println(string(response.Body)) // compare this with a file
	// Output: {"id":"lead-1","name":"John Doe","email":null,"company":null,"phone":null,"status":"new","created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-01T12:00:00Z"}
}

func TestValidation(t *testing.T) {
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 422, Body: `{"errors":{"email":["is taken"]}}`})

	_, err := server.Client().Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "John Doe"})
	e, ok := errors.AsType[*leedo.APIError](err)
	if !ok || e.Fields["email"][0] != "is taken" {
		t.Error(err)
	}
}

func TestRealPort(t *testing.T) {
	fake := leedotest.NewServer()
	server := httptest.NewServer(fake)
	defer server.Close()
	t.Setenv("LEEDO_API_TOKEN", fake.Token())
	t.Setenv("LEEDO_BASE_URL", server.URL+"/v1")

	client, err := leedo.NewClientFromEnv() // as the program under test does
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Leads.List(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
