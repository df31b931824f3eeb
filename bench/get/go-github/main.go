// Go-github reads one object with go-github.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/google/go-github/v89/github"
)

func main() {
	number, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	client, err := github.NewClient(github.WithAuthToken(os.Getenv("TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	milestone, _, err := client.Issues.GetMilestone(context.Background(), "o", "r", number)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(milestone.GetTitle())
}
