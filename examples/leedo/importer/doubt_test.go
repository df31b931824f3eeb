package importer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
	"github.com/leedoapp/leedo-go/leedotest"
)

var (
	cutAfter  = leedotest.Fault{Drop: true, Processed: true}
	cutBefore = leedotest.Fault{Drop: true}
)

// held counts the records by name and score.
func (w *world) held() string {
	held := map[string]int{}
	for _, c := range w.server.Contacts() {
		held[fmt.Sprint(c.Name, w.server.Record(c.ID)["score"])]++
	}
	for _, a := range w.server.Accounts() {
		held[fmt.Sprint(a.Name, w.server.Record(a.ID)["score"])]++
	}
	return strings.TrimPrefix(fmt.Sprint(held), "map")
}

// Neither the list nor, for contacts, anything else shows the score: an item is
// the record of a row only if it cannot be that of another one.
func TestFieldThatIsNotShown(t *testing.T) {
	t.Parallel()
	score := regexp.MustCompile(`,"score":"\d*"|"score":"\d*",`)
	const contested = "unknown " + looks + "name that may be that of another row"
	for name, tt := range map[string]struct {
		rows   string
		faults []leedotest.Fault
		want   []string
		held   string
	}{
		"one":             {"Ada,,,1\n", []leedotest.Fault{cutAfter}, []string{"created"}, "[Ada1:1]"},
		"first processed": {"Ada,,,1\nAda,,,2\n", []leedotest.Fault{cutAfter, cutBefore}, []string{contested, contested}, "[Ada1:1]"},
		"last processed":  {"Ada,,,1\nAda,,,2\n", []leedotest.Fault{cutBefore, cutAfter}, []string{contested, contested}, "[Ada2:1]"},
		"none processed":  {"Ada,,,1\nAda,,,2\n", []leedotest.Fault{cutBefore, cutBefore}, []string{"created", "created"}, "[Ada1:1 Ada2:1]"},
		"other is known":  {"Ada,,,1\nAda,,,2\n", []leedotest.Fault{cutAfter}, []string{"created", "created"}, "[Ada1:1 Ada2:1]"},
		"other has no id": {"Ada,,,1\nAda,,,2\n", []leedotest.Fault{{Truncate: 3}, cutBefore}, []string{"created the response had no id, and " + looks + "name that may be that of another row", contested}, "[Ada1:1]"},
		"twins":           {"Ada,,,1\nAda,,,1\n", []leedotest.Fault{cutBefore, cutAfter}, []string{"created", "created"}, "[Ada1:2]"},
		"addresses":       {"Ada,a@example.com,,1\nAda,b@example.com,,2\n", []leedotest.Fault{cutBefore, cutAfter}, []string{"created", "created"}, "[Ada1:1 Ada2:1]"},
		"another role":    {"Ada,,CEO,1\nAda,,CFO,2\n", []leedotest.Fault{cutAfter, cutBefore}, []string{"created", "created"}, "[Ada1:1 Ada2:1]"},
	} {
		for _, resource := range []string{"contacts", "accounts"} {
			if resource == "accounts" && (name == "addresses" || name == "another role") {
				continue // they have neither
			}
			virtual(t, name+" "+resource, "name,email,role,score\n"+tt.rows, func(w *world) {
				w.opts.Resource, w.opts.Extra = resource, map[string]string{"score": ""}
				w.responses(func(_ *http.Request, _ http.Header, body string) string { return score.ReplaceAllString(body, "") })
				w.faults(tt.faults...)
				var want []string
				for i, outcome := range tt.want {
					want = append(want, fmt.Sprint(i+2, " ", outcome))
				}
				for range 2 { // and it stays so
					if err := w.run(want...); err != nil || w.held() != tt.held {
						w.Errorf("%v, the server holds %s, want %s", err, w.held(), tt.held)
					}
				}
			})
		}
	}
	// Rows of earlier runs.
	for name, tt := range map[string]struct {
		sent   time.Duration // how long before the first row
		left   journal.State // of the second
		reason string
		want   []string
	}{
		"unknown":     {0, journal.Unknown, "as it was", []string{"2 " + contested, "3 unknown as it was"}},
		"sent before": {time.Hour, journal.Sending, "", []string{"2 " + contested, "3 " + contested}},
		"sent later":  {-time.Hour, journal.Sending, "", []string{"2 created", "3 created"}},
	} {
		virtual(t, name, "name,score\nAda,1\nAda,2\n", func(w *world) {
			w.opts.Resource, w.opts.Extra = "contacts", map[string]string{"score": ""}
			w.responses(func(_ *http.Request, _ http.Header, body string) string { return score.ReplaceAllString(body, "") })
			first := time.Now()
			w.leave(journal.Row{Line: 2, State: journal.Sending, SentAt: first}, journal.Row{Line: 3, State: tt.left, SentAt: first.Add(-tt.sent), Reason: tt.reason})
			contact := w.server.AddContact(leedo.Contact{Name: "Ada"})
			w.server.SetField(contact.ID, "score", "1")
			time.Sleep(2 * time.Hour)
			if err := w.run(tt.want...); err != nil {
				w.Error(err)
			}
		})
	}
}

