// Hcloud reads one object with hcloud-go.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

func main() {
	id, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	client := hcloud.NewClient(hcloud.WithToken(os.Getenv("TOKEN")))
	key, _, err := client.SSHKey.GetByID(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	if key == nil {
		log.Fatal("no such key")
	}
	fmt.Println(key.Name)
}
