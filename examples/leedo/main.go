// Leedo is the Leedo CRM on the command line: it lists, reads, creates and changes
// records, imports CSV files, exports and mirrors all records, draws reports of a mirror,
// and finds out how the server behaves.
//
//	go run . --fake leads list
//
// needs no token and no network: --fake serves any command from memory. Otherwise
// LEEDO_API_TOKEN is the token and LEEDO_BASE_URL, if set, the server. README.md has
// the commands, --help their flags.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/leedoapp/leedo-go/examples/leedo/command"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a write that nobody reads is an error and ends nothing else
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(command.Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
