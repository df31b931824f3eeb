package docs_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strconv"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func Example_customFieldsWrite() {
	ctx := context.Background()
	server := leedotest.NewServer()
	client := server.Client()

	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"},
		leedo.WithBodyField("score", 7),
		leedo.WithBodyField("tags", []string{"fair", "warm"}))
	if err != nil {
		log.Fatal(err)
	}
	lead, err = client.Leads.Update(ctx, lead.ID, &leedo.LeadUpdateParams{},
		leedo.WithBodyField("score", 8))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Record(lead.ID)["score"], server.Record(lead.ID)["tags"])
	// Output: 8 [fair warm]
}

func Example_customFieldsRead() {
	ctx := context.Background()
	server := leedotest.NewServer()
	id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
	server.SetField(id, "score", 7)
	server.SetField(id, "tags", []string{"fair", "warm"})
	client := server.Client()
	var err error

	type MyLead struct {
		leedo.Lead
		Score *int     `json:"score"` // nil: null or absent
		Tags  []string `json:"tags"`
	}

	var my MyLead
	err = client.Do(ctx, "GET", "/leads/"+url.PathEscape(id), nil, &my)
	fmt.Println(err, my.Name, *my.Score, my.Tags)

	err = client.Do(ctx, "PATCH", "/leads/"+url.PathEscape(id), map[string]any{"score": 9}, &my)
	fmt.Println(err, my.Name, *my.Score, my.Tags)

	list := func() error {
		for lead, err := range leedo.All[MyLead](ctx, client, "/leads", nil) {
			if err != nil {
				return err
			}
			fmt.Println(lead.Name, lead.Tags)
		}
		return nil
	}
	fmt.Println(list())

	var page leedo.Page[MyLead]
	err = client.Do(ctx, "GET", "/leads", nil, &page, leedo.WithQuery("per_page", "50"))
	fmt.Println(err, page.Data[0].Name, *page.Data[0].Score, page.Meta.PerPage)
	// Output:
	// <nil> John Doe 7 [fair warm]
	// <nil> John Doe 9 [fair warm]
	// John Doe [fair warm]
	// <nil>
	// <nil> John Doe 9 50
}

// A list and a write that the SDK has no method for.
func Example_customEndpoints() {
	ctx := context.Background()
	server := leedotest.NewServer()
	isJSON := http.Header{"Content-Type": {"application/json"}}
	server.Inject(
		leedotest.Fault{Method: "GET", Path: "/leads/{id}/notes", Status: 200, Header: isJSON, Body: `{
			"data": [{"number": 2, "text": "called back"}, {"number": 1, "text": "called"}],
			"meta": {"total": 2, "page": 1, "per_page": 100}}`},
		leedotest.Fault{Method: "POST", Path: "/leads/{id}/notes", Status: 201, Header: isJSON, Body: `{"number": 3, "text": "called back"}`},
	)
	client := server.Client()
	leadID := "550e8400-e29b-41d4-a716-446655440000"

	list := func() error {
		type Note struct {
			Number int    `json:"number"`
			Text   string `json:"text"`
		}

		id := func(n *Note) string { return strconv.Itoa(n.Number) }
		for note, err := range leedo.All(ctx, client, "/leads/"+url.PathEscape(leadID)+"/notes", id) {
			if err != nil {
				return err
			}
			fmt.Println(note.Number, note.Text)
		}
		return nil
	}
	fmt.Println(list())

	type Note struct {
		Number int    `json:"number,omitzero"`
		Text   string `json:"text"`
	}
	note := Note{Text: "called back"}
	err := client.Do(ctx, "POST", "/leads/"+url.PathEscape(leadID)+"/notes", note, &note)
	fmt.Println(err, note.Number, server.Requests()[1].JSON())
	// Output:
	// 2 called back
	// 1 called
	// <nil>
	// <nil> 3 map[text:called back]
}

func Example_customParameters() {
	ctx := context.Background()
	client, err := leedo.NewClient("my-api-token", leedo.WithHeader("X-Team", "sales")) // every call
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)

	server := leedotest.NewServer()
	client = server.Client(leedo.WithHeader("X-Team", "sales"))
	list := func() {
		page, err := client.Leads.List(ctx, nil, leedo.WithQuery("sort", "name")) // this call
		fmt.Println(page.Meta.Total, err)
	}
	list()
	sent := server.Requests()[0]
	fmt.Println(sent.Query.Encode(), sent.Header.Get("X-Team"))
	// Output:
	// leedo.Client{token: ***}
	// 0 <nil>
	// sort=name sales
}

func Example_customResponse() {
	ctx := context.Background()
	client := leedotest.NewServer().Client()
	id := "unknown"

	var response leedo.Response
	_, err := client.Leads.Get(ctx, id, leedo.WithResponse(&response))
	fmt.Println(err, response.StatusCode, response.RequestID, len(response.Body))
	// Output: leedo: GET /leads/{id}: 404 not_found: no such lead (request req_1, 1 attempt) 404 req_1 55
}
