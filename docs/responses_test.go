package docs_test

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func Example_responses() {
	ctx := context.Background()
	server := leedotest.NewServer()
	id := server.AddLead(leedo.Lead{Name: "John Doe"}).ID
	client := server.Client()

	type Deal struct {
		leedo.Lead
		Score    int       `json:"score"`
		ClosedAt time.Time `json:"closed_at"`
	}

	server.SetField(id, "score", "7")                       // a number in quotes
	server.SetField(id, "closed_at", "2025-10-01 12:00:00") // as a database prints it
	var deal Deal
	if err := client.Do(ctx, "GET", "/leads/"+url.PathEscape(id), nil, &deal); err != nil {
		log.Fatal(err)
	}
	fmt.Println(deal.Score, deal.ClosedAt)
	// Output: 7 2025-10-01 12:00:00 +0000 UTC
}
