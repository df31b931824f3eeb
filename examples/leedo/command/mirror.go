package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/mirror"
	"github.com/leedoapp/leedo-go/examples/leedo/progress"
	"github.com/spf13/cobra"
)

const longMirror = `Mirror keeps a copy of all records in an SQLite file, with the tables leads, accounts,
contacts and campaigns.

A pass reads all lists and records them in one transaction, or not at all. Then it reads
what lists leave out, such as phone and updated_at, a record at a time, beginning with
those that have waited longest, until the quota ends. With --wait it waits for the quota
until all are read.

With --every there is one pass after the other, until the program is interrupted. A pass
that fails because of the quota, the network, the server or single records is followed
by the next.

Exit codes:
  0  the lists were recorded, or the program was interrupted with --every
  1  failure; some details could not be read, or another process has the mirror open
  2  wrong usage, configuration or file; nothing was sent
  3  the quota does not allow to read the lists, and --wait was not given`

// mirror returns the command that keeps a copy of all records.
func (p *program) mirror() *cobra.Command {
	var opts mirror.Options
	cmd := &cobra.Command{
		Use: "mirror --db FILE", Short: "Keep a copy of all records in an SQLite file", Long: longMirror, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.Every < 0 {
				return errors.New("--every must not be negative")
			}
			p.running = true
			opts.Wait = p.wait
			return p.runMirror(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.File, "db", "", "the SQLite `file`; it is created if it does not exist")
	cmd.Flags().DurationVar(&opts.Every, "every", 0, "make a pass that often, such as 1h, until interrupted")
	cmd.MarkFlagRequired("db")
	return cmd
}

func (p *program) runMirror(ctx context.Context, opts mirror.Options) error {
	var line *progress.Line // of the pass
	client, err := p.client(leedo.Hooks{
		Wait:   func(ctx context.Context, w leedo.WaitInfo) { line.Hooks().Wait(ctx, w) },
		Waited: func(ctx context.Context, w leedo.WaitInfo) { line.Hooks().Waited(ctx, w) },
	})
	if err != nil {
		return err
	}
	opts.Client, opts.Target = client, p.target()
	opts.Begin = func() {
		line = progress.New(p.stderr)
		line.Start(opts.Client.RateLimit)
	}
	opts.Report = func(done, total int) { line.Set(done, total) }
	opts.End = func(s mirror.Summary) error {
		line.Stop()
		if !s.Recorded {
			return nil
		}
		_, err := fmt.Fprintln(p.stdout, passed(s))
		return err
	}
	opts.Failed = func(err error, next time.Time) {
		fmt.Fprintf(p.stderr, "%s; the next pass begins at %s\n", printable(strings.TrimPrefix(err.Error(), "leedo: ")), clock(next, time.Now()))
	}
	err = mirror.Run(ctx, opts)
	if opts.Every > 0 && ctx.Err() != nil {
		return nil // that is how it ends
	}
	return err
}

// passed says what a pass has done.
func passed(s mirror.Summary) string {
	text := fmt.Sprintf("%d leads, %d accounts, %d contacts, %d campaigns: %d new, %d deleted",
		s.Records["leads"], s.Records["accounts"], s.Records["contacts"], s.Records["campaigns"], s.New, s.Deleted)
	if s.Due > 0 {
		text += fmt.Sprintf("; details of %d of %d read", s.Details, s.Due)
	}
	return text
}
