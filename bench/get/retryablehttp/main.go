// Retryablehttp reads one object with go-retryablehttp and its defaults.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

type lead struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Company   string    `json:"company"`
	Phone     string    `json:"phone"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func main() {
	l, err := get(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Name)
}

func get(ctx context.Context, id string) (*lead, error) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, "https://api.leedo.app/v1/leads/"+url.PathEscape(id), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
	req.Header.Set("Accept", "application/json")
	resp, err := retryablehttp.NewClient().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("the server responded with %s", resp.Status)
	}
	l := new(lead)
	return l, json.NewDecoder(resp.Body).Decode(l)
}
