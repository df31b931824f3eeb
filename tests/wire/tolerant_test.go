package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// pageOf is the only page of a list. The items are JSON.
func pageOf(rows ...string) string {
	return fmt.Sprintf(`{"data":[%s],"meta":{"total":%d,"page":1,"per_page":100}}`, strings.Join(rows, ","), len(rows))
}

// One record of three has a time that is not RFC 3339. All three are listed, by
// each way to read them.
func TestATimeInAnyFormCostsNoOtherRecord(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]time.Time{
		`""`: {}, `"0000-00-00 00:00:00"`: {}, `0`: {},
		`"2025-10-01 12:00:00"`: noon, `"2025-10-01T14:00:00+0200"`: noon, `"2025-10-01T12:00:00.0000000001Z"`: noon, `1759320000`: noon, `"1759320000000"`: noon,
		`"2025-10-01"`: noon.Add(-12 * time.Hour),
	} {
		row := func(id, created string) string {
			return `{"id":"` + id + `","name":"n","created_at":` + created + `,"updated_at":"2025-10-01T12:00:00Z"}`
		}
		body := pageOf(row("a", `"2025-10-01T12:00:00Z"`), row("b", form), row("c", `null`))
		client, _ := support.InMemory(t, nil, support.Respond(200, body))
		check := func(how string, times []time.Time, err error) {
			t.Helper()
			if err != nil || len(times) != 3 || !times[0].Equal(noon) || !times[1].Equal(want) || !times[2].IsZero() {
				t.Errorf("%s, %s: %v, %v; want %v", form, how, times, err, want)
			}
		}
		times, err := collect(client.Leads.All(t.Context(), nil), func(l *leedo.Lead) time.Time { return l.CreatedAt })
		check("Leads.All", times, err)
		times, err = collect(client.Accounts.All(t.Context(), nil, leedo.WithPrefetch(4)), func(a *leedo.Account) time.Time { return a.CreatedAt })
		check("Accounts.All with prefetch", times, err)
		times, err = collect(client.Campaigns.All(t.Context(), nil), func(c *leedo.Campaign) time.Time { return c.CreatedAt })
		check("Campaigns.All", times, err)
		contacts, err := client.Contacts.List(t.Context(), nil)
		if err == nil {
			times = nil
			for _, c := range contacts.Data {
				times = append(times, c.CreatedAt)
			}
		}
		check("Contacts.List", times, err)
		type mine struct {
			leedo.Lead
			Score *int       `json:"score"`
			Seen  *time.Time `json:"created_at_too"`
		}
		var page leedo.Page[mine]
		if err = client.Do(t.Context(), "GET", "/leads", nil, &page); err == nil {
			times = nil
			for _, l := range page.Data {
				times = append(times, l.CreatedAt)
			}
		}
		check("Do", times, err)
		client, _ = support.InMemory(t, nil, support.Respond(200, row("b", form)))
		lead, err := client.Leads.Get(t.Context(), "b")
		if err != nil || !lead.CreatedAt.Equal(want) || !lead.UpdatedAt.Equal(noon) {
			t.Errorf("%s, Get: %v, %v", form, lead, err)
		}
	}
}

// collect returns what of returns of each item.
func collect[T, V any](items func(func(*T, error) bool), of func(*T) V) (values []V, err error) {
	for item, err := range items {
		if err != nil {
			return values, err
		}
		values = append(values, of(item))
	}
	return values, nil
}

// An empty time in the third page of a prefetched iteration is accepted.
func TestAnEmptyTimeInAPrefetchedPage(t *testing.T) {
	t.Parallel()
	client, _ := support.InMemory(t, nil, func(w http.ResponseWriter, req *http.Request) {
		page := req.URL.Query().Get("page")
		created := map[string]string{"1": `"2025-10-01T12:00:00Z"`, "2": `"2025-10-01T12:00:00Z"`, "3": `""`}[page]
		support.Respond(200, `{"data":[{"id":"`+page+`","created_at":`+created+`}],"meta":{"total":3,"page":"`+page+`","per_page":1.0}}`)(w, req)
	})
	ids, err := collect(client.Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 1}, leedo.WithPrefetch(3)), func(l *leedo.Lead) string { return l.ID })
	if err != nil || !slices.Equal(ids, []string{"1", "2", "3"}) {
		t.Errorf("%v, %v", ids, err)
	}
}

