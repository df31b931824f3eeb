package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A DecodeError has what is known of the response: enough to find it, and the
// record, again.
func TestADecodeErrorSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	header := []string{"X-Request-Id", "req_77", "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "42", "X-RateLimit-Reset", "3600", "Content-Type", "text/html"}
	client, _ := support.InMemory(t, []leedo.Option{leedo.WithBackoff(1, 1)}, support.Respond(200, "<html>", header...))
	calls := map[string]func() error{
		"Get":  func() error { return support.ErrorOf(client.Leads.Get(t.Context(), "x")) },
		"List": func() error { return support.ErrorOf(client.Accounts.List(t.Context(), nil)) },
		"Create": func() error {
			return support.ErrorOf(client.Contacts.Create(t.Context(), &leedo.ContactCreateParams{Name: "n"}))
		},
		"Update": func() error {
			return support.ErrorOf(client.Leads.Update(t.Context(), "x", &leedo.LeadUpdateParams{Name: new("n")}))
		},
		"Do": func() error { return client.Do(t.Context(), "GET", "/leads/x", nil, new(any)) },
		"All": func() error {
			_, err := collect(client.Campaigns.All(t.Context(), nil, leedo.WithPrefetch(3)), func(*leedo.Campaign) int { return 0 })
			return err
		},
	}
	for name, call := range calls {
		e, ok := errors.AsType[*leedo.DecodeError](call())
		if !ok {
			t.Fatalf("%s: no DecodeError", name)
		}
		if e.RequestID != "req_77" || e.Attempts != 1 || e.RateLimit.Limit != 100 || e.RateLimit.Remaining != 42 || e.Header.Get("X-Request-Id") != "req_77" ||
			!strings.HasSuffix(e.Error(), "(request req_77, 1 attempt)") {
			t.Errorf("%s: %+v, %+v", name, e, e.RateLimit)
		}
	}
	// A page that breaks the rules of paging is one, too.
	client, _ = support.InMemory(t, nil, support.Respond(200, `{"data":[{"id":"x"}],"meta":{"total":5,"page":7,"per_page":1}}`, header...))
	_, err := collect(client.Leads.All(t.Context(), nil), func(*leedo.Lead) int { return 0 })
	if e, ok := errors.AsType[*leedo.DecodeError](err); !ok || e.RequestID != "req_77" || e.RateLimit.Limit != 100 || e.RecordID != "" {
		t.Errorf("%+v", err)
	}
}

// A DecodeError names the record, for creates and updates of every resource,
// from the body or the Location header.
func TestTheRecordOfAnUnusableSuccessIsNamed(t *testing.T) {
	t.Parallel()
	type write struct {
		path string
		call func(*leedo.Client) error
	}
	creates := map[string]write{
		"lead": {"/leads", func(c *leedo.Client) error { return support.Create(t.Context(), c) }},
		"account": {"/accounts", func(c *leedo.Client) error {
			return support.ErrorOf(c.Accounts.Create(t.Context(), &leedo.AccountCreateParams{Name: "n"}))
		}},
		"contact": {"/contacts", func(c *leedo.Client) error {
			return support.ErrorOf(c.Contacts.Create(t.Context(), &leedo.ContactCreateParams{Name: "n"}))
		}},
		"Do": {"/widgets", func(c *leedo.Client) error {
			return c.Do(t.Context(), "POST", "/widgets", map[string]int{}, new(struct{ N int }))
		}},
	}
	for name, w := range creates {
		for _, tt := range []struct {
			body, location string
			cut            bool
		}{
			{`{"id":"new-1","n":"x","name":{}}`, "", false},
			{`{"id":"new-1","n":"x","created_at":"yesterday","name":[]}`, "/v1" + w.path + "/other", false},
			{`{"data":{"id":"new-1"},"n":"x"}`, "", false},
			{`{"id":"new-1","n":1,"na`, "", false},
			{`{"id":"new-1","n":1,"na`, "", true},
			{`{"id":"new-1"}}`, "", false},
			{"", "/v1" + w.path + "/new-1", false},
			{"<html>", "HERE/v1" + w.path + "/new-1", false},
		} {
			h := func(w http.ResponseWriter, req *http.Request) {
				w.Header().Set("X-Request-Id", "req_1")
				if tt.cut {
					support.CutBody(201, tt.body)(w, req)
					return
				}
				support.Respond(201, tt.body, "Location", strings.Replace(tt.location, "HERE", "http://"+req.Host, 1))(w, req)
			}
			client := support.Serve(t, h).Client(t)
			err := w.call(client)
			e, ok := errors.AsType[*leedo.DecodeError](err)
			if !ok || e.RecordID != "new-1" || e.RequestID != "req_1" || e.StatusCode != 201 {
				t.Errorf("%s, %s %s: %v, %q", name, tt.body, tt.location, err, e.RecordID)
			}
			for _, text := range support.AllForms(t, err) {
				if strings.Contains(text, "new-1") || strings.Contains(text, "yesterday") {
					t.Errorf("%s: %s", name, text)
				}
			}
		}
	}
	client, _ := support.InMemory(t, nil, support.Respond(200, ""))
	err := support.ErrorOf(client.Leads.Update(t.Context(), "a/b", &leedo.LeadUpdateParams{Name: new("n")}))
	if e, ok := errors.AsType[*leedo.DecodeError](err); !ok || e.RecordID != "a/b" {
		t.Errorf("%+v", err)
	}
	// A read names the record that was requested. A list has none, whatever it contains.
	client, _ = support.InMemory(t, nil, support.Respond(200, `{"id":"x","data":5}`))
	_, err = client.Leads.List(t.Context(), nil)
	if e, ok := errors.AsType[*leedo.DecodeError](err); !ok || e.RecordID != "" {
		t.Errorf("%+v", err)
	}
	client, _ = support.InMemory(t, nil, support.Respond(200, `[]`))
	_, err = client.Leads.Get(t.Context(), "a/b")
	if e, ok := errors.AsType[*leedo.DecodeError](err); !ok || e.RecordID != "a/b" {
		t.Errorf("%+v", err)
	}
}

