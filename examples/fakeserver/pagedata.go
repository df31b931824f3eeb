package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// control sends a request to the control interface, in memory, and decodes the response
// into out unless that is nil. It returns what is wrong with the request, or "".
func (p *page) control(r *http.Request, method, path string, in, out any) (problem string) {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err.Error()
		}
	}
	request, err := http.NewRequestWithContext(r.Context(), method, path, &body)
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+p.fake.Token())
	response := reply{header: http.Header{}}
	p.next.ServeHTTP(&response, request)
	if response.status >= 400 {
		var failed struct{ Error struct{ Message string } }
		if err := json.Unmarshal(response.body.Bytes(), &failed); err != nil {
			return statusText(response.status)
		}
		return failed.Error.Message
	}
	if out != nil {
		if err := json.Unmarshal(response.body.Bytes(), out); err != nil {
			return err.Error()
		}
	}
	return ""
}

// reply is a response in memory.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *reply) Header() http.Header         { return r.header }
func (r *reply) WriteHeader(status int)      { r.status = status }
func (r *reply) Write(p []byte) (int, error) { return r.body.Write(p) }

// fault is a fault as the control interface sends it.
type fault struct {
	Method         string      `json:"method,omitempty"`
	Path           string      `json:"path,omitempty"`
	Chance         float64     `json:"chance,omitempty"`
	After          int         `json:"after,omitempty"`
	Times          int         `json:"times,omitempty"`
	Processed      bool        `json:"processed,omitempty"`
	Drop           bool        `json:"drop,omitempty"`
	Status         int         `json:"status,omitempty"`
	Header         http.Header `json:"header,omitempty"`
	Body           string      `json:"body,omitempty"`
	Latency        string      `json:"latency,omitempty"`
	Truncate       int         `json:"truncate,omitempty"`
	BytesPerSecond int         `json:"bytes_per_second,omitempty"`
	Applied        int         `json:"applied,omitempty"`
}

// What returns what the fault does and how often.
func (f fault) What() string {
	var what []string
	add := func(is bool, format string, args ...any) {
		if is {
			what = append(what, fmt.Sprintf(format, args...))
		}
	}
	add(f.Status != 0, "%s", statusText(f.Status))
	add(f.Drop, "connection cut")
	add(f.Processed, "but processed")
	add(f.Header != nil, "other headers")
	add(f.Body != "", "another body")
	add(f.Truncate != 0, "truncated to %d B", max(f.Truncate, 0))
	add(f.BytesPerSecond != 0, "%d B/s", f.BytesPerSecond)
	add(f.Latency != "", "%s late", f.Latency)
	add(f.Chance != 0, "with a chance of %g", f.Chance)
	add(f.After != 0, "not for the first %d", f.After)
	switch left := max(f.Times, 1) - f.Applied; {
	case f.Times < 0:
		what = append(what, "until cleared")
	case left == 1:
		what = append(what, "once")
	default:
		what = append(what, fmt.Sprintf("%d times", left))
	}
	return strings.Join(what, ", ")
}

// quota is the rate limit as the control interface sends it.
type quota struct {
	Limit     *int // nil means that there is no limit
	Remaining int
	Reset     time.Time
}

// Used reports whether some of it is used, so that there is something to reset.
func (q quota) Used() bool { return q.Remaining < *q.Limit }

// Low returns the largest number of requests that the gauge shows as few.
func (q quota) Low() int { return (*q.Limit + 9) / 10 }

// maxRecords is how many records of a resource the page shows.
const maxRecords = 5

// resource is what the page shows of a resource.
type resource struct {
	Name   string
	Count  int
	Newest []record
}

// record is what the page shows of a record.
type record struct{ ID, Name, Detail string }

// resources returns what the fake holds.
func resources(fake *leedotest.Server) []resource {
	return []resource{
		newest("Leads", fake.Leads(), func(l leedo.Lead) record { return record{l.ID, l.Name, join(l.Email, string(l.Status))} }),
		newest("Accounts", fake.Accounts(), func(a leedo.Account) record { return record{a.ID, a.Name, join(a.Industry, a.Website)} }),
		newest("Contacts", fake.Contacts(), func(c leedo.Contact) record { return record{c.ID, c.Name, join(c.Email, c.Role)} }),
		newest("Campaigns", fake.Campaigns(), func(c leedo.Campaign) record {
			return record{c.ID, c.Name, join(string(c.Status), fmt.Sprint("leads: ", c.LeadsCount))}
		}),
	}
}

// newest returns the resource that has the records, the newest of which are first.
func newest[T any](name string, all []T, show func(T) record) resource {
	r := resource{Name: name, Count: len(all)}
	for _, one := range all[:min(len(all), maxRecords)] {
		r.Newest = append(r.Newest, show(one))
	}
	return r
}

// join joins the texts that are not empty.
func join(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), " · ")
}
