package cost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// What calls cost without a network: go test -run - -bench . -benchmem

// leadBytes is the size of each lead in the responses here, that of a usual one.
const leadBytes = 288

// benchLead encodes lead number n by hand: never with the types that it is read
// into.
func benchLead(n int) string {
	const form = `{"id":"550e8400-e29b-41d4-a716-%012d","name":"John Doe %06d","email":"john.doe.%06d@example.com",` +
		`"company":"%s","phone":"+15550%06d","status":"new","created_at":"2025-10-01T12:00:00Z","updated_at":"2025-10-02T08:30:00Z"}`
	short := len(fmt.Sprintf(form, n, n, n, "", n))
	return fmt.Sprintf(form, n, n, n, strings.Repeat("Acme ", leadBytes)[:leadBytes-short], n)
}

// benchPage encodes page number n of a list with so many pages of 100 leads.
func benchPage(n, pages int) string {
	rows := make([]string, 100)
	for i := range rows {
		rows[i] = benchLead((n-1)*100 + i)
	}
	return fmt.Sprintf(`{"data":[%s],"meta":{"total":%d,"page":%d,"per_page":100}}`, strings.Join(rows, ","), pages*100, n)
}

// cannedBody is the body of a response: one allocation, and what the transport
// itself costs with that of the http.Response.
type cannedBody struct{ strings.Reader }

func (*cannedBody) Close() error { return nil }

// benchTransport responds from memory, with two allocations, with
// a quota that nothing uses up.
type benchTransport struct {
	header http.Header // shared by all answers: the cost of making it is net/http's
	status int
	pages  []string
}

func newBenchTransport(status int, pages ...string) *benchTransport {
	return &benchTransport{http.Header{
		"Content-Type":          {"application/json"},
		"Date":                  {time.Now().UTC().Format(http.TimeFormat)},
		"X-Request-Id":          {"req_9"},
		"X-Ratelimit-Limit":     {"2000000000"},
		"X-Ratelimit-Remaining": {"1999999999"},
		"X-Ratelimit-Reset":     {"3600"},
	}, status, pages}
}

func (b *benchTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	select { // real transports look at the context, too
	case <-req.Context().Done():
		return nil, req.Context().Err()
	default:
	}
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	page := b.pages[0]
	if len(b.pages) > 1 {
		_, n, _ := strings.Cut(req.URL.RawQuery, "&page=")
		i, err := strconv.Atoi(n)
		if err != nil || i < 1 || i > len(b.pages) {
			return nil, fmt.Errorf("no page %q", n)
		}
		page = b.pages[i-1]
	}
	body := &cannedBody{}
	body.Reset(page)
	return &http.Response{
		StatusCode: b.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: b.header, Body: body, ContentLength: int64(len(page)), Request: req,
	}, nil
}

