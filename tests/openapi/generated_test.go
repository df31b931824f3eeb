package openapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	_ "github.com/oapi-codegen/runtime" // the generated client imports it

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// buildCaller generates a client from the description, builds testdata/caller with it,
// and returns the path of the program. The client is not in the repository, as it has
// thousands of lines: the go command takes it from a temporary directory.
func buildCaller(t *testing.T) string {
	t.Helper()
	code, err := codegen.Generate(load(t), codegen.Configuration{
		PackageName: "main",
		Generate:    codegen.GenerateOptions{Client: true, Models: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	inPackage, err := filepath.Abs("testdata/caller/client.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{inPackage: in("client.go")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"client.go": []byte(code), "overlay.json": overlay} {
		if err := os.WriteFile(in(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", in("overlay.json"), "-o", in("caller"), "./testdata/caller")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return in("caller")
}

// runCaller runs the program, which makes twelve requests, and returns what it printed.
func runCaller(t *testing.T, program, origin, token, campaignID string) (string, error) {
	t.Helper()
	call := exec.CommandContext(t.Context(), program, origin+"/v1", campaignID)
	call.Env = append(os.Environ(), "LEEDO_API_TOKEN="+token)
	out, err := call.CombinedOutput()
	return string(out), err
}

// TestGeneratedClient calls the fake with a client that is generated from the description,
// over a real connection. The client is built once: that takes most of the time.
func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	program := buildCaller(t)
	t.Run("all calls", func(t *testing.T) { testAllCalls(t, program) })
	t.Run("an advanced clock", func(t *testing.T) { testAdvancedClock(t, program) })
}

func testAllCalls(t *testing.T, program string) {
	server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
	campaign := server.AddCampaign(leedo.Campaign{Name: "Q4 2025 Launch", LeadsCount: 42})
	port := httptest.NewServer(server)
	defer port.Close()

	out, err := runCaller(t, program, port.URL, server.Token(), campaign.ID)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const want = `createLead 201: John Doe
updateLead 200: qualified
getLead 200: qualified
listLeads 200: 1 of 1
createAccount 201: Acme Corporation
getAccount 200: Acme Corporation
listAccounts 200: 1 of 1
createContact 201: Jane Smith
listContacts 200: 1 of 1
getCampaign 200: 42
listCampaigns 200: 1 of 1, 89 requests left
getLead 404: not_found
`
	if out != want {
		t.Errorf("printed\n%s\nwant\n%s", out, want)
	}
	var sent []string
	for _, r := range server.Requests() {
		sent = append(sent, r.Method)
	}
	if want := []string{"POST", "PATCH", "GET", "GET", "POST", "GET", "GET", "POST", "GET", "GET", "GET", "GET"}; !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
	if lead := server.Leads()[0]; lead.Phone != "+1234567890" || lead.Status != leedo.LeadStatusQualified {
		t.Errorf("the fake has %+v", lead)
	}
}

// testAdvancedClock spends the quota, and advances the fake's clock by an hour through the
// control interface, which frees the quota.
func testAdvancedClock(t *testing.T, program string) {
	server := leedotest.NewServer(leedotest.WithPlan(12)) // runCaller makes twelve requests
	campaign := server.AddCampaign(leedo.Campaign{Name: "Q4 2025 Launch"})
	mux := http.NewServeMux()
	mux.Handle("/v1/", server)
	mux.Handle("/_fake/", server.ControlHandler())
	port := httptest.NewServer(mux)
	defer port.Close()

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
