package openapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// TestAdvancedClock spends the quota with the generated client, and advances the fake's
// clock by an hour through the control interface, which frees the quota.
func TestAdvancedClock(t *testing.T) {
	t.Parallel()
	server := leedotest.NewServer(leedotest.WithPlan(12)) // runCaller makes twelve requests
	campaign := server.AddCampaign(leedo.Campaign{Name: "Q4 2025 Launch"})
	mux := http.NewServeMux()
	mux.Handle("/v1/", server)
	mux.Handle("/_fake/", server.ControlHandler())
	port := httptest.NewServer(mux)
	defer port.Close()
	program := buildCaller(t)

	if out, err := runCaller(t, program, port.URL, server.Token(), campaign.ID); err != nil {
		t.Fatalf("with the full quota: %v\n%s", err, out)
	}
	if out, err := runCaller(t, program, port.URL, server.Token(), campaign.ID); err == nil || out != "createLead: status 429\n" {
		t.Fatalf("without quota: %v\n%s", err, out)
	}

	req, err := http.NewRequestWithContext(t.Context(), "POST", port.URL+"/_fake/clock", strings.NewReader(`{"advance":"1h"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+server.Token())
	resp, err := port.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}

	if out, err := runCaller(t, program, port.URL, server.Token(), campaign.ID); err != nil {
		t.Errorf("an hour later: %v\n%s", err, out)
	}
}

// TestControlDescription checks that the description of the control interface is valid.
func TestControlDescription(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile("../../leedotest/control.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
}