// Numbers are accepted in each form, in a record and in the meta of a page.
func TestNumbersInAnyForm(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]int{`"42"`: 42, `42.0`: 42, `"42.0"`: 42, `4.2e1`: 42, `""`: 0, `" 7 "`: 7, `null`: 0} {
		client, _ := support.InMemory(t, nil, support.Respond(200, `{"id":"x","name":"n","leads_count":`+form+`}`))
		campaign, err := client.Campaigns.Get(t.Context(), "x")
		if err != nil || campaign.LeadsCount != want {
			t.Errorf("%s: %+v, %v", form, campaign, err)
		}
		var my struct {
			leedo.Campaign
			Budget float64 `json:"leads_count_2"`
			Score  uint8   `json:"score"`
		}
		client, _ = support.InMemory(t, nil, support.Respond(200, `{"id":"x","leads_count":1,"score":`+form+`,"leads_count_2":`+form+`}`))
		if err := client.Do(t.Context(), "GET", "/campaigns/x", nil, &my); err != nil || int(my.Score) != want || int(my.Budget) != want || my.LeadsCount != 1 {
			t.Errorf("%s: %+v, %v", form, my, err)
		}
	}
	for _, meta := range []string{
		`{"total":3,"page":%d,"per_page":"2"}`, `{"total":"3","page":"%d","per_page":"2"}`, `{"total":3.0,"page":%d,"per_page":2e0}`, `{"total":"3","page":%d.0,"per_page":2}`, `{"total":" 3","page":"%d","per_page":"2.0"}`,
	} {
		client, _ := support.InMemory(t, nil, support.Respond(200, `{"data":[{"id":"1"},{"id":"2"}],"meta":`+fmt.Sprintf(meta, 1)+`}`), support.Respond(200, `{"data":[{"id":"3"}],"meta":`+fmt.Sprintf(meta, 2)+`}`))
		ids, err := collect(client.Leads.All(t.Context(), &leedo.LeadListParams{PerPage: 2}), func(l *leedo.Lead) string { return l.ID })
		if err != nil || !slices.Equal(ids, []string{"1", "2", "3"}) {
			t.Errorf("%s: %v, %v", meta, ids, err)
		}
	}
}

// Ids may be numbers, and keep all their digits.
func TestIDsMayBeNumbers(t *testing.T) {
	t.Parallel()
	const id = "12345678901234567890"
	body := `{"id":` + id + `,"name":7,"account_id":1.50}`
	client, _ := support.InMemory(t, nil, support.Respond(200, body))
	lead, err := client.Leads.Get(t.Context(), id)
	if err != nil || lead.ID != id || lead.Name != "7" {
		t.Errorf("%+v, %v", lead, err)
	}
	contact, err := client.Contacts.Create(t.Context(), &leedo.ContactCreateParams{Name: "n"})
	if err != nil || contact.ID != id || contact.AccountID != "1.50" {
		t.Errorf("%+v, %v", contact, err)
	}
	client, _ = support.InMemory(t, nil, support.Respond(200, pageOf(body, `{"id":"x"}`)))
	ids, err := collect(client.Contacts.All(t.Context(), nil, leedo.WithPrefetch(2)), func(c *leedo.Contact) string { return c.ID })
	if err != nil || !slices.Equal(ids, []string{id, "x"}) {
		t.Errorf("%v, %v", ids, err)
	}
}

