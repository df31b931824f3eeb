// Leedo reads one object with leedo-go.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/leedoapp/leedo-go"
)

func main() {
	client, err := leedo.NewClient(os.Getenv("TOKEN"))
	if err != nil {
		log.Fatal(err)
	}
	lead, err := client.Leads.Get(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lead.Name)
}