// benchClient returns a client as it comes, limiter, retries and timeouts on.
func benchClient(tb testing.TB, transport http.RoundTripper) *leedo.Client {
	tb.Helper()
	c, err := leedo.NewClient(support.Token, leedo.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// costs are the calls whose cost is measured and, in allocations, bounded: a
// little above what it was when they were written.
var costs = []struct {
	name   string
	allocs float64
	setup  func(testing.TB) func(context.Context) error
}{
	{"Get", 49, func(tb testing.TB) func(context.Context) error {
		c := benchClient(tb, newBenchTransport(200, benchLead(1)))
		return func(ctx context.Context) error { _, err := c.Leads.Get(ctx, support.LeadID); return err }
	}},
	{"Create", 55, func(tb testing.TB) func(context.Context) error {
		c := benchClient(tb, newBenchTransport(201, benchLead(1)))
		return func(ctx context.Context) error { return support.Create(ctx, c) }
	}},
	{"List100", 672, func(tb testing.TB) func(context.Context) error {
		c := benchClient(tb, newBenchTransport(200, benchPage(1, 1)))
		return func(ctx context.Context) error {
			_, err := c.Leads.List(ctx, &leedo.LeadListParams{PerPage: 100})
			return err
		}
	}},
	{"Walk10000", 67000, func(tb testing.TB) func(context.Context) error {
		pages := make([]string, 100)
		for i := range pages {
			pages[i] = benchPage(i+1, len(pages))
		}
		pages = append(pages, `{"data":[],"meta":{"total":10000,"page":101,"per_page":100}}`) // the last one is full
		c := benchClient(tb, newBenchTransport(200, pages...))
		return func(ctx context.Context) error {
			n := 0
			for _, err := range c.Leads.All(ctx, nil) {
				if err != nil {
					return err
				}
				n++
			}
			if n != 10_000 {
				return fmt.Errorf("%d rows", n)
			}
			return nil
		}
	}},
	{"NewClient", 23, func(testing.TB) func(context.Context) error {
		return func(context.Context) error { _, err := leedo.NewClient(support.Token); return err }
	}},
}

func benchmarkCost(b *testing.B, name string) {
	for _, cost := range costs {
		if cost.name != name {
			continue
		}
		call, ctx := cost.setup(b), b.Context()
		b.ReportAllocs()
		for b.Loop() {
			if err := call(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkGet(b *testing.B)       { benchmarkCost(b, "Get") }
func BenchmarkCreate(b *testing.B)    { benchmarkCost(b, "Create") }
func BenchmarkList100(b *testing.B)   { benchmarkCost(b, "List100") }
func BenchmarkWalk10000(b *testing.B) { benchmarkCost(b, "Walk10000") }
func BenchmarkNewClient(b *testing.B) { benchmarkCost(b, "NewClient") }

// BenchmarkGet64 is Get from 64 goroutines on one client.
func BenchmarkGet64(b *testing.B) {
	c := benchClient(b, newBenchTransport(200, benchLead(1)))
	b.ReportAllocs()
	jobs := make(chan struct{}, 64)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range jobs {
				if _, err := c.Leads.Get(b.Context(), support.LeadID); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for b.Loop() {
		jobs <- struct{}{}
	}
	close(jobs)
	wg.Wait()
}

// BenchmarkPlainGet is Get as a careful user of net/http writes it, without
// limiter, retries, timeout and bound: to compare with.
func BenchmarkPlainGet(b *testing.B) {
	call := plainGet(&http.Client{Transport: newBenchTransport(200, benchLead(1))})
	b.ReportAllocs()
	for b.Loop() {
		if err := call(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func plainGet(client *http.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, "GET", support.BaseURL+"/leads/"+url.PathEscape(support.LeadID), nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+support.Token)
		req.Header.Set("Accept", "application/json")
		req.Header.Set("User-Agent", "bench")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 {
			return errors.New(resp.Status)
		}
		return json.NewDecoder(resp.Body).Decode(new(leedo.Lead))
	}
}

// BenchmarkLeastList100 is List100 as the least that encoding/json allows: a
// request without a client, read into memory of its size.
func BenchmarkLeastList100(b *testing.B) {
	call := leastList(newBenchTransport(200, benchPage(1, 1)))
	b.ReportAllocs()
	for b.Loop() {
		if err := call(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func leastList(transport http.RoundTripper) func(context.Context) error {
	header := http.Header{"Authorization": {"Bearer " + support.Token}, "Accept": {"application/json"}, "User-Agent": {"bench"}}
	target, err := url.Parse(support.BaseURL + "/leads?per_page=100")
	return func(ctx context.Context) error {
		if err != nil {
			return err
		}
		req := &http.Request{Method: "GET", URL: target, Host: target.Host, Header: header}
		resp, err := transport.RoundTrip(req.WithContext(ctx))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body := make([]byte, resp.ContentLength)
		if _, err := io.ReadFull(resp.Body, body); err != nil {
			return err
		}
		return json.Unmarshal(body, new(leedo.Page[leedo.Lead]))
	}
}

// The allocations of each operation are bounded. They are counted, not timed,
// so a busy machine does not matter. Not parallel: it counts the allocations of
// the process.
func TestACallCostsNoMore(t *testing.T) {
	if support.Race {
		t.Skip("the race detector allocates, too, and empties pools")
	}
	for _, cost := range costs {
		call, ctx, runs := cost.setup(t), t.Context(), 200
		if cost.allocs > 1000 {
			runs = 3
		}
		var failed error
		got := testing.AllocsPerRun(runs, func() {
			if err := call(ctx); err != nil {
				failed = err
			}
		})
		if failed != nil || got > cost.allocs {
			t.Errorf("%s: %v allocations, at most %v; %v", cost.name, got, cost.allocs, failed)
		}
	}
}

func TestNewClientSendsNothing(t *testing.T) {
	t.Parallel()
	support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
		t.Errorf("sent %s", req.URL)
		return nil, errors.New("not expected")
	})}))
}
