// Stripe reads one object with stripe-go.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/stripe/stripe-go/v85"
)

func main() {
	client := stripe.NewClient(os.Getenv("TOKEN"))
	customer, err := client.V1Customers.Retrieve(context.Background(), os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(customer.Name)
}
