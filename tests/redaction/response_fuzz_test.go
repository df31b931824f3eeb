package redaction_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// Whatever bytes a server sends as a success, each way to read them ends in a
// result or in an error of the SDK, whose texts quote none of their strings.
func FuzzResponses(f *testing.F) {
	for _, seed := range []string{
		support.LeadJSON, `{"data":[` + support.LeadJSON + `,{"id":"b","created_at":""}],"meta":{"total":2,"page":1,"per_page":100}}`, `{"id":7,"created_at":"2025-10-01 12:00:00","leads_count":"42"}`, `{"data":{},"meta":[]}`,
		"\xef\xbb\xbf{}", `{"id":"J0hn_D0e","created_at":"J0hn_D0e"}`, `{"data":[{"id":"a"},{"id":"b","name":{"J0hn_D0e":1}}],"meta":{"total":"2"}}`, `{"success":false,"error":{"code":"c"}}`,
		`[{}]`, `{"id":"x"`, `<html>`, ``, `null`, `{"created_at":1759320000,"id":"x"}`, `{"id":"x","created_at":1e999}`, strings.Repeat("[", 200), `{"id":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		transport := support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			return support.ResponseTo(req, func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }), nil
		})
		client, err := leedo.NewClient(support.Token, leedo.WithRetries(0), leedo.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		object, anything := map[string]any{}, any(nil)
		var my struct {
			leedo.Contact
			Custom map[string][]int `json:"custom"`
		}
		lead, getErr := client.Leads.Get(t.Context(), "x")
		if getErr == nil && lead.ID == "" {
			t.Errorf("a lead without an id")
		}
		for name, err := range map[string]error{
			"Get":              getErr,
			"Create":           support.Create(t.Context(), client),
			"List":             support.ErrorOf(client.Leads.List(t.Context(), nil)),
			"Do into a map":    client.Do(t.Context(), "GET", "/x", nil, &object),
			"Do into any":      client.Do(t.Context(), "POST", "/x", nil, &anything),
			"Do into a struct": client.Do(t.Context(), "PATCH", "/x", nil, &my),
			"Do into a page":   client.Do(t.Context(), "GET", "/x", nil, new(leedo.Page[leedo.Account])),
		} {
			if err != nil && !support.Is[*leedo.DecodeError](err) && !support.Is[*leedo.APIError](err) {
				t.Errorf("%s: %T: %v", name, err, err)
			}
			if support.Is[*leedo.DecodeError](err) {
				quotesNothing(t, name, err, body)
			}
		}
	})
}

// quotesNothing checks that no string of body stands in any text of err.
func quotesNothing(t *testing.T, name string, err error, body []byte) {
	t.Helper()
	var texts strings.Builder
	texts.WriteString(fmt.Sprint(support.Printed(err)))
	for _, e := range support.ErrorTree(err) {
		texts.WriteString(fmt.Sprintf("%v %#v", e, e))
	}
	for decoder := json.NewDecoder(strings.NewReader(string(body))); ; {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		// Shorter ones, and words of our own, stand there anyway.
		if s, ok := token.(string); ok && len(s) > 6 && !strings.Contains(ownWords, s) && strings.Contains(texts.String(), s) {
			t.Errorf("%s: %q stands in %s", name, s, texts.String())
		}
	}
}

// ownWords are words of our texts that a body may hold, too.
const ownWords = "created_at updated_at leads_count account_id industry website company per_page custom " +
	"unusable response cannot decode a JSON is truncated, invalid JSON at offset integer boolean object string message campaigns attempts request_id leedo.DecodeError StatusCode"
