// Package vcr_test shows how to record the calls of a client with go-vcr, and how to
// replay them.
package vcr_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"gopkg.in/dnaeon/go-vcr.v4/pkg/cassette"
	"gopkg.in/dnaeon/go-vcr.v4/pkg/recorder"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// calls makes calls of several kinds, recorded or replayed, and returns what came of
// them.
func calls(t *testing.T, mode recorder.Mode) string {
	rec, err := recorder.New("testdata/leads",
		recorder.WithMode(mode),
		recorder.WithHook(func(i *cassette.Interaction) error {
			delete(i.Request.Headers, "Authorization")
			return nil
		}, recorder.AfterCaptureHook),
		recorder.WithMatcher(cassette.NewDefaultMatcher(
			cassette.WithIgnoreAuthorization(), cassette.WithIgnoreUserAgent())))
	if err != nil {
		t.Fatal(err)
	}
	client, err := leedo.NewClientFromEnv(leedo.WithHTTPClient(rec.GetDefaultClient()))
	if err != nil {
		t.Fatal(err)
	}
	var result strings.Builder
	lead, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "John Doe"})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&result, "created", lead.Name)
	for lead, err := range client.Leads.All(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&result, "listed", lead.Name)
	}
	_, err = client.Leads.Get(t.Context(), "unknown")
	fmt.Fprintln(&result, err)
	if err := rec.Stop(); err != nil {
		t.Fatal(err)
	}
	return result.String()
}

func TestRecordAndReplay(t *testing.T) {
	t.Chdir(t.TempDir())
	fake := leedotest.NewServer()
	server := httptest.NewServer(fake)
	defer server.Close()
	t.Setenv("LEEDO_BASE_URL", server.URL+"/v1")

	t.Setenv("LEEDO_API_TOKEN", fake.Token())
	recorded := calls(t, recorder.ModeRecordOnly)
	server.Close()
	t.Setenv("LEEDO_API_TOKEN", "another-token")
	replayed := calls(t, recorder.ModeReplayOnly)

	const want = `created John Doe
listed John Doe
leedo: GET /leads/{id}: 404 not_found: no such lead (request req_3, 1 attempt)
`
	if recorded != want || replayed != want {
		t.Errorf("recorded %s\nreplayed %s\nwant %s", recorded, replayed, want)
	}
	if n := len(fake.Requests()); n != 3 {
		t.Errorf("%d requests reached the server, want 3", n)
	}
	file, err := os.ReadFile("testdata/leads.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(file); strings.Contains(text, fake.Token()) || !strings.Contains(text, "John Doe") {
		t.Errorf("the recording has the token, or no lead:\n%s", text)
	}
}
