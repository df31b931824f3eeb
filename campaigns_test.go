package leedo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func TestCampaignsGetList(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer()
	client := server.Client()
	held := server.AddCampaign(leedo.Campaign{Name: "Q4 2025 Launch", LeadsCount: 42})
	got, err := client.Campaigns.Get(t.Context(), held.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&held, got); diff != "" || got.LeadsCount != 42 || got.Status != leedo.CampaignStatusActive {
		t.Errorf("got %+v (-held +got):\n%s", got, diff)
	}
	server.AddCampaign(leedo.Campaign{Name: "Spring", Status: "paused"})
	page, err := client.Campaigns.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Data) != 2 || page.Data[0].Status != "paused" || page.Data[1].ID != held.ID || page.Data[1].LeadsCount != 42 {
		t.Errorf("listed %+v", page)
	}
	var names []string
	for page, err := range client.Campaigns.Pages(t.Context(), &leedo.CampaignListParams{PerPage: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, campaign := range page.Data {
			names = append(names, campaign.Name)
		}
	}
	for campaign, err := range client.Campaigns.All(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, campaign.Name)
	}
	if !cmp.Equal(names, []string{"Spring", "Q4 2025 Launch", "Spring", "Q4 2025 Launch"}) {
		t.Errorf("walked %q", names)
	}
}

func TestCampaignsThatAreNotThere(t *testing.T) {
	t.Parallel()
	campaign, err := leedotest.NewServer().Client().Campaigns.Get(t.Context(), absentID)
	isNotFound(t, err, "/campaigns/{id}")
	if campaign != nil {
		t.Errorf("got %+v beside the error", campaign)
	}
}
