// Export writes all leads to standard output as CSV. It changes nothing.
//
//	LEEDO_API_TOKEN=... go run ./examples/export -wait > leads.csv
//
// If LEEDO_BASE_URL is set, it reads from that server. A page of 100 leads costs one
// request, so the Free plan, with 100 requests per hour, allows about 9,000 leads per
// hour. With -wait the export then waits for the next hour; without it, it ends with
// an error that says how to resume. With -prefetch 8 it fetches eight pages at a time,
// and may miss a lead if the list changes meanwhile (see leedo.WithPrefetch).
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "export:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) error {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error has the message
	wait := flags.Bool("wait", false, "wait until the quota is restored, for hours if necessary")
	first := flags.Int("page", 1, "the `page` to start with")
	ahead := flags.Int("prefetch", 0, "how many `pages` to fetch ahead")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
		}
		return err
	}
	if flags.NArg() > 0 || *first < 1 || *ahead < 0 {
		return errors.New("invalid arguments: want -wait, -page N of at least 1, and -prefetch N of at least 0")
	}

	opts := []leedo.Option{leedo.WithHooks(leedo.Hooks{
		Wait: func(_ context.Context, w leedo.WaitInfo) {
			fmt.Fprintf(stderr, "waiting until %s: %s\n", w.Until.Format(time.TimeOnly), w.Reason)
		},
	})}
	if base := strings.TrimSpace(getenv("LEEDO_BASE_URL")); base != "" {
		opts = append(opts, leedo.WithBaseURL(base))
	}
	if *wait {
		// By default a call waits for up to a minute. When the quota is exhausted, the
		// next page may have to wait for longer.
		opts = append(opts, leedo.WithMaxWait(leedo.NoMaxWait))
	}
	client, err := leedo.NewClient(strings.TrimSpace(getenv("LEEDO_API_TOKEN")), opts...)
	if err != nil {
		return err
	}
	return export(ctx, client, *first, *ahead, stdout)
}

// export writes the leads from the given page on. It flushes after each page, so that
// no lead is lost if a later page fails.
func export(ctx context.Context, client *leedo.Client, page, ahead int, stdout io.Writer) error {
	out := csv.NewWriter(stdout)
	if page == 1 {
		out.Write([]string{"id", "name", "email", "company", "status", "created_at"})
	}
	for p, err := range client.Leads.Pages(ctx, &leedo.LeadListParams{Page: page, PerPage: 100}, leedo.WithPrefetch(ahead)) {
		if err != nil {
			return fmt.Errorf("%w; resume with -page %d", err, page)
		}
		for _, l := range p.Data {
			out.Write([]string{l.ID, l.Name, l.Email, l.Company, string(l.Status), l.CreatedAt.Format(time.RFC3339)})
		}
		out.Flush()
		if err := out.Error(); err != nil {
			return err
		}
		page = p.Meta.Page + 1
	}
	out.Flush()
	return out.Error()
}
