// Limits runs an import and interactive calls at the same time, on a fake of the Leedo
// API with the Free plan, 100 requests per hour, and prints how long both waited.
//
//	go run ./examples/limits
//	go run ./examples/limits -equal
//
// An hour of the fake lasts four seconds, so that the program takes about nine. With
// -equal the import has the same priority as the interactive calls, which then wait
// for it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

const (
	leads   = 250 // to import: more than the quota of two hours
	workers = 8   // that import them
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("limits", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error has the message
	hour := flags.Duration("hour", 4*time.Second, "how long an hour of the fake lasts, 4s to 1h")
	equal := flags.Bool("equal", false, "give the import the priority of the interactive calls")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
		}
		return err
	}
	if flags.NArg() > 0 || *hour < 4*time.Second || *hour > time.Hour {
		return errors.New("invalid arguments: want -equal and -hour D, from 4s to 1h")
	}
	priority := leedo.PriorityBulk
	if *equal {
		priority = leedo.PriorityInteractive
	}

	every := *hour / 20 * 3
	fmt.Fprintf(stdout, "The fake has the Free plan, 100 requests per hour. An hour lasts %v here.\n", *hour)
	fmt.Fprintf(stdout, "%d workers import %d leads; meanwhile an interactive call gets a lead every %v.\n\n", workers, leads, every)
	r, err := sideBySide(ctx, *hour, every, priority)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "waited         calls    median      mean   longest")
	r.bulk.print(stdout, "import")
	r.interactive.print(stdout, "interactive")
	_, err = fmt.Fprintf(stdout, "\n%d requests in %v, %d of them rejected with 429.\n", r.requests, r.took.Round(time.Millisecond), r.rejected)
	return err
}

// result holds the figures of a run.
type result struct {
	bulk, interactive  waits
	requests, rejected int
	took               time.Duration
}

// sideBySide runs the import with the given priority, and makes interactive calls until
// it ends.
func sideBySide(ctx context.Context, hour, every time.Duration, priority leedo.Priority) (*result, error) {
	// Seconds are too coarse for an hour of a few seconds.
	server := leedotest.NewServer(leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds))
	server.SetRateLimit(int(leedotest.Free), hour)
	id := server.AddLead(leedo.Lead{Name: "Ada Example"}).ID
	// Without a maximum, no call fails and all waits are measured. A program that
	// serves users should keep the default for interactive calls.
	client := server.Client(leedo.WithMaxWait(leedo.NoMaxWait))

	var r result
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	start := time.Now()
	imported := make(chan struct{})
	var users sync.WaitGroup
	users.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			users.Go(func() { // the next call does not wait for this one
				r.interactive.measure(fail, func() error {
					_, err := client.Leads.Get(ctx, id)
					return err
				})
			})
			select {
			case <-imported:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})

	var (
		imports sync.WaitGroup
		last    atomic.Int64
	)
	for range workers {
		imports.Go(func() {
			for n := last.Add(1); n <= leads && ctx.Err() == nil; n = last.Add(1) {
				r.bulk.measure(fail, func() error {
					// By default calls are interactive, and only iterations are bulk.
					_, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: fmt.Sprint("Lead ", n)},
						leedo.WithPriority(priority))
					return err
				})
			}
		})
	}
	imports.Wait()
	close(imported)
	users.Wait()

	r.took = time.Since(start)
	for _, request := range server.Requests() {
		r.requests++
		if request.Status == http.StatusTooManyRequests {
			r.rejected++
		}
	}
	return &r, context.Cause(ctx)
}

// waits holds the durations of the calls of one kind. The fake responds immediately,
// so these are the times that the calls waited.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

// measure makes a call and records its duration.
func (w *waits) measure(fail context.CancelCauseFunc, call func() error) {
	start := time.Now()
	if err := call(); err != nil {
		fail(err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, time.Since(start))
}

func (w *waits) mean() time.Duration {
	var sum time.Duration
	for _, d := range w.all {
		sum += d
	}
	return sum / time.Duration(max(len(w.all), 1))
}

func (w *waits) median() time.Duration {
	if len(w.all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(w.all))[len(w.all)/2]
}

func (w *waits) longest() time.Duration { return slices.Max(append(w.all, 0)) }

func (w *waits) print(out io.Writer, name string) {
	unit := time.Millisecond
	if w.longest() > time.Minute {
		unit = time.Second
	}
	fmt.Fprintf(out, "%-12s %7d %9v %9v %9v\n", name, len(w.all),
		w.median().Round(unit), w.mean().Round(unit), w.longest().Round(unit))
}
