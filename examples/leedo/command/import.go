package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/importer"
	"github.com/leedoapp/leedo-go/examples/leedo/progress"
	"github.com/spf13/cobra"
)

const longImport = `Import creates a record for each row of a CSV file. The first row names the columns.
Wrong rows are rejected before anything is sent; of rows with the same e-mail address
the first is imported and the others are duplicates.

The same command again goes on where the last one stopped, whatever stopped it: the
state of each row is in the journal, so that none is created twice and none is lost.
Rows that may have been created when something failed are looked for in the list; those
that it does not settle stay "unknown" and are never sent again.

Exit codes, of which the largest that applies counts:
  0  every row was created or is a duplicate
  1  failure, or some rows were rejected or not sent
  2  wrong usage, configuration, file or journal; no record was sent
  3  the quota does not allow a call now, and --wait was not given or, after ten
     429s, gave up
  4  some rows may or may not have been created`

// imports returns the command that imports CSV files.
func (p *program) imports() *cobra.Command {
	opts := importer.Options{Map: map[string]string{}, Extra: map[string]string{}}
	cmd := &cobra.Command{
		Use: "import leads|accounts|contacts --file FILE", Short: "Import a CSV file", Long: longImport,
		ValidArgs: []string{"leads", "accounts", "contacts"}, Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch { // 0 means the default to package importer
			case opts.Concurrency == 0:
				return errors.New("--concurrency is 0")
			case opts.AttemptTimeout == 0:
				return errors.New("--attempt-timeout is 0")
			case opts.LookAfter == 0:
				opts.LookAfter = opts.AttemptTimeout
			}
			p.running = true
			opts.Resource, opts.Wait = args[0], p.wait
			return p.runImport(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.File, "file", "", "the CSV `file`, in UTF-8")
	flags.Func("map", "import a column as a field: `column=field`; may be repeated, as the next one", func(arg string) error {
		return addColumn(opts.Map, opts.Extra, arg)
	})
	flags.Func("extra", "import a column as a custom field: `column=field`", func(arg string) error {
		return addColumn(opts.Extra, opts.Map, arg)
	})
	flags.StringVar(&opts.Journal, "journal", "", "the `file` that the state of each row is kept in (default: FILE.journal)")
	flags.StringVar(&opts.Result, "result", "", "write what became of each row to this CSV `file`")
	flags.StringVar(&opts.Failed, "failed", "", "write the rows that were rejected or not sent to this CSV `file`, to be imported again")
	flags.IntVar(&opts.Concurrency, "concurrency", 4, "how many requests may be in flight")
	flags.DurationVar(&opts.AttemptTimeout, "attempt-timeout", 30*time.Second, "how long a request may take")
	flags.DurationVar(&opts.LookAfter, "look-after", 30*time.Second, "look for rows of unknown outcome that long after their requests; at least --attempt-timeout")
	flags.BoolVar(&opts.DryRun, "dry-run", false, "only check the file, and say how many calls it takes and about how long")
	cmd.MarkFlagRequired("file")
	return cmd
}

// addColumn adds column=field to the map of one flag, unless that or the map of the
// other has the column or the field. The name of a column may have a = in it.
func addColumn(columns, others map[string]string, arg string) error {
	at := max(strings.LastIndex(arg, "="), 0)
	column, field := strings.TrimSpace(arg[:at]), strings.TrimSpace(strings.TrimPrefix(arg[at:], "="))
	switch {
	case column == "" || field == "":
		return errors.New("want column=field")
	case !utf8.ValidString(arg):
		return errors.New("it is not UTF-8")
	}
	for _, known := range []map[string]string{columns, others} {
		if _, ok := known[column]; ok {
			return errors.New("the column is given twice")
		}
		if slices.Contains(slices.Collect(maps.Values(known)), field) {
			return errors.New("the field is given twice")
		}
	}
	columns[column] = field
	return nil
}

func (p *program) runImport(ctx context.Context, opts importer.Options) error {
	line := progress.New(p.stderr)
	hooks := line.Hooks()
	if opts.DryRun { // which shows no progress
		hooks = leedo.Hooks{Wait: p.announce}
	}
	clientOpts := p.options(hooks)
	var err error
	if p.fake {
		fake := newFake()
		opts.Client = fake.Client(append(clientOpts, leedo.WithHTTPClient(importer.HTTPClient(fake.HTTPClient())))...)
		// The records of the fake are gone when the program ends, and so must be the
		// journal that says they were created.
		if opts.Journal != "" {
			return exitError{errors.New("--journal is not for --fake, which forgets what was created"), ExitUsage}
		}
		dir, err := os.MkdirTemp("", "leedo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		opts.Journal = filepath.Join(dir, "journal")
	} else {
		opts.Client, err = leedo.NewClientFromEnv(append(clientOpts, leedo.WithHTTPClient(importer.HTTPClient(nil)))...)
		if err != nil {
			return err
		}
	}
	opts.Target = p.target()
	if opts.DryRun {
		return p.dryRun(ctx, opts)
	}
	opts.Report = func(s importer.Summary) {
		line.Set(s.Rows-s.NotSent-s.Unknown, s.Rows)
		line.Wait("looking for rows of unknown outcome", s.LookAt)
	}
	line.Start(opts.Client.RateLimit)
	summary, err := importer.Run(ctx, opts)
	line.Stop()
	p.note(summary)
	if err == nil || summary.Rows > 0 {
		if _, failed := fmt.Fprintln(p.stdout, counts(summary)); failed != nil && err == nil {
			err = fmt.Errorf("%w; %s", failed, counts(summary))
		}
	}
	return imported(summary, err)
}

// dryRun says what an import would take.
func (p *program) dryRun(ctx context.Context, opts importer.Options) error {
	summary, err := importer.Run(ctx, opts)
	p.note(summary)
	if err == nil {
		_, err = fmt.Fprintf(p.stdout, "%s\n%s\n", counts(summary), effort(summary, time.Now()))
	}
	summary.NotSent = 0 // that is no failure here
	return imported(summary, err)
}

// effort says how many calls the import takes and about how long.
func effort(s importer.Summary, now time.Time) string {
	if s.Calls+s.Open == 0 {
		return "no calls are needed"
	}
	calls := s.Calls + 1 // the first one reads the quota
	text := fmt.Sprintf("%s will be done %s", count(calls, "call"), bulkDoneAt(calls, s.RateLimit, now))
	if s.Open > 0 {
		text += fmt.Sprintf("\nand one for each 100 records of the list, to look for %d of the rows", s.Open)
	}
	return text
}

// counts says what became of the rows.
func counts(s importer.Summary) string {
	return fmt.Sprintf("%s: %d created, %d duplicate, %d rejected, %d unknown, %d not sent",
		count(s.Rows, "row"), s.Created, s.Duplicate, s.Rejected, s.Unknown, s.NotSent)
}

// note says what is wrong with the file: the columns that are not imported and the
// first rows that were rejected.
func (p *program) note(s importer.Summary) {
	for _, column := range s.Ignored {
		fmt.Fprintf(p.stderr, "column %s is not imported: see --map and --extra\n", printable(column))
	}
	const most = 10
	for i, r := range s.Rejections {
		if i == most {
			fmt.Fprintf(p.stderr, "and %d more: --result has them all\n", len(s.Rejections)-most)
			return
		}
		fmt.Fprintf(p.stderr, "line %d: %s\n", r.Line, printable(r.Reason))
	}
}

// imported returns the error, and with it the exit code, of an import.
func imported(s importer.Summary, err error) error {
	code := ExitOK
	switch {
	case s.Unknown > 0:
		code = ExitUnknown
	case errors.Is(err, importer.ErrInput):
		code = ExitUsage
	case err != nil:
		code = failureCode(err)
	case s.Rejected > 0 || s.NotSent > 0:
		code = ExitFailed
	}
	if code == ExitOK {
		return nil
	}
	for _, part := range []struct {
		rows int
		text string
	}{
		{s.NotSent, "are not sent yet: the same command goes on"},
		{s.Open, "may or may not have been created: the same command looks for them"},
		{s.Unknown - s.Open, "may or may not have been created and stay unknown: look yourself"},
		{s.Rejected, "were rejected"},
	} {
		if part.rows == 0 {
			continue
		}
		text := fmt.Sprintf("%d of %d rows %s", part.rows, s.Rows, part.text)
		if err == nil {
			err = errors.New(text)
		} else {
			err = fmt.Errorf("%w; %s", err, text)
		}
	}
	return exitError{err, code}
}
