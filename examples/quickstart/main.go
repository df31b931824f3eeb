// Quickstart creates a lead, gets it, updates it, lists all leads, gets one that does
// not exist, and prints what remains of the quota.
//
//	go run ./examples/quickstart
//
// By default it calls the bundled fake and needs no token and no network. If
// LEEDO_BASE_URL is set, it calls that server with the token in LEEDO_API_TOKEN. With
// -live it calls the real API, where the lead that it creates remains.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/leedoapp/leedo-go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) error {
	client, where, err := connect(args, stderr, getenv)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, where)
	return tour(ctx, client, stdout)
}

// tour makes the calls of a first program. It stops at the first unexpected error.
func tour(ctx context.Context, client *leedo.Client, stdout io.Writer) error {
	step := func(format string, args ...any) { fmt.Fprintf(stdout, format+"\n", args...) }

	step("\n1. Create a lead")
	lead, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{
		Name:    "Ada Example",
		Email:   "ada@example.com",
		Company: "Example Inc",
	})
	if err != nil {
		return err
	}
	step("   %s, %s: status %q, id %s", lead.Name, lead.Company, lead.Status, lead.ID)

	step("\n2. Get it by its id")
	lead, err = client.Leads.Get(ctx, lead.ID)
	if err != nil {
		return err
	}
	step("   %s <%s>, created %s", lead.Name, lead.Email, lead.CreatedAt.Format("2006-01-02"))

	step("\n3. Update it: nil fields stay as they are")
	lead, err = client.Leads.Update(ctx, lead.ID, &leedo.LeadUpdateParams{
		Status: new(leedo.LeadStatusQualified),
		Phone:  new("+1234567890"),
	})
	if err != nil {
		return err
	}
	step("   status %q, phone %s, company still %s", lead.Status, lead.Phone, lead.Company)

	step("\n4. List all leads, up to 500, in pages of 100")
	count := 0
	for lead, err := range client.Leads.All(ctx, nil, leedo.WithMaxItems(500)) {
		if err != nil {
			return err
		}
		if count++; count <= 5 {
			step("   %s <%s>, %s", lead.Name, lead.Email, lead.Status)
		}
	}
	if count > 5 {
		step("   and %d more", count-5)
	}

	step("\n5. Get a lead that does not exist")
	_, err = client.Leads.Get(ctx, "00000000-0000-0000-0000-000000000000")
	notFound, ok := errors.AsType[*leedo.NotFoundError](err)
	switch {
	case ok:
		step("   a *leedo.NotFoundError, as expected: %v", notFound)
	case err != nil:
		return err
	default:
		return errors.New("the lead that does not exist was found")
	}

	step("\n6. Print the quota")
	if rate := client.RateLimit(); rate.Limit > 0 {
		step("   %d of %d requests left, until %s", rate.Remaining, rate.Limit, rate.Reset.Local().Format("15:04:05"))
	} else {
		step("   the server does not report one")
	}
	return nil
}
