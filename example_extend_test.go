package leedo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func ExampleWithInterceptor() {
	ctx := context.Background()
	server := leedotest.NewServer()

	timing := func(ctx context.Context, call leedo.CallInfo, next func(context.Context) error) error {
		start := time.Now()
		err := next(ctx)
		slog.DebugContext(ctx, "leedo", "call", call, "took", time.Since(start), "error", err)
		return err
	}
	client := server.Client(leedo.WithInterceptor(timing))

	_, err := client.Leads.Get(ctx, "x")
	fmt.Println(leedo.OutcomeOf(err))
	// Output: not done
}

// An interceptor sees every error, also of calls that were not sent.
func ExampleInterceptor() {
	ctx := context.Background()
	failures := func(ctx context.Context, call leedo.CallInfo, next func(context.Context) error) error {
		err := next(ctx)
		if err != nil {
			fmt.Println(call.Method, call.Path, "failed")
		}
		return err
	}
	client := leedotest.NewServer().Client(leedo.WithInterceptor(failures))
	client.Leads.Get(ctx, "unknown")
	client.Leads.Create(ctx, nil)
	// Output:
	// GET /leads/{id} failed
	// POST /leads failed
}

// tracing is a transport that knows which call a request is for.
type tracing struct{ http.RoundTripper }

func (t tracing) RoundTrip(req *http.Request) (*http.Response, error) {
	if call, ok := leedo.CallFromContext(req.Context()); ok {
		fmt.Printf("attempt %d of %s %s\n", call.Attempt, call.Method, call.Path)
	}
	return t.RoundTripper.RoundTrip(req)
}

func ExampleCallFromContext() {
	ctx := context.Background()
	server := leedotest.NewServer()
	lead := server.AddLead(leedo.Lead{Name: "John Doe"})
	server.Inject(leedotest.Fault{Status: 503})

	client := server.Client(leedo.WithHTTPClient(&http.Client{
		Transport: tracing{server.HTTPClient().Transport},
	}))
	if _, err := client.Leads.Get(ctx, lead.ID); err != nil {
		log.Fatal(err)
	}
	// Output:
	// attempt 1 of GET /leads/{id}
	// attempt 2 of GET /leads/{id}
}

func ExampleWithDump() {
	ctx := context.Background()
	server := leedotest.NewServer()
	var dump bytes.Buffer // os.Stderr, mostly
	client := server.Client(leedo.WithDump(&dump))

	if _, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"}); err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(dump.String()) {
		if strings.HasPrefix(line, "POST") || strings.HasPrefix(line, "Authorization") || strings.HasPrefix(line, "HTTP/1.1 ") {
			fmt.Print(line)
		}
	}
	// Output:
	// POST /v1/leads HTTP/1.1
	// Authorization: Bearer ***
	// HTTP/1.1 201 Created
}

func ExampleAll() {
	ctx := context.Background()
	server := leedotest.NewServer()
	client := server.Client()

	type MyLead struct {
		leedo.Lead
		Score int `json:"score"`
	}
	for i, name := range []string{"Ada Example", "John Doe"} {
		_, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: name},
			leedo.WithBodyField("score", i+1))
		if err != nil {
			log.Fatal(err)
		}
	}

	for lead, err := range leedo.All[MyLead](ctx, client, "/leads", nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(lead.Name, lead.Score)
	}
	// Output:
	// John Doe 2
	// Ada Example 1
}

// A list that this package does not know, of items that have no id but a number.
func ExampleAll_id() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{
		"data": [{"number": 2, "text": "called back"}, {"number": 1, "text": "called"}],
		"meta": {"total": 2, "page": 1, "per_page": 100}}`})
	client := server.Client()
	lead := "550e8400-e29b-41d4-a716-446655440000"

	type Note struct {
		Number int    `json:"number"`
		Text   string `json:"text"`
	}

	id := func(n *Note) string { return strconv.Itoa(n.Number) }
	for note, err := range leedo.All(ctx, client, "/leads/"+url.PathEscape(lead)+"/notes", id, leedo.WithMaxItems(100)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(note.Number, note.Text)
	}
	// Output:
	// 2 called back
	// 1 called
}

// Items as they came, for an archive.
func ExamplePages() {
	ctx := context.Background()
	server := leedotest.NewServer()
	server.AddLead(leedo.Lead{ID: "a1", Name: "John Doe"})
	client := server.Client()

	id := func(raw *json.RawMessage) string {
		var item struct{ ID string }
		json.Unmarshal(*raw, &item) // an empty id ends the iteration with an error
		return item.ID
	}
	for page, err := range leedo.Pages(ctx, client, "/leads", id) {
		if err != nil {
			log.Fatal(err)
		}
		for _, raw := range page.Data {
			fmt.Println(strings.HasPrefix(string(raw), `{"id":"a1"`))
		}
	}
	// Output: true
}

// clients are the clients of a program that works for several tenants.
type clients struct {
	mu    sync.Mutex
	byKey map[string]*leedo.Client
}

// of returns the client of a tenant, the same each time.
func (c *clients) of(tenant, token string) (*leedo.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.byKey[tenant]; client != nil {
		return client, nil
	}
	client, err := leedo.NewClient(token)
	if err == nil {
		c.byKey[tenant] = client
	}
	return client, err
}

// A quota belongs to a token, so each tenant has a client of its own.
func ExampleNewClient_tenants() {
	all := &clients{byKey: map[string]*leedo.Client{}}
	acme, err := all.of("acme", "token-of-acme")
	if err != nil {
		log.Fatal(err)
	}
	again, err := all.of("acme", "token-of-acme")
	if err != nil {
		log.Fatal(err)
	}
	other, err := all.of("other", "token-of-other")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(acme == again, acme == other)
	// Output: true false
}
