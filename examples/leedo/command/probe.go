package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/atomicfile"
	"github.com/leedoapp/leedo-go/examples/leedo/probe"
	"github.com/spf13/cobra"
)

const longProbe = `Probe finds out how the server behaves where its documentation is silent, with at most
40 requests that only read. The report is JSON; standard error has it in short.
"cannot tell" is an open question: its "how" names the request that would settle it.
"server" is the Go expression of the fake of package leedotest that behaves the same,
as far as that was found out.

With --write it creates one lead, or two if the server ignores the Idempotency-Key,
and changes it. The API cannot delete leads: their ids are printed and in the report.

With --exhaust it also uses up the quota, which takes all the requests that are left
(up to one and a half times the limit, if the quota is restored meanwhile), to find
out what only a 429 shows. Other programs that use the token then get 429s, too. With
--wait it ends with one request after the reset, up to an hour later.

Exit codes, of which the largest that applies counts:
  0  success, whatever was found out
  1  failure; there is no report
  2  wrong usage or configuration, or --out cannot be written; nothing was sent
  3  fewer requests are left than it may take; nothing was written
  4  a lead may or may not have been created; there is a report`

// probe returns the command that finds out how the server behaves.
func (p *program) probe() *cobra.Command {
	var opts probe.Options
	var out string
	cmd := &cobra.Command{
		Use: "probe", Short: "Find out how the server behaves, with at most 40 requests", Long: longProbe, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.running = true
			opts.Wait = p.wait
			return p.runProbe(cmd.Context(), opts, out)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.Write, "write", false, "also create a lead, or two, and change it")
	flags.BoolVar(&opts.Exhaust, "exhaust", false, "also use up the quota")
	flags.StringVar(&out, "out", "", "write the report to this `file` instead of standard output")
	return cmd
}

func (p *program) runProbe(ctx context.Context, opts probe.Options, out string) error {
	client, err := p.client(leedo.Hooks{}, p.probeOptions(opts)...)
	if err != nil {
		return err
	}
	opts.Client, opts.Target = client, p.target()
	opts.Note = func(text string) { fmt.Fprintln(p.stderr, printable(text)) }
	if out != "" {
		if err := atomicfile.Writable(out); err != nil {
			return exitError{err, ExitUsage}
		}
	}
	report, err := probe.Run(ctx, opts)
	if report == nil {
		return err
	}
	if failed := p.printReport(report, out); err == nil {
		err = failed
	}
	return err
}

// probeOptions returns options for a client that makes one request for each call.
func (p *program) probeOptions(opts probe.Options) []leedo.Option {
	options := []leedo.Option{leedo.WithoutRateLimiter()}
	if !p.fake { // which has a transport of its own
		transport := http.DefaultTransport.(*http.Transport).Clone()
		// net/http may send a request twice on a connection that was used before.
		// Thousands of connections for --exhaust would take long.
		transport.DisableKeepAlives = !opts.Exhaust
		options = append(options, leedo.WithHTTPClient(&http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}))
	}
	return options
}

// printReport writes the report to a file, or to standard output, and in short to
// standard error.
func (p *program) printReport(report *probe.Report, out string) error {
	table := tabwriter.NewWriter(p.stderr, 0, 0, 2, ' ', 0)
	for _, f := range report.Findings {
		fmt.Fprintf(table, "%s\t%s\n", f.Question, printable(f.Result))
	}
	table.Flush()
	fmt.Fprintf(p.stderr, "%d requests; the fake that behaves the same:\n%s\n", report.Requests, report.Server)

	write := func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	if out != "" {
		return atomicfile.Write(out, write)
	}
	return write(p.stdout)
}
