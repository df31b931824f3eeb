package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/leedoapp/leedo-go/examples/leedo/atomicfile"
	"github.com/leedoapp/leedo-go/examples/leedo/report"
	"github.com/rivo/uniseg"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const longReport = `Report prints what is in a mirror, the SQLite file that leedo mirror writes: leads by
status and by week, campaigns by their leads, accounts by their contacts. With --out it
also writes the figures as one HTML page that needs no other file and no network. It
makes no request to the CRM and changes nothing in the mirror.

Weeks begin on Monday, in UTC; the last is that of the newest lead.

Exit codes:
  0  success
  1  failure
  2  wrong usage, a file that is not a mirror, or a page that cannot be written there`

// report returns the command that reports on a mirror.
func (p *program) report() *cobra.Command {
	var db, out string
	var top int
	cmd := &cobra.Command{
		Use: "report --db FILE", Short: "Show what is in a mirror, as bars and as an HTML page", Long: longReport, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case db == "":
				return errors.New("--db: want the name of a file")
			case out == "" && cmd.Flags().Changed("out"):
				return errors.New("--out: want the name of a file")
			case top < 1:
				return fmt.Errorf("--top %d: must be at least 1", top)
			}
			p.running = true
			return p.runReport(cmd.Context(), db, out, top)
		},
	}
	cmd.Flags().StringVar(&db, "db", "", "the `file` of the mirror")
	cmd.Flags().StringVar(&out, "out", "", "write an HTML page to this `file`")
	cmd.Flags().IntVar(&top, "top", 10, "how many statuses, campaigns and accounts have a bar")
	cmd.MarkFlagRequired("db")
	return cmd
}

func (p *program) runReport(ctx context.Context, db, out string, top int) error {
	if out != "" {
		if err := writable(out, db); err != nil {
			return exitError{err, ExitUsage}
		}
	}
	r, err := report.Read(ctx, db, top)
	if err != nil {
		return err
	}
	if out != "" {
		if err := atomicfile.Write(out, r.WriteHTML); err != nil {
			return err
		}
	}
	return printReport(p.stdout, r, columns(p.stdout))
}

// writable reports as an error why the page cannot be written to out.
func writable(out, db string) error {
	page, err := os.Stat(out)
	mirror, failed := os.Stat(db)
	if err == nil && failed == nil && os.SameFile(page, mirror) {
		return fmt.Errorf("%s is the mirror: the page needs another --out", out)
	}
	return atomicfile.Writable(out)
}

// columns returns the width of the terminal that w is, or 80 if it is another file.
func columns(w io.Writer) int {
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

// printReport prints a report as bars that are as wide as the terminal.
func printReport(w io.Writer, r *report.Report, width int) error {
	if r.Empty() {
		_, err := fmt.Fprintln(w, "The mirror has no records.")
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "The CRM as of %s UTC\n", r.MirroredAt.Format("2006-01-02 15:04"))
	var records []string
	for _, f := range r.Records {
		records = append(records, fmt.Sprintf("%s %d", f.Label, f.Count))
	}
	line := strings.Join(records, ", ")
	if len(line) > width {
		line = strings.Join(records, ",\n")
	}
	text.WriteString(line + "\n")
	for _, chart := range r.Charts {
		text.WriteString("\n" + chart.Title + "\n")
		printChart(&text, chart, width)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// printChart prints a line for each figure: its label, the number and its bar.
func printChart(text *strings.Builder, chart report.Chart, width int) {
	const date = len("2006-01-02") // of a week, which is always whole
	largest, labels, numbers := 1, 0, 0
	figures := slices.Concat(chart.Bars, chart.Rest)
	for i := range figures {
		f := &figures[i]
		f.Label = report.Shorten(printable(f.Label), max(width*2/5, date))
		labels = max(labels, uniseg.StringWidth(f.Label))
		numbers = max(numbers, len(strconv.Itoa(f.Count)))
	}
	for _, f := range chart.Bars {
		largest = max(largest, f.Count)
	}
	if len(figures) == 0 {
		text.WriteString("  nothing to count\n")
	}
	space := max(width-labels-numbers-6, 1)
	for i, f := range figures {
		line := fmt.Sprintf("  %s%s  %*d  ", f.Label, strings.Repeat(" ", labels-uniseg.StringWidth(f.Label)), numbers, f.Count)
		if i < len(chart.Bars) {
			line += bar(f.Count, largest, space)
		}
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// bar returns a bar of blocks, in eighths of a column, for n of a largest number that
// takes all the space. Only zero has no bar.
func bar(n, largest, space int) string {
	const eighths = "▏▎▍▌▋▊▉"
	length := int(float64(n) / float64(largest) * float64(space*8))
	if n > 0 {
		length = max(length, 1)
	}
	text := strings.Repeat("█", length/8)
	if part := length % 8; part > 0 {
		text += string([]rune(eighths)[part-1])
	}
	return text
}