// What a server makes of an address or a text, and which status it chooses, is not
// known: two rows may differ and one record be that of either.
func TestAlike(t *testing.T) {
	t.Parallel()
	const email, name = "unknown " + looks + "email that ", "unknown " + looks + "name that "
	const another = "may be that of another row"
	for _, tt := range []struct {
		rows   string
		faults []leedotest.Fault
		want   [2]string
	}{
		{"Zoë,zoë@münch.example,\nZoë,zoë@xn--mnch-0ra.example,\n", []leedotest.Fault{cutBefore, cutAfter}, [2]string{email + another, email + another}},
		{"Zoë,strauß@example.com,\nZoë,strauss@example.com,\n", []leedotest.Fault{cutAfter, cutBefore}, [2]string{email + another, email + another}},
		{"Zoë,strauß@example.com,\nZoë,strauss@example.com,\n", []leedotest.Fault{cutBefore, cutBefore}, [2]string{"created", "created"}},
		{"Ada,,\nAda,,qualified\n", []leedotest.Fault{cutBefore, cutAfter}, [2]string{name + another, name + another}},
		{"Ada,,\nAda,,qualified\n", []leedotest.Fault{cutAfter, cutBefore}, [2]string{"created", "created"}},
		{"ADA,,\nAda,,\n", []leedotest.Fault{cutBefore, cutAfter}, [2]string{name + "differs", name + another}},
		{"Ada,,NEW\nAda,,new\n", []leedotest.Fault{cutBefore, cutAfter}, [2]string{name + "differs", name + another}},
	} {
		virtual(t, tt.rows, "name,email,status\n"+tt.rows, func(w *world) {
			w.faults(tt.faults...)
			leads := 1
			if tt.want[0] == "created" {
				leads = 2
			}
			if err := w.run("2 "+tt.want[0], "3 "+tt.want[1]); err != nil || len(w.server.Leads()) != leads {
				w.Errorf("%v: %+v", err, w.server.Leads())
			}
		})
	}
}

// A row whose response had no id is created, and its record is looked for, once.
func TestResponseWithoutID(t *testing.T) {
	t.Parallel()
	empty := leedotest.Fault{Status: 201, Body: "{}", Processed: true}
	for name, tt := range map[string]struct {
		fault  leedotest.Fault
		spoil  func(*world)
		reason string
		known  bool
	}{
		"empty":      {empty, nil, "", true},
		"cut":        {leedotest.Fault{Truncate: 3}, nil, "", true},
		"cut later":  {leedotest.Fault{Truncate: 100}, nil, "the response was not usable", true},
		"is deleted": {empty, func(w *world) { w.server.Delete(w.server.Leads()[0].ID) }, "the response had no id, and the list has no such record", false},
		"is changed": {empty, func(w *world) { w.server.SetField(w.server.Leads()[0].ID, "company", "x") }, "the response had no id, and " + looks + "name that differs", false},
	} {
		virtual(t, name, "name\nAda\n", func(w *world) {
			w.faults(tt.fault)
			gets := 0
			w.server.OnRequest(func(r leedotest.Request) {
				if r.Method == "GET" {
					if gets++; gets == 2 && tt.spoil != nil {
						tt.spoil(w)
					}
				}
			})
			want := strings.TrimSpace("2 created " + tt.reason)
			if err := w.run(want); err != nil || w.sent("POST") != 1 {
				w.Errorf("%v, %d requests", err, w.sent("POST"))
			}
			result, _ := os.ReadFile(w.opts.Result)
			if known := len(w.server.Leads()) > 0 && strings.Contains(string(result), w.server.Leads()[0].ID); known != tt.known {
				w.Errorf("%s", result)
			}
			if err := w.run(want); err != nil || len(w.server.Requests()) > 4 {
				w.Errorf("again: %v, %d requests", err, len(w.server.Requests()))
			}
		})
	}
}

