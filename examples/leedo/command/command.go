// Package command is the command line of the leedo program, made with cobra: the
// commands, their flags, what they print and the codes they exit with.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/exporter"
	"github.com/leedoapp/leedo-go/examples/leedo/mirror"
	"github.com/leedoapp/leedo-go/examples/leedo/probe"
	"github.com/leedoapp/leedo-go/examples/leedo/report"
	"github.com/spf13/cobra"
)

// The exit codes of the program. If several apply, the largest counts.
const (
	// ExitOK is success; of an import, that every row was created or is a
	// duplicate.
	ExitOK = 0
	// ExitFailed is a failure; of an import, also that rows were rejected or not
	// sent.
	ExitFailed = 1
	// ExitUsage is wrong usage or configuration. Nothing was sent.
	ExitUsage = 2
	// ExitQuota is that the quota does not allow a call now, and there was no
	// --wait, or the API rejected the call with a 429 again and again.
	ExitQuota = 3
	// ExitUnknown is that a record may or may not have been written.
	ExitUnknown = 4
)

const long = `Leedo lists, reads, creates and changes the records of the Leedo CRM, imports CSV
files, exports and mirrors all records, draws reports of a mirror, and finds out how the
server behaves.

Environment:
  LEEDO_API_TOKEN  the API token; not needed with --fake
  LEEDO_BASE_URL   the server, if it is not https://api.leedo.app/v1

Exit codes, of which the largest that applies counts:
  0  success; after an import: every row was created or is a duplicate
  1  failure; after an import: some rows were rejected or not sent
  2  wrong usage or configuration; nothing was sent
  3  the quota does not allow the call now, and --wait was not given or, after
     ten 429s, gave up
  4  a record may or may not have been written

An error is one line on standard error, the last one, and begins with "leedo: ".`

// program is one run of the program.
type program struct {
	stdout, stderr io.Writer
	fake, wait     bool
	running        bool // the command line is right
}

// Run runs the program with the arguments that follow its name and returns its exit
// code. When ctx ends, so does what it is doing.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr}
	root := p.root()
	root.SetArgs(append([]string{}, args...)) // nil would be those of the process
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitOK
	}
	text := strings.TrimPrefix(err.Error(), "leedo: ")
	code := p.exitCode(err)
	switch {
	case !p.running:
		text += fmt.Sprintf(" (see %s --help)", cmd.CommandPath())
	case p.wait && code == ExitQuota && isLimited(err):
		text += "; --wait gives up after ten 429s"
	}
	fmt.Fprintf(stderr, "leedo: %s\n", printable(text))
	return code
}

// exitError is an error with an exit code of its own.
type exitError struct {
	error
	code int
}

// Unwrap returns the error.
func (e exitError) Unwrap() error { return e.error }

// exitCode returns the exit code for an error. Cobra has no type for wrong usage: it
// is whatever fails before a command runs.
func (p *program) exitCode(err error) int {
	if e, ok := errors.AsType[exitError](err); ok {
		return e.code
	}
	if !p.running || isAny(err, leedo.ErrInvalidArgument, exporter.ErrInput, mirror.ErrInput, report.ErrNoMirror) {
		return ExitUsage
	}
	return failureCode(err)
}

// failureCode returns the exit code for the error of a call.
func failureCode(err error) int {
	if _, ok := errors.AsType[*leedo.UnknownOutcomeError](err); ok {
		return ExitUnknown
	}
	// A wait that was interrupted may be joined with the 429 before it.
	if isLimited(err) && !errors.Is(err, context.Canceled) || isAny(err, mirror.ErrTooLong, probe.ErrQuota) {
		return ExitQuota
	}
	return ExitFailed
}

func isLimited(err error) bool {
	_, ok := errors.AsType[*leedo.RateLimitError](err)
	return ok
}

// isAny reports whether err matches any of the targets.
func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

func (p *program) root() *cobra.Command {
	root := group("leedo", "The Leedo CRM on the command line")
	root.Long = long
	root.Version = leedo.Version
	root.SilenceErrors, root.SilenceUsage = true, true // Run prints the error
	root.PersistentFlags().BoolVar(&p.fake, "fake", false, "use a fake server in memory with some hundred records")
	root.PersistentFlags().BoolVar(&p.wait, "wait", false, "wait for the quota, for hours if need be, instead of failing")
	root.AddCommand(
		recordCommands(p, leads), recordCommands(p, accounts), recordCommands(p, contacts), recordCommands(p, campaigns),
		p.imports(), p.export(), p.mirror(), p.report(), p.probe(), p.quota(),
	)
	return root
}

// group returns a command that only has others below it. It runs, with its help, so
// that cobra rejects arguments that are no command.
func group(use, short string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return cmd.Help()
	}}
}

// leaf returns a command that calls the API.
func (p *program) leaf(use, short string, args cobra.PositionalArgs, run func(context.Context, *leedo.Client, []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		p.running = true
		client, err := p.client(leedo.Hooks{Wait: p.announce})
		if err != nil {
			return err
		}
		return run(cmd.Context(), client, args)
	}}
}

// client returns a client of the API, or of the fake.
func (p *program) client(hooks leedo.Hooks, opts ...leedo.Option) (*leedo.Client, error) {
	opts = append(p.options(hooks), opts...)
	if p.fake {
		return newFake().Client(opts...), nil
	}
	return leedo.NewClientFromEnv(opts...)
}

// target names the API that the clients send to.
func (p *program) target() string {
	if p.fake {
		return "fake"
	}
	return cmp.Or(strings.TrimRight(strings.TrimSpace(os.Getenv("LEEDO_BASE_URL")), "/"), "https://api.leedo.app/v1")
}

// options are those of every client.
func (p *program) options(hooks leedo.Hooks) []leedo.Option {
	wait := time.Second // not 0, with which a call fails if a response in flight is yet to say what is left
	if p.wait {
		wait = leedo.NoMaxWait
	}
	return []leedo.Option{leedo.WithUserAgent("leedo-cli/" + leedo.Version), leedo.WithHooks(hooks), leedo.WithMaxWait(wait)}
}

// announce says what the program waits for, so that it does not look stuck.
func (p *program) announce(_ context.Context, w leedo.WaitInfo) {
	fmt.Fprintf(p.stderr, "waiting until %s (%s)\n", w.Until.Local().Format(time.TimeOnly), w.Reason)
}