// A create whose response has unreadable dates succeeds: as an error, it might
// be repeated.
func TestACreateWhoseDatesDoNotFitSucceeds(t *testing.T) {
	t.Parallel()
	client, rec := support.InMemory(t, nil, support.Respond(201, `{"id":"new-1","name":"n","created_at":"2025-10-01T12:00:00Z","updated_at":""}`))
	lead, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: "n"})
	if err != nil || lead.ID != "new-1" || !lead.CreatedAt.Equal(noon) || !lead.UpdatedAt.IsZero() {
		t.Errorf("%+v, %v", lead, err)
	}
	account, err := client.Accounts.Create(t.Context(), &leedo.AccountCreateParams{Name: "n"})
	if err != nil || account.ID != "new-1" || len(rec.Requests()) != 2 {
		t.Errorf("%+v, %v", account, err)
	}
}

// A TransportError has the request id, if a header had arrived.
func TestATransportErrorHasTheRequestID(t *testing.T) {
	t.Parallel()
	s := support.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("X-Request-Id", "req_5")
		support.CutBody(200, `{"id":`)(w, req)
	})
	_, err := s.Client(t).Leads.Get(t.Context(), "x")
	e, ok := errors.AsType[*leedo.TransportError](err)
	if !ok || e.RequestID != "req_5" || !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "leedo: GET /leads/{id}: no complete response: unexpected EOF (request req_5, 4 attempts)" {
		t.Errorf("%v", err)
	}
	// It is not lost when the caller's context ends while the body is read.
	ctx, cancel := context.WithCancel(t.Context())
	body := readerFunc(func([]byte) (int, error) { cancel(); return 0, ctx.Err() })
	_, err = support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"X-Request-Id": {"req_6"}}, Body: io.NopCloser(body), ContentLength: -1, Request: req}, nil
	})})).Leads.Get(ctx, "x")
	if e, ok := errors.AsType[*leedo.TransportError](err); !ok || e.RequestID != "req_6" || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_, err = support.Serve(t, support.Cut).Client(t).Leads.Get(t.Context(), "x")
	if e, ok := errors.AsType[*leedo.TransportError](err); !ok || e.RequestID != "" {
		t.Errorf("%v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// A 2xx whose body reports a failure is an APIError. For a write the outcome is
// unknown.
func TestASuccessThatSaysItFailedIsAnAPIError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, code, message string }{
		{`{"success":false,"error":{"code":"locked","message":"try later"}}`, "locked", "try later"},
		{`{"success":false,"message":"try later"}`, "", "try later"},
		{`{"error":{"code":"locked","message":"try later"}}`, "locked", "try later"},
		{`{"errors":[{"code":"locked","message":"try later"}],"data":null}`, "locked", "try later"},
		{`{"ok":false,"error":"try later"}`, "", "try later"},
		{`{"status":"error","message":"try later"}`, "", "try later"},
		{`{"success":false}`, "", ""},
	} {
		client, rec := support.InMemory(t, nil, support.Respond(200, tt.body, "X-Request-Id", "req_3"))
		check := func(name string, err error, write bool) {
			t.Helper()
			e, ok := errors.AsType[*leedo.APIError](err)
			if !ok || e.StatusCode != 200 || e.Code != tt.code || e.Message != tt.message || e.RequestID != "req_3" {
				t.Errorf("%s, %s: %v", tt.body, name, err)
			}
			if support.Is[*leedo.UnknownOutcomeError](err) != write || support.Is[*leedo.DecodeError](err) {
				t.Errorf("%s, %s: %v is of the wrong type", tt.body, name, err)
			}
		}
		check("Get", support.ErrorOf(client.Leads.Get(t.Context(), "x")), false)
		check("Create", support.Create(t.Context(), client), true)
		check("Update", support.ErrorOf(client.Leads.Update(t.Context(), "x", &leedo.LeadUpdateParams{Name: new("n")})), true)
		check("List", support.ErrorOf(client.Contacts.List(t.Context(), nil)), false)
		_, err := collect(client.Accounts.All(t.Context(), nil, leedo.WithPrefetch(2)), func(*leedo.Account) int { return 0 })
		check("All", err, false)
		check("Do", client.Do(t.Context(), "GET", "/leads/x", nil, new(struct{ leedo.Lead })), false)
		check("Do, DELETE", client.Do(t.Context(), "DELETE", "/leads/x", nil, nil), true)
		if n := len(rec.Requests()); n != 7 {
			t.Errorf("%d requests", n)
		}
	}
	for _, body := range []string{
		`{"id":"x","success":false,"error":"none","status":"error"}`, `{"id":5,"errors":[{"message":"m"}]}`, `{"status":"failed","id":"x"}`, `{"error":{"code":"c"},"message":"m","id":"x"}`,
	} {
		client, _ := support.InMemory(t, nil, support.Respond(200, body))
		for name, err := range map[string]error{
			"Get": support.ErrorOf(client.Leads.Get(t.Context(), "x")), "Create": support.Create(t.Context(), client), "Do": client.Do(t.Context(), "GET", "/leads/x", nil, new(any)),
		} {
			if err != nil {
				t.Errorf("%s, %s: a record: %v", body, name, err)
			}
		}
	}
	// The error has the body for itself, and no more of it than others have.
	client, _ := support.InMemory(t, nil, support.Respond(200, `{"success":false,"message":"first"}`), support.Respond(200, support.LeadJSON), support.Respond(200, support.LeadJSON))
	_, err := client.Leads.Get(t.Context(), "x")
	client.Leads.Get(t.Context(), "x")
	client.Leads.Get(t.Context(), "x")
	if e, ok := errors.AsType[*leedo.APIError](err); !ok || string(e.Body) != `{"success":false,"message":"first"}` {
		t.Errorf("%v", err)
	}
	client, _ = support.InMemory(t, nil, support.Respond(200, `{"success":false,"errors":[{}`+strings.Repeat(",{}", 100_000)+`]}`))
	if _, err := client.Leads.Get(t.Context(), "x"); !support.Is[*leedo.DecodeError](err) {
		t.Errorf("%.100v", err)
	}
	client, _ = support.InMemory(t, nil, support.Respond(200, `{"data":[{"id":"x"}],"success":false,"meta":{"total":1,"page":1,"per_page":20}}`))
	if page, err := client.Leads.List(t.Context(), nil); err != nil || len(page.Data) != 1 {
		t.Errorf("a page: %v", err)
	}
	// What Do decodes may report errors beside its own data.
	client, _ = support.InMemory(t, nil, support.Respond(200, `{"created":2,"errors":[{"row":3,"message":"m"}]}`))
	var batch struct{ Created int }
	if err := client.Do(t.Context(), "POST", "/leads/batch", []int{}, &batch); err != nil || batch.Created != 2 {
		t.Errorf("%v, %v", batch, err)
	}
}