// Whatever a server makes of a text before it stores it: the record is not taken for
// none.
func TestNormalized(t *testing.T) {
	t.Parallel()
	const content = "name,email\nZoë Strauß,Zoë@Münch.example\nLi,li@example.cn\n"
	for name, tt := range map[string]struct {
		field, value string
		want         string
	}{
		"punycode":      {"email", "zoë@xn--mnch-0ra.example", "created"},
		"lower case":    {"email", "zoë@münch.example", "created"},
		"decomposed":    {"email", "Zoe\u0308@Mu\u0308nch.example", "created"},
		"spaces":        {"email", " Zoë@Münch.example\n", "created"},
		"no address":    {"email", "", "unknown " + looks + "name that differs"},
		"other address": {"email", "zoe@munch.example", "unknown " + looks + "name that differs"},
		"upper case":    {"name", "ZOË  STRAUSS", "unknown " + looks + "email that differs"},
	} {
		virtual(t, name, content, func(w *world) {
			w.faults(cutAfter)
			w.server.OnRequest(func(r leedotest.Request) {
				for _, l := range w.server.Leads() {
					if strings.HasPrefix(l.Name, "Z") {
						w.server.SetField(l.ID, tt.field, tt.value)
					}
				}
			})
			if err := w.run("2 "+tt.want, "3 created"); err != nil || w.sent("POST") != 2 {
				w.Errorf("%v, %d requests", err, w.sent("POST"))
			}
		})
	}
	// The name alone, where there is no address.
	for name, stored := range map[string]string{
		"Zoë Strauß": "ZOE\u0308  STRAUSS", "Zoë Dupont": "zoe dupont", "İpek": "ipek", "\u200bAda\ufeff": "Ada",
		"Ada\x01": "Ada", "O’Brien": "O'Brien", "O'Brien": "O&#39;Brien", "Tom & Co": "Tom &amp; Co", "Ada 🙂": "Ada", "🙂": "",
		strings.Repeat("Ada ", 70): strings.Repeat("Ada ", 50),
	} {
		virtual(t, name, "name\n"+name+"\n", func(w *world) {
			w.faults(cutAfter)
			w.server.OnRequest(func(leedotest.Request) {
				for _, l := range w.server.Leads() {
					w.server.SetField(l.ID, "name", stored)
				}
			})
			if err := w.run("2 unknown " + looks + "name that differs"); err != nil || w.sent("POST") != 1 {
				w.Errorf("%v, %d requests", err, w.sent("POST"))
			}
		})
	}
}

// A name that many rows have makes none of them unknown as long as their addresses
// are kept.
func TestEqualNames(t *testing.T) {
	t.Parallel()
	content := "name,email\nInfo,a@example.com\nInfo,b@example.com\nInfo,c@example.com\nInfo,\nInfo,\n"
	for lost := range 1 << 5 {
		virtual(t, fmt.Sprintf("%05b", lost), content, func(w *world) {
			w.server.AddLead(leedo.Lead{Name: "Other", Email: "info@example.org"})
			for i := range 5 {
				w.faults(leedotest.Fault{Drop: true, Processed: lost>>i&1 == 0})
			}
			if err := w.run("2 created", "3 created", "4 created", "5 created", "6 created"); err != nil || len(w.server.Leads()) != 6 {
				w.Errorf("%v: %s", err, w.names())
			}
		})
	}
}

// A record with the address of one row is not another one's, whatever else it has.
func TestAddressOfAnotherRow(t *testing.T) {
	t.Parallel()
	virtual(t, "", "name,email\nInfo,a@example.com\nInfo,b@example.com\nInfo,\n", func(w *world) {
		w.faults(cutAfter, cutBefore, cutBefore)
		w.server.OnRequest(func(leedotest.Request) {
			for _, l := range w.server.Leads() {
				w.server.SetField(l.ID, "company", "Acme")
			}
		})
		if err := w.run("2 unknown "+looks+"email that differs", "3 created", "4 created"); err != nil || len(w.server.Leads()) != 3 {
			w.Errorf("%v: %s", err, w.names())
		}
	})
}

