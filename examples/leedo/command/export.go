package command

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/crm"
	"github.com/leedoapp/leedo-go/examples/leedo/exporter"
	"github.com/leedoapp/leedo-go/examples/leedo/progress"
	"github.com/spf13/cobra"
)

const longExport = `Export writes all records of a resource to a file, in the order of the list. CSV has
the documented fields as columns, JSONL each record as the API sent it, on a line.

Lists leave out some fields, such as phone and updated_at. --details reads each record
by its id, too, and first says how many requests that takes.

The file is there when all of it has been written. If an export ends before that, the
same command goes on with it, unless the total or the first page of the list has changed
since: then it starts again. FILE.part and FILE.part.state are what it goes on with.

Exit codes:
  0  the file is complete
  1  failure, or another process is exporting to the file
  2  wrong usage, configuration or file; no request was sent
  3  the quota is exhausted, and --wait was not given: the same command goes on`

// export returns the command that writes a list to a file.
func (p *program) export() *cobra.Command {
	var opts exporter.Options
	cmd := &cobra.Command{
		Use: "export leads|accounts|contacts|campaigns --out FILE --format csv|jsonl", Short: "Write all records to a file", Long: longExport,
		ValidArgs: crm.Names(), Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.running = true
			opts.Resource = args[0]
			if opts.File == "-" {
				return p.exportToStdout(cmd.Context(), opts)
			}
			return p.exportToFile(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.File, "out", "", "the `file`; - is standard output, without the means to go on")
	flags.StringVar(&opts.Format, "format", "", "csv or jsonl")
	flags.BoolVar(&opts.Details, "details", false, "read each record by its id, for the fields that lists leave out (not for contacts)")
	cmd.MarkFlagRequired("out")
	cmd.MarkFlagRequired("format")
	return cmd
}

func (p *program) exportToStdout(ctx context.Context, opts exporter.Options) error {
	client, err := p.client(leedo.Hooks{Wait: p.announce})
	if err != nil {
		return err
	}
	opts.Client = client
	first := true
	opts.Report = func(s exporter.Progress) {
		if first {
			p.cost(opts, s)
		}
		first = false
	}
	s, err := exporter.Write(ctx, p.stdout, opts)
	p.gone(s)
	return err
}

func (p *program) exportToFile(ctx context.Context, opts exporter.Options) error {
	line := progress.New(p.stderr)
	var mu sync.Mutex // for what is printed before the line
	shown := false    // the line, from the first page on
	before := func(text func()) {
		mu.Lock()
		defer mu.Unlock()
		if !shown {
			text()
		}
	}
	client, err := p.client(line.Hooks(), leedo.WithHooks(leedo.Hooks{Wait: func(ctx context.Context, w leedo.WaitInfo) {
		before(func() { p.announce(ctx, w) })
	}}))
	if err != nil {
		return err
	}
	opts.Client, opts.Target = client, p.target()
	opts.Note = func(text string) { before(func() { fmt.Fprintln(p.stderr, printable(text)) }) }
	opts.Report = func(s exporter.Progress) {
		before(func() {
			p.cost(opts, s)
			shown = true
		})
		line.Set(s.Done, s.Calls)
	}
	line.Start(opts.Client.RateLimit)
	s, err := exporter.Run(ctx, opts)
	line.Stop()
	p.gone(s)
	if err != nil && s.Records > 0 {
		err = fmt.Errorf("%w; %d of %d records are in %s: the same command goes on", err, s.Records, s.Total, opts.File+".part")
	}
	if err == nil {
		_, err = fmt.Fprintf(p.stdout, "%d records\n", s.Records)
	}
	return err
}

// cost says what the details cost, before the first of them is read.
func (p *program) cost(opts exporter.Options, s exporter.Progress) {
	if opts.Details {
		left := s.Calls - s.Done
		fmt.Fprintf(p.stderr, "%d requests for %d records with their details will be done %s\n",
			left, s.Total-s.Records, doneAt(left, opts.Client.RateLimit(), time.Now()))
	}
}

// gone says how many records have no details.
func (p *program) gone(s exporter.Progress) {
	if s.Gone > 0 {
		fmt.Fprintf(p.stderr, "records deleted meanwhile: %d; they are as the list had them, without details\n", s.Gone)
	}
}