// A byte order mark is skipped, as RFC 8259, section 8.1, allows.
func TestAByteOrderMarkIsSkipped(t *testing.T) {
	t.Parallel()
	const bom = "\xef\xbb\xbf"
	for _, body := range []string{bom + `{"id":"x","name":"n"}`, bom + "\n" + `{"id":"x","name":"n","created_at":""}`} {
		client, _ := support.InMemory(t, nil, support.Respond(200, body))
		if lead, err := client.Leads.Get(t.Context(), "x"); err != nil || lead.Name != "n" {
			t.Errorf("%+v, %v", lead, err)
		}
		if account, err := client.Accounts.Create(t.Context(), &leedo.AccountCreateParams{Name: "n"}); err != nil || account.Name != "n" {
			t.Errorf("%+v, %v", account, err)
		}
		out := map[string]any{}
		if err := client.Do(t.Context(), "GET", "/x", nil, &out); err != nil || out["name"] != "n" {
			t.Errorf("%v, %v", out, err)
		}
	}
	client, _ := support.InMemory(t, nil, support.Respond(200, bom+pageOf(`{"id":"x"}`)))
	if ids, err := collect(client.Leads.All(t.Context(), nil, leedo.WithPrefetch(2)), func(l *leedo.Lead) string { return l.ID }); err != nil || len(ids) != 1 {
		t.Errorf("%v, %v", ids, err)
	}
	client, _ = support.InMemory(t, nil, support.Respond(400, bom+`{"error":{"code":"c","message":"m"}}`))
	if _, err := client.Leads.Get(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "400 c: m") {
		t.Error(err)
	}
	client, _ = support.InMemory(t, nil, support.Respond(200, bom))
	if _, err := client.Leads.Get(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "empty body") {
		t.Error(err)
	}
}

