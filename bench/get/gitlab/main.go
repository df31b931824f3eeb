// Gitlab reads one object with GitLab's client-go.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

func main() {
	id, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	client, err := gitlab.NewClient(os.Getenv("TOKEN"))
	if err != nil {
		log.Fatal(err)
	}
	milestone, _, err := client.Milestones.GetMilestone(7, id, gitlab.WithContext(context.Background()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(milestone.Title)
}
