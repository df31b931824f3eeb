// The first program of README.md: it prints all leads of the organization whose token
// is in LEEDO_API_TOKEN. It changes nothing.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/leedoapp/leedo-go"
)

func main() {
	client, err := leedo.NewClientFromEnv() // the token in LEEDO_API_TOKEN
	if err != nil {
		log.Fatal(err)
	}
	for lead, err := range client.Leads.All(context.Background(), nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(lead.Name, lead.Email)
	}
}