// PHP encodes an empty object as a list, and sometimes an empty list as an
// object. Both are accepted.
func TestEmptyContainersOfPHP(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"data":{},"meta":{"total":0,"page":1,"per_page":100}}`, `{"data":{},"meta":[]}`, `{"data":[],"meta":[]}`,
	} {
		client, _ := support.InMemory(t, nil, support.Respond(200, body))
		page, err := client.Leads.List(t.Context(), nil)
		if err != nil || len(page.Data) != 0 || page.Data == nil {
			t.Errorf("%s: %+v, %v", body, page, err)
		}
		var own leedo.Page[struct{ leedo.Account }]
		if err := client.Do(t.Context(), "GET", "/accounts", nil, &own); err != nil || own.Data == nil {
			t.Errorf("%s: %+v, %v", body, own, err)
		}
	}
	var my struct {
		leedo.Lead
		Custom map[string]string `json:"custom"`
		Tags   []string          `json:"tags"`
	}
	client, _ := support.InMemory(t, nil, support.Respond(200, `{"id":"x","custom":[],"tags":{}}`))
	if err := client.Do(t.Context(), "GET", "/leads/x", nil, &my); err != nil || my.Custom == nil || my.Tags == nil {
		t.Errorf("%+v, %v", my, err)
	}
	client, _ = support.InMemory(t, nil, support.Respond(200, `{"id":"x","custom":["a"],"tags":{}}`))
	if err := client.Do(t.Context(), "GET", "/leads/x", nil, &my); !support.Is[*leedo.DecodeError](err) {
		t.Errorf("a list that is not empty: %v", err)
	}
}

// caseless and strict are types that decide for themselves what they read.
type caseless string

func (c *caseless) UnmarshalText(text []byte) error {
	*c = caseless(strings.ToLower(string(text)))
	return nil
}

type strict struct{ n int }

var errStrict = errors.New("J0hn_D0e is no number")

func (s *strict) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &s.n) != nil {
		return errStrict
	}
	return nil
}

func TestTypesOfTheCallerDecideForThemselves(t *testing.T) {
	t.Parallel()
	var my struct {
		leedo.Lead
		Color caseless        `json:"color"`
		Size  strict          `json:"size"`
		Extra json.RawMessage `json:"extra"`
	}
	client, _ := support.InMemory(t, nil, support.Respond(200, `{"id":"x","created_at":"","color":"RED","size":7,"extra":{"a": [1]}}`))
	if err := client.Do(t.Context(), "GET", "/leads/x", nil, &my); err != nil || my.Color != "red" || my.Size.n != 7 || string(my.Extra) != `{"a": [1]}` || my.ID != "x" {
		t.Errorf("%+v, %v", my, err)
	}
	client, _ = support.InMemory(t, nil, support.Respond(200, `{"id":"x","size":"7"}`))
	err := client.Do(t.Context(), "GET", "/leads/x", nil, &my)
	if want := `leedo: GET /leads/x: unusable response 200: field "size": cannot decode a JSON string (1 attempt)`; err == nil || err.Error() != want || !errors.Is(err, errStrict) {
		t.Errorf("%v, want %s", err, want)
	}
}

// Braces in the strings of a page do not count as objects.
func TestManyBracesAreNotManyObjects(t *testing.T) {
	t.Parallel()
	for _, note := range []string{strings.Repeat("a{b:c} ", 520), strings.Repeat(`{\"a\":[{},{}]}`, 300), strings.Repeat(`\\{,`, 900), strings.Repeat("{", 5000), strings.Repeat(",", 5000)} {
		rows := make([]string, 100)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"id":"%d","note":"%s"}`, i, note)
		}
		client, _ := support.InMemory(t, nil, support.Respond(200, pageOf(rows...)))
		page, err := client.Leads.List(t.Context(), nil)
		if err != nil || len(page.Data) != 100 {
			t.Errorf("%.20s: List: %v", note, err)
		}
		for _, opts := range [][]leedo.RequestOption{nil, {leedo.WithPrefetch(2)}} {
			if ids, err := collect(client.Campaigns.All(t.Context(), nil, opts...), func(c *leedo.Campaign) string { return c.ID }); err != nil || len(ids) != 100 {
				t.Errorf("%.20s: All: %d, %v", note, len(ids), err)
			}
		}
		var own leedo.Page[map[string]any]
		if err := client.Do(t.Context(), "GET", "/leads", nil, &own); err != nil || len(own.Data) != 100 {
			t.Errorf("%.20s: Do: %v", note, err)
		}
	}
	for _, part := range []string{"{},", "1,", "null,", "[],"} {
		client, _ := support.InMemory(t, nil, support.Respond(200, `{"data":[`+strings.Repeat(part, 60_000)+`{"id":"x"}],"meta":{}}`))
		if _, err := client.Leads.List(t.Context(), nil); !support.Is[*leedo.DecodeError](err) || !strings.Contains(err.Error(), "more than 50000 objects") {
			t.Errorf("%s: %v", part, err)
		}
	}
}

// The text of the error names the item that cannot be read, by each way to read
// it, and does not depend on the Go release.
func TestUnusableItemsAreNamed(t *testing.T) {
	t.Parallel()
	client, _ := support.InMemory(t, nil, support.Respond(200, pageOf(`{"id":"a"}`, `{"id":"b","created_at":"yesterday"}`, `{"id":"c"}`), "X-Request-Id", "req_7"))
	const what = `item 2, field "created_at": cannot decode a JSON string as a time (request req_7, 1 attempt)`
	_, err := client.Leads.List(t.Context(), nil)
	texts := []string{fmt.Sprint(err)}
	_, err = collect(client.Accounts.All(t.Context(), nil, leedo.WithPrefetch(3)), func(*leedo.Account) int { return 0 })
	texts = append(texts, fmt.Sprint(err))
	err = client.Do(t.Context(), "GET", "/leads", nil, new(leedo.Page[leedo.Lead]))
	texts = append(texts, fmt.Sprint(err))
	for i, path := range []string{"/leads", "/accounts, page 1", "/leads"} {
		if want := "leedo: GET " + path + ": unusable response 200: " + what; texts[i] != want {
			t.Errorf("got  %s\nwant %s", texts[i], want)
		}
	}
}