// Two rows without an address and with nothing but the same name are one record each;
// one that the list had before is of neither.
func TestTwoOfOneName(t *testing.T) {
	t.Parallel()
	const older = "unknown " + looks + "name that is older"
	for name, tt := range map[string]struct {
		faults []leedotest.Fault
		before bool
		want   []string
		leads  int
	}{
		"both":        {[]leedotest.Fault{cutAfter, cutAfter}, false, []string{"2 created", "3 created"}, 2},
		"none":        {[]leedotest.Fault{cutBefore, cutBefore}, false, []string{"2 created", "3 created"}, 2},
		"one":         {[]leedotest.Fault{cutBefore, cutAfter}, false, []string{"2 created", "3 created"}, 2},
		"both, older": {[]leedotest.Fault{cutAfter, cutAfter}, true, []string{"2 created", "3 created"}, 3},
		"none, older": {[]leedotest.Fault{cutBefore, cutBefore}, true, []string{"2 " + older, "3 " + older}, 1},
		"one, older":  {[]leedotest.Fault{cutBefore, cutAfter}, true, []string{"2 created", "3 " + older}, 2},
	} {
		virtual(t, name, "name\nJohn Smith\nJohn Smith\n", func(w *world) {
			if tt.before {
				w.server.AddLead(leedo.Lead{Name: "John Smith"})
				time.Sleep(time.Hour)
			}
			w.faults(tt.faults...)
			if err := w.run(tt.want...); err != nil || len(w.server.Leads()) != tt.leads {
				w.Errorf("%v: %s", err, w.names())
			}
		})
	}
}

// Ids that are large numbers keep their digits.
func TestLargeIDs(t *testing.T) {
	t.Parallel()
	virtual(t, "", "name\nTwin\nTwin\nTwin\n", func(w *world) {
		next := 9007199254740991 // the largest of which a float64 knows the next
		w.server = leedotest.NewServer(leedotest.WithIDs(func() string { next++; return fmt.Sprint(next) }))
		quoted := regexp.MustCompile(`"id":"(\d+)"`)
		w.responses(func(_ *http.Request, _ http.Header, body string) string {
			return quoted.ReplaceAllString(body, `"id":$1`)
		})
		w.faults(leedotest.Fault{Drop: true, Processed: true, After: 2})
		if err := w.run("2 created", "3 created", "4 created"); err != nil || len(w.server.Leads()) != 3 {
			w.Errorf("%v: %s", err, w.names())
		}
		result, _ := os.ReadFile(w.opts.Result)
		want := "line,outcome,id,reason\n2,created,9007199254740992,\n3,created,9007199254740993,\n4,created,9007199254740994,\n"
		if string(result) != want {
			w.Errorf("%s", result)
		}
	})
}

// A time in another form is read if it leaves no doubt. A record without one may be the
// row's and may be older: the row is not sent again, and no record is taken for its.
func TestCreatedAt(t *testing.T) {
	t.Parallel()
	field := regexp.MustCompile(`,"created_at":"([^"]*)"`)
	const unclear = "unknown " + looks + "email that may be older"
	for form, want := range map[string]string{
		`,"created_at":"2006-01-02T15:04:05.999999999Z07:00"`: "created",
		`,"created_at":"2006-01-02T15:04:05-0700"`:            "created",
		`,"created_at":"2006-01-02 15:04:05.000-07:00"`:       "created",
		`,"created_at":"2006-01-02 15:04:05"`:                 unclear, // in which zone?
		`,"created_at":"02/01/2006"`:                          unclear,
		`,"created_at":null`:                                  unclear,
		``:                                                    unclear,
	} {
		for _, fault := range []leedotest.Fault{cutAfter, cutBefore} {
			virtual(t, fmt.Sprint(form, fault.Processed), twoLeads, func(w *world) {
				w.server.AddLead(leedo.Lead{Name: "Ada", Email: "ada@example.com", Company: "Acme", Phone: "1"})
				time.Sleep(time.Hour)
				w.responses(func(req *http.Request, _ http.Header, body string) string {
					if req.Method == "POST" {
						return body
					}
					return field.ReplaceAllStringFunc(body, func(match string) string {
						at, err := time.Parse(time.RFC3339, field.FindStringSubmatch(match)[1])
						if err != nil {
							w.Error(err)
						}
						return at.In(time.FixedZone("", -5*3600)).Format(form)
					})
				})
				w.faults(fault)
				want := want
				if want == "created" && !fault.Processed {
					want = "unknown " + looks + "email that is older"
				}
				if err := w.run("2 "+want, "3 created"); err != nil || w.sent("POST") != 2 {
					w.Errorf("%v, %d requests", err, w.sent("POST"))
				}
			})
		}
	}
}

// A cell is compared with a value as it would be written in a cell.
func TestText(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`" a\n"`: "a", `null`: "", `true`: "true", `7`: "7", `7.0`: "7", `7e2`: "700", `0.10`: "0.1",
		`9007199254740993`: "9007199254740993", `123456789012345678901234567890`: "123456789012345678901234567890", `{}`: "",
	} {
		var it item
		if err := json.Unmarshal([]byte(`{"x":`+value+`}`), &it); err != nil || text(it["x"]) != want {
			t.Errorf("%s: %q, %v, want %q", value, text(it["x"]), err, want)
		}
	}
}
