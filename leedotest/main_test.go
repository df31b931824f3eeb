package leedotest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// front is a way to reach the fake.
type front struct {
	base string // the URL of the fake, without /v1
	http *http.Client
}

// inMemory reaches s without a socket.
func inMemory(s *leedotest.Server) front {
	return front{base: "https://api.leedo.app", http: s.HTTPClient()}
}

// overSocket reaches s by TCP until the test ends.
func overSocket(t *testing.T, s *leedotest.Server) front {
	t.Helper()
	return overHandler(t, s)
}

// overHandler reaches a handler by TCP until the test ends.
func overHandler(t *testing.T, handler http.Handler) front {
	t.Helper()
	ts := httptest.NewServer(handler)
	t.Cleanup(ts.Close)
	client := ts.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return front{base: ts.URL, http: client}
}

// bothFronts runs a test once in memory and once over a socket, each with a new server.
func bothFronts(t *testing.T, test func(t *testing.T, open func(*leedotest.Server) front)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, inMemory)
	})
	t.Run("socket", func(t *testing.T) {
		t.Parallel()
		test(t, func(s *leedotest.Server) front { return overSocket(t, s) })
	})
}

// reply is a response whose body was read to its end.
type reply struct {
	*http.Response
	body string
	err  error // of reading the body
}

// try sends a request with the default token. Headers are pairs of name and value; an
// empty value removes the header.
func (f front) try(t *testing.T, method, target, body string, headers ...string) (reply, error) {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	if !strings.HasPrefix(target, "/_fake/") { // the control interface
		target = "/v1" + target
	}
	req, err := http.NewRequestWithContext(t.Context(), method, f.base+target, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+leedotest.NewServer().Token())
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	resp, err := f.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp, string(b), err}, nil
}

// do is try for requests that must get a response.
func (f front) do(t *testing.T, method, target, body string, headers ...string) reply {
	t.Helper()
	r, err := f.try(t, method, target, body, headers...)
	if err == nil {
		err = r.err
	}
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return r
}

// compact removes the white space from JSON.
func compact(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(s)); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return b.String()
}

// fields decodes an object.
func fields(t *testing.T, s string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatalf("%v in %q", err, s)
	}
	return m
}

// checkError checks that r is an error of the API.
func checkError(t *testing.T, r reply, status int, code, message string) {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", r.StatusCode, status, r.body)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	e, _ := fields(t, r.body)["error"].(map[string]any)
	if e["code"] != code {
		t.Errorf("code %v, want %q", e["code"], code)
	}
	if got, _ := e["message"].(string); got == "" || !strings.Contains(got, message) {
		t.Errorf("message %q, want it to have %q", got, message)
	}
}

const (
	leadID     = "550e8400-e29b-41d4-a716-446655440000"
	accountID  = "650e8400-e29b-41d4-a716-446655440000"
	contactID  = "750e8400-e29b-41d4-a716-446655440000"
	campaignID = "850e8400-e29b-41d4-a716-446655440000"
)

// documented returns a server with the records of the API's documentation.
func documented(opts ...leedotest.ServerOption) *leedotest.Server {
	s := leedotest.NewServer(opts...)
	noon := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	s.AddLead(leedo.Lead{
		ID: leadID, Name: "John Doe", Email: "john@example.com", Company: "Acme Corp",
		Phone: "+1234567890", Status: leedo.LeadStatusNew, CreatedAt: noon,
	})
	s.AddAccount(leedo.Account{
		ID: accountID, Name: "Acme Corporation", Industry: "Technology",
		Website: "https://acme.com", CreatedAt: noon,
	})
	s.AddContact(leedo.Contact{
		ID: contactID, Name: "Jane Smith", Email: "jane@acme.com", Role: "Product Manager",
		AccountID: accountID, CreatedAt: noon,
	})
	s.AddCampaign(leedo.Campaign{
		ID: campaignID, Name: "Q4 2025 Launch", LeadsCount: 42, CreatedAt: noon,
	})
	return s
}
