package cost_test

import (
	"testing"

	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// The tests of this file make one client, one call or one iteration and nothing
// else: .ci/functions counts the functions that run for them.

func TestPathOfNewClient(t *testing.T) { benchClient(t, newBenchTransport(200, benchLead(1))) }

func TestPathOfAGet(t *testing.T) {
	client := benchClient(t, newBenchTransport(200, benchLead(1)))
	if lead, err := client.Leads.Get(t.Context(), support.LeadID); err != nil || lead.ID == "" {
		t.Errorf("%+v, %v", lead, err)
	}
}

func TestPathOfAnIteration(t *testing.T) {
	client := benchClient(t, newBenchTransport(200, benchPage(1, 2), benchPage(2, 2)))
	n := 0
	for _, err := range client.Leads.All(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 200 {
		t.Errorf("%d leads", n)
	}
}
